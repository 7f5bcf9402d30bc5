/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets for real servers beyond the nodes: a program of its own, that xdp_tunnel goes on with.
 * The client's packet stays what it is, destination and ports included, since a real server has the
 * VIP and answers from it, past us (direct server return). It gets there by its own MAC address on
 * a link with it, or in another IP header, or in UDP behind one (GUE of variant 1,
 * draft-ietf-intarea-gue 6: it has no header of its own, and who reads GUE needs no setting for
 * it).
 *
 * To send it on is to forward it, so it counts as a hop (RFC 1812 5.3.1, RFC 2003 3.1): whatever
 * two load balancers are told of each other, nothing goes round for ever. As answers do not come by
 * here, no MSS of theirs can be clamped: a client learns of less room by ICMP alone.
 */
#pragma once

#include "backend.h"
#include "capture_xdp.h"
#include "common.h"
#include "csum.h"
#include "scratch.h"
#include "tunnel_send.h"
#include "vip.h"

#define ICMP_TIME_EXCEEDED   11
#define ICMPV6_TIME_EXCEEDED 3
#define DSR_IPIP             4  /* protocol of IPv4 inside, */
#define DSR_IPV6             41 /* and of IPv6 */

/* Octets that go before the client's packet. */
static __always_inline __u32 dsr_over(__u32 way, bool outer_v4)
{
	const __u32 ip = outer_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (way == LB_WAY_L2)
		return 0;
	return way == LB_WAY_GUE ? ip + sizeof(struct udphdr) : ip;
}

/* --- the hop ---------------------------------------------------------------------------------- */

/* Of the header at `ip`. False: it was the last one. */
static __always_inline bool dsr_count_hop(void *ip, bool is_v4)
{
	struct ipv6hdr *v6 = ip;
	struct iphdr *v4 = ip;

	if (is_v4) {
		if (v4->ttl <= 1)
			return false;
		v4->ttl--;
		v4->check = csum_add(v4->check, (__u16)~bpf_htons(0x100));
		return true;
	}
	if (v6->hop_limit <= 1)
		return false;
	v6->hop_limit--;
	return true;
}

static __always_inline bool dsr_counts(struct xdp_md *ctx, const struct cold_packet *p)
{
	const bool is_v4 = p->family == FAMILY_V4;
	void *ip = is_v4 ? lb_bytes_at(ctx, p->ip_off, sizeof(struct iphdr))
			 : lb_bytes_at(ctx, p->ip_off, sizeof(struct ipv6hdr));

	return ip && dsr_count_hop(ip, is_v4);
}

__noinline int dsr_expired(struct xdp_md *ctx, struct lb_scratch *s)
{
	if (!s)
		return XDP_DROP;
	stats_drop(LB_DROP_TTL);
	return reject_by_error(ctx, s,
			       s->packet.family == FAMILY_V4 ? REJECT_ICMP(ICMP_TIME_EXCEEDED, 0)
							     : REJECT_ICMP(ICMPV6_TIME_EXCEEDED, 0),
			       0);
}

/* --- what goes before it ---------------------------------------------------------------------- */

/* All headers, where the frame's old Ethernet header ends; what is constant is so for the compiler.
 */
static __always_inline bool dsr_write(struct xdp_md *ctx, __u32 ip_off, bool inner_v4,
				      const struct tunnel_outer *o, __u32 way, bool outer_v4)
{
	const __u32 over = dsr_over(way, outer_v4);
	const __u32 ip_len = outer_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 proto = way == LB_WAY_GUE ? IPPROTO_UDP : inner_v4 ? DSR_IPIP : DSR_IPV6;
	void *at;

	if (bpf_xdp_adjust_head(ctx, (int)ip_off - (int)(TUNNEL_ETH + over)))
		return false;
	at = (void *)(long)ctx->data;
	if (at + TUNNEL_ETH + over > (void *)(long)ctx->data_end)
		return false;
	tunnel_write_eth(at, o, way == LB_WAY_L2 ? inner_v4 : outer_v4);
	at += TUNNEL_ETH;
	if (way == LB_WAY_L2)
		return true;
	if (outer_v4)
		tunnel_write_v4(at, o, over + o->inner, proto);
	else
		tunnel_write_v6(at, o, over - ip_len + o->inner, proto);
	if (way == LB_WAY_GUE)
		tunnel_write_udp(at + ip_len, o, over - ip_len + o->inner);
	return true;
}

/* The same for what is known only now. */
static __always_inline bool dsr_push(struct xdp_md *ctx, __u32 off, bool inner_v4,
				     const struct tunnel_outer *o, __u32 way, bool outer_v4)
{
	if (way == LB_WAY_L2)
		return dsr_write(ctx, off, inner_v4, o, LB_WAY_L2, true);
	if (way == LB_WAY_IPIP)
		return outer_v4 ? dsr_write(ctx, off, inner_v4, o, LB_WAY_IPIP, true)
				: dsr_write(ctx, off, inner_v4, o, LB_WAY_IPIP, false);
	return outer_v4 ? dsr_write(ctx, off, inner_v4, o, LB_WAY_GUE, true)
			: dsr_write(ctx, off, inner_v4, o, LB_WAY_GUE, false);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Sends the packet of s to the real server of this state word: a verdict. */
static __always_inline int dsr_send(struct xdp_md *ctx, struct lb_scratch *s, __u64 state)
{
	const __u32 way = node_way(state);
	struct tunnel_outer o = {};
	bool outer_v4;
	__u32 over;

	if (unlikely(!hop_find_server(ctx, node_of(state), &o.hop) || !tunnel_look(ctx, s, &o) ||
		     (way == LB_WAY_L2 && !o.hop.is_on_link)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	outer_v4 = addr_is_v4(o.hop.target);
	over = dsr_over(way, outer_v4);
	if (unlikely(o.inner + over > o.hop.mtu))
		return tunnel_too_big(ctx, s, o.hop.mtu - over, o.may_fragment);
	if (unlikely(!dsr_counts(ctx, &s->packet)))
		return dsr_expired(ctx, s);
	if (unlikely(!dsr_push(ctx, s->packet.ip_off, s->packet.family == FAMILY_V4, &o, way,
			       outer_v4)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	return hop_leave(ctx, o.hop.ifindex);
}

SEC("xdp.frags")
int xdp_dsr(struct xdp_md *ctx)
{
	struct lb_scratch *s = scratch_get();
	struct lb_backend *be = s ? backend_slot(s->backend) : NULL;
	__u64 state = be ? READ_ONCE(be->state) : 0;

	/* A word that has changed since leads nowhere. */
	if (!s || !backend_is(state, LB_BE_IN_USE) || !node_way(state))
		return capture_end(ctx, vip_drop(false, LB_DROP_NO_BACKEND));
	return capture_end(ctx, dsr_send(ctx, s, state));
}
