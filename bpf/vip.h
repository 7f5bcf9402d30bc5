/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to a packet that no service takes. The destination's bit was set, but that may be
 * another address's bit: only the VIP's own slot (port 0, protocol 0) makes the packet ours, and
 * carries the policy for echo and for ports that are not served. Not ours: passed untouched,
 * whatever is wrong with it.
 */
#pragma once

#include "common.h"
#include "icmp.h"
#include "icmp_error.h"
#include "scratch.h"
#include "service.h"
#include "stats.h"

static __always_inline int vip_drop(bool is_test, enum lb_drop reason)
{
	if (!is_test)
		stats_drop(reason);
	return XDP_DROP;
}

static __always_inline int vip_icmp(struct xdp_md *ctx, struct lb_scratch *s, __u32 flags)
{
	int owner, verdict;

	if (flags & LB_SVC_ECHO_PASS && icmp_is_echo(ctx))
		return XDP_PASS;
	if (flags & LB_SVC_ECHO_ANSWER && icmp_answer_echo(ctx) == XDP_TX)
		return XDP_TX;
	owner = icmp_error_owner(ctx, &s->flow, flags & LB_SVC_UNKNOWN_PASS);
	verdict = owner < 0 ? -owner : icmp_error_forward(ctx, owner);
	return verdict == XDP_DROP ? vip_drop(scratch_is_test(s), LB_DROP_ICMP) : verdict;
}

/* Of s the packet is filled in. */
__noinline int vip_unserved(struct xdp_md *ctx, struct lb_scratch *s, enum lb_drop reason)
{
	struct lb_service_key key = {};
	__u64 live = 0;
	__u32 slot;

	if (!s)
		return XDP_PASS;
	addr_copy(key.addr, s->packet.daddr);
	key.domain = service_domain(ctx->ingress_ifindex);
	if (!service_find(&key, &slot, &live))
		return XDP_PASS;
	if (reason == LB_DROP_ICMP)
		return vip_icmp(ctx, s, service_flags(live));
	if ((reason == LB_DROP_UNKNOWN_PORT || reason == LB_DROP_PROTOCOL) &&
	    service_flags(live) & LB_SVC_UNKNOWN_PASS)
		return XDP_PASS;
	return vip_drop(scratch_is_test(s), reason);
}
