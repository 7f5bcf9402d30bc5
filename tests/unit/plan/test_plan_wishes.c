// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What annotations of Services and advertisements ask of routes: communities of all three kinds,
 * which routers are told, and the weight of Services that share an address.
 */
#include "mishap.h"

#include "plan/plan_explain.h"

#define PREFIX     "192.168.100.0/32"
#define C(a, b)    ((uint32_t)(a) << 16 | (b))
#define RT         UINT64_C(0x0002fc0000000064) /* rt:64512:100 */
#define SOO        UINT64_C(0x0003fc0000000064) /* soo:64512:100 */
#define LOCAL_SPEC "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]}"

static void annotate(struct fixture *f, const char *annotations)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "Service", "web", arena_printf(arena, "annotations: {%s}", annotations),
		       LOCAL_SPEC);
}

static const struct bgp_attrs *held(struct fixture *f, const char *peer)
{
	const struct bgp_attrs *ret = fixture_held(f, peer, PREFIX);

	assert_non_null(ret);
	return ret;
}

static void add_router(struct fixture *f, const char *name, int n)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name, "",
		       arena_printf(arena,
				    "spec: {myASN: 64512, peerASN: %d, peerAddress: 10.0.0.%d}",
				    65000 + n, n));
}

static void communities_of_a_service_add_to_its_advertisements(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "Community", "aliases", "",
		       "spec: {communities: [{name: gold, value: \"1:1\"}]}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {communities: [\"9:9\"]}");
	annotate(f, "lodestone.io/communities: 'gold, no-export,large:1:2:3, rt:64512:100'");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->n_communities, 3);
	assert_int_equal(held(f, "r1")->communities[0], C(1, 1));
	assert_int_equal(held(f, "r1")->communities[1], C(9, 9));
	assert_int_equal(held(f, "r1")->communities[2], COMMUNITY_NO_EXPORT);
	assert_int_equal(held(f, "r1")->n_large, 1);
	assert_int_equal(held(f, "r1")->n_extended, 1);
	assert_true(held(f, "r1")->extended[0] == RT);
	annotate(f, "");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->n_communities, 1);
	assert_int_equal(held(f, "r1")->n_large + held(f, "r1")->n_extended, 0);
	fixture_free(f);
}

/* A lost no-export would leak: what a router has stays, and nothing is told anew. */
static void what_is_not_known_of_a_service_holds_its_routes(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	annotate(f, "lodestone.io/communities: 'no-export'");
	fixture_converge(f, 10);
	add_router(f, "r2", 2);
	annotate(f, "lodestone.io/communities: 'no-export, nobody'");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->communities[0], COMMUNITY_NO_EXPORT);
	assert_null(fixture_held(f, "r2", PREFIX));
	assert_non_null(strstr(fixture_problem(f, "UnknownCommunity", "web")->message, "nobody"));
	assert_int_equal(fixture_count(f, "UnknownCommunity"), 1);

	fixture_object(f, "Community", "aliases", "",
		       "spec: {communities: [{name: nobody, value: \"1:1\"}]}");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->n_communities, 2);
	assert_int_equal(held(f, "r2")->n_communities, 2);
	fixture_free(f);
}

/* An aggregate is of all Services under it: one with an error costs the others nothing. */
static void a_shared_route_is_that_of_the_others(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	annotate(f, "lodestone.io/communities: 'nobody'");
	fixture_object(f, "Service", "other", "annotations: {lodestone.io/communities: '5:5'}",
		       LOCAL_SPEC);
	fixture_add_slice(f, "other", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	assert_int_equal(fixture_held(f, "r1", "192.168.100.0/24")->n_communities, 1);
	assert_int_equal(fixture_held(f, "r1", "192.168.100.0/24")->communities[0], C(5, 5));
	fixture_free(f);
}

static void a_service_chooses_among_its_advertisements_routers(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	add_router(f, "r2", 2);
	add_router(f, "r3", 3);
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r1, r2]}");
	annotate(f, "lodestone.io/peers: 'r2, r3, nobody'");
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", PREFIX));
	assert_non_null(fixture_held(f, "r2", PREFIX));
	assert_null(fixture_held(f, "r3", PREFIX)); /* the advertisement does not go there */
	assert_int_equal(fixture_problem(f, "UnknownPeer", "web")->severity, SEVERITY_WARNING);

	annotate(f, "lodestone.io/peers: r3");
	fixture_converge(f, 10);
	for (int i = 1; i <= 3; i++)
		assert_null(fixture_held(f, (const char *[]){"", "r1", "r2", "r3"}[i], PREFIX));
	assert_string_equal(fixture_service(f, "web")->reason, "noMatchingPeer");
	fixture_free(f);
}

static void annotations_of_an_advertisement_add_to_its_fields(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	add_router(f, "r2", 2);
	add_router(f, "r3", 3);
	fixture_object(f, "BGPAdvertisement", "adv",
		       "annotations: {lodestone.io/communities: 'soo:64512:100, 1:1', "
		       "lodestone.io/peers: r2}",
		       "spec: {peers: [r1], communities: [\"2:2\"]}");
	fixture_converge(f, 10);
	for (int i = 1; i <= 2; i++) {
		const struct bgp_attrs *attrs = held(f, i == 1 ? "r1" : "r2");

		assert_int_equal(attrs->n_communities, 2);
		assert_int_equal(attrs->n_extended, 1);
		assert_true(attrs->extended[0] == SOO);
	}
	assert_null(fixture_held(f, "r3", PREFIX));
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {communities: ['rt:64512:100']}");
	fixture_converge(f, 10); /* the field takes what MetalLB's takes */
	assert_non_null(fixture_problem(f, "UnknownCommunity", "adv"));
	fixture_free(f);
}

/* Extended ones, too, are kept of an advertisement's last good version, over a restart. */
static void extended_communities_outlive_an_edit_with_an_error(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv",
		       "annotations: {lodestone.io/communities: 'rt:64512:100'}", "spec: {}");
	fixture_converge(f, 10);
	fixture_object(f, "BGPAdvertisement", "adv",
		       "annotations: {lodestone.io/communities: 'rt:64512:100000000000'}",
		       "spec: {}");
	fixture_converge(f, 10);
	assert_non_null(strstr(fixture_problem(f, "InvalidCommunity", "adv")->message, IN_FORCE));
	restart(f);
	assert_int_equal(held(f, "r1")->n_extended, 1);
	assert_true(held(f, "r1")->extended[0] == RT);
	fixture_free(f);
}

/* Pods of all of them are behind the address; a Service counts once, whoever advertises it. */
static void weights_of_services_that_share_an_address_add_up(void **state)
{
	static const char shared[] =
		"annotations: {metallb.io/allow-shared-ip: key, metallb.io/loadBalancerIPs: "
		"192.168.100.0}";
	struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {linkBandwidth: auto}}");
	fixture_object(f, "BGPAdvertisement", "second", "", "spec: {communities: ['1:1']}");
	fixture_object(f, "Service", "web", shared, LOCAL_SPEC);
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->bandwidth, 1);
	fixture_object(f, "Service", "more", shared,
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: "
		       "81}]}");
	fixture_add_slice(f, "more", "10.244.0.6@node-a 10.244.0.7@node-a");
	fixture_converge(f, 10);
	assert_int_equal(fixture_service(f, "more")->announced, true);
	assert_int_equal(held(f, "r1")->bandwidth, 3);
	fixture_add_slice(f, "web", "10.244.0.5@node-ax");
	fixture_converge(f, 10);
	assert_int_equal(held(f, "r1")->bandwidth, 2);
	fixture_free(f);
}

/* Why that router is not told of it, as `lodectl explain` says. */
static const char *reason_of(struct fixture *f, const char *peer)
{
	struct plan_explain e = {.what = EXPLAIN_SERVICE, .ns = "default", .name = "web"};

	f->explain = &e;
	fixture_plan(f);
	f->explain = NULL;
	for (size_t i = 0; i < e.items[0].ways.n; i++)
		if (strcmp(e.items[0].ways.items[i].peer, peer) == 0)
			return e.items[0].ways.items[i].reason;
	return NULL;
}

static void what_a_service_keeps_from_a_router_is_explained(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	add_router(f, "r2", 2);
	annotate(f, "lodestone.io/peers: r2");
	fixture_converge(f, 10);
	assert_string_equal(reason_of(f, "r1"), "noMatchingPeer");
	assert_string_equal(reason_of(f, "r2"), "announced");
	annotate(f, "lodestone.io/communities: nobody");
	fixture_converge(f, 10);
	assert_string_equal(reason_of(f, "r1"), "communityUnknown");
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(communities_of_a_service_add_to_its_advertisements),
		cmocka_unit_test(what_is_not_known_of_a_service_holds_its_routes),
		cmocka_unit_test(a_shared_route_is_that_of_the_others),
		cmocka_unit_test(a_service_chooses_among_its_advertisements_routers),
		cmocka_unit_test(annotations_of_an_advertisement_add_to_its_fields),
		cmocka_unit_test(extended_communities_outlive_an_edit_with_an_error),
		cmocka_unit_test(what_a_service_keeps_from_a_router_is_explained),
		cmocka_unit_test(weights_of_services_that_share_an_address_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
