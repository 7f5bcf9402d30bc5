// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The planner's two sorting helpers, against tables. */
#include "base/mem.h"
#include "plan/plan_sort.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int cmp_int(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort_unique_drops_every_double(void **state)
{
	int items[] = {3, 1, 3, 2, 1, 1, 3};

	(void)state;
	assert_int_equal(plan_sort_unique(items, ARRAY_SIZE(items), sizeof(int), cmp_int), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(items[i], i + 1);
	assert_int_equal(plan_sort_unique(NULL, 0, sizeof(int), cmp_int), 0);
}

static void lower_bound_is_the_first_item_not_before_the_key(void **state)
{
	static const int items[] = {1, 3, 3, 5};
	static const size_t want[] = {0, 0, 1, 1, 3, 3, 4};

	(void)state;
	for (int key = 0; key < (int)ARRAY_SIZE(want); key++)
		assert_int_equal(
			plan_lower_bound(&key, items, ARRAY_SIZE(items), sizeof(int), cmp_int),
			want[key]);
	assert_int_equal(plan_lower_bound(&items[0], NULL, 0, sizeof(int), cmp_int), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sort_unique_drops_every_double),
		cmocka_unit_test(lower_bound_is_the_first_item_not_before_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
