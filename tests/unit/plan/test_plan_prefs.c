// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * localPref towards eBGP peers as steps of the AS path or of the MED: which values count, what goes
 * before them, and whom it is said to.
 */
#include "base/limits.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0/32"

/* r1 and r2 are eBGP peers, i1 an iBGP one; each has an advertisement of its own. */
static struct fixture *with_routers(const char *bgp)
{
	struct fixture *f = fixture_announced();
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 65002, peerAddress: 10.0.0.2}");
	fixture_object(f, "BGPPeer", "i1", "",
		       "spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.3}");
	fixture_object(f, "LodestoneConfig", "default", "",
		       arena_printf(arena, "spec: {bgp: {%s}}", bgp));
	fixture_drop(f, "BGPAdvertisement", "adv");
	return f;
}

static void advertise(struct fixture *f, const char *name, const char *meta, const char *spec)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "BGPAdvertisement", name, meta, arena_printf(arena, "spec: {%s}", spec));
}

static const struct bgp_attrs *held(struct fixture *f, const char *peer)
{
	const struct bgp_attrs *ret = fixture_held(f, peer, VIP);

	assert_non_null(ret);
	return ret;
}

static void steps_are_those_of_the_pools_advertisements(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: prepend");

	(void)state;
	advertise(f, "high", "", "peers: [r1, i1], localPref: 300");
	advertise(f, "low", "", "peers: [r2], localPref: 50");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 0);
	assert_int_equal(held(f, "r2")->prepend, 1);
	assert_false(held(f, "r2")->has_med);
	assert_null(fixture_problem(f, "LocalPrefOnEbgp", NULL));

	/* One that is for other nodes, or other Services, counts as well; the same value does not
	 * twice, and one of another pool not at all. No value is 100. */
	advertise(f, "elsewhere", "", "nodeSelectors: [{matchLabels: {no: node}}], localPref: 200");
	advertise(f, "same", "", "nodeSelectors: [{matchLabels: {no: node}}], localPref: 200");
	advertise(f, "unset", "", "serviceSelectors: [{matchLabels: {no: service}}]");
	advertise(f, "other", "", "ipAddressPools: [other], localPref: 75");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 0);
	assert_int_equal(held(f, "r2")->prepend, 3);
	assert_int_equal(held(f, "i1")->prepend, 0);
	assert_int_equal(held(f, "i1")->local_pref, 300);
	fixture_free(f);
}

static void values_that_are_not_said_are_the_default(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: prepend, defaultLocalPref: 400");

	(void)state;
	advertise(f, "said", "", "peers: [r1], localPref: 300");
	advertise(f, "unsaid", "", "peers: [r2]");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 1);
	assert_int_equal(held(f, "r2")->prepend, 0);
	fixture_free(f);
}

static void med_is_a_hundred_a_step(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: med");

	(void)state;
	advertise(f, "high", "", "peers: [r1, i1], localPref: 300");
	advertise(f, "low", "", "peers: [r2], localPref: 50");
	fixture_converge(f, 10);
	assert_true(held(f, "r1")->has_med); /* 0, as routers differ on what none means */
	assert_int_equal(held(f, "r1")->med, 0);
	assert_int_equal(held(f, "r2")->med, 100);
	assert_int_equal(held(f, "r2")->prepend, 0);
	assert_false(held(f, "i1")->has_med);
	fixture_free(f);
}

static void annotation_of_the_peer_goes_before_the_configuration(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: prepend");

	(void)state;
	fixture_object(f, "BGPPeer", "r2", "annotations: {lodestone.io/ebgp-local-pref: med}",
		       "spec: {myASN: 64512, peerASN: 65002, peerAddress: 10.0.0.2}");
	advertise(f, "all", "", "localPref: 50");
	advertise(f, "best", "", "peers: [nobody], localPref: 60");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 1);
	assert_false(held(f, "r1")->has_med);
	assert_int_equal(held(f, "r2")->prepend, 0);
	assert_int_equal(held(f, "r2")->med, 100);
	assert_int_equal(held(f, "i1")->prepend, 0);
	assert_false(held(f, "i1")->has_med);

	fixture_object(f, "BGPPeer", "r2", "annotations: {lodestone.io/ebgp-local-pref: none}",
		       "spec: {myASN: 64512, peerASN: 65002, peerAddress: 10.0.0.2}");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 1);
	assert_int_equal(held(f, "r2")->prepend, 0);
	assert_false(held(f, "r2")->has_med);
	assert_non_null(strstr(fixture_problem(f, "LocalPrefOnEbgp", "all")->message, "r2"));

	/* Nor if it is the first of its kind, behind one of another. */
	fixture_drop(f, "BGPPeer", "i1");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 1);
	assert_int_equal(held(f, "r2")->prepend, 0);
	fixture_free(f);
}

static void what_is_said_outright_goes_before_steps(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: prepend");

	(void)state;
	advertise(f, "low", "", "peers: [r1], localPref: 50, asPathPrepend: 7");
	advertise(f, "best", "", "peers: [r2, i1], localPref: 60");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 7);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {ebgpLocalPref: med}}");
	advertise(f, "low", "annotations: {lodestone.io/med: '5'}", "peers: [r1], localPref: 50");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->med, 5);
	assert_int_equal(held(f, "r1")->prepend, 0);
	fixture_free(f);
}

static void a_path_gets_no_longer_than_it_may(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: prepend");
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	advertise(f, "low", "", "peers: [r1], localPref: 1");
	for (int i = 0; i <= LIMIT_PREPEND; i++) {
		fixture_converge(f, 10);
		assert_int_equal(held(f, "r1")->prepend, i);
		advertise(f, arena_printf(arena, "better-%d", i), "",
			  arena_printf(arena, "peers: [nobody], localPref: %d", i + 2));
	}
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, LIMIT_PREPEND);
	fixture_free(f);
}

/* What a node's object says goes before what all nodes' says. */
static void node_has_a_way_of_its_own(void **state)
{
	struct fixture *f = with_routers("ebgpLocalPref: prepend");

	(void)state;
	fixture_object(f, "LodestoneConfig", "node-a", "", "spec: {bgp: {ebgpLocalPref: none}}");
	advertise(f, "all", "", "localPref: 50");
	advertise(f, "best", "", "peers: [nobody], localPref: 60");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->prepend, 0);
	assert_non_null(fixture_problem(f, "LocalPrefOnEbgp", "all"));
	fixture_free(f);
}

/* --- one aggregate over two pools ------------------------------------------------------------- */

/* Both have whole /24s, as they must; two of these they share, each beginning with the other. */
static struct fixture *with_two_pools(void)
{
	static const char *const names[] = {"a1", "b1", "b2", "a2"};
	static const char *const vips[] = {"192.168.100.1", "192.168.100.2", "192.168.102.5",
					   "192.168.102.130"};
	struct fixture *f = with_routers("ebgpLocalPref: prepend");
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_drop(f, "Service", "web");
	fixture_drop(f, "IPAddressPool", "pool-a");
	fixture_object(
		f, "IPAddressPool", "a", "",
		"spec: {addresses: [192.168.99.0-192.168.100.1, 192.168.102.128-192.168.103.255]}");
	fixture_object(f, "IPAddressPool", "b", "",
		       "spec: {addresses: [192.168.100.2-192.168.102.127]}");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		fixture_add_service(f, names[i], "Cluster",
				    arena_printf(arena, "loadBalancerIP: %s", vips[i]));
		fixture_add_slice(f, names[i], "10.244.0.5@node-a");
	}
	return f;
}

static void aggregate(struct fixture *f, unsigned age, const char *name, const char *more)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	advertise(f, name,
		  arena_printf(arena, "creationTimestamp: \"2024-01-%02uT00:00:00Z\"", age),
		  arena_printf(arena, "aggregationLength: 24, %s", more));
}

static int steps_of(struct fixture *f, const char *prefix)
{
	const struct bgp_attrs *a = fixture_held(f, "r1", prefix);

	assert_non_null(a);
	return a->prepend;
}

/* Its steps are those of the pool that the oldest advertisement is of, if it is for somebody. */
static void of_two_pools_the_oldest_advertisements_counts(void **state)
{
	struct fixture *f = with_two_pools();

	(void)state;
	aggregate(f, 1, "nobody-s", "ipAddressPools: [a], peers: [nobody], localPref: 300");
	aggregate(f, 2, "of-b", "ipAddressPools: [b], localPref: 100");
	aggregate(f, 3, "of-a", "ipAddressPools: [a], localPref: 100");
	fixture_converge(f, 10);
	assert_int_equal(steps_of(f, "192.168.100.0/24"), 0);
	assert_int_equal(steps_of(f, "192.168.102.0/24"), 0);

	/* The other way round: now the oldest one for somebody is of the pool with a better. */
	aggregate(f, 4, "of-b", "ipAddressPools: [b], localPref: 100");
	fixture_converge(f, 10);
	assert_int_equal(steps_of(f, "192.168.100.0/24"), 1);
	assert_int_equal(steps_of(f, "192.168.102.0/24"), 1);
	fixture_free(f);
}

/*
 * One advertisement of both pools: the first address says which pool's steps. So neighbours that
 * are asked for by the same advertisements in the same order may differ all the same.
 */
static void of_two_pools_with_one_advertisement_the_first_addresss_counts(void **state)
{
	struct fixture *f = with_two_pools();

	(void)state;
	aggregate(f, 1, "better-a", "ipAddressPools: [a], peers: [nobody], localPref: 300");
	aggregate(f, 2, "worse-b", "ipAddressPools: [b], peers: [nobody], localPref: 50");
	aggregate(f, 3, "both", "localPref: 100");
	fixture_converge(f, 10);
	assert_int_equal(steps_of(f, "192.168.100.0/24"), 1);
	assert_int_equal(steps_of(f, "192.168.102.0/24"), 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_those_of_the_pools_advertisements),
		cmocka_unit_test(values_that_are_not_said_are_the_default),
		cmocka_unit_test(med_is_a_hundred_a_step),
		cmocka_unit_test(annotation_of_the_peer_goes_before_the_configuration),
		cmocka_unit_test(what_is_said_outright_goes_before_steps),
		cmocka_unit_test(a_path_gets_no_longer_than_it_may),
		cmocka_unit_test(node_has_a_way_of_its_own),
		cmocka_unit_test(of_two_pools_the_oldest_advertisements_counts),
		cmocka_unit_test(of_two_pools_with_one_advertisement_the_first_addresss_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
