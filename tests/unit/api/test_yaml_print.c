// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/yaml_print: what is printed and read back is the same tree, for every sample, for trees drawn
 * at random, and for every character that YAML has something against.
 */
#include "api/yaml_print.h"

#include "api/scalar.h"
#include "api/split.h"
#include "base/limits.h"
#include "base/rng.h"
#include "unit/api/api_test.h"

#include <dirent.h>

static struct api_value *parse(struct arena *arena, const char *text, size_t len)
{
	const struct api_yaml_text in = {.text = text, .len = len, .first_line = 1};
	struct api_yaml_error error;
	struct api_value *root;
	enum api_yaml r = api_yaml_parse(arena, &in, &root, &error);

	if (r != API_YAML_OK)
		fail_msg("%s: %.*s", r == API_YAML_BAD ? error.message : "empty", (int)len, text);
	return root;
}

static void expect_printed(const char *text, const char *want)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	assert_true(api_yaml_print(&out, parse(arena, text, strlen(text))));
	assert_string_equal(out.data, want);
	strbuf_done(&out);
}

/* Plain or not, the decoder would read the same type. */
static bool same_type(const struct api_value *a, const struct api_value *b)
{
	return a->is_plain == b->is_plain ||
	       (a->len > 0 && api_scalar_of(a->text) == API_SCALAR_TEXT);
}

static bool same_node(const struct api_value *a, const struct api_value *b, bool in_map)
{
	if (a->type != b->type || a->n != b->n || (in_map && strcmp(a->key, b->key) != 0))
		return false;
	return a->type != API_VALUE_SCALAR ||
	       (a->len == b->len && memcmp(a->text, b->text, a->len) == 0 && same_type(a, b));
}

static bool same_tree(const struct api_value *a, const struct api_value *b, bool in_map)
{
	const struct api_value *x = a->first, *y = b->first;

	if (!same_node(a, b, in_map))
		return false;
	for (; x && y; x = x->next, y = y->next)
		if (!same_tree(x, y, a->type == API_VALUE_MAP))
			return false;
	return !x && !y;
}

/* Prints, reads, and compares; prints the reading again, which must give the same line. */
static void expect_round_trip(const struct api_value *root)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *again;
	struct strbuf first, second;

	strbuf_init(&first, 64u << 20);
	strbuf_init(&second, 64u << 20);
	assert_true(api_yaml_print(&first, root));
	assert_null(memchr(first.data, '\n', first.len));
	again = parse(arena, first.data, first.len);
	if (!same_tree(root, again, false))
		fail_msg("another tree: %s", first.data);
	assert_true(api_yaml_print(&second, again));
	assert_string_equal(first.data, second.data);
	strbuf_done(&first);
	strbuf_done(&second);
}

static void what_is_printed_can_be_read_by_people(void **state)
{
	(void)state;
	expect_printed("a: 1\nb:\n- x\n- \"2\"\n- {c: true, d: ~}\n- []\n- {}\n",
		       "{\"a\": 1, \"b\": [x, \"2\", {\"c\": true, \"d\": ~}, [], {}]}");
	expect_printed("a: a plain text\n# comment\n", "{\"a\": \"a plain text\"}");
}

static void types_survive(void **state)
{
	(void)state;
	expect_printed("[1, -1, 0x1F, 0o17, 1e3, .inf, -.INF, .nan, true, False, null, Null, ~]",
		       "[1, -1, 0x1F, 0o17, 1e3, .inf, -.INF, .nan, true, False, null, Null, ~]");
	expect_printed("[\"1\", 'true', \"\", '~', \"null\"]",
		       "[\"1\", \"true\", \"\", \"~\", \"null\"]");
	/* Words and numbers of YAML 1.1, which others read. */
	expect_printed("[yes, no, on, off, 1:30, 010, 1_000]",
		       "[yes, no, on, off, 1:30, 010, 1_000]");
	expect_printed("[2024-01-02T03:04:05Z, 'yes']", "[2024-01-02T03:04:05Z, \"yes\"]");
	expect_printed("{a: , b: !!null '', c: !!str 1}",
		       "{\"a\": !!null \"\", \"b\": !!null \"\", \"c\": \"1\"}");
	expect_printed("[-, 10.0.0.0/8, 2001:db8::1, a b, ':', \"a:\"]",
		       "[\"-\", \"10.0.0.0/8\", 2001:db8::1, \"a b\", \":\", \"a:\"]");
}

static void nothing_ends_the_line(void **state)
{
	(void)state;
	expect_printed("a: |\n  x\n  y\n", "{\"a\": \"x\\u000ay\\u000a\"}");
	expect_printed("\"\\t\\r\\x07\\x7f\\N\\_\\L\\P\\\"\\\\/\\ufeff\\u00fc\\U0001F600\"",
		       "\"\\u0009\\u000d\\u0007\\u007f\\u0085\\u00a0\\u2028\\u2029\\\"\\\\/\\ufeff"
		       "\xc3\xbc\xf0\x9f\x98\x80\"");
	expect_printed("{\"---\": \"---\", '# x': '%y', \"a\\nb\": 1}",
		       "{\"---\": \"---\", \"# x\": \"%y\", \"a\\u000ab\": 1}");
}

static void every_code_point_survives(void **state)
{
	(void)state;
	for (uint32_t from = 1; from < 0x11000; from += 64) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct strbuf text;

		strbuf_init(&text, 4096);
		strbuf_add(&text, "\"");
		for (uint32_t code = from; code < from + 64; code++)
			if (code < 0xd800 || code > 0xdfff)
				strbuf_printf(&text, "\\U%08X", code);
		strbuf_add(&text, "\"");
		expect_round_trip(parse(arena, text.data, text.len));
		strbuf_done(&text);
	}
}

static void long_keys_and_deep_trees_survive(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct strbuf text;

	(void)state;
	for (size_t len = 1; len < 1 << 16; len = len * 3 / 2 + 1) {
		strbuf_init(&text, 1 << 20);
		strbuf_add(&text, "{? \"");
		for (size_t i = 0; i < len; i++)
			strbuf_add(&text, "\\t");
		strbuf_add(&text, "\" : {b: [1, 2]}, c: d}");
		expect_round_trip(parse(arena, text.data, text.len));
		strbuf_done(&text);
	}
	strbuf_init(&text, 1 << 20);
	for (int i = 0; i < LIMIT_YAML_DEPTH; i++)
		strbuf_add(&text, i % 2 ? "{a: " : "[");
	for (int i = LIMIT_YAML_DEPTH; i > 0; i--)
		strbuf_add(&text, i % 2 ? "]" : "}");
	expect_round_trip(parse(arena, text.data, text.len));
	strbuf_done(&text);
}

static void deeper_or_longer_than_can_be_read_is_refused(void **state)
{
	struct api_value nodes[LIMIT_YAML_DEPTH + 1];
	struct strbuf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		nodes[i] = (struct api_value){.type = API_VALUE_SEQUENCE,
					      .first = i + 1 < ARRAY_SIZE(nodes) ? &nodes[i + 1]
										 : NULL};
	strbuf_init(&out, 1 << 20);
	assert_true(api_yaml_print(&out, &nodes[1]));
	assert_false(api_yaml_print(&out, &nodes[0]));
	strbuf_done(&out);
	strbuf_init(&out, 5);
	assert_true(api_yaml_print(&out, &nodes[LIMIT_YAML_DEPTH - 1]));
	assert_false(api_yaml_print(&out, &nodes[LIMIT_YAML_DEPTH - 1]));
	strbuf_done(&out);
}

/* --- samples --------------------------------------------------------------------------------- */

static void sample_survives(const char *name)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	size_t len, n = 0;
	_cleanup_(freep) char *text = read_file(arena_printf(arena, SAMPLES "%s", name), &len);
	struct api_split split = api_split_init(text, len);
	struct api_yaml_text document;

	while (api_split_next(&split, &document)) {
		struct api_yaml_error error;
		struct api_value *root, *again;
		struct strbuf out;

		if (api_yaml_parse(arena, &document, &root, &error) != API_YAML_OK)
			continue;
		expect_round_trip(root);
		strbuf_init(&out, 1 << 20);
		assert_true(api_yaml_print(&out, root));
		again = parse(arena, out.data, out.len);
		assert_true(again->hash == root->hash);
		strbuf_done(&out);
		n++;
	}
	assert_true(n > 0);
}

static void every_sample_survives(void **state)
{
	DIR *dir = opendir(SAMPLES);
	const struct dirent *d;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((d = readdir(dir)))
		if (strstr(d->d_name, ".yaml")) {
			sample_survives(d->d_name);
			n++;
		}
	closedir(dir);
	assert_int_equal(n, 52 + 1); /* the blocks, and cases.yaml */
}

/* --- random trees ---------------------------------------------------------------------------- */

/* A text of pieces that mean something to YAML, of letters, and of longer characters. */
static const char *random_text(struct rng *rng, struct arena *arena)
{
	static const char *const pieces[] = {
		":",  "-",  "?",   "[",    "]",    "{",   "}",        ",",        "#",  "&",
		"*",  "!",  "|",   ">",    "'",    "\"",  "%",        "@",        "`",  " ",
		"\n", "\t", "\\",  "~",    "<<",   "---", "...",      "true",     "no", "0x1",
		"1",  "07", "1e3", ".inf", "null", "a",   "\x01",     "\x7f",     "=",  "1:2",
		"\r", ": ", " #",  "- ",   "? ",   "!!",  "\xc2\x85", "\xc3\xa9", "_",  "+",
	};
	const char *text = "";

	for (uint64_t n = rng_below(rng, 4); n > 0; n--)
		text = arena_printf(arena, "%s%s", text,
				    pieces[rng_below(rng, ARRAY_SIZE(pieces))]);
	return text;
}

/* What the parser could have found plain: at least everything that is not text. */
static bool may_be_plain(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-._~: ") == strlen(text);
}

static struct api_value *random_tree(struct rng *rng, struct arena *arena, unsigned depth)
{
	struct api_value *v = arena_new_of(arena, struct api_value), **at = &v->first;

	v->type = depth > 0 ? (enum api_value_type)rng_below(rng, 3) : API_VALUE_SCALAR;
	v->text = "";
	if (v->type == API_VALUE_SCALAR) {
		v->text = random_text(rng, arena);
		v->len = strlen(v->text);
		v->is_plain = may_be_plain(v->text) && rng_below(rng, 2);
		return v;
	}
	v->n = rng_below(rng, 5);
	for (size_t i = 0; i < v->n; i++) {
		*at = random_tree(rng, arena, depth - 1);
		if (v->type == API_VALUE_MAP)
			(*at)->key = random_text(rng, arena);
		at = &(*at)->next;
	}
	return v;
}

static void random_trees_survive(void **state)
{
	struct rng rng;

	(void)state;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_value *root;

		rng_seed(&rng, seed);
		root = random_tree(&rng, arena, 1 + (unsigned)(seed % 6));
		if (root->type == API_VALUE_SCALAR && root->is_plain && root->len == 0)
			continue; /* no document at all */
		expect_round_trip(root);
	}
}

/* --- objects --------------------------------------------------------------------------------- */

static void an_object_loses_what_nobody_reads_and_gains_its_kind(void **state)
{
	static const char text[] =
		"kind: wrong\nmetadata:\n  managedFields: [{manager: x}]\n  name: n\n  annotations:\n"
		"    kubectl.kubernetes.io/last-applied-configuration: '{}'\n    a: b\n"
		"spec: {kind: stays, managedFields: [stays], annotations: {a: b}}\n";
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1 << 20);
	assert_true(api_yaml_print_object(&out, parse(arena, text, strlen(text)), "v1", "Service"));
	assert_string_equal(
		out.data,
		"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": n, "
		"\"annotations\": {\"a\": b}}, \"spec\": {\"kind\": stays, "
		"\"managedFields\": [stays], \"annotations\": {\"a\": b}}}");
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_can_be_read_by_people),
		cmocka_unit_test(types_survive),
		cmocka_unit_test(nothing_ends_the_line),
		cmocka_unit_test(every_code_point_survives),
		cmocka_unit_test(long_keys_and_deep_trees_survive),
		cmocka_unit_test(deeper_or_longer_than_can_be_read_is_refused),
		cmocka_unit_test(every_sample_survives),
		cmocka_unit_test(random_trees_survive),
		cmocka_unit_test(an_object_loses_what_nobody_reads_and_gains_its_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
