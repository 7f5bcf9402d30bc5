// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sorting helpers of the planner; see the header. qsort and memcpy want no NULL, also for nothing,
 * so empty arrays are answered before they get there.
 */
#include "plan/plan_sort.h"

#include "base/mem.h"

#include <assert.h>

void plan_sort(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *at = items;
	size_t i = 1;

	while (i < n && cmp(at + (i - 1) * size, at + i * size) <= 0)
		i++;
	if (i < n)
		qsort(items, n, size, cmp);
}

size_t plan_sort_unique(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	char *at = items;
	size_t last = 0;

	if (n == 0)
		return 0;
	plan_sort(items, n, size, cmp);
	for (size_t i = 1; i < n; i++) {
		if (cmp(at + last * size, at + i * size) == 0)
			continue;
		if (++last != i)
			memcpy(at + last * size, at + i * size, size);
	}
	assert(last < n);
	return last + 1;
}

void plan_merge(const void *a, size_t n_a, const void *b, size_t n_b, size_t size,
		int (*cmp)(const void *, const void *), void *ret)
{
	const char *x = a, *y = b;
	char *to = ret;

	while (n_a && n_b) {
		const bool first = cmp(x, y) <= 0;

		memcpy(to, first ? x : y, size);
		to += size;
		x += first ? size : 0;
		y += first ? 0 : size;
		n_a -= first;
		n_b -= !first;
	}
	if (n_a)
		memcpy(to, x, n_a * size);
	if (n_b)
		memcpy(to, y, n_b * size);
}

size_t plan_lower_bound(const void *key, const void *items, size_t n, size_t size,
			int (*cmp)(const void *key, const void *item))
{
	const char *at = items;
	size_t low = 0, high = n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (cmp(key, at + middle * size) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int cmp_standard(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int cmp_large(const void *a, const void *b)
{
	return large_community_cmp(a, b);
}

static int cmp_extended(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

size_t plan_unique_extended(uint64_t *items, size_t n)
{
	return plan_sort_unique(items, n, sizeof(*items), cmp_extended);
}

size_t plan_unique_standard(uint32_t *items, size_t n)
{
	return plan_sort_unique(items, n, sizeof(*items), cmp_standard);
}

size_t plan_unique_large(struct large_community *items, size_t n)
{
	return plan_sort_unique(items, n, sizeof(*items), cmp_large);
}
