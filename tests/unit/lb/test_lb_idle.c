// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Where no flow is left, of a backend that drains or a service that takes no new ones: what walks
 * say of it, and when. */
#include "walk_fixture.h"

static bool is_idle(const struct fixture *x)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct lb_actual *all;
	size_t n;

	lb_tables_dump(x->t, arena, &all, &n);
	assert_int_equal(n, 1);
	return all[0].idle;
}

static void hand_back(struct fixture *x, uint32_t flags)
{
	put_at(x, key(), 0, 5, flags);
}

static void a_service_is_idle_once_its_last_flow_closes(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	flow_in_state(&x, 0, key(), 0, 0, LB_FLOW_CLOSING);
	flow_in_state(&x, 1, key(), 1, 1, LB_FLOW_ESTABLISHED);
	flow_in_state(&x, 2, key(), 2, 0, LB_FLOW_NEW);
	hand_back(&x, LB_F_HANDING_BACK);
	pass(&x, AWHILE);
	assert_false(is_idle(&x));
	entry(&x, 1)->state = (uint8_t)(LB_FLOW_CLOSING | 1 << LB_FLOW_GEN_SHIFT);
	pass(&x, AWHILE);
	assert_false(is_idle(&x));
	entry(&x, 2)->state = (uint8_t)(LB_FLOW_CLOSING | 1 << LB_FLOW_GEN_SHIFT);
	pass(&x, 2 * AWHILE);
	assert_true(is_idle(&x));
	flow(&x, 3, 0, 0);
	pass(&x, AWHILE);
	assert_false(is_idle(&x));
	fixture_done(&x);
}

/* Another's flows are nobody's reason to wait. */
static void each_service_is_idle_by_itself(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct lb_actual *all;
	struct fixture x;
	size_t n;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	put_at(&x, key_of(OTHER, 80), 0, 5, LB_F_HANDING_BACK);
	hand_back(&x, LB_F_HANDING_BACK);
	flow(&x, 0, 0, 0);
	pass(&x, 2 * AWHILE);
	lb_tables_dump(x.t, arena, &all, &n);
	assert_int_equal(n, 2);
	assert_false(all[0].idle);
	assert_true(all[1].idle);
	fixture_done(&x);
}

/* A flow may have begun a moment ago that the walk has passed already. */
static void only_a_walk_that_began_behind_the_handing_back_counts(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	pass(&x, AWHILE);
	assert_false(is_idle(&x));
	hand_back(&x, LB_F_HANDING_BACK);
	pass(&x, SECOND / 2);
	assert_false(is_idle(&x));
	pass(&x, 2 * AWHILE);
	assert_true(is_idle(&x));
	hand_back(&x, LB_F_TAKING_OVER);
	assert_false(is_idle(&x));
	pass(&x, AWHILE);
	assert_false(is_idle(&x));
	hand_back(&x, LB_F_HANDING_BACK | LB_F_AFFINITY); /* no mere store of the live word */
	assert_false(is_idle(&x));
	pass(&x, 2 * AWHILE);
	assert_true(is_idle(&x));
	assert_int_equal(fixture_restart(&x), 0);
	assert_false(is_idle(&x));
	pass(&x, 2 * AWHILE);
	assert_true(is_idle(&x));
	fixture_done(&x);
}

/* --- backends that drain --- */

/* Targets that are idle, as bits by their address. */
static uint32_t idle_targets(const struct fixture *x)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct lb_actual *all;
	uint32_t bits = 0;
	size_t n;

	lb_tables_dump(x->t, arena, &all, &n);
	assert_int_equal(n, 1);
	for (size_t i = 0; i < all[0].n_targets; i++) {
		const struct lb_target *target = &all[0].targets[i];

		bits |= (uint32_t)(target->state == LB_BACKEND_IDLE)
			<< (ip_addr_v4(&target->addr) - TARGETS);
	}
	return bits;
}

static uint16_t index_of(const struct fixture *x, uint32_t target)
{
	uint64_t live = service(x, key())->live;

	for (uint16_t i = 0; i < 16; i++)
		if (be32toh(reader_backend(x, reader_index(live, i, 0))->addr[3]) ==
		    TARGETS + target)
			return i;
	fail();
	return 0;
}

/* Of the service with targets [0, 5), of which those below `ready` drain; all is settled. */
static void begin_draining(struct fixture *x, uint32_t ready)
{
	begin(x);
	put(x, 0, 5);
	pass(x, AWHILE);
	put_draining(x, 0, ready, 5);
}

static void close_flow(struct fixture *x, uint32_t i)
{
	entry(x, i)->state = (uint8_t)(LB_FLOW_CLOSING | 1 << LB_FLOW_GEN_SHIFT);
}

/* Goes on to the end of a walk, whose first sign is that it settles; returns when that was. */
static nsec_t until_idle(struct fixture *x, uint32_t bits)
{
	const nsec_t limit = x->c.now + 60 * SECOND;

	while (idle_targets(x) != bits) {
		fixture_at(x, lb_tables_tick(x->t, &x->c));
		assert_true(x->c.now < limit);
	}
	return x->c.now;
}

static void what_drains_is_idle_once_its_last_flow_closes(void **state)
{
	struct fixture x;

	(void)state;
	begin_draining(&x, 2);
	flow(&x, 0, 3, index_of(&x, 1));
	flow(&x, 1, 4, index_of(&x, 3)); /* of one that does not drain */
	pass(&x, 2 * AWHILE);
	assert_int_equal(idle_targets(&x), 1u << 0);
	close_flow(&x, 0);
	assert_int_equal(idle_targets(&x), 1u << 0);
	pass(&x, 2 * AWHILE);
	assert_int_equal(idle_targets(&x), 1u << 0 | 1u << 1);
	fixture_done(&x);
}

/* What its backend sent before the FIN may not have arrived. */
static void a_flow_that_has_just_closed_is_given_some_time(void **state)
{
	(void)state;
	for (unsigned when = 1; when < 40; when++) {
		struct fixture x;
		nsec_t closed;

		begin_draining(&x, 1);
		flow(&x, 0, 3, index_of(&x, 0));
		pass(&x, AWHILE);
		for (unsigned i = 0; i < when; i++)
			fixture_at(&x, lb_tables_tick(x.t, &x.c));
		close_flow(&x, 0);
		closed = x.c.now;
		assert_true(until_idle(&x, 1) >= closed + 5 * SECOND);
		fixture_done(&x);
	}
}

/* Whatever moment of a walk the drain begins in, and programs may work with the rows of before. */
static void a_walk_that_began_before_the_drain_is_no_evidence(void **state)
{
	(void)state;
	for (unsigned when = 0; when < 40; when++) {
		struct fixture x;
		nsec_t begun;

		begin(&x);
		put(&x, 0, 5);
		for (unsigned i = 0; i < when; i++)
			fixture_at(&x, lb_tables_tick(x.t, &x.c));
		put_draining(&x, 0, 2, 5);
		begun = x.c.now;
		assert_true(until_idle(&x, 3) >= begun + LB_REST_NS + 5 * SECOND);
		fixture_done(&x);
	}
}

static void a_drain_that_was_taken_back_begins_anew(void **state)
{
	struct fixture x;

	(void)state;
	begin_draining(&x, 1);
	pass(&x, 2 * AWHILE);
	assert_int_equal(idle_targets(&x), 1);
	put(&x, 0, 5);
	assert_int_equal(idle_targets(&x), 0);
	put_draining(&x, 0, 1, 5);
	assert_int_equal(idle_targets(&x), 0);
	pass(&x, 2 * AWHILE);
	assert_int_equal(idle_targets(&x), 1);
	fixture_done(&x);
}

static void a_restart_asks_walks_of_its_own(void **state)
{
	struct fixture x;

	(void)state;
	begin_draining(&x, 1);
	pass(&x, 2 * AWHILE);
	assert_int_equal(fixture_restart(&x), 0);
	assert_int_equal(idle_targets(&x), 0);
	pass(&x, 2 * AWHILE);
	assert_int_equal(idle_targets(&x), 1);
	fixture_done(&x);
}

/* A larger region lies where another service's backends were idle. */
static void another_region_says_nothing(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put_at(&x, key_of(OTHER, 80), 0, 30, LB_F_CLOSED);
	pass(&x, 2 * AWHILE);
	lb_tables_del(x.t, &x.c, (struct lb_key[]){key_of(OTHER, 80)});
	pass(&x, AWHILE);
	put_draining(&x, 0, 30, 30);
	assert_int_equal(idle_targets(&x), 0);
	fixture_done(&x);
}

/* Flows that live may have no entry; where that does not matter, none is waited for. */
static void where_entries_were_lost_nothing_is_known(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	x.config.settle_from = x.c.now + LB_SETTLE_BLIND_NS;
	put_draining(&x, 0, 1, 5);
	pass(&x, 2 * HOURS + 55 * 60 * SECOND);
	assert_int_equal(idle_targets(&x), 0);
	pass(&x, 10 * 60 * SECOND);
	assert_int_equal(idle_targets(&x), 1);
	fixture_done(&x);

	begin(&x);
	x.config.settle_from = x.c.now + LB_SETTLE_BLIND_NS;
	put(&x, 0, 5);
	hand_back(&x, LB_F_HANDING_BACK);
	pass(&x, 2 * AWHILE);
	assert_true(is_idle(&x));
	fixture_done(&x);
}

static void a_service_is_idle_only_where_no_flow_begins(void **state)
{
	static const struct {
		uint32_t flags;
		bool idle;
	} cases[] = {{0, false},
		     {LB_F_CLOSED, true},
		     {LB_F_CLOSED | LB_F_REJECT, true},
		     {LB_F_KERNEL_FLOWS, false},
		     {LB_F_TAKING_OVER, false},
		     {LB_F_HANDING_BACK, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture x;

		begin(&x);
		put_at(&x, key(), 0, 5, cases[i].flags);
		pass(&x, 2 * AWHILE);
		assert_int_equal(is_idle(&x), cases[i].idle);
		fixture_done(&x);
	}
}

/* So a plan is made for it, and for nothing else. */
static void the_number_and_the_picture_change_with_what_is_idle(void **state)
{
	struct fixture x;
	struct lb_look look;
	uint64_t before;

	(void)state;
	begin_draining(&x, 2);
	flow(&x, 0, 3, index_of(&x, 1));
	lb_tables_look(x.t, &look);
	before = lb_tables_idle_generation(x.t);
	pass(&x, 2 * AWHILE);
	assert_int_equal(lb_tables_idle_generation(x.t), before + 1);
	lb_tables_look(x.t, &look);
	assert_int_equal(look.n_touched, 1);
	assert_int_equal(look.items[0].targets[0].state, LB_BACKEND_IDLE);
	assert_int_equal(look.items[0].targets[1].state, LB_BACKEND_DRAINING);
	pass(&x, 2 * AWHILE);
	lb_tables_look(x.t, &look);
	assert_int_equal(look.n_touched, 0);
	assert_int_equal(lb_tables_idle_generation(x.t), before + 1);
	close_flow(&x, 0);
	pass(&x, 2 * AWHILE);
	assert_int_equal(lb_tables_idle_generation(x.t), before + 2);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_idle_once_its_last_flow_closes),
		cmocka_unit_test(each_service_is_idle_by_itself),
		cmocka_unit_test(only_a_walk_that_began_behind_the_handing_back_counts),
		cmocka_unit_test(what_drains_is_idle_once_its_last_flow_closes),
		cmocka_unit_test(a_flow_that_has_just_closed_is_given_some_time),
		cmocka_unit_test(a_walk_that_began_before_the_drain_is_no_evidence),
		cmocka_unit_test(a_drain_that_was_taken_back_begins_anew),
		cmocka_unit_test(a_restart_asks_walks_of_its_own),
		cmocka_unit_test(another_region_says_nothing),
		cmocka_unit_test(where_entries_were_lost_nothing_is_known),
		cmocka_unit_test(a_service_is_idle_only_where_no_flow_begins),
		cmocka_unit_test(the_number_and_the_picture_change_with_what_is_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
