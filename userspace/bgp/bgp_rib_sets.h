// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The attribute sets of an Adj-RIB-Out: few, each one allocation, interned by family and content,
 * counted by use and named by numbers, which take less room in routes. A set carries the bucket of
 * the routes that are to be sent with it; who fills that is bgp/bgp_rib.c.
 */
#pragma once

#include "bgp/bgp_attrs.h"
#include "bgp/bgp_family.h"

#define RIB_NONE ((1u << 30) - 1) /* fits beside a route's two flags */

/* Dirty routes of one kind of work, first come, first served. */
struct rib_bucket {
	uint32_t head, tail;            /* indices of what waits, RIB_NONE if empty */
	struct rib_bucket *prev, *next; /* in the list of buckets that are not empty */
	struct rib_set *set;            /* NULL: withdrawals */
};

struct rib_set {
	struct bgp_attrs attrs; /* lists follow this struct, in the same allocation */
	enum bgp_family family;
	uint64_t hash;
	size_t n_users;
	uint32_t number;
	struct rib_set *next_in_slot;
	struct rib_bucket bucket;
};

#define RIB_SETS_SLOTS 1024
struct rib_sets {
	struct rib_set *slots[RIB_SETS_SLOTS]; /* owned, chained by hash */
	struct rib_set **numbered;             /* owned array; NULL: a number that is free */
	size_t n_numbers, cap;
	uint32_t *free_numbers; /* owned */
	size_t n_free, cap_free;
	size_t n;
};

/* `set` NULL: of withdrawals. */
void rib_bucket_init(struct rib_bucket *b, struct rib_set *set);

/* The family's set of that content, one user more. */
uint32_t rib_sets_get(struct rib_sets *sets, enum bgp_family family, const struct bgp_attrs *attrs);
/* One user more, or less; the last one frees it, and then its bucket is empty. RIB_NONE is none. */
void rib_sets_use(struct rib_sets *sets, uint32_t set);
void rib_sets_put(struct rib_sets *sets, uint32_t set);
/* Of a number that is in use; valid as long. */
struct rib_set *rib_sets_at(const struct rib_sets *sets, uint32_t set);
/* Frees them all, whoever uses them. */
void rib_sets_done(struct rib_sets *sets);
