/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source ranges: who may come to a service that has them. A service names a set, and all sets lie
 * in one trie, so that the agent exchanges a whole set by one store in the service's slot. Only
 * packets to such services come here, with the one call of a helper that a trie costs.
 */
#pragma once

#include "common.h"
#include "maps.h"

/* By the halves of the address, since an array would be written to the stack to be read there. */
__noinline bool ranges_have(__u32 set, __u64 low, __u64 high)
{
	struct lb_range key = {.len = LB_RANGE_SET_BITS + 128, .set = set};

	key.addr[0] = (__u32)low;
	key.addr[1] = low >> 32;
	key.addr[2] = (__u32)high;
	key.addr[3] = high >> 32;
	return bpf_map_lookup_elem(&ranges, &key);
}
