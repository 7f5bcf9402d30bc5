/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells a client that nobody takes its flow, as a host does where nobody listens, so that it need
 * not wait: TCP by a reset (RFC 9293 3.10.7.1), UDP by port unreachable (RFC 1122 3.2.2.1, RFC 4443
 * 3.1). The packet itself is made the answer and sent back by the way it came.
 *
 * It is no amplifier: an answer is a header or a short quote, and there are so many of them a
 * second for each VIP; VIPs of one place in the map share. Nobody is told who is no single host.
 */
#pragma once

#include "bucket.h"
#include "bytes_xdp.h"
#include "common.h"
#include "csum.h"
#include "icmp.h"
#include "maps.h"
#include "reject_header.h"
#include "scratch.h"
#include "source_check.h"
#include "stats.h"

/* A token each REJECT_COST_NS, as many as fit into REJECT_BURST_NS at once. */
#define REJECT_COST_NS  1000000ull
#define REJECT_BURST_NS 100000000ull

#define REJECT_QUOTE        128
#define REJECT_ETH_MAX      (sizeof(struct ethhdr) + 2 * sizeof(struct vlan_hdr))
#define REJECT_QUOTE_L4     8 /* of what lies behind the quoted IP header */
#define ICMP_PORT_UNREACH   3
#define ICMPV6_PORT_UNREACH 4

/* Takes a token of the VIP; false: there is none. */
static __always_inline bool reject_may(const struct cold_packet *p)
{
	__u32 place = lb_vip_bit(p->daddr) & (LB_REJECT_WORDS - 1);
	__u64 *word = bpf_map_lookup_elem(&rejects, &place);

	return word && bucket_take(word, bpf_ktime_get_ns(), REJECT_COST_NS, REJECT_BURST_NS);
}

/* --- the two answers -------------------------------------------------------------------------- */

/* XDP_TX, or XDP_DROP where the packet must not be answered. */
__noinline int reject_by_reset(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct cold_packet *p;
	struct tcphdr in, *out;
	__u32 payload, doff;
	__u8 flags;

	if (!s)
		return XDP_DROP;
	p = &s->packet;
	if (!lb_bytes_read(ctx, p->l4_off, &in, sizeof(in)) || !icmp_turn_frame(ctx))
		return XDP_DROP;
	flags = ((__u8 *)&in)[TCP_FLAGS];
	doff = ((__u8 *)&in)[TCP_FLAGS - 1] >> 4;
	if (flags & TCP_RST || doff < REJECT_DOFF_MIN || p->l4_off + doff * 4 > p->end)
		return XDP_DROP;
	out = reject_begin_tcp(s, &in);
	((__u8 *)out)[TCP_FLAGS] = TCP_RST;
	if (flags & TCP_ACK) {
		out->seq = in.ack_seq;
	} else {
		payload = p->end - p->l4_off - doff * 4;
		payload += !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
		out->ack_seq = bpf_htonl(bpf_ntohl(in.seq) + payload);
		((__u8 *)out)[TCP_FLAGS] = TCP_RST | TCP_ACK;
	}
	return reject_send_tcp(ctx, s);
}

/* Moves the Ethernet header and its tags forward by so much. */
static __always_inline bool reject_make_room(struct xdp_md *ctx, __u32 eth_len, __u32 room)
{
	__u8 eth[REJECT_ETH_MAX] = {}; /* Linux 6.1.176 wants all of it written */

	if (eth_len < sizeof(struct ethhdr) || eth_len > sizeof(eth) ||
	    bpf_xdp_load_bytes(ctx, 0, eth, eth_len) || bpf_xdp_adjust_head(ctx, -(int)room))
		return false;
	return !bpf_xdp_store_bytes(ctx, 0, eth, eth_len);
}

/* An ICMP error's type and code. */
#define REJECT_ICMP(type, code) ((type) << 8 | (code))

/*
 * An error of this type and code, and with this in the other half of its header. The quote is the
 * IP header, with what belongs to it, and the beginning of the transport's.
 */
__noinline int reject_by_icmp(struct xdp_md *ctx, struct lb_scratch *s, __u32 error, __be32 rest)
{
	const struct cold_packet *p;
	struct quote_message m = {};
	__u32 len, head;
	__u64 sum;
	__u8 proto;

	if (!s)
		return XDP_DROP;
	p = &s->packet;
	len = p->l4_off - p->ip_off + REJECT_QUOTE_L4;
	if (len > REJECT_QUOTE || p->l4_off + REJECT_QUOTE_L4 > p->end)
		return XDP_DROP;
	__builtin_memset(s->answer, 0, sizeof(s->answer));
	len = (len - 1) & (REJECT_QUOTE - 1); /* what the verifier believes */
	if (bpf_xdp_load_bytes(ctx, p->ip_off, s->answer, len + 1) || !icmp_turn_frame(ctx))
		return XDP_DROP;
	len++;
	proto = p->family == FAMILY_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	m.type = error >> 8;
	m.code = (__u8)error;
	m.rest = rest;
	sum = reject_sum((const __u32 *)&m, sizeof(m) / 4) +
	      reject_sum((const __u32 *)s->answer, REJECT_QUOTE / 4);
	if (p->family == FAMILY_V6)
		sum += reject_pseudo(p, proto, sizeof(m) + len);
	m.check = reject_fold(sum);
	head = patch_ip_len(p->family) + sizeof(m);
	if (!reject_make_room(ctx, p->ip_off, head))
		return XDP_DROP;
	reject_write_ip(ctx, p, proto, sizeof(m) + len);
	lb_bytes_write(ctx, p->ip_off + patch_ip_len(p->family), &m, sizeof(m));
	return reject_cut(ctx, p->ip_off + head + len) ? XDP_TX : XDP_DROP;
}

/* An ICMP error to the packet's client, as many as its VIP may send; what it is for is counted. */
static __always_inline int reject_by_error(struct xdp_md *ctx, struct lb_scratch *s, __u32 error,
					   __be32 rest)
{
	if (!reject_is_host(&s->packet))
		return XDP_DROP;
	if (!reject_may(&s->packet)) {
		stats_drop(LB_DROP_NO_ANSWER);
		return XDP_DROP;
	}
	return reject_by_icmp(ctx, s, error, rest);
}

/* Of s the packet is filled in. XDP_TX, or XDP_DROP; the reason is counted in both cases. */
__noinline int reject(struct xdp_md *ctx, struct lb_scratch *s, enum lb_drop reason)
{
	if (!s)
		return XDP_DROP;
	stats_drop(reason);
	if (reason == LB_DROP_UNPROVEN)
		return source_check(ctx, s);
	if (!reject_is_host(&s->packet))
		return XDP_DROP;
	if (!reject_may(&s->packet)) {
		stats_drop(LB_DROP_NO_ANSWER);
		return XDP_DROP;
	}
	if (s->packet.proto == IPPROTO_TCP)
		return reject_by_reset(ctx, s);
	return reject_by_icmp(ctx, s,
			      s->packet.family == FAMILY_V4
				      ? REJECT_ICMP(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH)
				      : REJECT_ICMP(ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH),
			      0);
}
