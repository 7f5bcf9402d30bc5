/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the headers of an IPv4 or IPv6 packet once, into a struct that the compiler keeps in
 * registers. Ethernet with at most two VLAN tags, IPv4 options skipped, TCP and UDP ports; IPv6
 * extension headers are walked elsewhere (cold.h).
 *
 * Nothing is decided here and nothing is dropped: a packet may be broken and still not be ours.
 * What cannot be served is named by enum lb_drop in `odd`, and vip.h asks whether it was for a VIP
 * at all. LB_DROP_ICMP and LB_DROP_EXTENSION stand for "look closer", not for a verdict.
 */
#pragma once

#include "bytes_xdp.h"
#include "common.h"
#include "ext.h"
#include "packet.h"
#include "vlan.h"

/* An IPv4 header's first octet: version 4, and five words or more. */
#define IP_FIRST_LEAST 0x45
#define IP_FIRST_MOST  0x4f

/* The first EtherType, and what follows it as `ip`; 0: too short for an IP header. */
static __always_inline __be16 parse_ethernet(const struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	p->end = (void *)(long)ctx->data_end;
	p->ip = eth + 1;
	return p->ip + sizeof(struct iphdr) > p->end ? 0 : eth->h_proto;
}

/* The EtherType behind at most two VLAN tags, and where the IP header lies. For the verifier their
 * number must be no constant, lest it look at all that follows for each: so something is added that
 * is 0 but not known to be (no frame is 4 GB long), and the sum bounded. */
static __always_inline __be16 parse_tags(struct packet *p, __be16 proto)
{
	__u32 tags = 0; /* bytes of them */

	if (unlikely(vlan_is_tag(proto)))
		proto = vlan_skip(p->ip, &tags);
	tags = (tags + (__u32)((__u64)(p->end - p->ip) >> 32)) & VLAN_TAGS_MASK;
	p->ip_off = sizeof(struct ethhdr) + tags;
	p->ip += tags;
	return proto;
}

/* The IP header of the family that the EtherType says, if there is a whole one. */
static __always_inline bool parse_ip(struct packet *p, enum family family)
{
	struct ipv6hdr *v6 = p->ip;
	struct iphdr *v4 = p->ip;

	p->family = family;
	if (family == FAMILY_V4) {
		if ((void *)(v4 + 1) > p->end)
			return false;
		p->saddr = v4->saddr;
		p->daddr = v4->daddr;
		p->proto = v4->protocol;
		return true;
	}
	if ((void *)(v6 + 1) > p->end)
		return false;
	p->proto = v6->nexthdr;
	return true;
}

/* The packet is the agent's self-test: no packet from the unspecified address is routed. */
static __always_inline bool parse_is_test(const struct packet *p)
{
	__u32 saddr[4];

	parse_saddr(p, saddr);
	if (p->family == FAMILY_V4)
		return !saddr[3];
	return !(saddr[0] | saddr[1] | saddr[2] | saddr[3]);
}

/* The frame holds fewer bytes than the IP header says; frames of several buffers are asked last. */
static __always_inline bool parse_is_cut(struct xdp_md *ctx, const struct packet *p)
{
	long have = (long)p->end - (long)p->ip;

	if (likely(have >= parse_bytes(p)))
		return false;
	return bpf_xdp_get_buff_len(ctx) < (__u64)p->ip_off + parse_bytes(p);
}

/* The header's length, and what stands in the way of a transport header behind it. */
static __always_inline enum lb_drop parse_l3_v4(struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = p->ip;
	__u8 first = *(__u8 *)ip;

	p->bytes = bpf_ntohs(ip->tot_len);
	p->l3_len = (first & 0x0f) << 2;
	if (unlikely((__u8)(first - IP_FIRST_LEAST) > IP_FIRST_MOST - IP_FIRST_LEAST ||
		     parse_is_cut(ctx, p)))
		return LB_DROP_MALFORMED;
	return unlikely(ip->frag_off & bpf_htons(IP_OFFSET)) ? LB_DROP_FRAGMENT : LB_DROP_NONE;
}

/* It is IPv4 and the first of several fragments, and has the ports. After parse_l4(). */
static __always_inline bool parse_is_first(const struct packet *p)
{
	return p->family == FAMILY_V4 &&
	       unlikely(((struct iphdr *)p->ip)->frag_off & bpf_htons(IP_FRAGMENT));
}

/* The same. A length of 0 would be that of a jumbogram (RFC 2675), which no link of ours carries.
 */
static __always_inline enum lb_drop parse_l3_v6(struct xdp_md *ctx, struct packet *p)
{
	p->l3_len = sizeof(struct ipv6hdr);
	if (unlikely(*(__u8 *)p->ip >> 4 != 6 || parse_is_cut(ctx, p)))
		return LB_DROP_MALFORMED;
	return LB_DROP_NONE;
}

/* What neither TCP nor UDP is. */
static __always_inline enum lb_drop parse_other(const struct packet *p)
{
	if (p->family == FAMILY_V6 && lb_ext_is(p->proto))
		return LB_DROP_EXTENSION;
	return p->proto == (p->family == FAMILY_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)
		       ? LB_DROP_ICMP
		       : LB_DROP_PROTOCOL;
}

/* Ports and flags, or why there are none. Only valid after parse_ip(). */
static __always_inline enum lb_drop parse_l4(struct xdp_md *ctx, struct packet *p)
{
	enum lb_drop odd = p->family == FAMILY_V4 ? parse_l3_v4(ctx, p) : parse_l3_v6(ctx, p);
	__u32 need;

	p->l4 = p->ip + p->l3_len;
	p->tcp_flags = 0;
	if (unlikely(odd))
		return odd;
	if (unlikely(p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP))
		return parse_is_first(p) ? LB_DROP_FRAGMENT : parse_other(p);
	need = p->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	if (parse_bytes(p) < p->l3_len + need || p->l4 + sizeof(struct udphdr) > p->end)
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
