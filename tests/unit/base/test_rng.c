// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/rng: a seed fixes the sequence for good, draws are uniform and stay in their bounds.
 */
#include "base/mem.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void a_seed_fixes_the_sequence(void **state)
{
	struct rng a, b, c;

	(void)state;
	rng_seed(&a, 7);
	rng_seed(&b, 7);
	rng_seed(&c, 8);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rng_next(&a);

		assert_true(v == rng_next(&b));
		assert_true(v != rng_next(&c));
	}
}

/* Computed from the authors' definition of xoroshiro128** and splitmix64 with seed 0. */
static void the_sequence_of_seed_zero_is_known(void **state)
{
	static const uint64_t expected[] = {
		UINT64_C(0xdec90d521e93e35d), UINT64_C(0x6d33ac6f18895e08),
		UINT64_C(0xab21904eec6fa48a), UINT64_C(0x87afdbc188423fbe)};
	struct rng r;

	(void)state;
	rng_seed(&r, 0);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_true(rng_next(&r) == expected[i]);
}

static void draws_below_n_are_uniform(void **state)
{
	unsigned counts[10] = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (int i = 0; i < 100000; i++) {
		uint64_t v = rng_below(&r, ARRAY_SIZE(counts));

		assert_true(v < ARRAY_SIZE(counts));
		counts[v]++;
	}
	/* Mean 10,000, standard deviation 95: five of them on each side. */
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_in_range(counts[i], 9500, 10500);
	assert_int_equal(rng_below(&r, 1), 0);
	assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

static void jitter_covers_its_bounds_and_no_more(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (int i = 0; i < 100000; i++) {
		uint64_t v = rng_jitter(&r, 1024, 192, 256); /* RFC 4271 10: 0.75 to 1.0 */

		least = v < least ? v : least;
		most = v > most ? v : most;
	}
	assert_int_equal(least, 768);
	assert_int_equal(most, 1024);
	assert_int_equal(rng_jitter(&r, 0, 192, 256), 0);
	assert_int_equal(rng_jitter(&r, 1000, 256, 256), 1000);
	/* A hundred years in nanoseconds do not overflow. */
	assert_true(rng_jitter(&r, UINT64_C(3155760000000000000), 256, 512) >=
		    UINT64_C(3155760000000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_fixes_the_sequence),
		cmocka_unit_test(the_sequence_of_seed_zero_is_known),
		cmocka_unit_test(draws_below_n_are_uniform),
		cmocka_unit_test(jitter_covers_its_bounds_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
