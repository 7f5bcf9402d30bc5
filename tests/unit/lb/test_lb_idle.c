// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Of a service that is handed back, whether a flow is left: what the walk says, and when. */
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
	pass(&x, AWHILE);
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
	pass(&x, AWHILE);
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
	pass(&x, AWHILE);
	assert_true(is_idle(&x));
	hand_back(&x, LB_F_TAKING_OVER);
	assert_false(is_idle(&x));
	pass(&x, AWHILE);
	assert_false(is_idle(&x));
	hand_back(&x, LB_F_HANDING_BACK | LB_F_AFFINITY); /* no mere store of the live word */
	assert_false(is_idle(&x));
	pass(&x, AWHILE);
	assert_true(is_idle(&x));
	assert_int_equal(fixture_restart(&x), 0);
	assert_false(is_idle(&x));
	pass(&x, AWHILE);
	assert_true(is_idle(&x));
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_idle_once_its_last_flow_closes),
		cmocka_unit_test(each_service_is_idle_by_itself),
		cmocka_unit_test(only_a_walk_that_began_behind_the_handing_back_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
