// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The attribute sets of an Adj-RIB-Out: few, each one allocation, interned by family and content
 * and counted by use. A set carries the bucket of the routes that are to be sent with it; who fills
 * that is bgp/bgp_rib.c.
 */
#pragma once

#include "bgp/bgp_attrs.h"
#include "bgp/bgp_family.h"

#define RIB_NONE UINT32_MAX

/* Dirty routes of one kind of work, first come, first served. */
struct rib_bucket {
	uint32_t head, tail;            /* indices of routes, RIB_NONE if empty */
	struct rib_bucket *prev, *next; /* in the list of buckets that are not empty */
	struct rib_set *set;            /* NULL: withdrawals */
};

struct rib_set {
	struct bgp_attrs attrs; /* lists follow this struct, in the same allocation */
	enum bgp_family family;
	uint64_t hash;
	size_t n_users;
	struct rib_set *next_in_slot;
	struct rib_bucket bucket;
};

#define RIB_SETS_SLOTS 1024
struct rib_sets {
	struct rib_set *slots[RIB_SETS_SLOTS]; /* owned, chained by hash */
	size_t n;
};

/* `set` NULL: of withdrawals. */
void rib_bucket_init(struct rib_bucket *b, struct rib_set *set);

/* The family's set of that content, one user more. */
struct rib_set *rib_sets_get(struct rib_sets *sets, enum bgp_family family,
			     const struct bgp_attrs *attrs);
/* One user less; the last one frees it, and then its bucket is empty. NULL is nobody's set. */
void rib_sets_put(struct rib_sets *sets, struct rib_set *set);
/* Frees them all, whoever uses them. */
void rib_sets_done(struct rib_sets *sets);
