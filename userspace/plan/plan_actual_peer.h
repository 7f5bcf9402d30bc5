// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is known of a peer when a plan is made: its BGP session, and what BFD says of the way to it.
 */
#pragma once

#include "base/nsec.h"
#include "base/prefixes.h"
#include "bgp/bgp_family.h"

/* A peer is named by its object, VRF and interface. Strings borrowed; never NULL ("" = none). */
struct peer_key {
	const char *name, *vrf, *interface;
};
int peer_key_cmp(const struct peer_key *a, const struct peer_key *b);

/*
 * All zero: nothing is said against it. BFD that was never Up says nothing, nor does a router's
 * that is out of use (AdminDown, RFC 5882 3.2 and 4.2).
 */
struct plan_path {
	nsec_t lost_at;     /* BFD was Up until then and has not been since; 0: it is not lost */
	const char *reason; /* of lost_at: the diagnostic in words, borrowed; else NULL */
};

struct plan_actual_peer {
	struct peer_key key;
	bool established, end_of_rib_sent;
	nsec_t established_at; /* if so */
	struct plan_path path;
	struct bgp_families not_agreed, no_next_hop; /* of those that it offers */
	struct prefix_list *advertised;              /* no other one: the same are; NULL: none */
	/*
	 * Until then the router may hold, as stale (RFC 4724), what this session's predecessor
	 * announced: one of this process that broke, or of a former process. 0: it holds nothing.
	 */
	nsec_t stale_until;
	bool over_limit;        /* it sends more routes to be accepted than may be */
	const char *last_error; /* NULL = none */
	nsec_t trying_since;    /* since when there is no session; NSEC_NEVER: established */
	uint16_t refusals; /* attempts in a row that the peer refused or that could not be made */
};

/*
 * There is a session that reaches the peer. One that is older than the loss of its way does not,
 * whether or not BGP has noticed; one that came up over that way does, as it would without BFD.
 */
static inline bool plan_peer_is_reached(const struct plan_actual_peer *p)
{
	return p->established && (p->path.lost_at == 0 || p->established_at >= p->path.lost_at);
}
