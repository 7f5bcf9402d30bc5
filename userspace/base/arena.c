// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The arena: a list of blocks, the first of which serves the next piece. A block is twice as large
 * as the one before it, up to a limit, so a small object costs one small block and a plan of many
 * megabytes few calls of malloc. A piece larger than what is usual gets a block of its own size,
 * and that block goes behind the first one if the first has more room left. An arena of a known
 * size begins with a block of just that size.
 *
 * Pieces are zeroed when they are handed out, not when a block is made: after arena_reset the kept
 * block is dirty.
 *
 * Under the address sanitizer whatever is not handed out is poisoned and pieces have a gap between
 * them, so that reading past one's end is seen as it is with malloc.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>

/* gcc says it by a macro, clang by a feature. */
#ifdef __SANITIZE_ADDRESS__
#define HAS_ASAN 1
#elif defined(__has_feature)
#define HAS_ASAN __has_feature(address_sanitizer)
#else
#define HAS_ASAN 0
#endif

#if HAS_ASAN
#include <sanitizer/asan_interface.h>
#define GAP         16u
#define ALIGN_BYTES ALIGN /* it looks at eight bytes at a time */
#else
#define ASAN_POISON_MEMORY_REGION(data, size)   ((void)(data), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(data, size) ((void)(data), (void)(size))
#define GAP                                     0u
#define ALIGN_BYTES                             1u
#endif

#define ALIGN           8u
#define FIRST_CAP       8
#define FIRST_BYTES     128 /* but of large items one: most lists of such have no more */
#define BLOCK_MIN_BYTES 1024u
#define BLOCK_MAX_BYTES (1u << 20)
#define SPARE_BYTES     (1u << 16) /* so much may be kept without being used */

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ALIGN) unsigned char data[];
};

struct arena {
	struct block *first; /* owned list */
	size_t next_size;
	size_t used; /* of one block, if all pieces were in one */
};

struct arena *arena_new_of_size(size_t bytes)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->next_size = bytes;
	return a;
}

struct arena *arena_new(void)
{
	return arena_new_of_size(BLOCK_MIN_BYTES);
}

static void free_blocks(struct block *b)
{
	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

struct arena *arena_free(struct arena *a)
{
	if (a) {
		free_blocks(a->first);
		free(a);
	}
	return NULL;
}

void arena_freep(struct arena **a)
{
	*a = arena_free(*a);
}

static struct block *new_block(size_t size)
{
	struct block *b = xmalloc(sizeof(*b) + size);

	*b = (struct block){.size = size};
	ASAN_POISON_MEMORY_REGION(b->data, size);
	return b;
}

/* As much as was used and a bit, but not suddenly much less than there was. */
static size_t size_to_keep(const struct arena *a)
{
	const size_t used = a->used + a->used / 8 + SPARE_BYTES;
	size_t size = 0;

	for (const struct block *b = a->first; b; b = b->next)
		size += b->size;
	return used < size / 2 ? size / 2 : used;
}

void arena_reset(struct arena *a)
{
	const size_t size = size_to_keep(a);
	const size_t used = a->used;
	struct block *keep = a->first;

	a->used = 0;
	if (!keep || used == 0)
		return;
	if (keep->next || size < keep->size) {
		free_blocks(keep);
		a->first = new_block(size);
		return;
	}
	keep->used = 0;
	ASAN_POISON_MEMORY_REGION(keep->data, keep->size);
}

size_t arena_bytes(const struct arena *a)
{
	size_t bytes = sizeof(*a);

	for (const struct block *b = a->first; b; b = b->next)
		bytes += sizeof(*b) + b->size;
	return bytes;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

void *arena_spare(const struct arena *a, size_t *ret_len)
{
	struct block *b = a->first;

	*ret_len = b ? b->size - b->used : 0;
	return b ? b->data + b->used : NULL;
}

/* Bytes to leave before the next piece. */
static size_t padding(size_t used, size_t align)
{
	return (align - used % align) % align;
}

static size_t block_room(const struct block *b, size_t align)
{
	size_t used = b ? b->used + padding(b->used, align) : 0;

	return b && used < b->size ? b->size - used : 0;
}

static struct block *add_block(struct arena *a, size_t need)
{
	size_t size = need > a->next_size ? need : a->next_size;
	struct block *b = new_block(size);

	if (a->next_size < BLOCK_MIN_BYTES)
		a->next_size = BLOCK_MIN_BYTES;
	else if (a->next_size < BLOCK_MAX_BYTES)
		a->next_size *= 2;
	if (size - need >= block_room(a->first, 1)) {
		b->next = a->first;
		a->first = b;
	} else {
		b->next = a->first->next;
		a->first->next = b;
	}
	return b;
}

/* A piece that is not zeroed: the caller fills it. */
static void *take(struct arena *a, size_t asked, size_t align)
{
	size_t bytes = (asked ? asked : 1) + GAP;
	struct block *b = a->first;
	void *ret;

	if (block_room(b, align) < bytes)
		b = add_block(a, bytes);
	b->used += padding(b->used, align);
	ret = b->data + b->used;
	b->used += bytes;
	assert(b->used <= b->size);
	a->used += padding(a->used, align) + bytes;
	ASAN_UNPOISON_MEMORY_REGION(ret, asked);
	return ret;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	size_t asked;

	if (__builtin_mul_overflow(n, size, &asked) || asked > SIZE_MAX / 2)
		abort();
	return memset(take(a, asked, ALIGN), 0, asked);
}

void *arena_memdup(struct arena *a, const void *data, size_t size)
{
	void *ret = take(a, size, ALIGN);

	return size ? memcpy(ret, data, size) : ret;
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t size = s ? strlen(s) + 1 : 0;

	return s ? memcpy(take(a, size, ALIGN_BYTES), s, size) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	size_t n = strnlen(s, len);
	char *ret = take(a, n + 1, ALIGN_BYTES);

	memcpy(ret, s, n);
	ret[n] = '\0';
	return ret;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *ret;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(len >= 0);
	ret = take(a, (size_t)len + 1, ALIGN_BYTES);
	(void)vsnprintf(ret, (size_t)len + 1, fmt, ap); /* measured just above */
	return ret;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *ret;

	va_start(ap, fmt);
	ret = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return ret;
}

void *arena_push(struct arena *a, void *items, size_t *n, size_t *cap, size_t size)
{
	unsigned char *array;

	memcpy(&array, items, sizeof(array));
	if (*n == *cap) {
		unsigned char *larger;

		*cap = *cap ? *cap * 2 : size * FIRST_CAP <= FIRST_BYTES ? FIRST_CAP : 1;
		larger = arena_alloc(a, *cap, size);
		if (*n)
			memcpy(larger, array, *n * size);
		array = larger;
		memcpy(items, &array, sizeof(array));
	}
	return array + (*n)++ * size;
}
