// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Of several owners of an address the one counts for whom it is not loose, then the
 * first by its words.
 */
#include "plan/plan_own.h"

#include "base/sorted.h"
#include "plan/plan_links.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct own_build {
	struct arena *arena;
	struct plan_own_address *items;
	size_t n, cap;
};

static void add(struct own_build *b, uint16_t domain, const struct ip_addr *a, const char *owner,
		bool loose)
{
	struct plan_own_address *item;

	assert(*owner);
	if (ip_addr_is_none(a))
		return;
	item = arena_push(b->arena, &b->items, &b->n, &b->cap, sizeof(*item));
	*item = (struct plan_own_address){*a, owner, loose, domain};
}

/* Addresses of one device stand together, as a rule: it is found, and named, once for all of them.
 */
static void add_node(struct own_build *b, const struct plan_node *node)
{
	const struct plan_link *link = NULL;
	const char *device = NULL, *owner = NULL;

	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];
		const bool is_host = a->len == ip_addr_bits(&a->addr);

		if (!owner || a->ifindex != node->addrs[i - 1].ifindex) {
			link = plan_link_find(node, a->ifindex);
			device = link ? link->name : "unknown device";
			owner = arena_printf(b->arena, "an address of this node (%s)", device);
		}
		if (is_host && strcmp(device, "kube-ipvs0") == 0)
			continue;
		add(b, plan_link_domain(node, link), &a->addr, owner,
		    is_host && (strcmp(device, "lo") == 0 || strncmp(device, "dummy", 5) == 0));
	}
}

static void add_gateways(struct own_build *b, const struct plan_node *node)
{
	for (size_t i = 0; i < node->n_gateways; i++) {
		const struct plan_gateway *hop = &node->gateways[i];
		const struct plan_link *link = plan_link_find(node, hop->ifindex);

		add(b, plan_link_domain(node, link), &hop->addr,
		    arena_printf(b->arena, "the next hop of a default route here (%s)",
				 link ? link->name : "unknown device"),
		    false);
	}
}

/* One of a VRF, as far as it is there, is of all domains as well: it is not given to a Service. */
static void add_of_peer(struct own_build *b, const struct plan_node *node,
			const struct api_peer *peer, const struct ip_addr *a, const char *owner)
{
	const struct plan_link *vrf = peer->vrf ? plan_link_named(node, peer->vrf) : NULL;

	add(b, 0, a, owner, false);
	if (plan_link_domain(node, vrf))
		add(b, plan_link_domain(node, vrf), a, owner, false);
}

static void add_objects(struct own_build *b, const struct world *world,
			const struct plan_node *node)
{
	const struct world_list nodes = world_list(world, API_NODE);
	const struct world_list peers = world_list(world, API_BGP_PEER);

	for (size_t i = 0; i < nodes.n; i++) {
		const struct api_object *o = nodes.items[i];
		const char *owner = arena_printf(b->arena, "an address of Node %s", o->meta.name);

		for (size_t k = 0; k < o->node.n_internal; k++)
			add(b, 0, &o->node.internal[k], owner, false);
		for (size_t k = 0; k < o->node.n_external; k++)
			add(b, 0, &o->node.external[k], owner, false);
	}
	for (size_t i = 0; i < peers.n; i++) {
		const struct api_object *o = peers.items[i];

		add_of_peer(b, node, &o->peer, &o->peer.address,
			    arena_printf(b->arena, "the address of BGPPeer %s", o->meta.name));
		add_of_peer(
			b, node, &o->peer, &o->peer.source_address,
			arena_printf(b->arena, "the source address of BGPPeer %s", o->meta.name));
	}
}

static int cmp_addr(const void *a, const void *b)
{
	const struct plan_own_address *x = a, *y = b;

	if (x->domain != y->domain)
		return x->domain > y->domain ? 1 : -1;
	return ip_addr_cmp(&x->addr, &y->addr);
}

static int cmp_own(const void *a, const void *b)
{
	const struct plan_own_address *x = a, *y = b;
	const int cmp = cmp_addr(a, b);

	if (cmp)
		return cmp;
	return x->loose != y->loose ? x->loose - y->loose : strcmp(x->owner, y->owner);
}

void plan_own_build(const struct world *world, const struct plan_node *node, struct arena *arena,
		    struct plan_own *ret)
{
	struct own_build b = {.arena = arena};
	size_t n = 0;

	add_node(&b, node);
	add_gateways(&b, node);
	add_objects(&b, world, node);
	b.n = plan_sort_unique(b.items, b.n, sizeof(*b.items), cmp_own);
	for (size_t i = 0; i < b.n; i++)
		if (n == 0 || cmp_addr(&b.items[n - 1], &b.items[i]) != 0)
			b.items[n++] = b.items[i];
	*ret = (struct plan_own){.items = b.items, .n = n};
	while (ret->n_of_all < n && b.items[ret->n_of_all].domain == 0)
		ret->n_of_all++;
}

const struct plan_own_address *plan_own_find(const struct plan_own *own, uint16_t domain,
					     const struct ip_addr *a)
{
	const struct plan_own_address key = {.domain = domain, .addr = *a};
	const struct plan_own_address *item =
		sorted_find(&key, own->items, own->n, sizeof(*own->items), cmp_addr);

	return item && !item->loose ? item : NULL;
}

const struct plan_own_address *plan_own_under(const struct plan_own *own, uint16_t domain,
					      const struct ip_prefix *p)
{
	const struct plan_own_address key = {.domain = domain, .addr = p->addr};
	size_t i = plan_lower_bound(&key, own->items, own->n, sizeof(*own->items), cmp_addr);

	for (;
	     i < own->n && own->items[i].domain == domain && ip_prefix_has(p, &own->items[i].addr);
	     i++)
		if (!own->items[i].loose)
			return &own->items[i];
	return NULL;
}
