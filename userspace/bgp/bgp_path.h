// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The path attributes of received routes: what the choice among routes needs (RFC 4271 9.1) and
 * what an operator wants to see. Interned by content and counted by use, since thousands of routes
 * share a set. Lists are bounded, so that a peer cannot make us keep more than 2 KB with a route.
 */
#pragma once

#include "base/community.h"
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_import.h"

#define BGP_PATH_ASNS_MAX        255 /* kept of AS_PATH, and of communities: */
#define BGP_PATH_COMMUNITIES_MAX 63

struct bgp_update;
struct bgp_update_session;

struct bgp_path {
	enum bgp_origin origin;
	bool has_med, has_local_pref;
	uint32_t med, local_pref;
	struct ip_addr next_hop;
	struct ip_addr link_local; /* of two IPv6 next hops the second (RFC 2545 3); none */
	uint32_t originator_id;    /* 0: none */
	uint32_t n_clusters;
	uint32_t length;         /* of AS_PATH, as it is compared: all of it (RFC 4271 9.1.2.2) */
	enum bgp_verdict fault;  /* why no route with it is ever accepted; BGP_ACCEPTED: none */
	const uint32_t *as_path; /* the first ones; those of confederations, too */
	size_t n_as_path;
	const uint32_t *communities; /* the first ones, as they came */
	size_t n_communities;
	const struct large_community *large;
	size_t n_large;
};

/* Where the lists of one lie while it is looked up. */
struct bgp_path_room {
	uint32_t as_path[BGP_PATH_ASNS_MAX], communities[BGP_PATH_COMMUNITIES_MAX];
	struct large_community large[BGP_PATH_COMMUNITIES_MAX];
};

/*
 * The attributes of an UPDATE that announces something, with the next hop of its own fields or of
 * MP_REACH. A path of a 2-octet peer is put together with AS4_PATH (RFC 6793 4.2.3).
 */
struct bgp_path bgp_path_of(const struct bgp_update *u, const struct bgp_update_session *s,
			    bool is_mp, struct bgp_path_room *room);

/* The AS that the path came from last: the leftmost (RFC 4271 9.1.2.2 c). 0: it is empty. */
static inline uint32_t bgp_path_neighbor_asn(const struct bgp_path *p)
{
	return p->n_as_path ? p->as_path[0] : 0;
}

struct bgp_path_set;
struct bgp_paths {
	struct bgp_path_set **slots; /* owned, chained by hash */
	size_t n_slots, n;
	uint64_t seed;
};
void bgp_paths_init(struct bgp_paths *paths, uint64_t seed);
/* Frees them all, whoever uses them. */
void bgp_paths_done(struct bgp_paths *paths);
/* The one of that content, used once more. */
const struct bgp_path *bgp_paths_get(struct bgp_paths *paths, const struct bgp_path *path);
/* Used once less; the last one frees it. NULL is nobody's. */
void bgp_paths_put(struct bgp_paths *paths, const struct bgp_path *path);
