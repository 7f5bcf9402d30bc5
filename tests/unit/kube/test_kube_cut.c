// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_cut: what is cut from a text is what a tree of it would hold of what is kept.
 */
#include "kube/kube_cut.h"
#include "kube/kube_json.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES (1u << 20)
#define N_RANDOM   3000
#define N_SPOILT   20

/* NULL: it is no object. Owned by who asks. */
static char *cut(enum kube_kind kind, const char *text, struct kube_cut *ret)
{
	struct strbuf out;

	strbuf_init(&out, TEXT_BYTES);
	if (kube_cut_object(text, strlen(text), kube_resource(kind), &out, ret))
		return out.data;
	strbuf_done(&out);
	return NULL;
}

/* --- the same by a tree ----------------------------------------------------------------------- */

static bool has_prefix(const char *name, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (strncmp(name, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

/* 0: nothing at or below the path is kept; 1: something below it; 2: all of it. */
static int kept_at(const char *path, const char *const *keep)
{
	for (; *keep; keep++) {
		if (strcmp(path, *keep) == 0)
			return 2;
		if (strncmp(path, *keep, strlen(path)) == 0 && (*keep)[strlen(path)] == '.')
			return 1;
	}
	return 0;
}

static cJSON *reduced(const cJSON *value, const char *path, const struct kube_resource *r)
{
	const bool is_meta = strncmp(path, "metadata", strlen("metadata")) == 0;
	const char *const *keep = !is_meta    ? r->keep
				  : r->is_own ? kube_keep_own_metadata
					      : kube_keep_metadata;
	const char *const *prefixes = strcmp(path, "metadata.annotations") == 0
					      ? kube_keep_annotations
				      : strcmp(path, "metadata.labels") == 0 ? r->label_prefixes
									     : NULL;
	const cJSON *member;
	cJSON *ret;

	if (cJSON_IsArray(value)) {
		ret = cJSON_CreateArray();
		cJSON_ArrayForEach(member, value) cJSON_AddItemToArray(
			ret, cJSON_IsObject(member) ? reduced(member, path, r)
						    : cJSON_Duplicate(member, true));
		return ret;
	}
	if (!cJSON_IsObject(value))
		return cJSON_Duplicate(value, true);
	ret = cJSON_CreateObject();
	cJSON_ArrayForEach(member, value)
	{
		char at[4096];
		int kept;

		(void)snprintf(at, sizeof(at), "%s%s%s", path, *path ? "." : "", member->string);
		kept = prefixes                      ? 2 * has_prefix(member->string, prefixes)
		       : strcmp(at, "metadata") == 0 ? 1
						     : kept_at(at, keep);
		if (strcmp(at, "metadata.labels") == 0 && r->label_prefixes)
			kept = 1;
		if (strcmp(at, "metadata.annotations") == 0 && kept)
			kept = 1;
		if (kept == 1)
			cJSON_AddItemToObject(ret, member->string, reduced(member, at, r));
		else if (kept == 2)
			cJSON_AddItemToObject(ret, member->string, cJSON_Duplicate(member, true));
	}
	return ret;
}

static cJSON *expected(const cJSON *object, const struct kube_resource *r)
{
	cJSON *ret = reduced(object, "", r);

	cJSON_AddStringToObject(ret, "apiVersion", r->group_version);
	cJSON_AddStringToObject(ret, "kind", r->kind);
	return ret;
}

/* --- random objects --------------------------------------------------------------------------- */

static void space(struct strbuf *s, struct rng *rng)
{
	static const char *const some[] = {"", "", "", "", " ", "\n\t", "\r "};

	strbuf_add(s, some[rng_below(rng, ARRAY_SIZE(some))]);
}

static void value(struct strbuf *s, struct rng *rng, unsigned depth);

static void members(struct strbuf *s, struct rng *rng, unsigned depth)
{
	static const char *const names[] = {"metadata",
					    "name",
					    "namespace",
					    "labels",
					    "annotations",
					    "metallb.io/a",
					    "other/b",
					    "kubernetes.io/x",
					    "spec",
					    "ports",
					    "endpoints",
					    "addresses",
					    "conditions",
					    "status",
					    "loadBalancer",
					    "managedFields",
					    "podCIDRs",
					    "taints",
					    "key",
					    "type",
					    "data",
					    "password",
					    "addressType",
					    "ownerReferences",
					    "uid",
					    "selector",
					    "clusterIP",
					    "sessionAffinityConfig",
					    "nodeName",
					    "metadata.name",
					    "resourceVersion"};
	uint32_t used = 0;

	strbuf_add(s, "{");
	for (unsigned n = (unsigned)rng_below(rng, 7), is_first = 1; n > 0; n--) {
		const unsigned i = (unsigned)rng_below(rng, ARRAY_SIZE(names));

		if (used & (1u << i))
			continue; /* of equal names trees of cJSON's compare only the first */
		used |= 1u << i;
		strbuf_printf(s, "%s", is_first ? "" : ",");
		is_first = 0;
		space(s, rng);
		strbuf_printf(s, "\"%s\"", names[i]);
		space(s, rng);
		strbuf_add(s, ":");
		space(s, rng);
		value(s, rng, depth + 1);
		space(s, rng);
	}
	strbuf_add(s, "}");
}

static void value(struct strbuf *s, struct rng *rng, unsigned depth)
{
	static const char *const plain[] = {
		"true", "false",      "null",  "0",           "-12.5e+3",         "4200000000",
		"\"\"", "\"a\\\"b\"", "\"x\"", "\"\\u0021\"", "\"\xc3\xa9 \\n\"", "\"10.0.0.1\""};
	const uint64_t what = rng_below(rng, 10);

	if (depth < 5 && what < 4) {
		members(s, rng, depth);
		return;
	}
	if (depth >= 5 || what < 8) {
		strbuf_add(s, plain[rng_below(rng, ARRAY_SIZE(plain))]);
		return;
	}
	strbuf_add(s, "[");
	for (uint64_t n = rng_below(rng, 4), i = 0; i < n; i++) {
		strbuf_add(s, i ? "," : "");
		space(s, rng);
		value(s, rng, depth + 1);
	}
	strbuf_add(s, "]");
}

/* --- the tests -------------------------------------------------------------------------------- */

static void assert_as_by_a_tree(enum kube_kind kind, const char *text)
{
	cJSON *object = cJSON_Parse(text), *want = expected(object, kube_resource(kind)), *got;
	struct kube_cut parts;
	char *out = cut(kind, text, &parts);
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(object, "metadata");
	const char *name = kube_json_text(cJSON_IsObject(meta) ? meta : NULL, "name");

	assert_non_null(out);
	got = cJSON_Parse(out);
	if (!cJSON_Compare(got, want, true))
		fail_msg("%s\nis cut to\n%s", text, out);
	/* Names with escapes are none. */
	if (name && !strpbrk(name, "\"\n!"))
		assert_true(parts.name.len == strlen(name) &&
			    memcmp(parts.name.text, name, parts.name.len) == 0);
	assert_int_equal(!parts.status.text, !cJSON_GetObjectItemCaseSensitive(object, "status"));
	cJSON_Delete(object);
	cJSON_Delete(want);
	cJSON_Delete(got);
	free(out);
}

/* Whatever is taken, spoilt or not, is JSON, and so is what comes of it. */
static void assert_what_is_taken_is_json(enum kube_kind kind, char *text, struct rng *rng)
{
	static const char bytes[] = "{}[]\",:\\0e.-tn x";

	for (int i = 0; i < N_SPOILT; i++) {
		char *at = &text[rng_below(rng, strlen(text))];
		const char was = *at;
		struct kube_cut parts;
		char *out;

		*at = bytes[rng_below(rng, sizeof(bytes) - 1)];
		out = cut(kind, text, &parts);
		if (out) {
			cJSON *before = cJSON_Parse(text), *after = cJSON_Parse(out);

			if (!before || !after)
				fail_msg("%s\nis cut to\n%s", text, out);
			cJSON_Delete(before);
			cJSON_Delete(after);
		}
		free(out);
		*at = was;
	}
}

static void a_cut_text_is_the_cut_tree(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 15);
	for (int i = 0; i < N_RANDOM; i++) {
		const enum kube_kind kind = (enum kube_kind)rng_below(&rng, KUBE_N_KINDS);
		struct strbuf text;

		strbuf_init(&text, TEXT_BYTES);
		members(&text, &rng, 0);
		assert_as_by_a_tree(kind, text.data);
		assert_what_is_taken_is_json(kind, text.data, &rng);
		strbuf_done(&text);
	}
}

static void what_is_no_json_is_not_taken(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{} {}",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{\"a\":1",
		"{\"a\":[1,]}",
		"{\"a\":[1 2]}",
		"{\"a\":[}",
		"{\"spec\":[1,]}",
		"{\"spec\":01}",
		"{\"a\":-}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":1e}",
		"{\"a\":+1}",
		"{\"a\":tru}",
		"{\"a\":nul}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"",
		"{\"a\":\"\\",
		"{,}",
		"{\"a\":1 \"b\":2}",
	};
	struct kube_part type, object;
	struct kube_cut parts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (cut(KUBE_PEER, bad[i], &parts))
			fail_msg("%s is taken", bad[i]);
		assert_false(kube_cut_event(bad[i], strlen(bad[i]), &type, &object));
	}
}

static void names_are_looked_for_where_they_stand(void **state)
{
	static const char object[] = "{\"name\":\"no\",\"metadata\":{\"labels\":{\"name\":\"no\"},"
				     "\"name\":\"web\",\"name\":\"no\",\"namespace\":5,"
				     "\"n\\u0061mespace\":\"no\",\"resourceVersion\":\"7\"},"
				     "\"spec\":{\"status\":1},\"status\":{\"a\":[1, 2]}}";
	struct kube_cut parts;
	char *out;

	(void)state;
	out = cut(KUBE_PEER, object, &parts);
	assert_memory_equal(parts.name.text, "web", 3);
	assert_int_equal(parts.name.len, 3);
	assert_null(parts.ns.text);
	assert_memory_equal(parts.version.text, "7", 1);
	assert_memory_equal(parts.status.text, "{\"a\":[1, 2]}", parts.status.len);
	assert_int_equal(parts.status.len, strlen("{\"a\":[1, 2]}"));
	assert_string_equal(out, "{\"apiVersion\":\"metallb.io/v1beta2\",\"kind\":\"BGPPeer\","
				 "\"metadata\":{\"labels\":{\"name\":\"no\"},\"name\":\"web\","
				 "\"name\":\"no\",\"namespace\":5},\"spec\":{\"status\":1}}");
	free(out);
}

/* Nothing that is looked for needs escapes, and names as long as a path is are looked for by none.
 */
static void names_that_nobody_has_are_no_names(void **state)
{
	static const char escaped[] = "{\"metadata\":{\"name\":\"w\\u0065b\",\"annotations\":{"
				      "\"metallb.io/\\u0061\":\"1\",\"metallb.io/b\":\"2\"}}}";
	struct kube_cut parts;
	char *out = cut(KUBE_NODE, escaped, &parts);

	(void)state;
	assert_null(parts.name.text);
	assert_string_equal(out, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":"
				 "\"w\\u0065b\",\"annotations\":{\"metallb.io/b\":\"2\"}}}");
	free(out);
	for (int len = 1; len < 100; len++) {
		char key[128] = "", text[1024];

		memset(key, 'k', (size_t)len);
		(void)snprintf(text, sizeof(text),
			       "{\"%s\":1,\"metadata\":{\"%s\":1,\"name\":\"n\"},"
			       "\"spec\":{\"taints\":[{\"%s\":1}]}}",
			       key, key, key);
		out = cut(KUBE_NODE, text, &parts);
		assert_string_equal(out, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{"
					 "\"name\":\"n\"},\"spec\":{\"taints\":[{}]}}");
		free(out);
	}
}

/* A path is short; the name of an annotation or label need not be. */
static void long_names_are_kept_by_how_they_begin(void **state)
{
	(void)state;
	for (int len = 1; len < 100; len++) {
		char key[128] = "", text[1024], want[1024];
		struct kube_cut parts;
		char *out;

		memset(key, 'k', (size_t)len);
		(void)snprintf(
			text, sizeof(text),
			"{\"metadata\":{\"labels\":{\"%s\":\"1\",\"kubernetes.io/%s\":\"2\"},"
			"\"annotations\":{\"%s\":\"1\",\"metallb.io/%s\":\"2\"}}}",
			key, key, key, key);
		(void)snprintf(want, sizeof(want),
			       "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
			       "\"metadata\":{\"labels\":{\"kubernetes.io/%s\":\"2\"},"
			       "\"annotations\":{\"metallb.io/%s\":\"2\"}}}",
			       key, key);
		out = cut(KUBE_SLICE, text, &parts);
		assert_string_equal(out, want);
		free(out);
	}
}

static void an_event_has_a_type_and_an_object(void **state)
{
	static const char text[] = " {\"x\":[{}],\"type\":\"ADDED\",\"object\": {\"a\":1} }\n";
	struct kube_part type, object;

	(void)state;
	assert_true(kube_cut_event(text, strlen(text), &type, &object));
	assert_memory_equal(type.text, "ADDED", type.len);
	assert_int_equal(type.len, strlen("ADDED"));
	assert_memory_equal(object.text, "{\"a\":1}", object.len);
	assert_int_equal(object.len, strlen("{\"a\":1}"));
	assert_true(kube_cut_event("{}", 2, &type, &object));
	assert_null(type.text);
	assert_null(object.text);
	assert_false(kube_cut_event("{\"type\":5}", strlen("{\"type\":5}"), &type, &object));
}

/* The quick way over ASCII ends where it does. */
static void characters_are_looked_at_one_by_one_where_they_have_to_be(void **state)
{
	char text[24];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		memset(text, 'a', sizeof(text));
		assert_true(kube_json_is_text(text, len));
		for (size_t i = 0; i < len; i++) {
			text[i] = '\0';
			assert_false(kube_json_is_text(text, len));
			text[i] = '\x80';
			assert_false(kube_json_is_text(text, len));
			text[i] = '\x7f';
			assert_true(kube_json_is_text(text, len));
			text[i] = '\x01';
			assert_true(kube_json_is_text(text, len));
			text[i] = 'a';
			if (i == 0)
				continue;
			memcpy(&text[i - 1], "\xc3\xa9", 2);
			assert_true(kube_json_is_text(text, len));
			memcpy(&text[i - 1], "aa", 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_text_is_the_cut_tree),
		cmocka_unit_test(what_is_no_json_is_not_taken),
		cmocka_unit_test(names_are_looked_for_where_they_stand),
		cmocka_unit_test(names_that_nobody_has_are_no_names),
		cmocka_unit_test(long_names_are_kept_by_how_they_begin),
		cmocka_unit_test(an_event_has_a_type_and_an_object),
		cmocka_unit_test(characters_are_looked_at_one_by_one_where_they_have_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
