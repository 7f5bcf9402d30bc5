// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Pools for the allocator (metallb.md 1.1, 2.4, ruling 14). Overlapping pools cost nobody anything:
 * the older one has the say about what they share, the newer is told.
 */
#include "plan/ipam_pools.h"

static const struct ip_range *overlap(const struct api_pool *a, const struct api_pool *b)
{
	for (size_t i = 0; i < a->n_ranges; i++)
		for (size_t k = 0; k < b->n_ranges; k++)
			if (ip_range_overlaps(&a->ranges[i], &b->ranges[k]))
				return &b->ranges[k];
	return NULL;
}

static void report_overlaps(const struct ipam_pools *pools, struct problems *problems)
{
	for (size_t i = 0; i < pools->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct api_object *older = pools->items[k].object;
			const struct api_object *newer = pools->items[i].object;

			if (overlap(&older->pool, &newer->pool))
				object_problem(problems, SEVERITY_WARNING, newer, "spec.addresses",
					       "OverlapsWith", "give each address to one pool",
					       "overlaps with the older pool %s, which keeps what "
					       "they share",
					       older->meta.name);
		}
}

void ipam_pools_build(const struct world *world, const struct plan_settings *settings,
		      struct arena *arena, struct problems *problems, struct ipam_pools *ret)
{
	const struct object_list list =
		plan_objects(world, settings, API_IP_ADDRESS_POOL, arena, NULL);

	*ret = (struct ipam_pools){.world = world,
				   .items = arena_array_of(arena, list.n, struct ipam_pool),
				   .n = list.n};
	for (size_t i = 0; i < list.n; i++) {
		ret->items[i].object = list.items[i];
		ret->items[i].age = i;
	}
	report_overlaps(ret, problems);
}

static bool pool_has(const struct ipam_pool *p, const struct ip_addr *a)
{
	const struct api_pool *spec = &p->object->pool;

	for (size_t i = 0; i < spec->n_ranges; i++)
		if (ip_range_has(&spec->ranges[i], a))
			return true;
	return false;
}

struct ipam_pool *ipam_pool_of(const struct ipam_pools *pools, const struct ip_addr *a)
{
	for (size_t i = 0; i < pools->n; i++)
		if (pool_has(&pools->items[i], a))
			return &pools->items[i];
	return NULL;
}

struct ipam_pool *ipam_pool_named(const struct ipam_pools *pools, const char *name)
{
	for (size_t i = 0; i < pools->n; i++)
		if (strcmp(pools->items[i].object->meta.name, name) == 0)
			return &pools->items[i];
	return NULL;
}

static bool namespace_admitted(const struct ipam_pools *pools, const struct api_pool *spec,
			       const char *ns)
{
	const struct world_list all = world_list(pools->world, API_NAMESPACE);

	if (spec->namespaces.n == 0 && spec->namespace_selectors.n == 0)
		return true;
	if (plan_strings_have(&spec->namespaces, ns))
		return true;
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i]->meta.name, ns) == 0)
			return selectors_match(&spec->namespace_selectors,
					       &all.items[i]->meta.labels, false);
	return false;
}

bool ipam_pool_admits(const struct ipam_pools *pools, const struct ipam_pool *p,
		      const struct api_object *service)
{
	const struct api_pool *spec = &p->object->pool;

	if (!spec->has_service_allocation)
		return true;
	return namespace_admitted(pools, spec, plan_text(service->meta.ns)) &&
	       selectors_match(&spec->service_selectors, &service->meta.labels, true);
}

bool ipam_pool_avoids(const struct ipam_pool *p, const struct ip_addr *a)
{
	const uint8_t last = a->b[15];

	return p->object->pool.avoid_buggy && ip_addr_is_v4(a) && (last == 0 || last == 255);
}

static int cmp_choice(const void *a, const void *b)
{
	const struct ipam_pool *const *x = a, *const *y = b;
	const struct api_pool *p = &(*x)->object->pool, *q = &(*y)->object->pool;

	if (p->has_service_allocation != q->has_service_allocation)
		return q->has_service_allocation - p->has_service_allocation;
	/* Priority 0 means last, so it counts as larger than all others. */
	if (p->has_service_allocation && p->priority != q->priority) {
		if (p->priority == 0 || q->priority == 0)
			return p->priority == 0 ? 1 : -1;
		return p->priority < q->priority ? -1 : 1;
	}
	return (*x)->age < (*y)->age ? -1 : (*x)->age > (*y)->age;
}

size_t ipam_pools_for(const struct ipam_pools *pools, const struct api_object *service,
		      struct ipam_pool **out)
{
	size_t n = 0;

	for (size_t i = 0; i < pools->n; i++)
		if (pools->items[i].object->pool.auto_assign &&
		    ipam_pool_admits(pools, &pools->items[i], service))
			out[n++] = &pools->items[i];
	qsort(out, n, sizeof(*out), cmp_choice);
	return n;
}
