// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Policy Cluster across nodes: every node has all endpoints as targets and the same rows; what has
 * none here is announced as long as a node with one answers; ends of tunnels and their device.
 */
#include "fake/plan_fixture.h"
#include "lb/lb_echo.h"

#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>

#include "bpf/abi.h"
#include "bpf/wire.h"
#include "plan/plan_backends.h"

#include <cmocka.h>

#define VIP "192.168.100.0"

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static void put_node(struct fixture *f, const char *name, const char *address)
{
	fixture_object(f, "Node", name, "",
		       arena_printf(f->arena,
				    "status: {addresses: [{type: InternalIP, address: \"%s\"}]}",
				    address));
}

static void answers(struct fixture *f, size_t i, const char *address, enum plan_remote_state state)
{
	f->remotes[i] = (struct plan_actual_remote){.addr = addr(address), .state = state};
	if (f->n_remotes <= i)
		f->n_remotes = i + 1;
}

/* node-a is this one, with 10.0.0.10; node-b and node-c answer unless a test says otherwise. */
static struct fixture *three_nodes(const char *policy, const char *endpoints)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	put_node(f, "node-a", "10.0.0.10");
	put_node(f, "node-b", "10.0.0.11");
	put_node(f, "node-c", "10.0.0.12");
	answers(f, 0, "10.0.0.11", REMOTE_ANSWERS);
	answers(f, 1, "10.0.0.12", REMOTE_ANSWERS);
	fixture_add_service(f, "web", policy, "");
	fixture_add_slice(f, "web", endpoints);
	(void)fixture_converge(f, 10);
	return f;
}

static const char *node_of(const struct fixture *f, const char *address)
{
	static char text[IP_ADDR_TEXT];
	const struct lb_target *t = fixture_target(f, VIP, 80, address);

	if (!t)
		return "left out";
	return ip_addr_is_none(&t->node) ? "here" : ip_addr_text(&t->node, text);
}

static bool is_held(struct fixture *f)
{
	return fixture_held(f, "r1", VIP "/32") != NULL;
}

static void endpoints_of_all_nodes_are_targets(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.0.5@node-a 10.244.1.5@node-b 10.244.2.5@node-c- "
				       "10.244.3.5@node-d 10.244.4.5");
	const struct plan_service *row = fixture_service(f, "web");

	(void)state;
	assert_string_equal(node_of(f, "10.244.0.5"), "here");
	assert_string_equal(node_of(f, "10.244.1.5"), "10.0.0.11");
	assert_string_equal(node_of(f, "10.244.2.5"), "10.0.0.12");
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.2.5")->state, LB_BACKEND_DRAINING);
	/* What no tunnel leads to is left out and told, by what is to be done about it. */
	assert_string_equal(node_of(f, "10.244.3.5"), "left out");
	assert_string_equal(node_of(f, "10.244.4.5"), "left out");
	assert_non_null(strstr(fixture_problem(f, "RemoteEndpoints", "web")->message, "node-d"));
	assert_non_null(fixture_problem(f, "EndpointWithoutNode", "web"));
	assert_int_equal(row->n_backends, 5);
	assert_string_equal(plan_backend_at(row, 1).state, "ready");
	assert_string_equal(plan_backend_at(row, 1).node, "node-b");
	assert_string_equal(plan_backend_at(row, 3).state, "remote");
	assert_true(fixture_frontend(f, VIP, 80)->lb.flags & LB_F_CLAMP);
	assert_true(row->announced);
}

static void policy_local_has_those_here_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Local", "10.244.0.5@node-a 10.244.1.5@node-b 10.244.4.5");

	(void)state;
	assert_int_equal(fixture_frontend(f, VIP, 80)->lb.n_targets, 1);
	assert_false(fixture_frontend(f, VIP, 80)->lb.flags & LB_F_CLAMP);
	assert_null(fixture_problem(f, "RemoteEndpoints", NULL));
	assert_null(fixture_problem(f, "EndpointWithoutNode", NULL));
}

/* Recipe of the rows: what bpf/wire.h makes of seed, number of rows and targets. */
static uint64_t recipe_of(const struct lb_frontend *lb)
{
	uint64_t h = lb_wire_recipe(lb->seed, lb->rows_log2);

	for (size_t i = 0; i < lb->n_targets; i++)
		h = lb_wire_recipe_add(h, lb_target_id(&lb->targets[i], lb->seed),
				       lb->targets[i].weight,
				       lb->targets[i].state == LB_BACKEND_READY);
	return h;
}

static void rows_are_the_same_on_every_node(void **state)
{
	static const char *const nodes[] = {"node-a", "node-b", "node-c"};
	uint64_t recipe[ARRAY_SIZE(nodes)], table[ARRAY_SIZE(nodes)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		_cleanup_(fixture_freep) struct fixture *f = three_nodes(
			"Cluster", "10.244.0.5@node-a 10.244.1.5@node-b 10.244.1.6@node-b- "
				   "10.244.2.5@node-c");

		f->settings.node_name = nodes[i];
		f->addrs[0].addr = addr(i == 0 ? "10.0.0.10" : i == 1 ? "10.0.0.11" : "10.0.0.12");
		(void)fixture_converge(f, 10);
		assert_int_equal(fixture_frontend(f, VIP, 80)->lb.n_targets, 4);
		recipe[i] = recipe_of(&fixture_frontend(f, VIP, 80)->lb);
		table[i] = fixture_frontend(f, VIP, 80)->lb.table;
	}
	assert_int_equal(recipe[0], recipe[1]);
	assert_int_equal(recipe[0], recipe[2]);
	/* What is written with the rows is each node's own. */
	assert_true(table[0] != table[1] && table[1] != table[2]);
}

static void what_has_nobody_here_is_announced_while_a_node_answers(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.1.5@node-b 10.244.2.5@node-c");

	(void)state;
	assert_true(fixture_service(f, "web")->announced);
	assert_true(is_held(f));

	answers(f, 0, "10.0.0.11", REMOTE_SILENT);
	(void)fixture_converge(f, 10);
	assert_true(is_held(f)); /* node-c is left */
	assert_non_null(fixture_problem(f, "NodeSilent", "node-b"));
	assert_null(fixture_problem(f, "NodeSilent", "node-c"));

	answers(f, 1, "10.0.0.12", REMOTE_STRANGE);
	(void)fixture_converge(f, 10);
	assert_false(is_held(f));
	assert_non_null(fixture_problem(f, "NodeOfOtherVersion", "node-c"));
	assert_string_equal(fixture_service(f, "web")->reason, "noReachableEndpoints");

	answers(f, 0, "10.0.0.11", REMOTE_ANSWERS);
	(void)fixture_converge(f, 10);
	assert_true(is_held(f));
	assert_null(fixture_problem(f, "NodeSilent", NULL));
}

/* A node that leaves answers, and is not to be given new flows. */
static void a_node_that_leaves_is_no_reason(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.1.5@node-b");

	(void)state;
	assert_true(is_held(f));
	answers(f, 0, "10.0.0.11", REMOTE_LEAVING);
	(void)fixture_converge(f, 10);
	assert_false(is_held(f));
	assert_null(fixture_problem(f, "NodeSilent", NULL));
	assert_int_equal(f->plan.remotes[0].state, REMOTE_LEAVING);
}

/* A target that only drains there is no reason to attract new flows. */
static void a_node_that_only_drains_is_no_reason(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.1.5@node-b 10.244.2.5@node-c-");

	(void)state;
	answers(f, 0, "10.0.0.11", REMOTE_SILENT);
	(void)fixture_converge(f, 10);
	assert_false(is_held(f));
	/* With one of its own it need not ask. */
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.1.5@node-b");
	(void)fixture_converge(f, 10);
	assert_true(is_held(f));
}

/* After a start: what the routers have stays until it is known, and End-of-RIB waits. */
static void what_is_not_known_yet_withdraws_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.1.5@node-b");

	(void)state;
	answers(f, 0, "10.0.0.11", REMOTE_UNKNOWN);
	(void)fixture_converge(f, 10);
	assert_true(is_held(f));
	assert_false(f->plan.end_of_rib);
	answers(f, 0, "10.0.0.11", REMOTE_SILENT);
	(void)fixture_converge(f, 10);
	assert_false(is_held(f));
	assert_true(f->plan.end_of_rib);

	/* Nor is it announced anew before. */
	answers(f, 0, "10.0.0.11", REMOTE_UNKNOWN);
	(void)fixture_converge(f, 10);
	assert_false(is_held(f));
	assert_string_equal(fixture_service(f, "web")->reason, "noReachableEndpoints");
	f->n_remotes = 0;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->plan.remotes[0].state, REMOTE_UNKNOWN);
	answers(f, 0, "10.0.0.11", REMOTE_ANSWERS);
	(void)fixture_converge(f, 10);
	assert_true(is_held(f));
}

/* Whether a node answers is no part of what is programmed. */
static void an_answer_changes_no_frontend(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.0.5@node-a 10.244.1.5@node-b");
	const uint64_t table = fixture_frontend(f, VIP, 80)->lb.table;
	const size_t n_calls = f->store.n_calls;

	(void)state;
	answers(f, 0, "10.0.0.11", REMOTE_SILENT);
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_frontend(f, VIP, 80)->lb.table, table);
	assert_int_equal(f->store.n_calls, n_calls);
}

/* Nor is a fragment made anew for it. */
static void an_answer_makes_no_fragment(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.0.5@node-a 10.244.1.5@node-b");
	const void *backends = fixture_service(f, "web")->backends;

	(void)state;
	answers(f, 0, "10.0.0.11", REMOTE_SILENT);
	(void)fixture_converge(f, 10);
	assert_ptr_equal(fixture_service(f, "web")->backends, backends);
	put_node(f, "node-c", "10.0.0.13"); /* an address is one */
	(void)fixture_converge(f, 10);
	assert_true(fixture_service(f, "web")->backends != backends);
}

static void without_a_data_plane_others_forward(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: \"off\"}}");
	fixture_add_service(f, "web", "Cluster", "");
	fixture_add_slice(f, "web", "10.244.1.5@node-b");
	(void)fixture_converge(f, 10);
	assert_true(is_held(f));
	assert_int_equal(f->plan.n_remotes, 0);
}

/* --- this node's end -------------------------------------------------------------------------- */

static const struct plan_device *device(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->plan.n_devices; i++)
		if (strcmp(f->plan.devices[i].name, name) == 0)
			return &f->plan.devices[i];
	return NULL;
}

static void the_end_is_a_frontend_without_a_vip(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.0.5@node-a");
	const struct plan_frontend *end = fixture_frontend(f, "10.0.0.10", LB_ECHO_PORT);

	(void)state;
	assert_non_null(end);
	assert_int_equal(end->lb.flags, LB_F_TUNNEL);
	assert_int_equal(end->lb.key.proto, 17);
	assert_int_equal(end->lb.n_targets, 0);
	assert_null(fixture_frontend(f, "10.0.0.10", 0));
	assert_null(fixture_route(f, "10.0.0.10/32"));
	assert_int_equal(f->store.n_orphans, 0);
	assert_int_equal(f->plan.n_remotes, 2);
	assert_string_equal(f->plan.remotes[0].node, "node-b");

	/* Alone it is none: the end goes with the last other node, at once. */
	fixture_drop(f, "Node", "node-b");
	fixture_drop(f, "Node", "node-c");
	(void)fixture_converge(f, 10);
	assert_null(fixture_frontend(f, "10.0.0.10", LB_ECHO_PORT));
	assert_int_equal(f->plan.n_remotes, 0);
}

/* While flows of a data plane that is left have their time, others' of them come by the tunnel. */
static void the_end_stays_until_all_else_has_left(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.0.5@node-a");
	const struct lb_key end = {.addr = addr("10.0.0.10"), .port = LB_ECHO_PORT, .proto = 17};

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {mode: \"off\"}, drainSeconds: 30}");
	(void)fixture_converge(f, 10);
	assert_true(f->plan.leaving);
	assert_int_equal(fake_store_find(&f->store, &end)->flags, LB_F_TUNNEL | LB_F_CLOSED);
	for (unsigned i = 0; i < 60; i++) {
		f->now += NSEC_PER_SEC;
		(void)fixture_converge(f, 10);
	}
	assert_int_equal(f->store.n, 0);
	assert_int_equal(f->plan.n_devices, 0);
}

static void the_device_of_the_end_is_attached_and_no_route_waits_for_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.0.5@node-a");

	(void)state;
	assert_false(device(f, "eth0")->tunnels); /* an uplink anyway */
	assert_null(device(f, "eth1"));

	put_node(f, "node-a", "10.0.1.10");
	(void)fixture_converge(f, 10);
	assert_true(device(f, "eth1")->xdp && device(f, "eth1")->tc && device(f, "eth1")->tunnels);
	f->n_devices = 1; /* it cannot be attached */
	f->device_failure = NULL;
	fixture_plan(f);
	assert_true(is_held(f));
	assert_null(fixture_problem(f, "TunnelNotAccepted", NULL));
}

static void an_end_that_is_not_here_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.0.5@node-a");

	(void)state;
	put_node(f, "node-a", "10.9.9.9");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_problem(f, "TunnelNotAccepted", "node-a"));
	put_node(f, "node-a", "10.0.1.10");
	f->links[2].raw = true;
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_problem(f, "TunnelNotAccepted", "node-a"));
	assert_null(device(f, "eth1"));
}

/* --- ways to the others ----------------------------------------------------------------------- */

static struct plan_next_hop hop(int uplink, const char *node, int ifindex, uint16_t mtu)
{
	return (struct plan_next_hop){.uplink = uplink,
				      .node = addr(node),
				      .source = addr("10.0.0.10"),
				      .ifindex = ifindex,
				      .mtu = mtu,
				      .mac = {2}};
}

static void ways_are_those_between_uplinks_and_nodes(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.0.5@node-a");
	struct plan_next_hop ways[] = {
		hop(2, "10.0.0.11", 2, 1700), hop(2, "10.0.0.12", 2, 1700),
		hop(2, "10.0.0.99", 2, 1700), /* of nobody */
		hop(3, "10.0.0.11", 3, 1700), /* by no uplink */
	};

	(void)state;
	f->ways = ways;
	f->n_ways = ARRAY_SIZE(ways);
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 2);
	assert_true(ip_addr_equal(&f->plan.next_hops[1].node, &ways[1].node));
	assert_int_equal(f->plan.next_hops[0].mac[0], 2);
	assert_null(fixture_problem(f, "TunnelMtu", NULL));
	ways[0].ifindex = 3; /* nor out by none */
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 1);
	f->n_ways = 0;
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 0);
	assert_true(f->plan.n_remotes == 2 && is_held(f));
}

static void a_narrow_way_is_told_once(void **state)
{
	const unsigned most = 1500 + lb_tunnel_overhead(1, 0, LB_TUNNEL_ASK);
	_cleanup_(fixture_freep) struct fixture *f = three_nodes("Cluster", "10.244.0.5@node-a");
	struct plan_next_hop ways[] = {hop(2, "10.0.0.11", 2, (uint16_t)most),
				       hop(2, "10.0.0.12", 2, (uint16_t)most)};

	(void)state;
	f->ways = ways;
	f->n_ways = ARRAY_SIZE(ways);
	fixture_plan(f);
	assert_null(fixture_problem(f, "TunnelMtu", NULL));
	ways[0].mtu--;
	ways[1].mtu = 1400;
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "TunnelMtu"), 1);
	assert_non_null(strstr(fixture_problem(f, "TunnelMtu", "eth0")->message, "1400"));
	assert_int_equal(fixture_problem(f, "TunnelMtu", "eth0")->severity, SEVERITY_INFO);
	/* What either outer header adds, at most. */
	assert_int_equal(PLAN_TUNNEL_ROOM_V4, lb_tunnel_overhead(1, 0, LB_TUNNEL_ASK));
	assert_int_equal(PLAN_TUNNEL_ROOM_V6, lb_tunnel_overhead(0, 0, LB_TUNNEL_ASK));
}

/* Others attract the address and send here what is for pods of this node. */
static void what_is_not_announced_here_is_served_for_others(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.0.5@node-a 10.244.1.5@node-b");

	(void)state;
	fixture_object(f, "Node", "node-a",
		       "labels: {node.kubernetes.io/exclude-from-external-load-balancers: \"\"}",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.10}]}");
	(void)fixture_converge(f, 10);
	assert_false(is_held(f));
	assert_non_null(fixture_frontend(f, VIP, 80));
	assert_string_equal(fixture_service(f, "web")->reason, "nodeLabeledExcludeBalancers");
	/* Without a pod here nobody sends it here. */
	fixture_add_slice(f, "web", "10.244.1.5@node-b");
	for (unsigned i = 0; i < 70; i++) {
		f->now += NSEC_PER_SEC;
		(void)fixture_converge(f, 10);
	}
	assert_null(fixture_frontend(f, VIP, 80));
}

/* No tunnel tells of which VRF a packet is. */
static void in_a_vrf_there_are_the_endpoints_here(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.0.5@node-a 10.244.1.5@node-b");
	const struct plan_frontend *fe = NULL;

	(void)state;
	fixture_add_vrf(f, 10, "red", 1000, 3);
	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.1.1, vrf: red}");
	(void)fixture_converge(f, 10);
	for (size_t i = 0; i < f->plan.n_frontends; i++)
		if (f->plan.frontends[i].lb.key.domain == 1000 &&
		    f->plan.frontends[i].lb.key.port == 80)
			fe = &f->plan.frontends[i];
	assert_non_null(fe);
	assert_int_equal(fe->lb.n_targets, 1);
	assert_true(ip_addr_is_none(&fe->lb.targets[0].node));
	assert_non_null(fixture_problem(f, "VrfEndpointsHere", "web"));
	fixture_add_slice(f, "web", "10.244.1.5@node-b");
	(void)fixture_converge(f, 10);
	assert_string_equal(fixture_service(f, "web")->reason, "noReachableEndpoints");
}

/* A pod that goes keeps its flows wherever it is, and its node is told with it. */
static void a_target_elsewhere_drains_as_one_here(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		three_nodes("Cluster", "10.244.0.5@node-a 10.244.1.5@node-b");
	const struct plan_service *row;

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	(void)fixture_converge(f, 10);
	assert_string_equal(node_of(f, "10.244.1.5"), "10.0.0.11");
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.1.5")->state, LB_BACKEND_DRAINING);
	row = fixture_service(f, "web");
	assert_int_equal(row->n_backends, 2);
	assert_string_equal(plan_backend_at(row, 1).node, "node-b");
	assert_int_equal(f->ledger.n_drains, 1);
	f->now += 61 * NSEC_PER_SEC;
	(void)fixture_converge(f, 10);
	assert_string_equal(node_of(f, "10.244.1.5"), "left out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_of_all_nodes_are_targets),
		cmocka_unit_test(policy_local_has_those_here_alone),
		cmocka_unit_test(rows_are_the_same_on_every_node),
		cmocka_unit_test(what_has_nobody_here_is_announced_while_a_node_answers),
		cmocka_unit_test(a_node_that_leaves_is_no_reason),
		cmocka_unit_test(a_node_that_only_drains_is_no_reason),
		cmocka_unit_test(what_is_not_known_yet_withdraws_nothing),
		cmocka_unit_test(an_answer_changes_no_frontend),
		cmocka_unit_test(an_answer_makes_no_fragment),
		cmocka_unit_test(without_a_data_plane_others_forward),
		cmocka_unit_test(the_end_is_a_frontend_without_a_vip),
		cmocka_unit_test(the_end_stays_until_all_else_has_left),
		cmocka_unit_test(the_device_of_the_end_is_attached_and_no_route_waits_for_it),
		cmocka_unit_test(an_end_that_is_not_here_is_told),
		cmocka_unit_test(ways_are_those_between_uplinks_and_nodes),
		cmocka_unit_test(a_narrow_way_is_told_once),
		cmocka_unit_test(what_is_not_announced_here_is_served_for_others),
		cmocka_unit_test(in_a_vrf_there_are_the_endpoints_here),
		cmocka_unit_test(a_target_elsewhere_drains_as_one_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
