/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors on their way to a client: a backend, or this node before it, refuses a packet that
 * xdp_lb gave that backend's address, and quotes it so. The client sent it to the VIP and would not
 * know it again; so the quote gets the VIP and its port back, and where the backend itself
 * complains the VIP is the source too. A router's or the node's own address remains: it says who
 * complained.
 *
 * Errors are not a connection's traffic: they keep no entry alive and change none.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "flow.h"
#include "quote.h"
#include "service.h"

/* Ethernet, one VLAN tag, two of the longest IPv4 headers, ICMP's, and TCP's up to the checksum. */
#define REPLY_ERROR_MAX (14 + 4 + 60 + 8 + 60 + 18)

struct reply_error {
	struct quote quote;
	__be32 saddr;
	__u16 icmp_check;
	__u16 l3_off;
	__u16 icmp_off;
	__u16 quote_off;
};

static __always_inline bool reply_error_parse(struct __sk_buff *skb, __u32 l3_off,
					      struct reply_error *e)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + l3_off;
	struct icmphdr *icmp;
	__u32 ihl, bytes;

	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_ICMP ||
	    ip->frag_off & bpf_htons(IP_FRAGMENT))
		return false;
	ihl = (*(__u8 *)ip & 0x0f) << 2;
	bytes = bpf_ntohs(ip->tot_len);
	icmp = (void *)ip + ihl;
	if ((void *)(icmp + 1) > end || !quote_type(icmp->type) || bytes < ihl + sizeof(*icmp))
		return false;
	e->saddr = ip->saddr;
	e->icmp_check = icmp->checksum;
	e->l3_off = l3_off;
	e->icmp_off = l3_off + ihl;
	e->quote_off = e->icmp_off + sizeof(*icmp);
	return quote_parse(&e->quote, icmp + 1, end, bytes - ihl - sizeof(*icmp)) &&
	       e->quote.saddr == ip->daddr;
}

static __always_inline void store16(struct __sk_buff *skb, __u32 off, __u16 value)
{
	bpf_skb_store_bytes(skb, off, &value, sizeof(value), 0);
}

static __always_inline void reply_error_rewrite(struct __sk_buff *skb, const struct reply_error *e,
						__be32 vip, __be16 port)
{
	const struct quote *q = &e->quote;
	__u32 from[4], to[4], l4_off = e->quote_off + q->ihl;
	struct quote_sums sums;
	__u16 l3_delta;

	addr_from_v4(from, q->daddr);
	addr_from_v4(to, vip);
	l3_delta = lb_l3_delta(from, to);
	sums = quote_change(q, l3_delta, lb_l4_delta(l3_delta, q->dport, port));
	store16(skb, e->quote_off + __builtin_offsetof(struct iphdr, check), sums.ip_check);
	bpf_skb_store_bytes(skb, e->quote_off + __builtin_offsetof(struct iphdr, daddr), &vip,
			    sizeof(vip), 0);
	store16(skb, l4_off + __builtin_offsetof(struct udphdr, dest), port);
	if (q->check_at)
		store16(skb, l4_off + q->check_at, sums.l4_check);
	store16(skb, e->icmp_off + __builtin_offsetof(struct icmphdr, checksum),
		csum_add(e->icmp_check, sums.message_delta));
	if (e->saddr != q->daddr)
		return;
	bpf_l3_csum_replace(skb, e->l3_off + __builtin_offsetof(struct iphdr, check), e->saddr, vip,
			    sizeof(vip));
	bpf_skb_store_bytes(skb, e->l3_off + __builtin_offsetof(struct iphdr, saddr), &vip,
			    sizeof(vip), 0);
}

/* Restores what an ICMP error at l3_off quotes, if it is one and quotes a flow of ours. */
__noinline int reply_error(struct __sk_buff *skb, __u32 l3_off)
{
	__u32 want = skb->len < REPLY_ERROR_MAX ? skb->len : REPLY_ERROR_MAX;
	struct reply_error e = {};
	const struct lb_service *vip;
	__u32 backend[4], client[4];
	__u64 rest;

	if (l3_off > sizeof(struct ethhdr) + sizeof(struct vlan_hdr))
		return TCX_NEXT;
	if (skb->data_end - skb->data < want && bpf_skb_pull_data(skb, want))
		return TCX_NEXT;
	if (!reply_error_parse(skb, l3_off, &e))
		return TCX_NEXT;
	addr_from_v4(backend, e.quote.daddr);
	addr_from_v4(client, e.quote.saddr);
	if (!lb_flow_find(flow_table(),
			  flow_hash(backend, e.quote.dport, client, e.quote.sport, e.quote.proto),
			  &rest))
		return TCX_NEXT;
	vip = service_at(lb_rest_slot(rest));
	if (vip)
		reply_error_rewrite(skb, &e, vip->key.addr[3], vip->key.port);
	return TCX_NEXT;
}
