// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which of the routes of several peers are followed (RFC 4271 9.1.2): a table of pairs, one for
 * each criterion in its order, and ways to next hops.
 */
#include "unit/bgp/rib_in_made.h"

#include "plan/plan_receive_choice.h"

static const struct plan_link links[] = {
	{.ifindex = 2, .name = "eth0", .up = true},
	{.ifindex = 3, .name = "eth1", .up = false},
	{.ifindex = 4, .name = "eth2", .up = true, .master = 5},
	{.ifindex = 5, .name = "red", .up = true, .table = 1},
};

struct bed {
	struct plan_node node;
	struct plan_local_addr addrs[4];
	struct plan_route_to ways[1];
	struct bgp_rib_in *ribs[3];
	struct receive_peer peers[3];
	struct receive_peers all;
};

/* Three eBGP peers at 10.0.0.1 to .3 on eth0. */
static void bed_up(struct bed *b)
{
	const struct bgp_import import = {.all = true, .max_prefixes = 10};

	memset(b, 0, sizeof(*b));
	b->addrs[0] = (struct plan_local_addr){addr("10.0.0.9"), 24, 2, false};
	b->addrs[1] = (struct plan_local_addr){addr("fd00::9"), 64, 2, false};
	b->addrs[2] = (struct plan_local_addr){addr("10.3.0.9"), 24, 3, false};
	b->addrs[3] = (struct plan_local_addr){addr("10.0.0.10"), 24, 4, false};
	b->node = (struct plan_node){.links = links,
				     .n_links = ARRAY_SIZE(links),
				     .addrs = b->addrs,
				     .n_addrs = 4,
				     .routes_to = b->ways};
	for (size_t i = 0; i < 3; i++) {
		b->ribs[i] = bgp_rib_in_new(i);
		assert_true(bgp_rib_in_set_import(b->ribs[i], &import));
		b->peers[i] =
			(struct receive_peer){.rib = b->ribs[i],
					      .table = 100,
					      .router_id = 30 - (uint32_t)i,
					      .address = ip_addr_from_v4(0x0a000001 + (uint32_t)i),
					      .ifindex = 2};
	}
	b->all = (struct receive_peers){.items = b->peers, .n = 3, .node = &b->node};
}

static void bed_down(struct bed *b)
{
	for (size_t i = 0; i < 3; i++)
		bgp_rib_in_free(b->ribs[i]);
}

struct said {
	uint32_t local_pref; /* 0: none, as on eBGP */
	unsigned prepend;
	enum bgp_origin origin;
	uint32_t med, asn;
	bool is_ibgp;
	const char *next_hop;
};

static void say(struct bed *b, size_t peer, const struct said *s)
{
	struct bgp_update_session theirs = their_session(), ours = our_session();
	const struct ip_prefix p = prefix("203.0.113.0/24");
	const struct bgp_attrs a = {.origin = s->origin,
				    .prepend = (uint8_t)s->prepend,
				    .has_local_pref = s->local_pref != 0,
				    .local_pref = s->local_pref,
				    .has_med = true,
				    .med = s->med,
				    .next_hop = addr(s->next_hop)};
	const struct bgp_update_batch batch = {
		.family = BGP_IPV4_UNICAST, .attrs = &a, .prefixes = &p, .n = 1};
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_update u;
	size_t taken;

	theirs.local_asn = s->asn;
	ours.local = (struct bgp_next_hops){.ipv4 = addr("10.0.0.9")};
	theirs.is_ibgp = ours.is_ibgp = s->is_ibgp;
	u = received(buf, bgp_update_encode(buf, sizeof(buf), &theirs, &batch, &taken), &ours);
	bgp_rib_in_learn(b->ribs[peer], &u, &ours);
	b->peers[peer].is_ibgp = s->is_ibgp;
}

static struct receive_choice choose(struct bed *b)
{
	const struct ip_prefix p = prefix("203.0.113.0/24");
	struct receive_choice c;

	receive_choose(&b->all, 100, &p, &c);
	return c;
}

/* More next hops than are kept, on either link and on none, in two domains that have the same
 * addresses; each is asked for twice in one and then twice in the other, while it is kept. */
static void what_is_kept_of_next_hops_changes_nothing(void **state)
{
	struct receive_links known = {0};
	struct receive_peers keeping;
	struct bed b;

	(void)state;
	bed_up(&b);
	keeping = b.all;
	keeping.links = &known;
	for (uint32_t i = 0; i < 4000; i++) {
		const uint32_t drawn = i / 4 * 2654435761u;
		const struct bgp_path path = {
			.next_hop =
				ip_addr_from_v4(0x0a000000 + (drawn >> 30 << 16) + (drawn & 0xff)),
		};
		struct fib_hop hop = {0}, kept = {0};
		uint32_t cost, kept_cost;
		bool is_there;

		b.peers[0].domain = (drawn >> 29 ^ i >> 1) & 1;
		is_there = receive_resolve(&b.all, &b.peers[0], &path, &hop, &cost);
		assert_int_equal(receive_resolve(&keeping, &b.peers[0], &path, &kept, &kept_cost),
				 is_there);
		assert_int_equal(kept.ifindex, hop.ifindex);
		assert_true(ip_addr_equal(&kept.gateway, &hop.gateway));
		assert_int_equal(kept_cost, cost);
	}
	bed_down(&b);
}

#define PLAIN .asn = 64601, .next_hop = "10.0.0.1"
#define OTHER .asn = 64602, .next_hop = "10.0.0.2"

/* The better one first; each is good in all that comes behind the criterion. */
static void each_criterion_counts_in_its_order(void **state)
{
	static const struct {
		struct said better, worse;
		bool both; /* neither is better */
	} cases[] = {
		{{PLAIN, .local_pref = 200, .is_ibgp = true, .origin = 2}, {OTHER}, false},
		{{PLAIN}, {OTHER, .local_pref = 99, .is_ibgp = true}, false},
		{{PLAIN, .origin = 2}, {OTHER, .prepend = 1}, false},
		{{PLAIN, .med = 9}, {OTHER, .origin = 1}, false},
		{{PLAIN, .med = 1}, {.asn = 64601, .next_hop = "10.0.0.2", .med = 2}, false},
		{{PLAIN, .med = 1}, {OTHER, .med = 2}, true}, /* of different ASes */
		{{PLAIN, .med = 9, .prepend = 0},
		 {OTHER, .local_pref = 100, .is_ibgp = true, .prepend = 0, .origin = 1},
		 true},
		{{PLAIN}, {OTHER}, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t swapped = 0; swapped < 2; swapped++) {
			struct receive_choice c;
			struct bed b;

			/* Path of iBGP is empty, and so shorter: that pair is of another test. */
			if (cases[i].worse.is_ibgp && cases[i].both)
				continue;
			bed_up(&b);
			say(&b, swapped, &cases[i].better);
			say(&b, 1 - swapped, &cases[i].worse);
			c = choose(&b);
			assert_int_equal(c.has, 3);
			if (cases[i].both) {
				assert_int_equal(c.chosen, 3);
				assert_int_equal(c.hops.n, 2);
				assert_int_equal(c.best, 1); /* the lower identifier */
			} else if (c.chosen != UINT64_C(1) << swapped) {
				fail_msg("case %zu, %zu: %llu", i, swapped,
					 (unsigned long long)c.chosen);
			}
			bed_down(&b);
		}
	}
}

static void a_next_hop_that_nothing_leads_to_does_not_count(void **state)
{
	struct bed b;
	struct receive_choice c;

	(void)state;
	bed_up(&b);
	say(&b, 0, &(struct said){.asn = 64601, .next_hop = "10.9.0.1"}); /* on no link */
	say(&b, 1, &(struct said){.asn = 64602, .next_hop = "10.3.0.1"}); /* its link is down */
	c = choose(&b);
	assert_int_equal(c.unreachable, 3);
	assert_int_equal(c.chosen, 0);
	assert_int_equal(c.hops.n, 0);
	b.ways[0] = (struct plan_route_to){
		.to = addr("10.9.0.1"), .ifindex = 2, .gateway = addr("10.0.0.77")};
	b.node.n_routes_to = 1;
	c = choose(&b);
	assert_int_equal(c.chosen, 1);
	assert_true(ip_addr_equal(&c.hops.items[0].gateway, &b.ways[0].gateway));
	b.ways[0].is_received = true; /* by a route of ours: that could go in a ring */
	assert_int_equal(choose(&b).chosen, 0);
	bed_down(&b);
}

/* The node's last address is the one behind which none counts any more. */
static void a_network_without_the_nodes_address_is_no_way(void **state)
{
	struct bed b;

	(void)state;
	bed_up(&b);
	say(&b, 0, &(struct said){.asn = 64601, .next_hop = "10.9.0.1"});
	b.addrs[2] = (struct plan_local_addr){addr("10.9.0.9"), 24, 2, false};
	assert_int_equal(choose(&b).chosen, 1);
	b.node.n_addrs = 2;
	assert_int_equal(choose(&b).unreachable, 1);
	bed_down(&b);
}

/* Of a peer in a VRF by the VRF's own routes, and by no others. */
static void a_next_hop_is_looked_for_in_the_peers_vrf(void **state)
{
	struct bed b;

	(void)state;
	bed_up(&b);
	say(&b, 0, &(struct said){.asn = 64601, .next_hop = "10.9.0.1"});
	b.peers[0].domain = 1000;
	b.peers[0].vrf = 7;
	b.ways[0] = (struct plan_route_to){
		.to = addr("10.9.0.1"), .ifindex = 2, .gateway = addr("10.0.0.77")};
	b.node.n_routes_to = 1;
	assert_int_equal(choose(&b).unreachable, 1); /* the way of no VRF */
	b.ways[0].vrf = 7;
	assert_int_equal(choose(&b).chosen, 1);
	b.ways[0].is_received = true;
	assert_int_equal(choose(&b).unreachable, 1);
	b.ways[0] = (struct plan_route_to){
		.to = addr("10.9.0.1"), .ifindex = 2, .gateway = addr("10.0.0.77")};
	b.peers[0].vrf = 0; /* there is no such VRF */
	assert_int_equal(choose(&b).unreachable, 1);
	bed_down(&b);
}

/* Two routers whose routes name one gateway are one hop; and tables do not mix. */
static void hops_are_without_doubles_and_of_one_table(void **state)
{
	struct bed b;
	struct receive_choice c;

	(void)state;
	bed_up(&b);
	for (size_t i = 0; i < 3; i++)
		say(&b, i,
		    &(struct said){.asn = 64601, .next_hop = i < 2 ? "10.0.0.1" : "10.0.0.3"});
	b.peers[2].table = 200;
	c = choose(&b);
	assert_int_equal(c.chosen, 3);
	assert_int_equal(c.hops.n, 1);
	b.peers[2].table = 100;
	c = choose(&b);
	assert_int_equal(c.chosen, 7);
	assert_int_equal(c.hops.n, 2);
	assert_true(fib_hop_cmp(&c.hops.items[0], &c.hops.items[1]) < 0);
	bed_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_of_next_hops_changes_nothing),
		cmocka_unit_test(each_criterion_counts_in_its_order),
		cmocka_unit_test(a_next_hop_that_nothing_leads_to_does_not_count),
		cmocka_unit_test(a_network_without_the_nodes_address_is_no_way),
		cmocka_unit_test(a_next_hop_is_looked_for_in_the_peers_vrf),
		cmocka_unit_test(hops_are_without_doubles_and_of_one_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
