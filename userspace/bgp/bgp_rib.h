// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The Adj-RIB-Out of one peer: per prefix the desired and the advertised attribute set, dirty
 * prefixes bucketed by desired set (one more bucket for withdrawals), so that UPDATEs are packed
 * and a route that changes while the peer does not read costs nothing. It owns copies of all it is
 * given: no pointer into a plan is kept. Sets are interned here by content and counted
 * by use, each family's apart, since one UPDATE speaks of one family: the prefix says which.
 */
#pragma once

#include "bgp/bgp_attrs.h"
#include "bgp/bgp_family.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bgp_rib;

/*
 * The prefixes of ribs that mostly have the same, as those of a node's peers do: each is there
 * once, counted by its users. Freed after all of them.
 */
struct bgp_rib_prefixes;
struct bgp_rib_prefixes *bgp_rib_prefixes_new(void);
struct bgp_rib_prefixes *bgp_rib_prefixes_free(struct bgp_rib_prefixes *p);

/* `shared` is borrowed; NULL: it shares nothing. */
struct bgp_rib *bgp_rib_new(struct bgp_rib_prefixes *shared);
struct bgp_rib *bgp_rib_free(struct bgp_rib *rib);

/* Desire a route; setting the same again does nothing. False: LIMIT_ADJ_RIB_OUT reached. */
bool bgp_rib_set(struct bgp_rib *rib, const struct ip_prefix *prefix,
		 const struct bgp_attrs *attrs) must_check;
/* Desire it no more. Unknown prefixes are ignored. */
void bgp_rib_del(struct bgp_rib *rib, const struct ip_prefix *prefix);

/* The session is gone: nothing is advertised any more, all desired routes are dirty again. */
void bgp_rib_session_down(struct bgp_rib *rib);
/* The peer asks for a family again (RFC 2918): all its desired routes are dirty. */
void bgp_rib_refresh(struct bgp_rib *rib, enum bgp_family family);

/* True if something of the family waits to be sent. */
bool bgp_rib_dirty(const struct bgp_rib *rib, enum bgp_family family);
/* Of all families together. */
size_t bgp_rib_n_advertised(const struct bgp_rib *rib);
size_t bgp_rib_n_desired(const struct bgp_rib *rib);
size_t bgp_rib_n_sets(const struct bgp_rib *rib); /* distinct attribute sets in use, by family */

/* What a batch may be of. */
struct bgp_rib_room {
	struct bgp_families families;
	struct bgp_families no_next_hop; /* of these withdrawals only */
	size_t cap[BGP_N_FAMILIES];      /* prefixes, the longest of which differ by family */
};

/* What a batch is about. */
struct bgp_rib_work {
	enum bgp_family family;
	const struct bgp_attrs
		*attrs; /* NULL: withdraw; else borrowed until the rib next changes */
};

/*
 * One batch of equal work: up to `cap` prefixes of one bucket of one of the families, withdrawals
 * of all of them before announcements. The prefixes count as advertised (or withdrawn) as soon as
 * they are taken: the caller has written them. Returns how many prefixes were written to `out`; 0
 * when there is nothing of the kind: *ret is untouched.
 */
size_t bgp_rib_take(struct bgp_rib *rib, const struct bgp_rib_room *room, struct ip_prefix *out,
		    struct bgp_rib_work *ret);

/* Walks what is advertised or desired, in prefix order. Start with *pos = 0; false at the end. */
struct bgp_rib_route {
	struct ip_prefix prefix;
	const struct bgp_attrs *desired,
		*advertised; /* NULL if not; borrowed until the next change */
	bool is_news; /* what is advertised is not what was when bgp_rib_is_known() was said */
};
bool bgp_rib_next(const struct bgp_rib *rib, size_t *pos, struct bgp_rib_route *ret);
/* Where a walk begins that passes over all that is before the prefix. */
size_t bgp_rib_from(const struct bgp_rib *rib, const struct ip_prefix *prefix);
/* Nothing that is advertised is news any more. */
void bgp_rib_is_known(struct bgp_rib *rib);
