// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Linear probing with at most three quarters of the slots used, and an order that is made when a
 * walk asks for it.
 */
#include "bgp/bgp_rib_table.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

#define SLOTS_MIN 64 /* a power of two */

/*
 * Indices of routes in order of prefix: made when a walk asks for it, and kept as long as few
 * routes come and go between two walks.
 */
#define ORDER_PATCHES 64
struct rib_order {
	uint32_t *index; /* owned */
	size_t n, cap;
	size_t n_patches; /* since the last walk */
	bool valid;
};

/* --- the order of a walk --------------------------------------------------------------------- */

static int cmp_for_order(const void *a, const void *b, void *routes)
{
	const struct rib_route *r = routes;

	return ip_prefix_cmp(&r[*(const uint32_t *)a].prefix, &r[*(const uint32_t *)b].prefix);
}

static void order_make(const struct rib_table *t)
{
	struct rib_order *o = t->order;

	o->n_patches = 0;
	if (o->valid)
		return;
	o->n = t->n;
	if (o->n > o->cap || !o->index) {
		o->cap = o->n + o->n / 4 + ORDER_PATCHES;
		o->index = xrealloc(o->index, o->cap, sizeof(*o->index));
	}
	for (size_t i = 0; i < o->n; i++)
		o->index[i] = (uint32_t)i;
	qsort_r(o->index, o->n, sizeof(*o->index), cmp_for_order, t->routes);
	o->valid = true;
}

/* Void from now on if it changes too often, or has no room. */
static bool order_is_kept(struct rib_order *o)
{
	if (o->n_patches++ == ORDER_PATCHES || o->n == o->cap)
		o->valid = false;
	return o->valid;
}

/* Where the prefix stands, or belongs. */
static size_t order_place(const struct rib_table *t, const struct ip_prefix *p)
{
	const struct rib_order *o = t->order;
	size_t low = 0, high = o->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_prefix_cmp(p, &t->routes[o->index[middle]].prefix) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last route of the array is new. */
static void order_add(struct rib_table *t)
{
	const uint32_t last = (uint32_t)t->n - 1;
	struct rib_order *o = t->order;
	size_t i;

	if (!order_is_kept(o))
		return;
	i = order_place(t, &t->routes[last].prefix);
	memmove(&o->index[i + 1], &o->index[i], (o->n - i) * sizeof(*o->index));
	o->index[i] = last;
	o->n++;
}

/* The route at `gap` goes, and the last one is about to take its place. */
static void order_remove(struct rib_table *t, uint32_t gap)
{
	const uint32_t last = (uint32_t)t->n - 1;
	struct rib_order *o = t->order;
	size_t i;

	if (!order_is_kept(o))
		return;
	i = order_place(t, &t->routes[gap].prefix);
	assert(i < o->n && o->index[i] == gap);
	o->n--;
	memmove(&o->index[i], &o->index[i + 1], (o->n - i) * sizeof(*o->index));
	if (gap != last)
		o->index[order_place(t, &t->routes[last].prefix)] = gap;
}

/* --- the table ------------------------------------------------------------------------------- */

static size_t slot_of(const struct rib_table *t, const struct ip_prefix *p)
{
	return hash_bytes(HASH_INIT, p, sizeof(*p)) & (t->n_slots - 1);
}

/* The slot that holds the prefix, or the free one where it belongs. */
static size_t slot_find(const struct rib_table *t, const struct ip_prefix *p)
{
	size_t i = slot_of(t, p);

	while (t->slots[i] != RIB_NONE && ip_prefix_cmp(&t->routes[t->slots[i]].prefix, p) != 0)
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

struct rib_route *rib_table_find(const struct rib_table *t, const struct ip_prefix *p)
{
	uint32_t i = t->slots[slot_find(t, p)];

	return i == RIB_NONE ? NULL : &t->routes[i];
}

static void slots_resize(struct rib_table *t, size_t n_slots)
{
	assert((n_slots & (n_slots - 1)) == 0);
	free(t->slots);
	t->n_slots = n_slots;
	t->slots = xmalloc(n_slots * sizeof(*t->slots));
	for (size_t i = 0; i < n_slots; i++)
		t->slots[i] = RIB_NONE;
	for (size_t i = 0; i < t->n; i++)
		t->slots[slot_find(t, &t->routes[i].prefix)] = (uint32_t)i;
}

struct rib_route *rib_table_add(struct rib_table *t, const struct ip_prefix *p)
{
	struct rib_route *r;

	if ((t->n + 1) * 4 > t->n_slots * 3)
		slots_resize(t, t->n_slots * 2);
	t->slots[slot_find(t, p)] = (uint32_t)t->n;
	r = xpush(&t->routes, &t->n, &t->cap, sizeof(*r));
	assert(t->n < t->n_slots); /* or a search might find no free slot */
	r->prefix = *p;
	r->prev = r->next = RIB_NONE;
	order_add(t);
	return r;
}

/* Frees a slot of a table with linear probing: what follows moves up unless it is at home. */
static void slot_clear(struct rib_table *t, size_t hole)
{
	size_t mask = t->n_slots - 1;

	for (size_t i = (hole + 1) & mask; t->slots[i] != RIB_NONE; i = (i + 1) & mask) {
		size_t home = slot_of(t, &t->routes[t->slots[i]].prefix);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = RIB_NONE;
}

void rib_table_remove(struct rib_table *t, struct rib_route *r)
{
	const uint32_t gap = (uint32_t)(r - t->routes), last = (uint32_t)t->n - 1;
	const struct rib_route *moved = &t->routes[last];

	assert(gap <= last);
	slot_clear(t, slot_find(t, &r->prefix));
	order_remove(t, gap);
	if (gap != last) {
		t->slots[slot_find(t, &moved->prefix)] = gap;
		*r = *moved;
	}
	t->n--;
}

void rib_table_init(struct rib_table *t)
{
	*t = (struct rib_table){.order = xcalloc(1, sizeof(*t->order))};
	slots_resize(t, SLOTS_MIN);
}

void rib_table_done(struct rib_table *t)
{
	free(t->order->index);
	free(t->order);
	free(t->slots);
	free(t->routes);
}

const struct rib_route *rib_table_in_order(const struct rib_table *t, size_t i)
{
	order_make(t);
	return i < t->order->n ? &t->routes[t->order->index[i]] : NULL;
}
