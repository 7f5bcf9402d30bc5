// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the steps of a draft (plan_draft.h) find out about a VIP, a port and a prefix: the
 * items of the draft's arrays.
 */
#pragma once

#include "base/nsec.h"
#include "plan/plan_vip.h"

/* How far a VIP is: what may be announced to whom. */
enum vip_gate {
	GATE_CLOSED, /* to nobody */
	GATE_STALE,  /* an update is pending: to those that have it, since it is still served */
	GATE_OPEN,   /* programmed as planned, and tested */
};
struct draft_vip {
	struct plan_vip vip;
	enum vip_gate gate;
	bool may_open; /* something of it takes new flows, and no node's silence keeps it shut */
};

/* How far a VIP's routes are on their way to the routers. */
enum draft_route {
	ROUTE_UNCARRIED,
	ROUTE_NONE,
	ROUTE_LACKS_BLACKHOLE,
	ROUTE_PLANNED,
	ROUTE_HAS_SESSION,
	ROUTE_CARRIED
};

/* What the steps find out about one port of a fragment. */
struct draft_port {
	bool lost;              /* an older Service has this VIP, port and protocol */
	bool left_out;          /* for now: conntrack was not asked or has too many, or we have */
	bool unreached;         /* no node with an endpoint that takes new flows answers, */
	bool unasked;           /* ... or it is not known of any yet */
	enum draft_route route; /* the farthest of the VIP's claims */
	uint32_t n_drained;
	const struct lb_target *drained; /* left the slices, kept until */
	const nsec_t *drained_until;     /* the deadline of each */
};

/*
 * Where the last search in each array ended: keys mostly come in its order, and then the next one
 * is beside it. They make nothing but the search quicker.
 */
struct draft_near {
	size_t actual, vip, route;
	size_t *advertised; /* by number in actual.peers */
};

/* Lengths that blackholes on demand have. */
struct draft_discards {
	bool has_len[IP_N_FAMILIES][129];
};

/* All rows of one prefix together: the peers (bits) that it is announced to, and that keep it. */
struct draft_prefix {
	struct ip_prefix prefix;
	uint64_t announced, held;
};

/* A walk through what a peer was sent, in the order of prefixes. */
struct advertised_walk {
	const struct ip_prefix *at, *end;
};
/* That it was sent the prefix, which is not before the one that was asked for last. */
static inline bool plan_advertised_next(struct advertised_walk *w, const struct ip_prefix *prefix)
{
	int cmp = -1;

	while (w->at < w->end && (cmp = ip_prefix_cmp(w->at, prefix)) < 0)
		w->at++;
	return cmp == 0;
}
