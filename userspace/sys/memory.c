// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* glibc's allocator and the kernel's pages; see the header. */
#include "sys/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define OWN_MAPPING_BYTES (32 << 10)
#define FIRST_END_BYTES   (16 << 10)
#define FIRST_END_MAX     (64 << 10)
#define END_BYTES         (128 << 10) /* glibc's */

void memory_no_core(void)
{
	(void)setrlimit(RLIMIT_CORE, &(const struct rlimit){0});
}

/*
 * What is large has a mapping of its own: its unused end costs nothing, and it leaves no hole. By
 * itself glibc ceases to do so once the first of them was given back. A heap's free end, in which
 * pieces of that size would find room, is short while the agent starts: that of a thread's heap is
 * given back only when it has become long.
 */
void memory_init(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
	(void)mallopt(M_TOP_PAD, FIRST_END_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, FIRST_END_MAX);
}

/* From now on an end that is given back would be taken again, by each edit. */
void memory_give_back(void)
{
	(void)malloc_trim(0);
	(void)mallopt(M_TOP_PAD, END_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, END_BYTES);
}

void memory_give_back_room(void *room, size_t len)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t begin = (uintptr_t)room;
	const uintptr_t from = (begin + page - 1) / page * page, to = (begin + len) / page * page;

	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED); /* it is an offer */
}

void memory_give_back_spare(const struct arena *a)
{
	size_t len;
	void *room = arena_spare(a, &len);

	memory_give_back_room(room, len);
}
