// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/tunnel_hops.h: when it is looked how packets leave for other nodes. What is found there is
 * sys/rtnl_hops.h's.
 */
#include "agent/tunnel_hops.h"

#include "agent_rig.h"
#include "sys/netlink.h"

#include <net/if.h>

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

/* The gateways that ways lead by are heard of, and nobody else: what they are changes the ways. */
static void the_neighbours_that_ways_lead_by_are_watched(void **state)
{
	struct agent_rig *rig = rig_new();
	struct plan_device device = {.xdp = true};
	struct plan_way_end end = {.addr = ip_addr_from_v4(0x0a070002),
				   .source = ip_addr_from_v4(0x0a070001)};
	struct plan plan = {.devices = &device, .n_devices = 1, .way_ends = &end, .n_way_ends = 1};
	struct agent *a = &rig->agent;

	(void)state;
	assert_int_equal(system("ip link add up0 type veth peer name far0 && ip link set up0 up && "
				"ip link set far0 up && ip addr add 10.7.0.1/24 dev up0"),
			 0);
	device.ifindex = (int)if_nametoindex("up0");
	rig_start(rig);
	RIG_WAIT(rig, has_looked);
	tunnel_hops_apply(a, &plan, clock_now());
	(void)tunnel_hops_tick(a, clock_now());
	worker_finish(a->worker);
	a->hops.job.base.done(&a->hops.job.base); /* as when the loop tells */
	(void)netlink_receive(a->netlink);
	assert_int_equal(system("ip neigh replace 10.7.0.3 lladdr 02:00:00:00:00:03 dev up0"), 0);
	assert_false(netlink_receive(a->netlink) & NETLINK_CHANGED_HOPS);
	assert_int_equal(system("ip neigh replace 10.7.0.2 lladdr 02:00:00:00:00:02 dev up0"), 0);
	assert_true(netlink_receive(a->netlink) & NETLINK_CHANGED_HOPS);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_the_first_plan_it_is_looked_although_nothing_is_asked),
		cmocka_unit_test(other_ways_are_looked_for_at_once_and_then_now_and_again),
		cmocka_unit_test(the_neighbours_that_ways_lead_by_are_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
