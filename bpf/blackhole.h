/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Destinations that nothing reaches (abi.h). The common case asks a bit of the live word that it
 * reads anyway; whoever turns cold looks into the trie, which is empty nearly always.
 */
#pragma once

#include "common.h"
#include "maps.h"

/* The destination, by its halves as ranges_have(), lies under one, and the packet is counted. */
__noinline bool blackhole_takes(__u32 domain, __u64 low, __u64 high)
{
	struct lb_range key = {.len = LB_RANGE_SET_BITS + 128, .set = domain};
	__u32 *place;
	__u64 *count;

	key.addr[0] = (__u32)low;
	key.addr[1] = low >> 32;
	key.addr[2] = (__u32)high;
	key.addr[3] = high >> 32;
	place = bpf_map_lookup_elem(&blackholes, &key);
	if (!place)
		return false;
	count = bpf_map_lookup_elem(&blackhole_drops, place);
	if (count)
		(*count)++;
	return true;
}

static __always_inline bool blackhole_is(__u32 domain, const __u32 addr[4])
{
	return blackhole_takes(domain, (__u64)addr[1] << 32 | addr[0],
			       (__u64)addr[3] << 32 | addr[2]);
}
