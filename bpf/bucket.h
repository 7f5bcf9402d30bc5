/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A token bucket in one word, without a lock: until when tokens are used up in advance. Who finds
 * none left only reads, so that a flood writes nothing. Processors that come at once may each take
 * the last one: as many too much as there are processors, once a burst, and they are paid back.
 */
#pragma once

#include "common.h"

/* Takes a token; one comes each `cost`, as many as fit into `burst` are there after a rest. */
static __always_inline bool bucket_take(__u64 *until, __u64 now, __u64 cost, __u64 burst)
{
	__u64 old = READ_ONCE(*until);

	if (old < now) {
		if (__sync_val_compare_and_swap(until, old, now + cost) == old)
			return true;
		old = now; /* somebody else was first */
	}
	if (old + cost > now + burst)
		return false;
	__sync_fetch_and_add(until, cost);
	return true;
}
