// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What all nodes say of blocks of rows is kept by name: of thousands each is found, and found once.
 */
#include "fixture.h"

#include "lb/lb_settling_inside.h"

#define N 2000

static void of_many_blocks_each_is_found(void **state)
{
	struct settle_blocks b = {.n = 0};
	uint64_t names[N];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (unsigned i = 0; i < N; i++)
		names[i] = rng_next(&rng);
	for (unsigned round = 0; round < 2; round++) { /* the second finds those of the first */
		for (unsigned i = 0; i < N; i++) {
			const struct lb_settle_said said = {
				.block = names[i], .recipe = 1 + i + round, .epoch = 2};

			assert_non_null(settle_blocks_say(&b, &said, 7, SECOND));
		}
		assert_int_equal(b.n, N);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(settle_blocks_recipe(&b, names[i], 7), 1 + i + round);
	}
	for (uint32_t peer = 0; peer < 3; peer++)
		settle_blocks_forget(&b, peer);
	settle_blocks_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_many_blocks_each_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
