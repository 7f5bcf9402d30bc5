// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/yaml: the tree with its lines, the hash, and a readable reason for everything refused.
 */
#include "api/yaml.h"

#include "base/limits.h"
#include "unit/api/api_test.h"

static enum api_yaml parse(struct arena *arena, const char *text, struct api_value **root,
			   struct api_yaml_error *error)
{
	const struct api_yaml_text in = {.text = text, .len = strlen(text), .first_line = 1};

	return api_yaml_parse(arena, &in, root, error);
}

/* A text that can be read, though it may have faults. */
static struct api_value *parsed(struct arena *arena, const char *text)
{
	struct api_yaml_error error;
	struct api_value *root;

	if (parse(arena, text, &root, &error) != API_YAML_OK)
		fail_msg("%s: %s", text, error.message);
	return root;
}

struct yaml_case {
	const char *text;
	unsigned line;
	const char *message;
};

static void a_document_becomes_a_tree_with_lines(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *text = "# comment\n"
			   "a: 1\n"
			   "b:\n"
			   "  - x\n"
			   "  - \"y\"\n"
			   "c: {d: e}\n"
			   "f:\n"
			   "  g.h/i: 1\n"
			   "  j: [k]\n";
	struct api_yaml_text in = {.text = text, .len = strlen(text), .first_line = 10};
	struct api_yaml_error error;
	struct api_value *root;
	const struct api_value *v;

	(void)state;
	assert_int_equal(api_yaml_parse(arena, &in, &root, &error), API_YAML_OK);
	assert_int_equal(root->type, API_VALUE_MAP);
	assert_int_equal(root->n, 4);
	assert_int_equal(root->line, 11);
	v = api_value_get(root, "a");
	assert_string_equal(v->text, "1");
	assert_true(v->is_plain);
	v = api_value_get(root, "b");
	assert_int_equal(v->type, API_VALUE_SEQUENCE);
	assert_int_equal(v->line, 12);
	assert_false(v->first->next->is_plain);
	assert_string_equal(v->first->next->text, "y");
	assert_null(api_value_get(root, "z"));
	assert_int_equal(api_value_line(root, "b[1]"), 14);
	assert_int_equal(api_value_line(root, "c.d"), 15);
	assert_int_equal(api_value_line(root, "b[7].x"), 12);
	assert_int_equal(api_value_line(root, "f[g.h/i]"), 17);
	assert_int_equal(api_value_line(root, "f[j][0]"), 18);
	assert_int_equal(api_value_line(root, "f[z]"), 16);
	assert_int_equal(api_value_line(root, NULL), 11);
}

static void nothing_but_comments_is_empty(void **state)
{
	static const char *const texts[] = {"", "# x\n", "---\n", "--- # x\n\n", "---\n...\n"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_yaml_error error;
	struct api_value *root;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(parse(arena, texts[i], &root, &error), API_YAML_EMPTY);
}

static void what_cannot_be_read_says_line_and_reason(void **state)
{
	static const struct yaml_case cases[] = {
		{"a:\n\tb: 1\n", 2, "a tab in the indentation"},
		{"a:\n  b: 1\n c: 2\n", 3, "the line belongs to nothing above it"},
		{"a: b: c\n", 1, "a key stands where none can"},
		{"a: @b\n", 1, "a value starts with a character that YAML reserves"},
		{"a: [1, 2\nb: 3\n", 2, "a list in brackets has no end"},
		{"a: \"b\n", 1, "a quoted value has no end"},
		{"a: 1\n--- \nb: 2\n", 2, "text after the end of the document"},
		{"{a: 1}\n{b: 2}\n", 2, "text after the end of the document"},
		{"a: 1\nb: \x01\n", 2, "a control character"},
		{"a: 1\r\rb: \x01\r", 3, "a control character"},
		{"a: \xed\xa0\x80\n", 1,
		 "a code that is no character, such as half a pair of UTF-16"},
		{"a: 1\n\xff", 2, "a byte that is not UTF-8, or half a character at the end"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_yaml_error error = {0};
		struct api_value *root;

		if (parse(arena, cases[i].text, &root, &error) != API_YAML_BAD)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.line, cases[i].line);
		assert_string_equal(error.reason, "BadYAML");
		assert_non_null(error.remedy);
	}
}

/* The first fault of a tree. */
static const struct api_fault *find_fault(const struct api_value *v)
{
	const struct api_fault *fault = v->fault;

	for (const struct api_value *c = v->first; c && !fault; c = c->next)
		fault = find_fault(c);
	return fault;
}

static const struct yaml_case faults[] = {
	{"a: 1\nb: !thing 1\n", 2, "a tag (!name) that is not supported"},
	{"b: !!set {c}\n", 1, "a tag (!name) that is not supported"},
	{"b: !list [c]\n", 1, "a tag (!name) that is not supported"},
	{"b:\n- \"x\\0y\"\n", 2, "a NUL character in a value"},
	{"b:\n  \"x\\0y\": 1\n", 2, "a NUL character in a key"},
	{"? [c, {d: e}]\n: b\n", 1, "a key that is a list or a map"},
	{"b: {? {c: d} : e, f: g}\n", 1, "a key that is a list or a map"},
	{"b: *x\n", 1, "an alias (*name) without an anchor (&name) above it"},
	{"b: [*x, &x c]\n", 1, "an alias (*name) without an anchor (&name) above it"},
	{"b: {*x : c}\n", 1, "an alias (*name) without an anchor (&name) above it"},
	{"a: &x [b]\n*x : c\n", 2, "a key that is a list or a map"},
	{"b: &x\n  c: *x\n", 2, "an alias (*name) inside the value that it stands for"},
	{"b: &x\n- [{c: [*x]}]\n", 2, "an alias (*name) inside the value that it stands for"},
	{"b: &x {<<: *x}\n", 1, "an alias (*name) inside the value that it stands for"},
	{"b:\n  <<: c\n", 2, "a merge key (<<) of something that is no map"},
	{"b:\n  <<: [{c: d}, e]\n", 2, "a merge key (<<) of something that is no map"},
	{"b: {<<: [[{c: d}]]}\n", 1, "a merge key (<<) of something that is no map"},
};

static void what_no_object_needs_costs_the_value_it_stands_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const char *text = arena_printf(arena, "%szz: last\n", faults[i].text);
		const struct api_fault *fault;
		struct api_value *root;

		root = parsed(arena, text);
		fault = find_fault(root);
		if (!fault || strcmp(fault->message, faults[i].message) != 0)
			fail_msg("%s: %s", text, fault ? fault->message : "no fault");
		assert_int_equal(fault->line, faults[i].line);
		assert_non_null(fault->remedy);
		/* What follows is read on. */
		assert_string_equal(api_value_get(root, "zz")->text, "last");
	}
}

static void nesting_beyond_the_limit_costs_the_innermost_value(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char text[4 * LIMIT_YAML_DEPTH + 8] = "";
	struct api_value *root;

	(void)state;
	memset(text, '[', LIMIT_YAML_DEPTH);
	memset(text + LIMIT_YAML_DEPTH, ']', LIMIT_YAML_DEPTH);
	root = parsed(arena, text);
	assert_null(find_fault(root));
	assert_int_equal(root->height, LIMIT_YAML_DEPTH);
	memset(text, '[', LIMIT_YAML_DEPTH + 9);
	memset(text + LIMIT_YAML_DEPTH + 9, ']', LIMIT_YAML_DEPTH + 9);
	root = parsed(arena, text);
	assert_string_equal(find_fault(root)->message, "nested too deeply: more than 64 levels");
	assert_int_equal(root->height, LIMIT_YAML_DEPTH);
}

static const struct api_value *tree_of(struct arena *arena, const char *text)
{
	struct api_value *root;

	root = parsed(arena, text);
	if (find_fault(root))
		fail_msg("%s: %s", text, find_fault(root)->message);
	return root;
}

static uint64_t hash_of(const char *text)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	return tree_of(arena, text)->hash;
}

/* But for the lines, and the order of a map's keys. */
static bool is_same(const struct api_value *a, const struct api_value *b)
{
	const struct api_value *d = b->first;

	if (a->type != b->type || a->n != b->n || a->hash != b->hash || a->weight != b->weight ||
	    a->height != b->height)
		return false;
	if (a->type == API_VALUE_SCALAR)
		return a->is_plain == b->is_plain && a->len == b->len &&
		       strcmp(a->text, b->text) == 0;
	for (const struct api_value *c = a->first; c; c = c->next, d = d->next) {
		const struct api_value *other =
			a->type == API_VALUE_MAP ? api_value_get(b, c->key) : d;

		if (!c->is_duplicate && (!other || !is_same(c, other)))
			return false;
	}
	return true;
}

/* Each pair means the same. */
static void aliases_and_merge_keys_are_as_if_written_out(void **state)
{
	static const struct {
		const char *with, *without;
	} cases[] = {
		{"a: &x 1\nb: *x", "a: 1\nb: 1"},
		{"a: &x \"1\"\nb: [*x, *x]", "a: \"1\"\nb: [\"1\", \"1\"]"},
		{"a: &x {c: [d]}\nb: *x", "a: {c: [d]}\nb: {c: [d]}"},
		{"a: &x {c: &y [d]}\nb: [*y, *x]", "a: {c: [d]}\nb: [[d], {c: [d]}]"},
		{"a: &x 1\nb: &x 2\nc: *x", "a: 1\nb: 2\nc: 2"},
		{"&x a: 1\nb: *x\n*x : 2", "a: 1\nb: a\na: 2"},
		{"a: &x ~\nb: *x", "a: ~\nb: ~"},
		{"&x 5: 1\nb: *x", "5: 1\nb: 5"},
		{"&x \"5\": 1\nb: *x", "5: 1\nb: \"5\""},
		{"a: &x {c: 1}\nb: {<<: *x}", "a: {c: 1}\nb: {c: 1}"},
		{"a: &x {c: 1, d: 2}\nb: {d: 3, <<: *x}", "a: {c: 1, d: 2}\nb: {c: 1, d: 3}"},
		{"a: &x {c: 1, d: 2}\nb: {<<: *x, d: 3}", "a: {c: 1, d: 2}\nb: {c: 1, d: 3}"},
		{"a: &x {c: 1}\nb: &z {c: 2, d: 3}\ne: {<<: [*x, *z]}",
		 "a: {c: 1}\nb: {c: 2, d: 3}\ne: {c: 1, d: 3}"},
		{"a: &x {c: 1}\nb: &z {c: 2, d: 3}\ne: {<<: *z, <<: *x}",
		 "a: {c: 1}\nb: {c: 2, d: 3}\ne: {c: 2, d: 3}"},
		{"a: &x {c: 1}\nb: &z {<<: *x, d: 3}\ne: {<<: *z}",
		 "a: {c: 1}\nb: {c: 1, d: 3}\ne: {c: 1, d: 3}"},
		{"b: {<<: {c: 1}, d: 2}", "b: {c: 1, d: 2}"},
		{"b: {!!merge <<: {c: 1}}", "b: {c: 1}"},
		{"b: {<<: []}", "b: {}"},
		{"b: {\"<<\": {c: 1}}", "b: {'<<': {c: 1}}"},
		{"b: {!!str <<: {c: 1}}", "b: {'<<': {c: 1}}"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!is_same(tree_of(arena, cases[i].with), tree_of(arena, cases[i].without)))
			fail_msg("%s", cases[i].with);
	assert_false(hash_of("b: {\"<<\": {c: 1}}") == hash_of("b: {c: 1}"));
}

static void a_merged_key_is_no_duplicate_and_has_its_anchors_line(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;
	const struct api_value *b;

	(void)state;
	root = parsed(arena, "a: &x\n"
			     "  c: 1\n"
			     "  d: 2\n"
			     "b:\n"
			     "  d: 3\n"
			     "  <<: *x\n"
			     "  e: 4\n"
			     "  e: 5\n");
	b = api_value_get(root, "b");
	assert_int_equal(b->n, 4);
	assert_string_equal(api_value_get(b, "d")->text, "3");
	assert_int_equal(api_value_line(root, "b.c"), 2);
	for (const struct api_value *v = b->first; v; v = v->next)
		assert_int_equal(v->is_duplicate, strcmp(v->text, "5") == 0);
	assert_int_equal(api_value_get(root, "a")->n, 2); /* untouched */
}

/* Each line ten times the one above: a thousand characters that stand for a billion values. */
static void aliases_that_grow_without_measure_are_cut_off(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *text = "l0: &l0 [lol]\n";
	struct api_value *root;

	(void)state;
	for (int i = 1; i < 10; i++) {
		text = arena_printf(arena, "%sl%d: &l%d [", text, i, i);
		for (int k = 0; k < 10; k++)
			text = arena_printf(arena, "%s*l%d%s", text, i - 1, k < 9 ? ", " : "]\n");
	}
	root = parsed(arena, text);
	assert_string_equal(find_fault(root)->message, "too large with its aliases written out: "
						       "more than 64 times its text, or 4 MiB");
	assert_true(root->weight < (LIMIT_ALIAS_FACTOR + 4) * strlen(text));
	assert_null(find_fault(api_value_get(root, "l2")));
}

/* Lists of nothing have no text that would be counted: they are counted themselves. */
static void aliases_of_empty_lists_are_cut_off_as_well(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;
	struct strbuf text;

	(void)state;
	strbuf_init(&text, 1 << 20);
	strbuf_add(&text, "a: &a [");
	for (int i = 0; i < 1000; i++)
		strbuf_add(&text, "[],");
	strbuf_add(&text, "]\nb: [");
	for (int i = 0; i < 1000; i++)
		strbuf_add(&text, "*a,");
	strbuf_add(&text, "]\n");
	root = parsed(arena, text.data);
	assert_null(find_fault(api_value_get(root, "a")));
	assert_non_null(find_fault(api_value_get(root, "b")));
	strbuf_done(&text);
}

static void aliases_of_long_texts_stay_below_the_size_of_a_document(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;
	struct strbuf text;

	(void)state;
	strbuf_init(&text, 1 << 21);
	strbuf_add(&text, "a: &x ");
	for (int i = 0; i < 1 << 20; i++)
		strbuf_add(&text, "x");
	strbuf_add(&text, "\nb: [*x, *x, *x, *x, *x, *x]\nc: {*x : *x}\n");
	root = parsed(arena, text.data);
	assert_non_null(find_fault(api_value_get(root, "b")));
	assert_non_null(api_value_get(root, "c")->fault); /* a key is not for nothing */
	assert_true(root->weight < LIMIT_DOCUMENT_BYTES + text.len + 4096);
	strbuf_done(&text);
}

/* A million characters in keys weigh no less than in a text. */
static void aliases_of_long_keys_stay_below_the_size_of_a_document(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;
	struct strbuf text;

	(void)state;
	strbuf_init(&text, 1 << 21);
	strbuf_add(&text, "a: &x {");
	for (int i = 0; i < 1000; i++)
		strbuf_add(&text, arena_printf(arena, "k%0999d: 1,", i));
	strbuf_add(&text, "}\nb: [*x, *x, *x]\nc: [*x, *x, *x]\n");
	root = parsed(arena, text.data);
	assert_null(find_fault(api_value_get(root, "b")));
	assert_non_null(find_fault(api_value_get(root, "c")));
	strbuf_done(&text);
}

static void depth_is_counted_with_aliases_written_out(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;
	const char *text = "- &l0 []\n";

	(void)state;
	for (int i = 1; i < LIMIT_YAML_DEPTH; i++)
		text = arena_printf(arena, "%s- &l%d [*l%d]\n", text, i, i - 1);
	root = parsed(arena, text);
	assert_int_equal(root->height, LIMIT_YAML_DEPTH);
	assert_string_equal(find_fault(root)->message,
			    "nested too deeply: more than 64 levels with its aliases written out");
}

static void anchors_beyond_the_limit_are_told_when_used(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;
	struct strbuf text;

	(void)state;
	strbuf_init(&text, 1 << 20);
	for (int i = 0; i <= LIMIT_YAML_ANCHORS; i++)
		strbuf_printf(&text, "- &a%d x\n", i);
	root = parsed(arena, text.data);
	assert_null(find_fault(root));
	strbuf_printf(&text, "- *a%d\n", LIMIT_YAML_ANCHORS - 1);
	root = parsed(arena, text.data);
	assert_null(find_fault(root));
	strbuf_printf(&text, "- *a%d\n", LIMIT_YAML_ANCHORS);
	root = parsed(arena, text.data);
	assert_string_equal(find_fault(root)->message,
			    "an alias (*name) in a document of more than 1024 anchors");
	strbuf_done(&text);
}

static void a_document_over_the_limit_is_refused(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(freep) char *text = xmalloc(LIMIT_DOCUMENT_BYTES + 1);
	struct api_yaml_text in = {.text = text, .len = LIMIT_DOCUMENT_BYTES + 1, .first_line = 7};
	struct api_yaml_error error;
	struct api_value *root;

	(void)state;
	memset(text, ' ', LIMIT_DOCUMENT_BYTES + 1);
	assert_int_equal(api_yaml_parse(arena, &in, &root, &error), API_YAML_BAD);
	assert_string_equal(error.reason, "DocumentTooLarge");
	assert_int_equal(error.line, 7);
	in.len--;
	assert_int_equal(api_yaml_parse(arena, &in, &root, &error), API_YAML_EMPTY);
}

static void the_hash_knows_content_but_not_layout(void **state)
{
	uint64_t hash = hash_of("a: 1\nb: [x, y]\n");

	(void)state;
	assert_true(hash == hash_of("# c\n\nb:\n- \"x\"\n- y\na: 1\n"));
	assert_false(hash == hash_of("a: 1\nb: [y, x]\n"));
	assert_false(hash == hash_of("a: 1\nb: [x, y, z]\n"));
	assert_false(hash == hash_of("a: 1\nc: [x, y]\n"));
	assert_false(hash == hash_of("a: 2\nb: [x, y]\n"));
	assert_false(hash_of("a: []") == hash_of("a: {}"));
}

static void a_doubled_key_is_marked_and_the_first_found(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;

	(void)state;
	root = parsed(arena, "k: 1\nj: 2\nk: 3\n");
	assert_string_equal(api_value_get(root, "k")->text, "1");
	assert_false(root->first->is_duplicate);
	assert_false(root->first->next->is_duplicate);
	assert_true(root->first->next->next->is_duplicate);
	/* Its alias is none. */
	root = parsed(arena, "k: 1\nk: &x 3\nj: *x\n");
	assert_true(root->first->next->is_duplicate);
	assert_false(api_value_get(root, "j")->is_duplicate);
}

static void tags_of_the_core_schema_say_what_a_scalar_is(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_value *root;

	(void)state;
	root = parsed(arena, "a: !!str 1\nb: !!int \"1\"\nc: ! 1\n");
	assert_false(api_value_get(root, "a")->is_plain);
	assert_true(api_value_get(root, "b")->is_plain);
	assert_false(api_value_get(root, "c")->is_plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_becomes_a_tree_with_lines),
		cmocka_unit_test(nothing_but_comments_is_empty),
		cmocka_unit_test(what_cannot_be_read_says_line_and_reason),
		cmocka_unit_test(what_no_object_needs_costs_the_value_it_stands_in),
		cmocka_unit_test(nesting_beyond_the_limit_costs_the_innermost_value),
		cmocka_unit_test(aliases_and_merge_keys_are_as_if_written_out),
		cmocka_unit_test(a_merged_key_is_no_duplicate_and_has_its_anchors_line),
		cmocka_unit_test(aliases_that_grow_without_measure_are_cut_off),
		cmocka_unit_test(aliases_of_empty_lists_are_cut_off_as_well),
		cmocka_unit_test(aliases_of_long_texts_stay_below_the_size_of_a_document),
		cmocka_unit_test(aliases_of_long_keys_stay_below_the_size_of_a_document),
		cmocka_unit_test(depth_is_counted_with_aliases_written_out),
		cmocka_unit_test(anchors_beyond_the_limit_are_told_when_used),
		cmocka_unit_test(a_document_over_the_limit_is_refused),
		cmocka_unit_test(the_hash_knows_content_but_not_layout),
		cmocka_unit_test(a_doubled_key_is_marked_and_the_first_found),
		cmocka_unit_test(tags_of_the_core_schema_say_what_a_scalar_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
