// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Memory from the heap, and the cleanup attributes that go with it.
 *
 * The x-allocators never return NULL: when memory is out the process aborts. That is sound here
 * because every input has a limit (base/limits.h), so running out is a bug of ours, and because the
 * data plane is pinned in the kernel and survives the restart.
 */
#pragma once

#include "base/banned.h"

#include <stddef.h>

#define _cleanup_(f)      __attribute__((cleanup(f)))
#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Moves ownership out of a variable: yields its value and leaves NULL (or -1 for an fd) behind. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		typeof(p) *take_from_ = &(p);                                                      \
		typeof(p) taken_ = *take_from_;                                                    \
		*take_from_ = NULL;                                                                \
		taken_;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_from_ = &(fd);                                                           \
		int taken_ = *take_from_;                                                          \
		*take_from_ = -1;                                                                  \
		taken_;                                                                            \
	})

/* As malloc, calloc, realloc and strdup, but never NULL. The caller owns the result (free()). */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);

/* For _cleanup_(freep): frees what the variable points to at the end of its scope. */
void freep(void *p);

/*
 * Makes room for one more element in a heap array that doubles: returns the address of element *n,
 * zeroed, after counting it. `items` is the address of the array pointer.
 */
void *xpush(void *items, size_t *n, size_t *cap, size_t size);
