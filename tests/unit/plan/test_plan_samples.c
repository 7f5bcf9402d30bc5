// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sample set to the plan: for each YAML block of the documents that users start from, what
 * sessions, routes, Services and problems come of it together with what it needs. The cases and
 * what they expect stand in tests/samples/cases.yaml, whose head says how they are written. That a
 * case is about its block is tested, too: with the block emptied it must come out otherwise.
 */
#include "api/split.h"
#include "fake/plan_outcome.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SAMPLES  "tests/samples/"
#define MAX_TEXT (1u << 20)

struct cases {
	struct arena *arena;
	const struct api_value *first; /* linked by next */
};

/* --- reading --------------------------------------------------------------------------------- */

static const char *read_text(struct arena *arena, const char *path, size_t *ret_len)
{
	_cleanup_(freep) char *text = xmalloc(MAX_TEXT);
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s cannot be opened; run this from the top of the tree", path);
	*ret_len = fread(text, 1, MAX_TEXT - 1, file);
	text[*ret_len] = '\0';
	fclose(file);
	return arena_strdup(arena, text);
}

static const char *block_text(struct arena *arena, const char *block, size_t *ret_len)
{
	return read_text(arena, arena_printf(arena, SAMPLES "%s.yaml", block), ret_len);
}

static struct api_value *parse(struct arena *arena, const struct api_yaml_text *in)
{
	struct api_value *root = NULL;
	struct api_yaml_error error = {0};

	if (api_yaml_parse(arena, in, &root, &error) != API_YAML_OK)
		fail_msg("line %u: %s", error.line, error.message ? error.message : "empty");
	return root;
}

static int load_cases(void **state)
{
	struct cases *c = xcalloc(1, sizeof(*c));
	struct api_yaml_text in = {.first_line = 1};

	c->arena = arena_new();
	in.text = read_text(c->arena, SAMPLES "cases.yaml", &in.len);
	c->first = parse(c->arena, &in)->first;
	*state = c;
	return 0;
}

static int drop_cases(void **state)
{
	struct cases *c = *state;

	arena_free(c->arena);
	free(c);
	return 0;
}

static const char *text_of(const struct api_value *map, const char *key)
{
	const struct api_value *v = api_value_get(map, key);

	return v ? v->text : NULL;
}

static const struct api_value *list_of(const struct api_value *map, const char *key)
{
	const struct api_value *v = api_value_get(map, key);

	return v ? v->first : NULL;
}

/* --- a case's world --------------------------------------------------------------------------- */

/* One object of a block: a source of its own. */
static void put_object(struct fixture *f, const char *block, const char *object)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_yaml_text document;
	struct api_split split;
	size_t len;
	const char *text = block_text(arena, block, &len);

	split = api_split_init(text, len);
	while (api_split_next(&split, &document)) {
		const struct api_value *root = parse(arena, &document);
		const char *name = text_of(api_value_get(root, "metadata"), "name");

		if (strcmp(arena_printf(arena, "%s/%s", text_of(root, "kind"), name), object) != 0)
			continue;
		world_put_source(f->world, arena_printf(arena, "%s %s", block, object),
				 document.text, document.len);
		return;
	}
	fail_msg("%s has no %s", block, object);
}

/* The case's block, with the words that it wants others for. */
static void put_block(struct fixture *f, const struct api_value *c)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	size_t len;
	const char *text = block_text(arena, text_of(c, "block"), &len);

	for (const struct api_value *w = list_of(c, "instead"); w; w = w->next) {
		const char *at = strstr(text, w->key);

		assert_non_null(at);
		text = arena_printf(arena, "%.*s%s%s", (int)(at - text), text, w->text,
				    at + strlen(w->key));
	}
	world_put_source(f->world, text_of(c, "block"), text, strlen(text));
}

/* "BLOCK", or "BLOCK KIND/NAME" */
static void put_needed(struct fixture *f, const char *what)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *space = strchr(what, ' ');
	size_t len;

	if (space) {
		put_object(f, arena_printf(arena, "%.*s", (int)(space - what), what), space + 1);
	} else {
		const char *text = block_text(arena, what, &len);

		world_put_source(f->world, what, text, len);
	}
}

/* "NAME OWN-ASN ROUTER-ASN ADDRESS" */
static void put_peer(struct fixture *f, const char *what)
{
	char name[64], address[64];
	unsigned own, router;
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	assert_int_equal(sscanf(what, "%63s %u %u %63s", name, &own, &router, address), 4);
	fixture_object(f, "BGPPeer", name, "",
		       arena_printf(arena, "spec: {myASN: %u, peerASN: %u, peerAddress: %s}", own,
				    router, address));
}

/* "NAMESPACE/NAME": it has a ready endpoint here, for whatever port. */
static void put_endpoint(struct fixture *f, const char *what)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *name = strchr(what, '/') + 1;

	fixture_put(f, arena_printf(arena, "slice %s", what),
		    arena_printf(arena,
				 "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: "
				 "{name: %s, namespace: %.*s, labels: {kubernetes.io/service-name: "
				 "%s}}, addressType: IPv4, ports: [{name: '', port: 8080}, {name: "
				 "https, port: 8443}], endpoints: [{addresses: [10.244.0.5], "
				 "nodeName: node-a}]}",
				 name, (int)(name - 1 - what), what, name));
}

/* "NAME POOL", and " ADDRESS" if it asks for one; pool "-": whichever. */
static void put_service(struct fixture *f, const char *what)
{
	char name[64], pool[64], address[64];
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const int n = sscanf(what, "%63s %63s %63s", name, pool, address);
	const char *meta = "";

	assert_in_range(n, 2, 3);
	if (strcmp(pool, "-") != 0)
		meta = arena_printf(arena, "metallb.io/address-pool: %s", pool);
	if (n == 3)
		meta = arena_printf(arena, "%s%smetallb.io/loadBalancerIPs: %s", meta,
				    meta[0] ? ", " : "", address);
	fixture_object(f, "Service", name, arena_printf(arena, "annotations: {%s}", meta),
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}");
	put_endpoint(f, arena_printf(arena, "default/%s", name));
}

/* The labels that a kubelet would set, but for those that the case gives another value. */
static void put_node(struct fixture *f, const struct api_value *labels)
{
	static const char *const own[][2] = {{"kubernetes.io/hostname", "node-a"},
					     {"kubernetes.io/os", "linux"}};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *text = "";

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!labels || !api_value_get(labels, own[i][0]))
			text = arena_printf(arena, "%s%s: %s, ", text, own[i][0], own[i][1]);
	for (const struct api_value *l = labels ? labels->first : NULL; l; l = l->next)
		text = arena_printf(arena, "%s%s: '%s', ", text, l->key, l->text);
	fixture_object(f, "Node", "node-a", arena_printf(arena, "labels: {%s}", text), "");
}

static void put_all(struct fixture *f, const struct api_value *items,
		    void (*put)(struct fixture *f, const char *what))
{
	for (; items; items = items->next)
		put(f, items->text);
}

enum variant {
	AS_WRITTEN,
	EMPTIED,      /* without its block */
	WITH_PREPEND, /* localPref towards eBGP as the length of the AS path */
};

/* The outcome of a case. */
static void run_case(const struct api_value *c, enum variant variant, struct strbuf *ret)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const char *address = text_of(c, "address"), *more = text_of(c, "more");

	if (address)
		assert_true(ip_addr_parse(address, &f->addrs[0].addr));
	put_node(f, api_value_get(c, "node"));
	put_all(f, list_of(c, "with"), put_needed);
	put_all(f, list_of(c, "peers"), put_peer);
	put_all(f, list_of(c, "services"), put_service);
	put_all(f, list_of(c, "endpoints"), put_endpoint);
	if (more)
		fixture_put(f, "more", more);
	if (variant != EMPTIED)
		put_block(f, c);
	if (variant == WITH_PREPEND)
		fixture_object(f, "LodestoneConfig", "default", "",
			       "spec: {bgp: {ebgpLocalPref: prepend}}");
	assert_in_range(fixture_converge(f, 10), 0, 9);
	fixture_outcome(f, ret);
}

/* --- tests ------------------------------------------------------------------------------------ */

static char *wanted(const struct api_value *c)
{
	struct strbuf s;

	strbuf_init(&s, MAX_TEXT);
	for (const struct api_value *line = list_of(c, "want"); line; line = line->next)
		strbuf_printf(&s, "%s\n", line->text);
	return s.data ? s.data : xstrdup("");
}

static char *outcome(const struct api_value *c, enum variant variant)
{
	struct strbuf s;

	strbuf_init(&s, MAX_TEXT);
	run_case(c, variant, &s);
	return s.data ? s.data : xstrdup("");
}

/* All that fail are told, since one rule makes many of them. */
static void every_case_comes_out_as_written_down(void **state)
{
	const struct cases *cases = *state;
	size_t n_failed = 0;

	for (const struct api_value *c = cases->first; c; c = c->next) {
		_cleanup_(freep) char *want = wanted(c);
		_cleanup_(freep) char *got = outcome(c, AS_WRITTEN);

		if (strcmp(got, want) == 0)
			continue;
		fprintf(stderr, "case %s wants\n%sand is\n%s\n", text_of(c, "case"), want, got);
		n_failed++;
	}
	assert_int_equal(n_failed, 0);
}

static void case_fails_when_its_block_is_emptied(void **state)
{
	const struct cases *cases = *state;
	size_t n_failed = 0;

	for (const struct api_value *c = cases->first; c; c = c->next) {
		_cleanup_(freep) char *want = wanted(c);
		_cleanup_(freep) char *got = outcome(c, EMPTIED);

		if (strcmp(got, want) != 0)
			continue;
		print_error("case %s says nothing of %s\n", text_of(c, "case"),
			    text_of(c, "block"));
		n_failed++;
	}
	assert_int_equal(n_failed, 0);
}

static bool tells_of_local_pref(const struct api_value *c)
{
	for (const struct api_value *line = list_of(c, "want"); line; line = line->next)
		if (strstr(line->text, "LocalPrefOnEbgp"))
			return true;
	return false;
}

/* "ROUTE of PEER" as wanted, with its steps of localPref, if it has some, behind the prefix. */
static void want_prepended(const struct api_value *c, const char *route, struct strbuf *s)
{
	const char *rest = strchr(route, '/'), *steps = NULL;
	size_t len;

	assert_non_null(rest);
	len = (size_t)(rest - route) + strcspn(rest, " ");
	for (const struct api_value *p = list_of(c, "prepend"); p; p = p->next)
		if (strncmp(p->text, route, len) == 0 && p->text[len] == ' ')
			steps = p->text + len + 1;
	strbuf_printf(s, "route %.*s%s%s%s\n", (int)len, route, steps ? " prepend " : "",
		      steps ? steps : "", route + len);
}

/*
 * With ebgpLocalPref: prepend each case comes out as with none, but for the longer AS paths, which
 * the case tells, and without the problem that localPref is carried nowhere.
 */
static void local_pref_becomes_the_length_of_the_as_path(void **state)
{
	static const char route[] = "route ";
	const struct cases *cases = *state;
	size_t n = 0, n_failed = 0;

	for (const struct api_value *c = cases->first; c; c = c->next) {
		_cleanup_(freep) char *got = outcome(c, WITH_PREPEND);
		struct strbuf want;

		strbuf_init(&want, MAX_TEXT);
		for (const struct api_value *line = list_of(c, "want"); line; line = line->next)
			if (strncmp(line->text, route, strlen(route)) == 0)
				want_prepended(c, line->text + strlen(route), &want);
			else if (!strstr(line->text, "LocalPrefOnEbgp"))
				strbuf_printf(&want, "%s\n", line->text);
		n += tells_of_local_pref(c);
		if (strcmp(got, want.data ? want.data : "") != 0) {
			fprintf(stderr, "case %s, prepended, wants\n%sand is\n%s\n",
				text_of(c, "case"), want.data, got);
			n_failed++;
		}
		free(want.data);
	}
	assert_int_equal(n_failed, 0);
	assert_in_range(n, 15, SIZE_MAX); /* eBGP is what most of the documents have */
}

static bool has_case(const struct cases *cases, const char *block)
{
	for (const struct api_value *c = cases->first; c; c = c->next)
		if (strcmp(text_of(c, "block"), block) == 0)
			return true;
	return false;
}

static void every_block_has_a_case(void **state)
{
	const struct cases *cases = *state;
	DIR *dir = opendir(SAMPLES);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir));) {
		const char *end = strstr(e->d_name, ".yaml");

		if (!end || strcmp(e->d_name, "cases.yaml") == 0)
			continue;
		n++;
		if (!has_case(cases, arena_printf(cases->arena, "%.*s", (int)(end - e->d_name),
						  e->d_name)))
			fail_msg("%s has no case", e->d_name);
	}
	closedir(dir);
	assert_int_equal(n, 52);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_comes_out_as_written_down),
		cmocka_unit_test(case_fails_when_its_block_is_emptied),
		cmocka_unit_test(local_pref_becomes_the_length_of_the_as_path),
		cmocka_unit_test(every_block_has_a_case),
	};

	return cmocka_run_group_tests(tests, load_cases, drop_cases);
}
