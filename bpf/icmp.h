/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP and ICMPv6 to a VIP. An echo request is answered here: addresses exchanged, type changed,
 * sent back by the way it came (RFC 1122 3.2.2.6, RFC 4443 4.2). The VIP is on no interface, so
 * nobody else would answer.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "quote.h"
#include "scratch.h"

#define ICMP_ECHOREPLY       0
#define ICMP_ECHO            8
#define ICMPV6_ECHO_REQUEST  128
#define ICMPV6_ECHO_REPLY    129
#define ICMP_TTL             64
#define ICMP_TTL_OFF         __builtin_offsetof(struct iphdr, ttl)
#define ICMPV6_HOP_LIMIT_OFF __builtin_offsetof(struct ipv6hdr, hop_limit)

/* The message's beginning; false: there is no whole one. */
static __always_inline bool icmp_read(struct xdp_md *ctx, const struct cold_packet *p,
				      struct quote_message *m)
{
	return p->l4_off + sizeof(*m) <= p->end && lb_bytes_read(ctx, p->l4_off, m, sizeof(*m));
}

static __always_inline bool icmp_is_echo(const struct cold_packet *p, const struct quote_message *m)
{
	return m->type == (p->family == FAMILY_V4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
}

/* False: it was sent to a group. */
static __always_inline bool icmp_turn_frame(struct xdp_md *ctx)
{
	__u8 macs[12], turned[12];

	if (!lb_bytes_read(ctx, 0, macs, sizeof(macs)) || macs[0] & 1)
		return false;
	__builtin_memcpy(turned, macs + 6, 6);
	__builtin_memcpy(turned + 6, macs, 6);
	lb_bytes_write(ctx, 0, turned, sizeof(turned));
	return true;
}

/* IPv4: the TTL shares its 16-bit word with the protocol, and the sum lies behind. */
static __always_inline void icmp_renew_ttl(struct xdp_md *ctx, const struct cold_packet *p)
{
	struct {
		__u8 ttl, proto;
		__u16 check;
	} ip;
	__u8 limit = ICMP_TTL;

	if (p->family == FAMILY_V6) {
		lb_bytes_write(ctx, p->ip_off + ICMPV6_HOP_LIMIT_OFF, &limit, sizeof(limit));
		return;
	}
	if (!lb_bytes_read(ctx, p->ip_off + ICMP_TTL_OFF, &ip, sizeof(ip)))
		return;
	ip.check = csum_replace(ip.check, bpf_htons(ip.ttl << 8), bpf_htons(ICMP_TTL << 8));
	ip.ttl = ICMP_TTL;
	lb_bytes_write(ctx, p->ip_off + ICMP_TTL_OFF, &ip, sizeof(ip));
}

/* Exchanging two addresses leaves every sum as it is. */
static __always_inline void icmp_turn_ip(struct xdp_md *ctx, const struct cold_packet *p)
{
	patch_address(ctx, p->ip_off, p->family, PATCH_SOURCE, p->daddr, 0);
	patch_address(ctx, p->ip_off, p->family, PATCH_DESTINATION, p->saddr, 0);
	icmp_renew_ttl(ctx, p);
}

/* Answers an echo request: XDP_TX; else XDP_DROP, uncounted. */
static __always_inline int icmp_answer_echo(struct xdp_md *ctx, const struct cold_packet *p,
					    struct quote_message *m)
{
	__u8 answer = p->family == FAMILY_V4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;

	if (m->code || !icmp_turn_frame(ctx))
		return XDP_DROP;
	icmp_turn_ip(ctx, p);
	m->check = csum_replace(m->check, bpf_htons(m->type << 8), bpf_htons(answer << 8));
	m->type = answer;
	lb_bytes_write(ctx, p->l4_off, m, sizeof(*m));
	return XDP_TX;
}
