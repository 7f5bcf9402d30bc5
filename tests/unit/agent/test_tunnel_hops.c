// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/tunnel_hops.h: when it is looked how packets leave for other nodes. What is found there is
 * sys/rtnl_hops.h's.
 */
#include "agent/tunnel_hops.h"

#include "agent_rig.h"

static bool has_looked(const struct agent_rig *rig)
{
	return rig->agent.hops.looked_at > 0 && !rig->agent.hops.is_away;
}

/* What a former process asked for is let go. */
static void with_the_first_plan_it_is_looked_although_nothing_is_asked(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, has_looked);
	assert_int_equal(rig->agent.hops.n_asks, 0);
	assert_int_equal(rig->agent.hops.look_at, NSEC_NEVER);
	rig_free(rig);
}

static void other_ways_are_looked_for_at_once_and_then_now_and_again(void **state)
{
	struct agent_rig *rig = rig_new();
	struct plan_device devices[] = {{.ifindex = 1, .xdp = true},
					{.ifindex = 2, .xdp = true, .domain = 7},
					{.ifindex = 3, .tc = true}};
	struct plan_way_end ends[] = {{.addr = ip_addr_from_v4(0x0a000101)},
				      {.addr = ip_addr_from_v4(0x0a000102)}};
	struct plan plan = {.devices = devices,
			    .n_devices = ARRAY_SIZE(devices),
			    .way_ends = ends,
			    .n_way_ends = ARRAY_SIZE(ends)};
	struct agent *a = &rig->agent;
	nsec_t now;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, has_looked);
	now = clock_now();
	tunnel_hops_apply(a, &plan, now);
	assert_int_equal(a->hops.n_asks, 2); /* the first device's */
	assert_int_equal(a->hops.look_at, now);
	assert_int_equal(tunnel_hops_tick(a, now), NSEC_NEVER); /* the helper is at it */
	worker_finish(a->worker);
	a->hops.is_away = false; /* as when the loop has told */
	assert_in_range(tunnel_hops_tick(a, now), now + NSEC_PER_SEC, now + 60 * NSEC_PER_SEC);
	tunnel_hops_apply(a, &plan, now + 1);
	assert_true(a->hops.look_at > now + 1); /* nothing else is asked */
	ends[1].addr = ip_addr_from_v4(0x0a000103);
	tunnel_hops_apply(a, &plan, now + 2);
	assert_int_equal(a->hops.look_at, now + 2);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_the_first_plan_it_is_looked_although_nothing_is_asked),
		cmocka_unit_test(other_ways_are_looked_for_at_once_and_then_now_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
