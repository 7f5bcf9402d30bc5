// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Items by prefix: one dense array, found by prefix through an open hash table of indices into it,
 * and walked in the order of prefixes. An item is a struct of the user's whose first field is a
 * struct ip_prefix. Items are named by their index, which another one has after a removal: nothing
 * is allocated by item.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct prefix_order;

struct prefix_table {
	void *items; /* owned, dense */
	size_t n, cap, size;
	uint64_t seed;   /* of the hash */
	uint32_t *slots; /* owned: hash -> index of an item */
	size_t n_slots;
	struct prefix_order
		*order; /* owned; apart, so that a walk can fill it through a const table */
};

/* Of items of that size. A seed that nobody can guess where an outsider chooses the prefixes. */
void prefix_table_init(struct prefix_table *t, size_t size, uint64_t seed);
void prefix_table_done(struct prefix_table *t);

/* NULL: there is none. Valid, as all pointers to items, until the next is added or removed. */
void *prefix_table_find(const struct prefix_table *t, const struct ip_prefix *prefix);
/* The i-th of the array. */
static inline void *prefix_table_at(const struct prefix_table *t, size_t i)
{
	return (char *)t->items + i * t->size;
}
/* A zeroed item of that prefix, of which there must be none: the last of the array. */
void *prefix_table_add(struct prefix_table *t, const struct ip_prefix *prefix);
/* The last item takes its place and its index. */
void prefix_table_remove(struct prefix_table *t, const void *item);

/* The i-th in the order of prefixes; NULL: there are not so many. */
const void *prefix_table_in_order(const struct prefix_table *t, size_t i);
/* How many stand before the first that is behind the prefix in this order. */
size_t prefix_table_behind(const struct prefix_table *t, const struct ip_prefix *prefix);
