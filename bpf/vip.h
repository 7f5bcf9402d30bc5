/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to a packet that no service takes. The destination's bit was set, but that may be
 * another address's bit: only the VIP's own slot (port 0, protocol 0) makes the packet ours, and
 * carries the policy for echo and for ports that are not served. Not ours: passed untouched,
 * whatever is wrong with it, unless it lies under a blackhole.
 */
#pragma once

#include "blackhole.h"
#include "cold.h"
#include "common.h"
#include "deny.h"
#include "icmp.h"
#include "icmp_error.h"
#include "kernel_flow.h"
#include "nat_table.h"
#include "scratch.h"
#include "service.h"
#include "stats.h"
#include "target.h"

/* No verdict: the scratch value has a flow, and the packet is one of it, or an error about it. A
 * later fragment has none. */
#define VIP_SERVE    (-1)
#define VIP_ERROR    (-2)
#define VIP_FRAGMENT (-3) /* it is a later one */
#define VIP_REJECT   (-4) /* whoever asked is to be told that nobody has the port */
#define VIP_NAT      (-5) /* it is to no VIP, and may be an answer, or about one (nat.h) */
#define VIP_BFD      (-6) /* ... or BFD, to an address that is looked at for another's sake */

static __always_inline int vip_drop(bool is_test, enum lb_drop reason)
{
	if (!is_test)
		stats_drop(reason);
	return XDP_DROP;
}

/* Errors are answered for by who calls, for the sake of the stack. */
static __always_inline int vip_icmp(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct quote_message m;

	if (!icmp_read(ctx, &s->packet, &m))
		return XDP_DROP;
	if (!icmp_is_echo(&s->packet, &m))
		return icmp_error_parse(ctx, s) ? VIP_ERROR : XDP_DROP;
	if (s->vip_flags & LB_SVC_ECHO_PASS)
		return XDP_PASS;
	return s->vip_flags & LB_SVC_ECHO_ANSWER ? icmp_answer_echo(ctx, &s->packet, &m) : XDP_DROP;
}

static __always_inline int vip_policy(const struct lb_scratch *s, enum lb_drop reason)
{
	if ((reason == LB_DROP_UNKNOWN_PORT || reason == LB_DROP_PROTOCOL) &&
	    s->vip_flags & (LB_SVC_UNKNOWN_PASS | LB_SVC_HANDING_BACK))
		return XDP_PASS;
	if (reason == LB_DROP_UNKNOWN_PORT && s->vip_flags & LB_SVC_SHARED &&
	    kernel_flow_is_named(&s->flow))
		return XDP_PASS;
	if (reason == LB_DROP_UNKNOWN_PORT && s->vip_flags & LB_SVC_REJECT && !scratch_is_test(s))
		return VIP_REJECT;
	return vip_drop(scratch_is_test(s), reason);
}

/* The packet may be served, once more of it has been read. */
static __always_inline bool vip_looks_closer(const struct lb_scratch *s, enum lb_drop reason)
{
	return reason == LB_DROP_EXTENSION || reason == LB_DROP_FRAGMENT ||
	       (reason == LB_DROP_PROTOCOL && s->packet.proto == IPPROTO_SCTP);
}

/* A packet to no VIP may be what a backend sends to one of our ports, or an error about what we
 * sent; s->what says which then. */
static __always_inline bool vip_may_be_answer(struct lb_scratch *s, enum lb_drop reason)
{
	__u64 range = nat_range();

	if (likely(!range))
		return false;
	s->what = reason == LB_DROP_ICMP ? NAT_ERROR : NAT_ANSWER;
	if (reason == LB_DROP_ICMP)
		return true;
	return reason == LB_DROP_UNKNOWN_PORT && nat_is_port(range, s->flow.dport);
}

/* A packet to no VIP, whose destination's bit is set: it is where tunnels end, or answers come. */
static __always_inline int vip_of_node(struct lb_scratch *s, enum lb_drop reason)
{
	if (vip_may_be_answer(s, reason))
		return VIP_NAT;
	if (reason != LB_DROP_UNKNOWN_PORT || s->flow.proto != IPPROTO_UDP)
		return XDP_PASS;
	return s->flow.dport == bpf_htons(LB_BFD_PORT) ||
			       s->flow.dport == bpf_htons(LB_BFD_ECHO_PORT)
		       ? VIP_BFD
		       : XDP_PASS;
}

/* Of s the packet is filled in, and the flow if its port is unknown. A verdict, or VIP_*. */
__noinline int vip_unserved(struct xdp_md *ctx, struct lb_scratch *s, enum lb_drop reason)
{
	struct lb_service_key key = {};
	struct target t = {};
	int verdict;

	if (!s)
		return XDP_PASS;
	addr_copy(key.addr, s->packet.daddr);
	key.domain = s->flow.domain;
	if (!scratch_is_test(s) && blackhole_is(key.domain, key.addr))
		return vip_drop(false, LB_DROP_BLACKHOLE);
	if (!target_service(&key, &t))
		return vip_of_node(s, reason);
	if (deny_asks(service_uplink(0)) && deny_is(s->packet.saddr))
		return vip_drop(false, LB_DROP_DENIED);
	s->vip_flags = service_flags(t.live);
	if (vip_looks_closer(s, reason))
		reason = cold_look(ctx, s);
	if (s->packet.fragment == FRAGMENT_LATER)
		return VIP_FRAGMENT;
	if (reason == LB_DROP_NONE)
		return VIP_SERVE;
	if (reason != LB_DROP_ICMP)
		return vip_policy(s, reason);
	verdict = vip_icmp(ctx, s);
	return verdict == XDP_DROP ? vip_drop(scratch_is_test(s), LB_DROP_ICMP) : verdict;
}
