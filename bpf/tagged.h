/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of a VLAN that is another routing world than the device it comes in by: its packets are
 * looked up in that domain, and go the cold way throughout, so that the common case knows one
 * domain, the device's. All others, tagged or not, are no concern of this file.
 */
#pragma once

#include "common.h"
#include "parse.h"
#include "scratch.h"
#include "service.h"
#include "turn.h"
#include "vlan.h"

#define TAGGED_OTHERS                                                                              \
	((__u64)LB_UPLINK_REACH_MAX << LB_UPLINK_REACH_SHIFT |                                     \
	 (__u64)0xffff << LB_UPLINK_DOMAIN_SHIFT | LB_UPLINK_DENIES)

/* The word of `uplinks` is this VLAN's. */
static __always_inline bool tagged_is(__u64 word, __u32 ifindex, __u32 tag)
{
	return unlikely((word & ~TAGGED_OTHERS) == lb_uplink_vlan(ifindex, tag)) &&
	       ifindex < LB_UPLINK_8021AD;
}

/* A VLAN that does not lie at its own place, but up to `reach` behind it; -1: nor there. */
__noinline int tagged_domain_behind(__u32 ifindex, __u32 tag, __u32 reach)
{
	__u32 place = lb_uplink_vlan_hash(ifindex, tag);

	for (__u32 i = 1; i <= LB_UPLINK_REACH_MAX && i <= reach; i++) {
		__u64 word = service_uplink(place + i);

		if (tagged_is(word, ifindex, tag))
			return (__u16)(word >> LB_UPLINK_DOMAIN_SHIFT);
	}
	return -1;
}

/*
 * The domain that the frame's VLAN has of its own; -1: it has none, and its device's is meant. As
 * nearly always, and said by one word. `proto` is the first EtherType.
 */
static __always_inline int tagged_domain(const struct xdp_md *ctx, const struct packet *p,
					 __be16 proto)
{
	__u32 ifindex = ctx->ingress_ifindex, tag = vlan_tag(p->ip, proto), reach;
	__u64 word = service_uplink(lb_uplink_vlan_hash(ifindex, tag));

	if (tagged_is(word, ifindex, tag))
		return (__u16)(word >> LB_UPLINK_DOMAIN_SHIFT);
	reach = word >> LB_UPLINK_REACH_SHIFT & LB_UPLINK_REACH_MAX;
	return unlikely(reach) ? tagged_domain_behind(ifindex, tag, reach) : -1;
}

#define TAGGED_NOT_OURS (-1)

static __always_inline int tagged_look_at(struct xdp_md *ctx, struct lb_scratch *s,
					  struct packet *p, __u16 domain, enum family family)
{
	int odd;

	if (!parse_ip(p, family) || !may_be_ours(p))
		return TAGGED_NOT_OURS;
	odd = parse_l4(ctx, p);
	if (!odd && parse_is_first(p))
		odd = LB_DROP_FRAGMENT;
	turn_fill(s, p);
	flow_fill(&s->flow, p);
	s->flow.domain = domain;
	return odd;
}

/* Fills in packet and flow of what may be for a VIP; else TAGGED_NOT_OURS. As parse_l4(). */
__noinline int tagged_look(struct xdp_md *ctx, struct lb_scratch *s, __u16 domain)
{
	struct packet p = {};
	__be16 proto;

	if (!s)
		return TAGGED_NOT_OURS;
	proto = parse_ethernet(ctx, &p);
	if (!proto)
		return TAGGED_NOT_OURS;
	proto = parse_tags(&p, proto);
	if (proto == bpf_htons(ETH_P_IP))
		return tagged_look_at(ctx, s, &p, domain, FAMILY_V4);
	if (proto == bpf_htons(ETH_P_IPV6))
		return tagged_look_at(ctx, s, &p, domain, FAMILY_V6);
	return TAGGED_NOT_OURS;
}
