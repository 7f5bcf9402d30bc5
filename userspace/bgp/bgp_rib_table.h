// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The routes of an Adj-RIB-Out: one dense array, found by prefix through an open hash table of
 * indices into it, and walked in the order of prefixes. Routes are named by their index, which
 * another one has after a removal: nothing is allocated by route.
 */
#pragma once

#include "bgp/bgp_rib_sets.h"

#include "base/addr.h"

struct rib_route {
	struct ip_prefix prefix;
	bool dirty, refresh, is_news;
	uint32_t prev, next; /* in its bucket */
	struct rib_set *desired, *advertised;
};

struct rib_order;

struct rib_table {
	struct rib_route *routes; /* owned, dense */
	size_t n, cap;
	uint32_t *slots; /* owned: hash -> index of a route, or RIB_NONE */
	size_t n_slots;
	struct rib_order
		*order; /* owned; apart, so that a walk can fill it through a const table */
};

void rib_table_init(struct rib_table *t);
void rib_table_done(struct rib_table *t);

/* NULL: there is none. Valid, as all pointers to routes, until the next is added or removed. */
struct rib_route *rib_table_find(const struct rib_table *t, const struct ip_prefix *prefix);
/* A route in no bucket and without sets; there must be none of that prefix. */
struct rib_route *rib_table_add(struct rib_table *t, const struct ip_prefix *prefix);
/* The last route takes its place and its index. */
void rib_table_remove(struct rib_table *t, struct rib_route *r);

/* The i-th in the order of prefixes; NULL: there are not so many. */
const struct rib_route *rib_table_in_order(const struct rib_table *t, size_t i);
