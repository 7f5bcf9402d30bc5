// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes on demand beside VRFs: in which domains an address is dropped, whom in which VRF that
 * is told, and with what spec.rtbh says.
 */
#include "discards_rig.h"

#define RED   10 /* ifindex */
#define BLUE  11
#define HOST  "192.168.100.0/32"  /* of the Service web */
#define OTHER "192.168.100.64/26" /* of the pool; nobody has an address of it */

static void announce(struct fixture *f, const char *name, const char *spec)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "BGPAdvertisement", name, "",
		       arena_printf(arena, "spec: {ipAddressPools: [pool], %s}", spec));
}

static void add_device(struct fixture *f, int ifindex, const char *name, uint32_t addr)
{
	f->links[f->node.n_links++] =
		(struct plan_link){.ifindex = ifindex, .name = name, .up = true};
	f->addrs[f->node.n_addrs++] =
		(struct plan_local_addr){ip_addr_from_v4(addr), 24, ifindex, false};
}

/* Routers r1 in no VRF, red and blue of one address in theirs; r1 and red ask for blackholes. */
static struct fixture *two_vrfs(void)
{
	struct fixture *f = fixture_new();

	add_device(f, 5, "eth5", 0x0a000132); /* 10.0.1.50 */
	add_device(f, 6, "eth6", 0x0a000232); /* 10.0.2.50 */
	fixture_add_vrf(f, RED, "red", 1000, 5);
	fixture_add_vrf(f, BLUE, "blue", 1001, 6);
	fixture_object(f, "IPAddressPool", "pool", "", "spec: {addresses: [192.168.100.0/24]}");
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {rtbh: {nextHops: [192.0.2.1], communities: [\"64513:666\"]}}");
	put_peer(f, "r1", true, "peerAddress: 10.0.0.1");
	put_peer(f, "red", true, "peerAddress: 10.0.9.1, vrf: red");
	put_peer(f, "blue", false, "peerAddress: 10.0.9.1, vrf: blue");
	announce(f, "all", "peers: [r1, red, blue]");
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_converge(f, 20);
	return f;
}

/* The domains in which the prefix is dropped: "0 1000". */
static const char *dropped(const struct fixture *f, const char *prefix, struct arena *arena)
{
	const char *ret = "";
	struct ip_prefix want;

	assert_true(ip_prefix_parse(prefix, &want));
	for (size_t i = 0; i < f->store.n_discards; i++)
		if (ip_prefix_cmp(&f->store.discards[i].prefix, &want) == 0)
			ret = arena_printf(arena, "%s%s%u", ret, ret[0] ? " " : "",
					   f->store.discards[i].domain);
	return ret;
}

/* Those in which what comes for the Service is dropped by its frontend, which is to stay. */
static const char *flagged(const struct fixture *f, struct arena *arena)
{
	const char *ret = "";

	for (size_t i = 0; i < f->plan.n_frontends; i++) {
		const struct lb_frontend *lb = &f->plan.frontends[i].lb;

		if (lb->key.port == 80 && (lb->flags & LB_F_BLACKHOLE) &&
		    !f->plan.frontends[i].leaving)
			ret = arena_printf(arena, "%s%s%u", ret, ret[0] ? " " : "", lb->key.domain);
	}
	return ret;
}

/* As spec.rtbh says it. */
static bool is_told(struct fixture *f, const char *name, const char *prefix)
{
	const struct bgp_attrs *a = fixture_held(f, name, prefix);
	char text[IP_ADDR_TEXT];

	if (!a || !has_community(a, COMMUNITY_BLACKHOLE))
		return false;
	assert_true(has_community(a, 64513u << 16 | 666));
	assert_string_equal(ip_addr_text(&a->next_hop, text), "192.0.2.1");
	return true;
}

/* An operator's order is for the address, wherever it is met. */
static void an_order_is_for_all_vrfs_and_told_to_who_asks_in_each(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs();
	static const char *const prefixes[] = {HOST, OTHER};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		order(f, prefixes[i]);
		fixture_converge(f, 20);
		assert_string_equal(dropped(f, prefixes[i], arena), "0 1000 1001");
		assert_true(is_told(f, "r1", prefixes[i]));
		assert_true(is_told(f, "red", prefixes[i]));
		assert_false(is_told(f, "blue", prefixes[i]));
	}
	assert_null(fixture_held(f, "blue", OTHER));
	assert_non_null(fixture_held(f, "blue", HOST)); /* as always */
	order(f, "");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, OTHER, arena), "");
	assert_null(fixture_held(f, "red", OTHER));
}

/* Dropped in one VRF before its router hears of it; another VRF's does not wait for that. */
static void a_service_is_one_where_its_address_is_a_vip(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs();

	(void)state;
	announce(f, "all", "peers: [red, blue]");
	fixture_converge(f, 20);
	annotate(f, "lodestone.io/blackhole: \"true\"");
	fixture_plan(f);
	assert_false(is_told(f, "red", HOST));
	assert_non_null(fixture_held(f, "red", HOST)); /* what it has meanwhile */
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, HOST, arena), "1000 1001");
	assert_string_equal(flagged(f, arena), "1000 1001");
	assert_true(is_told(f, "red", HOST));
	assert_false(is_told(f, "blue", HOST));
	assert_null(fixture_held(f, "r1", HOST));

	/* It leaves blue, and is no blackhole there any more. */
	announce(f, "all", "peers: [red]");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, HOST, arena), "1000");
	assert_string_equal(flagged(f, arena), "1000");
	assert_true(is_told(f, "red", HOST));
	assert_null(fixture_held(f, "blue", HOST));
	annotate(f, "");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, HOST, arena), "");
	assert_false(is_told(f, "red", HOST));
	assert_non_null(fixture_held(f, "red", HOST));
}

/* A VRF that is made anew with another table is another domain. */
static void it_follows_a_vrf_to_another_table(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs();

	(void)state;
	order(f, OTHER);
	fixture_converge(f, 20);
	for (size_t i = 0; i < f->node.n_links; i++)
		if (f->links[i].ifindex == RED)
			f->links[i].table = 2000;
	fixture_converge(f, 20);
	/* In the former one it stays as long as any router holds the route. */
	assert_string_equal(dropped(f, OTHER, arena), "0 1000 1001 2000");
	assert_true(is_told(f, "red", OTHER));
	order(f, "");
	fixture_converge(f, 20);
	assert_string_equal(dropped(f, OTHER, arena), "");
}

static void the_node_of_a_vrf_is_spared(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_vrfs();

	(void)state;
	fixture_object(f, "IPAddressPool", "more", "", "spec: {addresses: [10.0.0.0/16]}");
	order(f, "10.0.1.0/26"); /* with 10.0.1.50, its address in red */
	fixture_converge(f, 20);
	assert_non_null(fixture_problem(f, "BlackholeCoversNode", "10.0.1.0/26"));
	assert_int_equal(f->plan.n_discards, 0);
	order(f, "10.0.1.64/26");
	fixture_converge(f, 20);
	assert_true(is_told(f, "red", "10.0.1.64/26"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_for_all_vrfs_and_told_to_who_asks_in_each),
		cmocka_unit_test(a_service_is_one_where_its_address_is_a_vip),
		cmocka_unit_test(it_follows_a_vrf_to_another_table),
		cmocka_unit_test(the_node_of_a_vrf_is_spared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
