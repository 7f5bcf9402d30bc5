// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Endpoints that are on no node: real servers, which get packets as the Service, its pool or the
 * settings say, or are left out and told. No node of the cluster is needed for them.
 */
#include "fake/plan_fixture.h"
#include "plan/plan_backends.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

/* Annotations of the Service, or ""; 192.168.1.1 to .3 are its real servers, at port 80. */
static void put_service(struct fixture *f, const char *forwarding, const char *policy)
{
	fixture_object(f, "Service", "web",
		       forwarding[0] ? arena_printf(f->arena,
						    "annotations: {lodestone.io/forwarding: %s}",
						    forwarding)
				     : "",
		       arena_printf(f->arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: "
				    "[{port: 80}]}",
				    policy));
}

static void put_slice(struct fixture *f, unsigned port, const char *endpoints)
{
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       arena_printf(f->arena,
				    "addressType: IPv4\nports: [{port: %u}]\nendpoints: [%s]", port,
				    endpoints));
}

#define READY(a) "{addresses: [" a "]}"
#define DRAINING(a)                                                                                \
	"{addresses: [" a "], conditions: {ready: false, serving: true, terminating: true}}"

static struct fixture *servers(const char *forwarding, const char *endpoints)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	put_service(f, forwarding, "Cluster");
	put_slice(f, 80, endpoints);
	(void)fixture_converge(f, 10);
	return f;
}

static void each_word_is_a_way_to_them(void **state)
{
	static const struct {
		const char *word;
		enum lb_way way;
	} cases[] = {{"dsr-l2", LB_BY_L2},
		     {"dsr-ipip", LB_BY_IPIP},
		     {"dsr-gue", LB_BY_GUE},
		     {"nat", LB_BY_NAT}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f =
			servers(cases[i].word, READY("192.168.1.1") ", " DRAINING("192.168.1.2"));
		const struct lb_target *t = fixture_target(f, VIP, 80, "192.168.1.1");
		const struct plan_service *row = fixture_service(f, "web");

		assert_non_null(t);
		assert_int_equal(t->way, cases[i].way);
		assert_true(ip_addr_equal(&t->node, &t->addr));
		assert_int_equal(t->state, LB_BACKEND_READY);
		t = fixture_target(f, VIP, 80, "192.168.1.2");
		assert_int_equal(t->way, cases[i].way);
		assert_int_equal(t->state, LB_BACKEND_DRAINING);
		assert_true(row->announced); /* no echo is asked for */
		assert_string_equal(plan_backend_at(row, 0).state, "ready");
		assert_string_equal(plan_backend_at(row, 0).way, cases[i].word);
		assert_string_equal(plan_backend_at(row, 0).node, "");
		assert_null(fixture_problem(f, "EndpointWithoutNode", NULL));
		assert_int_equal(f->plan.n_way_ends, 2);
		assert_true(ip_addr_is_none(&f->plan.way_ends[0].source));
		assert_false(fixture_frontend(f, VIP, 80)->lb.flags & LB_F_CLAMP);
	}
}

static void without_a_word_they_are_left_out_and_told(void **state)
{
	static const char *const words[] = {"", "auto"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_(fixture_freep) struct fixture *f =
			servers(words[i], READY("192.168.1.1"));
		const struct problem *p = fixture_problem(f, "EndpointWithoutNode", "web");

		assert_null(fixture_target(f, VIP, 80, "192.168.1.1"));
		assert_false(fixture_service(f, "web")->announced);
		assert_string_equal(plan_backend_at(fixture_service(f, "web"), 0).state, "remote");
		assert_string_equal(plan_backend_at(fixture_service(f, "web"), 0).way, "");
		assert_string_equal(p->field, "metadata.annotations[lodestone.io/forwarding]");
		assert_non_null(strstr(p->remedy, "dsr-l2"));
		assert_int_equal(f->plan.n_way_ends, 0);
	}
}

/* What is nearer goes first: the Service, its pool, the settings. */
static void the_nearest_word_counts(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers("", READY("192.168.1.1"));

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {forwarding: dsr-gue}}");
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_target(f, VIP, 80, "192.168.1.1")->way, LB_BY_GUE);
	fixture_object(f, "IPAddressPool", "pool-a",
		       "annotations: {lodestone.io/forwarding: dsr-ipip}",
		       "spec: {addresses: [192.168.100.0/24]}");
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_target(f, VIP, 80, "192.168.1.1")->way, LB_BY_IPIP);
	put_service(f, "dsr-l2", "Cluster");
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_target(f, VIP, 80, "192.168.1.1")->way, LB_BY_L2);
	put_service(f, "auto", "Cluster");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_problem(f, "EndpointWithoutNode", "web"));
}

/* Nothing turns a port on the way: it has to be the Service's. */
static void another_port_than_the_services_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers("dsr-l2", READY("192.168.1.1"));

	(void)state;
	put_slice(f, 8080, READY("192.168.1.1"));
	(void)fixture_converge(f, 10);
	assert_string_equal(fixture_problem(f, "ServerPort", "web")->field,
			    "spec.ports[0].targetPort");
	assert_non_null(strstr(fixture_problem(f, "ServerPort", "web")->message, "8080"));
	assert_string_equal(plan_backend_at(fixture_service(f, "web"), 0).state, "remote");
}

static void policy_local_has_none(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	put_service(f, "dsr-l2", "Local");
	put_slice(f, 80, READY("192.168.1.1"));
	(void)fixture_converge(f, 10);
	assert_null(fixture_target(f, VIP, 80, "192.168.1.1"));
	assert_string_equal(fixture_service(f, "web")->reason, "noLocalEndpoints");
}

/* One that left its slice is still sent what its flows are, and the way there is kept. */
static void one_that_drains_keeps_its_way(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		servers("dsr-gue", READY("192.168.1.1") ", " READY("192.168.1.2"));
	const struct lb_target *t;

	(void)state;
	put_slice(f, 80, READY("192.168.1.2"));
	fixture_plan(f);
	fixture_plan(f);
	t = fixture_target(f, VIP, 80, "192.168.1.1");
	assert_non_null(t);
	assert_int_equal(t->state, LB_BACKEND_DRAINING);
	assert_int_equal(t->way, LB_BY_GUE);
	assert_int_equal(f->plan.n_way_ends, 2);
}

/* --- ways ------------------------------------------------------------------------------------- */

static struct plan_next_hop hop(const char *to, bool on_link, uint16_t mtu)
{
	return (struct plan_next_hop){.uplink = 2,
				      .node = addr(to),
				      .source = addr("10.0.0.10"),
				      .ifindex = 2,
				      .on_link = on_link,
				      .mtu = mtu,
				      .mac = {2}};
}

static void over_a_router_only_other_headers_lead(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		servers("dsr-l2", READY("192.168.1.1") ", " READY("192.168.1.2"));
	struct plan_next_hop ways[] = {hop("192.168.1.1", true, 1500),
				       hop("192.168.1.2", false, 1500)};

	(void)state;
	assert_null(fixture_problem(f, "ServerNotOnLink", NULL)); /* nothing is known yet */
	f->ways = ways;
	f->n_ways = ARRAY_SIZE(ways);
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 2);
	assert_int_equal(fixture_count(f, "ServerNotOnLink"), 1);
	assert_non_null(
		strstr(fixture_problem(f, "ServerNotOnLink", "web")->message, "192.168.1.2"));
	assert_null(fixture_problem(f, "ServerMtu", NULL));
	put_service(f, "dsr-ipip", "Cluster");
	fixture_plan(f);
	assert_null(fixture_problem(f, "ServerNotOnLink", NULL));
}

static void too_little_room_for_headers_is_told(void **state)
{
	static const struct {
		const char *word;
		uint16_t enough;
	} cases[] = {{"dsr-l2", 1500}, {"dsr-ipip", 1520}, {"dsr-gue", 1528}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f =
			servers(cases[i].word, READY("192.168.1.1"));
		struct plan_next_hop way = hop("192.168.1.1", true, cases[i].enough);

		f->ways = &way;
		f->n_ways = 1;
		fixture_plan(f);
		assert_null(fixture_problem(f, "ServerMtu", NULL));
		way.mtu--;
		fixture_plan(f);
		assert_non_null(fixture_problem(f, "ServerMtu", "eth0"));
		assert_null(fixture_problem(f, "TunnelMtu", NULL));
	}
}

/* A real server that is a node, too: one way, from where its tunnels begin. */
static void a_node_may_be_one(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers(
		"dsr-ipip", READY("10.0.0.11") ", " READY("10.0.0.5") ", " READY("10.0.0.20"));

	(void)state;
	fixture_object(f, "Node", "node-a", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.10}]}");
	fixture_object(f, "Node", "node-b", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.11}]}");
	fixture_plan(f);
	assert_int_equal(f->plan.n_remotes, 1);
	assert_int_equal(f->plan.n_way_ends, 3);
	assert_true(ip_addr_is_none(&f->plan.way_ends[0].source));
	assert_int_equal(ip_addr_v4(&f->plan.way_ends[1].addr), 0x0a00000b);
	assert_int_equal(ip_addr_v4(&f->plan.way_ends[1].source), 0x0a00000a);
	assert_true(ip_addr_is_none(&f->plan.way_ends[2].source));
}

/* --- as if from this node --------------------------------------------------------------------- */

/* A port may be turned with all else. */
static void who_answers_this_node_may_have_another_port(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	put_service(f, "nat", "Cluster");
	put_slice(f, 8080, READY("192.168.1.1"));
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_target(f, VIP, 80, "192.168.1.1")->port, 8080);
	assert_null(fixture_problem(f, "ServerPort", NULL));
}

#define ON_NODE_B "{addresses: [10.244.1.1], nodeName: node-b}"

/* The Service's own word is for its pods on other nodes, too; what its pool says is not. */
static void pods_elsewhere_are_reached_so_by_the_services_word_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		servers("nat", ON_NODE_B ", {addresses: [10.244.0.1], nodeName: node-a}");
	const struct lb_target *t = fixture_target(f, VIP, 80, "10.244.1.1");

	(void)state;
	fixture_object(f, "Node", "node-a", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.10}]}");
	fixture_object(f, "Node", "node-b", "",
		       "status: {addresses: [{type: InternalIP, address: 10.0.0.11}]}");
	(void)fixture_converge(f, 10);
	t = fixture_target(f, VIP, 80, "10.244.1.1");
	assert_int_equal(t->way, LB_BY_NAT);
	assert_true(ip_addr_equal(&t->node, &t->addr));
	t = fixture_target(f, VIP, 80, "10.244.0.1");
	assert_int_equal(t->way, LB_BY_TUNNEL);
	assert_true(ip_addr_is_none(&t->node));
	put_service(f, "", "Cluster");
	fixture_object(f, "IPAddressPool", "pool-a", "annotations: {lodestone.io/forwarding: nat}",
		       "spec: {addresses: [192.168.100.0/24]}");
	(void)fixture_converge(f, 10);
	t = fixture_target(f, VIP, 80, "10.244.1.1");
	assert_int_equal(t->way, LB_BY_TUNNEL);
	assert_int_equal(ip_addr_v4(&t->node), 0x0a00000b);
}

/* Ports are asked for while anybody needs them, also one that drains. */
static void source_ports_are_had_while_they_are_needed(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		servers("nat", READY("192.168.1.1") ", " READY("192.168.1.2"));
	struct plan_next_hop ways[] = {hop("192.168.1.1", false, 1500),
				       hop("192.168.1.2", true, 1500)};

	(void)state;
	assert_int_equal(f->plan.nat_port, 16384);
	f->ways = ways;
	f->n_ways = ARRAY_SIZE(ways);
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 2);
	assert_true(f->plan.next_hops[0].nat && f->plan.next_hops[1].nat);
	assert_null(fixture_problem(f, "ServerNotOnLink", NULL));
	assert_null(fixture_problem(f, "NatOffUplinks", NULL));
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {natPort: 40000}}");
	put_slice(f, 80, "");
	fixture_plan(f);
	fixture_plan(f);
	assert_int_equal(f->plan.nat_port, 40000);
}

static void without_such_targets_there_are_none(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers("dsr-ipip", READY("192.168.1.1"));
	struct plan_next_hop way = hop("192.168.1.1", false, 1520);

	(void)state;
	f->ways = &way;
	f->n_ways = 1;
	fixture_plan(f);
	assert_int_equal(f->plan.nat_port, 0);
	assert_false(f->plan.next_hops[0].nat);
}

static void a_way_by_no_uplink_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers("nat", READY("192.168.1.1"));
	struct plan_next_hop way = hop("192.168.1.1", false, 1500);

	(void)state;
	way.ifindex = 77;
	f->ways = &way;
	f->n_ways = 1;
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 0);
	assert_int_equal(fixture_count(f, "NatOffUplinks"), 1);
	assert_non_null(strstr(fixture_problem(f, "NatOffUplinks", "web")->message, "192.168.1.1"));
	put_service(f, "dsr-gue", "Cluster");
	fixture_plan(f);
	assert_null(fixture_problem(f, "NatOffUplinks", NULL));
}

/* ... unless tc can send and take by it, there and where the clients' packets come in. */
static void a_way_by_another_device_is_tcs(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers("nat", READY("192.168.1.1"));
	struct plan_next_hop way = hop("192.168.1.1", false, 1500);
	const size_t n = f->plan.n_devices;

	(void)state;
	assert_int_equal(n, 1);
	way.ifindex = 3; /* eth1 */
	f->ways = &way;
	f->n_ways = 1;
	fixture_plan(f);
	assert_null(fixture_problem(f, "NatOffUplinks", NULL));
	assert_int_equal(f->plan.n_next_hops, 1);
	assert_true(f->plan.next_hops[0].by_tc && f->plan.next_hops[0].nat);
	assert_int_equal(f->plan.n_devices, n + 1);
	assert_true(f->plan.devices[0].xdp && f->plan.devices[0].nat);
	assert_int_equal(f->plan.devices[n].ifindex, 3);
	assert_true(f->plan.devices[n].nat && !f->plan.devices[n].xdp && !f->plan.devices[n].tc);
	f->links[2].raw = true; /* without Ethernet */
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "NatOffUplinks", "web"));
	assert_int_equal(f->plan.n_devices, n);
	assert_false(f->plan.devices[0].nat);
	f->links[2].raw = false;
	put_service(f, "dsr-gue", "Cluster");
	fixture_plan(f);
	assert_int_equal(f->plan.n_next_hops, 0);
	assert_int_equal(f->plan.n_devices, n);
}

/* After a start nothing is known of ways, and answers come in all the same. */
static void what_tc_has_stays_until_ways_are_known(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = servers("nat", READY("192.168.1.1"));
	struct plan_next_hop way = hop("192.168.1.1", false, 1500);

	(void)state;
	way.ifindex = 3; /* eth1 */
	f->ways = &way;
	f->n_ways = 1;
	(void)fixture_converge(f, 10);
	assert_true(f->n_devices == 2 && f->devices[0].nat && f->devices[1].nat);
	f->n_ways = 0;
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 2);
	assert_true(f->plan.devices[0].nat && f->plan.devices[1].nat);
	way.ifindex = way.uplink;
	f->n_ways = 1;
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 1);
	assert_false(f->plan.devices[0].nat);
}

/* Its checksum covers no addresses, but nobody has written that yet. */
static void sctp_is_not_translated(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "Service", "web", "annotations: {lodestone.io/forwarding: nat}",
		       "spec: {type: LoadBalancer, ports: [{port: 80, protocol: SCTP}]}");
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{port: 80, protocol: SCTP}]\nendpoints: [" READY(
			       "192.168.1.1") "]");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_problem(f, "ServerSctp", "web"));
	assert_string_equal(plan_backend_at(fixture_service(f, "web"), 0).state, "remote");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_is_a_way_to_them),
		cmocka_unit_test(without_a_word_they_are_left_out_and_told),
		cmocka_unit_test(the_nearest_word_counts),
		cmocka_unit_test(another_port_than_the_services_is_told),
		cmocka_unit_test(policy_local_has_none),
		cmocka_unit_test(one_that_drains_keeps_its_way),
		cmocka_unit_test(over_a_router_only_other_headers_lead),
		cmocka_unit_test(too_little_room_for_headers_is_told),
		cmocka_unit_test(a_node_may_be_one),
		cmocka_unit_test(who_answers_this_node_may_have_another_port),
		cmocka_unit_test(pods_elsewhere_are_reached_so_by_the_services_word_alone),
		cmocka_unit_test(source_ports_are_had_while_they_are_needed),
		cmocka_unit_test(without_such_targets_there_are_none),
		cmocka_unit_test(a_way_by_no_uplink_is_told),
		cmocka_unit_test(a_way_by_another_device_is_tcs),
		cmocka_unit_test(what_tc_has_stays_until_ways_are_known),
		cmocka_unit_test(sctp_is_not_translated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
