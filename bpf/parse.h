/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the headers of an IPv4 packet once, into a struct that the compiler keeps in registers.
 * Ethernet with at most one VLAN tag, IP options skipped, TCP and UDP ports.
 *
 * Nothing is decided here and nothing is dropped: a packet may be broken and still not be ours.
 * What cannot be served is named by enum lb_drop in `odd`, and vip.h asks whether it was for a VIP
 * at all. LB_DROP_ICMP stands for "ICMP, look closer", not for a verdict.
 */
#pragma once

#include "common.h"

struct packet {
	struct iphdr *ip;
	void *l4;
	void *end;
	__u32 ip_off; /* in the frame; pointers are not for sums, older verifiers say */
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u16 bytes; /* of the IP packet */
	__u8 proto;
	__u8 tcp_flags;
};

/* The IPv4 header, if there is a whole one. */
static __always_inline bool parse_ipv4(const struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;
	__be16 proto;

	p->ip_off = sizeof(*eth);
	p->end = (void *)(long)ctx->data_end;
	if (data + sizeof(*eth) + sizeof(struct iphdr) > p->end)
		return false;
	proto = eth->h_proto;
	if (unlikely(proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD))) {
		proto = ((struct vlan_hdr *)(eth + 1))->h_vlan_encapsulated_proto;
		p->ip_off += sizeof(struct vlan_hdr);
	}
	if (proto != bpf_htons(ETH_P_IP))
		return false;
	p->ip = data + p->ip_off;
	if ((void *)(p->ip + 1) > p->end)
		return false;
	p->saddr = p->ip->saddr;
	p->daddr = p->ip->daddr;
	p->proto = p->ip->protocol;
	return true;
}

/* Length of the IP header in bytes, as it says itself. */
static __always_inline __u32 parse_ihl(const struct packet *p)
{
	return (*(__u8 *)p->ip & 0x0f) << 2;
}

/* The frame holds fewer bytes than the IP header says; frames of several buffers are asked last. */
static __always_inline bool parse_is_cut(struct xdp_md *ctx, const struct packet *p)
{
	long have = (long)p->end - (long)p->ip;

	if (likely(have >= p->bytes))
		return false;
	return bpf_xdp_get_buff_len(ctx) < (__u64)p->ip_off + p->bytes;
}

/* Ports and flags, or why there are none. Only valid after parse_ipv4(). */
static __always_inline enum lb_drop parse_l4(struct xdp_md *ctx, struct packet *p)
{
	__u32 ihl = parse_ihl(p), need;

	p->bytes = bpf_ntohs(p->ip->tot_len);
	p->l4 = (void *)p->ip + ihl;
	p->tcp_flags = 0;
	if (unlikely(*(__u8 *)p->ip >> 4 != 4 || ihl < sizeof(*p->ip) || parse_is_cut(ctx, p)))
		return LB_DROP_MALFORMED;
	if (unlikely(p->ip->frag_off & bpf_htons(IP_FRAGMENT)))
		return LB_DROP_FRAGMENT;
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return p->proto == IPPROTO_ICMP ? LB_DROP_ICMP : LB_DROP_PROTOCOL;
	need = p->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	if (p->bytes < ihl + need || p->l4 + sizeof(struct udphdr) > p->end)
		return LB_DROP_MALFORMED;
	p->sport = ((struct udphdr *)p->l4)->source;
	p->dport = ((struct udphdr *)p->l4)->dest;
	if (p->proto == IPPROTO_TCP) {
		if (p->l4 + sizeof(struct tcphdr) > p->end)
			return LB_DROP_MALFORMED;
		p->tcp_flags = ((__u8 *)p->l4)[TCP_FLAGS];
	}
	return LB_DROP_NONE;
}
