// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is compared and hashed is a set's fields and its lists. The lists of a set follow it in its
 * allocation, so that nothing of the message is kept.
 */
#include "bgp/bgp_path.h"

#include "base/hash.h"
#include "bgp/bgp_update.h"

#include <assert.h>

#define SLOTS_MIN 64 /* a power of two */

/* --- from an UPDATE -------------------------------------------------------------------------- */

/* AS numbers of AS_PATH or AS4_PATH, whose segments were checked; how many, beyond cap, too. */
static size_t read_asns(struct rcur c, bool as4, uint32_t *ret, size_t cap)
{
	size_t n = 0;

	while (rcur_left(&c) > 0) {
		(void)rcur_u8(&c);
		for (unsigned left = rcur_u8(&c); left > 0; left--) {
			const uint32_t asn = as4 ? rcur_u32(&c) : rcur_u16(&c);

			if (n < cap)
				ret[n] = asn;
			n++;
		}
	}
	return n;
}

/* RFC 6793 4.2.3: the new path's numbers are the last ones of the old path. */
static void put_together(const struct bgp_update *u, uint32_t *asns, size_t n)
{
	uint32_t news[BGP_PATH_ASNS_MAX];
	const size_t n_new = read_asns(u->as4_path, true, news, ARRAY_SIZE(news));

	if (n_new > n || n > BGP_PATH_ASNS_MAX)
		return;
	for (size_t i = 0; i < n_new; i++)
		asns[n - n_new + i] = news[i];
}

static bool has_asn(const uint32_t *asns, size_t n, uint32_t asn)
{
	for (size_t i = 0; i < n; i++)
		if (asns[i] == asn)
			return true;
	return false;
}

/* All of the path is looked at, however long. */
static bool is_loop(const struct bgp_update *u, const struct bgp_update_session *s,
		    const struct bgp_path_room *room, size_t n_kept)
{
	struct rcur c = u->as_path;

	if (has_asn(room->as_path, n_kept, s->local_asn))
		return true;
	while (rcur_left(&c) > 0) {
		(void)rcur_u8(&c);
		for (unsigned left = rcur_u8(&c); left > 0; left--)
			if ((s->as4 ? rcur_u32(&c) : rcur_u16(&c)) == s->local_asn)
				return true;
	}
	return false;
}

static bool is_own(const struct bgp_update_session *s, const struct ip_addr *a)
{
	return !ip_addr_is_none(a) &&
	       (ip_addr_equal(a, &s->local.ipv4) || ip_addr_equal(a, &s->local.ipv6) ||
		ip_addr_equal(a, &s->local.ipv6_link_local));
}

static enum bgp_verdict fault_of(const struct bgp_update *u, const struct bgp_update_session *s,
				 const struct bgp_path *p, const struct bgp_path_room *room)
{
	if (is_loop(u, s, room, p->n_as_path))
		return BGP_OWN_ASN;
	if (p->originator_id != 0 && p->originator_id == s->router_id)
		return BGP_OWN_ROUTE;
	if (u->is_leak)
		return BGP_LEAK;
	if (is_own(s, &p->next_hop))
		return BGP_OWN_NEXT_HOP;
	return BGP_ACCEPTED;
}

static size_t read_communities(struct rcur c, uint32_t *ret)
{
	size_t n = 0;

	while (rcur_left(&c) > 0 && n < BGP_PATH_COMMUNITIES_MAX)
		ret[n++] = rcur_u32(&c);
	return n;
}

static size_t read_large(struct rcur c, struct large_community *ret)
{
	size_t n = 0;

	while (rcur_left(&c) > 0 && n < BGP_PATH_COMMUNITIES_MAX) {
		struct large_community *l = &ret[n++];

		l->global = rcur_u32(&c);
		l->local1 = rcur_u32(&c);
		l->local2 = rcur_u32(&c);
	}
	return n;
}

struct bgp_path bgp_path_of(const struct bgp_update *u, const struct bgp_update_session *s,
			    bool is_mp, struct bgp_path_room *room)
{
	const size_t n = read_asns(u->as_path, s->as4, room->as_path, BGP_PATH_ASNS_MAX);
	struct bgp_path ret = {
		.origin = (enum bgp_origin)u->origin,
		.has_med = u->has_med,
		.has_local_pref = u->has_local_pref,
		.med = u->med,
		.local_pref = u->local_pref,
		.next_hop = is_mp ? u->mp_next_hop : u->next_hop,
		.originator_id = u->originator_id,
		.n_clusters = (uint32_t)(rcur_left(&u->cluster_list) / 4),
		.length = u->n_as_path,
		.as_path = room->as_path,
		.n_as_path = n < BGP_PATH_ASNS_MAX ? n : BGP_PATH_ASNS_MAX,
		.communities = room->communities,
		.n_communities = read_communities(u->communities, room->communities),
		.large = room->large,
		.n_large = read_large(u->large_communities, room->large),
	};

	if (is_mp)
		ret.link_local = u->mp_link_local;
	if (!s->as4)
		put_together(u, room->as_path, n);
	ret.fault = fault_of(u, s, &ret, room);
	return ret;
}

/* --- interned -------------------------------------------------------------------------------- */

struct bgp_path_set {
	struct bgp_path path; /* first; lists follow this struct, in the same allocation */
	struct bgp_path_set *next;
	uint64_t hash;
	size_t n_users;
};

static uint64_t hash_path(uint64_t h, const struct bgp_path *p)
{
	h = hash_u64(h, (uint64_t)p->origin << 8 | (uint64_t)p->fault);
	h = hash_u64(h, p->has_med ? (uint64_t)p->med + 1 : 0);
	h = hash_u64(h, p->has_local_pref ? (uint64_t)p->local_pref + 1 : 0);
	h = hash_u64(h, (uint64_t)p->originator_id << 32 | p->n_clusters);
	h = hash_u64(h, p->length);
	h = hash_bytes(h, &p->next_hop, sizeof(p->next_hop));
	h = hash_bytes(h, &p->link_local, sizeof(p->link_local));
	h = hash_bytes(h, p->as_path, p->n_as_path * sizeof(*p->as_path));
	h = hash_bytes(h, p->communities, p->n_communities * sizeof(*p->communities));
	return hash_bytes(h, p->large, p->n_large * sizeof(*p->large));
}

static bool same_list(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
	return n_a == n_b && memcmp(a, b, n_a * size) == 0;
}

static bool same_path(const struct bgp_path *a, const struct bgp_path *b)
{
	return a->origin == b->origin && a->fault == b->fault && a->has_med == b->has_med &&
	       a->med == b->med && a->has_local_pref == b->has_local_pref &&
	       a->local_pref == b->local_pref && a->originator_id == b->originator_id &&
	       a->n_clusters == b->n_clusters && a->length == b->length &&
	       ip_addr_equal(&a->next_hop, &b->next_hop) &&
	       ip_addr_equal(&a->link_local, &b->link_local) &&
	       same_list(a->as_path, a->n_as_path, b->as_path, b->n_as_path, sizeof(*a->as_path)) &&
	       same_list(a->communities, a->n_communities, b->communities, b->n_communities,
			 sizeof(*a->communities)) &&
	       same_list(a->large, a->n_large, b->large, b->n_large, sizeof(*a->large));
}

static void *append(char **at, const void *list, size_t bytes)
{
	void *ret = *at;

	memcpy(ret, list, bytes);
	*at += bytes;
	return ret;
}

static struct bgp_path_set *new_set(const struct bgp_path *p, uint64_t hash)
{
	const size_t asns = p->n_as_path * sizeof(*p->as_path);
	const size_t communities = p->n_communities * sizeof(*p->communities);
	const size_t large = p->n_large * sizeof(*p->large);
	struct bgp_path_set *set = xmalloc(sizeof(*set) + asns + communities + large);
	char *at = (char *)(set + 1);

	*set = (struct bgp_path_set){.path = *p, .hash = hash};
	set->path.as_path = append(&at, p->as_path, asns);
	set->path.communities = append(&at, p->communities, communities);
	set->path.large = append(&at, p->large, large);
	return set;
}

static void slots_resize(struct bgp_paths *paths, size_t n_slots)
{
	struct bgp_path_set **old = paths->slots;
	const size_t n_old = paths->n_slots;

	paths->slots = xcalloc(n_slots, sizeof(struct bgp_path_set *));
	paths->n_slots = n_slots;
	for (size_t i = 0; i < n_old; i++) {
		for (struct bgp_path_set *set = old[i], *next; set; set = next) {
			struct bgp_path_set **slot = &paths->slots[set->hash & (n_slots - 1)];

			next = set->next;
			set->next = *slot;
			*slot = set;
		}
	}
	free(old);
}

void bgp_paths_init(struct bgp_paths *paths, uint64_t seed)
{
	*paths = (struct bgp_paths){.seed = seed};
	slots_resize(paths, SLOTS_MIN);
}

void bgp_paths_done(struct bgp_paths *paths)
{
	for (size_t i = 0; i < paths->n_slots; i++) {
		for (struct bgp_path_set *set = paths->slots[i], *next; set; set = next) {
			next = set->next;
			free(set);
		}
	}
	free(paths->slots);
}

const struct bgp_path *bgp_paths_get(struct bgp_paths *paths, const struct bgp_path *path)
{
	const uint64_t hash = hash_path(paths->seed, path);
	struct bgp_path_set *set = paths->slots[hash & (paths->n_slots - 1)];

	while (set && (set->hash != hash || !same_path(&set->path, path)))
		set = set->next;
	if (!set) {
		if (paths->n == paths->n_slots)
			slots_resize(paths, 2 * paths->n_slots);
		set = new_set(path, hash);
		set->next = paths->slots[hash & (paths->n_slots - 1)];
		paths->slots[hash & (paths->n_slots - 1)] = set;
		paths->n++;
	}
	set->n_users++;
	return &set->path;
}

void bgp_paths_put(struct bgp_paths *paths, const struct bgp_path *path)
{
	struct bgp_path_set **at;

	if (!path)
		return;
	at = &paths->slots[((const struct bgp_path_set *)path)->hash & (paths->n_slots - 1)];
	while (&(*at)->path != path)
		at = &(*at)->next;
	assert((*at)->n_users > 0);
	if (--(*at)->n_users == 0) {
		struct bgp_path_set *set = *at;

		*at = set->next;
		paths->n--;
		free(set);
	}
}
