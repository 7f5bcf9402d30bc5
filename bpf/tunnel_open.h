/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tunnel's packet from another node, opened: its outer headers are looked at, its private data is
 * read, and they are taken off. Outer addresses can be forged, so they are worth no more than a
 * first sieve: what the packet inside may do is what it could do by itself (tunnel_inner.h).
 *
 * ECN as RFC 6040 4.2 has it: what was marked on the way is marked inside, and a packet whose
 * sender knows no such marks is dropped, as a router would have done.
 */
#pragma once

#include "common.h"
#include "ecn.h"
#include "node.h"
#include "parse.h"
#include "reject.h"
#include "scratch.h"

#define OPEN_IP_V4 0x45 /* without options, which we do not send */
#define OPEN_GUE   (sizeof(struct udphdr) + LB_GUE_BYTES)

/* Of a packet that is opened. */
struct open {
	__u32 ip_off; /* Ethernet and its tags */
	__u32 outer;  /* octets of the outer headers behind it */
	bool inner_v4;
	bool is_control;
};

/* Length of a packet as it says itself; 0: it is none of the family that is said of it. */
static __always_inline __u32 open_len(const void *ip, bool is_v4)
{
	const struct ipv6hdr *v6 = ip;
	const struct iphdr *v4 = ip;
	__u8 version = *(const __u8 *)ip >> 4;

	if (is_v4)
		return version == 4 ? bpf_ntohs(v4->tot_len) : 0;
	return version == 6 ? sizeof(*v6) + bpf_ntohs(v6->payload_len) : 0;
}

/* Private data of a form that this reads; `flags` are those of the form. */
static __always_inline bool open_is_read(const struct lb_tunnel_data *d, __u32 flags)
{
	return d->version >= LB_TUNNEL_LEAST && d->version <= LB_TUNNEL_VERSION &&
	       (d->flags == flags || (!flags && d->flags == LB_TUNNEL_TOLD)) &&
	       d->at < lb_tunnel_named(flags) && d->hops <= LB_TUNNEL_HOPS_MAX;
}

/* Private data and what follows it; `left` octets are there by the outer header. Constant form. */
static __always_inline enum lb_drop open_data(struct lb_tunnel_data *d, __u32 *at, const void *end,
					      __u32 left, __u8 ecn, bool inner_v4, __u32 flags)
{
	const __u32 words = lb_tunnel_words(inner_v4, flags);
	const __u32 least = inner_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 *inner = at + words, len;

	if ((const void *)inner + least > end || left < 4 * words)
		return LB_DROP_MALFORMED;
	lb_tunnel_get(d, at, inner_v4, flags ? LB_TUNNEL_CANDIDATES : 1);
	if (!open_is_read(d, flags))
		return LB_DROP_TUNNEL_VERSION;
	len = open_len(inner, inner_v4);
	if (len < least || len > left - 4 * words)
		return LB_DROP_MALFORMED;
	return ecn_merge(inner, inner_v4, ecn);
}

/* What lies behind UDP. */
static __always_inline enum lb_drop open_gue(struct lb_tunnel_data *d, __u32 *at, const void *end,
					     __u32 left, __u8 ecn, struct open *o)
{
	__u32 word = bpf_ntohl(*at), words = word >> 24 & LB_GUE_HLEN, proto = word >> 16 & 0xff;

	if (word >> 30 || word & 0xffff)
		return LB_DROP_TUNNEL_VERSION;
	o->is_control = word & LB_GUE_CONTROL << 24;
	if (unlikely(o->is_control))
		return words || proto != LB_GUE_ECHO ? LB_DROP_TUNNEL_VERSION : LB_DROP_NONE;
	if (proto != LB_GUE_IPIP && proto != LB_GUE_IPV6)
		return LB_DROP_TUNNEL_VERSION;
	o->inner_v4 = proto == LB_GUE_IPIP;
	o->outer += 4 * words;
	if (o->inner_v4 && words == lb_tunnel_words(true, 0))
		return open_data(d, at + 1, end, left, ecn, true, 0);
	if (o->inner_v4 && words == lb_tunnel_words(true, LB_TUNNEL_ASK))
		return open_data(d, at + 1, end, left, ecn, true, LB_TUNNEL_ASK);
	if (!o->inner_v4 && words == lb_tunnel_words(false, 0))
		return open_data(d, at + 1, end, left, ecn, false, 0);
	if (!o->inner_v4 && words == lb_tunnel_words(false, LB_TUNNEL_ASK))
		return open_data(d, at + 1, end, left, ecn, false, LB_TUNNEL_ASK);
	return LB_DROP_TUNNEL_VERSION;
}

static __always_inline bool open_is_whole(const struct packet *p)
{
	const struct iphdr *v4 = p->ip;

	if (p->proto != IPPROTO_UDP)
		return false;
	return p->family == FAMILY_V6 ||
	       (*(const __u8 *)p->ip == OPEN_IP_V4 && !(v4->frag_off & bpf_htons(IP_FRAGMENT)));
}

static __always_inline __u8 open_outer_ecn(const struct packet *p)
{
	const __u8 *ip = p->ip;

	return p->family == FAMILY_V4 ? ip[1] & ECN_MASK : ip[1] >> 4 & ECN_MASK;
}

/* Reads the outer headers. */
static __always_inline enum lb_drop open_look(struct lb_scratch *s, struct packet *p,
					      enum family family, struct open *o)
{
	const __u32 ip_len = family == FAMILY_V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 saddr[4], bytes;
	void *udp;

	if (!parse_ip(p, family) || !open_is_whole(p))
		return LB_DROP_MALFORMED;
	udp = p->ip + ip_len;
	bytes = open_len(p->ip, p->family == FAMILY_V4);
	if (udp + OPEN_GUE > p->end || bytes < ip_len + OPEN_GUE)
		return LB_DROP_MALFORMED;
	parse_saddr(p, saddr);
	s->from = node_find(saddr);
	if (!s->from)
		return LB_DROP_TUNNEL_SOURCE;
	o->outer = ip_len + OPEN_GUE;
	return open_gue(&s->tunnel, udp + sizeof(struct udphdr), p->end, bytes - o->outer,
			open_outer_ecn(p), o);
}

/* A frame with tags. */
__noinline bool open_pull_tagged(struct xdp_md *ctx, __u32 eth_len, __u32 outer, bool inner_v4)
{
	__be16 proto = inner_v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u8 eth[REJECT_ETH_MAX] = {}; /* Linux 6.1.176 wants all of it written */

	if (eth_len < sizeof(struct ethhdr) || eth_len > sizeof(eth) ||
	    bpf_xdp_load_bytes(ctx, 0, eth, eth_len) || bpf_xdp_adjust_head(ctx, (int)outer))
		return false;
	return !bpf_xdp_store_bytes(ctx, 0, eth, eth_len) &&
	       !bpf_xdp_store_bytes(ctx, eth_len - sizeof(proto), &proto, sizeof(proto));
}

/* Takes the outer headers off. */
static __always_inline bool open_pull(struct xdp_md *ctx, const struct open *o)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ethhdr kept;

	if (unlikely(o->ip_off != sizeof(*eth)))
		return open_pull_tagged(ctx, o->ip_off, o->outer, o->inner_v4);
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	kept = *eth;
	kept.h_proto = o->inner_v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (bpf_xdp_adjust_head(ctx, (int)o->outer))
		return false;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	*eth = kept;
	return true;
}

/*
 * Reads the outer headers, which are yet to be pulled; the private data is s->tunnel then. Of a
 * control packet, which stays as it is, s->packet is filled in.
 */
static __always_inline enum lb_drop open_packet(struct xdp_md *ctx, struct lb_scratch *s,
						struct open *o)
{
	enum lb_drop odd = LB_DROP_MALFORMED;
	struct packet p = {};
	__be16 proto = parse_ethernet(ctx, &p);

	if (proto)
		proto = parse_tags(&p, proto);
	if (proto == bpf_htons(ETH_P_IP))
		odd = open_look(s, &p, FAMILY_V4, o);
	else if (proto == bpf_htons(ETH_P_IPV6))
		odd = open_look(s, &p, FAMILY_V6, o);
	if (odd)
		return odd;
	o->ip_off = p.ip_off;
	if (o->is_control) {
		p.bytes = (__u16)open_len(p.ip, p.family == FAMILY_V4);
		p.l3_len = o->outer - OPEN_GUE;
		turn_fill(s, &p);
	}
	return LB_DROP_NONE;
}
