// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes on demand: prefixes that nothing is to reach, because an operator asked for it, a
 * Service does, or all that is announced of it says so (RFC 7999). They are dropped here, and
 * routers that ask for it are told to drop them (plan_rtbh.c).
 */
#pragma once

#include "lb/lb.h"
#include "plan/plan_own.h"

/* One of them, in one domain. */
struct plan_discard {
	struct lb_discard what;
	bool is_wanted;        /* else it stays until no router has its route any more */
	bool by_command;       /* the operator asked for it */
	const char *ns, *name; /* the first Service that asks for it; NULL: none does */
	uint64_t peers;        /* bit i: plan.peers[i] is to be told */
};

/* What an order is judged by. */
struct discard_judge {
	const struct world *world;
	const struct plan_node *node;
	const struct plan_own *own; /* of the two */
};
struct discard_refusal {
	const char *reason;           /* CamelCase */
	const char *message, *remedy; /* in the arena */
};
/*
 * That the operator may ask for it. It lies in one range of an IPAddressPool: routers take such
 * routes of ours alone (RFC 7999 3.3), and a mistyped prefix is nobody else's. And it reaches
 * neither nodes, routers nor pods.
 */
bool plan_discard_may(const struct discard_judge *judge, const struct ip_prefix *prefix,
		      struct arena *arena, struct discard_refusal *ret) must_check;
