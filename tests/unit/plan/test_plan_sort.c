// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The planner's sorting helpers, against tables and each other. */
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

/* Wherever the last search ended, also behind a list that was longer. */
static void search_from_anywhere_finds_the_same(void **state)
{
	int items[40];

	(void)state;
	for (size_t n = 0; n <= ARRAY_SIZE(items); n++) {
		for (size_t i = 0; i < n; i++)
			items[i] = (int)(i / 3 * 4);
		for (int key = -1; key < 60; key++) {
			const size_t want = plan_lower_bound(&key, items, n, sizeof(int), cmp_int);

			for (size_t at = 0; at < n + 3; at++) {
				size_t near = at;

				assert_int_equal(plan_lower_bound_near(&key, items, n, sizeof(int),
								       cmp_int, &near),
						 want);
				assert_int_equal(near, want);
			}
		}
	}
}

static int cmp_tens(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x / 10 > *y / 10) - (*x / 10 < *y / 10);
}

/* Of equal tens those of the first array come first. */
static void merge_keeps_all_in_order(void **state)
{
	static const int a[] = {11, 12, 31, 51}, b[] = {16, 26, 36, 37};
	static const int want[] = {11, 12, 16, 26, 31, 36, 37, 51};
	int ret[ARRAY_SIZE(want)];

	(void)state;
	plan_merge(a, ARRAY_SIZE(a), b, ARRAY_SIZE(b), sizeof(int), cmp_tens, ret);
	assert_memory_equal(ret, want, sizeof(want));
	plan_merge(a, ARRAY_SIZE(a), NULL, 0, sizeof(int), cmp_tens, ret);
	assert_memory_equal(ret, a, sizeof(a));
	plan_merge(NULL, 0, b, ARRAY_SIZE(b), sizeof(int), cmp_tens, ret);
	assert_memory_equal(ret, b, sizeof(b));
}

static unsigned n_compared;

static int cmp_counted(const void *a, const void *b)
{
	n_compared++;
	return cmp_int(a, b);
}

/* It is what the walks through 5,000 rows are for: a bisection takes ten of them here. */
static void the_next_key_costs_two_comparisons(void **state)
{
	int items[1000];
	size_t near = 0;

	(void)state;
	for (int i = 0; i < (int)ARRAY_SIZE(items); i++)
		items[i] = i;
	for (int key = 0; key < (int)ARRAY_SIZE(items); key++) {
		n_compared = 0;
		(void)plan_lower_bound_near(&key, items, ARRAY_SIZE(items), sizeof(int),
					    cmp_counted, &near);
		assert_in_range(n_compared, 1, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sort_unique_drops_every_double),
		cmocka_unit_test(lower_bound_is_the_first_item_not_before_the_key),
		cmocka_unit_test(search_from_anywhere_finds_the_same),
		cmocka_unit_test(merge_keeps_all_in_order),
		cmocka_unit_test(the_next_key_costs_two_comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
