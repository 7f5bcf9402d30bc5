// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The allocators that never fail. Each wraps the libc call of its name and aborts where that would
 * return NULL; sizes are multiplied with an overflow check, so a count that came from outside
 * cannot wrap into a small allocation.
 *
 * Growing arrays start at eight elements and double, so n pushes cost O(n) copies in all.
 */
#include "base/mem.h"

#include <assert.h>

#define FIRST_CAP 1 /* many hold one for good, and what a larger one leaves is a hole */

static void *or_abort(void *p)
{
	if (!p)
		abort();
	return p;
}

void *xmalloc(size_t size)
{
	return or_abort(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	return or_abort(calloc(n, size));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		abort();
	return or_abort(realloc(p, bytes ? bytes : 1));
}

char *xstrdup(const char *s)
{
	return or_abort(strdup(s));
}

/* The pointer is moved by memcpy: the caller's variable has its own type, not void *. */
void freep(void *p)
{
	void *owned;

	memcpy(&owned, p, sizeof(owned));
	free(owned);
}

void *xpush(void *items, size_t *n, size_t *cap, size_t size)
{
	unsigned char *array;

	assert(*n <= *cap);
	memcpy(&array, items, sizeof(array));
	if (*n == *cap) {
		*cap = *cap ? *cap * 2 : FIRST_CAP;
		array = xrealloc(array, *cap, size);
		memcpy(items, &array, sizeof(array));
	}
	return memset(array + (*n)++ * size, 0, size);
}
