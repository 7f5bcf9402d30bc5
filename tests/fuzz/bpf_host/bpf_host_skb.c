// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the helpers for socket buffers do with checksums, by the description of them in
 * <linux/bpf.h> and what the kernel's stack holds of a packet: one that it made itself and whose
 * card can do it carries the pseudo header's sum alone, and only what changes that may change it.
 */
#include "tests/fuzz/bpf_host/bpf_host.h"

#include <assert.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

static bool partial;

void host_set_partial(int is_partial)
{
	partial = is_partial;
}

int host_store_pulled(unsigned off, const void *from, unsigned len, unsigned *data,
		      unsigned *data_end)
{
	return host_pull(off + len, data, data_end) ? -1 : host_store(off, from, len);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of a field of so many octets, or of none: `to` is the sum of all that changes. */
static uint64_t difference(unsigned from, unsigned to, unsigned size)
{
	assert(size == 0 || size == 2 || size == 4);
	if (size == 0)
		return to;
	if (size == 2)
		return (uint16_t)~from + (uint64_t)(uint16_t)to;
	return (uint64_t)~from + to;
}

static int read_sum(unsigned off, uint16_t *ret, unsigned *data, unsigned *data_end)
{
	if (off & 1 || host_pull(off + sizeof(*ret), data, data_end))
		return -1;
	return host_load(off, ret, sizeof(*ret));
}

int host_l3_csum_replace(unsigned off, unsigned from, unsigned to, unsigned long long flags,
			 unsigned *data, unsigned *data_end)
{
	uint16_t sum;

	assert((flags & ~(unsigned long long)BPF_F_HDR_FIELD_MASK) == 0);
	if (read_sum(off, &sum, data, data_end))
		return -1;
	sum = (uint16_t)~fold((uint16_t)~sum + difference(from, to, (unsigned)flags));
	return host_store(off, &sum, sizeof(sum));
}

int host_l4_csum_replace(unsigned off, unsigned from, unsigned to, unsigned long long flags,
			 unsigned *data, unsigned *data_end)
{
	uint64_t by = difference(from, to, flags & BPF_F_HDR_FIELD_MASK);
	uint16_t sum;

	assert((flags & ~(unsigned long long)(BPF_F_HDR_FIELD_MASK | BPF_F_PSEUDO_HDR |
					      BPF_F_MARK_MANGLED_0)) == 0);
	if (read_sum(off, &sum, data, data_end))
		return -1;
	if (flags & BPF_F_MARK_MANGLED_0 && sum == 0)
		return 0;
	if (!partial)
		sum = (uint16_t)~fold((uint16_t)~sum + by);
	else if (flags & BPF_F_PSEUDO_HDR)
		sum = fold(sum + by);
	if (flags & BPF_F_MARK_MANGLED_0 && sum == 0)
		sum = 0xffff;
	return host_store(off, &sum, sizeof(sum));
}
