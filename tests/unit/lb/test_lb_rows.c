// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Properties of row tables, over many seeds and numbers of backends. */
#include "fixture.h"

#define ROWS_LOG2 11
#define ROWS      (1u << ROWS_LOG2)
#define MAX_N     64

struct table {
	struct lb_row_target targets[MAX_N];
	size_t n;
	uint64_t rows[ROWS];
};

static void table_fill(struct table *t)
{
	lb_rows_fill(t->targets, t->n, ROWS_LOG2, t->rows);
}

static void table_make(struct table *t, uint32_t seed, size_t n)
{
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		struct ip_addr addr = ip_addr_from_v4(0x0a000000 + seed * 997 + (uint32_t)i);
		__u32 words[4];

		memcpy(words, addr.b, sizeof(words));
		t->targets[i] = (struct lb_row_target){
			.id = lb_wire_backend_id(words, __builtin_bswap16(8080), seed),
			.index = (uint16_t)i,
			.ready = true,
			.weight = 1,
		};
	}
	table_fill(t);
}

static bool row_has_later(uint64_t row, uint16_t index)
{
	for (unsigned k = 1; k < LB_CANDIDATES; k++)
		if (lb_row_candidate(row, k) == index)
			return true;
	return false;
}

static void each_backend_is_first_of_98_to_102_percent_of_its_share(void **state)
{
	static struct table t;

	(void)state;
	for (size_t n = 3; n <= 50; n++) {
		for (uint32_t seed = 1; seed <= 5; seed++) {
			uint32_t load[MAX_N] = {0};

			table_make(&t, seed, n);
			for (uint32_t row = 0; row < ROWS; row++)
				load[lb_row_candidate(t.rows[row], 0)]++;
			for (size_t i = 0; i < n; i++) /* but for the row that rounding makes */
				assert_in_range(load[i], ROWS * 98 / (100 * n) - 1,
						ROWS * 102 / (100 * n) + 1);
		}
	}
}

/* A table without the second look: [0] is the best who is below his quota. */
static uint16_t best_below_quota(const struct table *t, uint32_t row, uint32_t load[MAX_N])
{
	size_t best = t->n;
	uint64_t standing = 0;

	for (size_t i = 0; i < t->n; i++) {
		const uint64_t w = lb_wire_weight(t->targets[i].id, row);

		if (load[i] < lb_wire_quota(ROWS, 1, (uint32_t)t->n) && w > standing) {
			standing = w;
			best = i;
		}
	}
	load[best]++;
	return (uint16_t)best;
}

/* Who takes a row stood in it, and nobody has given more than he could spare. */
static void who_has_too_few_rows_takes_those_where_he_stands_next(void **state)
{
	static struct table t;
	uint32_t n_taken = 0;

	(void)state;
	for (size_t n = 3; n <= 50; n++) {
		const uint32_t least = lb_wire_least(ROWS, 1, (uint32_t)n);
		uint32_t load[MAX_N] = {0}, before[MAX_N], gave[MAX_N] = {0}, took[MAX_N] = {0};
		uint16_t was[ROWS];

		table_make(&t, (uint32_t)n, n);
		for (uint32_t row = 0; row < ROWS; row++)
			was[row] = best_below_quota(&t, row, load);
		memcpy(before, load, sizeof(load));
		for (uint32_t row = 0; row < ROWS; row++) {
			const uint16_t first = lb_row_candidate(t.rows[row], 0);
			unsigned above = 0;

			if (first == was[row])
				continue;
			for (size_t i = 0; i < n; i++)
				above += lb_wire_weight(t.targets[i].id, row) >
					 lb_wire_weight(t.targets[first].id, row);
			assert_in_range(above, 0, LB_CANDIDATES - 1);
			took[first]++;
			gave[was[row]]++;
			n_taken++;
		}
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(took[i], before[i] < least ? least - before[i] : 0);
			assert_true(gave[i] == 0 || before[i] - gave[i] >= least);
		}
	}
	assert_true(n_taken > 1000);
}

static void quotas_hold_all_rows(void **state)
{
	(void)state;
	for (uint32_t log2 = LB_ROWS_LOG2_MIN; log2 <= LB_ROWS_LOG2_MAX; log2++)
		for (uint32_t n = 1; n < 3000; n = n * 3 / 2 + 1)
			assert_true((uint64_t)lb_wire_quota(1u << log2, 1, n) * n >= 1u << log2);
}

static void there_are_rows_for_what_each_is_to_have(void **state)
{
	(void)state;
	for (uint32_t log2 = LB_ROWS_LOG2_MIN; log2 <= LB_ROWS_LOG2_MAX; log2++)
		for (uint32_t n = 1; n < 3000; n = n * 3 / 2 + 1) {
			const uint32_t rows = 1u << log2, least = lb_wire_least(rows, 1, n);

			assert_true((uint64_t)least * n <= rows);
			assert_true(least < lb_wire_quota(rows, 1, n));
			assert_in_range(rows / n - least, rows >= n, rows / n * 2 / 100 + 2);
		}
}

/* --- weights --------------------------------------------------------------------------------- */

static void loads_of(const struct table *t, uint32_t loads[MAX_N])
{
	memset(loads, 0, MAX_N * sizeof(*loads));
	for (uint32_t row = 0; row < ROWS; row++)
		loads[lb_row_candidate(t->rows[row], 0)]++;
}

/* Gives each backend a weight of its own; their sum. */
static uint32_t table_weigh(struct table *t, struct rng *rng, uint32_t most)
{
	uint32_t total = 0;

	for (size_t i = 0; i < t->n; i++) {
		t->targets[i].weight = (uint8_t)(1 + rng_below(rng, most));
		total += t->targets[i].weight;
	}
	table_fill(t);
	return total;
}

static void shares_are_as_weights(void **state)
{
	static struct table t;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (size_t n = 2; n <= 40; n++) {
		for (uint32_t seed = 1; seed <= 5; seed++) {
			uint32_t load[MAX_N], total;

			table_make(&t, seed, n);
			total = table_weigh(&t, &rng, LB_WIRE_WEIGHT_MAX);
			loads_of(&t, load);
			for (size_t i = 0; i < n; i++) {
				uint32_t share = ROWS * t.targets[i].weight;

				assert_true(load[i] * 100 * total <= share * 102 + 100 * total);
				assert_true(load[i] >=
					    lb_wire_least(ROWS, t.targets[i].weight, total));
				assert_true(load[i] > 0);
			}
		}
	}
}

/* Of many tables together, within 2 %: the heavy one has twice what each light one has. */
static void a_backend_of_weight_two_has_twice_the_rows(void **state)
{
	static struct table t;
	uint64_t heavy = 0, runs = 20;

	(void)state;
	for (size_t n = 2; n <= 20; n += 3) {
		heavy = 0;
		for (uint32_t seed = 1; seed <= runs; seed++) {
			uint32_t load[MAX_N];

			table_make(&t, seed, n);
			t.targets[n / 2].weight = 2;
			table_fill(&t);
			loads_of(&t, load);
			heavy += load[n / 2];
		}
		assert_in_range(heavy * (n + 1) * 100, 2 * ROWS * runs * 98,
				2 * ROWS * runs * 102 + runs * (n + 1) * 100);
	}
}

/* Where a backend stands among all, by its best draw. */
static unsigned rank_of(const struct table *t, size_t at, uint32_t row)
{
	uint64_t best[MAX_N] = {0};
	unsigned above = 0;

	for (size_t i = 0; i < t->n; i++) {
		for (uint32_t draw = 0; draw < t->targets[i].weight; draw++) {
			uint64_t id = lb_wire_draw_id(t->targets[i].id, draw);
			uint64_t w = lb_wire_weight(id, row);

			best[i] = w > best[i] ? w : best[i];
		}
	}
	for (size_t i = 0; i < t->n; i++)
		above += best[i] > best[at];
	return above;
}

static void later_candidates_are_in_order_of_their_best_draws(void **state)
{
	static struct table t;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 11);
	for (size_t n = 2; n <= 14; n++) {
		table_make(&t, 3, n);
		table_weigh(&t, &rng, 5);
		for (uint32_t row = 0; row < ROWS; row++) {
			uint16_t first = lb_row_candidate(t.rows[row], 0);
			unsigned want = 0;

			for (unsigned k = 1; k < LB_CANDIDATES && k < n; k++) {
				uint16_t at = lb_row_candidate(t.rows[row], k);

				want += want == rank_of(&t, first, row);
				assert_int_equal(rank_of(&t, at, row), want++);
			}
		}
	}
}

static void more_weight_takes_rows_and_moves_little_else(void **state)
{
	static struct table before, after;
	uint32_t had[MAX_N], has[MAX_N];

	(void)state;
	for (size_t n = 3; n <= 30; n += 3) {
		for (uint8_t weight = 1; weight < 6; weight++) {
			uint32_t others = 0;

			table_make(&before, 7, n);
			before.targets[1].weight = weight;
			table_fill(&before);
			after = before;
			after.targets[1].weight++;
			table_fill(&after);
			loads_of(&before, had);
			loads_of(&after, has);
			assert_true(has[1] > had[1]);
			for (uint32_t row = 0; row < ROWS; row++) {
				uint16_t old = lb_row_candidate(before.rows[row], 0);
				uint16_t new = lb_row_candidate(after.rows[row], 0);

				assert_true(rank_of(&after, 1, row) <= rank_of(&before, 1, row));
				others += old != new &&new != 1;
			}
			assert_in_range(others, 0, ROWS * 3 / 100); /* the quota's own moves */
		}
	}
}

static void equal_weights_share_as_if_there_were_none(void **state)
{
	static struct table t;
	uint32_t load[MAX_N];

	(void)state;
	for (size_t n = 3; n <= 30; n += 9) {
		table_make(&t, 5, n);
		for (size_t i = 0; i < n; i++)
			t.targets[i].weight = 4;
		table_fill(&t);
		loads_of(&t, load);
		for (size_t i = 0; i < n; i++)
			assert_in_range(load[i], 1, ROWS * 102 / (100 * n) + 1);
	}
}

static void draining_weight_does_not_count(void **state)
{
	static struct table t;
	uint32_t load[MAX_N];

	(void)state;
	table_make(&t, 5, 4);
	t.targets[3].weight = 16;
	t.targets[3].ready = false;
	table_fill(&t);
	loads_of(&t, load);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(load[i], 1, lb_wire_quota(ROWS, 1, 3));
	assert_int_equal(load[3], 0);
	for (size_t i = 0; i < 4; i++) /* none is ready: all stand in, by weight */
		t.targets[i].ready = false;
	table_fill(&t);
	loads_of(&t, load);
	assert_in_range(load[3], ROWS * 80 / 100, lb_wire_quota(ROWS, 16, 19));
}

/* Whatever it weighs, ready or not, and in pieces as at once; nobody else is in any row. */
static void one_backend_alone_has_all_rows(void **state)
{
	static struct table t;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lb_rows_making *m;

		table_make(&t, i, 1);
		t.targets[0].index = (uint16_t)(i * 5000);
		t.targets[0].ready = i & 1;
		t.targets[0].weight = i & 2 ? LB_WIRE_WEIGHT_MAX : 1;
		memset(t.rows, 0, sizeof(t.rows));
		m = lb_rows_begin(t.targets, 1, ROWS_LOG2);
		while (!lb_rows_go_on(m, 100, t.rows))
			;
		lb_rows_end(m);
		for (uint32_t row = 0; row < ROWS; row++) {
			assert_int_equal(lb_row_candidate(t.rows[row], 0), i * 5000);
			assert_int_equal(lb_row_candidate(t.rows[row], 1), LB_ROW_NONE);
			assert_false(lb_row_has_later(t.rows[row]));
			assert_int_equal(t.rows[row] >> LB_CANDIDATES * LB_ROW_BITS, 0);
		}
	}
}

static void a_new_backend_moves_its_share_and_little_more(void **state)
{
	static struct table before, after;

	(void)state;
	for (size_t n = 3; n <= 50; n++) {
		uint32_t moved = 0, runs = 8;

		for (uint32_t seed = 1; seed <= runs; seed++) {
			table_make(&before, seed, n);
			table_make(&after, seed, n + 1);
			for (uint32_t row = 0; row < ROWS; row++)
				moved += lb_row_candidate(before.rows[row], 0) !=
					 lb_row_candidate(after.rows[row], 0);
		}
		/* 1/(n+1), and what keeps loads within bounds: under 3 % of the rows */
		assert_in_range(moved, ROWS * runs / (n + 1) * 9 / 10,
				ROWS * runs / (n + 1) + ROWS * runs * 3 / 100);
	}
}

static void who_is_outranked_by_a_younger_one_stays_among_the_later_candidates(void **state)
{
	static struct table before, after;
	uint32_t n_outranked = 0;

	(void)state;
	for (size_t n = 3; n <= 50; n += 3) {
		table_make(&before, 7, n);
		table_make(&after, 7, n + 1);
		for (uint32_t row = 0; row < ROWS; row++) {
			uint16_t old = lb_row_candidate(before.rows[row], 0);
			uint64_t old_weight = lb_wire_weight(before.targets[old].id, row);
			unsigned above = 0;

			if (lb_row_candidate(after.rows[row], 0) != n)
				continue;
			/* those that were full stood above it already */
			for (size_t i = 0; i < n; i++)
				above += lb_wire_weight(before.targets[i].id, row) > old_weight;
			n_outranked++;
			if (above < LB_CANDIDATES - 1)
				assert_true(row_has_later(after.rows[row], old));
		}
	}
	assert_true(n_outranked > 1000);
}

static void most_rows_that_move_still_know_their_old_owner(void **state)
{
	static struct table before, after;
	uint32_t moved = 0, lost = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 30; seed++) {
		table_make(&before, seed, 16);
		table_make(&after, seed, 17);
		for (uint32_t row = 0; row < ROWS; row++) {
			uint16_t old = lb_row_candidate(before.rows[row], 0);

			if (lb_row_candidate(after.rows[row], 0) == old)
				continue;
			moved++;
			lost += !row_has_later(after.rows[row], old);
		}
	}
	assert_true(lost * 1000 < moved * 30);
	assert_true(lost * 1000 < 30 * ROWS * 3); /* of all flows: less than 0.3 % */
}

static void candidates_are_distinct_and_in_order_of_weight(void **state)
{
	static struct table t;

	(void)state;
	for (size_t n = 1; n <= 12; n++) {
		table_make(&t, 3, n);
		for (uint32_t row = 0; row < ROWS; row++) {
			uint64_t last = UINT64_MAX;

			for (unsigned k = 0; k < LB_CANDIDATES; k++) {
				uint16_t at = lb_row_candidate(t.rows[row], k);
				uint64_t weight;

				assert_int_equal(at == LB_ROW_NONE, k >= n);
				if (at == LB_ROW_NONE)
					continue;
				weight = lb_wire_weight(t.targets[at].id, row);
				assert_true(k < 2 || weight < last);
				last = weight;
				for (unsigned j = 0; j < k; j++)
					assert_true(lb_row_candidate(t.rows[row], j) != at);
			}
			assert_int_equal(t.rows[row] >> 60, 0);
		}
	}
}

static void order_of_input_and_indices_do_not_matter(void **state)
{
	static struct table a, b;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 42);
	table_make(&a, 5, 20);
	a.targets[3].ready = false;
	lb_rows_fill(a.targets, a.n, ROWS_LOG2, a.rows);
	b = a;
	for (size_t i = b.n; i > 1; i--) {
		size_t j = rng_below(&rng, i);
		struct lb_row_target swap = b.targets[j];

		b.targets[j] = b.targets[i - 1];
		b.targets[i - 1] = swap;
	}
	lb_rows_fill(b.targets, b.n, ROWS_LOG2, b.rows);
	assert_memory_equal(a.rows, b.rows, sizeof(a.rows));
}

static void a_draining_backend_stays_a_later_candidate_and_is_never_first(void **state)
{
	static struct table before, after;
	uint32_t kept = 0, had = 0;

	(void)state;
	table_make(&before, 9, 10);
	after = before;
	after.targets[4].ready = false;
	lb_rows_fill(after.targets, after.n, ROWS_LOG2, after.rows);
	for (uint32_t row = 0; row < ROWS; row++) {
		assert_int_not_equal(lb_row_candidate(after.rows[row], 0), 4);
		if (lb_row_candidate(before.rows[row], 0) != 4)
			continue;
		had++;
		kept += row_has_later(after.rows[row], 4);
	}
	assert_true(had > 150);
	assert_true(kept * 100 >= had * 98);
}

/* The best of those that drain, by the plain order of draws. */
static uint16_t best_draining(const struct table *t, uint32_t row)
{
	size_t best = t->n;

	for (size_t i = 0; i < t->n; i++)
		if (!t->targets[i].ready &&
		    (best == t->n || rank_of(t, i, row) < rank_of(t, best, row)))
			best = i;
	return (uint16_t)best;
}

static void while_much_drains_each_row_has_the_best_that_does(void **state)
{
	static struct table t;
	uint32_t moved = 0;

	(void)state;
	for (size_t n_ready = 3; n_ready <= 12; n_ready++) {
		for (size_t n = n_ready + n_ready / 2 + 1; n <= 2 * n_ready; n++) {
			table_make(&t, (uint32_t)n, n);
			for (size_t i = n_ready; i < n; i++) {
				t.targets[i].ready = false;
				t.targets[i].weight = (uint8_t)(1 + i % 3);
			}
			table_fill(&t);
			for (uint32_t row = 0; row < ROWS; row++) {
				uint16_t best = best_draining(&t, row);

				assert_in_range(lb_row_candidate(t.rows[row], 0), 0, n_ready - 1);
				assert_true(row_has_later(t.rows[row], best));
				moved += lb_row_candidate(t.rows[row], 3) == best &&
					 rank_of(&t, best, row) > 3;
			}
		}
	}
	assert_true(moved > 1000);
}

/* One drains less than it takes: the row is as if nobody did, but for its first. */
static void where_little_drains_followers_are_the_next_by_standing(void **state)
{
	static struct table t;
	uint32_t n_without = 0;

	(void)state;
	table_make(&t, 3, 15);
	for (size_t i = 10; i < 15; i++)
		t.targets[i].ready = false;
	table_fill(&t);
	for (uint32_t row = 0; row < ROWS; row++)
		n_without += !row_has_later(t.rows[row], best_draining(&t, row));
	assert_true(n_without > ROWS / 20);
}

static void without_ready_backends_the_draining_ones_stand_in(void **state)
{
	static struct table t;

	(void)state;
	table_make(&t, 9, 4);
	for (size_t i = 0; i < 4; i++)
		t.targets[i].ready = false;
	lb_rows_fill(t.targets, t.n, ROWS_LOG2, t.rows);
	for (uint32_t row = 0; row < ROWS; row++)
		for (unsigned k = 0; k < LB_CANDIDATES; k++)
			assert_in_range(lb_row_candidate(t.rows[row], k), 0, 3);
}

static void without_backends_rows_are_empty_and_settled(void **state)
{
	uint64_t rows[256] = {0};

	(void)state;
	lb_rows_fill(NULL, 0, 8, rows);
	for (uint32_t row = 0; row < 256; row++)
		assert_true(rows[row] == LB_ROW_EMPTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_backend_is_first_of_98_to_102_percent_of_its_share),
		cmocka_unit_test(who_has_too_few_rows_takes_those_where_he_stands_next),
		cmocka_unit_test(quotas_hold_all_rows),
		cmocka_unit_test(there_are_rows_for_what_each_is_to_have),
		cmocka_unit_test(shares_are_as_weights),
		cmocka_unit_test(a_backend_of_weight_two_has_twice_the_rows),
		cmocka_unit_test(later_candidates_are_in_order_of_their_best_draws),
		cmocka_unit_test(more_weight_takes_rows_and_moves_little_else),
		cmocka_unit_test(one_backend_alone_has_all_rows),
		cmocka_unit_test(equal_weights_share_as_if_there_were_none),
		cmocka_unit_test(draining_weight_does_not_count),
		cmocka_unit_test(a_new_backend_moves_its_share_and_little_more),
		cmocka_unit_test(
			who_is_outranked_by_a_younger_one_stays_among_the_later_candidates),
		cmocka_unit_test(most_rows_that_move_still_know_their_old_owner),
		cmocka_unit_test(candidates_are_distinct_and_in_order_of_weight),
		cmocka_unit_test(order_of_input_and_indices_do_not_matter),
		cmocka_unit_test(a_draining_backend_stays_a_later_candidate_and_is_never_first),
		cmocka_unit_test(while_much_drains_each_row_has_the_best_that_does),
		cmocka_unit_test(where_little_drains_followers_are_the_next_by_standing),
		cmocka_unit_test(without_ready_backends_the_draining_ones_stand_in),
		cmocka_unit_test(without_backends_rows_are_empty_and_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
