/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a service asks of a packet before it looks at flows: whether anything comes in
 * (blackhole.h), whether its source may come (ranges.h), and whether there is room for one more
 * (rate.h). Nearly all ask for nothing, and say so by bits of the live word. The agent's self-test
 * is let in, and takes nobody's place.
 */
#pragma once

#include "blackhole.h"
#include "common.h"
#include "ranges.h"
#include "rate.h"
#include "service.h"

/* By the halves of the source, as ranges_have(). */
__noinline int let_in_if(const struct lb_service *svc, __u32 flags, __u64 low, __u64 high)
{
	if (!svc || (!low && (!high || high == V4_PREFIX)))
		return LB_DROP_NONE;
	if (flags & LB_SVC_BLACKHOLE) {
		(void)blackhole_is(svc->key.domain, svc->key.addr);
		return LB_DROP_BLACKHOLE;
	}
	if (flags & LB_SVC_RANGES && !ranges_have(READ_ONCE(svc->ranges), low, high))
		return LB_DROP_SOURCE;
	return flags & LB_SVC_RATE && !rate_has(svc) ? LB_DROP_RATE : LB_DROP_NONE;
}

/* It asks for something. */
static __always_inline bool let_in_asks(__u64 live)
{
	return service_flags(live) & (LB_SVC_RANGES | LB_SVC_RATE | LB_SVC_BLACKHOLE);
}

/* LB_DROP_NONE, or why not. `live` is the service's live word as read once. */
static __always_inline enum lb_drop let_in(const struct lb_service *svc, __u64 live,
					   const __u32 saddr[4])
{
	if (likely(!let_in_asks(live)))
		return LB_DROP_NONE;
	return let_in_if(svc, service_flags(live), (__u64)saddr[1] << 32 | saddr[0],
			 (__u64)saddr[3] << 32 | saddr[2]);
}
