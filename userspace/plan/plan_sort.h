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

/* Index of the first item that is not before the key; n if all are. */
size_t plan_lower_bound(const void *key, const void *items, size_t n, size_t size,
			int (*cmp)(const void *key, const void *item));

/* Sort communities in place and drop doubles; return how many are left. */
size_t plan_unique_standard(uint32_t *items, size_t n);
size_t plan_unique_large(struct large_community *items, size_t n);
