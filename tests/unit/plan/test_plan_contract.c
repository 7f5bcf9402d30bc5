// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A plan that breaks its contract ends the process. Each case changes one thing in a plan that
 * holds, in a child of its own, which must be ended by an assertion.
 */
#include "made_plan.h"
#include "plan/plan_contract.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

/* --- ways to break it ------------------------------------------------------------------------- */

static void peers_out_of_order(struct made *m)
{
	m->peers[1].key.name = "A";
}
static void attrs_twice(struct made *m)
{
	m->attrs[1] = m->attrs[0];
}
static void communities_twice(struct made *m)
{
	m->communities[1] = 1;
}
static void prefixes_out_of_order(struct made *m)
{
	m->routes[1].prefix = (struct ip_prefix){.addr = ip_addr_from_v4(1), .len = 32};
}
static void two_rows_for_one_peer(struct made *m)
{
	m->routes[1].peers = 3;
}
static void row_for_nobody(struct made *m)
{
	m->routes[0].peers = 0;
}
static void row_for_a_peer_that_is_not_there(struct made *m)
{
	m->routes[1].peers = 4;
}
static void row_of_a_family_that_its_peer_does_not_carry(struct made *m)
{
	m->peers[0].bgp.families.bits = BGP_FAMILY_BIT(BGP_IPV6_UNICAST);
}
static void frontends_of_a_family_that_is_not_served(struct made *m)
{
	for (size_t i = 0; i < 2; i++)
		m->frontends[i].lb.key.addr.b[0] = 0x20;
}
static void row_with_a_set_that_is_not_there(struct made *m)
{
	m->routes[1].attrs = 2;
}
static void frontends_twice(struct made *m)
{
	m->frontends[1].lb.key.port = 0;
}
static void frontend_without_its_vip(struct made *m)
{
	m->frontends[1].lb.key.addr.b[15]++;
}
static void frontend_in_another_domain(struct made *m)
{
	m->frontends[1].lb.key.domain = 1;
}
static void frontend_without_a_table(struct made *m)
{
	m->frontends[1].lb.table = 0;
}
static void leaving_and_open(struct made *m)
{
	m->frontends[1].leaving = true;
}
static void targets_out_of_order(struct made *m)
{
	m->targets[0].addr = ip_addr_from_v4(3);
}
static void target_without_weight(struct made *m)
{
	m->targets[1].weight = 0;
}
static void next_hops_out_of_order(struct made *m)
{
	m->next_hops[0].uplink = 3;
}
static void next_hops_twice(struct made *m)
{
	m->next_hops[1].node = m->next_hops[0].node;
}
static void next_hop_by_no_uplink(struct made *m)
{
	m->next_hops[0].uplink = 0;
}
static void next_hop_to_no_node(struct made *m)
{
	m->next_hops[0].node = (struct ip_addr){0};
}
static void next_hop_from_nowhere(struct made *m)
{
	m->next_hops[0].source = (struct ip_addr){0};
}
static void next_hop_from_another_family(struct made *m)
{
	m->next_hops[0].source.b[0] = 0x20;
}
static void next_hop_by_no_device(struct made *m)
{
	m->next_hops[0].ifindex = 0;
}
static void next_hop_without_room(struct made *m)
{
	m->next_hops[1].mtu = 0;
}
static void remotes_out_of_order(struct made *m)
{
	m->remotes[0].addr = ip_addr_from_v4(0x0a0a0009);
}
static void remotes_twice(struct made *m)
{
	m->remotes[1].addr = m->remotes[0].addr;
}
static void remote_without_a_name(struct made *m)
{
	m->remotes[1].node = NULL;
}
static void remote_without_an_end_here(struct made *m)
{
	m->plan.tunnel_ends[IP_V4] = (struct ip_addr){0};
}
static void way_ends_twice(struct made *m)
{
	m->way_ends[1].addr = m->way_ends[0].addr;
}
static void way_end_from_another_family(struct made *m)
{
	m->way_ends[1].source.b[0] = 0x20;
}
static void remote_without_a_way_end(struct made *m)
{
	m->plan.n_way_ends = 1;
}
static void ranges_twice(struct made *m)
{
	m->ranges[1] = m->ranges[0];
}
static void ranges_out_of_order(struct made *m)
{
	const struct ip_prefix first = m->ranges[0];

	m->ranges[0] = m->ranges[1];
	m->ranges[1] = first;
}
static void range_with_host_bits(struct made *m)
{
	m->ranges[1].addr.b[15] = 1;
}
static void range_of_another_family(struct made *m)
{
	m->ranges[0] = (struct ip_prefix){.len = 3};
	m->ranges[0].addr.b[0] = 0x20;
	m->frontends[1].lb.n_ranges = 1;
}
static void ranges_without_their_flag(struct made *m)
{
	m->frontends[1].lb.flags = 0;
}
static void ranges_without_a_name(struct made *m)
{
	m->frontends[1].lb.flags = 0;
	m->frontends[1].lb.ranges_name = 0;
}
static void denied_without_a_name(struct made *m)
{
	m->denied[1].name = 0;
}
static void nobody_denied(struct made *m)
{
	m->denied[1].n = 0;
}
static void rates_twice(struct made *m)
{
	m->rates[1] = m->rates[0];
}
static void rates_out_of_order(struct made *m)
{
	m->rates[0].vip.domain = 2;
}
static void rate_of_nothing(struct made *m)
{
	m->rates[1].packets = 0;
}
static void begins_twice(struct made *m)
{
	m->begins[1] = m->begins[0];
}
static void begins_out_of_order(struct made *m)
{
	m->begins[0].vip.domain = 2;
}
static void devices_twice(struct made *m)
{
	m->devices[1].ifindex = 2;
}
static void device_without_a_program(struct made *m)
{
	m->devices[1].tc = false;
}
static void device_without_a_name(struct made *m)
{
	m->devices[1].name = NULL;
}
static void devices_with_mode_off(struct made *m)
{
	m->plan.dataplane = false;
}
static void leaving_with_mode_on(struct made *m)
{
	m->plan.leaving = true;
}
static void services_out_of_order(struct made *m)
{
	m->services[1].name = "A";
}
static void announced_without_the_word(struct made *m)
{
	m->services[1].announced = true;
}
static void health_check_without_a_port(struct made *m)
{
	m->health[0].port = 0;
}
static void health_check_ports_twice(struct made *m)
{
	m->health[1].port = 1;
}
static void drains_twice(struct made *m)
{
	m->drains[1] = m->drains[0];
}
static void leaving_twice(struct made *m)
{
	m->leaving[1] = m->leaving[0];
}
static void waiting_twice(struct made *m)
{
	m->waiting[1] = m->waiting[0];
}

static bool ends_the_process(const struct made *m)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)!freopen("/dev/null", "w", stderr); /* what it says is meant */
		plan_assert_contract(&m->plan, &m->ledger);
		for (size_t i = 0; i < m->plan.n_frontends; i++)
			plan_assert_ranges(&m->plan.frontends[i].lb);
		plan_assert_names(m->plan.services, m->plan.n_services);
		for (size_t i = 0; i < m->plan.n_frontends; i++)
			plan_assert_targets(&m->plan.frontends[i].lb);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

struct broken {
	void (*spoil)(struct made *);
	const char *name;
};

static void assert_noticed(const struct broken *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct made m;

		make(&m);
		cases[i].spoil(&m);
		if (!ends_the_process(&m))
			fail_msg("%s is not noticed", cases[i].name);
	}
}

static void a_plan_that_breaks_its_contract_ends_the_process(void **state)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
		f, #f                                                                              \
	}
	static const struct broken cases[] = {
		CASE(peers_out_of_order),
		CASE(attrs_twice),
		CASE(communities_twice),
		CASE(prefixes_out_of_order),
		CASE(two_rows_for_one_peer),
		CASE(row_for_nobody),
		CASE(row_for_a_peer_that_is_not_there),
		CASE(row_of_a_family_that_its_peer_does_not_carry),
		CASE(frontends_of_a_family_that_is_not_served),
		CASE(row_with_a_set_that_is_not_there),
		CASE(frontends_twice),
		CASE(frontend_without_its_vip),
		CASE(frontend_in_another_domain),
		CASE(frontend_without_a_table),
		CASE(leaving_and_open),
		CASE(targets_out_of_order),
		CASE(target_without_weight),
		CASE(next_hops_out_of_order),
		CASE(next_hops_twice),
		CASE(next_hop_by_no_uplink),
		CASE(next_hop_to_no_node),
		CASE(next_hop_from_nowhere),
		CASE(next_hop_from_another_family),
		CASE(ranges_twice),
		CASE(ranges_out_of_order),
		CASE(range_with_host_bits),
		CASE(range_of_another_family),
		CASE(ranges_without_their_flag),
		CASE(ranges_without_a_name),
		CASE(denied_without_a_name),
		CASE(nobody_denied),
		CASE(rates_twice),
		CASE(rates_out_of_order),
		CASE(rate_of_nothing),
		CASE(begins_twice),
		CASE(begins_out_of_order),
		CASE(devices_twice),
		CASE(device_without_a_program),
		CASE(device_without_a_name),
		CASE(devices_with_mode_off),
		CASE(leaving_with_mode_on),
		CASE(services_out_of_order),
		CASE(health_check_without_a_port),
		CASE(health_check_ports_twice),
		CASE(announced_without_the_word),
		CASE(drains_twice),
		CASE(leaving_twice),
		CASE(waiting_twice),
	};

	(void)state;
	assert_noticed(cases, ARRAY_SIZE(cases));
}

static void so_does_one_that_misnames_other_nodes(void **state)
{
	static const struct broken cases[] = {
		CASE(next_hop_by_no_device),
		CASE(next_hop_without_room),
		CASE(way_ends_twice),
		CASE(way_end_from_another_family),
		CASE(remote_without_a_way_end),
		CASE(remotes_out_of_order),
		CASE(remotes_twice),
		CASE(remote_without_a_name),
		CASE(remote_without_an_end_here),
	};

	(void)state;
	assert_noticed(cases, ARRAY_SIZE(cases));
}

static void a_plan_that_holds_passes(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	plan_assert_contract(&m.plan, &m.ledger);
	m.routes[1].hold = true;
	m.routes[1].attrs = 9;
	m.frontends[1].hold = m.frontends[1].leaving = true;
	m.plan.dataplane = false;
	m.plan.leaving = true;
	plan_assert_contract(&m.plan, &m.ledger);
	m.plan = (struct plan){0};
	m.ledger = (struct plan_ledger){0};
	plan_assert_contract(&m.plan, &m.ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_that_holds_passes),
		cmocka_unit_test(a_plan_that_breaks_its_contract_ends_the_process),
		cmocka_unit_test(so_does_one_that_misnames_other_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
