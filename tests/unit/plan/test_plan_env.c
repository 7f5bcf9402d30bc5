// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the environment makes of settings, node, pools and advertisements; each test name is a
 * claim. A wrong reference costs the advertisement that has it and nothing else
 * (metallb.md 1.3, 3.1).
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void unknown_pool_and_peer_are_warnings_and_the_rest_goes_on(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "wrong", "",
		       "spec: {ipAddressPools: [PoolA], peers: [PeerA]}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_problem(f, "UnknownPool", "wrong")->severity, SEVERITY_WARNING);
	assert_int_equal(fixture_problem(f, "UnknownPeer", "wrong")->severity, SEVERITY_WARNING);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

static void advertisement_wider_than_a_pool_is_held_back_for_that_pool_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "IPAddressPool", "small", "",
		       "spec: {addresses: [172.16.0.240-172.16.0.250]}");
	fixture_add_service(f, "web", "Cluster", ""); /* no host route beside the aggregate */
	fixture_drop(f, "BGPAdvertisement", "adv");   /* and its last good version */
	fixture_converge(f, 10);
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_converge(f, 10);
	assert_non_null(fixture_problem(f, "AggregationTooShort", "adv"));
	assert_int_equal(fixture_count(f, "AggregationTooShort"), 1);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

static void pool_without_advertisement_is_a_problem(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_null(fixture_problem(f, "PoolNotAdvertised", NULL));
	fixture_object(f, "IPAddressPool", "spare", "", "spec: {addresses: [172.16.0.0/24]}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {ipAddressPools: [spare]}");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "PoolNotAdvertised", "pool-a"));
	assert_string_equal(fixture_service(f, "web")->reason, "notOwner");
}

static void node_settings_override_default_field_by_field(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {unknownPort: pass, icmpEcho: drop}}");
	fixture_plan(f);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 0)->lb.flags, LB_F_UNKNOWN_PASS);
	fixture_object(f, "LodestoneConfig", "node-a", "", "spec: {dataplane: {icmpEcho: pass}}");
	fixture_object(f, "LodestoneConfig", "node-b", "",
		       "spec: {dataplane: {unknownPort: drop}}");
	fixture_plan(f);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 0)->lb.flags,
			 LB_F_UNKNOWN_PASS | LB_F_ECHO_PASS);
}

static void unset_vip_policy_drops_unknown_ports_and_answers_echo(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 0)->lb.flags, LB_F_ECHO_ANSWER);
}

static void node_selectors_are_ored_and_an_absent_node_has_its_host_name(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {nodeSelectors: [{matchLabels: {rack: r9}}, "
		       "{matchLabels: {kubernetes.io/hostname: node-a}}]}");
	fixture_plan(f);
	assert_true(fixture_service(f, "web")->announced);
	fixture_object(f, "Node", "node-a", "labels: {rack: r1}", "");
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "notOwner");
	fixture_object(f, "Node", "node-a", "labels: {rack: r9}", "");
	fixture_plan(f);
	assert_true(fixture_service(f, "web")->announced);
}

static void objects_of_other_namespaces_are_not_used_and_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_put(f, "foreign",
		    "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
		    "metadata: {name: r9, namespace: elsewhere}\n"
		    "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9}\n");
	fixture_plan(f);
	assert_null(fixture_plan_peer(f, "r9"));
	assert_non_null(fixture_problem(f, "WrongNamespace", "r9"));
	assert_non_null(strstr(fixture_problem(f, "WrongNamespace", "r9")->remedy,
			       "or start the agent with --namespace "));
}

static void local_pref_on_ebgp_and_prepend_on_ibgp_are_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPPeer", "inner", "",
		       "spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.2}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {localPref: 150, peers: [inner]}");
	fixture_plan(f);
	assert_null(fixture_problem(f, "LocalPrefOnEbgp", NULL));
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {localPref: 150, asPathPrepend: 2, peers: [inner, r1]}");
	fixture_plan(f);
	assert_int_equal(fixture_problem(f, "LocalPrefOnEbgp", "adv")->severity, SEVERITY_INFO);
	assert_non_null(strstr(fixture_problem(f, "LocalPrefOnEbgp", "adv")->message, "r1"));
	assert_non_null(strstr(fixture_problem(f, "PrependOnIbgp", "adv")->message, "inner"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_pool_and_peer_are_warnings_and_the_rest_goes_on),
		cmocka_unit_test(advertisement_wider_than_a_pool_is_held_back_for_that_pool_alone),
		cmocka_unit_test(pool_without_advertisement_is_a_problem),
		cmocka_unit_test(node_settings_override_default_field_by_field),
		cmocka_unit_test(unset_vip_policy_drops_unknown_ports_and_answers_echo),
		cmocka_unit_test(node_selectors_are_ored_and_an_absent_node_has_its_host_name),
		cmocka_unit_test(objects_of_other_namespaces_are_not_used_and_said),
		cmocka_unit_test(local_pref_on_ebgp_and_prepend_on_ibgp_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
