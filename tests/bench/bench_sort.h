// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Measured values in their order, of which percentiles are taken. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

static inline int bench_cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static inline void bench_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), bench_cmp);
}
