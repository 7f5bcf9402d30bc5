// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/strbuf: text comes out as it went in, up to the maximum and never beyond.
 */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void text_is_concatenated(void **state)
{
	struct strbuf s;

	(void)state;
	strbuf_init(&s, 100);
	strbuf_add(&s, "a=");
	strbuf_printf(&s, "%d,", 42);
	strbuf_add_len(&s, "xyz", 2);
	assert_string_equal(s.data, "a=42,xy");
	assert_int_equal(s.len, 7);
	assert_false(s.truncated);
	strbuf_done(&s);
	assert_null(s.data);
}

static void growth_keeps_what_is_there(void **state)
{
	struct strbuf s;

	(void)state;
	strbuf_init(&s, 1 << 20);
	for (int i = 0; i < 10000; i++)
		strbuf_printf(&s, "%08d", i);
	assert_int_equal(s.len, 80000);
	assert_memory_equal(s.data + 8 * 4321, "00004321", 8);
	assert_int_equal(s.data[s.len], 0);
	strbuf_done(&s);
}

static void the_maximum_cuts_and_is_remembered(void **state)
{
	struct strbuf s;

	(void)state;
	strbuf_init(&s, 5);
	strbuf_add(&s, "12345");
	assert_false(s.truncated);
	strbuf_add(&s, "");
	assert_false(s.truncated);
	strbuf_done(&s);
	strbuf_add(&s, "123");
	strbuf_printf(&s, "%s", "456");
	assert_true(s.truncated);
	assert_string_equal(s.data, "12345");
	strbuf_add(&s, "7");
	assert_string_equal(s.data, "12345");
	assert_true(s.truncated);
	strbuf_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_concatenated),
		cmocka_unit_test(growth_keeps_what_is_there),
		cmocka_unit_test(the_maximum_cuts_and_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
