// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Regions against a naive model of who owns which unit, and since when it is free. */
#include "fixture.h"

#include "lb/lb_space.h"

static void regions_are_aligned_and_the_lowest_that_fit(void **state)
{
	struct lb_space s = {.taken = NULL};

	(void)state;
	assert_int_equal(lb_space_take(&s, 1, 1), LB_SPACE_NONE);
	lb_space_grow(&s, 16);
	assert_int_equal(lb_space_take(&s, 1, 1), 0);
	assert_int_equal(lb_space_take(&s, 8, 8), 8);
	assert_int_equal(lb_space_take(&s, 4, 4), 4);
	assert_int_equal(lb_space_take(&s, 4, 4), LB_SPACE_NONE);
	assert_int_equal(lb_space_take(&s, 3, 1), 1);
	lb_space_grow(&s, 16);
	assert_int_equal(lb_space_take(&s, 16, 16), 16);
	lb_space_done(&s);
}

static void a_space_may_grow_until_it_has_all_units(void **state)
{
	struct lb_space s = {.taken = NULL};

	(void)state;
	for (uint32_t units = 0; units < 12; units += 4) {
		assert_true(lb_space_may_grow(&s, 12));
		lb_space_grow(&s, 4);
	}
	assert_false(lb_space_may_grow(&s, 12));
	lb_space_done(&s);
}

static void what_was_given_back_rests_until_readers_are_gone(void **state)
{
	struct lb_space s = {.taken = NULL};

	(void)state;
	lb_space_grow(&s, 4);
	assert_int_equal(lb_space_take(&s, 4, 1), 0);
	lb_space_give(&s, 0, 4, 100);
	lb_space_wake(&s, 99);
	assert_int_equal(lb_space_take(&s, 1, 1), LB_SPACE_NONE);
	lb_space_wake(&s, 100);
	assert_int_equal(lb_space_take(&s, 1, 1), 0);
	lb_space_undo(&s, 0, 1);
	assert_int_equal(lb_space_take(&s, 4, 4), 0);
	lb_space_done(&s);
}

static void a_claim_takes_just_what_is_free(void **state)
{
	struct lb_space s = {.taken = NULL};

	(void)state;
	lb_space_grow(&s, 8);
	assert_true(lb_space_claim(&s, 2, 4));
	assert_false(lb_space_claim(&s, 5, 1));
	assert_false(lb_space_claim(&s, 7, 2));
	assert_false(lb_space_claim(&s, UINT32_MAX, 2));
	assert_true(lb_space_claim(&s, 3, 0));
	lb_space_rest_free(&s, 50);
	assert_int_equal(lb_space_take(&s, 1, 1), LB_SPACE_NONE);
	lb_space_wake(&s, 50);
	assert_int_equal(lb_space_take(&s, 2, 1), 0);
	assert_int_equal(lb_space_take(&s, 2, 1), 6);
	lb_space_done(&s);
}

static void random_regions_never_overlap_or_wake_early(void **state)
{
	enum { UNITS = 64 };
	struct lb_space s = {.taken = NULL};
	nsec_t free_at[UNITS] = {0};
	uint32_t owner[UNITS] = {0}, base[256] = {0}, len[256] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 11);
	lb_space_grow(&s, UNITS);
	for (nsec_t now = 1; now < 20000; now++) {
		uint32_t id = 1 + (uint32_t)rng_below(&rng, 255), n = len[id];

		if (n > 0) {
			for (uint32_t i = base[id]; i < base[id] + n; i++) {
				assert_int_equal(owner[i], id);
				owner[i] = 0;
				free_at[i] = now + 10;
			}
			lb_space_give(&s, base[id], n, now);
			len[id] = 0;
			continue;
		}
		lb_space_wake(&s, now < 10 ? 0 : now - 10);
		n = 1u << rng_below(&rng, 4);
		base[id] = lb_space_take(&s, n, n);
		if (base[id] == LB_SPACE_NONE)
			continue;
		len[id] = n;
		assert_int_equal(base[id] % n, 0);
		for (uint32_t i = base[id]; i < base[id] + n; i++) {
			assert_int_equal(owner[i], 0);
			assert_true(free_at[i] <= now);
			owner[i] = id;
		}
	}
	lb_space_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_are_aligned_and_the_lowest_that_fit),
		cmocka_unit_test(a_space_may_grow_until_it_has_all_units),
		cmocka_unit_test(what_was_given_back_rests_until_readers_are_gone),
		cmocka_unit_test(a_claim_takes_just_what_is_free),
		cmocka_unit_test(random_regions_never_overlap_or_wake_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
