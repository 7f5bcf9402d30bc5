// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An address that a node or a router is reached by is never a VIP: neither given nor asked for, nor
 * announced when it stands in a status that somebody else wrote.
 */
#include "fake/plan_fixture.h"

#include "plan/plan_own.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *address(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->addresses.n; i++)
		if (strcmp(f->addresses.items[i].name, name) == 0)
			return ip_addr_text(&f->addresses.items[i].addr,
					    arena_alloc(f->arena, 1, IP_ADDR_TEXT));
	return "";
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static void ask(struct fixture *f, const char *name, const char *vip)
{
	struct arena *arena = arena_new();

	fixture_add_service(f, name, "Cluster",
			    vip[0] ? arena_printf(arena, "loadBalancerIP: %s", vip) : "");
	fixture_add_slice(f, name, "10.244.0.5@node-a");
	arena_free(arena);
}

/* eth0 has 10.0.0.10, router r1 is 10.0.0.1; everything comes from the LAN's own pool. */
static struct fixture *on_a_lan(void)
{
	struct fixture *f = fixture_new();

	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.0/24]}");
	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
		       "sourceAddress: 10.0.0.2}");
	fixture_object(f, "Node", "node-b", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.3}, "
		       "{type: ExternalIP, address: 10.0.0.4}, {type: Hostname, address: b}]}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {}");
	f->gateways[0] = (struct plan_gateway){.ifindex = 2};
	assert_true(ip_addr_parse("10.0.0.254", &f->gateways[0].addr));
	f->node.n_gateways = 1;
	return f;
}

static void address_of_a_machine_is_not_given_to_who_asks_for_it(void **state)
{
	static const struct {
		const char *vip, *owner;
	} cases[] = {
		{"10.0.0.10", "10.0.0.10 is an address of this node (eth0)"},
		{"10.0.0.1", "10.0.0.1 is the address of BGPPeer r1"},
		{"10.0.0.2", "10.0.0.2 is the source address of BGPPeer r1"},
		{"10.0.0.3", "10.0.0.3 is an address of Node node-b"},
		{"10.0.0.4", "10.0.0.4 is an address of Node node-b"},
		{"10.0.0.254", "10.0.0.254 is the next hop of a default route here (eth0)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = on_a_lan();
		const struct problem *p;

		ask(f, "own", cases[i].vip);
		(void)fixture_converge(f, 10);
		assert_string_equal(address(f, "own"), "");
		p = fixture_problem(f, "NodeAddress", "own");
		assert_non_null(p);
		assert_int_equal(p->severity, SEVERITY_ERROR);
		assert_string_equal(p->message, cases[i].owner);
		assert_null(fixture_frontend(f, cases[i].vip, 80));
		assert_int_equal(f->plan.n_routes, 0);
		assert_string_equal(fixture_service(f, "own")->reason, "noIPAllocated");
	}
}

static void addresses_of_machines_are_passed_over_and_told_once_for_the_pool(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();
	const struct problem *p;

	(void)state;
	ask(f, "a", "");
	ask(f, "b", "");
	ask(f, "c", "");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.0.0.0");
	assert_string_equal(address(f, "b"), "10.0.0.5");
	assert_string_equal(address(f, "c"), "10.0.0.6");
	assert_int_equal(fixture_count(f, "HoldsNodeAddress"), 1);
	p = fixture_problem(f, "HoldsNodeAddress", "lan");
	assert_int_equal(p->severity, SEVERITY_WARNING);
	assert_string_equal(
		p->message,
		"addresses that no Service may have: 10.0.0.1 is the address of BGPPeer "
		"r1, 10.0.0.2 is the source address of BGPPeer r1, 10.0.0.3 is an "
		"address of Node node-b, and others");
}

static void three_addresses_are_told_without_others(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.0-10.0.0.3]}");
	fixture_plan(f);
	assert_null(strstr(fixture_problem(f, "HoldsNodeAddress", "lan")->message, "others"));
	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.16/28]}");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "HoldsNodeAddress"), 0);
}

static void address_in_use_that_becomes_a_machine_s_is_lost_at_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	f->remembers = true;
	ask(f, "web", "");
	ask(f, "asks", "10.0.0.5");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "10.0.0.0/32"));
	assert_non_null(fixture_held(f, "r1", "10.0.0.5/32"));
	fixture_object(f, "Node", "node-c", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.0}, "
		       "{type: InternalIP, address: 10.0.0.5}]}");
	fixture_plan(f);
	assert_string_equal(address(f, "web"), "10.0.0.6");
	assert_int_equal(fixture_problem(f, "NodeAddress", "web")->severity, SEVERITY_ERROR);
	assert_string_equal(address(f, "asks"), "");
	assert_non_null(fixture_problem(f, "NodeAddress", "asks"));
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", "10.0.0.0/32"));
	assert_null(fixture_held(f, "r1", "10.0.0.5/32"));
	assert_non_null(fixture_held(f, "r1", "10.0.0.6/32"));
}

/* Nor is it kept by a Service whose next wish fails. */
static void machine_s_address_is_not_fallen_back_on(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	f->remembers = true;
	ask(f, "web", "10.0.0.5");
	fixture_plan(f);
	ask(f, "web", "10.9.0.1");
	ask(f, "b", "10.0.0.5");
	fixture_object(f, "Node", "node-c", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.5}]}");
	fixture_plan(f);
	assert_string_equal(address(f, "web"), "");
	assert_string_equal(address(f, "b"), "");
	assert_non_null(fixture_problem(f, "NodeAddress", "b"));
}

static void machine_s_address_that_is_read_back_is_not_announced(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();
	const struct plan_address own = {"default", "own", addr("10.0.0.10"), "lan"};
	const struct plan_addresses read_back = {.items = &own, .n = 1};

	(void)state;
	ask(f, "own", "");
	f->read_back = &read_back;
	(void)fixture_converge(f, 10);
	assert_string_equal(fixture_service(f, "own")->reason, "nodeAddress");
	assert_false(fixture_service(f, "own")->announced);
	assert_null(fixture_frontend(f, "10.0.0.10", 80));
	assert_int_equal(f->plan.n_routes, 0);
	assert_int_equal(fixture_problem(f, "NodeAddress", "own")->severity, SEVERITY_ERROR);
}

/* --- devices -------------------------------------------------------------------------------- */

static void address_on(struct fixture *f, const char *device, const char *text, uint8_t len)
{
	f->links[3] = (struct plan_link){.ifindex = 9, .name = device, .up = true};
	f->node.n_links = 4;
	f->addrs[2] = (struct plan_local_addr){addr(text), len, 9, false};
}

static void what_a_device_makes_of_its_address(void **state)
{
	static const struct {
		const char *device;
		uint8_t len;
		bool asked, given; /* the address may be had by asking, or without */
	} cases[] = {
		{"kube-ipvs0", 32, true, true}, {"kube-ipvs0", 24, false, false},
		{"lo", 32, true, false},        {"lo", 24, false, false},
		{"dummy0", 32, true, false},    {"eth2", 32, false, false}, /* as clouds do */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

		address_on(f, cases[i].device, "10.0.0.0", cases[i].len);
		ask(f, "any", "");
		fixture_plan(f);
		assert_string_equal(address(f, "any"), cases[i].given ? "10.0.0.0" : "10.0.0.5");
		ask(f, "any", "10.0.0.0");
		fixture_plan(f);
		assert_string_equal(address(f, "any"), cases[i].asked ? "10.0.0.0" : "");
		if (cases[i].asked)
			assert_null(strstr(fixture_problem(f, "HoldsNodeAddress", "lan")->message,
					   "10.0.0.0 "));
	}
}

/* The address of eth2 is as good as any while that is in a VRF, itself or by a bridge. */
static void address_in_a_vrf_is_another_one(void **state)
{
	static const struct plan_link links[] = {
		{.ifindex = 2, .name = "eth0", .up = true},
		{.ifindex = 3, .name = "red", .table = 1000},
		{.ifindex = 4, .name = "br0", .master = 3},
	};

	(void)state;
	for (int master = 0; master <= 4; master++) {
		_cleanup_(fixture_freep) struct fixture *f = on_a_lan();
		struct plan_link all[4];
		const bool in_vrf = master >= 3;

		memcpy(all, links, sizeof(links));
		all[3] = (struct plan_link){.ifindex = 5, .name = "eth2", .master = master};
		f->node.links = all;
		f->node.n_links = 4;
		f->addrs[f->node.n_addrs++] =
			(struct plan_local_addr){.addr = addr("10.0.0.0"), .len = 24, .ifindex = 5};
		ask(f, "any", "10.0.0.0");
		fixture_plan(f);
		assert_string_equal(address(f, "any"), in_vrf ? "10.0.0.0" : "");
		fixture_plan(f);                /* nothing else changes next time */
		all[3].master = in_vrf ? 0 : 3; /* and it may come and go */
		fixture_plan(f);
		assert_string_equal(address(f, "any"), in_vrf ? "" : "10.0.0.0");
	}
}

/* Given first, put on the device by kube-proxy or an operator afterwards. */
static void next_hop_is_passed_over_unless_it_is_in_a_vrf(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.254-10.0.0.255]}");
	ask(f, "any", "");
	fixture_plan(f);
	assert_string_equal(address(f, "any"), "10.0.0.255");
	f->links[3] = (struct plan_link){.ifindex = 9, .name = "red", .table = 1000};
	f->node.n_links = 4;
	f->links[1].master = 9; /* eth0 */
	fixture_plan(f);
	assert_string_equal(address(f, "any"), "10.0.0.254");
	f->links[1].master = 0;
	fixture_plan(f);
	assert_string_equal(address(f, "any"), "10.0.0.255");
	f->node.n_gateways = 0;
	fixture_plan(f);
	assert_string_equal(address(f, "any"), "10.0.0.254");
}

static void address_that_is_in_use_may_appear_on_lo(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	f->remembers = true;
	ask(f, "web", "");
	(void)fixture_converge(f, 10);
	address_on(f, "lo", "10.0.0.0", 32);
	(void)fixture_converge(f, 10);
	assert_string_equal(address(f, "web"), "10.0.0.0");
	assert_non_null(fixture_held(f, "r1", "10.0.0.0/32"));
}

static void loose_address_that_a_node_has_as_well_is_not_loose(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	address_on(f, "lo", "10.0.0.3", 32);
	ask(f, "own", "10.0.0.3");
	fixture_plan(f);
	assert_string_equal(address(f, "own"), "");
}

/* --- aggregates ----------------------------------------------------------------------------- */

static void aggregate_over_machines_is_announced_and_told_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();
	const struct problem *p;

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 28}");
	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.4-10.0.0.31]}");
	ask(f, "a", "10.0.0.6");
	ask(f, "b", "10.0.0.7");
	ask(f, "c", "10.0.0.20");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "10.0.0.0/28"));
	assert_int_equal(fixture_count(f, "CoversNodeAddress"), 1);
	p = fixture_problem(f, "CoversNodeAddress", "adv");
	assert_int_equal(p->severity, SEVERITY_WARNING);
	assert_string_equal(p->message, "10.0.0.0/28 is announced, and 10.0.0.1 under it is the "
					"address of BGPPeer r1");
}

static void each_advertisement_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 28}");
	fixture_object(f, "BGPAdvertisement", "wide", "", "spec: {aggregationLength: 27}");
	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.0-10.0.0.31]}");
	ask(f, "a", "");
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_count(f, "CoversNodeAddress"), 2);
	assert_non_null(fixture_problem(f, "CoversNodeAddress", "wide"));
}

static void aggregate_beside_machines_is_not_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = on_a_lan();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 28}");
	fixture_object(f, "IPAddressPool", "lan", "", "spec: {addresses: [10.0.0.16/28]}");
	address_on(f, "lo", "10.0.0.17", 32);
	ask(f, "a", "10.0.0.18");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "10.0.0.16/28"));
	assert_int_equal(fixture_count(f, "CoversNodeAddress"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_of_a_machine_is_not_given_to_who_asks_for_it),
		cmocka_unit_test(addresses_of_machines_are_passed_over_and_told_once_for_the_pool),
		cmocka_unit_test(three_addresses_are_told_without_others),
		cmocka_unit_test(address_in_use_that_becomes_a_machine_s_is_lost_at_once),
		cmocka_unit_test(machine_s_address_is_not_fallen_back_on),
		cmocka_unit_test(machine_s_address_that_is_read_back_is_not_announced),
		cmocka_unit_test(what_a_device_makes_of_its_address),
		cmocka_unit_test(address_in_a_vrf_is_another_one),
		cmocka_unit_test(next_hop_is_passed_over_unless_it_is_in_a_vrf),
		cmocka_unit_test(address_that_is_in_use_may_appear_on_lo),
		cmocka_unit_test(loose_address_that_a_node_has_as_well_is_not_loose),
		cmocka_unit_test(aggregate_over_machines_is_announced_and_told_once),
		cmocka_unit_test(each_advertisement_is_told),
		cmocka_unit_test(aggregate_beside_machines_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
