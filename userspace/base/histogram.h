// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How often something took how long. Counts only grow; a plain struct, so that it is copied by
 * assignment.
 */
#pragma once

#include "base/nsec.h"

#include <assert.h>
#include <stddef.h>

#define HISTOGRAM_BOUNDS 24

struct histogram {
	const nsec_t
		*bounds; /* ascending, static; what is no longer than bounds[i] is of bucket i */
	size_t n;        /* of bounds, at most HISTOGRAM_BOUNDS */
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* the last one: longer than all bounds */
	nsec_t sum;
};

static inline struct histogram histogram_of(const nsec_t *bounds, size_t n)
{
	assert(n <= HISTOGRAM_BOUNDS);
	return (struct histogram){.bounds = bounds, .n = n};
}

static inline void histogram_add(struct histogram *h, nsec_t length)
{
	size_t i = 0;

	while (i < h->n && length > h->bounds[i])
		i++;
	h->counts[i]++;
	h->sum += length;
}

static inline uint64_t histogram_count(const struct histogram *h)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= h->n; i++)
		count += h->counts[i];
	return count;
}
