// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Other nodes in the images: numbers that stay, places where programs find them, ways that are
 * never read half, and frontends with targets there.
 */
#include "service.h"

#include <errno.h>

#define NODE_ADDR 0x0a090001u
#define UPLINK    3u

static struct lb_nodes *nodes_of(const struct fixture *x)
{
	return lb_tables_nodes(x->t);
}

static struct ip_addr node_addr(uint32_t i)
{
	return ip_addr_from_v4(NODE_ADDR + i);
}

static int tell(struct fixture *x, const struct lb_node_told *items, size_t n)
{
	int outcome;

	while ((outcome = lb_nodes_tell(nodes_of(x), &x->c, items, n)) > 0)
		fixture_add_chunk(x, outcome);
	return outcome;
}

/* The first n nodes, all usable. */
static int tell_first(struct fixture *x, size_t n)
{
	struct lb_node_told *items = xcalloc(n, sizeof(*items));
	int outcome;

	for (uint32_t i = 0; i < n; i++)
		items[i] = (struct lb_node_told){.addr = node_addr(i), .usable = true};
	outcome = tell(x, items, n);
	free(items);
	return outcome;
}

static int set_hops(struct fixture *x, const struct lb_hop_told *items, size_t n)
{
	int outcome;

	while ((outcome = lb_nodes_set_hops(nodes_of(x), &x->c, items, n)) > 0)
		fixture_add_chunk(x, outcome);
	return outcome;
}

/* As the programs find a node: by its places; NULL: none is known there. */
static const struct lb_node *reader_node(const struct fixture *x, const struct ip_addr *addr)
{
	__u32 words[4];

	memcpy(words, addr->b, sizeof(words));
	for (unsigned which = 0; which < 2; which++) {
		uint64_t word = x->node_places[lb_node_place(words, which)];

		for (; word; word >>= LB_NODE_BITS) {
			const uint32_t number = word & (LB_NODES - 1);
			const struct lb_node *node =
				&x->nodes[number / LB_NODE_CHUNK][number % LB_NODE_CHUNK];

			if (number && node->state & LB_NODE_KNOWN &&
			    memcmp(node->addr, words, sizeof(words)) == 0)
				return node;
		}
	}
	return NULL;
}

static const struct lb_node *node_by(const struct fixture *x, uint32_t number)
{
	return &x->nodes[number / LB_NODE_CHUNK][number % LB_NODE_CHUNK];
}

static void told_nodes_are_found_by_their_addresses(void **state)
{
	const struct ip_addr stranger = node_addr(5000), first = node_addr(0);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(tell_first(&x, 1000), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct ip_addr addr = node_addr(i);

		assert_non_null(reader_node(&x, &addr));
		assert_true(lb_nodes_find(nodes_of(&x), &addr) > 0);
	}
	assert_null(reader_node(&x, &stranger));
	assert_int_equal(lb_nodes_find(nodes_of(&x), &stranger), 0);
	assert_int_equal(tell_first(&x, 0), 0);
	assert_null(reader_node(&x, &first));
	fixture_done(&x);
}

static void a_silent_node_is_known_and_not_usable(void **state)
{
	const struct lb_node_told told = {.addr = node_addr(0)};
	const struct ip_addr addr = node_addr(0);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(tell(&x, &told, 1), 0);
	assert_true(reader_node(&x, &addr)->state == (LB_NODE_IN_USE | LB_NODE_KNOWN));
	assert_int_equal(tell_first(&x, 1), 0);
	assert_true(reader_node(&x, &addr)->state & LB_NODE_USABLE);
	fixture_done(&x);
}

/* Programs go on with it: until the next one is told they take packets from the same nodes. */
static void what_a_former_agent_was_told_stays(void **state)
{
	static uint64_t places[LB_NODE_PLACES];
	struct lb_node_told items[200];
	uint64_t states[200];
	struct fixture x;

	(void)state;
	fixture_init(&x);
	for (uint32_t i = 0; i < 200; i++)
		items[i] = (struct lb_node_told){
			.addr = node_addr(i), .usable = i % 3 > 0, .version = (uint8_t)(i % 4)};
	assert_int_equal(tell(&x, items, 200), 0);
	memcpy(places, x.node_places, sizeof(places));
	for (uint32_t i = 0; i < 200; i++)
		states[i] = reader_node(&x, &items[i].addr)->state;
	assert_int_equal(fixture_restart(&x), 0);
	assert_memory_equal(places, x.node_places, sizeof(places));
	for (uint32_t i = 0; i < 200; i++)
		assert_true(reader_node(&x, &items[i].addr)->state == states[i]);
	assert_int_equal(tell(&x, &items[7], 1), 0); /* the others are known no more */
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(reader_node(&x, &items[i].addr) != NULL, i == 7);
	fixture_done(&x);
}

/* Whatever is there, each number is in one place, one of its address. */
static void places_that_are_damaged_are_put_in_order(void **state)
{
	struct fixture x;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (unsigned round = 0; round < 20; round++) {
		unsigned n_in_places = 0;

		fixture_init(&x);
		assert_int_equal(tell_first(&x, 100), 0);
		for (unsigned i = 0; i < 400; i++) {
			uint64_t *word = &x.node_places[rng_below(&rng, LB_NODE_PLACES)];

			*word = rng_below(&rng, 2) ? rng_next(&rng) : rng_below(&rng, 101);
		}
		assert_int_equal(fixture_restart(&x), 0);
		for (uint32_t i = 0; i < 100; i++) {
			const struct ip_addr addr = node_addr(i);

			assert_non_null(reader_node(&x, &addr));
		}
		for (unsigned i = 0; i < LB_NODE_PLACES; i++)
			for (uint64_t word = x.node_places[i]; word; word >>= LB_NODE_BITS)
				n_in_places += (word & (LB_NODES - 1)) != 0;
		assert_int_equal(n_in_places, 100);
		fixture_done(&x);
	}
}

/* Numbers outlive the agent and what is told, whatever comes and goes. */
static void numbers_stay(void **state)
{
	uint32_t numbers[100];
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(tell_first(&x, 100), 0);
	for (uint32_t i = 0; i < 100; i++) {
		const struct ip_addr addr = node_addr(i);

		numbers[i] = lb_nodes_find(nodes_of(&x), &addr);
		assert_true(numbers[i] > 0);
		assert_true(i == 0 || numbers[i] != numbers[i - 1]);
	}
	assert_int_equal(tell_first(&x, 1), 0);
	assert_int_equal(fixture_restart(&x), 0);
	assert_int_equal(tell_first(&x, 100), 0);
	for (uint32_t i = 0; i < 100; i++) {
		const struct ip_addr addr = node_addr(i);
		const struct ip_addr its = lb_nodes_addr(nodes_of(&x), numbers[i]);

		assert_int_equal(lb_nodes_find(nodes_of(&x), &addr), numbers[i]);
		assert_true(ip_addr_equal(&addr, &its));
	}
	fixture_done(&x);
}

/*
 * Nodes come and go, many more than there are numbers: those of nodes that are gone are given
 * again, after a rest, and never one that a backend names.
 */
static void numbers_are_given_again_after_a_rest(void **state)
{
	struct lb_target target = target_of_v4(0x0a000001, 8080, true);
	const struct ip_addr named = node_addr(0);
	uint32_t number;
	unsigned n_rests = 0;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	target.node = named;
	put_targets(&x, &target, 1);
	number = lb_nodes_find(nodes_of(&x), &named);
	for (uint32_t i = 1; i < 3 * LB_NODES; i++) {
		const struct lb_node_told told = {.addr = node_addr(i), .usable = true};
		int outcome = tell(&x, &told, 1);

		if (outcome == -EAGAIN) {
			fixture_at(&x, x.c.now + 2 * SECOND);
			n_rests++;
			outcome = tell(&x, &told, 1);
		}
		assert_int_equal(outcome, 0);
		assert_non_null(reader_node(&x, &told.addr));
		assert_int_equal(lb_nodes_find(nodes_of(&x), &named), number);
	}
	assert_in_range(n_rests, 2, 10);
	fixture_done(&x);
}

/* --- ways ------------------------------------------------------------------------------------- */

static struct lb_hop_told hop_to(uint32_t i, uint32_t uplink)
{
	return (struct lb_hop_told){.node = node_addr(i),
				    .source = ip_addr_from_v4(0x0a090099),
				    .uplink = uplink,
				    .ifindex = uplink,
				    .mtu = 1500,
				    .mac = {2, 0, 0, 0, 1, (uint8_t)i},
				    .own_mac = {2, 0, 0, 0, 2, (uint8_t)uplink}};
}

static uint64_t tag_of(uint64_t word)
{
	return word >> LB_HOP_TAG_SHIFT;
}

/* All three words are of one time, and say what was told. */
static void expect_hop(const struct lb_next_hop *hop, const struct lb_hop_told *told)
{
	uint8_t mac[8], own[8];

	memcpy(mac, &hop->neighbour, sizeof(mac));
	memcpy(own, &hop->own, sizeof(own));
	assert_int_equal((uint32_t)hop->way, told->ifindex);
	assert_int_equal(hop->way >> LB_HOP_MTU_SHIFT & 0xffff, told->mtu);
	assert_memory_equal(mac, told->mac, 6);
	assert_memory_equal(own, told->own_mac, 6);
	assert_true(tag_of(hop->way) == tag_of(hop->own));
	assert_true(tag_of(hop->way) == tag_of(hop->neighbour));
	assert_int_equal(hop->uplink, told->uplink);
	assert_memory_equal(hop->source, told->source.b, 16);
	assert_int_equal(hop->flags, told->on_link ? LB_HOP_ON_LINK : 0);
}

static void ways_are_those_that_are_told(void **state)
{
	struct lb_hop_told hops[] = {hop_to(0, 2), hop_to(1, 2), hop_to(0, UPLINK)};
	const struct ip_addr first = node_addr(0), second = node_addr(1);
	const struct lb_next_hop *hop;
	uint64_t tag;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(tell_first(&x, 2), 0);
	assert_int_equal(set_hops(&x, hops, 3), 0);
	expect_hop(&reader_node(&x, &first)->hops[0], &hops[0]);
	expect_hop(&reader_node(&x, &first)->hops[1], &hops[2]);
	expect_hop(hop = &reader_node(&x, &second)->hops[0], &hops[1]);
	assert_int_equal((uint32_t)reader_node(&x, &second)->hops[1].way, 0);
	tag = tag_of(hop->way);
	assert_int_equal(set_hops(&x, hops, 3), 0);
	assert_int_equal(tag_of(hop->way), tag); /* the same: nothing is written */
	hops[1].mac[0] = 6;
	assert_int_equal(set_hops(&x, hops, 3), 0);
	expect_hop(hop, &hops[1]);
	assert_int_not_equal(tag_of(hop->way), tag);
	tag = tag_of(hop->way);
	hops[1].on_link = true; /* the router went, and has left its address to the node */
	assert_int_equal(set_hops(&x, hops, 3), 0);
	expect_hop(hop, &hops[1]);
	assert_int_not_equal(tag_of(hop->way), tag);
	assert_int_equal(set_hops(&x, hops, 1), 0);
	assert_int_equal((uint32_t)hop->way, 0);
	expect_hop(&reader_node(&x, &first)->hops[0], &hops[0]);
	assert_int_equal((uint32_t)reader_node(&x, &first)->hops[1].way, 0);
	fixture_done(&x);
}

static void segments_are_to_fit_into_the_smallest_way(void **state)
{
	struct lb_hop_told hops[] = {hop_to(0, 2), hop_to(1, 2), hop_to(2, 2)};
	const struct lb_node_told v6 = {.addr = {.b = {0x20, 0x01, [15] = 9}}};
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(tell_first(&x, 3), 0);
	assert_int_equal(set_hops(&x, hops, 3), 0);
	assert_true((x.tunnel.mss & 0xffff) == 1500 - 60 - 40);
	assert_true(x.tunnel.mss >> 16 == 1500 - 108 - 60);
	hops[1].mtu = 1400;
	hops[2].mtu = LB_HOP_MTU_LEAST - 1; /* as if it were not there */
	assert_int_equal(set_hops(&x, hops, 3), 0);
	assert_true((x.tunnel.mss & 0xffff) == 1400 - 60 - 40);
	assert_int_equal((uint32_t)node_by(&x, 3)->hops[0].way, 0);
	hops[1].mtu = 1500;
	hops[1].node = hops[1].source = v6.addr;
	assert_int_equal(set_hops(&x, hops, 2), 0);
	assert_true((x.tunnel.mss & 0xffff) == 1500 - 60 - 40); /* no node is there, but a server */
	assert_int_equal(tell(&x, (struct lb_node_told[]){{.addr = node_addr(0)}, v6}, 2), 0);
	assert_int_equal(set_hops(&x, hops, 2), 0);
	assert_true((x.tunnel.mss & 0xffff) == 1500 - 80 - 40);
	assert_true(x.tunnel.mss >> 16 == 1500 - 128 - 60);
	assert_int_equal(set_hops(&x, hops, 0), 0);
	assert_true(x.tunnel.mss == 0);
	fixture_done(&x);
}

static void more_uplinks_than_are_told_apart_are_said(void **state)
{
	struct lb_hop_told hops[LB_NODE_HOPS + 1];
	const struct ip_addr addr = node_addr(0);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(tell_first(&x, 1), 0);
	for (uint32_t i = 0; i <= LB_NODE_HOPS; i++)
		hops[i] = hop_to(0, i + 1);
	assert_int_equal(set_hops(&x, hops, LB_NODE_HOPS), 0);
	assert_int_equal(set_hops(&x, hops, LB_NODE_HOPS + 1), -ENOSPC);
	for (uint32_t i = 0; i < LB_NODE_HOPS; i++)
		expect_hop(&reader_node(&x, &addr)->hops[i], &hops[i]);
	fixture_done(&x);
}

/* --- frontends -------------------------------------------------------------------------------- */

/* 10.0.0.1 is here, 10.0.0.2 on the first node. */
static void spread_targets(struct lb_target targets[2])
{
	targets_upto(targets, 2);
	targets[1].node = node_addr(0);
}

static void a_target_on_another_node_names_it(void **state)
{
	struct lb_target targets[2];
	const struct lb_actual *actual;
	struct arena *arena = arena_new();
	const struct lb_backend *be;
	uint32_t index;
	uint64_t live;
	size_t n;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	spread_targets(targets);
	put_targets(&x, targets, 2);
	be = entry_of(&x, 0x0a000002, &index);
	assert_true(be->state >> LB_BE_FLAGS_SHIFT == (LB_BE_IN_USE | LB_BE_READY));
	assert_memory_equal(node_by(&x, be->state >> 32 & 0xffff)->addr, targets[1].node.b, 16);
	be = entry_of(&x, 0x0a000001, &index);
	assert_true(be->state >> LB_BE_FLAGS_SHIFT == (LB_BE_IN_USE | LB_BE_READY | LB_BE_LOCAL));
	(void)the_service(&x, &live);
	assert_true(live >> LB_LIVE_FLAGS_SHIFT & LB_SVC_REMOTE);
	lb_tables_dump(x.t, arena, &actual, &n);
	assert_int_equal(n, 1);
	assert_int_equal(actual[0].flags, 0); /* what is derived is not told */
	assert_true(ip_addr_is_none(&actual[0].targets[0].node));
	assert_true(ip_addr_equal(&actual[0].targets[1].node, &targets[1].node));
	assert_int_equal(fixture_restart(&x), 0);
	lb_tables_dump(x.t, arena, &actual, &n);
	assert_int_equal(n, 1);
	arena_free(arena);
	fixture_done(&x);
}

/* A real server is its own node, of which nothing is told. */
static void a_real_server_is_reached_by_the_way_that_is_said(void **state)
{
	for (enum lb_way way = LB_BY_L2; way <= LB_BY_NAT; way++) {
		struct lb_target targets[2];
		const struct lb_actual *actual;
		struct arena *arena = arena_new();
		const struct lb_backend *be;
		uint32_t index;
		struct fixture x;
		size_t n;

		(void)state;
		fixture_init(&x);
		targets_upto(targets, 2);
		targets[1].node = targets[1].addr;
		targets[1].way = way;
		put_targets(&x, targets, 2);
		be = entry_of(&x, 0x0a000002, &index);
		assert_int_equal(be->state >> LB_BE_WAY_SHIFT & LB_BE_WAY_MASK, way);
		assert_memory_equal(node_by(&x, be->state >> 32 & 0xfff)->addr, targets[1].addr.b,
				    16);
		assert_true(node_by(&x, be->state >> 32 & 0xfff)->state == LB_NODE_IN_USE);
		assert_int_equal(fixture_restart(&x), 0);
		lb_tables_dump(x.t, arena, &actual, &n);
		assert_int_equal(n, 1);
		assert_int_equal(actual[0].targets[0].way, LB_BY_TUNNEL);
		assert_int_equal(actual[0].targets[1].way, way);
		assert_true(ip_addr_equal(&actual[0].targets[1].node, &targets[1].addr));
		targets[1].way = way == LB_BY_NAT ? LB_BY_L2 : way + 1;
		put_targets(&x, targets, 2);
		be = entry_of(&x, 0x0a000002, &index);
		assert_int_equal(be->state >> LB_BE_WAY_SHIFT & LB_BE_WAY_MASK, targets[1].way);
		*(__u64 *)(uintptr_t)&be->state |= LB_BE_WAY_MASK << LB_BE_WAY_SHIFT;
		assert_int_equal(fixture_restart(&x), 1); /* no build has written that */
		arena_free(arena);
		fixture_done(&x);
	}
}

/* A way without anybody at its end, and one that there is none. */
static void ways_that_lead_nowhere_are_refused(void **state)
{
	struct lb_target target = target_of_v4(0x0a000001, 8080, true);
	const struct lb_frontend f = frontend_of(key_of(0xc0000201, 80), &target, 1);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	target.way = LB_BY_IPIP;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	target.node = target.addr;
	assert_int_equal(fixture_put(&x, &f), 0);
	target.way = LB_BY_NAT + 1;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	fixture_done(&x);
}

/* Where another node's flows may come, no row settles by what is seen here alone. */
static void rows_that_others_share_begin_unsettled(void **state)
{
	struct lb_target targets[2];
	const struct lb_service *svc;
	uint64_t live;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	targets_upto(targets, 2);
	put_targets(&x, targets, 2);
	svc = the_service(&x, &live);
	assert_false(*reader_row(&x, live, 0) & LB_ROW_UNSETTLED);
	spread_targets(targets);
	put_targets(&x, targets, 2);
	(void)the_service(&x, &live);
	for (uint32_t row = 0; row < ROWS; row++)
		assert_true(*reader_row(&x, live, row) & LB_ROW_UNSETTLED);
	assert_true(svc->settle_from == x.c.now + LB_REST_NS);
	fixture_done(&x);
}

static void a_service_of_an_unknown_nodes_is_not_adopted(void **state)
{
	struct lb_target targets[2];
	struct fixture x;

	(void)state;
	fixture_init(&x);
	spread_targets(targets);
	put_targets(&x, targets, 2);
	memset(x.nodes[0], 0, LB_NODE_CHUNK * sizeof(struct lb_node));
	assert_int_equal(fixture_restart(&x), 1);
	put_targets(&x, targets, 2);
	fixture_done(&x);
}

static void the_end_of_tunnels_is_a_frontend_without_rows(void **state)
{
	struct lb_key key = key_of(0x0a090099, 6080);
	struct lb_frontend f = {.flags = LB_F_TUNNEL};
	const uint32_t zero[4] = {0};
	struct arena *arena = arena_new();
	const struct lb_vip *served;
	uint64_t live;
	size_t n;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	f.key = key;
	assert_int_equal(fixture_put(&x, &f), -EINVAL); /* of TCP */
	f.key.proto = 17;
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_non_null(reader_find(&x, &f.key, &live));
	assert_true(live >> LB_LIVE_FLAGS_SHIFT & LB_SVC_TUNNEL);
	assert_memory_equal(x.tunnel.own_v4, key.addr.b, 16);
	assert_true(x.tunnel.closed == 0);
	f.flags |= LB_F_CLOSED; /* no flow is to begin here */
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_true(x.tunnel.closed != 0);
	served = lb_tables_served(x.t, arena, &n);
	assert_int_equal(n, 0); /* it is no VIP */
	(void)served;
	assert_int_equal(fixture_restart(&x), 0);
	assert_true(x.tunnel.closed != 0);
	lb_tables_del(x.t, &x.c, &f.key);
	assert_memory_equal(x.tunnel.own_v4, zero, 16);
	f.flags = LB_F_TUNNEL;
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_true(x.tunnel.closed == 0);
	arena_free(arena);
	fixture_done(&x);
}

/* Packets to this address are looked at: its bit is set. */
static bool is_looked_at(const struct fixture *x, const struct ip_addr *addr)
{
	__u32 words[4], bit;

	memcpy(words, addr->b, sizeof(words));
	bit = lb_vip_bit(words);
	return x->vip_bits[bit / 64] >> bit % 64 & 1;
}

/* Flows know the address that they left by, whatever their way has now, and after a restart. */
static void answers_to_sources_of_ways_are_looked_at(void **state)
{
	const struct ip_addr target = node_addr(0), source = node_addr(7), later = node_addr(8);
	struct lb_hop_told hop = {.node = target, .source = source, .mtu = 1500, .own_mac = {2}};
	struct fixture x;

	(void)state;
	hop.uplink = hop.ifindex = 2;
	fixture_init(&x);
	assert_int_equal(set_hops(&x, &hop, 1), 0);
	assert_false(is_looked_at(&x, &source));
	fixture_set_nat(&x, 20000);
	assert_int_equal(x.tunnel.nat, 20000 | LB_NAT_LINES << LB_NAT_COUNT_SHIFT);
	hop.nat = true;
	assert_int_equal(set_hops(&x, &hop, 1), 0);
	assert_true(is_looked_at(&x, &source));
	assert_int_equal(set_hops(&x, NULL, 0), 0); /* not known for the moment */
	assert_int_equal(fixture_restart(&x), 0);
	assert_true(is_looked_at(&x, &source));
	hop.source = later;
	assert_int_equal(set_hops(&x, &hop, 1), 0);
	assert_true(is_looked_at(&x, &source) && is_looked_at(&x, &later));
	fixture_set_nat(&x, 0);
	assert_false(is_looked_at(&x, &source) || is_looked_at(&x, &later) || x.tunnel.nat);
	assert_int_equal(fixture_restart(&x), 0);
	assert_false(is_looked_at(&x, &later));
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_nodes_are_found_by_their_addresses),
		cmocka_unit_test(a_silent_node_is_known_and_not_usable),
		cmocka_unit_test(what_a_former_agent_was_told_stays),
		cmocka_unit_test(places_that_are_damaged_are_put_in_order),
		cmocka_unit_test(numbers_stay),
		cmocka_unit_test(numbers_are_given_again_after_a_rest),
		cmocka_unit_test(ways_are_those_that_are_told),
		cmocka_unit_test(segments_are_to_fit_into_the_smallest_way),
		cmocka_unit_test(more_uplinks_than_are_told_apart_are_said),
		cmocka_unit_test(a_target_on_another_node_names_it),
		cmocka_unit_test(a_real_server_is_reached_by_the_way_that_is_said),
		cmocka_unit_test(ways_that_lead_nowhere_are_refused),
		cmocka_unit_test(rows_that_others_share_begin_unsettled),
		cmocka_unit_test(a_service_of_an_unknown_nodes_is_not_adopted),
		cmocka_unit_test(the_end_of_tunnels_is_a_frontend_without_rows),
		cmocka_unit_test(answers_to_sources_of_ways_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
