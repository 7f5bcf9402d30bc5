// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Of several owners of an address the one counts for whom it is not loose, then the
 * first by its words.
 */
#include "plan/plan_own.h"

#include "base/sorted.h"
#include "plan/plan_links.h"
#include "plan/plan_sort.h"

struct own_build {
	struct arena *arena;
	struct plan_own_address *items;
	size_t n, cap;
};

static void add(struct own_build *b, const struct ip_addr *a, const char *owner, bool loose)
{
	struct plan_own_address *item;

	if (ip_addr_is_none(a))
		return;
	item = arena_push(b->arena, &b->items, &b->n, &b->cap, sizeof(*item));
	*item = (struct plan_own_address){*a, owner, loose};
}

/* In a VRF the address is another one: no VIP is there yet. */
static void add_node(struct own_build *b, const struct plan_node *node)
{
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];
		const struct plan_link *link = plan_link_find(node, a->ifindex);
		const char *device = link ? link->name : "unknown device";
		const bool is_host = a->len == ip_addr_bits(&a->addr);

		if (plan_link_domain(node, link) != 0 ||
		    (is_host && strcmp(device, "kube-ipvs0") == 0))
			continue;
		add(b, &a->addr, arena_printf(b->arena, "an address of this node (%s)", device),
		    is_host && (strcmp(device, "lo") == 0 || strncmp(device, "dummy", 5) == 0));
	}
}

static void add_gateways(struct own_build *b, const struct plan_node *node)
{
	for (size_t i = 0; i < node->n_gateways; i++) {
		const struct plan_gateway *hop = &node->gateways[i];
		const struct plan_link *link = plan_link_find(node, hop->ifindex);

		if (plan_link_domain(node, link) == 0)
			add(b, &hop->addr,
			    arena_printf(b->arena, "the next hop of a default route here (%s)",
					 link ? link->name : "unknown device"),
			    false);
	}
}

static void add_objects(struct own_build *b, const struct world *world)
{
	const struct world_list nodes = world_list(world, API_NODE);
	const struct world_list peers = world_list(world, API_BGP_PEER);

	for (size_t i = 0; i < nodes.n; i++) {
		const struct api_object *o = nodes.items[i];
		const char *owner = arena_printf(b->arena, "an address of Node %s", o->meta.name);

		for (size_t k = 0; k < o->node.n_internal; k++)
			add(b, &o->node.internal[k], owner, false);
		for (size_t k = 0; k < o->node.n_external; k++)
			add(b, &o->node.external[k], owner, false);
	}
	for (size_t i = 0; i < peers.n; i++) {
		const struct api_object *o = peers.items[i];

		add(b, &o->peer.address,
		    arena_printf(b->arena, "the address of BGPPeer %s", o->meta.name), false);
		add(b, &o->peer.source_address,
		    arena_printf(b->arena, "the source address of BGPPeer %s", o->meta.name),
		    false);
	}
}

static int cmp_own(const void *a, const void *b)
{
	const struct plan_own_address *x = a, *y = b;
	const int cmp = ip_addr_cmp(&x->addr, &y->addr);

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
	add_objects(&b, world);
	b.n = plan_sort_unique(b.items, b.n, sizeof(*b.items), cmp_own);
	for (size_t i = 0; i < b.n; i++)
		if (n == 0 || !ip_addr_equal(&b.items[n - 1].addr, &b.items[i].addr))
			b.items[n++] = b.items[i];
	*ret = (struct plan_own){.items = b.items, .n = n};
}

static int cmp_addr(const void *key, const void *item)
{
	const struct plan_own_address *own = item;

	return ip_addr_cmp(key, &own->addr);
}

const struct plan_own_address *plan_own_find(const struct plan_own *own, const struct ip_addr *a)
{
	const struct plan_own_address *item =
		sorted_find(a, own->items, own->n, sizeof(*own->items), cmp_addr);

	return item && !item->loose ? item : NULL;
}

const struct plan_own_address *plan_own_under(const struct plan_own *own, const struct ip_prefix *p)
{
	size_t i = plan_lower_bound(&p->addr, own->items, own->n, sizeof(*own->items), cmp_addr);

	for (; i < own->n && ip_prefix_has(p, &own->items[i].addr); i++)
		if (!own->items[i].loose)
			return &own->items[i];
	return NULL;
}
