// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* When rows are unsettled, and when they settle. */
#include "fixture.h"

#define ROWS  256
#define HOURS (3600 * SECOND)

static struct lb_key key(void)
{
	return key_of(0xc0000201, 80);
}

static void put_flags(struct fixture *x, uint32_t from, uint32_t upto, uint32_t flags)
{
	struct lb_target targets[32];
	struct lb_frontend f;

	for (uint32_t i = from; i < upto; i++)
		targets[i - from] = target_of_v4(0x0a000001 + i, 8080, true);
	f = frontend_of(key(), targets, upto - from);
	f.flags = flags;
	assert_int_equal(fixture_put(x, &f), 0);
}

static void put(struct fixture *x, uint32_t from, uint32_t upto)
{
	put_flags(x, from, upto, 0);
}

static uint64_t *row_at(const struct fixture *x, uint32_t row)
{
	struct lb_key k = key();
	uint64_t live;

	assert_non_null(reader_find(x, &k, &live));
	return reader_row(x, live, row);
}

static uint16_t *late_at(const struct fixture *x, uint32_t row)
{
	return &x->late[0][row_at(x, row) - x->rows[0]];
}

static uint32_t n_unsettled(const struct fixture *x)
{
	uint32_t n = 0;

	for (uint32_t row = 0; row < ROWS; row++)
		n += !!(*row_at(x, row) & LB_ROW_UNSETTLED);
	return n;
}

/* Time passes as an agent lives it: called when it asked to be. */
static void pass(struct fixture *x, nsec_t span)
{
	nsec_t end = x->c.now + span, next;

	while (x->c.now < end) {
		next = lb_tables_tick(x->t, &x->c);
		assert_true(next > x->c.now);
		fixture_at(x, next < end ? next : end);
	}
	lb_tables_tick(x->t, &x->c);
}

static void a_new_table_is_unsettled_for_three_hours(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	put(&x, 0, 5);
	assert_int_equal(n_unsettled(&x), ROWS);
	pass(&x, 2 * HOURS + 55 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), ROWS);
	pass(&x, 10 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void a_row_without_later_candidates_is_settled_at_once(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
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
	fixture_init(&x);
	put(&x, 0, 5);
	pass(&x, 4 * HOURS);
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
	pass(&x, 4 * HOURS);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void deliveries_to_a_later_candidate_hold_a_row_open_and_no_other(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	put(&x, 0, 5);
	for (unsigned hour = 0; hour < 5; hour++) {
		*late_at(&x, 17) = x.c.age;
		pass(&x, HOURS);
	}
	assert_int_equal(n_unsettled(&x), 1);
	assert_true(*row_at(&x, 17) & LB_ROW_UNSETTLED);
	pass(&x, 3 * HOURS);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void a_mark_of_the_program_survives_a_put_and_lasts_three_hours(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	put(&x, 0, 5);
	pass(&x, 4 * HOURS);
	*row_at(&x, 9) |= LB_ROW_UNSETTLED; /* not stamped yet */
	put(&x, 0, 6);
	assert_true(*row_at(&x, 9) & LB_ROW_UNSETTLED);
	put(&x, 0, 5);
	pass(&x, 2 * HOURS);
	assert_true(*row_at(&x, 9) & LB_ROW_UNSETTLED);
	pass(&x, 2 * HOURS);
	assert_false(*row_at(&x, 9) & LB_ROW_UNSETTLED);
	fixture_done(&x);
}

static void growth_to_a_new_region_keeps_what_is_settled(void **state)
{
	struct fixture x;
	uint64_t *before;

	(void)state;
	fixture_init(&x);
	put(&x, 0, 15);
	pass(&x, 4 * HOURS);
	*row_at(&x, 3) |= LB_ROW_UNSETTLED;
	*late_at(&x, 3) = x.c.age;
	before = row_at(&x, 0);
	put(&x, 1, 16); /* index of the first still in use: 16 entries hold it */
	put(&x, 2, 17); /* and now they do not */
	assert_true(before != row_at(&x, 0));
	assert_true(*row_at(&x, 3) & LB_ROW_UNSETTLED);
	assert_in_range(n_unsettled(&x), 1, ROWS / 2);
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
	fixture_init(x);
	put(x, 0, 15);
	pass(x, 4 * HOURS);
	assert_int_equal(n_unsettled(x), 0);
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
		uint16_t *old_late;

		settled_at_15(&x);
		old = row_at(&x, row);
		old_late = late_at(&x, row);
		grow(&x);
		pass(&x, LB_REST_NS / 2);
		*old |= LB_ROW_UNSETTLED;
		*old_late = x.c.age;
		fixture_at(&x, x.c.now + LB_REST_NS);
		if (woken_by_put)
			put(&x, 2, 16);
		else
			lb_tables_tick(x.t, &x.c);
		assert_true(*row_at(&x, row) & LB_ROW_UNSETTLED);
		pass(&x, 2 * HOURS);
		assert_true(*row_at(&x, row) & LB_ROW_UNSETTLED);
		pass(&x, 2 * HOURS);
		assert_false(*row_at(&x, row) & LB_ROW_UNSETTLED);
		fixture_done(&x);
	}
}

/* The old row's stamp is carried, too, and the younger of two counts, whatever ages do meanwhile.
 */
static void a_delivery_by_an_old_row_holds_the_new_one_open(void **state)
{
	const nsec_t begin[] = {100 * SECOND, 65000 * 4 * SECOND};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture x;
		uint16_t *old_late;

		fixture_init(&x);
		fixture_at(&x, begin[i]);
		put(&x, 0, 15);
		old_late = late_at(&x, 5);
		pass(&x, 2 * HOURS + 50 * 60 * SECOND);
		grow(&x);
		*late_at(&x, 5) = *old_late; /* it may have changed first place just now */
		*old_late = x.c.age;
		pass(&x, HOURS);
		assert_true(*row_at(&x, 5) & LB_ROW_UNSETTLED);
		pass(&x, 3 * HOURS);
		assert_false(*row_at(&x, 5) & LB_ROW_UNSETTLED);
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
	*old |= LB_ROW_UNSETTLED;
	pass(&x, 2 * LB_REST_NS);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void affinity_that_comes_or_goes_unsettles_every_row(void **state)
{
	(void)state;
	for (unsigned grows = 0; grows < 2; grows++) {
		struct fixture x;

		settled_at_15(&x);
		put(&x, 1, 16);
		pass(&x, 4 * HOURS);
		assert_int_equal(n_unsettled(&x), 0);
		put_flags(&x, 1, 16 + grows, LB_F_AFFINITY);
		assert_int_equal(n_unsettled(&x), ROWS);
		pass(&x, 2 * HOURS);
		assert_int_equal(n_unsettled(&x), ROWS);
		pass(&x, 2 * HOURS);
		assert_int_equal(n_unsettled(&x), 0);
		put_flags(&x, 1, 16 + grows, 0);
		assert_int_equal(n_unsettled(&x), ROWS);
		fixture_done(&x);
	}
}

static void rows_settle_also_when_the_ages_begin_anew_meanwhile(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	fixture_at(&x, 65000 * 4 * SECOND); /* 36 minutes before 16 bits are over */
	put(&x, 0, 5);
	pass(&x, 2 * HOURS + 55 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), ROWS);
	pass(&x, 10 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

/* One such table is all that a tick looks at; the round goes on behind it. */
static void the_largest_tables_settle_one_after_the_other(void **state)
{
	struct lb_target targets[5];
	struct fixture x;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	for (uint32_t i = 0; i < ARRAY_SIZE(targets); i++)
		targets[i] = target_of_v4(0x0a000001 + i, 8080, true);
	for (uint16_t port = 80; port < 83; port++) {
		struct lb_frontend f =
			frontend_of(key_of(0xc0000201, port), targets, ARRAY_SIZE(targets));

		f.rows_log2 = LB_ROWS_LOG2_MAX;
		assert_int_equal(fixture_put(&x, &f), 0);
	}
	fixture_at(&x, x.c.now + 3 * HOURS + 60 * SECOND);
	for (uint16_t n_settled = 1; n_settled <= 3; n_settled++) {
		const nsec_t next = lb_tables_tick(x.t, &x.c);

		for (uint16_t port = 80; port < 83; port++) {
			struct lb_key k = key_of(0xc0000201, port);
			const uint64_t want = port < 80 + n_settled ? 0 : LB_ROW_UNSETTLED;

			assert_non_null(reader_find(&x, &k, &live));
			assert_int_equal(*reader_row(&x, live, 0) & LB_ROW_UNSETTLED, want);
			assert_int_equal(*reader_row(&x, live, 65535) & LB_ROW_UNSETTLED, want);
		}
		fixture_at(&x, next);
	}
	fixture_done(&x);
}

static void the_wait_goes_on_after_a_restart(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	put(&x, 0, 5);
	pass(&x, 2 * HOURS);
	fixture_restart(&x);
	assert_int_equal(n_unsettled(&x), ROWS);
	pass(&x, HOURS + 5 * 60 * SECOND);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void idle_tables_want_no_tick(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_true(lb_tables_tick(x.t, &x.c) == NSEC_NEVER);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_table_is_unsettled_for_three_hours),
		cmocka_unit_test(a_row_without_later_candidates_is_settled_at_once),
		cmocka_unit_test(only_rows_whose_first_candidate_changed_become_unsettled),
		cmocka_unit_test(deliveries_to_a_later_candidate_hold_a_row_open_and_no_other),
		cmocka_unit_test(a_mark_of_the_program_survives_a_put_and_lasts_three_hours),
		cmocka_unit_test(growth_to_a_new_region_keeps_what_is_settled),
		cmocka_unit_test(a_mark_in_an_old_row_counts_as_long_as_a_reader_may_make_it),
		cmocka_unit_test(a_delivery_by_an_old_row_holds_the_new_one_open),
		cmocka_unit_test(a_service_that_is_gone_gets_no_marks),
		cmocka_unit_test(affinity_that_comes_or_goes_unsettles_every_row),
		cmocka_unit_test(rows_settle_also_when_the_ages_begin_anew_meanwhile),
		cmocka_unit_test(the_largest_tables_settle_one_after_the_other),
		cmocka_unit_test(the_wait_goes_on_after_a_restart),
		cmocka_unit_test(idle_tables_want_no_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
