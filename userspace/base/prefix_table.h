// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Items by prefix: one array, found by prefix through an open hash table of indices into it,
 * and walked in the order of prefixes. An item is a struct of the user's whose first field is a
 * struct ip_prefix. Items are named by their index, which they keep; that of one that was removed
 * is the next new one's: nothing is allocated by item.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct prefix_order;

#define PREFIX_TABLE_FREE 255 /* the length of what is at a place without an item */

struct prefix_table {
	void *items;         /* owned */
	size_t n, cap, size; /* places: of items and of such as were removed */
	uint32_t free;       /* the first of the latter, which name each other */
	size_t n_free;
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
static inline size_t prefix_table_n_items(const struct prefix_table *t)
{
	return t->n - t->n_free;
}
/* The item of that index; NULL: it was removed. */
static inline void *prefix_table_at(const struct prefix_table *t, size_t i)
{
	char *item = (char *)t->items + i * t->size;

	return ((const struct ip_prefix *)(const void *)item)->len == PREFIX_TABLE_FREE ? NULL
											: item;
}
static inline uint32_t prefix_table_index(const struct prefix_table *t, const void *item)
{
	return (uint32_t)((size_t)((const char *)item - (const char *)t->items) / t->size);
}
/* A zeroed item of that prefix, of which there must be none. */
void *prefix_table_add(struct prefix_table *t, const struct ip_prefix *prefix);
void prefix_table_remove(struct prefix_table *t, const void *item);

/* The i-th in the order of prefixes; NULL: there are not so many. */
const void *prefix_table_in_order(const struct prefix_table *t, size_t i);
/* How many stand before the first that is not before the prefix, or that is behind it, in this
 * order.
 */
size_t prefix_table_before(const struct prefix_table *t, const struct ip_prefix *prefix);
size_t prefix_table_behind(const struct prefix_table *t, const struct ip_prefix *prefix);
