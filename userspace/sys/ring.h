// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A ring from one thread to one other: fixed room, no lock. Whoever puts never waits: a full ring
 * refuses. What was put is seen whole by who takes it (release and acquire).
 */
#pragma once

#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

struct ring {
	_Atomic size_t put, taken; /* counted on for ever; the producer's, the consumer's */
	size_t n, size;            /* room, a power of two; octets of one */
	char *items;               /* owned */
};

static inline void ring_init(struct ring *r, size_t n, size_t size)
{
	assert(n > 0 && (n & (n - 1)) == 0);
	atomic_init(&r->put, 0);
	atomic_init(&r->taken, 0);
	r->n = n;
	r->size = size;
	r->items = xcalloc(n, size);
}

static inline void ring_done(struct ring *r)
{
	free(r->items);
	r->items = NULL;
}

/* The producer's. False: there is no room. */
static inline bool ring_has_room(struct ring *r)
{
	return atomic_load_explicit(&r->put, memory_order_relaxed) -
		       atomic_load_explicit(&r->taken, memory_order_acquire) <
	       r->n;
}

static inline bool ring_put(struct ring *r, const void *item)
{
	size_t at = atomic_load_explicit(&r->put, memory_order_relaxed);

	if (!ring_has_room(r))
		return false;
	memcpy(r->items + (at & (r->n - 1)) * r->size, item, r->size);
	atomic_store_explicit(&r->put, at + 1, memory_order_release);
	return true;
}

/* The consumer's. False: there is nothing. */
static inline bool ring_take(struct ring *r, void *ret)
{
	size_t at = atomic_load_explicit(&r->taken, memory_order_relaxed);

	if (at == atomic_load_explicit(&r->put, memory_order_acquire))
		return false;
	memcpy(ret, r->items + (at & (r->n - 1)) * r->size, r->size);
	atomic_store_explicit(&r->taken, at + 1, memory_order_release);
	return true;
}
