// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Folding, interning and the waiting of withdrawals (metallb.md 3.2, ruling 17, gate 3 of DESIGN
 * 1).
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

static void add_peer(struct fixture *f, const char *name, const char *address)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name, "",
		       arena_printf(arena, "spec: {myASN: 64512, peerASN: 64513, peerAddress: %s}",
				    address));
	arena_free(arena);
}

static void communities_of_all_advertisements_are_united_for_each_peer(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	add_peer(f, "r2", "10.0.0.2");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {communities: [\"1:1\", \"1:2\"]}");
	fixture_object(f, "BGPAdvertisement", "more", "",
		       "spec: {communities: [\"1:2\", \"1:3\"], peers: [r2]}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->n_communities, 2);
	assert_int_equal(fixture_held(f, "r2", VIP "/32")->n_communities, 3);
	assert_int_equal(f->plan.n_routes, 2);
	assert_int_equal(f->plan.n_attrs, 2);
	assert_int_equal(f->plan.routes[0].peers | f->plan.routes[1].peers, 3);
	assert_int_equal(f->plan.routes[0].peers & f->plan.routes[1].peers, 0);
}

static void newest_advertisement_that_sets_local_pref_wins_and_the_other_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "a-new",
		       "creationTimestamp: \"2024-01-03T00:00:00Z\"", "spec: {localPref: 50}");
	fixture_object(f, "BGPAdvertisement", "b-old",
		       "creationTimestamp: \"2024-01-02T00:00:00Z\"", "spec: {localPref: 200}");
	fixture_object(f, "BGPAdvertisement", "c-newest",
		       "creationTimestamp: \"2024-01-04T00:00:00Z\"", "spec: {localPref: 0}");
	fixture_converge(f, 10);
	assert_true(fixture_held(f, "r1", VIP "/32")->has_local_pref);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->local_pref, 50);
	assert_int_equal(fixture_count(f, "OverriddenByNewer"), 1);
	assert_non_null(fixture_problem(f, "OverriddenByNewer", "b-old"));
}

static void newest_prepend_wins_and_only_another_value_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "new", "creationTimestamp: \"2024-01-04T00:00:00Z\"",
		       "spec: {asPathPrepend: 3}");
	fixture_object(f, "BGPAdvertisement", "same", "creationTimestamp: \"2024-01-03T00:00:00Z\"",
		       "spec: {asPathPrepend: 3}");
	fixture_object(f, "BGPAdvertisement", "other",
		       "creationTimestamp: \"2024-01-02T00:00:00Z\"", "spec: {asPathPrepend: 2}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->prepend, 3);
	assert_int_equal(fixture_count(f, "OverriddenByNewer"), 1);
	assert_non_null(fixture_problem(f, "OverriddenByNewer", "other"));
}

static void unset_local_pref_stays_unset_unless_a_default_is_set(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_false(fixture_held(f, "r1", VIP "/32")->has_local_pref);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {defaultLocalPref: 70}}");
	fixture_converge(f, 10);
	assert_true(fixture_held(f, "r1", VIP "/32")->has_local_pref);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->local_pref, 70);
}

static void services_under_one_aggregate_are_one_route(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	/* Policy Local leads by host routes besides (test_plan_claims.c). */
	fixture_add_service(f, "web", "Cluster", "");
	fixture_add_service(f, "web2", "Cluster", "");
	fixture_add_slice(f, "web2", "10.244.0.6@node-a");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_routes, 1);
	fixture_add_slice(f, "web", "");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	fixture_add_slice(f, "web2", "");
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", "192.168.100.0/24"));
}

/* One of the family, with a pod here. */
static void put_service(struct fixture *f, const char *name, char family)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", name, "",
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, ipFamilies: [IPv%c], ports: "
				    "[{port: 80, protocol: TCP}]}",
				    family));
	fixture_object(f, "EndpointSlice", name,
		       arena_printf(arena, "labels: {kubernetes.io/service-name: %s}", name),
		       arena_printf(arena,
				    "addressType: IPv%c\nports: [{name: \"\", port: 80, protocol: "
				    "TCP}]\nendpoints: [{addresses: [\"%s\"], nodeName: node-a}]",
				    family, family == '4' ? "10.244.0.5" : "2001:db8:f::5"));
	arena_free(arena);
}

/* While one is there that wants it, neither who comes nor who goes costs the router a word. */
static void a_shared_aggregate_does_not_flap(void **state)
{
	static const char families[] = "46";

	(void)state;
	for (const char *family = families; *family; family++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const char *net = *family == '4' ? "192.168.100.0/24" : "2001:db8::/120";
		static const char *const names[] = {"s0", "s1", "s2"};
		struct bgp_rib *rib;

		fixture_basics(f);
		fixture_give_ipv6(f);
		fixture_object(f, "IPAddressPool", "six", "",
			       "spec: {addresses: [\"2001:db8::/120\"]}");
		fixture_object(f, "BGPPeer", "r1", "",
			       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
			       "dualStackAddressFamily: true}");
		fixture_object(f, "BGPAdvertisement", "adv", "",
			       "spec: {aggregationLength: 24, aggregationLengthV6: 120}");
		put_service(f, names[0], *family);
		fixture_converge(f, 10);
		assert_non_null(fixture_held(f, "r1", net));
		rib = fixture_peer(f, "r1")->rib;
		fixture_peer(f, "r1")->stuck = true; /* whatever is to be said would stay unsaid */
		for (size_t i = 1; i < ARRAY_SIZE(names); i++) {
			put_service(f, names[i], *family);
			fixture_converge(f, 10);
			fixture_drop(f, "Service", names[i - 1]);
			fixture_converge(f, 10);
			f->now += 100 * NSEC_PER_SEC; /* with its drain */
			fixture_converge(f, 10);
			assert_false(bgp_rib_dirty(rib, BGP_IPV4_UNICAST));
			assert_false(bgp_rib_dirty(rib, BGP_IPV6_UNICAST));
		}
		fixture_drop(f, "Service", names[2]);
		fixture_converge(f, 10);
		assert_true(
			bgp_rib_dirty(rib, *family == '4' ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST));
	}
}

static void equal_attribute_sets_are_one_set(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	for (int i = 0; i < 5; i++) {
		const char *names[] = {"s0", "s1", "s2", "s3", "s4"};

		fixture_add_service(f, names[i], "Local", "");
		fixture_add_slice(f, names[i], "10.244.0.6@node-a");
	}
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {communities: [\"1:1\"], aggregationLength: 32}");
	fixture_object(f, "BGPAdvertisement", "wide", "",
		       "spec: {communities: [\"1:1\"], aggregationLength: 24}");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_routes, 7);
	assert_int_equal(f->plan.n_attrs, 1);
}

static void put_forty(struct fixture *f, const char *name, unsigned high)
{
	struct arena *arena = arena_new();
	char *list = arena_printf(arena, "\"%u:0\"", high);

	for (int i = 1; i < 40; i++)
		list = arena_printf(arena, "%s, \"%u:%d\"", list, high, i);
	fixture_object(f, "BGPAdvertisement", name, "",
		       arena_printf(arena, "spec: {communities: [%s]}", list));
	arena_free(arena);
}

/* Neither withdrawn nor announced anew with a part of what was asked for. */
static void too_many_communities_together_change_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	put_forty(f, "adv", 1);
	fixture_converge(f, 10);
	add_peer(f, "r2", "10.0.0.2");
	put_forty(f, "second", 2);
	for (int i = 0; i < 3; i++) {
		fixture_plan(f);
		(void)fixture_apply(f);
		assert_int_equal(fixture_held(f, "r1", VIP "/32")->n_communities, 40);
		assert_null(fixture_held(f, "r2", VIP "/32"));
	}
	assert_non_null(fixture_problem(f, "TooManyCommunities", "second"));
	assert_int_equal(f->plan.n_routes, 1);
	assert_true(fixture_route(f, VIP "/32")->hold);
	assert_int_equal(fixture_apply(f), 0);

	fixture_add_slice(f, "web", ""); /* no longer served: withdrawn all the same */
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));

	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_drop(f, "BGPAdvertisement", "second");
	fixture_converge(f, 10);
	assert_int_equal(fixture_held(f, "r2", VIP "/32")->n_communities, 40);
}

/* --- gate 3 --------------------------------------------------------------------------------- */

/* With policy Cluster an aggregate takes the place of its host route; with Local that stays. */
static struct fixture *announced_cluster(void)
{
	struct fixture *f = fixture_announced();

	fixture_add_service(f, "web", "Cluster", "");
	add_peer(f, "r2", "10.0.0.2");
	fixture_converge(f, 10);
	return f;
}

static void withdraw_waits_until_its_replacement_was_written(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_cluster();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_peer(f, "r2")->stuck = true;
	fixture_plan(f); /* its blackhole comes first */
	fixture_apply(f);
	assert_null(fixture_route(f, "192.168.100.0/24"));
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	for (int i = 0; i < 3; i++) {
		fixture_plan(f);
		assert_false(fixture_route(f, "192.168.100.0/24")->hold);
		assert_true(fixture_route(f, VIP "/32")->hold);
		fixture_apply(f);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
		assert_non_null(fixture_held(f, "r1", VIP "/32"));
	}
	fixture_peer(f, "r2")->stuck = false;
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_null(fixture_held(f, "r2", VIP "/32"));
	assert_non_null(fixture_held(f, "r2", "192.168.100.0/24"));
}

/* The stuck peer holds back nobody: neither the others nor, by its own route, the next withdraw. */
static void withdraw_waits_five_seconds_at_most(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_cluster();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_peer(f, "r2")->stuck = true;
	fixture_converge(f, 10);
	assert_int_equal(f->deadline, f->now + PLAN_WAITING_NS);
	f->now += PLAN_WAITING_NS - 1;
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	f->now += 1;
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	assert_int_equal(f->deadline, NSEC_NEVER);
	f->now += PLAN_WAITING_NS;
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	fixture_peer(f, "r2")->stuck = false;
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_waiting, 0);
}

/* A wait begins anew only after the route was wanted again. */
static void waiting_is_counted_by_prefix_and_forgotten_when_it_is_wanted(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_cluster();

	(void)state;
	fixture_peer(f, "r2")->stuck = true;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_waiting, 1);
	f->now += 3 * NSEC_PER_SEC;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 32}");
	fixture_converge(f, 10);
	/* Now it is the aggregate that r1 got and does not need. */
	assert_int_equal(f->ledger.n_waiting, 0);
	assert_null(fixture_held(f, "r1", "192.168.100.0/24"));
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_converge(f, 10);
	assert_int_equal(f->deadline, f->now + PLAN_WAITING_NS);
}

static void end_of_rib_waits_for_every_claim_of_a_vip(void **state)
{
	(void)state;
	/* r1 by eth0, r2 by eth1, an advertisement each; one of the devices fails. */
	for (int failing = 0; failing < 2; failing++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		assert_true(ip_prefix_parse("10.1.0.0/16", &f->by_eth1));
		add_peer(f, "r2", "10.1.0.2");
		fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r1]}");
		fixture_object(f, "BGPAdvertisement", "bdv", "", "spec: {peers: [r2]}");
		fixture_converge(f, 10);
		assert_true(f->plan.end_of_rib);
		f->devices[failing].failure = "taken by somebody else";
		f->devices[failing].remedy = "take it away";
		f->devices[failing].xdp = false;
		f->store.items[1].tested = false;
		fixture_plan(f);
		assert_false(f->plan.end_of_rib);
		f->store.items[1].tested = true;
		fixture_plan(f);
		assert_true(f->plan.end_of_rib);
	}
}

static void move_to_another_peer_is_make_before_break(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	add_peer(f, "r2", "10.0.0.2");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r1]}");
	fixture_converge(f, 10);
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r2]}");
	fixture_plan(f);
	fixture_apply(f);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_non_null(fixture_held(f, "r2", VIP "/32"));
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
}

static void withdraw_does_not_wait_for_a_session_that_is_down(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	add_peer(f, "r2", "10.0.0.2");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r1]}");
	fixture_converge(f, 10);
	fixture_peer(f, "r2")->down = true;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r2]}");
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
}

static void withdraw_of_what_cannot_be_served_goes_first(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	_cleanup_(fixture_freep) struct fixture *g = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_add_slice(f, "web", "");
	fixture_plan(f);
	assert_int_equal(f->plan.n_routes, 0);

	/* Its replacement cannot come either: the device is gone. */
	fixture_object(g, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	g->devices[0].xdp = false;
	fixture_plan(g);
	assert_int_equal(g->plan.n_routes, 0);
}

static void services_with_different_advertisements_have_their_own_attributes(void **state)
{
	static const char *const tiers[] = {"gold", "lead", "gold", "tin"};
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct arena *arena = arena_new();

	(void)state;
	fixture_basics(f);
	fixture_drop(f, "BGPAdvertisement", "adv");
	for (unsigned i = 0; i < ARRAY_SIZE(tiers); i++) {
		const char *name = arena_printf(arena, "s%u", i);

		fixture_object(f, "BGPAdvertisement", tiers[i], "",
			       arena_printf(arena,
					    "spec: {communities: [\"1:%zu\"], serviceSelectors: "
					    "[{matchLabels: {tier: %s}}]}",
					    strlen(tiers[i]) + (unsigned char)tiers[i][0],
					    tiers[i]));
		fixture_object(f, "Service", name,
			       arena_printf(arena, "labels: {tier: %s}", tiers[i]),
			       "spec: {type: LoadBalancer, ports: [{port: 80, protocol: TCP}]}");
		fixture_add_slice(f, name, "10.244.0.5@node-a");
	}
	fixture_converge(f, 10);
	for (unsigned i = 0; i < ARRAY_SIZE(tiers); i++) {
		const struct bgp_attrs *held =
			fixture_held(f, "r1", arena_printf(arena, "192.168.100.%u/32", i));

		assert_int_equal(held->communities[0],
				 1u << 16 | (strlen(tiers[i]) + (unsigned char)tiers[i][0]));
	}
	assert_int_equal(f->plan.n_attrs, 3);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(communities_of_all_advertisements_are_united_for_each_peer),
		cmocka_unit_test(
			newest_advertisement_that_sets_local_pref_wins_and_the_other_is_told),
		cmocka_unit_test(newest_prepend_wins_and_only_another_value_is_told),
		cmocka_unit_test(unset_local_pref_stays_unset_unless_a_default_is_set),
		cmocka_unit_test(services_under_one_aggregate_are_one_route),
		cmocka_unit_test(a_shared_aggregate_does_not_flap),
		cmocka_unit_test(equal_attribute_sets_are_one_set),
		cmocka_unit_test(too_many_communities_together_change_nothing),
		cmocka_unit_test(withdraw_waits_until_its_replacement_was_written),
		cmocka_unit_test(withdraw_waits_five_seconds_at_most),
		cmocka_unit_test(waiting_is_counted_by_prefix_and_forgotten_when_it_is_wanted),
		cmocka_unit_test(end_of_rib_waits_for_every_claim_of_a_vip),
		cmocka_unit_test(move_to_another_peer_is_make_before_break),
		cmocka_unit_test(withdraw_does_not_wait_for_a_session_that_is_down),
		cmocka_unit_test(withdraw_of_what_cannot_be_served_goes_first),
		cmocka_unit_test(services_with_different_advertisements_have_their_own_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
