/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is changed in a packet whose source is translated (nat.h): both its ends, in place, and in
 * an ICMP error both ends of what it quotes. Checksums go by difference.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "csum.h"
#include "icmp.h"
#include "nat_meta.h"
#include "nat_quote.h"
#include "quote.h"
#include "scratch.h"
#include "tunnel_send.h"
#include "vip.h"

/* Ends of a packet as they are to be, and what that adds to sums. */
struct nat_ends {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__u16 l3_delta, l4_delta;
};

static __always_inline void nat_deltas(struct nat_ends *e, const __u32 saddr[4],
				       const __u32 daddr[4], __be16 sport, __be16 dport)
{
	__u16 source = lb_l3_delta(saddr, e->saddr), destination = lb_l3_delta(daddr, e->daddr);

	e->l3_delta = nat_sum_of(source, destination);
	e->l4_delta = nat_sum_of(lb_l4_delta(source, sport, e->sport),
				 lb_l4_delta(destination, dport, e->dport));
}

/* --- rewriting -------------------------------------------------------------------------------- */

/* The packet of s, where its headers lie in the first buffer. */
static __always_inline bool nat_rewrite(struct xdp_md *ctx, const struct cold_packet *p,
					const struct nat_ends *e)
{
	struct tcphdr *tcp = lb_bytes_at(ctx, p->l4_off, sizeof(*tcp));
	struct udphdr *udp = lb_bytes_at(ctx, p->l4_off, sizeof(*udp));
	struct iphdr *v4 = lb_bytes_at(ctx, p->ip_off, sizeof(*v4));
	struct ipv6hdr *v6 = lb_bytes_at(ctx, p->ip_off, sizeof(*v6));

	if (unlikely(!v4 || (p->family == FAMILY_V6 && !v6) || !udp ||
		     (p->proto == IPPROTO_TCP && !tcp)))
		return false;
	if (p->family == FAMILY_V4) {
		v4->saddr = e->saddr[3];
		v4->daddr = e->daddr[3];
		v4->check = csum_add(v4->check, e->l3_delta);
	} else if (v6) {
		addr_copy(v6->saddr.in6_u.u6_addr32, e->saddr);
		addr_copy(v6->daddr.in6_u.u6_addr32, e->daddr);
	}
	udp->source = e->sport;
	udp->dest = e->dport;
	if (p->proto == IPPROTO_UDP)
		udp->check = csum_add_udp(udp->check, e->l4_delta);
	else if (tcp)
		tcp->check = csum_add(tcp->check, e->l4_delta);
	return true;
}

static __always_inline bool nat_ends_there(struct nat_ends *e, const struct lb_scratch *s)
{
	const struct lb_backend *be = backend_slot(s->backend);

	if (!be)
		return false;
	addr_copy(e->saddr, s->nat.is.own);
	addr_copy(e->daddr, be->addr);
	e->sport = s->nat.port;
	e->dport = be->port;
	return true;
}

static __always_inline void nat_ends_back(struct nat_ends *e, const struct lb_nat *n)
{
	addr_copy(e->saddr, n->vip);
	addr_copy(e->daddr, n->client);
	e->sport = n->vip_port;
	e->dport = n->client_port;
}

/* The packet of s, whose flow is s->nat.is, on its way there or back. */
__noinline bool nat_turn(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct nat_ends e = {};

	if (!s)
		return false;
	if (s->what == NAT_ANSWER)
		nat_ends_back(&e, &s->nat.is);
	else if (!nat_ends_there(&e, s))
		return false;
	nat_deltas(&e, s->flow.saddr, s->flow.daddr, s->flow.sport, s->flow.dport);
	return nat_rewrite(ctx, &s->packet, &e);
}

/* Writes the Ethernet header, without tags: the frame leaves by a device, not by a VLAN on it. */
static __always_inline bool nat_frame(struct xdp_md *ctx, const struct cold_packet *p,
				      __u64 neighbour, __u64 own)
{
	struct ethhdr *eth;

	if (p->ip_off != TUNNEL_ETH && bpf_xdp_adjust_head(ctx, (int)p->ip_off - (int)TUNNEL_ETH))
		return false;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(eth->h_dest, &neighbour, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, &own, sizeof(eth->h_source));
	eth->h_proto = p->family == FAMILY_V4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return true;
}

/* Where XDP cannot send it tc does (nat_skb.h), behind the Ethernet header that it came with. */
static __always_inline int nat_hand_on(struct xdp_md *ctx, __u32 ifindex)
{
	struct nat_meta *m;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*m)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	m = (void *)(long)ctx->data_meta;
	if ((void *)(m + 1) > (void *)(long)ctx->data)
		return XDP_DROP;
	m->magic = NAT_META;
	m->ifindex = ifindex;
	return XDP_PASS;
}

/* Sends what is to leave by this way: a verdict. */
static __always_inline int nat_send(struct xdp_md *ctx, const struct cold_packet *p,
				    const struct hop *h)
{
	const bool by_tc = h->ifindex != ctx->ingress_ifindex &&
			   !bpf_map_lookup_elem(&next_devices, &h->ifindex);
	__u64 to = h->neighbour, from = h->own;

	if (by_tc && !(lb_bytes_read(ctx, 0, &to, 6) && lb_bytes_read(ctx, 6, &from, 6)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	if (unlikely(!nat_frame(ctx, p, to, from)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	return by_tc ? nat_hand_on(ctx, h->ifindex) : hop_leave(ctx, h->ifindex);
}

/* An address, for functions that the verifier looks at by themselves. */
struct nat_addr {
	__u32 words[4];
};
#define NAT_ADDR(addr) ((const struct nat_addr *)(addr))

/* nat_quote_end() of s. */
__noinline int nat_requote(struct xdp_md *ctx, struct lb_scratch *s, enum patch_end end,
			   const struct nat_addr *addr, __be16 port)
{
	return s && addr ? nat_quote_end(ctx, &s->quote, end, addr->words, port) : 0;
}

/* The message around it, whose sum changes by this much, and the packet that carries it. */
__noinline bool nat_readdress(struct xdp_md *ctx, struct lb_scratch *s, __u32 delta,
			      const struct nat_addr *saddr, const struct nat_addr *daddr)
{
	const struct cold_packet *p;
	__u16 source, destination;
	struct quote_message m;

	if (!s || !saddr || !daddr || !icmp_read(ctx, &s->packet, &m))
		return false;
	p = &s->packet;
	source = lb_l3_delta(p->saddr, saddr->words);
	destination = lb_l3_delta(p->daddr, daddr->words);
	quote_resum(ctx, p->l4_off, m.check, (__u16)delta,
		    p->family == FAMILY_V6 ? nat_sum_of(source, destination) : 0);
	patch_address(ctx, p->ip_off, p->family, PATCH_SOURCE, saddr->words, source);
	patch_address(ctx, p->ip_off, p->family, PATCH_DESTINATION, daddr->words, destination);
	return true;
}
