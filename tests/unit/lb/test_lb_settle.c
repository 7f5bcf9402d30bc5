// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* When rows are unsettled, and when they settle. */
#include "walk_fixture.h"

static void a_new_table_settles_when_no_flow_has_a_later_owner(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	assert_int_equal(n_unsettled(&x), ROWS);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void a_row_without_later_candidates_is_settled_at_once(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 1);
	assert_int_equal(n_unsettled(&x), 0);
	put(&x, 0, 5);
	assert_true(n_unsettled(&x) > 0);
	put(&x, 2, 3);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void only_rows_whose_first_candidate_changed_become_unsettled(void **state)
{
	struct fixture x;
	uint64_t before[ROWS];
	uint32_t n_changed = 0;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	pass(&x, AWHILE);
	for (uint32_t row = 0; row < ROWS; row++)
		before[row] = *row_at(&x, row);
	put(&x, 0, 6);
	for (uint32_t row = 0; row < ROWS; row++) {
		bool changed =
			lb_row_candidate(before[row], 0) != lb_row_candidate(*row_at(&x, row), 0);

		assert_int_equal(changed, !!(*row_at(&x, row) & LB_ROW_UNSETTLED));
		n_changed += changed;
	}
	assert_in_range(n_changed, ROWS / 12, ROWS / 3);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void a_flow_of_a_later_candidate_holds_its_row_open_and_no_other(void **state)
{
	static const uint32_t states[] = {LB_FLOW_NEW, LB_FLOW_ANSWERED, LB_FLOW_ESTABLISHED,
					  LB_FLOW_CLOSING};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct fixture x;

		begin(&x);
		put(&x, 0, 5);
		flow_in_state(&x, 0, key(), 17, later(&x, 17), states[i]);
		flow(&x, 1, 18, lb_row_candidate(*row_at(&x, 18), 0));
		pass_with_answers(&x, 5 * HOURS, 0);
		assert_int_equal(n_unsettled(&x), 1);
		assert_true(*row_at(&x, 17) & LB_ROW_UNSETTLED);
		entry(&x, 0)->hash = LB_FLOW_FREE;
		pass(&x, AWHILE);
		assert_int_equal(n_unsettled(&x), 0);
		fixture_done(&x);
	}
}

/* The first place is what a flow's backend is held against, as it is now. */
static void a_flow_holds_its_row_open_as_soon_as_another_is_first(void **state)
{
	struct fixture x;
	uint16_t owner;
	uint32_t row = 0;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	pass(&x, AWHILE);
	for (uint32_t i = 0; i < ROWS; i++)
		flow(&x, i, i, lb_row_candidate(*row_at(&x, i), 0));
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	put(&x, 0, 6);
	pass(&x, AWHILE);
	while (!(*row_at(&x, row) & LB_ROW_UNSETTLED))
		row++;
	owner = entry(&x, row)->backend;
	assert_int_not_equal(lb_row_candidate(*row_at(&x, row), 0), owner);
	put(&x, 0, 5);
	pass(&x, AWHILE);
	assert_int_equal(lb_row_candidate(*row_at(&x, row), 0), owner);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

/* Both may be: a program works with a row for as long as it runs, and marks it afterwards. */
static void what_a_program_does_during_a_walk_is_not_lost(void **state)
{
	(void)state;
	for (uint32_t when = 1; when < 60; when++) {
		struct fixture x;

		begin(&x);
		put(&x, 0, 5);
		pass(&x, AWHILE);
		*row_at(&x, 9) |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
		for (uint32_t i = 0; i < when; i++)
			fixture_at(&x, lb_tables_tick(x.t, &x.c));
		/* an entry where the walk may have been already, then the mark */
		flow(&x, 0, 9, later(&x, 9));
		*row_at(&x, 9) |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
		for (uint32_t i = 0; i < 60; i++) {
			fixture_at(&x, lb_tables_tick(x.t, &x.c));
			assert_true(*row_at(&x, 9) & LB_ROW_UNSETTLED);
			entry(&x, 0)->age = x.c.age;
		}
		fixture_done(&x);
	}
}

static void a_mark_alone_is_gone_after_a_while(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	pass(&x, AWHILE);
	*row_at(&x, 9) |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
	put(&x, 0, 6);
	assert_true(*row_at(&x, 9) & LB_ROW_MARKED);
	assert_true(*row_at(&x, 9) & LB_ROW_UNSETTLED);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void nothing_settles_while_programs_may_work_with_old_rows(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	for (nsec_t end = x.c.now + LB_REST_NS; x.c.now < end;) {
		assert_int_equal(n_unsettled(&x), ROWS);
		fixture_at(&x, nsec_min(lb_tables_tick(x.t, &x.c), end));
	}
	for (int i = 0; i < 20; i++) { /* a put every two seconds */
		pass(&x, 2 * SECOND);
		put(&x, 0, i % 2 ? 5 : 6);
		assert_true(n_unsettled(&x) > 0);
	}
	fixture_done(&x);
}

/* Where the entries of a former table were lost, silence of three hours is the only evidence. */
static void without_the_entries_of_before_nothing_settles_for_three_hours(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	x.config.settle_from = x.c.now + LB_SETTLE_BLIND_NS;
	put(&x, 0, 5);
	pass(&x, 2 * HOURS + 55 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), ROWS);
	fixture_restart(&x);
	pass(&x, 10 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), 0);
	put(&x, 0, 6);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

/* Entries name the rows that flows had before. */
static void affinity_that_comes_or_goes_unsettles_every_row_for_three_hours(void **state)
{
	(void)state;
	for (unsigned grows = 0; grows < 2; grows++) {
		struct fixture x;

		begin(&x);
		put(&x, 0, 15);
		put(&x, 1, 16);
		pass(&x, AWHILE);
		assert_int_equal(n_unsettled(&x), 0);
		put_at(&x, key(), 1, 16 + grows, LB_F_AFFINITY);
		assert_int_equal(n_unsettled(&x), ROWS);
		pass(&x, 2 * HOURS + 55 * 60 * SECOND);
		assert_int_equal(n_unsettled(&x), ROWS);
		put_at(&x, key(), 1, 15, LB_F_AFFINITY);
		pass(&x, AWHILE);
		assert_int_equal(n_unsettled(&x), ROWS);
		pass(&x, 10 * 60 * SECOND);
		assert_int_equal(n_unsettled(&x), 0);
		put_at(&x, key(), 1, 16 + grows, 0);
		assert_int_equal(n_unsettled(&x), ROWS);
		fixture_done(&x);
	}
}

/* Two such tables are all that a slice looks at; the walk goes on behind them. */
static void the_largest_tables_settle_one_after_the_other(void **state)
{
	struct lb_target targets[5];
	struct fixture x;

	(void)state;
	begin(&x);
	for (uint32_t i = 0; i < ARRAY_SIZE(targets); i++)
		targets[i] = target_of_v4(TARGETS + i, 8080, true);
	for (uint16_t port = 80; port < 85; port++) {
		struct lb_frontend f = frontend_of(key_of(WEB, port), targets, ARRAY_SIZE(targets));

		f.rows_log2 = LB_ROWS_LOG2_MAX;
		assert_int_equal(fixture_put(&x, &f), 0);
	}
	pass(&x, AWHILE);
	for (uint16_t port = 80; port < 85; port++) {
		uint64_t live = service(&x, key_of(WEB, port))->live;

		assert_false(*reader_row(&x, live, 0) & LB_ROW_UNSETTLED);
		assert_false(*reader_row(&x, live, 65535) & LB_ROW_UNSETTLED);
	}
	fixture_done(&x);
}

/* Its region was too small: the rows are others, and readers may still hold the old ones. */
static void grow(struct fixture *x)
{
	const uint64_t *before = row_at(x, 0);

	put(x, 1, 16); /* the index of the first that left rests */
	put(x, 2, 17);
	assert_true(before != row_at(x, 0));
}

static void settled_at_15(struct fixture *x)
{
	begin(x);
	put(x, 0, 15);
	pass(x, AWHILE);
	assert_int_equal(n_unsettled(x), 0);
}

static void growth_to_a_new_region_keeps_what_is_settled(void **state)
{
	struct fixture x;

	(void)state;
	settled_at_15(&x);
	*row_at(&x, 3) |= LB_ROW_UNSETTLED;
	grow(&x);
	assert_true(*row_at(&x, 3) & LB_ROW_UNSETTLED);
	assert_in_range(n_unsettled(&x), 1, ROWS / 2);
	fixture_done(&x);
}

/* A row that keeps its first candidate over grow(), and so stays settled. */
static uint32_t row_that_stays(void)
{
	struct fixture x;
	uint32_t row = 0;

	settled_at_15(&x);
	grow(&x);
	while (*row_at(&x, row) & LB_ROW_UNSETTLED)
		row++;
	fixture_done(&x);
	return row;
}

static void a_mark_in_an_old_row_counts_as_long_as_a_reader_may_make_it(void **state)
{
	const uint32_t row = row_that_stays();

	(void)state;
	for (unsigned woken_by_put = 0; woken_by_put < 2; woken_by_put++) {
		struct fixture x;
		uint64_t *old;

		settled_at_15(&x);
		old = row_at(&x, row);
		grow(&x);
		pass(&x, LB_REST_NS / 2);
		*old |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
		flow(&x, 0, row, later(&x, row));
		fixture_at(&x, x.c.now + LB_REST_NS);
		if (woken_by_put)
			put(&x, 2, 16);
		else
			lb_tables_tick(x.t, &x.c);
		assert_true(*row_at(&x, row) & LB_ROW_UNSETTLED);
		pass(&x, AWHILE);
		assert_true(*row_at(&x, row) & LB_ROW_UNSETTLED);
		fixture_done(&x);
	}
}

static void a_service_that_is_gone_gets_no_marks(void **state)
{
	const uint32_t row = row_that_stays();
	struct fixture x;
	struct lb_key k = key();
	uint64_t *old;

	(void)state;
	settled_at_15(&x);
	old = row_at(&x, row);
	grow(&x);
	lb_tables_del(x.t, &x.c, &k);
	put(&x, 0, 1);
	put(&x, 0, 2);
	pass(&x, LB_REST_NS / 2);
	for (uint32_t i = 0; i < ROWS; i++)
		*row_at(&x, i) &= ~LB_ROW_UNSETTLED;
	*old |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
	pass(&x, 2 * LB_REST_NS);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

/* The agent that was to carry a mark over has died; the entry is there all the same. */
static void a_settled_row_with_a_foreign_flow_is_healed(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	pass(&x, AWHILE);
	flow(&x, 0, 33, later(&x, 33));
	assert_int_equal(n_unsettled(&x), 0);
	fixture_restart(&x);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 1);
	assert_true(*row_at(&x, 33) & LB_ROW_UNSETTLED);
	fixture_done(&x);
}

/* --- a rollout -------------------------------------------------------------------------------- */

#define N_PODS    10u
#define N_FLOWING 10000u

/* Flow i of a rollout: of these there are more than entry() has places for. */
static struct lb_flow *flowing(const struct fixture *x, uint32_t i)
{
	return &x->flows[i / LB_FLOW_WAYS].way[i % LB_FLOW_WAYS];
}

static void begin_flowing(const struct fixture *x, uint32_t i)
{
	uint32_t row = i % ROWS;
	uint16_t backend = lb_row_candidate(*row_at(x, row), 0);
	uint32_t index = reader_index(service(x, key())->live, backend, 0);
	uint8_t gen = (uint8_t)(reader_backend(x, index)->state >> LB_BE_GEN_SHIFT);

	*flowing(x, i) = (struct lb_flow){.hash = 1000 + i,
					  .slot = (uint16_t)slot_of(x, key()),
					  .row = (uint16_t)row,
					  .backend = backend,
					  .state = lb_flow_state(LB_FLOW_ESTABLISHED, false, gen),
					  .age = x->c.age};
}

/* Rows in which a living flow has another backend than the first. */
static uint32_t n_rows_of_others(const struct fixture *x)
{
	bool others[ROWS] = {false};
	uint32_t n = 0;

	for (uint32_t i = 0; i < N_FLOWING; i++) {
		const struct lb_flow *f = flowing(x, i);

		if (f->hash > LB_FLOW_FREE)
			others[f->row] |= f->backend != lb_row_candidate(*row_at(x, f->row), 0);
	}
	for (uint32_t row = 0; row < ROWS; row++)
		n += others[row];
	return n;
}

static void after_a_rollout_all_rows_settle_with_the_last_old_flow(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, N_PODS);
	pass(&x, AWHILE);
	for (uint32_t i = 0; i < N_FLOWING; i++)
		begin_flowing(&x, i);
	for (uint32_t pod = 1; pod <= N_PODS; pod++) {
		put_draining(&x, 0, pod, N_PODS + pod);
		pass(&x, AWHILE);
		assert_int_equal(n_unsettled(&x), n_rows_of_others(&x));
	}
	assert_int_equal(n_unsettled(&x), ROWS); /* nobody old is anybody's first */
	for (uint32_t i = 0; i < N_FLOWING; i++) {
		flowing(&x, i)->hash = LB_FLOW_FREE;
		if (i % 1000 != 999 && i != N_FLOWING - 2)
			continue;
		pass(&x, AWHILE);
		assert_int_equal(n_unsettled(&x), n_rows_of_others(&x));
		assert_true((n_unsettled(&x) > 0) == (i < N_FLOWING - 1));
	}
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_table_settles_when_no_flow_has_a_later_owner),
		cmocka_unit_test(a_row_without_later_candidates_is_settled_at_once),
		cmocka_unit_test(only_rows_whose_first_candidate_changed_become_unsettled),
		cmocka_unit_test(a_flow_of_a_later_candidate_holds_its_row_open_and_no_other),
		cmocka_unit_test(a_flow_holds_its_row_open_as_soon_as_another_is_first),
		cmocka_unit_test(what_a_program_does_during_a_walk_is_not_lost),
		cmocka_unit_test(a_mark_alone_is_gone_after_a_while),
		cmocka_unit_test(nothing_settles_while_programs_may_work_with_old_rows),
		cmocka_unit_test(without_the_entries_of_before_nothing_settles_for_three_hours),
		cmocka_unit_test(affinity_that_comes_or_goes_unsettles_every_row_for_three_hours),
		cmocka_unit_test(the_largest_tables_settle_one_after_the_other),
		cmocka_unit_test(growth_to_a_new_region_keeps_what_is_settled),
		cmocka_unit_test(a_mark_in_an_old_row_counts_as_long_as_a_reader_may_make_it),
		cmocka_unit_test(a_service_that_is_gone_gets_no_marks),
		cmocka_unit_test(a_settled_row_with_a_foreign_flow_is_healed),
		cmocka_unit_test(after_a_rollout_all_rows_settle_with_the_last_old_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
