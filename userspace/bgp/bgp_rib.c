// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: what a peer should know, what it knows, and the difference, in buckets.
 *
 * Routes lie in one dense array, found by an open hash table of indices into it; 100,000 of them
 * are a common size, so a route is 56 octets and nothing is allocated by route. Attribute sets are
 * few: each is one allocation, interned by family and content and counted by use (a route uses up
 * to two: desired and advertised). A route that has to be sent is dirty and hangs in exactly one
 * bucket: that of its desired set, or its family's bucket of withdrawals. Buckets with routes form
 * a list per family in order of need.
 *
 * Invariants, checked by the property test: a route is dirty if and only if desired and advertised
 * differ or a refresh was asked for; a bucket holds routes of one family; a route with neither set
 * is not in the table; a set without a user is freed. Nothing here knows of sessions, encoding or
 * time.
 */
#include "bgp/bgp_rib.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/mem.h"

#include <assert.h>

#define NONE       UINT32_MAX
#define SLOTS_MIN  64 /* a power of two; at most half of the slots are used */
#define SETS_SLOTS 1024

/* Dirty routes of one kind of work, first come, first served. */
struct bucket {
	uint32_t head, tail;        /* indices of routes, NONE if empty */
	struct bucket *prev, *next; /* in the list of buckets that are not empty */
	struct attr_set *set;       /* NULL: withdrawals */
};

struct attr_set {
	struct bgp_attrs attrs; /* lists follow this struct, in the same allocation */
	enum bgp_family family;
	uint64_t hash;
	size_t n_users;
	struct attr_set *next_in_slot;
	struct bucket bucket;
};

struct route {
	struct ip_prefix prefix;
	bool dirty, refresh;
	uint32_t prev, next; /* in its bucket */
	struct attr_set *desired, *advertised;
};

/*
 * Indices of routes in order of prefix: made when a walk asks for it, and kept as long as few
 * routes come and go between two walks.
 */
#define ORDER_PATCHES 64
struct order {
	uint32_t *index; /* owned */
	size_t n, cap;
	size_t n_patches; /* since the last walk */
	bool valid;
};

/* What waits to be sent of one family. */
struct work {
	struct bucket withdrawals;
	struct bucket *first, *last; /* of the announcing buckets that are not empty */
};

struct bgp_rib {
	struct route *routes; /* owned, dense */
	size_t n_routes, cap_routes;
	uint32_t *slots; /* owned: hash -> index of a route, or NONE */
	size_t n_slots;
	struct attr_set *sets[SETS_SLOTS]; /* owned, chained by hash */
	struct work work[BGP_N_FAMILIES];
	size_t n_desired, n_advertised, n_sets;
	struct order *order; /* owned; apart, so that a walk can fill it through a const rib */
};

/* --- attribute sets -------------------------------------------------------------------------- */

static uint64_t hash_attrs(enum bgp_family family, const struct bgp_attrs *a)
{
	uint64_t h = hash_u64(HASH_INIT, family);

	h = hash_u64(h, (uint64_t)a->origin << 8 | a->prepend);
	h = hash_u64(h, a->has_local_pref ? (uint64_t)a->local_pref + 1 : 0);
	h = hash_u64(h, a->has_med ? (uint64_t)a->med + 1 : 0);
	h = hash_bytes(h, &a->next_hop, sizeof(a->next_hop));
	if (a->n_communities > 0)
		h = hash_bytes(h, a->communities, a->n_communities * sizeof(*a->communities));
	if (a->n_large > 0)
		h = hash_bytes(h, a->large, a->n_large * sizeof(*a->large));
	if (a->n_extended > 0)
		h = hash_bytes(h, a->extended, a->n_extended * sizeof(*a->extended));
	return h;
}

static void bucket_init(struct bucket *b, struct attr_set *set)
{
	*b = (struct bucket){.head = NONE, .tail = NONE, .set = set};
}

/* The family's interned set of that content, one user more. */
static struct attr_set *set_get(struct bgp_rib *rib, enum bgp_family family,
				const struct bgp_attrs *a)
{
	uint64_t hash = hash_attrs(family, a);
	struct attr_set **slot = &rib->sets[hash % SETS_SLOTS], *set;

	for (set = *slot; set; set = set->next_in_slot)
		if (set->hash == hash && set->family == family &&
		    bgp_attrs_cmp(&set->attrs, a) == 0)
			break;
	if (!set) {
		_Static_assert(sizeof(*set) % _Alignof(uint64_t) == 0, "lists follow the set");
		set = xmalloc(sizeof(*set) + bgp_attrs_lists_size(a));
		*set = (struct attr_set){
			.attrs = bgp_attrs_copy_to(set + 1, a),
			.family = family,
			.hash = hash,
			.next_in_slot = *slot,
		};
		bucket_init(&set->bucket, set);
		*slot = set;
		rib->n_sets++;
	}
	set->n_users++;
	return set;
}

/* One user less; the last one frees it. NULL is nobody's set. */
static void set_put(struct bgp_rib *rib, struct attr_set *set)
{
	struct attr_set **at;

	if (!set)
		return;
	assert(set->n_users > 0);
	if (--set->n_users > 0)
		return;
	assert(set->bucket.head == NONE);
	for (at = &rib->sets[set->hash % SETS_SLOTS]; *at != set;)
		at = &(*at)->next_in_slot;
	*at = set->next_in_slot;
	rib->n_sets--;
	free(set);
}

/* --- the order of a walk -----------------------------------------------------------------------
 */

static int cmp_for_order(const void *a, const void *b, void *routes)
{
	const struct route *r = routes;

	return ip_prefix_cmp(&r[*(const uint32_t *)a].prefix, &r[*(const uint32_t *)b].prefix);
}

static void order_make(const struct bgp_rib *rib)
{
	struct order *o = rib->order;

	o->n_patches = 0;
	if (o->valid)
		return;
	o->n = rib->n_routes;
	if (o->n > o->cap || !o->index) {
		o->cap = o->n + o->n / 4 + ORDER_PATCHES;
		o->index = xrealloc(o->index, o->cap, sizeof(*o->index));
	}
	for (size_t i = 0; i < o->n; i++)
		o->index[i] = (uint32_t)i;
	qsort_r(o->index, o->n, sizeof(*o->index), cmp_for_order, rib->routes);
	o->valid = true;
}

/* Void from now on if it changes too often, or has no room. */
static bool order_is_kept(struct order *o)
{
	if (o->n_patches++ == ORDER_PATCHES || o->n == o->cap)
		o->valid = false;
	return o->valid;
}

/* Where the prefix stands, or belongs. */
static size_t order_place(const struct bgp_rib *rib, const struct ip_prefix *p)
{
	const struct order *o = rib->order;
	size_t low = 0, high = o->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_prefix_cmp(p, &rib->routes[o->index[middle]].prefix) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last route of the array is new. */
static void order_add(struct bgp_rib *rib)
{
	const uint32_t last = (uint32_t)rib->n_routes - 1;
	struct order *o = rib->order;
	size_t i;

	if (!order_is_kept(o))
		return;
	i = order_place(rib, &rib->routes[last].prefix);
	memmove(&o->index[i + 1], &o->index[i], (o->n - i) * sizeof(*o->index));
	o->index[i] = last;
	o->n++;
}

/* The route at `gap` goes, and the last one is about to take its place. */
static void order_remove(struct bgp_rib *rib, uint32_t gap)
{
	const uint32_t last = (uint32_t)rib->n_routes - 1;
	struct order *o = rib->order;
	size_t i;

	if (!order_is_kept(o))
		return;
	i = order_place(rib, &rib->routes[gap].prefix);
	assert(i < o->n && o->index[i] == gap);
	o->n--;
	memmove(&o->index[i], &o->index[i + 1], (o->n - i) * sizeof(*o->index));
	if (gap != last)
		o->index[order_place(rib, &rib->routes[last].prefix)] = gap;
}

/* --- the table of routes -----------------------------------------------------------------------
 */

static size_t slot_of(const struct bgp_rib *rib, const struct ip_prefix *p)
{
	return hash_bytes(HASH_INIT, p, sizeof(*p)) & (rib->n_slots - 1);
}

/* The slot that holds the prefix, or the free one where it belongs. */
static size_t slot_find(const struct bgp_rib *rib, const struct ip_prefix *p)
{
	size_t i = slot_of(rib, p);

	while (rib->slots[i] != NONE && ip_prefix_cmp(&rib->routes[rib->slots[i]].prefix, p) != 0)
		i = (i + 1) & (rib->n_slots - 1);
	return i;
}

static struct route *route_find(const struct bgp_rib *rib, const struct ip_prefix *p)
{
	uint32_t i = rib->slots[slot_find(rib, p)];

	return i == NONE ? NULL : &rib->routes[i];
}

static void slots_resize(struct bgp_rib *rib, size_t n_slots)
{
	assert((n_slots & (n_slots - 1)) == 0);
	free(rib->slots);
	rib->n_slots = n_slots;
	rib->slots = xmalloc(n_slots * sizeof(*rib->slots));
	for (size_t i = 0; i < n_slots; i++)
		rib->slots[i] = NONE;
	for (size_t i = 0; i < rib->n_routes; i++)
		rib->slots[slot_find(rib, &rib->routes[i].prefix)] = (uint32_t)i;
}

static struct route *route_add(struct bgp_rib *rib, const struct ip_prefix *p)
{
	struct route *r;

	if ((rib->n_routes + 1) * 2 > rib->n_slots)
		slots_resize(rib, rib->n_slots * 2);
	rib->slots[slot_find(rib, p)] = (uint32_t)rib->n_routes;
	r = xpush(&rib->routes, &rib->n_routes, &rib->cap_routes, sizeof(*r));
	assert(rib->n_routes * 2 <= rib->n_slots); /* or a search might find no free slot */
	r->prefix = *p;
	r->prev = r->next = NONE;
	order_add(rib);
	return r;
}

/* Frees a slot of a table with linear probing: what follows moves up unless it is at home. */
static void slot_clear(struct bgp_rib *rib, size_t hole)
{
	size_t mask = rib->n_slots - 1;

	for (size_t i = (hole + 1) & mask; rib->slots[i] != NONE; i = (i + 1) & mask) {
		size_t home = slot_of(rib, &rib->routes[rib->slots[i]].prefix);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		rib->slots[hole] = rib->slots[i];
		hole = i;
	}
	rib->slots[hole] = NONE;
}

/* --- buckets --------------------------------------------------------------------------------- */

static struct work *work_of(struct bgp_rib *rib, const struct route *r)
{
	return &rib->work[bgp_family_of_addr(&r->prefix.addr)];
}

static struct bucket *bucket_of(struct bgp_rib *rib, const struct route *r)
{
	return r->desired ? &r->desired->bucket : &work_of(rib, r)->withdrawals;
}

static void bucket_link(struct work *w, struct bucket *b)
{
	b->prev = w->last;
	b->next = NULL;
	*(w->last ? &w->last->next : &w->first) = b;
	w->last = b;
}

static void bucket_unlink(struct work *w, struct bucket *b)
{
	*(b->prev ? &b->prev->next : &w->first) = b->next;
	*(b->next ? &b->next->prev : &w->last) = b->prev;
}

static void route_enqueue(struct bgp_rib *rib, struct route *r)
{
	struct bucket *b = bucket_of(rib, r);
	uint32_t i = (uint32_t)(r - rib->routes);

	assert(!r->dirty && r->next == NONE);
	if (b->head == NONE && b->set)
		bucket_link(work_of(rib, r), b);
	r->prev = b->tail;
	*(b->tail == NONE ? &b->head : &rib->routes[b->tail].next) = i;
	b->tail = i;
	r->dirty = true;
	assert(b->head != NONE);
}

static void route_dequeue(struct bgp_rib *rib, struct route *r)
{
	struct bucket *b = bucket_of(rib, r);

	if (!r->dirty)
		return;
	*(r->prev == NONE ? &b->head : &rib->routes[r->prev].next) = r->next;
	*(r->next == NONE ? &b->tail : &rib->routes[r->next].prev) = r->prev;
	r->prev = r->next = NONE;
	r->dirty = false;
	if (b->head == NONE && b->set)
		bucket_unlink(work_of(rib, r), b);
}

/* The array stays dense: the last route moves into the gap, and whoever names it is told. */
static void route_remove(struct bgp_rib *rib, struct route *r)
{
	uint32_t gap = (uint32_t)(r - rib->routes), last = (uint32_t)rib->n_routes - 1;
	struct route *moved = &rib->routes[last];
	struct bucket *b;

	assert(!r->dirty && !r->desired && !r->advertised && gap <= last);
	slot_clear(rib, slot_find(rib, &r->prefix));
	order_remove(rib, gap);
	if (gap != last) {
		rib->slots[slot_find(rib, &moved->prefix)] = gap;
		if (moved->dirty) {
			b = bucket_of(rib, moved);
			*(moved->prev == NONE ? &b->head : &rib->routes[moved->prev].next) = gap;
			*(moved->next == NONE ? &b->tail : &rib->routes[moved->next].prev) = gap;
		}
		*r = *moved;
	}
	rib->n_routes--;
}

/* Puts a route that hangs in no bucket where its state says; it may cease to exist. */
static void route_requeue(struct bgp_rib *rib, struct route *r)
{
	assert(!r->dirty && r->prev == NONE && r->next == NONE);
	assert(!r->refresh || r->advertised);
	if (r->desired != r->advertised || (r->desired && r->refresh))
		route_enqueue(rib, r);
	else if (!r->desired)
		route_remove(rib, r);
}

static void route_desire(struct bgp_rib *rib, struct route *r, struct attr_set *set)
{
	struct attr_set *old = r->desired;

	route_dequeue(rib, r);
	rib->n_desired += set != NULL;
	rib->n_desired -= old != NULL;
	r->desired = set;
	route_requeue(rib, r);
	set_put(rib, old);
	assert(rib->n_desired <= rib->n_routes && rib->n_desired <= LIMIT_ADJ_RIB_OUT);
}

/* What is desired now counts as known to the peer. */
static void route_sent(struct bgp_rib *rib, struct route *r)
{
	struct attr_set *old = r->advertised;

	route_dequeue(rib, r);
	rib->n_advertised += r->desired != NULL;
	rib->n_advertised -= old != NULL;
	if (r->desired)
		r->desired->n_users++;
	r->advertised = r->desired;
	r->refresh = false;
	route_requeue(rib, r);
	set_put(rib, old);
	assert(rib->n_advertised <= rib->n_routes);
}

/* --- public ---------------------------------------------------------------------------------- */

struct bgp_rib *bgp_rib_new(void)
{
	struct bgp_rib *rib = xcalloc(1, sizeof(*rib));

	rib->order = xcalloc(1, sizeof(*rib->order));
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		bucket_init(&rib->work[f].withdrawals, NULL);
	slots_resize(rib, SLOTS_MIN);
	return rib;
}

struct bgp_rib *bgp_rib_free(struct bgp_rib *rib)
{
	if (!rib)
		return NULL;
	for (size_t i = 0; i < SETS_SLOTS; i++) {
		for (struct attr_set *set = rib->sets[i], *next; set; set = next) {
			next = set->next_in_slot;
			free(set);
		}
	}
	free(rib->order->index);
	free(rib->order);
	free(rib->slots);
	free(rib->routes);
	free(rib);
	return NULL;
}

bool bgp_rib_set(struct bgp_rib *rib, const struct ip_prefix *prefix, const struct bgp_attrs *attrs)
{
	struct route *r = route_find(rib, prefix);
	struct attr_set *set;

	if ((!r || !r->desired) && rib->n_desired >= LIMIT_ADJ_RIB_OUT)
		return false;
	set = set_get(rib, bgp_family_of_addr(&prefix->addr), attrs);
	if (!r)
		r = route_add(rib, prefix);
	if (r->desired == set)
		set_put(rib, set);
	else
		route_desire(rib, r, set);
	return true;
}

void bgp_rib_del(struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	struct route *r = route_find(rib, prefix);

	if (r && r->desired)
		route_desire(rib, r, NULL);
}

void bgp_rib_session_down(struct bgp_rib *rib)
{
	for (size_t i = 0, n; i < rib->n_routes; i += n == rib->n_routes) {
		struct route *r = &rib->routes[i];
		struct attr_set *old = r->advertised;

		/* A route that is removed gives its place to the last one: then stay here. */
		n = rib->n_routes;
		route_dequeue(rib, r);
		r->advertised = NULL;
		r->refresh = false;
		route_requeue(rib, r);
		set_put(rib, old);
	}
	rib->n_advertised = 0;
}

void bgp_rib_refresh(struct bgp_rib *rib, enum bgp_family family)
{
	for (size_t i = 0; i < rib->n_routes; i++) {
		struct route *r = &rib->routes[i];

		if (bgp_family_of_addr(&r->prefix.addr) != family)
			continue;
		r->refresh = r->advertised != NULL;
		if (r->desired && !r->dirty)
			route_enqueue(rib, r);
	}
}

bool bgp_rib_dirty(const struct bgp_rib *rib, enum bgp_family family)
{
	return rib->work[family].withdrawals.head != NONE || rib->work[family].first != NULL;
}

size_t bgp_rib_n_advertised(const struct bgp_rib *rib)
{
	return rib->n_advertised;
}

size_t bgp_rib_n_desired(const struct bgp_rib *rib)
{
	return rib->n_desired;
}

size_t bgp_rib_n_sets(const struct bgp_rib *rib)
{
	return rib->n_sets;
}

/* The most needed bucket of these families, and whose it is; NULL: all are empty. */
static struct bucket *next_bucket(struct bgp_rib *rib, struct bgp_families families,
				  enum bgp_family *ret)
{
	struct bucket *found = NULL;

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		struct work *w = &rib->work[f];

		if (!bgp_families_has(families, f))
			continue;
		if (w->withdrawals.head != NONE) {
			*ret = f;
			return &w->withdrawals;
		}
		if (!found && w->first) {
			*ret = f;
			found = w->first;
		}
	}
	return found;
}

size_t bgp_rib_take(struct bgp_rib *rib, struct bgp_families families, struct ip_prefix *out,
		    size_t cap, struct bgp_rib_work *ret)
{
	enum bgp_family family;
	struct bucket *b = next_bucket(rib, families, &family);
	size_t n;

	if (!b || cap == 0)
		return 0;
	assert(!b->set || b->set->family == family);
	ret->family = family;
	ret->attrs = b->set ? &b->set->attrs : NULL;
	for (n = 0; n < cap && b->head != NONE; n++) {
		out[n] = rib->routes[b->head].prefix;
		route_sent(rib, &rib->routes[b->head]);
	}
	assert(n > 0);
	return n;
}

bool bgp_rib_next(const struct bgp_rib *rib, size_t *pos, struct bgp_rib_route *ret)
{
	const struct route *r;

	order_make(rib);
	if (*pos >= rib->order->n)
		return false;
	r = &rib->routes[rib->order->index[(*pos)++]];
	*ret = (struct bgp_rib_route){
		.prefix = r->prefix,
		.desired = r->desired ? &r->desired->attrs : NULL,
		.advertised = r->advertised ? &r->advertised->attrs : NULL,
	};
	return true;
}
