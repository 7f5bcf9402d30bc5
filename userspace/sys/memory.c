// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* glibc's allocator and the kernel's pages; see the header. */
#include "sys/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define OWN_MAPPING_BYTES (32 << 10)

/*
 * What is large has a mapping of its own: its unused end costs nothing, and it leaves no hole. By
 * itself glibc ceases to do so once the first of them was given back.
 */
void memory_init(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
}

void memory_give_back(void)
{
	(void)malloc_trim(0);
}

void memory_give_back_spare(const struct arena *a)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t len;
	const uintptr_t begin = (uintptr_t)arena_spare(a, &len);
	const uintptr_t from = (begin + page - 1) / page * page, to = (begin + len) / page * page;

	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED); /* it is an offer */
}
