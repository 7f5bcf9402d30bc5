// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Where the backends of a service lie: indices, generations, regions, states and counters. */
#include "service.h"

static void backends_keep_their_indices_while_others_come_and_go(void **state)
{
	struct lb_target targets[40];
	struct fixture x;
	uint32_t index, again;

	(void)state;
	fixture_init(&x);
	put_targets(&x, targets, targets_upto(targets, 16));
	assert_non_null(entry_of(&x, 0x0a00000a, &index));
	put_targets(&x, targets + 5, targets_upto(targets, 40) - 5);
	assert_non_null(entry_of(&x, 0x0a00000a, &again));
	assert_int_equal(index, again);
	put_targets(&x, targets + 9, 1);
	assert_non_null(entry_of(&x, 0x0a00000a, &again));
	assert_int_equal(index, again);
	fixture_done(&x);
}

static void a_reused_index_has_a_new_generation_and_only_after_a_rest(void **state)
{
	struct lb_target targets[18];
	struct fixture x;
	uint32_t index, other;
	uint64_t gen;

	(void)state;
	fixture_init(&x);
	put_targets(&x, targets, targets_upto(targets, 15));
	gen = entry_of(&x, 0x0a000001, &index)->state >> LB_BE_GEN_SHIFT & 0xff;
	put_targets(&x, targets + 1, 14); /* 10.0.0.1 leaves */
	assert_false(reader_in_use(entry_of(&x, 0x0a000001, &index)));
	assert_int_not_equal(entry_of(&x, 0x0a000001, &index)->state >> LB_BE_GEN_SHIFT & 0xff,
			     gen);

	targets_upto(targets, 18);
	put_targets(&x, targets + 1, 15); /* 10.0.0.16 comes too early for its index */
	assert_non_null(entry_of(&x, 0x0a000010, &other));
	assert_int_not_equal(index, other);

	fixture_at(&x, x.c.now + LB_REST_NS);
	put_targets(&x, targets + 1, 16); /* 10.0.0.17 is in time */
	assert_int_not_equal(entry_of(&x, 0x0a000011, &other)->state >> LB_BE_GEN_SHIFT & 0xff,
			     gen);
	assert_int_equal(index, other);
	fixture_done(&x);
}

static void a_backend_that_drains_leaves_first_place_and_keeps_its_generation(void **state)
{
	struct lb_target targets[4];
	struct fixture x;
	uint32_t index;
	uint64_t live, word;

	(void)state;
	fixture_init(&x);
	put_targets(&x, targets, targets_upto(targets, 4));
	word = entry_of(&x, 0x0a000002, &index)->state;
	targets[1].state = LB_BACKEND_DRAINING;
	put_targets(&x, targets, 4);
	assert_true(entry_of(&x, 0x0a000002, &index)->state ==
		    (word & ~((uint64_t)LB_BE_READY << LB_BE_FLAGS_SHIFT)));
	the_service(&x, &live);
	for (uint32_t row = 0; row < ROWS; row++)
		assert_int_not_equal(lb_row_candidate(*reader_row(&x, live, row), 0), index);
	fixture_done(&x);
}

static void namespaces_reach_the_backends_of_their_address(void **state)
{
	struct lb_nsid nsids[] = {{ip_addr_from_v4(0x0a000001), 0},
				  {ip_addr_from_v4(0x0a000002), 7},
				  {ip_addr_from_v4(0x0a000003), LB_NSID_OWN}};
	const struct lb_key key = key_of(0xc0000201, 80);
	struct lb_target targets[17];
	struct fixture x;
	uint32_t index;

	(void)state;
	fixture_init(&x);
	lb_tables_set_nsids(x.t, &key, nsids, 3); /* not there yet */
	put_targets(&x, targets, targets_upto(targets, 3));
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000002, &index)->state, 0);
	lb_tables_set_nsids(x.t, &key, nsids, 3);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000001, &index)->state, 1);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000002, &index)->state, 8);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000003, &index)->state, UINT32_MAX);
	/* Others come, in a region that is too small for them, and one is to be drained. */
	(void)targets_upto(targets, 17);
	targets[1].state = LB_BACKEND_DRAINING;
	put_targets(&x, targets, 17);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000002, &index)->state, 8);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000003, &index)->state, UINT32_MAX);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000004, &index)->state, 0);
	lb_tables_set_nsids(x.t, &key, nsids + 2, 1);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000002, &index)->state, 0);
	assert_int_equal((uint32_t)entry_of(&x, 0x0a000003, &index)->state, UINT32_MAX);
	fixture_done(&x);
}

static void counters_follow_a_region_that_grows_and_begin_anew_with_a_new_backend(void **state)
{
	struct lb_target targets[20];
	const struct lb_counter_move *moves;
	struct arena *arena = arena_new();
	struct lb_key key = key_of(0xc0000201, 80);
	struct lb_key unknown = key_of(0xc0000201, 81);
	struct lb_actual actual;
	const uint32_t *before, *after;
	struct fixture x;
	size_t n, n_moves, n_found = 0;

	(void)state;
	fixture_init(&x);
	put_targets(&x, targets, targets_upto(targets, 10));
	assert_int_equal(lb_tables_take_moves(x.t, &moves), 0);
	assert_true(lb_tables_backends(x.t, &key, arena, &before, &n));
	assert_false(lb_tables_backends(x.t, &unknown, arena, &before, &n));
	assert_false(lb_tables_get(x.t, &unknown, arena, &actual));
	assert_true(lb_tables_get(x.t, &key, arena, &actual));
	assert_int_equal(actual.n_targets, n);
	put_targets(&x, targets, targets_upto(targets, 20));
	assert_true(lb_tables_backends(x.t, &key, arena, &after, &n));
	n_moves = lb_tables_take_moves(x.t, &moves);
	for (size_t i = 0; i < n_moves; i++)
		for (size_t j = 0; j < 10; j++)
			n_found += moves[i].from == before[j] && moves[i].to == after[j];
	assert_int_equal(n_found, 10);

	put_targets(&x, targets + 1, 19);
	fixture_at(&x, x.c.now + LB_REST_NS);
	targets[0] = target_of_v4(0x0a000100, 8080, true);
	struct lb_target again[20];
	memcpy(again, targets + 1, 19 * sizeof(again[0]));
	again[19] = targets[0];
	put_targets(&x, again, 20);
	n_moves = lb_tables_take_moves(x.t, &moves);
	assert_int_equal(n_moves, 1);
	assert_int_equal(moves[0].from, LB_NO_COUNTER);
	assert_int_equal(moves[0].to, after[0]);
	arena_free(arena);
	fixture_done(&x);
}

static void a_service_of_thousands_of_backends_spans_chunks(void **state)
{
	enum { N = 3000 };
	struct lb_target *targets = xcalloc(N, sizeof(*targets));
	struct fixture x;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	targets_upto(targets, N);
	put_targets(&x, targets, 100);
	put_targets(&x, targets, N);
	the_service(&x, &live);
	for (uint32_t row = 0; row < ROWS; row++) {
		uint64_t word = *reader_row(&x, live, row);

		for (unsigned k = 0; k < LB_CANDIDATES; k++)
			assert_true(reader_in_use(reader_backend(&x, reader_index(live, word, k))));
	}
	assert_int_equal(fixture_restart(&x), 0);
	free(targets);
	fixture_done(&x);
}

/* In units of 16: no service keeps more indices from others than it has to. */
static void a_region_is_the_least_that_holds_its_backends(void **state)
{
	struct lb_target targets[65];

	(void)state;
	for (uint32_t n = 1; n <= ARRAY_SIZE(targets); n++) {
		struct lb_frontend f =
			frontend_of(key_of(0xc0000201, 80), targets, targets_upto(targets, n));
		struct fixture x;

		fixture_init(&x);
		assert_int_equal(fixture_put(&x, &f), 0);
		assert_int_equal(lb_tables_usage(x.t).backends, (n + 15) / 16 * 16);
		fixture_done(&x);
	}
}

/* What status says, and what an agent that starts finds: the largest table that there is, too. */
static void usage_is_the_sum_over_services_and_the_same_after_a_restart(void **state)
{
	struct lb_target targets[40];
	struct fixture x;

	(void)state;
	fixture_init(&x);
	for (uint32_t i = 0; i < 3; i++) {
		struct lb_frontend f =
			frontend_of(key_of(0xc0000201 + i, 80), targets, targets_upto(targets, 40));

		f.rows_log2 = i == 0 ? LB_ROWS_LOG2_MAX : 8;
		assert_int_equal(fixture_put(&x, &f), 0);
	}
	for (unsigned restarted = 0; restarted < 2; restarted++) {
		const struct lb_usage usage = lb_tables_usage(x.t);

		assert_int_equal(usage.services, 3);
		assert_int_equal(usage.rows, (1 << LB_ROWS_LOG2_MAX) + 2 * 256);
		assert_int_equal(usage.backends, 3 * 48); /* regions are multiples of 16 */
		assert_int_equal(usage.rows_chunks, x.n_rows);
		assert_int_equal(usage.backend_chunks, x.n_backends);
		assert_int_equal(fixture_restart(&x), 0);
	}
	fixture_done(&x);
}

/* A service that comes when another's rows have rested needs no tick in between to have them. */
static void rows_that_have_rested_are_had_at_once(void **state)
{
	struct lb_target target = target_of_v4(0x0a000001, 8080, true);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	for (uint16_t port = 1; port <= 5; port++) {
		struct lb_frontend f = frontend_of(key_of(0xc0000201, port), &target, 1);

		f.rows_log2 = LB_ROWS_LOG2_MAX; /* all of a chunk */
		assert_int_equal(fixture_put(&x, &f), 0);
		assert_int_equal(x.n_rows, 1);
		lb_tables_del(x.t, &x.c, &f.key);
		fixture_at(&x, x.c.now + 2 * LB_REST_NS);
	}
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_keep_their_indices_while_others_come_and_go),
		cmocka_unit_test(a_reused_index_has_a_new_generation_and_only_after_a_rest),
		cmocka_unit_test(a_backend_that_drains_leaves_first_place_and_keeps_its_generation),
		cmocka_unit_test(namespaces_reach_the_backends_of_their_address),
		cmocka_unit_test(
			counters_follow_a_region_that_grows_and_begin_anew_with_a_new_backend),
		cmocka_unit_test(a_service_of_thousands_of_backends_spans_chunks),
		cmocka_unit_test(a_region_is_the_least_that_holds_its_backends),
		cmocka_unit_test(usage_is_the_sum_over_services_and_the_same_after_a_restart),
		cmocka_unit_test(rows_that_have_rested_are_had_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
