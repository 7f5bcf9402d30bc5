// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the allocator has to write: Services of an API server that say something else of their
 * addresses than what they are to have. Pure, and without a memory: what was written comes back in
 * the object, and then there is nothing to write any more.
 *
 * What is cleared is what an allocator of this kind has written, which it says by the annotation
 * metallb.io/ip-allocated-from-pool: a status without it, and Services of another class, are
 * somebody else's. An address that another Service is about to leave is written when it has left.
 */
#pragma once

#include "plan/ipam.h"

struct ipam_status {
	const struct api_object *service; /* borrowed from the world */
	struct ip_addr addrs[IP_N_FAMILIES];
	size_t n_addrs;   /* 0: it is cleared */
	const char *pool; /* that they are of; borrowed from the addresses */
};

/*
 * By namespace and name; `wanted` is what ipam_compute() said for the same inputs, without
 * only_written and of a complete world. Returns how many. The array lives in the arena.
 */
size_t ipam_statuses(const struct ipam_inputs *in, const struct plan_addresses *wanted,
		     struct arena *arena, const struct ipam_status **ret);
