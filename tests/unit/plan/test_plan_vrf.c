// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers in VRFs: whose table and device their sessions have, and in which domains the address of a
 * Service is a VIP; and a VRF that is not there, comes, goes, and comes back as another.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RED  10 /* ifindex */
#define BLUE 11

#define VIP "192.168.100.0"

static void peer(struct fixture *f, const char *name, const char *spec)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name, "",
		       arena_printf(arena, "spec: {myASN: 64512, peerASN: 64513, %s}", spec));
	arena_free(arena);
}

/* Device veth<n> with its address, for a VRF. */
static void add_device(struct fixture *f, int ifindex, const char *name, uint32_t addr)
{
	f->links[f->node.n_links++] =
		(struct plan_link){.ifindex = ifindex, .name = name, .up = true};
	f->addrs[f->node.n_addrs++] =
		(struct plan_local_addr){ip_addr_from_v4(addr), 24, ifindex, false};
}

/* Service web, announced to whom the advertisement names; r1 is in no VRF, red and blue are. */
static struct fixture *two_vrfs(const char *peers)
{
	struct fixture *f = fixture_new();
	struct arena *arena = arena_new();

	add_device(f, 5, "eth5", 0x0a000132); /* 10.0.1.50 */
	add_device(f, 6, "eth6", 0x0a000232); /* 10.0.2.50 */
	fixture_add_vrf(f, RED, "red", 1000, 5);
	fixture_add_vrf(f, BLUE, "blue", 1001, 6);
	fixture_object(f, "IPAddressPool", "pool", "", "spec: {addresses: [192.168.100.0/24]}");
	peer(f, "r1", "peerAddress: 10.0.0.1");
	peer(f, "red", "peerAddress: 10.0.9.1, vrf: red");
	peer(f, "blue", "peerAddress: 10.0.9.1, vrf: blue");
	fixture_object(f, "BGPAdvertisement", "all", "",
		       arena_printf(arena, "spec: {ipAddressPools: [pool], peers: [%s]}", peers));
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	arena_free(arena);
	return f;
}

/* The domains in which the VIP's port 80 is planned, "0 1000 1001". */
static const char *domains(const struct fixture *f, struct arena *arena)
{
	const char *ret = "";

	for (size_t i = 0; i < f->plan.n_frontends; i++) {
		const struct plan_frontend *p = &f->plan.frontends[i];

		if (p->lb.key.port == 80 && !p->leaving)
			ret = arena_printf(arena, "%s%s%u", ret, ret[0] ? " " : "",
					   p->lb.key.domain);
	}
	return ret;
}

static void assert_domains(const struct fixture *f, const char *want)
{
	struct arena *arena = arena_new();

	assert_string_equal(domains(f, arena), want);
	arena_free(arena);
}

static void a_session_has_its_vrfs_table_device_and_source(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");
	const struct plan_peer *p;

	(void)state;
	fixture_plan(f);
	p = fixture_plan_peer(f, "red");
	assert_int_equal(p->vrf, RED);
	assert_int_equal(p->table, 1000);
	assert_int_equal(p->domain, 1000);
	assert_int_equal(p->ifindex, 5);
	assert_string_equal(p->key.vrf, "red");
	p = fixture_plan_peer(f, "r1");
	assert_int_equal(p->vrf, 0);
	assert_int_equal(p->table, KERNEL_MAIN);
	assert_int_equal(p->domain, 0);
	assert_int_equal(p->ifindex, 2);
	assert_int_equal(f->plan.problems.n, 0);
}

static void one_address_in_two_vrfs_is_two_peers(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red, blue");

	(void)state;
	fixture_plan(f);
	assert_int_equal(f->plan.n_peers, 3);
	assert_null(fixture_problem(f, "DuplicatePeer", NULL));
	assert_int_equal(fixture_plan_peer(f, "blue")->ifindex, 6);
}

static void a_source_address_is_one_of_the_vrf(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	peer(f, "red", "peerAddress: 10.0.9.1, vrf: red, sourceAddress: 10.0.1.50");
	fixture_plan(f);
	assert_int_equal(ip_addr_v4(&fixture_plan_peer(f, "red")->source), 0x0a000132);
	assert_null(fixture_problem(f, "SourceAddressNotLocal", "red"));
	peer(f, "blue", "peerAddress: 10.0.9.1, vrf: blue, sourceAddress: 10.0.1.50");
	fixture_plan(f);
	assert_true(ip_addr_is_none(&fixture_plan_peer(f, "blue")->source));
	assert_non_null(fixture_problem(f, "SourceAddressNotLocal", "blue"));
}

static void a_vip_is_in_the_domains_of_those_it_is_announced_to(void **state)
{
	static const char *const cases[][2] = {
		{"r1", "0"},
		{"red", "1000"},
		{"red, blue", "1000 1001"},
		{"blue, r1", "0 1001"},
		{"r1, red, blue", "0 1000 1001"},
		{"nobody", "0"}, /* as without VRFs */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = two_vrfs(cases[i][0]);

		(void)fixture_converge(f, 20);
		assert_domains(f, cases[i][1]);
		if (i + 1 < ARRAY_SIZE(cases))
			assert_string_equal(fixture_service(f, "web")->reason, "announced");
	}
}

static void each_peer_is_told_the_vip_of_its_own_domain(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	(void)fixture_converge(f, 20);
	assert_non_null(fixture_held(f, "red", VIP "/32"));
	assert_null(fixture_held(f, "blue", VIP "/32"));
	assert_null(fixture_held(f, "r1", VIP "/32"));
}

static void uplinks_of_vrfs_get_the_programs_and_their_domain(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red, blue");

	(void)state;
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 3);
	assert_int_equal(f->plan.devices[1].ifindex, 5);
	assert_int_equal(f->plan.devices[1].domain, 1000);
	assert_true(f->plan.devices[1].xdp && f->plan.devices[1].tc);
	assert_int_equal(f->plan.devices[2].domain, 1001);
	assert_null(fixture_problem(f, "UplinkInVrf", NULL));
}

static void ports_of_a_bond_in_a_vrf_are_of_its_domain(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	f->links[3].bond = true; /* eth5 */
	f->links[2].master = 5;  /* eth1 */
	fixture_plan(f);
	assert_int_equal(f->plan.devices[1].ifindex, 5);
	assert_int_equal(f->plan.devices[1].n_vlans, 1);
	assert_int_equal(f->plan.devices[1].vlans[0].ifindex, 3);
	assert_int_equal(f->plan.devices[1].vlans[0].tag, 0);
	assert_int_equal(f->plan.devices[1].vlans[0].domain, 1000);
}

static void a_strict_reverse_path_is_said_of_the_vrf(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	f->links[5].strict_source = true; /* red */
	f->links[6].strict_source = true; /* blue, */
	f->default_devices[0] = 6;        /* which has a default route by its uplink */
	f->node.n_default_devices = 1;
	fixture_plan(f);
	assert_string_equal(fixture_problem(f, "StrictReversePath", "red")->remedy,
			    "sysctl -w net.ipv4.conf.red.rp_filter=2");
	assert_int_equal(fixture_count(f, "StrictReversePath"), 1);
	f->links[5].strict_source = false;
	f->links[1].strict_source = true; /* eth0, by which r1 is reached */
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "StrictReversePath", "eth0"));
	assert_int_equal(fixture_count(f, "StrictReversePath"), 1);
}

static void backends_of_vips_in_vrfs_have_a_way_there_and_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");
	const struct plan_blackholes *b = &f->plan.blackholes;

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.0.0.10@node-a 10.244.0.6@node-b");
	(void)fixture_converge(f, 20);
	assert_int_equal(b->n_pods, 2); /* and not another node's */
	assert_true(b->pods[0].is_own && !b->pods[1].is_own);
	assert_int_equal(ip_addr_v4(&f->plan.sockets_in_vrfs.tcp), 0x0a00000a);
	assert_true(ip_addr_is_none(&f->plan.sockets_in_vrfs.udp));
	assert_int_equal(b->pods[1].domain, 1000);
	assert_int_equal(b->pods[1].port, 8080);
	assert_int_equal(ip_addr_v4(&b->pods[1].addr), 0x0af40005);
	assert_int_equal(b->n_vrfs, 4);          /* red, blue, and what is in them */
	assert_int_equal(f->kernel->n_rules, 3); /* the local table leads to the node itself */
	fixture_add_slice(f, "web", "");
	(void)fixture_converge(f, 20);
	assert_int_equal(b->n_pods, 2);                 /* they drain */
	f->now += PLAN_DRAIN_DEFAULT_NS + NSEC_PER_SEC; /* then its VIP leaves, too */
	(void)fixture_converge(f, 20);
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 20);
	assert_int_equal(b->n_pods, 0);
	assert_int_equal(f->kernel->n_rules, 0);
}

/* Routers send to it for a while, and flows that were begun go on: so do their packets to the pod.
 */
static void backends_of_a_vip_that_leaves_have_their_way_until_it_has_left(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");
	const struct plan_blackholes *b = &f->plan.blackholes;

	(void)state;
	fixture_plan(f);
	assert_int_equal(f->store.n, 0);
	assert_int_equal(b->n_pods, 1); /* at once, with the VIP */
	(void)fixture_converge(f, 20);
	assert_int_equal(b->n_pods, 1);
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 20);
	assert_true(f->store.n > 0);
	assert_int_equal(b->n_pods, 1);
	for (int i = 0; i < 5 && f->store.n > 0; i++) {
		assert_int_equal(b->n_pods, 1);
		f->now += PLAN_DRAIN_DEFAULT_NS + PLAN_UNHELD_NS;
		(void)fixture_converge(f, 20);
	}
	assert_int_equal(f->store.n, 0);
	assert_int_equal(b->n_pods, 0);
	assert_int_equal(f->kernel->n_rules, 0);
}

static void an_aggregate_is_a_blackhole_of_its_own_vrf(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");
	const struct plan_blackholes *b = &f->plan.blackholes;

	(void)state;
	fixture_object(f, "BGPAdvertisement", "all", "",
		       "spec: {ipAddressPools: [pool], peers: [red], aggregationLength: 24}");
	(void)fixture_converge(f, 20);
	assert_int_equal(b->n + b->n_uplinks, 0);
	assert_int_equal(b->n_in_vrfs, 1);
	assert_int_equal(b->in_vrfs[0].domain, 1000);
	assert_non_null(fixture_held(f, "red", "192.168.100.0/24"));
	assert_int_equal(f->kernel->n_routes, 1);
	assert_int_equal(f->kernel->routes[0].table, kernel_table_of(1000, 24));
	fixture_drop(f, "BGPAdvertisement", "all");
	(void)fixture_converge(f, 20);
	assert_int_equal(f->kernel->n_routes, 0);
}

/* Of red's own addresses (10.0.1.50) and its router's none is a VIP in red; in blue each may be. */
static void an_address_of_the_node_in_a_vrf_is_no_vip_there(void **state)
{
	static const char *const own[] = {"10.0.1.50", "10.0.1.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red, blue");
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		f->gateways[0] = (struct plan_gateway){ip_addr_from_v4(0x0a000101), 5};
		f->node.n_gateways = 1;
		fixture_object(f, "IPAddressPool", "pool", "",
			       arena_printf(arena, "spec: {addresses: [%s/32]}", own[i]));
		(void)fixture_converge(f, 20);
		assert_domains(f, "1001");
		assert_non_null(fixture_held(f, "blue", arena_printf(arena, "%s/32", own[i])));
		assert_null(fixture_held(f, "red", arena_printf(arena, "%s/32", own[i])));
		assert_non_null(strstr(fixture_problem(f, "NodeAddress", "web")->message,
				       "(eth5), in a VRF that it is announced in"));
		f->links[3].master = 0; /* eth5 leaves red, and it is any VRF's no more */
		f->node.n_gateways = 0;
		f->addrs[f->node.n_addrs - 2].addr = ip_addr_from_v4(0x0a000151);
		(void)fixture_converge(f, 20);
		assert_domains(f, "1000 1001");
		assert_null(fixture_problem(f, "NodeAddress", NULL));
	}
}

static void an_aggregate_over_an_address_of_the_node_in_its_vrf_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("blue");

	(void)state;
	fixture_object(f, "IPAddressPool", "pool", "", "spec: {addresses: [10.0.1.0/24]}");
	fixture_object(f, "BGPAdvertisement", "all", "",
		       "spec: {ipAddressPools: [pool], peers: [blue], aggregationLength: 24}");
	(void)fixture_converge(f, 20);
	assert_non_null(fixture_held(f, "blue", "10.0.1.0/24"));
	assert_null(fixture_problem(f, "CoversNodeAddress", NULL));
	fixture_object(f, "BGPAdvertisement", "all", "",
		       "spec: {ipAddressPools: [pool], peers: [red], aggregationLength: 24}");
	(void)fixture_converge(f, 20);
	assert_non_null(fixture_held(f, "red", "10.0.1.0/24"));
	assert_string_equal(fixture_problem(f, "CoversNodeAddress", "all")->message,
			    "10.0.1.0/24 is announced, and 10.0.1.50 under it is an address of "
			    "this node (eth5)");
}

/* --- a VRF that is not there ---------------------------------------------------------------- */

static void a_session_waits_for_its_vrf_and_the_command_is_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("green");
	const struct problem *problem;

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	peer(f, "green", "peerAddress: 10.0.9.1, vrf: green, bfdProfile: fast");
	(void)fixture_converge(f, 20);
	assert_false(fixture_plan_peer(f, "green")->bfd.is_wanted); /* where would it be? */
	problem = fixture_problem(f, "VrfMissing", "green");
	assert_string_equal(problem->message,
			    "this node has no VRF green; the session begins once it is there");
	assert_string_equal(
		problem->remedy,
		"ip link add green type vrf table TABLE && ip link set green up, and ip "
		"link set DEVICE master green for each uplink");
	assert_int_equal(fixture_plan_peer(f, "green")->vrf, 0);
	assert_int_equal(fixture_plan_peer(f, "green")->domain, PLAN_NO_DOMAIN);
	assert_string_equal(fixture_service(f, "web")->reason, "vrfMissing");
	assert_domains(f, ""); /* above all not 0, where it is for nobody */

	add_device(f, 7, "eth7", 0x0a000332);
	fixture_add_vrf(f, 12, "green", 1002, 7);
	(void)fixture_converge(f, 20);
	assert_null(fixture_problem(f, "VrfMissing", "green"));
	assert_int_equal(fixture_plan_peer(f, "green")->vrf, 12);
	assert_true(fixture_plan_peer(f, "green")->bfd.is_wanted);
	assert_domains(f, "1002");
	assert_string_equal(fixture_service(f, "web")->reason, "announced");
}

static void a_vrf_that_is_missing_costs_nothing_in_others(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red, green");

	(void)state;
	peer(f, "green", "peerAddress: 10.0.9.1, vrf: green");
	(void)fixture_converge(f, 20);
	assert_domains(f, "1000");
	assert_string_equal(fixture_service(f, "web")->reason, "announced");
	assert_non_null(fixture_held(f, "red", VIP "/32"));
}

/* The kernel has taken the session's packets with it, and its device's number is another's. */
static void a_vrf_that_comes_back_is_used_as_it_is_then(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");
	const struct plan_link red = f->links[5];

	(void)state;
	assert_string_equal(red.name, "red");
	(void)fixture_converge(f, 20);
	assert_domains(f, "1000");

	f->links[5].name = "gone";
	f->links[5].table = 0;
	f->links[3].master = 0;
	fixture_peer(f, "red")->down = true;
	(void)fixture_converge(f, 20);
	assert_domains(f, "");

	f->links[5] = red;
	f->links[5].table = 2000;
	f->links[3].master = RED;
	fixture_peer(f, "red")->down = false;
	f->now += 10 * NSEC_PER_SEC;
	(void)fixture_converge(f, 20);
	assert_domains(f, "2000");
	assert_int_equal(fixture_plan_peer(f, "red")->table, 2000);
	assert_non_null(fixture_held(f, "red", VIP "/32"));
}

static void a_link_that_is_no_vrf_is_said_to_be_none(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("odd");

	(void)state;
	peer(f, "odd", "peerAddress: 10.0.9.1, vrf: eth5");
	fixture_plan(f);
	assert_string_equal(fixture_problem(f, "VrfMissing", "odd")->message,
			    "interface eth5 of this node is no VRF; the session begins once it is "
			    "there");
}

static void a_table_beyond_a_domains_number_is_refused(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	f->links[5].table = 65534;
	fixture_plan(f);
	assert_null(fixture_problem(f, "VrfTableTooHigh", "red"));
	assert_domains(f, "65534");
	f->links[5].table = 65535;
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "VrfTableTooHigh", "red"));
	assert_int_equal(fixture_plan_peer(f, "red")->vrf, 0);
	assert_domains(f, "");
}

static void a_vrf_that_is_down_is_a_problem(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	f->links[5].up = false;
	fixture_plan(f);
	assert_string_equal(fixture_problem(f, "VrfDown", "red")->remedy, "ip link set red up");
}

static void a_peers_interface_is_one_of_its_vrf(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("near");

	(void)state;
	peer(f, "near", "interface: eth5, vrf: red");
	fixture_plan(f);
	assert_null(fixture_problem(f, "InterfaceNotInVrf", "near"));
	assert_int_equal(fixture_plan_peer(f, "near")->ifindex, 5);
	peer(f, "near", "interface: eth6, vrf: red");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "InterfaceNotInVrf", "near"));
	assert_int_equal(fixture_plan_peer(f, "near")->ifindex, 0);
}

/* A slip of the pen is no reason to end a session. */
static void an_edit_to_a_vrf_that_is_not_there_is_not_followed(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs("red");

	(void)state;
	(void)fixture_converge(f, 20);
	peer(f, "red", "peerAddress: 10.0.9.1, vrf: rde");
	(void)fixture_converge(f, 20);
	assert_string_equal(fixture_problem(f, "VrfMissing", "red")->message,
			    "this node has no VRF rde; its last good version stays in force");
	assert_domains(f, "1000");
	assert_non_null(fixture_held(f, "red", VIP "/32"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_has_its_vrfs_table_device_and_source),
		cmocka_unit_test(one_address_in_two_vrfs_is_two_peers),
		cmocka_unit_test(a_source_address_is_one_of_the_vrf),
		cmocka_unit_test(a_vip_is_in_the_domains_of_those_it_is_announced_to),
		cmocka_unit_test(each_peer_is_told_the_vip_of_its_own_domain),
		cmocka_unit_test(uplinks_of_vrfs_get_the_programs_and_their_domain),
		cmocka_unit_test(ports_of_a_bond_in_a_vrf_are_of_its_domain),
		cmocka_unit_test(a_strict_reverse_path_is_said_of_the_vrf),
		cmocka_unit_test(backends_of_vips_in_vrfs_have_a_way_there_and_back),
		cmocka_unit_test(backends_of_a_vip_that_leaves_have_their_way_until_it_has_left),
		cmocka_unit_test(an_aggregate_is_a_blackhole_of_its_own_vrf),
		cmocka_unit_test(an_address_of_the_node_in_a_vrf_is_no_vip_there),
		cmocka_unit_test(an_aggregate_over_an_address_of_the_node_in_its_vrf_is_told),
		cmocka_unit_test(a_session_waits_for_its_vrf_and_the_command_is_said),
		cmocka_unit_test(a_vrf_that_is_missing_costs_nothing_in_others),
		cmocka_unit_test(a_vrf_that_comes_back_is_used_as_it_is_then),
		cmocka_unit_test(a_link_that_is_no_vrf_is_said_to_be_none),
		cmocka_unit_test(a_table_beyond_a_domains_number_is_refused),
		cmocka_unit_test(a_vrf_that_is_down_is_a_problem),
		cmocka_unit_test(a_peers_interface_is_one_of_its_vrf),
		cmocka_unit_test(an_edit_to_a_vrf_that_is_not_there_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
