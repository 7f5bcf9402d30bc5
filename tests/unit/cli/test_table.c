// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/table: columns are as wide as their widest cell, in characters, and cells cannot speak to the
 * terminal.
 */
#include "cli/table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(const char *const *cells, size_t n, size_t n_columns, const char *expected)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = n_columns};
	struct strbuf out;

	strbuf_init(&out, 4096);
	for (size_t i = 0; i < n; i++)
		table_add(&t, cells[i]);
	table_print(&t, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
}

static void columns_are_aligned_and_lines_have_no_trailing_blanks(void **state)
{
	static const char *const cells[] = {"NAME", "STATE", "a-long-name", "Idle", "b", NULL};

	(void)state;
	check(cells, ARRAY_SIZE(cells), 2,
	      "NAME          STATE\n"
	      "a-long-name   Idle\n"
	      "b             -\n");
}

static void width_counts_characters_not_bytes(void **state)
{
	static const char *const cells[] = {"größe", "x", "12345", "y"};

	(void)state;
	check(cells, ARRAY_SIZE(cells), 2,
	      "größe   x\n"
	      "12345   y\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	static const char *const cells[] = {"a\033[2Jb\nc\x7f", "\xc2\x9b"
								"1m"};

	(void)state;
	check(cells, ARRAY_SIZE(cells), 2, "a?[2Jb?c?   ??1m\n");
}

static void colours_take_no_room_and_need_a_table_that_has_them(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (int colour = 0; colour < 2; colour++) {
		struct table t = {.arena = arena, .n_columns = 2, .has_colour = colour};
		struct strbuf out;

		strbuf_init(&out, 4096);
		table_add_toned(&t, "Idle", tone_of("Idle"));
		table_add(&t, "a");
		table_add_toned(&t, "Established", tone_of("Established"));
		table_add_toned(&t, "draining, 4s left", tone_of("draining, 4s left"));
		table_print(&t, &out);
		assert_string_equal(out.data, colour ? "\033[1;31mIdle\033[0m          a\n"
						       "\033[32mEstablished\033[0m   "
						       "\033[33mdraining, 4s left\033[0m\n"
						     : "Idle          a\n"
						       "Established   draining, 4s left\n");
		strbuf_done(&out);
	}
	assert_int_equal(tone_of("Idl"), TONE_NONE);
	assert_int_equal(tone_of("Idle or so"), TONE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_and_lines_have_no_trailing_blanks),
		cmocka_unit_test(width_counts_characters_not_bytes),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(colours_take_no_room_and_need_a_table_that_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
