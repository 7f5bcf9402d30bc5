// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header. The world's Nodes are in the order of names, and so is the result. */
#include "plan/plan_tunnels.h"

#include "base/sorted.h"
#include "plan/plan_objects.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* An address of a Node, and how many name it. */
struct claimed {
	struct ip_addr addr;
	const char *node;
};

/* The first of the family that the Node names; none: it names none. */
static struct ip_addr first_of(const struct api_node *node, enum ip_family family)
{
	for (size_t i = 0; i < node->n_internal; i++)
		if (ip_family_of(&node->internal[i]) == family)
			return node->internal[i];
	return (struct ip_addr){0};
}

static int cmp_claimed(const void *a, const void *b)
{
	const struct claimed *x = a, *y = b;
	const int cmp = ip_addr_cmp(&x->addr, &y->addr);

	return cmp ? cmp : strcmp(x->node, y->node);
}

static int cmp_claimed_addr(const void *key, const void *item)
{
	const struct claimed *c = item;

	return ip_addr_cmp(key, &c->addr);
}

/* What all Nodes name first, by address. */
static struct claimed *list_claimed(const struct world_list *nodes, struct arena *arena,
				    size_t *ret_n)
{
	struct claimed *ret = arena_array_of(arena, nodes->n * IP_N_FAMILIES, struct claimed);
	size_t n = 0;

	for (size_t i = 0; i < nodes->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			ret[n].addr = first_of(&nodes->items[i]->node, f);
			ret[n].node = nodes->items[i]->meta.name;
			n += !ip_addr_is_none(&ret[n].addr);
		}
	if (n)
		qsort(ret, n, sizeof(*ret), cmp_claimed);
	*ret_n = n;
	return ret;
}

/* Another Node that names the address, or NULL. */
static const char *other_with(const struct claimed *all, size_t n, const struct ip_addr *addr,
			      const char *node)
{
	size_t i = plan_lower_bound(addr, all, n, sizeof(*all), cmp_claimed_addr);

	for (; i < n && ip_addr_equal(&all[i].addr, addr); i++)
		if (strcmp(all[i].node, node) != 0)
			return all[i].node;
	return NULL;
}

static void say_twice(struct problems *problems, const struct api_object *node,
		      const struct ip_addr *addr, const char *other)
{
	char text[IP_ADDR_TEXT];

	object_problem(problems, SEVERITY_WARNING, node, "status.addresses", "TunnelAddressTwice",
		       "give each Node an InternalIP of its own",
		       "%s is an InternalIP of Node %s, too: packets are tunnelled to neither",
		       ip_addr_text(addr, text), other);
}

static int cmp_tunnel_addr(const void *a, const void *b)
{
	const struct plan_tunnel *x = a, *y = b;

	return ip_addr_cmp(&x->addr, &y->addr);
}

static const struct plan_tunnel *sorted_by_addr(const struct plan_tunnel *items, size_t n,
						struct arena *arena)
{
	struct plan_tunnel *ret = arena_memdup(arena, items, n * sizeof(*ret));

	if (n)
		qsort(ret, n, sizeof(*ret), cmp_tunnel_addr);
	for (size_t i = 1; i < n; i++)
		assert(cmp_tunnel_addr(&ret[i - 1], &ret[i]) < 0);
	return ret;
}

void plan_tunnels_build(const struct world *world, const char *node_name, struct arena *arena,
			struct problems *problems, struct plan_tunnels *ret)
{
	const struct world_list nodes = world_list(world, API_NODE);
	const struct api_object *self = world_find(world, API_NODE, "", node_name);
	struct plan_tunnel *items = arena_array_of(arena, nodes.n, struct plan_tunnel);
	struct ip_addr own[IP_N_FAMILIES] = {0};
	size_t n_claimed;
	const struct claimed *claimed = list_claimed(&nodes, arena, &n_claimed);

	*ret = (struct plan_tunnels){.items = items};
	for (enum ip_family f = 0; self && f < IP_N_FAMILIES; f++) {
		const struct ip_addr addr = first_of(&self->node, f);

		if (!ip_addr_is_none(&addr) && !other_with(claimed, n_claimed, &addr, node_name))
			own[f] = addr;
	}
	for (size_t i = 0; i < nodes.n; i++) {
		const struct api_object *o = nodes.items[i];

		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			const struct ip_addr addr = first_of(&o->node, f);
			const char *other;

			if (ip_addr_is_none(&addr))
				continue;
			other = other_with(claimed, n_claimed, &addr, o->meta.name);
			if (other)
				say_twice(problems, o, &addr, other);
			if (other || o == self || ip_addr_is_none(&own[f]))
				continue;
			assert(ret->n == 0 || strcmp(items[ret->n - 1].node, o->meta.name) < 0);
			items[ret->n++] = (struct plan_tunnel){.node = o->meta.name, .addr = addr};
			ret->own[f] = own[f];
			break;
		}
	}
	assert(ret->n <= nodes.n);
	ret->by_addr = sorted_by_addr(items, ret->n, arena);
}

static int cmp_node(const void *key, const void *item)
{
	const struct plan_tunnel *t = item;

	return strcmp(key, t->node);
}

const struct ip_addr *plan_tunnel_to(const struct plan_tunnels *t, const char *node)
{
	const struct plan_tunnel *found =
		sorted_find(node, t->items, t->n, sizeof(*t->items), cmp_node);

	return found ? &found->addr : NULL;
}

static int cmp_addr(const void *key, const void *item)
{
	const struct plan_tunnel *t = item;

	return ip_addr_cmp(key, &t->addr);
}

const char *plan_tunnel_node(const struct plan_tunnels *t, const struct ip_addr *addr)
{
	const struct plan_tunnel *found =
		sorted_find(addr, t->by_addr, t->n, sizeof(*t->by_addr), cmp_addr);

	return found ? found->node : NULL;
}
