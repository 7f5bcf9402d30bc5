/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a packet that nobody takes: it is dropped, or answered too (reject.h). */
#pragma once

#include "common.h"
#include "reject.h"
#include "scratch.h"
#include "service.h"
#include "vip.h"

/* Whoever sent it is answered. */
static __always_inline bool refuse_is_told(__u64 live, enum lb_drop reason)
{
	return reason == LB_DROP_UNPROVEN ||
	       (service_flags(live) & LB_SVC_REJECT &&
		(reason == LB_DROP_NO_BACKEND || reason == LB_DROP_PAUSED));
}

/* Of s the packet is filled in. */
static __always_inline int refuse_cold(struct xdp_md *ctx, struct lb_scratch *s, __u64 live,
				       enum lb_drop reason)
{
	if (refuse_is_told(live, reason) && !scratch_is_test(s))
		return reject(ctx, s, reason);
	return vip_drop(scratch_is_test(s), reason);
}
