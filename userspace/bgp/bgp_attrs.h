// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A set of path attributes in canonical form, as the plan wants them announced. What depends on the
 * session (own ASN in AS_PATH, NEXT_HOP, whether LOCAL_PREF goes on the wire) is added by the
 * encoder, so one set serves all peers and sets can be interned: equal content, equal id.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/community.h"

#include <stdint.h>

enum bgp_origin { BGP_ORIGIN_IGP = 0, BGP_ORIGIN_EGP = 1, BGP_ORIGIN_INCOMPLETE = 2 };

struct bgp_attrs {
	enum bgp_origin origin;
	uint8_t prepend; /* own ASN that many more times, eBGP only */
	bool has_local_pref, has_med;
	uint32_t local_pref; /* sent on iBGP only (RFC 4271 5.1.5) */
	uint32_t med;
	struct ip_addr next_hop;     /* none: the session's own address */
	const uint32_t *communities; /* sorted, no doubles, host order */
	size_t n_communities;
	const struct large_community *large; /* sorted, no doubles */
	size_t n_large;
	const uint64_t *extended; /* RFC 4360: sorted, no doubles, host order, type on top */
	size_t n_extended;        /* all three lists together: at most LIMIT_COMMUNITIES */
	/*
	 * Link bandwidth (draft-ietf-idr-link-bandwidth), by which routers spread over several next
	 * hops: so many times BGP_BANDWIDTH_UNIT; 0: it is not said. One more extended community,
	 * which names the session's own AS.
	 */
	uint32_t bandwidth;
};
#define BGP_BANDWIDTH_UNIT 125000000 /* octets a second: 1 Gb/s */

/* Total order over content; 0 means equal. */
int bgp_attrs_cmp(const struct bgp_attrs *a, const struct bgp_attrs *b);

/*
 * The same copy without an arena: octets that the lists of `a` need, and a copy whose lists are put
 * into `room`, which has so many, is aligned as for uint64_t and outlives the result.
 */
size_t bgp_attrs_lists_size(const struct bgp_attrs *a);
struct bgp_attrs bgp_attrs_copy_to(void *room, const struct bgp_attrs *a);

/* A deep copy in the arena. */
struct bgp_attrs bgp_attrs_copy(struct arena *arena, const struct bgp_attrs *a);
