// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: what a peer should know, what it knows, and the difference, in buckets.
 *
 * A route uses up to two attribute sets: desired and advertised. Mostly they are the same, so a
 * route has room for the number of one; where they differ, or a refresh was asked for, it is dirty
 * and has the place of what waits instead. That hangs in exactly one bucket: that of the desired
 * set, or its family's bucket of withdrawals. Buckets with routes form a list per family in order
 * of need. Routes lie in an array by the index that their prefix has among those that ribs share,
 * and bgp_rib_sets.c keeps the sets.
 *
 * Invariants, checked by the property test: a route is dirty if and only if desired and advertised
 * differ or a refresh was asked for; a bucket holds routes of one family; a route with neither set
 * is none, and does not use its prefix; a prefix or a set without a user is freed. Nothing here
 * knows of sessions, encoding or time.
 */
#include "bgp/bgp_rib.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/prefix_table.h"
#include "bgp/bgp_rib_sets.h"

#include <assert.h>

struct rib_route {
	/* Dirty: among what waits; else the set that is desired and advertised, RIB_NONE: no route.
	 */
	uint32_t at : 30;
	bool dirty : 1, is_news : 1;
};
_Static_assert(sizeof(struct rib_route) == 4, "there are as many as routes times routers");

struct shared_prefix {
	struct ip_prefix prefix;
	uint32_t n_users; /* ribs with a route of it */
};

struct bgp_rib_prefixes {
	struct prefix_table table; /* of these */
};

/* Of a dirty route. */
struct waiting {
	uint32_t route, prev, next; /* the latter two in its bucket */
	uint32_t desired, advertised;
	bool refresh;
};

/* What waits to be sent of one family. */
struct work {
	struct rib_bucket withdrawals;
	struct rib_bucket *first, *last; /* of the announcing buckets that are not empty */
};

struct bgp_rib {
	struct bgp_rib_prefixes *prefixes; /* owned if nobody shares them */
	bool owns_prefixes;
	struct rib_route *routes; /* owned; by index of the prefix */
	size_t n_routes, cap_routes;
	struct rib_sets sets;
	struct waiting *waiting; /* owned, dense; nothing when all is sent */
	size_t n_waiting, cap_waiting;
	struct work work[BGP_N_FAMILIES];
	size_t n_desired, n_advertised;
};

/* What a route is to be, or is. The numbers of sets, or RIB_NONE. */
struct state {
	uint32_t desired, advertised;
	bool refresh;
};

static bool is_route(const struct rib_route *r)
{
	return r->dirty || r->at != RIB_NONE;
}

static uint32_t index_of(const struct bgp_rib *rib, const struct rib_route *r)
{
	return (uint32_t)(r - rib->routes);
}

static const struct ip_prefix *prefix_of(const struct bgp_rib *rib, size_t i)
{
	const struct shared_prefix *all = rib->prefixes->table.items;

	return &all[i].prefix;
}

static struct state state_of(const struct bgp_rib *rib, const struct rib_route *r)
{
	const struct waiting *w = r->dirty ? &rib->waiting[r->at] : NULL;

	return w ? (struct state){w->desired, w->advertised, w->refresh}
		 : (struct state){r->at, r->at, false};
}

static const struct bgp_attrs *attrs_of(const struct bgp_rib *rib, uint32_t set)
{
	return set == RIB_NONE ? NULL : &rib_sets_at(&rib->sets, set)->attrs;
}

/* --- buckets --------------------------------------------------------------------------------- */

static struct work *work_of(struct bgp_rib *rib, const struct waiting *w)
{
	return &rib->work[bgp_family_of_addr(&prefix_of(rib, w->route)->addr)];
}

static struct rib_bucket *bucket_of(struct bgp_rib *rib, const struct waiting *w)
{
	return w->desired == RIB_NONE ? &work_of(rib, w)->withdrawals
				      : &rib_sets_at(&rib->sets, w->desired)->bucket;
}

static void bucket_link(struct work *w, struct rib_bucket *b)
{
	b->prev = w->last;
	b->next = NULL;
	*(w->last ? &w->last->next : &w->first) = b;
	w->last = b;
}

static void bucket_unlink(struct work *w, struct rib_bucket *b)
{
	*(b->prev ? &b->prev->next : &w->first) = b->next;
	*(b->next ? &b->next->prev : &w->last) = b->prev;
}

/* Who names it, in its bucket, as the one behind names these from now on. */
static void rename_waiting(struct bgp_rib *rib, const struct waiting *w, uint32_t before,
			   uint32_t behind)
{
	struct rib_bucket *b = bucket_of(rib, w);

	*(w->prev == RIB_NONE ? &b->head : &rib->waiting[w->prev].next) = before;
	*(w->next == RIB_NONE ? &b->tail : &rib->waiting[w->next].prev) = behind;
}

/* The route has no place of its own yet. */
static void route_enqueue(struct bgp_rib *rib, struct rib_route *r, const struct state *s)
{
	const uint32_t i = (uint32_t)rib->n_waiting;
	struct waiting *w = xpush(&rib->waiting, &rib->n_waiting, &rib->cap_waiting, sizeof(*w));
	struct rib_bucket *b;

	*w = (struct waiting){.route = index_of(rib, r),
			      .next = RIB_NONE,
			      .desired = s->desired,
			      .advertised = s->advertised,
			      .refresh = s->refresh};
	b = bucket_of(rib, w);
	if (b->head == RIB_NONE && b->set)
		bucket_link(work_of(rib, w), b);
	w->prev = b->tail;
	*(b->tail == RIB_NONE ? &b->head : &rib->waiting[b->tail].next) = i;
	b->tail = i;
	r->dirty = true;
	r->at = i & RIB_NONE;
	assert(b->head != RIB_NONE);
}

/* What the route then is, its caller says. The last of those that wait gets its place. */
static void route_dequeue(struct bgp_rib *rib, struct rib_route *r)
{
	const uint32_t gap = r->at;
	struct rib_bucket *b;

	if (!r->dirty)
		return;
	r->dirty = false;
	b = bucket_of(rib, &rib->waiting[gap]);
	rename_waiting(rib, &rib->waiting[gap], rib->waiting[gap].next, rib->waiting[gap].prev);
	if (b->head == RIB_NONE && b->set)
		bucket_unlink(work_of(rib, &rib->waiting[gap]), b);
	if (gap != --rib->n_waiting) {
		rib->waiting[gap] = rib->waiting[rib->n_waiting];
		rib->routes[rib->waiting[gap].route].at = gap & RIB_NONE;
		rename_waiting(rib, &rib->waiting[gap], gap, gap);
	}
	if (rib->n_waiting == 0) {
		free(TAKE_PTR(rib->waiting));
		rib->cap_waiting = 0;
	}
}

/* The rib's route of one of the shared prefixes; NULL: it has none. */
static struct rib_route *route_of(const struct bgp_rib *rib, const void *shared)
{
	const size_t i = prefix_table_index(&rib->prefixes->table, shared);

	return i < rib->n_routes && is_route(&rib->routes[i]) ? &rib->routes[i] : NULL;
}

static struct rib_route *route_find(const struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	const void *shared = prefix_table_find(&rib->prefixes->table, prefix);

	return shared ? route_of(rib, shared) : NULL;
}

/* By an eighth, since what is not used of it is memory all the same. */
static void make_room(struct bgp_rib *rib, size_t n)
{
	if (n > rib->cap_routes) {
		rib->cap_routes = n + n / 8 + 8;
		rib->routes = xrealloc(rib->routes, rib->cap_routes, sizeof(*rib->routes));
	}
	while (rib->n_routes < n)
		rib->routes[rib->n_routes++] = (struct rib_route){.at = RIB_NONE};
}

/* At rest, without a set; there must be none of that prefix. */
static struct rib_route *route_add(struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	struct prefix_table *table = &rib->prefixes->table;
	struct shared_prefix *shared = prefix_table_find(table, prefix);
	size_t i;

	if (!shared)
		shared = prefix_table_add(table, prefix);
	shared->n_users++;
	i = prefix_table_index(table, shared);
	make_room(rib, i + 1);
	return &rib->routes[i];
}

/* It ceases to exist. */
static void route_remove(struct bgp_rib *rib, struct rib_route *r)
{
	struct prefix_table *table = &rib->prefixes->table;
	struct shared_prefix *shared = prefix_table_at(table, index_of(rib, r));

	assert(!r->dirty);
	*r = (struct rib_route){.at = RIB_NONE};
	if (--shared->n_users == 0)
		prefix_table_remove(table, shared);
}

/* The route is so from now on: it is queued behind others, or at rest, or ceases to exist. */
static void route_put(struct bgp_rib *rib, struct rib_route *r, const struct state *s)
{
	assert(!s->refresh || s->advertised != RIB_NONE);
	route_dequeue(rib, r);
	r->at = s->desired & RIB_NONE;
	if (s->desired != s->advertised || (s->desired != RIB_NONE && s->refresh))
		route_enqueue(rib, r, s);
	else if (s->desired == RIB_NONE)
		route_remove(rib, r);
}

static void route_desire(struct bgp_rib *rib, struct rib_route *r, uint32_t set)
{
	struct state s = state_of(rib, r);
	const uint32_t old = s.desired;

	rib->n_desired += set != RIB_NONE;
	rib->n_desired -= old != RIB_NONE;
	s.desired = set;
	route_put(rib, r, &s);
	rib_sets_put(&rib->sets, old);
	assert(rib->n_desired <= rib->n_routes && rib->n_desired <= LIMIT_ADJ_RIB_OUT);
}

/* What is desired now counts as known to the peer. */
static void route_sent(struct bgp_rib *rib, struct rib_route *r)
{
	const struct state was = state_of(rib, r);
	const struct state now = {.desired = was.desired, .advertised = was.desired};

	rib->n_advertised += now.advertised != RIB_NONE;
	rib->n_advertised -= was.advertised != RIB_NONE;
	rib_sets_use(&rib->sets, now.advertised);
	r->is_news |= now.advertised != was.advertised;
	route_put(rib, r, &now);
	rib_sets_put(&rib->sets, was.advertised);
	assert(rib->n_advertised <= rib->n_routes);
}

/* --- public ---------------------------------------------------------------------------------- */

struct bgp_rib_prefixes *bgp_rib_prefixes_new(void)
{
	struct bgp_rib_prefixes *p = xcalloc(1, sizeof(*p));

	prefix_table_init(&p->table, sizeof(struct shared_prefix), HASH_INIT);
	return p;
}

struct bgp_rib_prefixes *bgp_rib_prefixes_free(struct bgp_rib_prefixes *p)
{
	if (!p)
		return NULL;
	prefix_table_done(&p->table);
	free(p);
	return NULL;
}

struct bgp_rib *bgp_rib_new(struct bgp_rib_prefixes *shared)
{
	struct bgp_rib *rib = xcalloc(1, sizeof(*rib));

	rib->owns_prefixes = !shared;
	rib->prefixes = shared ? shared : bgp_rib_prefixes_new();
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		rib_bucket_init(&rib->work[f].withdrawals, NULL);
	return rib;
}

struct bgp_rib *bgp_rib_free(struct bgp_rib *rib)
{
	if (!rib)
		return NULL;
	free(rib->waiting);
	rib->n_waiting = 0;
	for (size_t i = 0; !rib->owns_prefixes && i < rib->n_routes; i++)
		if (is_route(&rib->routes[i])) {
			rib->routes[i].dirty = false;
			route_remove(rib, &rib->routes[i]);
		}
	rib_sets_done(&rib->sets);
	if (rib->owns_prefixes)
		bgp_rib_prefixes_free(rib->prefixes);
	free(rib->routes);
	free(rib);
	return NULL;
}

bool bgp_rib_set(struct bgp_rib *rib, const struct ip_prefix *prefix, const struct bgp_attrs *attrs)
{
	struct rib_route *r = route_find(rib, prefix);
	const uint32_t desired = r ? state_of(rib, r).desired : RIB_NONE;
	uint32_t set;

	if (desired == RIB_NONE && rib->n_desired >= LIMIT_ADJ_RIB_OUT)
		return false;
	set = rib_sets_get(&rib->sets, bgp_family_of_addr(&prefix->addr), attrs);
	if (!r)
		r = route_add(rib, prefix);
	if (desired == set)
		rib_sets_put(&rib->sets, set);
	else
		route_desire(rib, r, set);
	return true;
}

void bgp_rib_del(struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	struct rib_route *r = route_find(rib, prefix);

	if (r && state_of(rib, r).desired != RIB_NONE)
		route_desire(rib, r, RIB_NONE);
}

void bgp_rib_session_down(struct bgp_rib *rib)
{
	for (size_t i = 0; i < rib->n_routes; i++) {
		struct rib_route *r = &rib->routes[i];
		const struct state was = state_of(rib, r);
		const struct state now = {.desired = was.desired, .advertised = RIB_NONE};

		if (!is_route(r))
			continue;
		route_put(rib, r, &now);
		rib_sets_put(&rib->sets, was.advertised);
	}
	rib->n_advertised = 0;
}

void bgp_rib_refresh(struct bgp_rib *rib, enum bgp_family family)
{
	for (size_t i = 0; i < rib->n_routes; i++) {
		struct rib_route *r = &rib->routes[i];
		struct state s = state_of(rib, r);

		if (!is_route(r) || bgp_family_of_addr(&prefix_of(rib, i)->addr) != family)
			continue;
		s.refresh = s.advertised != RIB_NONE;
		if (r->dirty)
			rib->waiting[r->at].refresh = s.refresh;
		else
			route_put(rib, r, &s);
	}
}

bool bgp_rib_dirty(const struct bgp_rib *rib, enum bgp_family family)
{
	return rib->work[family].withdrawals.head != RIB_NONE || rib->work[family].first != NULL;
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
	return rib->sets.n;
}

/* The most needed bucket that there is room for, and whose it is; NULL: all are empty. */
static struct rib_bucket *next_bucket(struct bgp_rib *rib, const struct bgp_rib_room *room,
				      enum bgp_family *ret)
{
	struct rib_bucket *found = NULL;

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		struct work *w = &rib->work[f];

		if (!bgp_families_has(room->families, f) || room->cap[f] == 0)
			continue;
		if (w->withdrawals.head != RIB_NONE) {
			*ret = f;
			return &w->withdrawals;
		}
		if (!found && w->first && !bgp_families_has(room->no_next_hop, f)) {
			*ret = f;
			found = w->first;
		}
	}
	return found;
}

size_t bgp_rib_take(struct bgp_rib *rib, const struct bgp_rib_room *room, struct ip_prefix *out,
		    struct bgp_rib_work *ret)
{
	enum bgp_family family;
	struct rib_bucket *b = next_bucket(rib, room, &family);
	size_t n;

	if (!b)
		return 0;
	assert(!b->set || b->set->family == family);
	ret->family = family;
	ret->attrs = b->set ? &b->set->attrs : NULL;
	for (n = 0; n < room->cap[family] && b->head != RIB_NONE; n++) {
		const uint32_t i = rib->waiting[b->head].route;

		out[n] = *prefix_of(rib, i);
		route_sent(rib, &rib->routes[i]);
	}
	assert(n > 0);
	return n;
}

bool bgp_rib_next(const struct bgp_rib *rib, size_t *pos, struct bgp_rib_route *ret)
{
	const struct prefix_table *table = &rib->prefixes->table;
	const struct ip_prefix *prefix;
	const struct rib_route *r;
	struct state s;

	while ((prefix = prefix_table_in_order(table, *pos)) && !(r = route_of(rib, prefix)))
		(*pos)++;
	if (!prefix)
		return false;
	(*pos)++;
	s = state_of(rib, r);
	*ret = (struct bgp_rib_route){
		.prefix = *prefix,
		.desired = attrs_of(rib, s.desired),
		.advertised = attrs_of(rib, s.advertised),
		.is_news = r->is_news,
	};
	return true;
}

size_t bgp_rib_from(const struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	return prefix_table_before(&rib->prefixes->table, prefix);
}

void bgp_rib_is_known(struct bgp_rib *rib)
{
	for (size_t i = 0; i < rib->n_routes; i++)
		rib->routes[i].is_news = false;
}
