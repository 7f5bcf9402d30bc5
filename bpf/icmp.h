/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP to a VIP. An echo request is answered here: addresses exchanged, type changed, sent back by
 * the way it came (RFC 1122 3.2.2.6). The VIP is on no interface, so nobody else would answer.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "parse.h"
#include "stats.h"

#define ICMP_ECHOREPLY 0
#define ICMP_ECHO      8
#define ICMP_TTL       64

static __always_inline void icmp_turn_frame(struct ethhdr *eth)
{
	__u8 mac[6];

	__builtin_memcpy(mac, eth->h_dest, sizeof(mac));
	__builtin_memcpy(eth->h_dest, eth->h_source, sizeof(mac));
	__builtin_memcpy(eth->h_source, mac, sizeof(mac));
}

/* Exchanging two addresses leaves a sum as it is; the TTL shares its 16-bit word with the protocol.
 */
static __always_inline void icmp_turn_ip(struct iphdr *ip)
{
	__be32 saddr = ip->saddr;
	__u16 old = ip->ttl, new = ICMP_TTL;

	ip->saddr = ip->daddr;
	ip->daddr = saddr;
	ip->ttl = ICMP_TTL;
	ip->check = csum_replace(ip->check, bpf_htons(old << 8), bpf_htons(new << 8));
}

/* Answers an echo request; XDP_DROP, uncounted, if the packet is none. */
static __always_inline int icmp_answer_echo(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct packet p = {};
	struct icmphdr *icmp;

	if (!parse_ipv4(ctx, &p) || parse_l4(ctx, &p) != LB_DROP_ICMP)
		return XDP_DROP;
	icmp = p.l4;
	if ((void *)(icmp + 1) > p.end || icmp->type != ICMP_ECHO || icmp->code ||
	    (void *)(eth + 1) > p.end || eth->h_dest[0] & 1)
		return XDP_DROP;
	icmp_turn_frame(eth);
	icmp_turn_ip(p.ip);
	icmp->type = ICMP_ECHOREPLY;
	icmp->checksum =
		csum_replace(icmp->checksum, bpf_htons(ICMP_ECHO << 8), bpf_htons(ICMP_ECHOREPLY));
	return XDP_TX;
}

static __always_inline bool icmp_is_echo(struct xdp_md *ctx)
{
	struct packet p = {};
	struct icmphdr *icmp;

	if (!parse_ipv4(ctx, &p) || parse_l4(ctx, &p) != LB_DROP_ICMP)
		return false;
	icmp = p.l4;
	return (void *)(icmp + 1) <= p.end && icmp->type == ICMP_ECHO;
}
