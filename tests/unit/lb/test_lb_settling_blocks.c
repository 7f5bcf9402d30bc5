// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What all nodes say of blocks of rows is kept by name: of thousands each is found, and found once.
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

/* Page after page a peer that knows nothing is told of each once, and then of nothing more. */
static void all_blocks_are_told_page_by_page(void **state)
{
	struct settle_blocks b = {.n = 0};
	bool told[N] = {false};
	uint64_t since = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		const struct lb_settle_said said = {
			.block = 1000 + i, .recipe = 1, .epoch = 2, .words = {i}};

		assert_non_null(settle_blocks_say(&b, &said, 7, SECOND));
	}
	while (since < b.number) {
		struct lb_settle_page p = {.to = 1, .from = 2, .since = since}, read;
		struct lb_settle_said said;
		size_t at;

		lb_settle_page_begin(&p);
		settle_blocks_fill(&b, &p);
		lb_settle_page_end(&p);
		assert_true(lb_settle_page_read(p.data, p.n, &read, &at));
		assert_int_equal(read.since, since);
		assert_in_range(read.upto, since + 1, b.number);
		while (lb_settle_page_next(p.data, p.n, &at, &said)) {
			assert_in_range(said.block, 1000, 1000 + N - 1);
			assert_false(told[said.block - 1000]);
			told[said.block - 1000] = true;
			assert_int_equal(said.words[0], said.block - 1000);
		}
		since = read.upto;
	}
	for (unsigned i = 0; i < N; i++)
		assert_true(told[i]);
	settle_blocks_done(&b);
}

/* However often something else is said of a block, only the last is kept. */
static void what_was_said_before_takes_no_room(void **state)
{
	struct settle_blocks b = {.n = 0};

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		const struct lb_settle_said said = {.block = 1 + i % 3, .recipe = i, .epoch = 2};

		assert_non_null(settle_blocks_say(&b, &said, 7, SECOND));
		assert_in_range(b.n_log, 1, 1000);
	}
	assert_int_equal(b.n, 3);
	settle_blocks_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_many_blocks_each_is_found),
		cmocka_unit_test(all_blocks_are_told_page_by_page),
		cmocka_unit_test(what_was_said_before_takes_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
