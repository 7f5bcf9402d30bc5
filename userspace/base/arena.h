// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An arena: memory that is taken piece by piece and given back all at once. Everything derived (a
 * decoded object, a plan, a reply being built) lives in one, so nothing derived is ever freed by
 * itself and ownership is one pointer. Pieces are zeroed, aligned to 8 bytes (strings are not) and
 * never move.
 */
#pragma once

#include "base/mem.h"

#include <stdarg.h>

struct arena;

/* A new, empty arena; the caller owns it. arena_free(NULL) does nothing and returns NULL. */
struct arena *arena_new(void);
/* One whose first block has room for just so many bytes; see arena_used. */
struct arena *arena_new_of_size(size_t bytes);
struct arena *arena_free(struct arena *a);
void arena_freep(struct arena **a);

/*
 * Gives everything back but keeps one block, as large as what was used: what is filled again and
 * again as much takes nothing from the heap any more. With less it shrinks by half at a time.
 */
void arena_reset(struct arena *a);

/* Bytes held from the heap, for memory accounting. */
size_t arena_bytes(const struct arena *a);

/* Bytes that the same pieces take in one block: the size of an arena that is to hold no more. */
size_t arena_used(const struct arena *a);

/*
 * What no piece lies in of the block that serves the next ones. Its content does not matter, since
 * pieces are zeroed when they are handed out. NULL and 0: there is no block.
 */
void *arena_spare(const struct arena *a, size_t *ret_len);

/* Zeroed memory of n * size bytes; valid (and unique) also for 0. Never NULL. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
#define arena_new_of(a, type)      ((type *)arena_alloc((a), 1, sizeof(type)))
#define arena_array_of(a, n, type) ((type *)arena_alloc((a), (n), sizeof(type)))

void *arena_memdup(struct arena *a, const void *data, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) printf_like(2, 0);

/*
 * Appends to an array in the arena that doubles as it grows: returns the address of the new, zeroed
 * element. `items` is the address of the array pointer (NULL at first, with *n == *cap == 0).
 */
void *arena_push(struct arena *a, void *items, size_t *n, size_t *cap, size_t size);
