// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How packets leave by each uplink for other nodes: by the kernel's routes, to which neighbour,
 * with which MAC addresses; and that these neighbours are kept alive, which nothing does that
 * passes XDP. The kernel does that for us (NTF_EXT_MANAGED, Linux 5.16; where it refuses, each look
 * asks it to resolve them anew). What we have asked for carries our protocol and is let go when
 * nobody needs it any more; entries are never deleted, nor is one touched that somebody else has
 * made permanent or keeps alive.
 *
 * A look takes a request for each uplink and node, so it is a helper's.
 */
#pragma once

#include "base/arena.h"
#include "base/mem.h"
#include "plan/plan_device.h"

struct nlsock;

struct hop_ask {
	int uplink;
	struct ip_addr node, source; /* of one family; source none: as the kernel chooses it */
	bool by_any; /* by whatever device; else by those alone that are asked for as uplinks */
};

/* An address on a link that a way leads by. Zero it before filling. */
struct hop_neighbour {
	int ifindex;
	struct ip_addr addr;
};
int hop_neighbour_cmp(const void *a, const void *b);

struct hop_picture {
	struct plan_next_hop *hops; /* in the order of the asks; those that are wholly known */
	size_t n;
	struct hop_neighbour *neighbours; /* sorted; of these and of those that are not */
	size_t n_neighbours;
};

/*
 * As the kernel's routes lead, the longest prefix first, and of those that are as long by the
 * uplink itself. Asks are sorted by uplink. 0, or the first -errno; what is known then is told all
 * the same.
 */
int rtnl_hops_look(struct nlsock *s, const struct hop_ask *asks, size_t n, struct arena *arena,
		   struct hop_picture *ret) must_check;
