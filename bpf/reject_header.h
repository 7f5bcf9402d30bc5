/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers of the answers that reject.h makes, summed in full: nothing of them was in the packet.
 */
#pragma once

#include "common.h"
#include "icmp.h"
#include "scratch.h"

#define REJECT_FRAME_MIN 60 /* of Ethernet, without its checksum; shorter only if it was */
#define IP_DONT_FRAGMENT 0x4000
#define REJECT_DOFF_MIN  5

/* Not from the address of a group, of everybody or of this host itself (RFC 1122 3.2.1.3). */
static __always_inline bool reject_is_host(const struct cold_packet *p)
{
	__u8 first;

	if (p->family == FAMILY_V6)
		return (p->saddr[0] & bpf_htonl(0xff000000)) != bpf_htonl(0xff000000);
	first = bpf_ntohl(p->saddr[3]) >> 24;
	return first != 0 && first != 127 && first < 224;
}

static __always_inline __u16 reject_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16) ~((sum & 0xffff) + (sum >> 16));
}

/* Of words as they lie in memory. */
static __always_inline __u64 reject_sum(const __u32 *words, __u32 n)
{
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < n; i++)
		sum += words[i];
	return sum;
}

/* What a transport's sum begins with: the addresses, its length and its protocol. */
static __always_inline __u64 reject_pseudo(const struct cold_packet *p, __u8 proto, __u32 len)
{
	__u64 sum = bpf_htonl(len) + (__u64)bpf_htonl(proto);

	if (p->family == FAMILY_V4)
		return sum + p->saddr[3] + p->daddr[3];
	return sum + reject_sum(p->saddr, 4) + reject_sum(p->daddr, 4);
}

/* A new IP header, from the VIP to the client, before `len` bytes of this protocol. */
static __always_inline void reject_write_ip(struct xdp_md *ctx, const struct cold_packet *p,
					    __u8 proto, __u32 len)
{
	struct ipv6hdr v6 = {};
	struct iphdr v4 = {};

	if (p->family == FAMILY_V6) {
		*(__u8 *)&v6 = 0x60;
		v6.payload_len = bpf_htons(len);
		v6.nexthdr = proto;
		v6.hop_limit = ICMP_TTL;
		addr_copy(v6.saddr.in6_u.u6_addr32, p->daddr);
		addr_copy(v6.daddr.in6_u.u6_addr32, p->saddr);
		lb_bytes_write(ctx, p->ip_off, &v6, sizeof(v6));
		return;
	}
	*(__u8 *)&v4 = 0x45;
	v4.tot_len = bpf_htons(sizeof(v4) + len);
	v4.frag_off = bpf_htons(IP_DONT_FRAGMENT);
	v4.ttl = ICMP_TTL;
	v4.protocol = proto;
	v4.saddr = p->daddr[3];
	v4.daddr = p->saddr[3];
	v4.check = reject_fold(reject_sum((const __u32 *)&v4, sizeof(v4) / 4));
	lb_bytes_write(ctx, p->ip_off, &v4, sizeof(v4));
}

/* Cuts off what lies behind `len` bytes of the frame. */
static __always_inline bool reject_cut(struct xdp_md *ctx, __u32 len)
{
	__u32 have = bpf_xdp_get_buff_len(ctx);

	if (len < REJECT_FRAME_MIN)
		len = REJECT_FRAME_MIN;
	return have <= len || !bpf_xdp_adjust_tail(ctx, (int)len - (int)have);
}

/*
 * The packet becomes the TCP header alone that lies in s->answer, with its sum. XDP_TX, or
 * XDP_DROP.
 */
__noinline int reject_send_tcp(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct cold_packet *p;
	struct tcphdr *out;
	__u32 at;

	if (!s)
		return XDP_DROP;
	p = &s->packet;
	out = (struct tcphdr *)s->answer;
	out->check = reject_fold(reject_pseudo(p, IPPROTO_TCP, sizeof(*out)) +
				 reject_sum(s->answer, sizeof(*out) / 4));
	at = p->ip_off + patch_ip_len(p->family);
	reject_write_ip(ctx, p, IPPROTO_TCP, sizeof(*out));
	lb_bytes_write(ctx, at, out, sizeof(*out));
	return reject_cut(ctx, at + sizeof(*out)) ? XDP_TX : XDP_DROP;
}

/* A header in s->answer that answers this one. */
static __always_inline struct tcphdr *reject_begin_tcp(struct lb_scratch *s,
						       const struct tcphdr *in)
{
	struct tcphdr *out = (struct tcphdr *)s->answer;

	__builtin_memset(out, 0, sizeof(*out));
	out->source = in->dest;
	out->dest = in->source;
	((__u8 *)out)[TCP_FLAGS - 1] = REJECT_DOFF_MIN << 4;
	return out;
}
