// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the planner does to sorted arrays beside finding and diffing (base/sorted.h): making one out
 * of a heap of rows or values, and finding the first row of a run of equal keys. No state, no
 * memory.
 */
#pragma once

#include "base/community.h"

#include <stddef.h>

/* As qsort; what is sorted already, as it often is where names and addresses go together, costs one
 * pass. */
void plan_sort(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *));

/* Sorts and drops doubles in place; of rows that cmp calls equal the first kept is any of them. */
size_t plan_sort_unique(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *));

/* Two sorted arrays into one; of equal items those of `a` are first. *ret: room for both. */
void plan_merge(const void *a, size_t n_a, const void *b, size_t n_b, size_t size,
		int (*cmp)(const void *, const void *), void *ret);

/* Index of the first item that is not before the key; n if all are. */
size_t plan_lower_bound(const void *key, const void *items, size_t n, size_t size,
			int (*cmp)(const void *key, const void *item));

/*
 * The same, quick where keys come in order: looks first at *at and behind it, and further away by
 * doubling steps. *at is where the last search ended, whatever it was, and is set to the result.
 */
static inline __attribute__((always_inline)) size_t
plan_lower_bound_near(const void *key, const void *items, size_t n, size_t size,
		      int (*cmp)(const void *key, const void *item), size_t *at)
{
	const char *first = items;
	size_t low = 0, high = n, i = *at < n ? *at : n;

	if (i < n && cmp(key, first + i * size) > 0) {
		low = i + 1;
		for (size_t step = 1; low < n; step *= 2) {
			i = n - low > step ? low + step - 1 : n - 1;
			if (cmp(key, first + i * size) <= 0) {
				high = i;
				break;
			}
			low = i + 1;
		}
	} else {
		high = i;
		for (size_t step = 1; high > 0; step *= 2) {
			i = high > step ? high - step : 0;
			if (cmp(key, first + i * size) > 0) {
				low = i + 1;
				break;
			}
			high = i;
		}
	}
	*at = low < high ? low + plan_lower_bound(key, first + low * size, high - low, size, cmp)
			 : low;
	return *at;
}

/* Sort communities in place and drop doubles; return how many are left. */
size_t plan_unique_standard(uint32_t *items, size_t n);
size_t plan_unique_large(struct large_community *items, size_t n);
size_t plan_unique_extended(uint64_t *items, size_t n);
