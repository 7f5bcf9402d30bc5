// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The pools as the allocator sees them: which pool an address belongs to, which pools a Service may
 * take from and in which order, which addresses are in use and by whom. Private to ipam*.c.
 */
#pragma once

#include "plan/plan_objects.h"

struct ipam_pool {
	const struct api_object *object;
	size_t age;        /* 0 = oldest */
	size_t at_range;   /* where the search for a free address goes on: all before is taken */
	struct ip_addr at; /* in that range; none: its first */
};

struct ipam_pools {
	const struct world *world;
	struct ipam_pool *items; /* oldest first */
	size_t n;
};

void ipam_pools_build(const struct world *world, const struct plan_settings *settings,
		      struct arena *arena, struct problems *problems, struct ipam_pools *ret);

/* The pool that has the say about an address: of those that hold it the oldest (ruling 14). */
struct ipam_pool *ipam_pool_of(const struct ipam_pools *pools, const struct ip_addr *a);
struct ipam_pool *ipam_pool_named(const struct ipam_pools *pools, const char *name);

/* serviceAllocation of the pool admits the Service; without one every Service is admitted. */
bool ipam_pool_admits(const struct ipam_pools *pools, const struct ipam_pool *p,
		      const struct api_object *service);
/* avoidBuggyIPs refuses the address. */
bool ipam_pool_avoids(const struct ipam_pool *p, const struct ip_addr *a);

/*
 * Pools to try for automatic allocation (metallb.md 2.4): pinned ones by priority, then those
 * without serviceAllocation; older ones first among equals. `out` has room for pools->n; returns
 * how many.
 */
size_t ipam_pools_for(const struct ipam_pools *pools, const struct api_object *service,
		      struct ipam_pool **out);
