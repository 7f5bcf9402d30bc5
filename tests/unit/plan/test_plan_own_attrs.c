// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What Services and advertisements say of their routes by annotations, and link bandwidth by the
 * number of pods here.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROUTE "192.168.100.0/32"

static const struct bgp_attrs *route(struct fixture *f, const char *peer, const char *prefix)
{
	const struct bgp_attrs *a;

	(void)fixture_converge(f, 20);
	a = fixture_held(f, peer, prefix);
	assert_non_null(a);
	return a;
}

/* Both ready, both here. */
static void add_pods(struct fixture *f, const char *service, unsigned n)
{
	struct arena *arena = arena_new();
	const char *endpoints = "";

	for (unsigned i = 0; i < n; i++)
		endpoints = arena_printf(arena, "%s{addresses: [10.244.0.%u], nodeName: node-a}, ",
					 endpoints, i + 5);
	fixture_object(f, "EndpointSlice", service,
		       arena_printf(arena, "labels: {kubernetes.io/service-name: %s}", service),
		       arena_printf(arena,
				    "addressType: IPv4\n"
				    "ports: [{name: \"\", port: 8080, protocol: TCP}]\n"
				    "endpoints: [%s]",
				    endpoints));
	arena_free(arena);
}

static void annotate(struct fixture *f, const char *annotations)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", "web", arena_printf(arena, "annotations: {%s}", annotations),
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 80, protocol: TCP}]}");
	arena_free(arena);
}

static void a_service_says_med_and_prepend_before_advertisements_do(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPPeer", "inner", "",
		       "spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.9}");
	fixture_object(f, "BGPAdvertisement", "adv", "annotations: {lodestone.io/med: \"5\"}",
		       "spec: {}");
	annotate(f, "");
	assert_int_equal(route(f, "r1", ROUTE)->med, 5);
	assert_int_equal(route(f, "r1", ROUTE)->prepend, 0);
	annotate(f, "lodestone.io/med: \"0\", lodestone.io/prepend: \"2\"");
	assert_true(route(f, "r1", ROUTE)->has_med);
	assert_int_equal(route(f, "r1", ROUTE)->med, 0);
	assert_int_equal(route(f, "r1", ROUTE)->prepend, 2);
	assert_int_equal(route(f, "inner", ROUTE)->prepend, 0);
	assert_int_equal(route(f, "inner", ROUTE)->med, 0);
}

static void of_two_advertisements_the_newest_says_the_med(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv",
		       "creationTimestamp: \"2024-01-01T00:00:00Z\", "
		       "annotations: {lodestone.io/med: \"5\"}",
		       "spec: {}");
	fixture_object(f, "BGPAdvertisement", "newer",
		       "creationTimestamp: \"2024-01-02T00:00:00Z\", "
		       "annotations: {lodestone.io/med: \"6\"}",
		       "spec: {}");
	assert_int_equal(route(f, "r1", ROUTE)->med, 6);
	assert_string_equal(fixture_problem(f, "OverriddenByNewer", "adv")->field,
			    "metadata.annotations[lodestone.io/med]");
}

static void link_bandwidth_counts_the_pods_that_are_ready_here(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	annotate(f, "");
	add_pods(f, "web", 3);
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 0); /* nobody has asked */
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {linkBandwidth: auto}}");
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 3);
	add_pods(f, "web", 2);
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 2);
	annotate(f, "lodestone.io/med: \"7\"");
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 2);
	assert_int_equal(route(f, "r1", ROUTE)->med, 7);
}

static void a_bandwidth_that_is_written_down_goes_before_the_count(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {linkBandwidth: auto}}");
	annotate(f, "lodestone.io/communities: \"rt:64512:1\"");
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 1);
	annotate(f, "lodestone.io/communities: \"rt:64512:1, lb:64512:10000\"");
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 0);
	assert_int_equal(route(f, "r1", ROUTE)->n_extended, 2);
	assert_true(route(f, "r1", ROUTE)->extended[1] == UINT64_C(0x4004fc004e9502f9));
}

/* An aggregate is not one Service's, and with policy Cluster a node serves pods of others. */
static void link_bandwidth_is_for_host_routes_of_policy_local(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {linkBandwidth: auto}}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	annotate(f, "lodestone.io/med: \"7\"");
	assert_int_equal(route(f, "r1", "192.168.100.0/24")->bandwidth, 0);
	assert_int_equal(route(f, "r1", "192.168.100.0/24")->med, 7);
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {}");
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 1);
	fixture_add_service(f, "web", "Cluster", "");
	assert_int_equal(route(f, "r1", ROUTE)->bandwidth, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_says_med_and_prepend_before_advertisements_do),
		cmocka_unit_test(of_two_advertisements_the_newest_says_the_med),
		cmocka_unit_test(link_bandwidth_counts_the_pods_that_are_ready_here),
		cmocka_unit_test(a_bandwidth_that_is_written_down_goes_before_the_count),
		cmocka_unit_test(link_bandwidth_is_for_host_routes_of_policy_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
