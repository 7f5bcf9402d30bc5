// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: what a peer should know, what it knows, and the difference, in buckets.
 *
 * A route uses up to two attribute sets: desired and advertised. A route that has to be sent is
 * dirty and hangs in exactly one bucket: that of its desired set, or its family's bucket of
 * withdrawals. Buckets with routes form a list per family in order of need. Routes lie in a
 * table by prefix, and bgp_rib_sets.c keeps the sets.
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
#include "base/prefix_table.h"
#include "bgp/bgp_rib_sets.h"

#include <assert.h>

struct rib_route {
	struct ip_prefix prefix;
	bool dirty, refresh, is_news;
	uint32_t prev, next; /* in its bucket */
	struct rib_set *desired, *advertised;
};

/* What waits to be sent of one family. */
struct work {
	struct rib_bucket withdrawals;
	struct rib_bucket *first, *last; /* of the announcing buckets that are not empty */
};

struct bgp_rib {
	struct prefix_table table; /* of routes */
	struct rib_sets sets;
	struct work work[BGP_N_FAMILIES];
	size_t n_desired, n_advertised;
};

static struct rib_route *route_at(const struct bgp_rib *rib, size_t i)
{
	return prefix_table_at(&rib->table, i);
}

/* --- buckets --------------------------------------------------------------------------------- */

static struct work *work_of(struct bgp_rib *rib, const struct rib_route *r)
{
	return &rib->work[bgp_family_of_addr(&r->prefix.addr)];
}

static struct rib_bucket *bucket_of(struct bgp_rib *rib, const struct rib_route *r)
{
	return r->desired ? &r->desired->bucket : &work_of(rib, r)->withdrawals;
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

static void route_enqueue(struct bgp_rib *rib, struct rib_route *r)
{
	struct rib_bucket *b = bucket_of(rib, r);
	uint32_t i = (uint32_t)(r - route_at(rib, 0));

	assert(!r->dirty && r->next == RIB_NONE);
	if (b->head == RIB_NONE && b->set)
		bucket_link(work_of(rib, r), b);
	r->prev = b->tail;
	*(b->tail == RIB_NONE ? &b->head : &route_at(rib, b->tail)->next) = i;
	b->tail = i;
	r->dirty = true;
	assert(b->head != RIB_NONE);
}

static void route_dequeue(struct bgp_rib *rib, struct rib_route *r)
{
	struct rib_bucket *b = bucket_of(rib, r);

	if (!r->dirty)
		return;
	*(r->prev == RIB_NONE ? &b->head : &route_at(rib, r->prev)->next) = r->next;
	*(r->next == RIB_NONE ? &b->tail : &route_at(rib, r->next)->prev) = r->prev;
	r->prev = r->next = RIB_NONE;
	r->dirty = false;
	if (b->head == RIB_NONE && b->set)
		bucket_unlink(work_of(rib, r), b);
}

/* In no bucket and without sets; there must be none of that prefix. */
static struct rib_route *route_add(struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	struct rib_route *r = prefix_table_add(&rib->table, prefix);

	r->prev = r->next = RIB_NONE;
	return r;
}

/* It ceases to exist. The last route gets its index, and whoever names that one is told. */
static void route_remove(struct bgp_rib *rib, struct rib_route *r)
{
	const uint32_t gap = (uint32_t)(r - route_at(rib, 0));
	const struct rib_route *moved = route_at(rib, rib->table.n - 1);

	assert(!r->dirty && !r->desired && !r->advertised);
	if (moved->dirty) {
		struct rib_bucket *b = bucket_of(rib, moved);

		*(moved->prev == RIB_NONE ? &b->head : &route_at(rib, moved->prev)->next) = gap;
		*(moved->next == RIB_NONE ? &b->tail : &route_at(rib, moved->next)->prev) = gap;
	}
	prefix_table_remove(&rib->table, r);
}

/* Puts a route that hangs in no bucket where its state says; it may cease to exist. */
static void route_requeue(struct bgp_rib *rib, struct rib_route *r)
{
	assert(!r->dirty && r->prev == RIB_NONE && r->next == RIB_NONE);
	assert(!r->refresh || r->advertised);
	if (r->desired != r->advertised || (r->desired && r->refresh))
		route_enqueue(rib, r);
	else if (!r->desired)
		route_remove(rib, r);
}

static void route_desire(struct bgp_rib *rib, struct rib_route *r, struct rib_set *set)
{
	struct rib_set *old = r->desired;

	route_dequeue(rib, r);
	rib->n_desired += set != NULL;
	rib->n_desired -= old != NULL;
	r->desired = set;
	route_requeue(rib, r);
	rib_sets_put(&rib->sets, old);
	assert(rib->n_desired <= rib->table.n && rib->n_desired <= LIMIT_ADJ_RIB_OUT);
}

/* What is desired now counts as known to the peer. */
static void route_sent(struct bgp_rib *rib, struct rib_route *r)
{
	struct rib_set *old = r->advertised;

	route_dequeue(rib, r);
	rib->n_advertised += r->desired != NULL;
	rib->n_advertised -= old != NULL;
	if (r->desired)
		r->desired->n_users++;
	r->is_news |= r->desired != old;
	r->advertised = r->desired;
	r->refresh = false;
	route_requeue(rib, r);
	rib_sets_put(&rib->sets, old);
	assert(rib->n_advertised <= rib->table.n);
}

/* --- public ---------------------------------------------------------------------------------- */

struct bgp_rib *bgp_rib_new(void)
{
	struct bgp_rib *rib = xcalloc(1, sizeof(*rib));

	prefix_table_init(&rib->table, sizeof(struct rib_route), HASH_INIT);
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		rib_bucket_init(&rib->work[f].withdrawals, NULL);
	return rib;
}

struct bgp_rib *bgp_rib_free(struct bgp_rib *rib)
{
	if (!rib)
		return NULL;
	rib_sets_done(&rib->sets);
	prefix_table_done(&rib->table);
	free(rib);
	return NULL;
}

bool bgp_rib_set(struct bgp_rib *rib, const struct ip_prefix *prefix, const struct bgp_attrs *attrs)
{
	struct rib_route *r = prefix_table_find(&rib->table, prefix);
	struct rib_set *set;

	if ((!r || !r->desired) && rib->n_desired >= LIMIT_ADJ_RIB_OUT)
		return false;
	set = rib_sets_get(&rib->sets, bgp_family_of_addr(&prefix->addr), attrs);
	if (!r)
		r = route_add(rib, prefix);
	if (r->desired == set)
		rib_sets_put(&rib->sets, set);
	else
		route_desire(rib, r, set);
	return true;
}

void bgp_rib_del(struct bgp_rib *rib, const struct ip_prefix *prefix)
{
	struct rib_route *r = prefix_table_find(&rib->table, prefix);

	if (r && r->desired)
		route_desire(rib, r, NULL);
}

void bgp_rib_session_down(struct bgp_rib *rib)
{
	for (size_t i = 0, n; i < rib->table.n; i += n == rib->table.n) {
		struct rib_route *r = route_at(rib, i);
		struct rib_set *old = r->advertised;

		/* A route that is removed gives its place to the last one: then stay here. */
		n = rib->table.n;
		route_dequeue(rib, r);
		r->advertised = NULL;
		r->refresh = false;
		route_requeue(rib, r);
		rib_sets_put(&rib->sets, old);
	}
	rib->n_advertised = 0;
}

void bgp_rib_refresh(struct bgp_rib *rib, enum bgp_family family)
{
	for (size_t i = 0; i < rib->table.n; i++) {
		struct rib_route *r = route_at(rib, i);

		if (bgp_family_of_addr(&r->prefix.addr) != family)
			continue;
		r->refresh = r->advertised != NULL;
		if (r->desired && !r->dirty)
			route_enqueue(rib, r);
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
		out[n] = route_at(rib, b->head)->prefix;
		route_sent(rib, route_at(rib, b->head));
	}
	assert(n > 0);
	return n;
}

bool bgp_rib_next(const struct bgp_rib *rib, size_t *pos, struct bgp_rib_route *ret)
{
	const struct rib_route *r = prefix_table_in_order(&rib->table, *pos);

	if (!r)
		return false;
	(*pos)++;
	*ret = (struct bgp_rib_route){
		.prefix = r->prefix,
		.desired = r->desired ? &r->desired->attrs : NULL,
		.advertised = r->advertised ? &r->advertised->attrs : NULL,
		.is_news = r->is_news,
	};
	return true;
}

void bgp_rib_is_known(struct bgp_rib *rib)
{
	for (size_t i = 0; i < rib->table.n; i++)
		route_at(rib, i)->is_news = false;
}
