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
#include "reply_way.h"
#include "service.h"

struct reply_error {
	struct quote quote;
	struct quote_message message;
	__u32 saddr[4];
	__u32 l3_off;
	__u32 l4_off;
};

/* Whom an IPv4 error goes to, and where it ends. Returns 0 if it is one piece of several. */
static __always_inline __u32 reply_error_ip_v4(struct __sk_buff *skb, struct reply_error *e,
					       __u32 daddr[4])
{
	struct iphdr ip;

	if (!lb_bytes_read(skb, e->l3_off, &ip, sizeof(ip)) || ip.frag_off & bpf_htons(IP_FRAGMENT))
		return 0;
	addr_from_v4(e->saddr, ip.saddr);
	addr_from_v4(daddr, ip.daddr);
	return e->l3_off + bpf_ntohs(ip.tot_len);
}

static __always_inline __u32 reply_error_ip_v6(struct __sk_buff *skb, struct reply_error *e,
					       __u32 daddr[4])
{
	struct ipv6hdr ip;

	if (!lb_bytes_read(skb, e->l3_off, &ip, sizeof(ip)))
		return 0;
	addr_copy(e->saddr, ip.saddr.in6_u.u6_addr32);
	addr_copy(daddr, ip.daddr.in6_u.u6_addr32);
	return e->l3_off + sizeof(ip) + bpf_ntohs(ip.payload_len);
}

static __always_inline bool reply_error_parse(struct __sk_buff *skb, __u32 family,
					      struct reply_error *e)
{
	__u32 daddr[4], quote_off = e->l4_off + sizeof(e->message), end;

	end = family == FAMILY_V4 ? reply_error_ip_v4(skb, e, daddr)
				  : reply_error_ip_v6(skb, e, daddr);
	if (quote_off > end || !lb_bytes_read(skb, e->l4_off, &e->message, sizeof(e->message)) ||
	    !quote_type(family, e->message.type))
		return false;
	return quote_parse(skb, family, quote_off, end, &e->quote) &&
	       addr_is(e->quote.saddr, daddr);
}

static __always_inline void reply_error_rewrite(struct __sk_buff *skb, const struct reply_error *e,
						const struct lb_service *vip)
{
	const struct quote *q = &e->quote;
	bool complains = addr_is(e->saddr, q->daddr); /* the backend itself */
	struct quote_change c = {.port = vip->key.port};
	__u16 delta;

	addr_copy(c.addr, vip->key.addr);
	c.l3_delta = lb_l3_delta(q->daddr, c.addr);
	c.l4_delta = lb_l4_delta(c.l3_delta, q->dport, c.port);
	delta = quote_rewrite(skb, q, PATCH_DESTINATION, &c);
	quote_resum(skb, e->l4_off, e->message.check, delta,
		    complains && q->family == FAMILY_V6 ? c.l3_delta : 0);
	if (complains)
		patch_address(skb, e->l3_off, q->family, PATCH_SOURCE, c.addr, c.l3_delta);
}

/* Restores what an ICMP error at l4_off quotes, if it is one and quotes a flow of ours. */
__noinline int reply_error(struct __sk_buff *skb, __u32 family, __u32 l3_off, __u32 l4_off)
{
	struct reply_error e = {.l3_off = l3_off, .l4_off = l4_off};
	const struct lb_service *vip;
	struct answer a = {};
	__u64 rest;

	if (!reply_error_parse(skb, family, &e))
		return TCX_NEXT;
	if (!lb_flow_find(flow_table(),
			  flow_hash(e.quote.daddr, e.quote.dport, e.quote.saddr, e.quote.sport,
				    e.quote.proto),
			  &rest))
		return TCX_NEXT;
	vip = service_at(lb_rest_slot(rest));
	if (!vip)
		return TCX_NEXT;
	reply_error_rewrite(skb, &e, vip);
	if (!reply_strays(skb, vip))
		return TCX_NEXT;
	a.family = family;
	addr_copy(a.client, e.quote.saddr);
	return reply_way(skb, &a, vip->key.domain);
}
