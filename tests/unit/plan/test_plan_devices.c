// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which devices get which programs (DESIGN 7.1), and what a device that fails does to the plan.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct plan_device *device(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->plan.n_devices; i++)
		if (strcmp(f->plan.devices[i].name, name) == 0)
			return &f->plan.devices[i];
	return NULL;
}

static void uplinks_are_the_devices_towards_the_peers(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_int_equal(f->plan.n_devices, 1);
	assert_true(device(f, "eth0")->xdp && device(f, "eth0")->tc);
	assert_false(device(f, "eth0")->allow_generic);
}

static void devices_of_default_routes_get_the_reply_program_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->default_devices[0] = 1;
	f->default_devices[1] = 3;
	f->node.n_default_devices = 2;
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 2);
	assert_true(device(f, "eth1")->tc);
	assert_false(device(f, "eth1")->xdp);
	assert_null(device(f, "lo"));
}

static void named_uplinks_replace_the_default(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {uplinks: [eth1], mode: generic}}");
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 1);
	assert_true(device(f, "eth1")->xdp);
	assert_true(device(f, "eth1")->allow_generic);
	assert_null(fixture_problem(f, "UplinkMissing", NULL));
}

static void uplink_that_is_missing_is_said_and_detaches_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {uplinks: [eth1, eht0]}}");
	fixture_converge(f, 10);
	assert_non_null(strstr(fixture_problem(f, "UplinkMissing", "default")->message, "eht0"));
	assert_true(device(f, "eth0")->xdp);
	assert_true(device(f, "eth1")->xdp);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {uplinks: [eth0]}}");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_devices, 1);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

/* The array may still hold it, behind those that count. */
static void interface_that_is_gone_is_none(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->node.n_links = 2;
	f->default_devices[0] = f->links[2].ifindex;
	f->node.n_default_devices = 1;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {uplinks: [eth0, eth1]}}");
	fixture_plan(f);
	assert_null(device(f, "eth1"));
	assert_non_null(strstr(fixture_problem(f, "UplinkMissing", "default")->message, "eth1"));
}

static void peer_without_a_route_detaches_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->no_route = true;
	fixture_plan(f);
	assert_true(device(f, "eth0")->xdp);
	assert_non_null(fixture_route(f, "192.168.100.0/32"));
}

static void node_without_an_uplink_announces_nothing_and_says_so(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->no_route = true;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_devices, 0);
	assert_int_equal(f->plan.n_routes, 0);
	assert_non_null(fixture_problem(f, "NoUplink", NULL));
}

/* r1 is reached by eth0, r2 by eth1. */
static struct fixture *two_uplinks(void)
{
	struct fixture *f = fixture_announced();

	assert_true(ip_prefix_parse("10.1.0.0/16", &f->by_eth1));
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.1.0.2}");
	return f;
}

static void peer_behind_an_uplink_that_is_being_attached_waits(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_uplinks();

	(void)state;
	fixture_plan(f);
	assert_int_equal(fixture_route(f, "192.168.100.0/32")->peers, 1);
	assert_false(f->plan.end_of_rib);
	fixture_converge(f, 10);
	assert_int_equal(fixture_route(f, "192.168.100.0/32")->peers, 3);
	assert_true(f->plan.end_of_rib);
}

static void uplink_that_lost_a_program_costs_the_peers_behind_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_uplinks();

	(void)state;
	fixture_converge(f, 10);
	f->devices[1].tc = false;
	fixture_plan(f);
	assert_int_equal(f->plan.n_routes, 1);
	assert_int_equal(fixture_route(f, "192.168.100.0/32")->peers, 1);
	assert_true(fixture_service(f, "web")->announced);
	f->devices[0].xdp = false;
	fixture_plan(f);
	assert_int_equal(f->plan.n_routes, 0);
	assert_string_equal(fixture_service(f, "web")->reason, "dataPlaneNotReady");
}

/* r1's own device is no uplink, so its traffic may come by either of those that are. */
static void peer_not_behind_an_uplink_needs_them_all(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_uplinks();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {uplinks: [eth1]}}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_route(f, "192.168.100.0/32")->peers, 3);
	f->devices[0].tc = false;
	fixture_plan(f);
	assert_int_equal(f->plan.n_routes, 0);
}

/* r1 is reached by a VLAN: on eth0, on a VLAN on it, or on what is not here. */
static struct fixture *by_a_vlan(int lower)
{
	static struct plan_link links[] = {
		{.ifindex = 2, .name = "vlan", .up = true, .tag = 7},
		{.ifindex = 3, .name = "eth1", .up = true},
		{.ifindex = 4, .name = "eth0", .up = true},
		{.ifindex = 5, .name = "eth0.100", .tag = 100, .lower = 4},
	};
	struct fixture *f = fixture_announced();

	links[0].lower = lower;
	f->node.links = links;
	f->node.n_links = ARRAY_SIZE(links);
	return f;
}

static void the_uplink_of_a_vlan_is_the_device_below(void **state)
{
	(void)state;
	for (int lower = 4; lower <= 5; lower++) {
		_cleanup_(fixture_freep) struct fixture *f = by_a_vlan(lower);

		fixture_converge(f, 10);
		assert_int_equal(f->plan.n_devices, 2);
		assert_true(device(f, "eth0")->xdp && device(f, "eth0")->tc);
		assert_true(device(f, "vlan")->tc && !device(f, "vlan")->xdp);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
		/* It is the one that its peer waits for. */
		fixture_object(f, "LodestoneConfig", "default", "",
			       "spec: {dataplane: {uplinks: [eth0, eth1]}}");
		fixture_converge(f, 10);
		for (size_t k = 0; k < f->n_devices; k++)
			if (strcmp(f->devices[k].name, "eth1") == 0)
				f->devices[k].xdp = false;
		fixture_plan(f);
		assert_int_equal(f->plan.n_routes, 1);
	}
}

/* In another network namespace, as VLANs of containers are. */
static void a_vlan_whose_lower_device_is_not_here_is_the_uplink(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = by_a_vlan(9);

	(void)state;
	fixture_plan(f);
	assert_true(device(f, "vlan")->xdp && device(f, "vlan")->tc);
}

static void an_uplink_in_a_vrf_is_of_its_world_and_told(void **state)
{
	static const struct plan_link links[] = {
		{.ifindex = 2, .name = "eth0", .up = true},
		{.ifindex = 3, .name = "eth1", .up = true, .master = 4},
		{.ifindex = 4, .name = "red", .table = 1000},
	};
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->node.links = links;
	f->node.n_links = ARRAY_SIZE(links);
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {uplinks: [eth0, eth1]}}");
	fixture_plan(f);
	assert_int_equal(device(f, "eth0")->domain, 0);
	assert_int_equal(device(f, "eth1")->domain, 1000);
	assert_null(fixture_problem(f, "UplinkInVrf", "eth0"));
	assert_string_equal(fixture_problem(f, "UplinkInVrf", "eth1")->message,
			    "it is in VRF red, in which no BGPPeer of this node is and so no "
			    "Service has an address: what comes in by it is the kernel's");
}

/* r1 is reached by eth0, or what it is made here; eth1 is there besides. */
static struct fixture *by_an_odd_one(bool raw, bool bridge)
{
	struct fixture *f = fixture_announced();

	f->links[1].raw = raw;
	f->links[1].bridge = bridge;
	return f;
}

static void an_uplink_without_ethernet_is_not_attached_and_attracts_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = by_an_odd_one(true, false);

	(void)state;
	f->default_devices[0] = 2;
	f->node.n_default_devices = 1;
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_devices, 0);
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_int_equal(fixture_problem(f, "UplinkWithoutEthernet", "eth0")->severity,
			 SEVERITY_ERROR);
	assert_int_equal(fixture_problem(f, "DefaultRouteWithoutEthernet", "eth0")->severity,
			 SEVERITY_INFO);
	fixture_object(f, "BGPPeer", "r3", "",
		       "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.3}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_count(f, "UplinkWithoutEthernet"), 1);
	/* A session may well go over it, where packets come in elsewhere. */
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {uplinks: [eth1]}}");
	fixture_converge(f, 10);
	assert_true(device(f, "eth1")->xdp);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_null(fixture_problem(f, "UplinkWithoutEthernet", NULL));
	/* Unless it is said that they come in there as well. */
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {uplinks: [eth0, eth1], mode: generic}}");
	fixture_converge(f, 10);
	assert_null(device(f, "eth0"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_non_null(fixture_problem(f, "UplinkWithoutEthernet", "eth0"));
}

static void a_bridge_says_which_ports_it_has_and_is_served_by_one(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = by_an_odd_one(false, true);

	(void)state;
	fixture_converge(f, 10);
	assert_true(device(f, "eth0")->tc && !device(f, "eth0")->xdp);
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_non_null(strstr(fixture_problem(f, "UplinkIsBridge", "eth0")->remedy,
			       "(ports: none so far)"));
	f->links[2].master = 2;
	fixture_converge(f, 10);
	assert_non_null(
		strstr(fixture_problem(f, "UplinkIsBridge", "eth0")->remedy, "(ports: eth1)"));
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {uplinks: [eth1]}}");
	fixture_converge(f, 10);
	assert_true(device(f, "eth1")->xdp);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_null(fixture_problem(f, "UplinkIsBridge", NULL));
	/* Generic XDP is there on a bridge itself. */
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: generic}}");
	fixture_converge(f, 10);
	assert_true(device(f, "eth0")->xdp && device(f, "eth0")->allow_generic);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_null(fixture_problem(f, "UplinkIsBridge", NULL));
}

/* Who is behind another uplink has his routes all the same. */
static void an_odd_uplink_costs_the_peers_behind_it_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_uplinks();

	(void)state;
	f->links[2].raw = true;
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_null(fixture_held(f, "r2", "192.168.100.0/32"));
}

static void settings_of_the_data_plane_are_passed_on(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {flowEntries: 65536}}");
	fixture_plan(f);
	assert_true(f->plan.dataplane);
	assert_int_equal(f->plan.flow_entries, 65536);
	f->settings.dataplane = false;
	fixture_plan(f);
	assert_false(f->plan.dataplane);
}

static void flow_entries_that_the_tables_do_not_have_are_a_problem_of_who_asks(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct problem *p;

	(void)state;
	f->flow_entries = 32768;
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "FlowEntriesNotApplied"), 0); /* nobody asks */
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {flowEntries: 65536}}");
	fixture_plan(f);
	p = fixture_problem(f, "FlowEntriesNotApplied", "default");
	assert_non_null(p);
	assert_string_equal(p->field, "spec.dataplane.flowEntries");
	assert_int_equal(p->severity, SEVERITY_WARNING);
	fixture_object(f, "LodestoneConfig", "node-a", "",
		       "spec: {dataplane: {flowEntries: 131072}}");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "FlowEntriesNotApplied", "node-a"));
	assert_int_equal(fixture_count(f, "FlowEntriesNotApplied"), 1);

	f->flow_entries = 131072;
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "FlowEntriesNotApplied"), 0);
	f->flow_entries = 0; /* not loaded yet */
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "FlowEntriesNotApplied"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplinks_are_the_devices_towards_the_peers),
		cmocka_unit_test(devices_of_default_routes_get_the_reply_program_alone),
		cmocka_unit_test(named_uplinks_replace_the_default),
		cmocka_unit_test(uplink_that_is_missing_is_said_and_detaches_nothing),
		cmocka_unit_test(interface_that_is_gone_is_none),
		cmocka_unit_test(peer_without_a_route_detaches_nothing),
		cmocka_unit_test(node_without_an_uplink_announces_nothing_and_says_so),
		cmocka_unit_test(peer_behind_an_uplink_that_is_being_attached_waits),
		cmocka_unit_test(uplink_that_lost_a_program_costs_the_peers_behind_it),
		cmocka_unit_test(peer_not_behind_an_uplink_needs_them_all),
		cmocka_unit_test(the_uplink_of_a_vlan_is_the_device_below),
		cmocka_unit_test(a_vlan_whose_lower_device_is_not_here_is_the_uplink),
		cmocka_unit_test(an_uplink_in_a_vrf_is_of_its_world_and_told),
		cmocka_unit_test(an_uplink_without_ethernet_is_not_attached_and_attracts_nothing),
		cmocka_unit_test(a_bridge_says_which_ports_it_has_and_is_served_by_one),
		cmocka_unit_test(an_odd_uplink_costs_the_peers_behind_it_alone),
		cmocka_unit_test(settings_of_the_data_plane_are_passed_on),
		cmocka_unit_test(
			flow_entries_that_the_tables_do_not_have_are_a_problem_of_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
