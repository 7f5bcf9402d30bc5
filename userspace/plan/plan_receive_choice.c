// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Candidates are thrown out criterion by criterion (RFC 4271 9.1.2.2); those that are left before
 * the tie is broken by identifiers are followed together, over several gateways. Two routes of one
 * gateway are one hop.
 */
#include "plan/plan_receive_choice.h"

#include "base/hash.h"
#include "plan/plan_links.h"
#include "plan/plan_objects.h"

#include <assert.h>

#define DEFAULT_LOCAL_PREF 100u

/* --- next hops ------------------------------------------------------------------------------- */

/* The device on whose link the address is; 0: on none. */
static int find_link_with(const struct plan_node *node, uint16_t domain, const struct ip_addr *a)
{
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *l = &node->addrs[i];
		const struct ip_prefix network = ip_prefix_of(&l->addr, l->len);
		const struct plan_link *link;

		if (l->len == ip_addr_bits(&l->addr) || !ip_prefix_has(&network, a))
			continue;
		link = plan_link_find(node, l->ifindex);
		if (link && link->up && plan_link_domain(node, link) == domain)
			return l->ifindex;
	}
	return 0;
}

/* A few next hops are those of many routes, and a node may have thousands of addresses. */
static int link_with(const struct receive_peers *peers, uint16_t domain, const struct ip_addr *a)
{
	const size_t at = hash_bytes(HASH_INIT, a, sizeof(*a)) % RECEIVE_LINKS;
	int ifindex;

	if (peers->links && peers->links->items[at].is_known &&
	    peers->links->items[at].domain == domain &&
	    ip_addr_equal(&peers->links->items[at].addr, a))
		return peers->links->items[at].ifindex;
	ifindex = find_link_with(peers->node, domain, a);
	if (peers->links) {
		peers->links->items[at].addr = *a;
		peers->links->items[at].ifindex = ifindex;
		peers->links->items[at].domain = domain;
		peers->links->items[at].is_known = true;
	}
	return ifindex;
}

/* On the link of the peer, which is directly connected or known by its interface. */
static bool resolve_link_local(const struct receive_peers *peers, const struct receive_peer *peer,
			       const struct ip_addr *a, struct fib_hop *ret)
{
	const struct plan_link *link = plan_link_find(peers->node, peer->ifindex);

	if (!link || !link->up)
		return false;
	*ret = (struct fib_hop){*a, peer->ifindex};
	return true;
}

/* By what the kernel says of the way to it; no route of ours is a way to a next hop of ours. */
static bool resolve_by_route(const struct receive_peers *peers, const struct receive_peer *peer,
			     const struct ip_addr *a, struct fib_hop *ret)
{
	const struct plan_route_to *way =
		peer->domain == 0 || peer->vrf ? plan_way_to(peers->node, a, peer->vrf) : NULL;

	if (!way || way->ifindex == 0 || way->is_received)
		return false;
	*ret = (struct fib_hop){ip_addr_is_none(&way->gateway) ? *a : way->gateway, way->ifindex};
	return true;
}

bool receive_resolve(const struct receive_peers *peers, const struct receive_peer *peer,
		     const struct bgp_path *path, struct fib_hop *ret, uint32_t *ret_cost)
{
	int ifindex;

	*ret_cost = 0;
	if (ip_addr_is_link_local(&path->next_hop))
		return resolve_link_local(peers, peer, &path->next_hop, ret);
	ifindex = link_with(peers, peer->domain, &path->next_hop);
	if (ifindex) {
		*ret = (struct fib_hop){path->next_hop, ifindex};
		return true;
	}
	if (!ip_addr_is_none(&path->link_local))
		return resolve_link_local(peers, peer, &path->link_local, ret);
	*ret_cost = 1;
	return resolve_by_route(peers, peer, &path->next_hop, ret);
}

/* --- the choice ------------------------------------------------------------------------------ */

struct candidate {
	size_t peer;
	bool is_ibgp;
	const struct bgp_path *path;
	struct fib_hop hop;
	uint32_t cost;
};

struct candidates {
	struct candidate items[64];
	size_t n;
};

/* Smaller is better. */
typedef uint64_t (*criterion)(const struct candidate *c);

static uint64_t by_local_pref(const struct candidate *c)
{
	return UINT32_MAX - (c->path->has_local_pref ? c->path->local_pref : DEFAULT_LOCAL_PREF);
}

static uint64_t by_length(const struct candidate *c)
{
	return c->path->length;
}

static uint64_t by_origin(const struct candidate *c)
{
	return c->path->origin;
}

static uint64_t by_external(const struct candidate *c)
{
	return c->is_ibgp;
}

static uint64_t by_cost(const struct candidate *c)
{
	return c->cost;
}

static void keep_least(struct candidates *all, criterion of)
{
	uint64_t least = UINT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		least = of(&all->items[i]) < least ? of(&all->items[i]) : least;
	for (size_t i = 0; i < all->n; i++)
		if (of(&all->items[i]) == least)
			all->items[n++] = all->items[i];
	all->n = n;
}

/* 9.1.2.2 c: a MED counts among routes of the same neighbouring AS only; without it is 0. */
static bool has_better_med(const struct candidates *all, const struct candidate *c)
{
	for (size_t i = 0; i < all->n; i++)
		if (bgp_path_neighbor_asn(all->items[i].path) == bgp_path_neighbor_asn(c->path) &&
		    all->items[i].path->med < c->path->med)
			return true;
	return false;
}

static void keep_least_med(struct candidates *all)
{
	const struct candidates before = *all;

	all->n = 0;
	for (size_t i = 0; i < before.n; i++)
		if (!has_better_med(&before, &before.items[i]))
			all->items[all->n++] = before.items[i];
}

static void gather(const struct receive_peers *peers, uint32_t table,
		   const struct ip_prefix *prefix, struct candidates *all,
		   struct receive_choice *ret)
{
	for (size_t i = 0; i < peers->n; i++) {
		const struct receive_peer *p = &peers->items[i];
		struct candidate c = {.peer = i, .is_ibgp = p->is_ibgp};

		if (p->table != table)
			continue;
		c.path = bgp_rib_in_accepted(p->rib, prefix);
		if (!c.path)
			continue;
		ret->has |= UINT64_C(1) << i;
		if (receive_resolve(peers, p, c.path, &c.hop, &c.cost))
			all->items[all->n++] = c;
		else
			ret->unreachable |= UINT64_C(1) << i;
	}
}

/* 9.1.2.2 f, g, and RFC 4456 9 between them: whose route is named the best. */
static int cmp_identity(const struct receive_peers *peers, const struct candidate *a,
			const struct candidate *b)
{
	const struct receive_peer *p = &peers->items[a->peer], *q = &peers->items[b->peer];
	const uint32_t id_a = a->path->originator_id ? a->path->originator_id : p->router_id;
	const uint32_t id_b = b->path->originator_id ? b->path->originator_id : q->router_id;

	if (id_a != id_b)
		return id_a < id_b ? -1 : 1;
	if (a->path->n_clusters != b->path->n_clusters)
		return a->path->n_clusters < b->path->n_clusters ? -1 : 1;
	return ip_addr_cmp(&p->address, &q->address);
}

static void add_hop(struct fib_hops *hops, const struct fib_hop *hop)
{
	for (size_t i = 0; i < hops->n; i++)
		if (fib_hop_cmp(&hops->items[i], hop) == 0)
			return;
	if (hops->n < FIB_HOPS_MAX)
		hops->items[hops->n++] = *hop;
}

void receive_choose(const struct receive_peers *peers, uint32_t table,
		    const struct ip_prefix *prefix, struct receive_choice *ret)
{
	struct candidates all;
	size_t best = 0;

	assert(peers->n <= ARRAY_SIZE(all.items));
	all.n = 0;
	*ret = (struct receive_choice){.has = 0};
	if (table == 0)
		return;
	gather(peers, table, prefix, &all, ret);
	if (all.n > 1) {
		keep_least(&all, by_local_pref);
		keep_least(&all, by_length);
		keep_least(&all, by_origin);
		keep_least_med(&all);
		keep_least(&all, by_external);
		keep_least(&all, by_cost);
	}
	for (size_t i = 0; i < all.n; i++) {
		ret->chosen |= UINT64_C(1) << all.items[i].peer;
		if (cmp_identity(peers, &all.items[i], &all.items[best]) < 0)
			best = i;
		add_hop(&ret->hops, &all.items[i].hop);
	}
	ret->best = all.n > 0 ? all.items[best].peer : 0;
	qsort(ret->hops.items, ret->hops.n, sizeof(*ret->hops.items), fib_hop_cmp);
}

enum receive_fate receive_fate(const struct receive_choice *c, size_t peer)
{
	const uint64_t bit = UINT64_C(1) << peer;

	if (c->unreachable & bit)
		return RECEIVE_UNREACHABLE;
	if (!(c->chosen & bit))
		return RECEIVE_WORSE;
	return c->best == peer ? RECEIVE_BEST : RECEIVE_MULTIPATH;
}
