// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Numbers are given from 1 on, each once, and only when all are used up, or a node finds no place,
 * it is looked for those that are given back: no node of theirs is told, no backend names them, and
 * they have rested. So a reader that
 * holds an old number finds at worst a node that is not told.
 *
 * A way is three words with one tag; they are stored one after the other, and a reader that sees
 * two tags takes none of them (struct lb_next_hop). What else belongs to it is written while its
 * first word is 0.
 */
#include "lb/lb_nodes_inside.h"
#include "lb/lb_tables.h"

#include "base/limits.h"
#include "base/mem.h"

#include "bpf/nat_ports.h"
#include "bpf/wire.h"

#include <assert.h>
#include <errno.h>

#define NUMBER_MASK (LB_NODES - 1)
#define IP_TCP_V4   40 /* octets of headers before a segment */
#define IP_TCP_V6   60
#define TAG_MASK    (UINT64_MAX << LB_HOP_TAG_SHIFT)

struct lb_nodes {
	struct lb_tables *tables; /* borrowed, as the next two */
	uint64_t *places;         /* LB_NODE_PLACES */
	struct lb_tunnel *tunnel;
	struct lb_node *chunks[LB_NODE_CHUNKS]; /* borrowed */
	uint32_t n_chunks, n_given;             /* numbers below were given */
	nsec_t *unused_at; /* per number: since when nobody is told or named; 0: not so. Owned */
	struct ip_prefix *nat_ends; /* whose bits are set for answers; owned */
	size_t n_nat_ends, cap_nat_ends;
};

static struct lb_node *node_at(const struct lb_nodes *n, uint32_t number)
{
	assert(number > 0 && number / LB_NODE_CHUNK < n->n_chunks);
	return &n->chunks[number / LB_NODE_CHUNK][number % LB_NODE_CHUNK];
}

static void store(uint64_t *word, uint64_t value)
{
	if (*word != value)
		__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void set_state(const struct lb_nodes *n, uint32_t number, uint64_t state)
{
	store((uint64_t *)&node_at(n, number)->state, state);
}

struct lb_nodes *lb_nodes_new(struct lb_tables *t, uint64_t *places, struct lb_tunnel *tunnel)
{
	struct lb_nodes *n = xcalloc(1, sizeof(*n));

	*n = (struct lb_nodes){.tables = t, .places = places, .tunnel = tunnel, .n_given = 1};
	n->unused_at = xcalloc(LB_NODES, sizeof(*n->unused_at));
	return n;
}

struct lb_nodes *lb_nodes_free(struct lb_nodes *n)
{
	if (!n)
		return NULL;
	free(n->unused_at);
	free(n->nat_ends);
	free(n);
	return NULL;
}

void lb_nodes_add_chunk(struct lb_nodes *n, struct lb_node *nodes)
{
	assert(n->n_chunks < LB_NODE_CHUNKS);
	n->chunks[n->n_chunks++] = nodes;
}

bool lb_nodes_has(const struct lb_nodes *n, uint32_t number)
{
	return number > 0 && number / LB_NODE_CHUNK < n->n_chunks &&
	       node_at(n, number)->state & LB_NODE_IN_USE;
}

struct ip_addr lb_nodes_addr(const struct lb_nodes *n, uint32_t number)
{
	struct ip_addr ret = {.b = {0}};

	if (lb_nodes_has(n, number))
		memcpy(ret.b, node_at(n, number)->addr, sizeof(ret.b));
	return ret;
}

/* --- places ----------------------------------------------------------------------------------- */

static uint64_t *word_of(const struct lb_nodes *n, const struct ip_addr *addr, unsigned which)
{
	__u32 words[4];

	memcpy(words, addr->b, sizeof(words));
	return &n->places[lb_node_place(words, which)];
}

static uint32_t number_in(uint64_t word, unsigned way)
{
	return word >> way * LB_NODE_BITS & NUMBER_MASK;
}

static unsigned n_in(uint64_t word)
{
	unsigned count = 0;

	for (unsigned way = 0; way < LB_NODE_WAYS; way++)
		count += number_in(word, way) != 0;
	return count;
}

uint32_t lb_nodes_find(const struct lb_nodes *n, const struct ip_addr *addr)
{
	for (unsigned which = 0; which < 2; which++) {
		const uint64_t word = *word_of(n, addr, which);

		for (unsigned way = 0; way < LB_NODE_WAYS; way++) {
			const uint32_t number = number_in(word, way);
			const struct ip_addr its = lb_nodes_addr(n, number);

			if (number && ip_addr_equal(&its, addr))
				return number;
		}
	}
	return 0;
}

/* Into the emptier of its two places; false: both are full. */
static bool place(const struct lb_nodes *n, const struct ip_addr *addr, uint32_t number)
{
	uint64_t *words[2] = {word_of(n, addr, 0), word_of(n, addr, 1)};
	uint64_t *word = words[n_in(*words[1]) < n_in(*words[0])];

	for (unsigned way = 0; way < LB_NODE_WAYS; way++) {
		if (number_in(*word, way))
			continue;
		store(word, *word | (uint64_t)number << way * LB_NODE_BITS);
		return true;
	}
	return false;
}

static void displace(const struct lb_nodes *n, const struct ip_addr *addr, uint32_t number)
{
	for (unsigned which = 0; which < 2; which++) {
		uint64_t *word = word_of(n, addr, which);

		for (unsigned way = 0; way < LB_NODE_WAYS; way++)
			if (number_in(*word, way) == number)
				store(word, *word & ~((uint64_t)NUMBER_MASK << way * LB_NODE_BITS));
	}
}

_Static_assert(LB_NAT_LINES == LIMIT_NAT_PORTS, "a line for each port");

/* --- answers of targets that are LB_BY_NAT ---------------------------------------------------- */

/* Packets to this address of ours are looked at. */
static void add_nat_end(struct lb_nodes *n, const struct ip_addr *addr)
{
	struct ip_prefix *end;

	for (size_t i = 0; i < n->n_nat_ends; i++)
		if (ip_addr_equal(&n->nat_ends[i].addr, addr))
			return;
	end = xpush(&n->nat_ends, &n->n_nat_ends, &n->cap_nat_ends, sizeof(*end));
	*end = ip_prefix_of(addr, (uint8_t)ip_addr_bits(addr));
	lb_tables_cover(n->tables, end);
}

static void adopt_nat_ends(struct lb_nodes *n, uint32_t number)
{
	for (unsigned i = 0; i < LB_NODE_HOPS; i++) {
		const struct lb_next_hop *hop = &node_at(n, number)->hops[i];
		struct ip_addr source;

		memcpy(source.b, hop->source, sizeof(source.b));
		if (hop->flags & LB_HOP_NAT)
			add_nat_end(n, &source);
	}
}

int lb_nodes_set_nat(struct lb_nodes *n, uint16_t first_port)
{
	if (first_port && !lb_tables_have_far(n->tables))
		return LB_NEED_FAR;
	store((uint64_t *)&n->tunnel->nat, first_port ? lb_nat_range(first_port, LB_NAT_LINES) : 0);
	if (first_port)
		return 0;
	for (size_t i = 0; i < n->n_nat_ends; i++)
		lb_tables_uncover(n->tables, &n->nat_ends[i]);
	n->n_nat_ends = 0;
	return 0;
}

/* --- adoption --------------------------------------------------------------------------------- */

/* The number is of a node that may be at this place, and has been met at no other. */
static bool is_placed(const struct lb_nodes *n, uint32_t at, uint32_t number, uint64_t *met)
{
	const struct ip_addr addr = lb_nodes_addr(n, number);
	const uint64_t bit = UINT64_C(1) << number % 64;
	bool is_first;

	if (!lb_nodes_has(n, number) ||
	    (word_of(n, &addr, 0) != &n->places[at] && word_of(n, &addr, 1) != &n->places[at]))
		return false;
	is_first = !(met[number / 64] & bit);
	met[number / 64] |= bit;
	return is_first;
}

static void adopt_places(struct lb_nodes *n)
{
	_cleanup_(freep) uint64_t *met = xcalloc(LB_NODES / 64, sizeof(*met));

	for (uint32_t at = 0; at < LB_NODE_PLACES; at++) {
		uint64_t word = 0;

		for (unsigned way = 0; way < LB_NODE_WAYS; way++) {
			const uint32_t number = number_in(n->places[at], way);

			if (number && is_placed(n, at, number, met))
				word |= (uint64_t)number << way * LB_NODE_BITS;
		}
		store(&n->places[at], word);
	}
}

/*
 * Nothing that is right is changed, and not for a moment: programs go by it, and what the former
 * agent was told holds until this one is.
 */
void lb_nodes_adopt(struct lb_nodes *n)
{
	adopt_places(n);
	for (uint32_t number = 1; number < n->n_chunks * LB_NODE_CHUNK; number++) {
		const struct ip_addr addr = lb_nodes_addr(n, number);
		uint32_t found;

		if (!lb_nodes_has(n, number))
			continue;
		n->n_given = number + 1;
		found = lb_nodes_find(n, &addr);
		if (found != number && (found != 0 || !place(n, &addr, number)))
			set_state(n, number, 0); /* one that contradicts another */
		if (n->tunnel->nat)
			adopt_nat_ends(n, number);
	}
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void free_number(struct lb_nodes *n, uint32_t number)
{
	const struct ip_addr addr = lb_nodes_addr(n, number);

	assert(!(node_at(n, number)->state & LB_NODE_KNOWN));
	displace(n, &addr, number);
	set_state(n, number, 0);
	for (unsigned i = 0; i < LB_NODE_HOPS; i++)
		store((uint64_t *)&node_at(n, number)->hops[i].way, 0);
	n->unused_at[number] = 0;
}

/* Frees what is given back and has rested; true: something rests that may be freed later. */
static bool sweep(struct lb_nodes *n, const struct lb_clock *c)
{
	_cleanup_(freep) uint64_t *named = xcalloc(LB_NODES / 64, sizeof(*named));
	bool rests = false;

	lb_tables_name_nodes(n->tables, named);
	for (uint32_t number = 1; number < n->n_given; number++) {
		if (!lb_nodes_has(n, number))
			continue;
		if (node_at(n, number)->state & LB_NODE_KNOWN ||
		    named[number / 64] >> number % 64 & 1) {
			n->unused_at[number] = 0;
			continue;
		}
		if (n->unused_at[number] == 0)
			n->unused_at[number] = c->now;
		if (n->unused_at[number] <= c->quiet)
			free_number(n, number);
		else
			rests = true;
	}
	return rests;
}

/* 0: there is none. */
static uint32_t free_one(const struct lb_nodes *n)
{
	for (uint32_t number = 1; number < n->n_given; number++)
		if (!lb_nodes_has(n, number))
			return number;
	return 0;
}

/* A number for a new node; 0: there is none. */
static uint32_t next_number(struct lb_nodes *n, const struct lb_clock *c, int *ret_outcome)
{
	uint32_t ret;
	bool rests;

	*ret_outcome = LB_NEED_NODE_CHUNK;
	if (n->n_given < LB_NODES)
		return n->n_given < n->n_chunks * LB_NODE_CHUNK ? n->n_given : 0;
	ret = free_one(n);
	if (ret != 0)
		return ret;
	rests = sweep(n, c);
	*ret_outcome = rests ? -EAGAIN : -ENOSPC;
	return free_one(n);
}

/* Into one of its places, if need be in that of a node that is gone. */
static int place_or_sweep(struct lb_nodes *n, const struct lb_clock *c, const struct ip_addr *addr,
			  uint32_t number)
{
	bool rests;

	if (place(n, addr, number))
		return 0;
	rests = sweep(n, c);
	if (place(n, addr, number))
		return 0;
	return rests ? -EAGAIN : -ENOSPC;
}

int lb_nodes_take(struct lb_nodes *n, const struct lb_clock *c, const struct ip_addr *addr)
{
	uint32_t number;
	int outcome;

	assert(!ip_addr_is_none(addr));
	if (lb_nodes_find(n, addr) != 0)
		return 0;
	number = next_number(n, c, &outcome);
	if (number == 0)
		return outcome;
	memcpy(node_at(n, number)->addr, addr->b, sizeof(addr->b));
	outcome = place_or_sweep(n, c, addr, number);
	if (outcome != 0)
		return outcome;
	set_state(n, number, LB_NODE_IN_USE);
	assert(lb_nodes_find(n, addr) == number);
	if (number == n->n_given)
		n->n_given++;
	n->unused_at[number] = 0;
	return 0;
}

int lb_nodes_take_all(struct lb_nodes *n, const struct lb_clock *c, const struct lb_frontend *f)
{
	int outcome = 0;

	for (size_t i = 0; outcome == 0 && i < f->n_targets; i++)
		if (!ip_addr_is_none(&f->targets[i].node))
			outcome = lb_nodes_take(n, c, &f->targets[i].node);
	assert(!lb_frontend_is_far(f) || lb_tables_have_far(n->tables));
	return outcome;
}

uint32_t lb_derived_flags(const struct lb_frontend *f)
{
	for (size_t i = 0; i < f->n_targets; i++)
		if (!ip_addr_is_none(&f->targets[i].node))
			return LB_SVC_REMOTE;
	return f->n_targets ? 0 : LB_SVC_NO_BACKENDS;
}

/* --- what is told ----------------------------------------------------------------------------- */

int lb_nodes_tell(struct lb_nodes *n, const struct lb_clock *c, const struct lb_node_told *items,
		  size_t n_items)
{
	_cleanup_(freep) uint64_t *states = xcalloc(LB_NODES, sizeof(*states));
	int outcome = 0;

	for (size_t i = 0; i < n_items; i++) {
		const int taken = lb_nodes_take(n, c, &items[i].addr);

		if (taken > 0)
			return taken;
		if (taken == 0)
			states[lb_nodes_find(n, &items[i].addr)] =
				LB_NODE_IN_USE | LB_NODE_KNOWN |
				(uint64_t)items[i].version << LB_NODE_VERSION_SHIFT |
				(items[i].usable ? LB_NODE_USABLE : 0) |
				(items[i].leaves ? LB_NODE_LEAVES : 0);
		else
			outcome = taken;
	}
	for (uint32_t number = 1; number < n->n_given; number++)
		if (lb_nodes_has(n, number))
			set_state(n, number, states[number] ? states[number] : LB_NODE_IN_USE);
	return outcome;
}

/* --- ways ------------------------------------------------------------------------------------- */

static uint64_t mac_word(const uint8_t mac[6])
{
	uint64_t ret = 0;

	memcpy(&ret, mac, 6);
	return ret;
}

static uint32_t flags_of(const struct lb_hop_told *told)
{
	return (told->on_link ? LB_HOP_ON_LINK : 0) | (told->nat ? LB_HOP_NAT : 0);
}

static bool is_same_hop(const struct lb_next_hop *hop, const struct lb_hop_told *told)
{
	return (hop->way & ~TAG_MASK) ==
		       (told->ifindex | (uint64_t)told->mtu << LB_HOP_MTU_SHIFT) &&
	       (hop->neighbour & ~TAG_MASK) == mac_word(told->mac) &&
	       (hop->own & ~TAG_MASK) == mac_word(told->own_mac) && hop->uplink == told->uplink &&
	       hop->flags == flags_of(told) &&
	       memcmp(hop->source, told->source.b, sizeof(hop->source)) == 0;
}

static void set_hop(struct lb_next_hop *hop, const struct lb_hop_told *told)
{
	const uint64_t tag = (hop->own & TAG_MASK) + (UINT64_C(1) << LB_HOP_TAG_SHIFT);

	assert(told->ifindex != 0 && told->uplink != 0);
	if (is_same_hop(hop, told))
		return;
	if (hop->uplink != told->uplink || hop->flags != flags_of(told) ||
	    memcmp(hop->source, told->source.b, sizeof(hop->source)) != 0) {
		store((uint64_t *)&hop->way, 0);
		memcpy(hop->source, told->source.b, sizeof(hop->source));
		hop->uplink = told->uplink;
		hop->flags = flags_of(told);
	}
	store((uint64_t *)&hop->own, mac_word(told->own_mac) | tag);
	store((uint64_t *)&hop->neighbour, mac_word(told->mac) | tag);
	store((uint64_t *)&hop->way, told->ifindex | (uint64_t)told->mtu << LB_HOP_MTU_SHIFT | tag);
}

static uint16_t mss_of(uint32_t mtu, bool outer_v4, bool inner_v4)
{
	const uint32_t over = lb_tunnel_overhead(outer_v4, inner_v4, LB_TUNNEL_ASK) +
			      (inner_v4 ? IP_TCP_V4 : IP_TCP_V6);

	return (uint16_t)(mtu > over ? mtu - over : 1);
}

static bool is_known(const struct lb_nodes *n, const struct ip_addr *addr)
{
	const uint32_t number = lb_nodes_find(n, addr);

	return number != 0 && node_at(n, number)->state & LB_NODE_KNOWN;
}

/* What fits into the smallest of them, for segments over IPv4 and IPv6. */
static void store_mss(const struct lb_nodes *n, const struct lb_hop_told *items, size_t n_items)
{
	uint16_t v4 = 0, v6 = 0;

	for (size_t i = 0; i < n_items; i++) {
		const bool outer_v4 = ip_addr_is_v4(&items[i].node);
		const uint16_t its_v4 = mss_of(items[i].mtu, outer_v4, true);
		const uint16_t its_v6 = mss_of(items[i].mtu, outer_v4, false);

		if (items[i].mtu < LB_HOP_MTU_LEAST || !is_known(n, &items[i].node))
			continue;
		v4 = v4 == 0 || its_v4 < v4 ? its_v4 : v4;
		v6 = v6 == 0 || its_v6 < v6 ? its_v6 : v6;
	}
	store((uint64_t *)&n->tunnel->mss, v4 | (uint64_t)v6 << LB_TUNNEL_MSS_V6_SHIFT);
}

uint64_t lb_nodes_nat(const struct lb_nodes *n)
{
	return __atomic_load_n(&n->tunnel->nat, __ATOMIC_RELAXED);
}

int lb_nodes_set_hops(struct lb_nodes *n, const struct lb_clock *c, const struct lb_hop_told *items,
		      size_t n_items)
{
	_cleanup_(freep) uint8_t *has = xcalloc(LB_NODES, sizeof(*has)); /* a bit for each place */
	int outcome = 0;

	for (size_t i = 0; i < n_items; i++) {
		const int taken = lb_nodes_take(n, c, &items[i].node);

		if (taken > 0)
			return taken;
		outcome = taken ? taken : outcome;
	}
	for (size_t i = 0, at = 0; i < n_items; i++) {
		const uint32_t number = lb_nodes_find(n, &items[i].node);

		assert(i == 0 || items[i - 1].uplink <= items[i].uplink);
		at += i > 0 && items[i].uplink != items[i - 1].uplink;
		if (at >= LB_NODE_HOPS)
			outcome = -ENOSPC;
		if (at >= LB_NODE_HOPS || number == 0 || items[i].mtu < LB_HOP_MTU_LEAST)
			continue;
		has[number] |= (uint8_t)(1u << at);
		if (items[i].nat)
			add_nat_end(n, &items[i].source);
		set_hop(&node_at(n, number)->hops[at], &items[i]);
	}
	for (uint32_t number = 1; number < n->n_given; number++)
		for (unsigned k = 0; k < LB_NODE_HOPS; k++)
			if (!(has[number] >> k & 1))
				store((uint64_t *)&node_at(n, number)->hops[k].way, 0);
	store_mss(n, items, n_items);
	return outcome;
}

void lb_nodes_set_end(struct lb_nodes *n, const struct lb_key *key, bool is_there, bool is_closed)
{
	__u32 *own = ip_addr_is_v4(&key->addr) ? n->tunnel->own_v4 : n->tunnel->own_v6;

	assert(!is_there || lb_tables_have_far(n->tables));
	if (key->domain != 0 || (!is_there && memcmp(own, key->addr.b, sizeof(key->addr.b)) != 0))
		return;
	store((uint64_t *)&n->tunnel->closed, is_closed);
	if (is_there)
		memcpy(own, key->addr.b, sizeof(key->addr.b));
	else
		memset(own, 0, sizeof(key->addr.b));
}
