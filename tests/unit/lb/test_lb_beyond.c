// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rollouts: rows settle soon after the last old flow, and whose owner is no candidate any more is
 * said by the row.
 */
#include "walk_fixture.h"

#include "lb/lb_inside.h"

#define N_FLOWS 10000u

static struct lb_flow *flow_at(const struct fixture *x, uint32_t i)
{
	return &x->flows[i].way[0];
}

/* As flows begin: each has its row's first. */
static void make_flows(struct fixture *x)
{
	for (uint32_t i = 0; i < N_FLOWS; i++) {
		uint32_t row = i % ROWS;
		uint16_t owner = lb_row_candidate(*row_at(x, row), 0);

		*flow_at(x, i) = (struct lb_flow){.hash = 1000 + i,
						  .slot = (uint16_t)slot_of(x, key()),
						  .row = (uint16_t)row,
						  .backend = owner,
						  .state = lb_flow_state(3, false, 1),
						  .age = x->c.age};
	}
}

/* When the walk that is under way, or the next one, is over. */
static void pass_a_walk(struct fixture *x)
{
	do
		fixture_at(x, lb_tables_tick(x->t, &x->c));
	while (x->t->walk.phase != LB_WALK_IDLE);
}

/* All ten are replaced; their flows end one after the other, and the last says when it is over. */
static void after_a_rollout_all_is_settled_two_walks_after_the_last_old_flow(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 10);
	pass(&x, AWHILE);
	make_flows(&x);
	put(&x, 0, 20);
	put_draining(&x, 0, 10, 20);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), ROWS);
	for (uint32_t i = 0; i < N_FLOWS; i++) {
		flow_at(&x, i)->hash = LB_FLOW_FREE;
		if (i % 1000 == 999 && i + 1 < N_FLOWS) {
			pass_a_walk(&x);
			pass_a_walk(&x);
			assert_int_equal(n_unsettled(&x),
					 N_FLOWS - 1 - i < ROWS ? N_FLOWS - 1 - i : ROWS);
		}
	}
	pass_a_walk(&x);
	pass_a_walk(&x);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

/* --- owners that are no candidates ------------------------------------------------------------ */

/* The row whose first is this backend, so many younger ones come before it that it is none. */
static uint32_t row_that_forgets(struct fixture *x, uint16_t *ret_owner)
{
	uint32_t row = 0;
	uint16_t owner[ROWS];

	put(x, 0, 10);
	pass(x, AWHILE);
	assert_int_equal(n_unsettled(x), 0);
	for (uint32_t i = 0; i < ROWS; i++)
		owner[i] = lb_row_candidate(*row_at(x, i), 0);
	put(x, 0, 30);
	while (lb_row_names(*row_at(x, row), owner[row]))
		row++;
	*ret_owner = owner[row];
	return row;
}

static void a_row_that_forgets_an_owner_says_so_while_flows_live(void **state)
{
	struct fixture x;
	uint16_t owner;
	uint32_t row;

	(void)state;
	begin(&x);
	row = row_that_forgets(&x, &owner);
	assert_true(*row_at(&x, row) & LB_ROW_BEYOND);
	flow(&x, 0, row, owner);
	pass_with_answers(&x, HOURS, 0);
	assert_true(*row_at(&x, row) & LB_ROW_BEYOND && *row_at(&x, row) & LB_ROW_UNSETTLED);
	assert_int_equal(n_unsettled(&x), 1);
	put(&x, 0, 31); /* what is known of the row stays with it */
	assert_true(*row_at(&x, row) & LB_ROW_BEYOND);
	entry(&x, 0)->hash = LB_FLOW_FREE;
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	assert_false(*row_at(&x, row) & LB_ROW_BEYOND);
	fixture_done(&x);
}

/* It is one of the candidates again, or its flows are all of those. */
static void a_row_that_names_its_owners_says_nothing(void **state)
{
	struct fixture x;
	uint16_t owner;
	uint32_t row;

	(void)state;
	begin(&x);
	row = row_that_forgets(&x, &owner);
	flow(&x, 0, row, later(&x, row));
	pass(&x, AWHILE);
	assert_true(*row_at(&x, row) & LB_ROW_UNSETTLED);
	assert_false(*row_at(&x, row) & LB_ROW_BEYOND);
	fixture_done(&x);
}

/* A restarted agent finds them by their entries. */
static void a_flow_beyond_that_nobody_said_anything_of_is_healed(void **state)
{
	struct fixture x;
	uint16_t owner;
	uint32_t row;

	(void)state;
	begin(&x);
	row = row_that_forgets(&x, &owner);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	flow(&x, 0, row, owner);
	fixture_restart(&x);
	pass(&x, AWHILE);
	assert_true(*row_at(&x, row) & LB_ROW_BEYOND && *row_at(&x, row) & LB_ROW_UNSETTLED);
	fixture_done(&x);
}

static uint32_t n_beyond(const struct fixture *x)
{
	uint32_t n = 0;

	for (uint32_t row = 0; row < ROWS; row++)
		n += !!(*row_at(x, row) & LB_ROW_BEYOND);
	return n;
}

static void only_rows_that_may_forget_somebody_say_so(void **state)
{
	struct fixture x;
	uint16_t owner;

	(void)state;
	begin(&x);
	put(&x, 0, 3);
	assert_int_equal(n_beyond(&x), 0); /* a new service has no flows */
	put(&x, 0, 4);
	assert_int_equal(n_beyond(&x), 0); /* all are candidates */
	fixture_done(&x);
	begin(&x);
	(void)row_that_forgets(&x, &owner);
	assert_in_range(n_beyond(&x), ROWS / 20, ROWS / 2);
	fixture_done(&x);
}

/*
 * Backends come and go in any way; of each flow whose backend is still there the row either names
 * it or says that it may have others.
 */
static void no_change_makes_a_flow_unknown(void **state)
{
	static uint16_t owners[200][ROWS]; /* of flows begun at each step */
	uint64_t n_found_beyond = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (unsigned run = 0; run < 20; run++) {
		struct fixture x;
		uint32_t from = 0, upto = 6;

		begin(&x);
		for (unsigned step = 0; step < 12; step++) {
			uint64_t live;
			struct lb_key k = key();

			put(&x, from, upto);
			(void)reader_find(&x, &k, &live);
			for (uint32_t row = 0; row < ROWS; row++) {
				uint64_t word = *row_at(&x, row);

				owners[step][row] = lb_row_candidate(word, 0);
				for (unsigned s = 0; s < step; s++) {
					uint16_t index = owners[s][row];
					uint32_t at = reader_index(live, index, 0);
					uint32_t addr = be32toh(reader_backend(&x, at)->addr[3]);

					if (lb_row_names(word, index) || addr < TARGETS + from ||
					    !reader_in_use(reader_backend(&x, at)))
						continue;
					assert_true(word & LB_ROW_BEYOND);
					assert_true(word & LB_ROW_UNSETTLED);
					n_found_beyond++;
				}
			}
			upto += (uint32_t)rng_below(&rng, 6);
			upto = upto > from + 28 ? from + 28 : upto;
			fixture_at(&x, x.c.now + SECOND / 2);
		}
		fixture_done(&x);
	}
	assert_true(n_found_beyond > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_rollout_all_is_settled_two_walks_after_the_last_old_flow),
		cmocka_unit_test(a_row_that_forgets_an_owner_says_so_while_flows_live),
		cmocka_unit_test(a_row_that_names_its_owners_says_nothing),
		cmocka_unit_test(a_flow_beyond_that_nobody_said_anything_of_is_healed),
		cmocka_unit_test(only_rows_that_may_forget_somebody_say_so),
		cmocka_unit_test(no_change_makes_a_flow_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
