// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The allocator at work: what its passes share. Private to ipam*.c.
 *
 *   ipam.c          everything together, and what is told
 *   ipam_certain.c  passes over certain addresses: what one has, and what one asks for
 *   ipam_any.c      passes over pools: any address will do
 */
#pragma once

#include "plan/ipam_wish.h"

struct ipam {
	struct arena *arena;
	struct ipam_wishes wishes;
	struct ipam_pools pools;
	struct ipam_uses uses;
	struct plan_own own;
	bool complete; /* what is not in the world is not there */
};

/* First pass: what one has, one keeps. */
void ipam_keep_owned(struct ipam *ipam, struct ipam_claimant *c);
/* Second pass: certain addresses that are asked for. */
void ipam_fulfil_requests(struct ipam *ipam);
/* Third pass: to the pool that is asked for, for who has an address of another. */
void ipam_move_to_wished(struct ipam *ipam);
/* Fourth pass, for one Service: what it has not yet. */
void ipam_take_any(struct ipam *ipam, struct ipam_claimant *c);

/* The pool that it asks for; NULL: that is none which may serve it, and so a fault of the wish. */
struct ipam_pool *ipam_pool_wished(struct ipam *ipam, struct ipam_claimant *c);

/* That the Service wishes for a pool, and not for this one. */
static inline bool ipam_wishes_other_pool(const struct ipam_claimant *c, const struct ipam_pool *p)
{
	return c->pool_wish && strcmp(c->pool_wish, p->name) != 0;
}
