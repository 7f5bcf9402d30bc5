// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Affine entries, as the agent sees them: for how long a client keeps its backend, when it has lost
 * it, and that it is no flow to anybody. How the programs make and ask them is tested with packets.
 */
#include "lb/lb_counted.h"
#include "walk_fixture.h"

#include <errno.h>

static void put_for(struct fixture *x, uint32_t n, uint32_t n_draining, uint32_t seconds)
{
	struct lb_target targets[8];
	struct lb_frontend f;

	for (uint32_t i = 0; i < n; i++)
		targets[i] = target_of_v4(TARGETS + i, 8080, i >= n_draining);
	f = frontend_of(key(), targets, n);
	frontend_set_flags(&f, seconds ? LB_F_AFFINITY : 0);
	f.affinity_s = seconds;
	f.table = lb_table_name(&f);
	assert_int_equal(fixture_put(x, &f), 0);
}

/* What the programs note of a client of this row when a flow of it is established. */
static void note(struct fixture *x, uint32_t i, uint32_t row, uint16_t backend)
{
	const uint16_t affinity = service(x, key())->affinity;
	const uint32_t index = reader_index(service(x, key())->live, backend, 0);

	*entry(x, i) = (struct lb_flow){
		.hash = 1000 + i,
		.slot = (uint16_t)slot_of(x, key()),
		.row = (uint16_t)row,
		.backend = backend,
		.state = lb_affine_state(
			affinity, (uint8_t)(reader_backend(x, index)->state >> LB_BE_GEN_SHIFT)),
		.age = affinity & LB_AFFINITY_LONG ? x->c.age_long : x->c.age,
	};
}

/* --- how long --------------------------------------------------------------------------------- */

/* The agent walks eight times in a unit of age and no more: each age is met all the same, in a
 * sixth of the walks. */
static void pass_with_few_walks(struct fixture *x, nsec_t span, nsec_t unit)
{
	const nsec_t end = x->c.now + span;

	while (end - x->c.now > unit / 8) {
		fixture_at(x, x->c.now + unit / 8 - SECOND);
		pass(x, SECOND);
	}
	pass(x, end - x->c.now);
}

static void a_client_keeps_its_backend_for_the_time_and_little_longer(void **state)
{
	static const uint32_t all[] = {1, 64, 65, 640, 10800, 15360, 15361, 20000, 43200, 86400};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const nsec_t time = all[i] * SECOND;
		const nsec_t unit = (all[i] > 240 * 64 ? 512 : 64) * SECOND;
		struct fixture x;
		nsec_t noted;

		begin(&x);
		fixture_at(&x, 100 * SECOND + i * 77 * SECOND);
		put_for(&x, 3, 0, all[i]);
		noted = x.c.now;
		note(&x, 0, 0, 0);
		pass_with_few_walks(&x, time - SECOND, unit);
		assert_true(is_there(&x, 0));
		pass(&x, 2 * unit + 10 * SECOND);
		assert_false(is_there(&x, 0));
		assert_true(x.c.now - noted > time);
		fixture_done(&x);
	}
}

/* One that an answer has noted behind the clock that the walk has read. */
static void what_is_younger_than_the_walk_lives(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put_for(&x, 3, 0, 86400);
	note(&x, 0, 0, 0);
	entry(&x, 0)->age++;
	put_for(&x, 3, 0, 60);
	note(&x, 1, 0, 0);
	entry(&x, 1)->age++;
	pass(&x, AWHILE);
	assert_true(is_there(&x, 1));
	fixture_done(&x);
}

static void another_time_counts_at_once(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put_for(&x, 3, 0, 10800);
	note(&x, 0, 0, 0);
	pass(&x, 1000 * SECOND);
	put_for(&x, 3, 0, 2000);
	pass(&x, AWHILE);
	assert_true(is_there(&x, 0));
	put_for(&x, 3, 0, 500);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	fixture_done(&x);
}

/* The two units cannot be told from each other by an age. */
static void a_time_in_another_unit_forgets_who_has_whom(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put_for(&x, 3, 0, 3600);
	note(&x, 0, 0, 0);
	put_for(&x, 3, 0, 86400);
	note(&x, 1, 0, 0);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	assert_true(is_there(&x, 1));
	put_for(&x, 3, 0, 3600);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 1));
	fixture_done(&x);
}

static void times_out_of_range_are_refused(void **state)
{
	struct lb_frontend f = frontend_of(key(), NULL, 0);
	struct fixture x;

	(void)state;
	begin(&x);
	f.flags = LB_F_AFFINITY;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	f.affinity_s = LB_AFFINITY_S_MAX + 1;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	f.affinity_s = LB_AFFINITY_S_MAX;
	assert_int_equal(fixture_put(&x, &f), 0);
	f.flags = 0;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	f = frontend_of(key_of(WEB, 0), NULL, 0);
	f.affinity_s = 1;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	fixture_done(&x);
}

/* --- what it is to others --------------------------------------------------------------------- */

static void a_kept_backend_that_is_not_first_keeps_its_row_unsettled(void **state)
{
	struct fixture x;
	uint16_t kept;

	(void)state;
	begin(&x);
	put_for(&x, 5, 0, 3600);
	kept = later(&x, 7);
	note(&x, 0, 7, kept);
	note(&x, 1, 8, lb_row_candidate(*row_at(&x, 8), 0));
	pass(&x, 20 * 60 * SECOND);
	assert_true(is_there(&x, 0));
	assert_true(is_there(&x, 1));
	assert_int_equal(n_unsettled(&x), 1);
	assert_true(*row_at(&x, 7) & LB_ROW_UNSETTLED);
	assert_false(*row_at(&x, 7) & LB_ROW_BEYOND);
	pass(&x, 3 * 64 * SECOND + 3600 * SECOND);
	assert_false(is_there(&x, 0));
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void a_kept_backend_that_is_no_candidate_is_found_beyond_the_row(void **state)
{
	struct fixture x;
	uint16_t kept = 0;

	(void)state;
	begin(&x);
	put_for(&x, 8, 0, 3600);
	while (lb_row_names(*row_at(&x, 7), kept))
		kept++;
	note(&x, 0, 7, kept);
	pass(&x, AWHILE);
	assert_true(*row_at(&x, 7) & LB_ROW_BEYOND);
	entry(&x, 0)->hash = LB_FLOW_FREE;
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void nobody_keeps_a_backend_that_takes_no_new_flow(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put_for(&x, 5, 0, 3600);
	for (uint16_t i = 0; i < 3; i++)
		note(&x, i, i, i);
	flow(&x, 3, 0, 0);
	put_for(&x, 5, 2, 3600);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	assert_false(is_there(&x, 1));
	assert_true(is_there(&x, 2));
	assert_true(is_there(&x, 3));
	fixture_done(&x);
}

static void without_affinity_nobody_keeps_a_backend(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put_for(&x, 5, 0, 3600);
	note(&x, 0, 0, 0);
	flow(&x, 1, 0, 0);
	put_for(&x, 5, 0, 0);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	assert_true(is_there(&x, 1));
	fixture_done(&x);
}

/* Neither in what is told of a backend, nor in how full the table is, nor for who waits for it. */
static void a_client_that_keeps_a_backend_is_no_flow(void **state)
{
	struct arena *arena = arena_new();
	const struct lb_key k = key();
	struct lb_actual actual;
	const uint32_t *index, *count;
	struct lb_counted counted;
	struct lb_frontend f;
	struct lb_target target = target_of_v4(TARGETS, 8080, true);
	struct fixture x;
	size_t n;

	(void)state;
	begin(&x);
	put_for(&x, 1, 0, 3600);
	note(&x, 0, 0, 0);
	flow(&x, 1, 0, 0);
	pass(&x, AWHILE);
	assert_true(lb_tables_backends(x.t, &k, arena, &index, &n));
	count = lb_tables_flows(x.t, index, n, arena);
	assert_int_equal(n, 1);
	assert_int_equal(count[0], 1);
	assert_true(lb_tables_counted(x.t, &k, arena, &counted));
	assert_int_equal(counted.flows, 1);
	assert_int_equal(lb_tables_flow_usage(x.t).living, 1);
	assert_int_equal(lb_tables_flow_usage(x.t).established, 1);
	entry(&x, 1)->hash = LB_FLOW_FREE;
	f = frontend_of(key(), &target, 1);
	frontend_set_flags(&f, LB_F_AFFINITY | LB_F_HANDING_BACK);
	assert_int_equal(fixture_put(&x, &f), 0);
	pass(&x, AWHILE);
	assert_true(is_there(&x, 0));
	assert_true(lb_tables_get(x.t, &k, arena, &actual));
	assert_true(actual.idle);
	arena_free(arena);
	fixture_done(&x);
}

/* Found again by an agent that starts, and gone with the service. */
static void it_outlives_the_agent_and_not_its_service(void **state)
{
	const struct lb_key k = key();
	struct fixture x;

	(void)state;
	begin(&x);
	put_for(&x, 5, 0, 3600);
	note(&x, 0, 0, 0);
	assert_int_equal(fixture_restart(&x), 0);
	assert_int_equal(service(&x, key())->affinity, (3600 + 63) / 64);
	pass(&x, AWHILE);
	assert_true(is_there(&x, 0));
	lb_tables_del(x.t, &x.c, &k);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_keeps_its_backend_for_the_time_and_little_longer),
		cmocka_unit_test(what_is_younger_than_the_walk_lives),
		cmocka_unit_test(another_time_counts_at_once),
		cmocka_unit_test(a_time_in_another_unit_forgets_who_has_whom),
		cmocka_unit_test(times_out_of_range_are_refused),
		cmocka_unit_test(a_kept_backend_that_is_not_first_keeps_its_row_unsettled),
		cmocka_unit_test(a_kept_backend_that_is_no_candidate_is_found_beyond_the_row),
		cmocka_unit_test(nobody_keeps_a_backend_that_takes_no_new_flow),
		cmocka_unit_test(without_affinity_nobody_keeps_a_backend),
		cmocka_unit_test(a_client_that_keeps_a_backend_is_no_flow),
		cmocka_unit_test(it_outlives_the_agent_and_not_its_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
