/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows whose source is translated (nat.h), where the way to their backend leads by a device
 * without XDP: a program of tc at ingress. At the uplink it sends on what xdp_nat has made of a
 * client's packet and said in its metadata; the kernel itself would take an address of its own that
 * comes in for a lie. At the other device it takes what backends answer, and errors about what they
 * were sent, and sends it to the client as the VIP's. All else goes by untouched.
 *
 * What is too large for the way to the client is dropped and counted, and so is who has been
 * forwarded too often: neither is told, as this is between the node and its own backends.
 */
#pragma once

#include "answer.h"
#include "common.h"
#include "nat_line.h"
#include "nat_meta.h"
#include "nat_quote.h"
#include "reply_error.h"
#include "stats.h"

/* --- there ------------------------------------------------------------------------------------ */

/* The device that the frame's metadata name; 0: it has none. */
static __always_inline __u32 nat_skb_told(const struct __sk_buff *skb)
{
	const struct nat_meta *m = (void *)(long)skb->data_meta;

	if ((void *)(m + 1) > (void *)(long)skb->data || m->magic != NAT_META)
		return 0;
	return m->ifindex;
}

/* A tag that the driver has taken off is not the other device's. */
static __always_inline int nat_skb_there(struct __sk_buff *skb, __u32 ifindex)
{
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return TCX_DROP;
	return (int)bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/* --- the way back ------------------------------------------------------------------------------
 */

/* Octets of a packet as it goes over a wire: of one that was put together, each of them. */
static __always_inline __u32 nat_skb_len(const struct __sk_buff *skb, const struct answer *a)
{
	const __u32 tcp = 20;

	return skb->gso_size ? a->l4_off - a->l3_off + tcp + skb->gso_size : skb->len - a->l3_off;
}

/* The device of the way to the client, by the routes of the world that it came from; negative: it
 * is to be dropped. 0: the kernel is to see to it. */
static __always_inline int nat_skb_way(struct __sk_buff *skb, const struct answer *a,
				       const struct lb_nat *n)
{
	struct bpf_fib_lookup way = {};
	long found;

	nat_ask_way(&way, n, a->family, a->proto, nat_skb_len(skb, a));
	found = bpf_fib_lookup(skb, &way, sizeof(way), 0);
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
		stats_drop(LB_DROP_TOO_BIG);
		return -1;
	}
	return found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH
		       ? (int)way.ifindex
		       : 0;
}

/* False: it was the last hop. */
static __always_inline bool nat_skb_count_hop(struct __sk_buff *skb, const struct answer *a)
{
	const __u32 off = a->l3_off + (a->family == FAMILY_V4
					       ? __builtin_offsetof(struct iphdr, ttl)
					       : __builtin_offsetof(struct ipv6hdr, hop_limit));
	__u8 ttl;

	if (!lb_bytes_read(skb, off, &ttl, sizeof(ttl)) || ttl <= 1) {
		stats_drop(LB_DROP_TTL);
		return false;
	}
	if (a->family == FAMILY_V4)
		bpf_l3_csum_replace(skb, a->l3_off + __builtin_offsetof(struct iphdr, check),
				    bpf_htons(ttl << 8), bpf_htons((ttl - 1) << 8), 2);
	ttl--;
	lb_bytes_write(skb, off, &ttl, sizeof(ttl));
	return true;
}

/* Both ends become those that the client knows. As rewrite() of tc_reply, sums may be unfinished.
 */
static __always_inline void nat_skb_turn(struct __sk_buff *skb, const struct answer *a,
					 const struct lb_nat *n)
{
	const __u16 source = lb_l3_delta(a->backend, n->vip);
	const __u16 destination = lb_l3_delta(a->client, n->client);
	const __u64 flags = a->proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	const __u32 check = a->l4_off + patch_check_at(a->proto);
	const __be16 ports[2] = {n->vip_port, n->client_port};

	bpf_l4_csum_replace(skb, check, 0, nat_sum_of(source, destination),
			    flags | BPF_F_PSEUDO_HDR);
	bpf_l4_csum_replace(skb, check, a->backend_port, ports[0], flags | sizeof(ports[0]));
	bpf_l4_csum_replace(skb, check, a->client_port, ports[1], flags | sizeof(ports[1]));
	lb_bytes_write(skb, a->l4_off, ports, sizeof(ports));
	patch_address(skb, a->l3_off, a->family, PATCH_SOURCE, n->vip, source);
	patch_address(skb, a->l3_off, a->family, PATCH_DESTINATION, n->client, destination);
}

static __always_inline int nat_skb_leave(int ifindex)
{
	return ifindex ? (int)bpf_redirect_neigh(ifindex, NULL, 0, 0) : TCX_NEXT;
}

/* What came to one of our ports, of which all is filled in. */
__noinline int nat_skb_answer(struct __sk_buff *skb, const struct answer *a)
{
	struct nat_answer its = {};
	struct lb_nat n;
	int ifindex;

	if (!a)
		return TCX_NEXT;
	addr_copy(its.backend, a->backend);
	addr_copy(its.own, a->client);
	its.backend_port = a->backend_port;
	its.port = a->client_port;
	its.proto = a->proto;
	its.tcp_flags = a->tcp_flags;
	if (!nat_find_way(&its, &n))
		return TCX_NEXT;
	ifindex = nat_skb_way(skb, a, &n);
	if (ifindex < 0 || (ifindex && !nat_skb_count_hop(skb, a)))
		return TCX_DROP;
	nat_skb_turn(skb, a, &n);
	return nat_skb_leave(ifindex);
}

static __always_inline void nat_skb_turn_error(struct __sk_buff *skb, struct reply_error *e,
					       const struct lb_nat *n)
{
	const __u32 *own = n->own;
	struct quote *q = &e->quote;
	const bool complains = addr_is(e->saddr, q->daddr); /* the backend itself */
	const __u16 source = complains ? lb_l3_delta(e->saddr, n->vip) : 0;
	const __u16 destination = lb_l3_delta(own, n->client);
	const __u16 delta =
		nat_sum_of(nat_quote_end(skb, q, PATCH_SOURCE, n->client, n->client_port),
			   nat_quote_end(skb, q, PATCH_DESTINATION, n->vip, n->vip_port));

	quote_resum(skb, e->l4_off, e->message.check, delta,
		    q->family == FAMILY_V6 ? nat_sum_of(source, destination) : 0);
	if (complains)
		patch_address(skb, e->l3_off, q->family, PATCH_SOURCE, n->vip, source);
	patch_address(skb, e->l3_off, q->family, PATCH_DESTINATION, n->client, destination);
}

/* An ICMP error about what was sent to a backend goes to its client. Who complains is said, unless
 * it is the backend, which is no one that the client knows. */
__noinline int nat_skb_error(struct __sk_buff *skb, const struct answer *a)
{
	struct nat_answer its = {.is_spoken_of = 1};
	struct reply_error e = {};
	struct lb_nat n;
	int ifindex;

	if (!a)
		return TCX_NEXT;
	e.l3_off = a->l3_off;
	e.l4_off = a->l4_off;
	if (!reply_error_parse(skb, a->family, &e))
		return TCX_NEXT;
	addr_copy(its.backend, e.quote.daddr);
	addr_copy(its.own, e.quote.saddr);
	its.backend_port = e.quote.dport;
	its.port = e.quote.sport;
	its.proto = e.quote.proto;
	if (!nat_find_way(&its, &n))
		return TCX_NEXT;
	ifindex = nat_skb_way(skb, a, &n);
	if (ifindex < 0 || (ifindex && !nat_skb_count_hop(skb, a)))
		return TCX_DROP;
	nat_skb_turn_error(skb, &e, &n);
	return nat_skb_leave(ifindex);
}
