// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which tunnels there may be, by the Node objects alone: where this node's end, and which address
 * of each other node one goes to (docs/decisions/166). Whether a node answers is not known here.
 */
#pragma once

#include "base/arena.h"
#include "base/problem.h"
#include "plan/plan_inputs.h"

/* To another node. */
struct plan_tunnel {
	const char *node;
	struct ip_addr addr;
};

struct plan_tunnels {
	/* Where those of others end here, by family; none: nowhere. */
	struct ip_addr own[IP_N_FAMILIES];
	const struct plan_tunnel *items; /* by node; no two to one address */
	const struct plan_tunnel *by_addr;
	size_t n;
};

/*
 * Two nodes use IPv4 where both name an InternalIP of it, else IPv6 where both do, each its first
 * one of the family: so both ends find the same. Without a Node object of this node, or without an
 * address that another shares the family of, there is none. An address that several Nodes name
 * leads to none of them, and each is told of it. Borrows from the world.
 */
void plan_tunnels_build(const struct world *world, const char *node_name, struct arena *arena,
			struct problems *problems, struct plan_tunnels *ret);

/* The address of the tunnel to the node of that name; NULL: there is none. */
const struct ip_addr *plan_tunnel_to(const struct plan_tunnels *t, const char *node);
/* The node that one to the address leads to; NULL: no known one. */
const char *plan_tunnel_node(const struct plan_tunnels *t, const struct ip_addr *addr);
