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

/* Domain of a VLAN on a device, told by its tag (vlan.h); -1: the device's own. */
__noinline int tagged_domain_of(__u32 ifindex, __u32 tag)
{
	const __u64 others = (__u64)LB_UPLINK_REACH_MAX << LB_UPLINK_REACH_SHIFT |
			     (__u64)0xffff << LB_UPLINK_DOMAIN_SHIFT | LB_UPLINK_DENIES;
	__u32 place = lb_uplink_vlan_hash(ifindex, tag), reach = 0;
	__u64 mine = lb_uplink_vlan(ifindex, tag), word;

	if (ifindex >= LB_UPLINK_8021AD)
		return -1;
	for (__u32 i = 0; i <= LB_UPLINK_REACH_MAX && i <= reach; i++) {
		word = service_uplink(place + i);
		if ((word & ~others) == mine)
			return (__u16)(word >> LB_UPLINK_DOMAIN_SHIFT);
		if (!i)
			reach = word >> LB_UPLINK_REACH_SHIFT & LB_UPLINK_REACH_MAX;
	}
	return -1;
}

/* The frame's VLAN has a domain of its own; -1: it has not. `proto` is the first EtherType. */
static __always_inline int tagged_domain(const struct xdp_md *ctx, const struct packet *p,
					 __be16 proto)
{
	return tagged_domain_of(ctx->ingress_ifindex, vlan_tag(p->ip, proto));
}

#define TAGGED_NOT_OURS (-1)

static __always_inline int tagged_look_at(struct xdp_md *ctx, struct lb_scratch *s,
					  struct packet *p, __u16 domain, enum family family)
{
	int odd;

	if (!parse_ip(p, family) || !may_be_ours(p))
		return TAGGED_NOT_OURS;
	odd = parse_l4(ctx, p);
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
