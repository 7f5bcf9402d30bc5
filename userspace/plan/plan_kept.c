// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is kept, and how a part is put into it: of each array what is in the part's zones is
 * replaced, the rest stays where it is.
 */
#include "plan/plan_kept.h"

#include "base/limits.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* --- arrays ---------------------------------------------------------------------------------- */

static void make_room(struct kept_array *a, size_t n)
{
	if (n <= a->cap)
		return;
	a->cap = n;
	a->items = xrealloc(a->items, a->cap, a->size);
}

/* Without room for more: mostly as many stay. */
static void set(struct kept_array *a, const void *items, size_t n, size_t size)
{
	a->size = size;
	make_room(a, n);
	if (n)
		memcpy(a->items, items, n * size);
	a->n = n;
}

static void done(struct kept_array *a)
{
	free(a->items);
	*a = (struct kept_array){0};
}

static bool fits(const struct plan_addressed *kept, const struct plan_addressed *part,
		 const struct plan_zones *z)
{
	size_t n_kept, n_part;

	for (size_t i = 0; i < z->n; i++) {
		(void)plan_zone_find(kept, &z->items[i], &n_kept);
		(void)plan_zone_find(part, &z->items[i], &n_part);
		if (n_kept != n_part)
			return false;
	}
	return true;
}

/* Each zone has as many as before: the others stay where they are. */
static void write_over(char *items, const struct plan_addressed *kept,
		       const struct plan_addressed *part, const struct plan_zones *z)
{
	const char *from = part->items;

	for (size_t i = 0; i < z->n; i++) {
		size_t n;
		const size_t first = plan_zone_find(kept, &z->items[i], &n);

		if (n)
			memcpy(items + first * kept->size, from, n * kept->size);
		from += n * kept->size;
	}
	/* Nothing of the part lies outside of its zones. */
	assert(from == (const char *)part->items + part->n * kept->size);
}

/*
 * All behind the first zone is moved out of the way, by as many as there can be more, and then put
 * in place piece by piece. What is yet to be moved always lies behind what was written.
 */
static void write_anew(struct kept_array *a, const struct plan_addressed *kept,
		       const struct plan_addressed *part, const struct plan_zones *z)
{
	const size_t size = a->size, gap = part->n;
	size_t n, at = plan_zone_find(kept, &z->items[0], &n), left = a->n - at;
	struct plan_addressed moved = *kept;
	char *tail;

	if (a->n + gap > a->cap)
		make_room(a, a->n + gap + a->n / 16);
	tail = a->items + (at + gap) * size;
	memmove(tail, a->items + at * size, left * size);
	for (size_t i = 0; i < z->n; i++) {
		size_t n_new, first, before;
		const size_t from = plan_zone_find(part, &z->items[i], &n_new);

		moved.items = tail;
		moved.n = left;
		first = before = plan_zone_find(&moved, &z->items[i], &n);
		memmove(a->items + at * size, tail, before * size);
		at += before;
		tail += (first + n) * size;
		left -= first + n;
		assert(a->items + (at + n_new) * size <= tail);
		if (n_new)
			memcpy(a->items + at * size, (const char *)part->items + from * size,
			       n_new * size);
		at += n_new;
	}
	memmove(a->items + at * size, tail, left * size);
	a->n = at + left;
	assert(a->n <= a->cap);
}

static void put(struct kept_array *a, const struct plan_addressed *part, const struct plan_zones *z)
{
	const struct plan_addressed kept = {a->items, a->n, part->size, part->at};

	a->size = part->size;
	if (z->n == 0)
		assert(part->n == 0);
	else if (fits(&kept, part, z))
		write_over(a->items, &kept, part, z);
	else
		write_anew(a, &kept, part, z);
}

/* --- routes ---------------------------------------------------------------------------------- */

static int cmp_set(const void *a, const void *b)
{
	return bgp_attrs_cmp(a, b);
}

static void count(struct plan_kept *k, const struct plan_route *rows, size_t n, bool more)
{
	for (size_t i = 0; i < n; i++) {
		assert(rows[i].hold || rows[i].attrs < k->n_attrs);
		assert(rows[i].hold || more || k->n_rows[rows[i].attrs] > 0);
		if (!rows[i].hold)
			k->n_rows[rows[i].attrs] += more ? 1 : (size_t)-1;
	}
}

/* The part's rows with the numbers of the kept sets; NULL: one is not kept. */
static struct plan_route *renumbered(const struct plan_kept *k, const struct plan_draft *d)
{
	const struct plan *part = d->plan;
	struct plan_route *rows =
		arena_memdup(d->arena, part->routes, part->n_routes * sizeof(*rows));
	uint32_t *numbers = arena_array_of(d->arena, part->n_attrs, uint32_t);

	for (size_t i = 0; i < part->n_attrs; i++) {
		const size_t at = plan_lower_bound(&part->attrs[i], k->attrs, k->n_attrs,
						   sizeof(*k->attrs), cmp_set);

		if (at == k->n_attrs || bgp_attrs_cmp(&k->attrs[at], &part->attrs[i]) != 0)
			return NULL;
		numbers[i] = (uint32_t)at;
	}
	for (size_t i = 0; i < part->n_routes; i++)
		if (!rows[i].hold)
			rows[i].attrs = numbers[rows[i].attrs];
	return rows;
}

static bool same_rows(const struct plan_route *a, const struct plan_route *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_prefix_cmp(&a[i].prefix, &b[i].prefix) != 0 || a[i].hold != b[i].hold ||
		    a[i].attrs != b[i].attrs || a[i].peers != b[i].peers)
			return false;
	return true;
}

/* False: a set comes, or no route has it any more. */
static bool put_routes(struct plan_kept *k, const struct plan_draft *d, const struct plan_part *p)
{
	const struct plan_route *kept = (const void *)k->routes.items;
	const struct plan_addressed all = PLAN_ADDRESSED(kept, k->routes.n, prefix.addr);
	const struct plan_route *rows = renumbered(k, d);
	struct plan_addressed part;
	size_t n_same = 0;
	bool same = true;

	if (!rows)
		return false;
	for (size_t i = 0; i < p->zones.n; i++) {
		size_t n;
		const size_t first = plan_zone_find(&all, &p->zones.items[i], &n);

		if (n == 0)
			continue;
		count(k, kept + first, n, false);
		same &= n_same + n <= d->plan->n_routes &&
			same_rows(kept + first, rows + n_same, n);
		n_same += n;
	}
	if (!same || n_same != d->plan->n_routes) {
		k->routes_generation++;
		set(&k->changed, p->zones.items, p->zones.n, sizeof(*p->zones.items));
	}
	count(k, rows, d->plan->n_routes, true);
	for (size_t i = 0; i < k->n_attrs; i++)
		if (k->n_rows[i] == 0)
			return false;
	part = PLAN_ADDRESSED(rows, d->plan->n_routes, prefix.addr);
	put(&k->routes, &part, &p->zones);
	return true;
}

static void keep_sets(struct plan_kept *k, const struct plan *plan)
{
	arena_free(k->arena);
	k->arena = arena_new();
	k->n_attrs = plan->n_attrs;
	k->attrs = arena_array_of(k->arena, k->n_attrs, struct bgp_attrs);
	k->n_rows = arena_array_of(k->arena, k->n_attrs, size_t);
	for (size_t i = 0; i < k->n_attrs; i++)
		k->attrs[i] = bgp_attrs_copy(k->arena, &plan->attrs[i]);
	count(k, plan->routes, plan->n_routes, true);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void put_services(struct plan_kept *k, const struct plan_draft *d, const struct plan_part *p)
{
	struct plan_service *kept = (void *)k->services.items;

	for (size_t i = 0; i < p->n; i++) {
		const uint32_t from = d->arranged->first_row[i];
		const uint32_t to = p->arranged->first_row[p->numbers[i]];
		const size_t n = d->arranged->first_row[i + 1] - from;

		assert(to + n == p->arranged->first_row[p->numbers[i] + 1]);
		if (n)
			memcpy(kept + to, d->plan->services + from, n * sizeof(*kept));
	}
}

static void forget_advertised(struct plan_kept *k)
{
	for (size_t i = 0; i < k->n_peers; i++)
		prefix_list_unref(k->advertised[i]);
	free(k->advertised);
	k->advertised = NULL;
	k->n_peers = 0;
}

/* What of the plan and of its (whole) inputs is the next one's affair. */
static void keep_inputs(struct plan_kept *k, struct plan_draft *d, const struct plan_inputs *in)
{
	const struct plan_actual *a = in->actual;

	assert(k->n_peers == a->n_peers); /* other ones cost a whole plan */
	for (size_t i = 0; i < a->n_peers; i++) {
		struct prefix_list *now = prefix_list_ref(a->peers[i].advertised);

		prefix_list_unref(k->advertised[i]);
		k->advertised[i] = now;
	}
	k->common = plan_kept_common(d, in);
	k->generation = a->generation;
	k->n_stored = a->n_frontends;
	plan_zones_seal(&d->stirred);
	set(&k->stirred, d->stirred.items, d->stirred.n, sizeof(*d->stirred.items));
}

static void take_kept(const struct plan_kept *k, struct plan *plan)
{
	plan->frontends = (const void *)k->frontends.items;
	plan->n_frontends = k->frontends.n;
	plan->routes = (const void *)k->routes.items;
	plan->n_routes = k->routes.n;
	plan->services = (const void *)k->services.items;
	plan->n_services = k->services.n;
	plan->routes_generation = k->routes_generation;
	plan->n_changed = k->changed.n;
	plan->changed = k->changed.n > 0 ? (const void *)k->changed.items : NULL;
	plan->attrs = k->attrs;
	plan->n_attrs = k->n_attrs;
}

bool plan_kept_put_part(struct plan_kept *k, struct plan_draft *d, const struct plan_part *p)
{
	const struct plan_addressed frontends =
		PLAN_ADDRESSED(d->plan->frontends, d->plan->n_frontends, lb.key.addr);

	assert(k->is_valid); /* or there was nothing to choose a part of */
	k->is_valid = !d->is_indivisible && put_routes(k, d, p);
	if (!k->is_valid)
		return false;
	put(&k->frontends, &frontends, &p->zones);
	put_services(k, d, p);
	take_kept(k, d->plan);
	keep_inputs(k, d, p->in);
	return true;
}

static bool exceeds(const struct plan_zones *z, const struct plan_actual *a)
{
	for (size_t i = 0; i < a->n_peers; i++)
		for (size_t j = 0; j < prefix_list_n(a->peers[i].advertised); j++)
			if (plan_zones_exceeds(z, &a->peers[i].advertised->items[j]))
				return true;
	return false;
}

bool plan_kept_put_whole(struct plan_kept *k, struct plan_draft *d)
{
	struct plan *plan = d->plan;

	k->is_valid = d->in->synced && !plan->leaving && !d->is_indivisible &&
		      !exceeds(&d->stirred, d->in->actual);
	if (!k->is_valid)
		return false;
	k->routes_generation++;
	k->changed.n = 0;
	set(&k->frontends, plan->frontends, plan->n_frontends, sizeof(*plan->frontends));
	set(&k->routes, plan->routes, plan->n_routes, sizeof(*plan->routes));
	set(&k->services, plan->services, plan->n_services, sizeof(*plan->services));
	keep_sets(k, plan);
	forget_advertised(k);
	k->n_peers = d->in->actual->n_peers;
	k->advertised = xcalloc(k->n_peers, sizeof(*k->advertised));
	keep_inputs(k, d, d->in);
	take_kept(k, plan);
	return true;
}

void plan_kept_done(struct plan_kept *k)
{
	forget_advertised(k);
	done(&k->frontends);
	done(&k->routes);
	done(&k->services);
	done(&k->stirred);
	done(&k->changed);
	arena_free(k->arena);
	plan_arrangement_done(&k->part);
	*k = (struct plan_kept){0};
}
