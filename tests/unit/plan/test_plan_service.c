// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whether a node announces a Service: the table of metallb.md 3.1 with its reasons, and what is not
 * acted on yet. Each row of the table below breaks one condition of a Service that is announced.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void each_condition_has_its_reason(void **state)
{
	static const struct {
		const char *kind, *name, *meta, *body, *reason;
	} cases[] = {
		{"IPAddressPool", "pool-a", "",
		 "spec: {addresses: [192.168.100.0/24], autoAssign: false}", "noIPAllocated"},
		{"BGPAdvertisement", "adv", "",
		 "spec: {nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-b}}]}",
		 "notOwner"},
		{"BGPAdvertisement", "adv", "",
		 "spec: {serviceSelectors: [{matchLabels: {tier: gold}}]}",
		 "noMatchingAdvertisement"},
		{"Node", "node-a", "",
		 "status: {conditions: [{type: NetworkUnavailable, status: \"True\"}]}",
		 "nodeNetworkUnavailable"},
		{"Node", "node-a",
		 "labels: {node.kubernetes.io/exclude-from-external-load-balancers: \"\"}", "",
		 "nodeLabeledExcludeBalancers"},
		{"BGPAdvertisement", "adv", "", "spec: {peers: [far]}", "noMatchingPeer"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		fixture_object(f, "BGPPeer", "far", "",
			       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9, "
			       "nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-b}}]}");
		fixture_object(f, cases[i].kind, cases[i].name, cases[i].meta, cases[i].body);
		fixture_plan(f);
		assert_false(fixture_service(f, "web")->announced);
		assert_string_equal(fixture_service(f, "web")->reason, cases[i].reason);
		assert_null(fixture_route(f, "192.168.100.0/32"));
	}
}

static void cluster_service_without_any_endpoint_says_so(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_service(f, "web", "Cluster", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-ax");
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "noEndpoints");
	fixture_add_slice(f, "web", "10.244.1.5@node-b");
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "noReachableEndpoints");
}

static void endpoints_without_slices_are_said_to_be_not_read(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "Endpoints", "web", "", "subsets: [{addresses: [{ip: 10.244.0.5}]}]");
	fixture_object(f, "Endpoints", "other", "", "");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "EndpointsNotRead"), 0); /* it has a slice */

	fixture_add_service(f, "bare", "Cluster", "");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "EndpointsNotRead"), 0); /* it has neither */
	fixture_object(f, "Endpoints", "bare", "", "subsets: []");
	fixture_plan(f);
	assert_int_equal(fixture_problem(f, "EndpointsNotRead", "bare")->severity, SEVERITY_INFO);
	assert_int_equal(fixture_count(f, "EndpointsNotRead"), 1);
}

static void services_that_are_not_ours_are_ignored_in_silence(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "Service", "plain", "", "spec: {type: ClusterIP, ports: [{port: 80}]}");
	fixture_add_service(f, "foreign", "Local", "loadBalancerClass: example.com/other");
	fixture_object(f, "Service", "proxied",
		       "labels: {service.kubernetes.io/service-proxy-name: other}",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}");
	fixture_plan(f);
	assert_null(fixture_service(f, "plain"));
	assert_null(fixture_service(f, "proxied"));
	assert_null(fixture_service(f, "foreign"));
	assert_null(fixture_problem(f, "NoPool", NULL));

	f->settings.lb_class = "example.com/other";
	fixture_plan(f);
	assert_non_null(fixture_service(f, "foreign"));
	assert_null(fixture_service(f, "web"));
}

static void sctp_is_a_frontend_beside_tcp(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct plan_frontend *sctp;

	(void)state;
	fixture_object(
		f, "Service", "web", "",
		"spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: "
		"[{name: a, port: 80, protocol: TCP}, {name: b, port: 3868, protocol: SCTP}]}");
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\n"
		       "endpoints: [{addresses: [10.244.1.9], nodeName: node-a}]\n"
		       "ports: [{name: b, port: 3869, protocol: SCTP}]");
	fixture_converge(f, 10);
	assert_null(fixture_problem(f, "NotSupportedYet", "web"));
	assert_non_null(fixture_route(f, "192.168.100.0/32"));
	sctp = fixture_frontend(f, "192.168.100.0", 3868);
	assert_non_null(sctp);
	assert_int_equal(sctp->lb.key.proto, API_SCTP);
	assert_int_equal(sctp->lb.n_targets, 1);
	assert_int_equal(sctp->lb.targets[0].port, 3869);
}

static void affinity_is_a_flag_of_the_frontend(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.flags, 0);
	fixture_add_service(f, "web", "Local", "sessionAffinity: ClientIP");
	fixture_converge(f, 10);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.flags, LB_F_AFFINITY);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.affinity_s, 10800);
}

/* Nothing but the name of its table tells the store that it is another. */
static void another_time_of_an_affinity_is_programmed(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	uint64_t before;

	(void)state;
	fixture_add_service(f, "web", "Local", "sessionAffinity: ClientIP");
	fixture_converge(f, 10);
	before = f->store.items[1].table;
	fixture_add_service(f, "web", "Local",
			    "sessionAffinity: ClientIP, "
			    "sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.affinity_s, 60);
	assert_true(f->store.items[1].table != before);
	assert_true(f->store.items[1].tested);
	assert_non_null(fixture_route(f, "192.168.100.0/32"));
}

static void seed_is_of_namespace_and_name(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.seed,
			 lb_seed("default", "web"));
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.rows_log2,
			 LB_DEFAULT_ROWS_LOG2);
}

static void strict_refuses_conflicting_local_prefs(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {localPref: 100}");
	fixture_object(f, "BGPAdvertisement", "second", "", "spec: {localPref: 200}");
	fixture_plan(f);
	assert_true(fixture_service(f, "web")->announced);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {strict: true}");
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "conflictingAdvertisements");
}

static void service_selectors_choose_services_under_one_pool(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {serviceSelectors: [{matchLabels: {tier: gold}}], "
		       "communities: [\"1:1\"]}");
	fixture_object(f, "Service", "rich", "labels: {tier: gold}",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 80, protocol: TCP}]}");
	fixture_add_slice(f, "rich", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_true(fixture_service(f, "rich")->announced);
	assert_false(fixture_service(f, "web")->announced);
	assert_int_equal(f->plan.n_routes, 1);
}

static void address_outside_all_pools_is_not_announced(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_address stray = {.ns = "default", .name = "web", .pool = ""};
	const struct plan_addresses read_back = {.items = &stray, .n = 1};

	(void)state;
	if (!ip_addr_parse("172.31.0.1", &stray.addr))
		fail();
	f->read_back = &read_back;
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "ipNotAllowed");
	assert_non_null(fixture_problem(f, "AddressNotInPool", "web"));
}

/* The other port carries the VIP; this one has nobody behind it, which its row must say. */
static void port_without_endpoints_says_so_beside_one_with(void **state)
{
	static const struct {
		const char *policy, *metrics, *reason;
	} cases[] = {
		{"Cluster", "", "noEndpoints"},
		{"Local", "", "noLocalEndpoints"},
		{"Cluster", "10.244.9.5@node-b", "noReachableEndpoints"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
		const struct plan_service *row;

		fixture_object(f, "Service", "web", "",
			       arena_printf(arena,
					    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, "
					    "ports: [{name: \"\", port: 80, targetPort: 8080}, "
					    "{name: metrics, port: 9153}]}",
					    cases[i].policy));
		if (cases[i].metrics[0])
			fixture_object(f, "EndpointSlice", "web-2",
				       "labels: {kubernetes.io/service-name: web}",
				       "addressType: IPv4\nports: [{name: metrics, port: 9153}]\n"
				       "endpoints: [{addresses: [10.244.9.5], nodeName: node-b}]");
		(void)fixture_converge(f, 10);
		row = fixture_service(f, "web");
		assert_int_equal(row[0].port, 80);
		assert_true(row[0].announced);
		assert_int_equal(row[1].port, 9153);
		assert_string_equal(row[1].reason, cases[i].reason);
		assert_false(row[1].announced);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_condition_has_its_reason),
		cmocka_unit_test(cluster_service_without_any_endpoint_says_so),
		cmocka_unit_test(endpoints_without_slices_are_said_to_be_not_read),
		cmocka_unit_test(services_that_are_not_ours_are_ignored_in_silence),
		cmocka_unit_test(sctp_is_a_frontend_beside_tcp),
		cmocka_unit_test(affinity_is_a_flag_of_the_frontend),
		cmocka_unit_test(another_time_of_an_affinity_is_programmed),
		cmocka_unit_test(seed_is_of_namespace_and_name),
		cmocka_unit_test(strict_refuses_conflicting_local_prefs),
		cmocka_unit_test(service_selectors_choose_services_under_one_pool),
		cmocka_unit_test(address_outside_all_pools_is_not_announced),
		cmocka_unit_test(port_without_endpoints_says_so_beside_one_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
