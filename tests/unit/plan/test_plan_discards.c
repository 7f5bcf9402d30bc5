// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes on demand: who asks for them, what is refused, whom routers hear of it and how, and in
 * which order with what is dropped here.
 */
#include "discards_rig.h"

#define VIP   "192.168.100.0" /* of the Service web */
#define HOST  VIP "/32"
#define NET   "192.168.100.0/24"
#define OTHER "192.168.100.64/26" /* of the pool; nobody has an address of it */

/* Announced to r1, who asks for blackholes, and to r2, who does not. */
static struct fixture *two_peers(void)
{
	struct fixture *f = fixture_announced();

	put_peer(f, "r1", true, "peerAddress: 10.0.0.1");
	put_peer(f, "r2", false, "peerAddress: 10.0.0.2");
	fixture_converge(f, 20);
	assert_non_null(fixture_held(f, "r1", HOST));
	assert_non_null(fixture_held(f, "r2", HOST));
	return f;
}

static bool is_told(struct fixture *f, const char *peer, const char *prefix)
{
	return has_community(fixture_held(f, peer, prefix), COMMUNITY_BLACKHOLE);
}

static bool is_flagged(const struct fixture *f)
{
	return fixture_frontend(f, VIP, 80)->lb.flags & LB_F_BLACKHOLE;
}

static const char *dropped(const struct fixture *f, struct arena *arena)
{
	const char *ret = "";
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < f->store.n_discards; i++)
		ret = arena_printf(arena, "%s%s%s", ret, i ? " " : "",
				   ip_prefix_text(&f->store.discards[i].prefix, text));
	return ret;
}

static void an_order_is_dropped_first_and_told_then(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	order(f, OTHER);
	fixture_plan(f);
	assert_int_equal(f->plan.n_discards, 1);
	assert_null(fixture_route(f, OTHER)); /* not yet */
	assert_false(f->plan.end_of_rib);
	fixture_apply(f);
	assert_string_equal(dropped(f, arena), OTHER);
	assert_false(is_told(f, "r1", OTHER));
	fixture_converge(f, 20);
	assert_true(f->plan.end_of_rib);
	assert_true(is_told(f, "r1", OTHER));
	assert_true(has_community(fixture_held(f, "r1", OTHER), COMMUNITY_NO_EXPORT));
	assert_true(ip_addr_is_none(&fixture_held(f, "r1", OTHER)->next_hop));
	assert_null(fixture_held(f, "r2", OTHER)); /* who did not ask */
	assert_false(is_flagged(f));
	assert_non_null(fixture_problem(f, "Blackholed", OTHER));

	/* The withdraw is not written yet: the router may send. */
	fixture_peer(f, "r1")->stuck = true;
	order(f, "");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), OTHER);
	assert_false(f->plan.discards[0].is_wanted);
	fixture_peer(f, "r1")->stuck = false;
	fixture_converge(f, 20);
	assert_null(fixture_held(f, "r1", OTHER));
	assert_string_equal(dropped(f, arena), "");
	assert_null(fixture_problem(f, "Blackholed", OTHER));
}

static void a_service_is_one_by_its_annotation(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	annotate(f, "lodestone.io/blackhole: \"true\"");
	fixture_plan(f);
	assert_false(is_told(f, "r1", HOST));
	assert_non_null(fixture_held(f, "r1", HOST)); /* it keeps what it has meanwhile */
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), HOST);
	assert_true(is_flagged(f));
	assert_true(is_told(f, "r1", HOST));
	assert_false(is_told(f, "r2", HOST));
	assert_non_null(fixture_held(f, "r2", HOST)); /* as always */
	assert_string_equal(f->plan.discards[0].name, "web");
	assert_false(f->plan.discards[0].by_command);
	order(f, HOST); /* besides: it is both's */
	fixture_converge(f, 20);
	assert_int_equal(f->plan.n_discards, 1);
	assert_true(f->plan.discards[0].by_command);
	assert_string_equal(f->plan.discards[0].name, "web");
	order(f, "");
	fixture_converge(f, 20);
	assert_false(f->plan.discards[0].by_command);
	assert_non_null(fixture_problem(f, "Blackholed", "web"));
	assert_true(fixture_service(f, "web")->announced);

	annotate(f, "lodestone.io/blackhole: \"false\"");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), "");
	assert_false(is_flagged(f));
	assert_false(is_told(f, "r1", HOST));
	assert_non_null(fixture_held(f, "r1", HOST));
	annotate(f, "lodestone.io/blackhole: \"perhaps\"");
	fixture_converge(f, 20);
	assert_false(is_flagged(f)); /* what was right last */
}

/* By prefix first: those of the Services between them in the alphabet have others. */
static void of_services_that_share_an_address_the_first_is_named(void **state)
{
	static const struct {
		const char *name, *more;
		unsigned port;
	} services[] = {{"a",
			 ", metallb.io/allow-shared-ip: k, metallb.io/loadBalancerIPs: "
			 "192.168.100.9",
			 81},
			{"m", ", metallb.io/loadBalancerIPs: 192.168.100.8", 82},
			{"z",
			 ", metallb.io/allow-shared-ip: k, metallb.io/loadBalancerIPs: "
			 "192.168.100.9",
			 83}};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		fixture_object(
			f, "Service", services[i].name,
			arena_printf(arena, "annotations: {lodestone.io/blackhole: \"true\"%s}",
				     services[i].more),
			arena_printf(arena, "spec: {type: LoadBalancer, ports: [{port: %u}]}",
				     services[i].port));
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), "192.168.100.8/32 192.168.100.9/32");
	assert_int_equal(f->plan.n_discards, 2);
	assert_string_equal(f->plan.discards[0].name, "m");
	assert_string_equal(f->plan.discards[1].name, "a");
}

/* As seed S0 names it: an alias of 65535:666 at an advertisement. */
static void a_service_is_one_by_the_community(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	fixture_object(f, "Community", "c", "",
		       "spec: {communities: [{name: hole, value: \"65535:666\"}, "
		       "{name: isp, value: \"65001:666\"}]}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {communities: [hole, isp]}");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), HOST);
	assert_true(is_flagged(f));
	assert_non_null(fixture_problem(f, "Blackholed", "web"));
	assert_true(is_told(f, "r1", HOST));
	assert_true(has_community(fixture_held(f, "r1", HOST), 65001u << 16 | 666));
	assert_true(has_community(fixture_held(f, "r1", HOST), COMMUNITY_NO_EXPORT));
	/* Who did not ask has the tag, as with MetalLB, and nothing more. */
	assert_true(is_told(f, "r2", HOST));
	assert_int_equal(fixture_held(f, "r2", HOST)->n_communities, 2);

	/* Told to one router only it is served: the others send what is to arrive. */
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {communities: [hole], peers: [r1]}");
	fixture_object(f, "BGPAdvertisement", "more", "", "spec: {peers: [r2]}");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), "");
	assert_false(is_flagged(f));
	assert_true(is_told(f, "r1", HOST));
	assert_false(is_told(f, "r2", HOST));
	assert_null(fixture_problem(f, "Blackholed", "web"));

	/* The annotation of the Service is for all its routes. */
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r1]}");
	annotate(f, "lodestone.io/communities: hole");
	fixture_converge(f, 20);
	assert_true(is_flagged(f));
}

static void what_routes_say_is_configured(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_peers();
	const struct bgp_attrs *held;
	char text[IP_ADDR_TEXT];

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {rtbh: {nextHops: [192.0.2.1], communities: [\"64513:666\", "
		       "\"large:1:2:3\"]}}");
	order(f, HOST " " OTHER);
	fixture_converge(f, 20);
	for (size_t i = 0; i < 2; i++) {
		held = fixture_held(f, "r1", i ? OTHER : HOST);
		assert_true(has_community(held, COMMUNITY_BLACKHOLE));
		assert_true(has_community(held, 64513u << 16 | 666));
		assert_false(has_community(held, COMMUNITY_NO_EXPORT));
		assert_int_equal(held->n_large, 1);
		assert_string_equal(ip_addr_text(&held->next_hop, text), "192.0.2.1");
	}
	assert_true(is_flagged(f));
	fixture_object(f, "LodestoneConfig", "node-a", "", "spec: {rtbh: {communities: []}}");
	fixture_converge(f, 20);
	held = fixture_held(f, "r1", OTHER);
	assert_int_equal(held->n_communities, 1);
	assert_int_equal(held->n_large, 0);
	assert_string_equal(ip_addr_text(&held->next_hop, text), "192.0.2.1");
}

static void of_ipv6_the_next_hop_is_of_the_discard_prefix(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	char text[IP_ADDR_TEXT];

	(void)state;
	fixture_give_ipv6(f);
	fixture_object(f, "IPAddressPool", "six", "", "spec: {addresses: [\"2001:db8:9::/64\"]}");
	fixture_object(f, "BGPPeer", "r1", "annotations: {lodestone.io/rtbh: \"true\"}",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
		       "dualStackAddressFamily: true}");
	order(f, "2001:db8:9::1/128");
	fixture_converge(f, 20);
	assert_true(is_told(f, "r1", "2001:db8:9::1/128"));
	assert_string_equal(
		ip_addr_text(&fixture_held(f, "r1", "2001:db8:9::1/128")->next_hop, text),
		"100::1");
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {rtbh: {nextHops: [\"2001:db8:dead::1\", 192.0.2.1]}}");
	fixture_converge(f, 20);
	assert_string_equal(
		ip_addr_text(&fixture_held(f, "r1", "2001:db8:9::1/128")->next_hop, text),
		"2001:db8:dead::1");
}

static void what_is_not_ours_to_drop_is_refused(void **state)
{
	static const struct {
		const char *prefix, *reason;
	} cases[] = {
		{"198.51.100.0/24", "BlackholeNotInPool"},
		{"192.168.0.0/16", "BlackholeNotInPool"},
		{"192.168.100.0/23", "BlackholeNotInPool"}, /* it begins in a pool */
		{"0.0.0.0/0", "BlackholeCoversNode"},
		{"10.0.0.0/24", "BlackholeCoversNode"},
		{"10.0.0.10/32", "BlackholeCoversNode"},
		{"10.0.0.1/32", "BlackholeCoversNode"},
		{"10.0.9.7/32", "BlackholeCoversNode"},
		{"10.244.3.0/24", "BlackholeCoversNode"},
	};
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	fixture_object(f, "IPAddressPool", "wide", "", "spec: {addresses: [10.0.0.0/8]}");
	fixture_object(f, "Node", "node-b", "",
		       "spec: {podCIDRs: [10.244.0.0/16]}\n"
		       "status: {addresses: [{type: InternalIP, address: 10.0.9.7}]}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		order(f, cases[i].prefix);
		fixture_converge(f, 20);
		assert_non_null(fixture_problem(f, cases[i].reason, cases[i].prefix));
		assert_int_equal(f->plan.n_discards, 0);
		assert_null(fixture_route(f, cases[i].prefix));
	}
	order(f, "10.0.9.0/30");
	fixture_converge(f, 20);
	assert_true(is_told(f, "r1", "10.0.9.0/30"));
}

/* Whatever was asked for and is held: an address of this node under it ends it at once. */
static void what_becomes_the_nodes_own_is_spared(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	order(f, OTHER);
	fixture_converge(f, 20);
	assert_int_equal(f->store.n_discards, 1);
	fixture_peer(f, "r1")->stuck = true;
	assert_true(ip_addr_parse("192.168.100.70", &f->addrs[3].addr));
	f->addrs[3].len = 24;
	f->addrs[3].ifindex = 2;
	f->node.n_addrs = 4;
	fixture_plan(f);
	assert_int_equal(f->plan.n_discards, 0);
	assert_non_null(fixture_problem(f, "BlackholeCoversNode", OTHER));
}

/* One order for VIPs and for what nobody has, and the aggregate stays announced to others. */
static void a_network_is_one_with_all_that_is_in_it(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {aggregationLength: 24, communities: [\"1:2\"]}");
	fixture_add_service(f, "web", "Cluster", "");
	order(f, NET);
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), NET);
	assert_true(is_flagged(f));
	assert_true(is_told(f, "r1", NET));
	assert_true(has_community(fixture_held(f, "r1", NET), 1u << 16 | 2));
	assert_false(is_told(f, "r2", NET));
	assert_non_null(fixture_held(f, "r2", NET));
	assert_int_equal(f->kernel->n_routes, 1); /* as of any aggregate */
	order(f, "");
	fixture_converge(f, 20);
	assert_false(is_flagged(f));
	assert_false(is_told(f, "r1", NET));
	assert_non_null(fixture_held(f, "r1", NET));
}

/* Without a data plane nothing is dropped here; routers drop it all the same. */
static void without_a_data_plane_routers_are_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	f->dataplane_failure = "no BPF";
	f->store.fail_every = 1;
	order(f, OTHER);
	fixture_converge(f, 5);
	assert_true(is_told(f, "r1", OTHER));
	assert_int_equal(f->store.n_discards, 0);
}

/* Each call of the store fails once, and in the end all is as it is to be. */
static void it_comes_to_rest_after_each_fault(void **state)
{
	(void)state;
	for (size_t i = 1; i < 8; i++) {
		_cleanup_(fixture_freep) struct fixture *f = two_peers();

		f->store.n_calls = 0;
		f->store.fail_at = i;
		annotate(f, "lodestone.io/blackhole: \"true\"");
		order(f, OTHER);
		fixture_converge(f, 30);
		assert_true(is_told(f, "r1", HOST) && is_told(f, "r1", OTHER));
		assert_int_equal(f->store.n_discards, 2);
		annotate(f, "");
		order(f, "");
		fixture_converge(f, 30);
		assert_int_equal(f->store.n_discards, 0);
		assert_null(fixture_held(f, "r1", OTHER));
	}
}

/* What a former process drops stays until all is known. */
static void a_start_lets_nothing_in(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_peers();

	(void)state;
	order(f, OTHER);
	annotate(f, "lodestone.io/blackhole: \"true\"");
	fixture_converge(f, 20);
	fixture_restart(f);
	f->synced = false;
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), HOST " " OTHER);
	assert_null(fixture_problem(f, "BlackholeNotInPool", NULL));
	fixture_basics(f);
	put_peer(f, "r1", true, "peerAddress: 10.0.0.1");
	f->synced = true;
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, arena), OTHER); /* the Service is gone */
	assert_true(is_told(f, "r1", OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_dropped_first_and_told_then),
		cmocka_unit_test(a_service_is_one_by_its_annotation),
		cmocka_unit_test(of_services_that_share_an_address_the_first_is_named),
		cmocka_unit_test(a_service_is_one_by_the_community),
		cmocka_unit_test(what_routes_say_is_configured),
		cmocka_unit_test(of_ipv6_the_next_hop_is_of_the_discard_prefix),
		cmocka_unit_test(what_is_not_ours_to_drop_is_refused),
		cmocka_unit_test(what_becomes_the_nodes_own_is_spared),
		cmocka_unit_test(a_network_is_one_with_all_that_is_in_it),
		cmocka_unit_test(without_a_data_plane_routers_are_told),
		cmocka_unit_test(it_comes_to_rest_after_each_fault),
		cmocka_unit_test(a_start_lets_nothing_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
