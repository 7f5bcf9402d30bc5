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
	static const struct {
		const char *text;
		unsigned line;
		const char *message;
	} cases[] = {
		{"a:\n\tb: 1\n", 2, "a tab in the indentation"},
		{"a:\n  b: 1\n c: 2\n", 3, "the line belongs to nothing above it"},
		{"a: b: c\n", 1, "a key stands where none can"},
		{"a: @b\n", 1, "a value starts with a character that YAML reserves"},
		{"a: [1, 2\nb: 3\n", 2, "a list in brackets has no end"},
		{"a: \"b\n", 2, "a quoted value has no end"},
		{"a: &x 1\n", 1, "an anchor or alias (&name, *name), which is not supported"},
		{"a: *x\n", 1, "an anchor or alias (&name, *name), which is not supported"},
		{"a: &x [1]\n", 1, "an anchor or alias (&name, *name), which is not supported"},
		{"a: !thing 1\n", 1, "a tag (!name) that is not supported"},
		{"a: !!set {b}\n", 1, "a tag (!name) that is not supported"},
		{"? [a]\n: b\n", 1, "a key that is a list or a map"},
		{"a: \"x\\0y\"\n", 1, "a NUL character in a value"},
		{"a: 1\n--- \nb: 2\n", 2, "text after the end of the document"},
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

static void nesting_is_accepted_to_the_limit_and_refused_beyond(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char text[2 * LIMIT_YAML_DEPTH + 8] = "";
	struct api_yaml_error error;
	struct api_value *root;

	(void)state;
	memset(text, '[', LIMIT_YAML_DEPTH);
	memset(text + LIMIT_YAML_DEPTH, ']', LIMIT_YAML_DEPTH);
	assert_int_equal(parse(arena, text, &root, &error), API_YAML_OK);
	memset(text, '[', LIMIT_YAML_DEPTH + 1);
	memset(text + LIMIT_YAML_DEPTH + 1, ']', LIMIT_YAML_DEPTH + 1);
	assert_int_equal(parse(arena, text, &root, &error), API_YAML_BAD);
	assert_string_equal(error.message, "nested too deeply");
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

static uint64_t hash_of(const char *text)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_yaml_error error;
	struct api_value *root;

	assert_int_equal(parse(arena, text, &root, &error), API_YAML_OK);
	return root->hash;
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
	struct api_yaml_error error;
	struct api_value *root;

	(void)state;
	assert_int_equal(parse(arena, "k: 1\nj: 2\nk: 3\n", &root, &error), API_YAML_OK);
	assert_string_equal(api_value_get(root, "k")->text, "1");
	assert_false(root->first->is_duplicate);
	assert_false(root->first->next->is_duplicate);
	assert_true(root->first->next->next->is_duplicate);
}

static void tags_of_the_core_schema_say_what_a_scalar_is(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_yaml_error error;
	struct api_value *root;

	(void)state;
	assert_int_equal(parse(arena, "a: !!str 1\nb: !!int \"1\"\nc: ! 1\n", &root, &error),
			 API_YAML_OK);
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
		cmocka_unit_test(nesting_is_accepted_to_the_limit_and_refused_beyond),
		cmocka_unit_test(a_document_over_the_limit_is_refused),
		cmocka_unit_test(the_hash_knows_content_but_not_layout),
		cmocka_unit_test(a_doubled_key_is_marked_and_the_first_found),
		cmocka_unit_test(tags_of_the_core_schema_say_what_a_scalar_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
