/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a packet into GUE (wire_tunnel.h) and sends it to another node. The packet itself is not
 * touched. The outer header has the client's DSCP and ECN (RFC 6040 4.1, normal mode) and a source
 * port of the flow's own, by which routers spread flows, or of pieces by client and protocol, since
 * the later ones know no ports; it must not be fragmented. UDP has no checksum, also over IPv6 (RFC
 * 6935): the packet inside has its own, the rest is worth nothing.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "reject.h"
#include "scratch.h"
#include "stats.h"
#include "tunnel_hop.h"
#include "vip.h"

#define TUNNEL_TTL       64
#define ICMP_FRAG_NEEDED 4
#define TUNNEL_ETH       sizeof(struct ethhdr)
#define TUNNEL_HEAD      20 /* of the client's packet, that is looked at */

/* What of the outer header follows from the packet inside. */
struct tunnel_outer {
	struct hop hop;
	__u32 inner, label; /* octets of the packet inside; of the flow */
	__be16 sport;
	__u8 tos;
	__u8 may_fragment; /* the packet inside is IPv4, and its sender allows it */
};

static __always_inline bool tunnel_look(struct xdp_md *ctx, const struct lb_scratch *s,
					struct tunnel_outer *o)
{
	const struct cold_packet *p = &s->packet;
	const __u8 *head = lb_bytes_at(ctx, p->ip_off, TUNNEL_HEAD);
	__u64 hash;

	if (!head)
		return false;
	o->may_fragment = p->family == FAMILY_V4 && !(head[6] & IP_DONT_FRAGMENT >> 8);
	o->tos = p->family == FAMILY_V4 ? head[1] : (__u8)(head[0] << 4 | head[1] >> 4);
	o->inner = p->end - p->ip_off;
	hash = lb_wire_flow_hash(p->saddr, p->fragment ? 0 : s->flow.sport,
				 p->fragment ? 0 : s->flow.dport, p->proto);
	o->sport = bpf_htons(lb_gue_source_port(hash));
	o->label = hash >> 44;
	return true;
}

static __always_inline void tunnel_write_eth(void *to, const struct tunnel_outer *o, bool is_v4)
{
	struct ethhdr *eth = to;

	__builtin_memcpy(eth->h_dest, &o->hop.neighbour, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, &o->hop.own, sizeof(eth->h_source));
	eth->h_proto = is_v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
}

static __always_inline void tunnel_write_v4(struct iphdr *ip, const struct tunnel_outer *o,
					    __u32 len, __u32 proto)
{
	const __u32 ttl = bpf_htonl(TUNNEL_TTL << 24 | proto << 16);
	__u32 *words = (__u32 *)ip;
	__u64 sum;

	words[0] = bpf_htonl(0x45000000 | (__u32)o->tos << 16 | (len & 0xffff));
	words[1] = bpf_htonl(IP_DONT_FRAGMENT);
	words[2] = ttl;
	words[3] = o->hop.source[3];
	words[4] = o->hop.target[3];
	sum = (__u64)bpf_htonl(0x45000000 | (__u32)o->tos << 16 | (len & 0xffff)) +
	      bpf_htonl(IP_DONT_FRAGMENT) + ttl + o->hop.source[3] + o->hop.target[3];
	ip->check = reject_fold(sum);
}

static __always_inline void tunnel_write_v6(struct ipv6hdr *ip, const struct tunnel_outer *o,
					    __u32 len, __u32 proto)
{
	__u32 *words = (__u32 *)ip;

	words[0] = bpf_htonl(0x60000000 | (__u32)o->tos << 20 | (o->label & 0xfffff));
	words[1] = bpf_htonl(len << 16 | proto << 8 | TUNNEL_TTL);
	addr_copy(ip->saddr.in6_u.u6_addr32, o->hop.source);
	addr_copy(ip->daddr.in6_u.u6_addr32, o->hop.target);
}

static __always_inline void tunnel_write_udp(struct udphdr *udp, const struct tunnel_outer *o,
					     __u32 len)
{
	udp->source = o->sport;
	udp->dest = bpf_htons(LB_GUE_PORT);
	udp->len = bpf_htons((__u16)len);
	udp->check = 0;
}

/* All headers, where the frame's old Ethernet header ends; constants are so for the compiler. */
static __always_inline bool tunnel_write(struct xdp_md *ctx, __u32 ip_off,
					 const struct lb_tunnel_data *d,
					 const struct tunnel_outer *o, bool outer_v4, bool inner_v4,
					 __u32 flags)
{
	const __u32 ip_len = outer_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 over = lb_tunnel_overhead(outer_v4, inner_v4, flags);
	const __u32 words = lb_tunnel_words(inner_v4, flags);
	struct udphdr *udp;
	__u32 *gue;
	void *at;

	if (bpf_xdp_adjust_head(ctx, (int)ip_off - (int)(TUNNEL_ETH + over)))
		return false;
	at = (void *)(long)ctx->data;
	if (at + TUNNEL_ETH + over > (void *)(long)ctx->data_end)
		return false;
	tunnel_write_eth(at, o, outer_v4);
	at += TUNNEL_ETH;
	if (outer_v4)
		tunnel_write_v4(at, o, over + o->inner, IPPROTO_UDP);
	else
		tunnel_write_v6(at, o, over - ip_len + o->inner, IPPROTO_UDP);
	udp = at + ip_len;
	tunnel_write_udp(udp, o, over - ip_len + o->inner);
	gue = (__u32 *)(udp + 1);
	*gue = bpf_htonl(lb_gue_word(words, inner_v4 ? LB_GUE_IPIP : LB_GUE_IPV6));
	lb_tunnel_put(gue + 1, d, inner_v4, flags ? LB_TUNNEL_CANDIDATES : 1);
	return true;
}

#define TUNNEL_OUTER_V4 1u
#define TUNNEL_INNER_V4 2u
#define TUNNEL_ASKS     4u

/* The same for what is known only now. */
static __always_inline bool tunnel_push(struct xdp_md *ctx, __u32 off,
					const struct lb_tunnel_data *d,
					const struct tunnel_outer *o, __u32 form)
{
	switch (form) {
	case TUNNEL_OUTER_V4 | TUNNEL_INNER_V4:
		return tunnel_write(ctx, off, d, o, true, true, 0);
	case TUNNEL_INNER_V4:
		return tunnel_write(ctx, off, d, o, false, true, 0);
	case TUNNEL_OUTER_V4:
		return tunnel_write(ctx, off, d, o, true, false, 0);
	case 0:
		return tunnel_write(ctx, off, d, o, false, false, 0);
	case TUNNEL_ASKS | TUNNEL_OUTER_V4 | TUNNEL_INNER_V4:
		return tunnel_write(ctx, off, d, o, true, true, LB_TUNNEL_ASK);
	case TUNNEL_ASKS | TUNNEL_INNER_V4:
		return tunnel_write(ctx, off, d, o, false, true, LB_TUNNEL_ASK);
	case TUNNEL_ASKS | TUNNEL_OUTER_V4:
		return tunnel_write(ctx, off, d, o, true, false, LB_TUNNEL_ASK);
	default:
		return tunnel_write(ctx, off, d, o, false, false, LB_TUNNEL_ASK);
	}
}

/* A packet of a client for which the tunnel is too small; `mtu` is what fits. */
__noinline int tunnel_too_big(struct xdp_md *ctx, struct lb_scratch *s, __u32 mtu,
			      bool may_fragment)
{
	if (!s)
		return XDP_DROP;
	stats_drop(LB_DROP_TOO_BIG);
	if (may_fragment)
		return XDP_DROP;
	return reject_by_error(ctx, s,
			       s->packet.family == FAMILY_V4
				       ? REJECT_ICMP(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED)
				       : REJECT_ICMP(ICMPV6_PACKET_TOO_BIG, 0),
			       bpf_htonl(mtu & 0xffff));
}

/*
 * Sends the packet of s, whose private data is s->tunnel, to the node with this number: a verdict.
 * What does not fit is said to its client, or counted, if that allows fragments.
 */
static __always_inline int tunnel_send(struct xdp_md *ctx, struct lb_scratch *s, __u32 number)
{
	struct tunnel_outer o = {};
	bool outer_v4, inner_v4 = s->packet.family == FAMILY_V4;
	__u32 asks = s->tunnel.flags & LB_TUNNEL_ASK;

	if (unlikely(!hop_find(ctx, number, &o.hop) || !tunnel_look(ctx, s, &o)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	s->tunnel.version = o.hop.version;
	outer_v4 = addr_is_v4(o.hop.target);
	if (unlikely(o.inner + lb_tunnel_overhead(outer_v4, inner_v4, asks) > o.hop.mtu))
		return tunnel_too_big(
			ctx, s, o.hop.mtu - lb_tunnel_overhead(outer_v4, inner_v4, LB_TUNNEL_ASK),
			o.may_fragment);
	if (unlikely(!tunnel_push(ctx, s->packet.ip_off, &s->tunnel, &o,
				  (outer_v4 ? TUNNEL_OUTER_V4 : 0) |
					  (inner_v4 ? TUNNEL_INNER_V4 : 0) |
					  (asks ? TUNNEL_ASKS : 0))))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	return hop_leave(ctx, o.hop.ifindex);
}
