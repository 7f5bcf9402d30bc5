// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/split: where a file is cut, which line each piece begins at, and what is no piece.
 */
#include "api/split.h"

#include "unit/api/api_test.h"

#define BOM "\xef\xbb\xbf"

struct piece {
	unsigned line;
	const char *text;
};

static void check(const char *text, const struct piece *want, size_t n)
{
	struct api_split s = api_split_init(text, strlen(text));
	struct api_yaml_text got;

	for (size_t i = 0; i < n; i++) {
		assert_true(api_split_next(&s, &got));
		assert_int_equal(got.first_line, want[i].line);
		assert_int_equal(got.len, strlen(want[i].text));
		assert_memory_equal(got.text, want[i].text, got.len);
	}
	assert_false(api_split_next(&s, &got));
}
#define CHECK(text, ...)                                                                           \
	check(text, (const struct piece[]){__VA_ARGS__},                                           \
	      sizeof((const struct piece[]){__VA_ARGS__}) / sizeof(struct piece))

static void a_file_is_cut_at_its_markers(void **state)
{
	(void)state;
	CHECK("a: 1\n---\nb: 2\n", {1, "a: 1\n"}, {2, "---\nb: 2\n"});
	CHECK("---\na: 1\n--- # c\nb: 2", {1, "---\na: 1\n"}, {3, "--- # c\nb: 2"});
	CHECK("a: 1\r\n---\r\nb: 2\r\n", {1, "a: 1\r\n"}, {2, "---\r\nb: 2\r\n"});
	CHECK("a: 1\n...\nb: 2\n", {1, "a: 1\n...\n"}, {3, "b: 2\n"});
	CHECK("a: 1\n---", {1, "a: 1\n"});
	CHECK("\xef\xbb\xbf---\na: 1\n", {1, "---\na: 1\n"});
}

/* Where files were appended to each other. */
static void a_byte_order_mark_begins_a_piece_and_is_dropped(void **state)
{
	(void)state;
	CHECK(BOM "a: 1\n---\n" BOM "b: 2\n", {1, "a: 1\n"}, {3, "b: 2\n"});
	CHECK("a: 1\n" BOM "---\nb: 2\n", {1, "a: 1\n"}, {2, "---\nb: 2\n"});
	CHECK("a: 1\n" BOM "b: 2\n", {1, "a: 1\n"}, {2, "b: 2\n"});
	CHECK("a: 1\n---" BOM "b: 2\n", {1, "a: 1\n"}, {2, "b: 2\n"});
	CHECK("a: 1\n--- " BOM "b: 2\n", {1, "a: 1\n"}, {2, "b: 2\n"});
	CHECK("a: 1\n..." BOM "b: 2\n",
	      {
		      1,
		      "a: 1\n...",
	      },
	      {2, "b: 2\n"});
	CHECK("---\n# c\n\n" BOM "# d\nb: 2\n", {4, "# d\nb: 2\n"});
	CHECK(BOM BOM "a: 1\n" BOM, {1, "a: 1\n"});
	CHECK("a: \"" BOM "\"\n", {1, "a: \"" BOM "\"\n"});
}

static void lines_may_end_with_cr(void **state)
{
	(void)state;
	CHECK("a: 1\r---\rb: 2\r...\rc: 3\r", {1, "a: 1\r"}, {2, "---\rb: 2\r...\r"},
	      {5, "c: 3\r"});
	CHECK("\r\r\n\n---\r\na: 1", {4, "---\r\na: 1"});
}

static void only_a_marker_in_the_first_column_cuts(void **state)
{
	(void)state;
	CHECK("a: |\n  ---\n  x\n", {1, "a: |\n  ---\n  x\n"});
	CHECK("---a: 1\n", {1, "---a: 1\n"});
	CHECK("a: 1\n----\n", {1, "a: 1\n----\n"});
}

static void pieces_without_content_are_left_out(void **state)
{
	struct api_split s = api_split_init("", 0);
	struct api_yaml_text got;

	(void)state;
	assert_false(api_split_next(&s, &got));
	CHECK("# only\n\n---\n# comments\n---\na: 1\n---\n", {5, "---\na: 1\n"});
	CHECK("%YAML 1.2\n---\na: 1\n", {2, "---\na: 1\n"});
	CHECK("--- {a: 1}\n", {1, "--- {a: 1}\n"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_cut_at_its_markers),
		cmocka_unit_test(a_byte_order_mark_begins_a_piece_and_is_dropped),
		cmocka_unit_test(lines_may_end_with_cr),
		cmocka_unit_test(only_a_marker_in_the_first_column_cuts),
		cmocka_unit_test(pieces_without_content_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
