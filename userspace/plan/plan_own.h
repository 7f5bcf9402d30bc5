// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses that must not become VIPs, because somebody else is reached by them: of this node's
 * interfaces, of the next hops of its default routes, of any Node object, of BGPPeers. A VIP takes
 * every port of its address, so a node whose address is one loses its BGP sessions and whoever
 * administers it, and a router's would be drawn here by the other routers.
 *
 * Two exceptions (docs/decisions/010): what kube-proxy puts on kube-ipvs0 is a VIP already and
 * counts for nothing; a host address (/32, /128) on lo or on a dummy device is loose.
 *
 * What is on a device in a VRF counts for the VIPs of that VRF alone: elsewhere the address is
 * another one.
 */
#pragma once

#include "plan/plan_inputs.h"

struct plan_own_address {
	struct ip_addr addr;
	const char *owner; /* "an address of this node (eth0)" */
	bool loose;        /* never given by itself, but to who asks for it */
	uint16_t domain;   /* of which it is; 0: of all */
};

struct plan_own {
	const struct plan_own_address *items; /* by domain, address, free of doubles */
	size_t n;
	size_t n_of_all; /* the first: those of all domains */
};

void plan_own_build(const struct world *world, const struct plan_node *node, struct arena *arena,
		    struct plan_own *ret);

/* That the address is, of that domain and not loose; or NULL. */
const struct plan_own_address *plan_own_find(const struct plan_own *own, uint16_t domain,
					     const struct ip_addr *a);

/* The lowest one of that domain under the prefix that is not loose; or NULL. */
const struct plan_own_address *plan_own_under(const struct plan_own *own, uint16_t domain,
					      const struct ip_prefix *p);
