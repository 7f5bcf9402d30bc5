/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * So many packets a second for a VIP, of Services that ask for it: a bucket each VIP, which all
 * processors share (bucket.h). A share for each would be too small for one flow, which comes by one
 * processor.
 */
#pragma once

#include "bucket.h"
#include "maps.h"
#include "service.h"

/* Time is counted in sixteenths of a nanosecond here, so that high rates are met, too. */
#define RATE_SHIFT    4
#define RATE_SECOND   (1000000000ull << RATE_SHIFT)
#define RATE_BURST_NS 100000000ull

/* Takes a token of the service's VIP, if that has a limit. */
static __always_inline bool rate_has(const struct lb_service *svc)
{
	struct lb_rate_key key = {};
	struct lb_rate *rate;
	__u64 packets;

	addr_copy(key.addr, svc->key.addr);
	key.domain = svc->key.domain;
	rate = bpf_map_lookup_elem(&rates, &key);
	if (!rate)
		return true;
	packets = READ_ONCE(rate->packets);
	return !packets || bucket_take(&rate->until, bpf_ktime_get_ns() << RATE_SHIFT,
				       RATE_SECOND / packets, RATE_BURST_NS << RATE_SHIFT);
}
