// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The pools as the allocator sees them: which pool an address belongs to, which pools a Service may
 * take from and in which order, and the pieces of its ranges in which a pool has the say. All of it
 * is sorted once, so that nothing walks addresses or all ranges. Private to ipam*.c.
 */
#pragma once

#include "plan/plan_objects.h"

/* A range of a pool, or what is left of it. */
struct ipam_piece {
	struct ip_range span;
	size_t range; /* which of spec.addresses */
	struct ipam_pool *pool;
};

/* Where a pool has the say in one family, and how far the search for a free address has come. */
struct ipam_space {
	const struct ipam_piece *pieces; /* in allocation order */
	size_t n_pieces;
	size_t at_piece;   /* all before is taken */
	struct ip_addr at; /* in that piece; none: its first */
};

struct ipam_pool {
	const struct api_object *object;
	const char *name;
	size_t age;                      /* 0 = oldest */
	const struct ipam_piece *ranges; /* all it holds for hosts, by address */
	size_t n_ranges;
	struct ipam_space spaces[IP_N_FAMILIES];
};

struct ipam_pools {
	const struct world *world;
	struct ipam_pool *items; /* oldest first */
	size_t n;
	struct ipam_pool **by_name;
	/*
	 * The pools to try for automatic allocation (metallb.md 2.4): pinned ones, which have a
	 * serviceAllocation, by priority; then the others, which admit everybody; older ones first
	 * among equals.
	 */
	struct ipam_pool **pinned, **open;
	size_t n_pinned, n_open;
	const char *
		ns; /* in_ns: of the pinned pools those that admit this namespace; NULL: not made */
	struct ipam_pool **in_ns;
	size_t n_in_ns;
	const struct ipam_piece *pieces; /* of all pools, by address: no two share one */
	size_t n_pieces;
};

/* `list`: oldest first. Strict: a pool that overlaps an older one is refused, and gives nothing. */
void ipam_pools_build(const struct world *world, const struct object_list *list, bool strict,
		      struct arena *arena, struct problems *problems, struct ipam_pools *ret);

/* The pool that has the say about an address: of those that hold it the oldest (ruling 14). */
struct ipam_pool *ipam_pool_of(const struct ipam_pools *pools, const struct ip_addr *a);
struct ipam_pool *ipam_pool_named(const struct ipam_pools *pools, const char *name);

/* The range of the pool that holds the address, whoever has the say there; NULL: none does. */
const struct ipam_piece *ipam_pool_range(const struct ipam_pool *p, const struct ip_addr *a);

/* serviceAllocation of the pool admits the Service; without one every Service is admitted. */
bool ipam_pool_admits(const struct ipam_pools *pools, const struct ipam_pool *p,
		      const struct api_object *service);
/* avoidBuggyIPs refuses the address. */
bool ipam_pool_avoids(const struct ipam_pool *p, const struct ip_addr *a);

/*
 * The pinned pools that admit the Service, one by one; *i begins at 0; NULL at the end. Cheap as
 * long as Services are asked about namespace by namespace.
 */
struct ipam_pool *ipam_pools_pinned(struct ipam_pools *pools, const struct api_object *service,
				    size_t *i);

/* Part of ipam_pools_build: from the ranges of all pools to the pieces. Reports overlaps. */
void ipam_pools_divide(struct ipam_pools *pools, bool strict, struct arena *arena,
		       struct problems *problems);
