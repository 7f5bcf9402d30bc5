// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A hash table for the allocator: from two numbers to a pointer. Everything it looks up is made of
 * numbers (the halves of an address, a pool and a sharing key), so one table type serves all.
 * Lives in an arena, grows, forgets nothing: a slot is emptied by writing NULL. Private to ipam*.c.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>

struct ipam_index {
	struct arena *arena;
	struct ipam_index_node **slots; /* n_slots is a power of two, or 0: nothing in it yet */
	size_t n_slots, n;
};

/* The value, or NULL. */
void *ipam_index_get(const struct ipam_index *x, uint64_t a, uint64_t b);

/* Where the value is kept; *slot is NULL if it was not there. The address never changes. */
void **ipam_index_slot(struct ipam_index *x, uint64_t a, uint64_t b);
