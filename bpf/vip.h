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
#include "service.h"
#include "stats.h"

static __always_inline int vip_drop(__be32 saddr, enum lb_drop reason)
{
	if (saddr) /* else it is the agent's self-test */
		stats_drop(reason);
	return XDP_DROP;
}

static __always_inline int vip_icmp(struct xdp_md *ctx, __be32 saddr, __u32 flags)
{
	int owner, verdict;

	if (flags & LB_SVC_ECHO_PASS && icmp_is_echo(ctx))
		return XDP_PASS;
	if (flags & LB_SVC_ECHO_ANSWER && icmp_answer_echo(ctx) == XDP_TX)
		return XDP_TX;
	owner = icmp_error_owner(ctx, flags & LB_SVC_UNKNOWN_PASS);
	verdict = owner < 0 ? -owner : icmp_error_forward(ctx, owner);
	return verdict == XDP_DROP ? vip_drop(saddr, LB_DROP_ICMP) : verdict;
}

__noinline int vip_unserved(struct xdp_md *ctx, __be32 saddr, __be32 daddr, enum lb_drop reason)
{
	struct lb_service_key key;
	__u64 live = 0;

	service_key_v4(&key, daddr, service_domain(ctx->ingress_ifindex));
	if (!service_find(&key, &live))
		return XDP_PASS;
	if (reason == LB_DROP_ICMP)
		return vip_icmp(ctx, saddr, service_flags(live));
	if ((reason == LB_DROP_UNKNOWN_PORT || reason == LB_DROP_PROTOCOL) &&
	    service_flags(live) & LB_SVC_UNKNOWN_PASS)
		return XDP_PASS;
	return vip_drop(saddr, reason);
}
