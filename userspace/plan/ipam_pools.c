// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Pools for the allocator (metallb.md 1.1, 2.4, ruling 14). Overlapping pools cost nobody anything:
 * the older one has the say about what they share, the newer is told. Nor do addresses that are no
 * host's: a pool gives the others.
 */
#include "plan/ipam_pools.h"

#include "base/sorted.h"
#include "plan/plan_no_hosts.h"
#include "plan/plan_sort.h"

#include <assert.h>

static int cmp_piece(const void *a, const void *b)
{
	const struct ipam_piece *x = a, *y = b;

	return ip_addr_cmp(&x->span.first, &y->span.first);
}

/* 0 where the piece holds the address. */
static int cmp_inside(const void *key, const void *item)
{
	const struct ipam_piece *piece = item;

	if (ip_addr_cmp(key, &piece->span.first) < 0)
		return -1;
	return ip_addr_cmp(key, &piece->span.last) > 0;
}

/* The ranges of a pool, without what is no host's. */
struct reading {
	struct ipam_pool *pool;
	struct arena *arena;
	struct ipam_piece *pieces;
	size_t n, cap;
};

static void add_piece(struct reading *r, size_t range, const struct ip_addr *first,
		      const struct ip_addr *last)
{
	*(struct ipam_piece *)arena_push(r->arena, &r->pieces, &r->n, &r->cap, sizeof(*r->pieces)) =
		(struct ipam_piece){.span = {*first, *last}, .range = range, .pool = r->pool};
}

/* What is left of one range; returns what was taken out of it, as text, or NULL. */
static const char *read_range(struct reading *r, size_t range)
{
	const struct ip_range *whole = &r->pool->object->pool.ranges[range];
	struct ip_addr at = whole->first;
	char text[IP_PREFIX_TEXT];
	const char *out = NULL;

	assert(ip_addr_cmp(&whole->first, &whole->last) <= 0);
	for (size_t i = 0; i < PLAN_NO_HOSTS; i++) {
		const struct ip_range cut = ip_prefix_range(&plan_no_hosts[i].prefix);
		const struct ip_addr before = ip_addr_before(&cut.first);

		if (!ip_range_overlaps(whole, &cut))
			continue;
		out = arena_printf(r->arena, "%s%s%s (%s)", out ? out : "", out ? ", " : "",
				   ip_prefix_text(&plan_no_hosts[i].prefix, text),
				   plan_no_hosts[i].what);
		if (ip_addr_cmp(&at, &cut.first) < 0)
			add_piece(r, range, &at, &before);
		if (ip_addr_cmp(&whole->last, &cut.last) <= 0)
			return out;
		at = ip_addr_next(&cut.last);
	}
	assert(ip_range_has(whole, &at));
	add_piece(r, range, &at, &whole->last);
	return out;
}

static void read_ranges(struct ipam_pool *p, struct arena *arena, struct problems *problems)
{
	struct reading r = {.pool = p, .arena = arena};

	for (size_t i = 0; i < p->object->pool.n_ranges; i++) {
		const size_t before = r.n;
		const char *out = read_range(&r, i);
		const bool is_useless = r.n == before;

		if (out)
			object_problem(problems, is_useless ? SEVERITY_ERROR : SEVERITY_WARNING,
				       p->object, arena_printf(arena, "spec.addresses[%zu]", i),
				       "NotForHosts", "take these addresses out of it",
				       "holds addresses that no host can have, of %s; %s", out,
				       is_useless ? "none of it is given to a Service"
						  : "the others are given to Services");
	}
	if (r.n > 0)
		qsort(r.pieces, r.n, sizeof(*r.pieces), cmp_piece);
	p->ranges = r.pieces;
	p->n_ranges = r.n;
}

static int cmp_name(const void *a, const void *b)
{
	const struct ipam_pool *const *x = a, *const *y = b;
	const int cmp = strcmp((*x)->name, (*y)->name);

	return cmp ? cmp : ((*x)->age > (*y)->age) - ((*x)->age < (*y)->age);
}

/* Priority 0 means last, so it counts as larger than all others. */
static int64_t priority_of(const struct ipam_pool *p)
{
	return p->object->pool.priority ? p->object->pool.priority : INT64_MAX;
}

static int cmp_pinned(const void *a, const void *b)
{
	const struct ipam_pool *const *x = a, *const *y = b;
	const int64_t p = priority_of(*x), q = priority_of(*y);

	if (p != q)
		return p < q ? -1 : 1;
	return ((*x)->age > (*y)->age) - ((*x)->age < (*y)->age);
}

static void sort_pools(struct ipam_pools *pools, struct arena *arena)
{
	pools->by_name = arena_array_of(arena, pools->n, struct ipam_pool *);
	pools->pinned = arena_array_of(arena, pools->n, struct ipam_pool *);
	pools->open = arena_array_of(arena, pools->n, struct ipam_pool *);
	pools->in_ns = arena_array_of(arena, pools->n, struct ipam_pool *);
	for (size_t i = 0; i < pools->n; i++) {
		struct ipam_pool *p = &pools->items[i];

		pools->by_name[i] = p;
		if (!p->object->pool.auto_assign)
			continue;
		if (p->object->pool.has_service_allocation)
			pools->pinned[pools->n_pinned++] = p;
		else
			pools->open[pools->n_open++] = p;
	}
	assert(pools->n_pinned + pools->n_open <= pools->n);
	qsort(pools->by_name, pools->n, sizeof(*pools->by_name), cmp_name);
	qsort(pools->pinned, pools->n_pinned, sizeof(*pools->pinned), cmp_pinned);
}

void ipam_pools_build(const struct world *world, const struct object_list *list, bool strict,
		      struct arena *arena, struct problems *problems, struct ipam_pools *ret)
{
	*ret = (struct ipam_pools){.world = world,
				   .items = arena_array_of(arena, list->n, struct ipam_pool),
				   .n = list->n};
	for (size_t i = 0; i < list->n; i++) {
		struct ipam_pool *p = &ret->items[i];

		p->object = list->items[i];
		p->name = list->items[i]->meta.name;
		p->age = i;
		read_ranges(p, arena, problems);
	}
	sort_pools(ret, arena);
	ipam_pools_divide(ret, strict, arena, problems);
}

struct ipam_pool *ipam_pool_of(const struct ipam_pools *pools, const struct ip_addr *a)
{
	const struct ipam_piece *piece =
		sorted_find(a, pools->pieces, pools->n_pieces, sizeof(*pools->pieces), cmp_inside);

	return piece ? piece->pool : NULL;
}

const struct ipam_piece *ipam_pool_range(const struct ipam_pool *p, const struct ip_addr *a)
{
	return sorted_find(a, p->ranges, p->n_ranges, sizeof(*p->ranges), cmp_inside);
}

static int cmp_wanted(const void *key, const void *item)
{
	const struct ipam_pool *const *p = item;

	return strcmp(key, (*p)->name);
}

/* Of two with one name (in our namespace and in none) the older. */
struct ipam_pool *ipam_pool_named(const struct ipam_pools *pools, const char *name)
{
	const size_t i = plan_lower_bound(name, pools->by_name, pools->n, sizeof(*pools->by_name),
					  cmp_wanted);

	if (i == pools->n || strcmp(pools->by_name[i]->name, name) != 0)
		return NULL;
	return pools->by_name[i];
}

static bool namespace_admitted(const struct ipam_pools *pools, const struct api_pool *spec,
			       const char *ns)
{
	const struct api_object *o = world_find(pools->world, API_NAMESPACE, "", ns);

	if (spec->namespaces.n == 0 && spec->namespace_selectors.n == 0)
		return true;
	if (plan_strings_have(&spec->namespaces, ns))
		return true;
	return o && selectors_match(&spec->namespace_selectors, &o->meta.labels, false);
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

static void admit_namespace(struct ipam_pools *pools, const char *ns)
{
	pools->ns = ns;
	pools->n_in_ns = 0;
	for (size_t i = 0; i < pools->n_pinned; i++)
		if (namespace_admitted(pools, &pools->pinned[i]->object->pool, ns))
			pools->in_ns[pools->n_in_ns++] = pools->pinned[i];
	assert(pools->n_in_ns <= pools->n_pinned);
}

struct ipam_pool *ipam_pools_pinned(struct ipam_pools *pools, const struct api_object *service,
				    size_t *i)
{
	const char *ns = plan_text(service->meta.ns);

	if (!pools->ns || strcmp(pools->ns, ns) != 0)
		admit_namespace(pools, ns);
	while (*i < pools->n_in_ns) {
		struct ipam_pool *p = pools->in_ns[(*i)++];

		if (selectors_match(&p->object->pool.service_selectors, &service->meta.labels,
				    true))
			return p;
	}
	return NULL;
}
