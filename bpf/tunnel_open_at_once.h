/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outer headers of a packet from another node as nearly all have them: without tags, options
 * and fragments, and with private data that names one backend. All of it lies at offsets that the
 * compiler knows then. What is not so is left for tunnel_open.h, which looks at it once more.
 */
#pragma once

#include "tunnel_open.h"

/* The packet outside, of a family that the compiler knows; false: it is another one, or cut. */
static __always_inline bool open_at_once_outer(const struct xdp_md *ctx, struct packet *outer,
					       __u32 over, bool outer_v4, bool inner_v4)
{
	const __u32 least = inner_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	outer->ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	outer->end = (void *)(long)ctx->data_end;
	return outer->ip + over + least <= outer->end &&
	       parse_ip(outer, outer_v4 ? FAMILY_V4 : FAMILY_V6) && open_is_whole(outer);
}

/*
 * The packet inside, of a form that the compiler knows; the private data is s->tunnel then. Its ECN
 * is merged, which does nothing where it is done again.
 */
static __always_inline bool open_at_once(struct xdp_md *ctx, struct lb_scratch *s, struct packet *p,
					 bool outer_v4, bool inner_v4)
{
	const __u32 over = lb_tunnel_overhead(outer_v4, inner_v4, 0);
	const __u32 gue =
		lb_gue_word(lb_tunnel_words(inner_v4, 0), inner_v4 ? LB_GUE_IPIP : LB_GUE_IPV6);
	struct packet outer = {};
	__u32 saddr[4], *at;

	if (!open_at_once_outer(ctx, &outer, over, outer_v4, inner_v4))
		return false;
	p->ip = outer.ip + over;
	p->end = outer.end;
	p->ip_off = sizeof(struct ethhdr) + over;
	at = p->ip - 4 * lb_tunnel_words(inner_v4, 0);
	if (at[-1] != bpf_htonl(gue) ||
	    over + open_len(p->ip, inner_v4) > open_len(outer.ip, outer_v4))
		return false;
	lb_tunnel_get(&s->tunnel, at, inner_v4, 1);
	if (!open_is_read(&s->tunnel, 0) || ecn_merge(p->ip, inner_v4, open_outer_ecn(&outer)))
		return false;
	parse_saddr(&outer, saddr);
	return node_find(saddr);
}
