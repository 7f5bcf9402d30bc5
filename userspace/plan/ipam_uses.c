// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Users of an address all may share it with one another, so whoever comes is held against one of
 * them, and its ports against an index of the ports in use there.
 *
 * In a pass of automatic allocation nothing is given back. So the search for a free address goes on
 * where the last one in that pool ended, and what is in use is passed once. Addresses that may be
 * shared stand in a group for each pool, key and policy, in allocation order; for each port it is
 * remembered up to where all of them have that port in use already.
 */
#include "plan/ipam_uses.h"

#include "plan/plan_sort.h"

#include <assert.h>

/* An address as a place in the allocation order of its pool and family. */
struct place {
	size_t range; /* from 1; 0: before all, SIZE_MAX: behind all */
	struct ip_addr addr;
};

struct shared {
	struct place place;
	const struct ipam_address *address;
};

struct ipam_group {
	struct shared *items; /* by place */
	size_t n, cap;
};

/* All addresses of the group before `from` have the port in use. */
struct ipam_clash {
	struct place from;
};

/*
 * So many open pools have no address left in some of the families, and none to share, for whoever
 * wants the port in all of them.
 */
struct ipam_full {
	size_t n;
};

/* --- who uses an address -------------------------------------------------------------------- */

void ipam_uses_init(struct ipam_uses *u, const struct ipam_pools *pools, struct arena *arena)
{
	*u = (struct ipam_uses){.arena = arena, .pools = pools};
	u->addresses.arena = u->ports.arena = arena;
}

static uint64_t half(const struct ip_addr *a, size_t at)
{
	uint64_t v;

	memcpy(&v, a->b + at, sizeof(v));
	return v;
}

static struct ipam_address *find(const struct ipam_uses *u, const struct ip_addr *a)
{
	return ipam_index_get(&u->addresses, half(a, 0), half(a, 8));
}

const struct ipam_address *ipam_uses_find(const struct ipam_uses *u, const struct ip_addr *a)
{
	return find(u, a);
}

static struct ipam_address *ensure(struct ipam_uses *u, const struct ip_addr *a)
{
	void **slot = ipam_index_slot(&u->addresses, half(a, 0), half(a, 8));
	struct ipam_address *ret = *slot;

	if (!ret) {
		*slot = ret = arena_new_of(u->arena, struct ipam_address);
		ret->addr = *a;
		*(struct ipam_address **)arena_push(u->arena, &u->known, &u->n_known, &u->cap_known,
						    sizeof(ret)) = ret;
	}
	return ret;
}

void ipam_uses_reserve(struct ipam_uses *u, const struct ipam_claimant *c, const struct ip_addr *a)
{
	ensure(u, a)->unseen = c;
}

void ipam_uses_exclude(struct ipam_uses *u, const struct plan_own *own)
{
	for (size_t i = 0; i < own->n_of_all; i++)
		if (ipam_pool_of(u->pools, &own->items[i].addr)) /* of others nobody asks */
			ensure(u, &own->items[i].addr)->not_given = true;
}

static uint64_t port_key(const struct api_service_port *p)
{
	return (uint64_t)p->protocol << 16 | p->port;
}

static void set_ports(struct ipam_uses *u, const struct ipam_address *address,
		      const struct ipam_claimant *c, struct ipam_claimant *user)
{
	const struct api_service *s = &c->object->service;

	for (size_t i = 0; i < s->n_ports; i++)
		*ipam_index_slot(&u->ports, (uintptr_t)address, port_key(&s->ports[i])) = user;
}

void ipam_uses_add(struct ipam_uses *u, struct ipam_claimant *c, const struct ip_addr *a,
		   const struct ipam_pool *p)
{
	struct ipam_address *address = ensure(u, a);
	struct ipam_user *user = arena_new_of(u->arena, struct ipam_user);

	assert(!address->users || (c->sharing && c->sharing == address->users->claimant->sharing));
	*user = (struct ipam_user){.claimant = c, .next = address->users};
	address->users = user;
	address->pool = p;
	set_ports(u, address, c, c);
	ipam_part_of(c, a)->addr = *a;
	ipam_part_of(c, a)->pool = p;
}

void ipam_uses_drop(struct ipam_uses *u, const struct ipam_claimant *c, const struct ip_addr *a)
{
	struct ipam_address *address = find(u, a);
	struct ipam_user **at = &address->users;

	assert(address->users);
	while ((*at)->claimant != c)
		at = &(*at)->next;
	*at = (*at)->next;
	set_ports(u, address, c, NULL);
}

bool ipam_may_share(const struct ipam_claimant *a, const struct ipam_claimant *b)
{
	const struct api_service *x = &a->object->service, *y = &b->object->service;

	if (!a->sharing || a->sharing != b->sharing)
		return false;
	for (size_t i = 0; i < x->n_ports; i++)
		for (size_t k = 0; k < y->n_ports; k++)
			if (port_key(&x->ports[i]) == port_key(&y->ports[k]))
				return false;
	return true;
}

struct ipam_claimant *ipam_uses_in_the_way(const struct ipam_uses *u, const struct ipam_claimant *c,
					   const struct ip_addr *a)
{
	const struct api_service *s = &c->object->service;
	const struct ipam_address *address = find(u, a);

	if (!address || !address->users)
		return NULL;
	if (!c->sharing || address->users->claimant->sharing != c->sharing)
		return address->users->claimant;
	for (size_t i = 0; i < s->n_ports; i++) {
		struct ipam_claimant *user =
			ipam_index_get(&u->ports, (uintptr_t)address, port_key(&s->ports[i]));

		if (user)
			return user;
	}
	return NULL;
}

/* --- the next free address of a pool -------------------------------------------------------- */

static struct place place_of(const struct ipam_piece *range, const struct ip_addr *a)
{
	return (struct place){range->range + 1, *a};
}

static bool is_nowhere(const struct place *p)
{
	return p->range == SIZE_MAX;
}

static int place_cmp(const struct place *a, const struct place *b)
{
	if (a->range != b->range)
		return a->range < b->range ? -1 : 1;
	return ip_addr_cmp(&a->addr, &b->addr);
}

/* Behind the last address of all the next range begins. */
static struct place place_after(const struct place *p)
{
	const struct ip_addr next = ip_addr_next(&p->addr);

	return (struct place){p->range + ip_addr_is_none(&next), next};
}

static bool is_free(const struct ipam_uses *u, const struct ipam_pool *p, const struct ip_addr *a)
{
	const struct ipam_address *address;

	if (ip_addr_is_none(a) || ipam_pool_avoids(p, a))
		return false;
	address = find(u, a);
	return !address || (!address->users && !address->unseen && !address->not_given);
}

/* Goes on from space->at; false: the piece has no free address left. */
static bool search_piece(const struct ipam_uses *u, const struct ipam_pool *p,
			 struct ipam_space *space, const struct ipam_piece *piece)
{
	if (ip_addr_is_none(&space->at))
		space->at = piece->span.first;
	while (!is_free(u, p, &space->at)) {
		if (ip_addr_equal(&space->at, &piece->span.last))
			return false;
		space->at = ip_addr_next(&space->at);
	}
	return true;
}

/* The first free address is at space->at then. */
static struct place next_free(const struct ipam_uses *u, struct ipam_pool *p, enum ip_family family)
{
	struct ipam_space *space = &p->spaces[family];

	for (; space->at_piece < space->n_pieces; space->at_piece++) {
		const struct ipam_piece *piece = &space->pieces[space->at_piece];

		if (search_piece(u, p, space, piece))
			return place_of(piece, &space->at);
		space->at = (struct ip_addr){0};
	}
	return (struct place){.range = SIZE_MAX};
}

/* --- addresses that may be shared ----------------------------------------------------------- */

static int cmp_place(const void *key, const void *item)
{
	const struct shared *s = item;

	return place_cmp(key, &s->place);
}

static size_t index_of(const struct ipam_group *g, const struct place *place)
{
	return plan_lower_bound(place, g->items, g->n, sizeof(*g->items), cmp_place);
}

static uint64_t space_key(const struct ipam_pool *p, enum ip_family family)
{
	return (uint64_t)p->age * IP_N_FAMILIES + family;
}

static const struct ipam_group *find_group(const struct ipam_uses *u, const struct ipam_pool *p,
					   enum ip_family family, uint64_t sharing)
{
	return ipam_index_get(&u->groups, space_key(p, family), sharing);
}

static struct ipam_group *ensure_group(struct ipam_uses *u, const struct ipam_pool *p,
				       enum ip_family family, uint64_t sharing)
{
	void **slot = ipam_index_slot(&u->groups, space_key(p, family), sharing);

	if (!*slot)
		*slot = arena_new_of(u->arena, struct ipam_group);
	return *slot;
}

static void group_add(struct ipam_uses *u, const struct shared *new)
{
	const struct ipam_address *a = new->address;
	struct ipam_group *g =
		ensure_group(u, a->pool, ip_family_of(&a->addr), a->users->claimant->sharing);
	const size_t i = index_of(g, &new->place);

	(void)arena_push(u->arena, &g->items, &g->n, &g->cap, sizeof(*g->items));
	memmove(&g->items[i + 1], &g->items[i], (g->n - 1 - i) * sizeof(*g->items));
	g->items[i] = *new;
	assert(!is_nowhere(&new->place) &&
	       (i == 0 || place_cmp(&g->items[i - 1].place, &new->place) < 0));
}

static int cmp_shared(const void *a, const void *b)
{
	const struct shared *x = a;

	return cmp_place(&x->place, b);
}

/* In order of places, so that each is added at the end of its group. */
static void make_groups(struct ipam_uses *u)
{
	struct shared *all = arena_array_of(u->arena, u->n_known, struct shared);
	size_t n = 0;

	for (size_t i = 0; i < u->n_known; i++) {
		const struct ipam_address *a = u->known[i];

		if (!a->users || !a->users->claimant->sharing || a->unseen)
			continue;
		all[n].address = a;
		all[n++].place = place_of(ipam_pool_range(a->pool, &a->addr), &a->addr);
	}
	qsort(all, n, sizeof(*all), cmp_shared);
	for (size_t i = 0; i < n; i++)
		group_add(u, &all[i]);
}

static struct ipam_clash *clash_of(struct ipam_uses *u, const struct ipam_group *g,
				   const struct api_service_port *port)
{
	void **slot = ipam_index_slot(&u->clashes, (uintptr_t)g, port_key(port));

	if (!*slot)
		*slot = arena_new_of(u->arena, struct ipam_clash);
	return *slot;
}

/* Item i of the group is not to be had: those of the ports that are in use up to there know it. */
static void note_clash(struct ipam_uses *u, const struct ipam_group *g,
		       const struct ipam_claimant *c, size_t i)
{
	const struct api_service *s = &c->object->service;

	for (size_t k = 0; k < s->n_ports; k++) {
		struct ipam_clash *clash = clash_of(u, g, &s->ports[k]);

		if (index_of(g, &clash->from) == i &&
		    ipam_index_get(&u->ports, (uintptr_t)g->items[i].address,
				   port_key(&s->ports[k])))
			clash->from = place_after(&g->items[i].place);
	}
}

/* The first address before `end` that the Service may share, or NULL. */
static const struct ipam_address *search_group(struct ipam_uses *u, const struct ipam_claimant *c,
					       const struct ipam_group *g, const struct place *end)
{
	const struct api_service *s = &c->object->service;
	struct place from = {0};

	for (size_t k = 0; k < s->n_ports; k++) {
		const struct ipam_clash *clash = clash_of(u, g, &s->ports[k]);

		from = place_cmp(&clash->from, &from) > 0 ? clash->from : from;
	}
	for (size_t i = index_of(g, &from); i < g->n && place_cmp(&g->items[i].place, end) < 0;
	     i++) {
		if (!ipam_uses_in_the_way(u, c, &g->items[i].address->addr))
			return g->items[i].address;
		note_clash(u, g, c, i);
	}
	return NULL;
}

void ipam_uses_rewind(struct ipam_uses *u)
{
	u->groups = u->clashes = u->full = (struct ipam_index){.arena = u->arena};
	for (size_t i = 0; i < u->pools->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			u->pools->items[i].spaces[f].at_piece = 0;
			u->pools->items[i].spaces[f].at = (struct ip_addr){0};
		}
	make_groups(u);
}

/* --- taking --------------------------------------------------------------------------------- */

struct found {
	struct ip_addr addr;
	struct place place; /* of a free one; nowhere: it is shared */
};

static bool find_one(struct ipam_uses *u, const struct ipam_claimant *c, struct ipam_pool *p,
		     enum ip_family family, struct found *ret)
{
	const struct place end = next_free(u, p, family);
	const struct ipam_group *g = c->sharing ? find_group(u, p, family, c->sharing) : NULL;
	const struct ipam_address *shared = g ? search_group(u, c, g, &end) : NULL;

	assert(!shared || shared->pool == p);
	if (shared)
		*ret = (struct found){.addr = shared->addr, .place = {.range = SIZE_MAX}};
	else
		*ret = (struct found){.addr = end.addr, .place = end};
	return shared || !is_nowhere(&end);
}

/* The first family in which the pool has nothing, or IP_N_FAMILIES. */
static enum ip_family find_all(struct ipam_uses *u, const struct ipam_claimant *c,
			       struct ipam_pool *p, unsigned families, struct found *ret)
{
	enum ip_family f = 0;

	while (f < IP_N_FAMILIES && (!(families & IPAM_FAMILY(f)) || find_one(u, c, p, f, &ret[f])))
		f++;
	return f;
}

static void take_found(struct ipam_uses *u, struct ipam_claimant *c, const struct ipam_pool *p,
		       unsigned families, const struct found *found)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		if (!(families & IPAM_FAMILY(f)))
			continue;
		ipam_uses_add(u, c, &found[f].addr, p);
		if (!is_nowhere(&found[f].place) && c->sharing)
			group_add(u, &(struct shared){found[f].place, find(u, &found[f].addr)});
	}
}

bool ipam_uses_take(struct ipam_uses *u, struct ipam_claimant *c, struct ipam_pool *p,
		    unsigned families)
{
	struct found found[IP_N_FAMILIES];

	if (find_all(u, c, p, families, found) < IP_N_FAMILIES)
		return false;
	take_found(u, c, p, families, found);
	return true;
}

unsigned ipam_uses_lacking(struct ipam_uses *u, const struct ipam_claimant *c, struct ipam_pool *p,
			   unsigned families)
{
	struct found found;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (families & IPAM_FAMILY(f) && find_one(u, c, p, f, &found))
			families &= ~IPAM_FAMILY(f);
	return families;
}

/* --- the first pool that has an address ----------------------------------------------------- */

static struct ipam_full *full_for(struct ipam_uses *u, uint64_t sharing, unsigned families,
				  const struct api_service_port *port)
{
	void **slot = ipam_index_slot(&u->full, sharing,
				      (uint64_t)families << 32 | (port ? port_key(port) : 0));

	if (!*slot)
		*slot = arena_new_of(u->arena, struct ipam_full);
	return *slot;
}

/* All that the pool's group has is in use on that port. */
static bool group_is_full(struct ipam_uses *u, const struct ipam_group *g,
			  const struct api_service_port *port)
{
	return !g || index_of(g, &clash_of(u, g, port)->from) == g->n;
}

/* How many of the open pools need not be asked. */
static size_t full_pools(struct ipam_uses *u, const struct ipam_claimant *c, unsigned families)
{
	const struct api_service *s = &c->object->service;
	size_t n = full_for(u, 0, families, NULL)->n;

	if (!c->sharing)
		return n;
	n = 0;
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct ipam_full *full = full_for(u, c->sharing, families, &s->ports[i]);

		n = full->n > n ? full->n : n;
	}
	return n;
}

/* Open pool i had nothing for the Service in the family that is `lacking`. */
static void note_full(struct ipam_uses *u, const struct ipam_claimant *c, size_t i,
		      unsigned families, enum ip_family lacking)
{
	const struct api_service *s = &c->object->service;
	const struct ipam_group *g = find_group(u, u->pools->open[i], lacking, c->sharing);
	struct ipam_full *full = full_for(u, 0, families, NULL);

	if (full->n == i)
		full->n++;
	for (size_t k = 0; k < s->n_ports && c->sharing; k++) {
		full = full_for(u, c->sharing, families, &s->ports[k]);
		if (full->n == i && group_is_full(u, g, &s->ports[k]))
			full->n++;
	}
}

bool ipam_uses_take_open(struct ipam_uses *u, struct ipam_claimant *c, unsigned families)
{
	struct found found[IP_N_FAMILIES];

	for (size_t i = full_pools(u, c, families); i < u->pools->n_open; i++) {
		struct ipam_pool *p = u->pools->open[i];
		const enum ip_family lacking = find_all(u, c, p, families, found);

		if (lacking == IP_N_FAMILIES) {
			take_found(u, c, p, families, found);
			return true;
		}
		note_full(u, c, i, families, lacking);
	}
	return false;
}
