// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/mem: allocators never return NULL, arrays double, ownership moves out of variables.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void no_size_gives_null(void **state)
{
	_cleanup_(freep) void *a = xmalloc(0);
	_cleanup_(freep) void *b = xcalloc(0, 8);
	_cleanup_(freep) void *c = xrealloc(NULL, 0, 8);
	_cleanup_(freep) char *d = xstrdup("");

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_string_equal(d, "");
}

static void push_zeroes_counts_and_grows(void **state)
{
	_cleanup_(freep) unsigned *items = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned *slot = xpush(&items, &n, &cap, sizeof(*items));

		assert_int_equal(*slot, 0);
		assert_ptr_equal(slot, &items[i]);
		*slot = i;
	}
	assert_int_equal(n, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
}

static void take_leaves_nothing_behind(void **state)
{
	char *owner = xstrdup("x");
	int fd = 7;
	_cleanup_(freep) char *taken = TAKE_PTR(owner);

	(void)state;
	assert_null(owner);
	assert_string_equal(taken, "x");
	assert_int_equal(TAKE_FD(fd), 7);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_size_gives_null),
		cmocka_unit_test(push_zeroes_counts_and_grows),
		cmocka_unit_test(take_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
