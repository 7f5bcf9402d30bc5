/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors to a VIP: a router on the way to the client could not deliver what a backend of ours
 * sent, and quotes it as it left us, from VIP and port. The backend must hear of it, else path MTU
 * discovery fails: it is found like that of a packet of the client's, but nothing is recorded, and
 * gets the error with its own address and port in the quote. With the outer destination alone
 * changed conntrack would call it invalid.
 *
 * An error that quotes nothing of ours is dropped.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "parse.h"
#include "quote.h"
#include "select.h"
#include "stats.h"
#include "target.h"

struct icmp_error {
	struct packet p;
	struct icmphdr *icmp;
	struct quote quote;
};

/* False: no error, or it does not quote TCP or UDP that the destination sent. */
static __always_inline bool icmp_error_parse(struct xdp_md *ctx, struct icmp_error *e)
{
	__u32 before;

	if (!parse_ipv4(ctx, &e->p) || parse_l4(ctx, &e->p) != LB_DROP_ICMP)
		return false;
	e->icmp = e->p.l4;
	before = parse_ihl(&e->p) + sizeof(*e->icmp);
	if ((void *)(e->icmp + 1) > e->p.end || !quote_type(e->icmp->type) || e->p.bytes < before)
		return false;
	return quote_parse(&e->quote, e->icmp + 1, e->p.end, e->p.bytes - before) &&
	       e->quote.saddr == e->p.daddr;
}

/* Everything but the answer was checked by icmp_error_parse(); the verifier wants the bounds again.
 */
static __always_inline bool icmp_error_rewrite(const struct icmp_error *e,
					       const struct lb_backend *be)
{
	struct quote_sums to = quote_change(&e->quote, be->l3_delta, be->l4_delta);
	struct iphdr *inner = (void *)(e->icmp + 1);
	struct tcphdr *tcp = (void *)inner + e->quote.ihl;
	struct udphdr *udp = (void *)tcp;

	if ((void *)(udp + 1) > e->p.end)
		return false;
	if (e->quote.proto == IPPROTO_UDP) {
		udp->check = to.l4_check;
	} else if (e->quote.check_at) {
		if ((void *)&tcp->urg_ptr > e->p.end)
			return false;
		tcp->check = to.l4_check;
	}
	udp->source = be->port;
	inner->saddr = be->addr[3];
	inner->check = to.ip_check;
	e->icmp->checksum = csum_add(e->icmp->checksum, to.message_delta);
	e->p.ip->daddr = be->addr[3];
	e->p.ip->check = csum_add(e->p.ip->check, be->l3_delta);
	return true;
}

/* What a quote says of its flow, turned round: the way the client sends. */
static __always_inline void icmp_error_flow(struct flow *f, const struct quote *q)
{
	addr_from_v4(f->saddr, q->daddr);
	addr_from_v4(f->daddr, q->saddr);
	f->sport = q->dport;
	f->dport = q->sport;
	f->proto = q->proto;
	f->tcp_flags = 0;
}

/*
 * Index of the backend slot that an error is for. Negative: none, and what to do with it. `f`
 * becomes the flow that the error speaks of. Apart from the rewriting because of the stack: 512
 * bytes must do for a whole chain of calls.
 */
__noinline int icmp_error_owner(struct xdp_md *ctx, struct flow *f, bool unknown_pass)
{
	struct lb_service_key key = {};
	struct icmp_error e = {};
	struct target t = {};

	if (!f || !icmp_error_parse(ctx, &e))
		return -XDP_DROP;
	icmp_error_flow(f, &e.quote);
	addr_copy(key.addr, f->daddr);
	key.port = f->dport;
	key.proto = f->proto;
	if (!target_service(ctx, &key, &t))
		return unknown_pass ? -XDP_PASS : -XDP_DROP;
	if (!target_row(f->saddr, f->sport, f->dport, &t))
		return -XDP_DROP;
	target_fill(f, &t);
	return (int)backend_index(t.live, select_owner(f));
}

/* Gives an ICMP error to the backend slot that it is for: XDP_PASS, else XDP_DROP, uncounted. */
__noinline int icmp_error_forward(struct xdp_md *ctx, __u32 index)
{
	struct lb_backend *be = backend_slot(index);
	struct icmp_error e = {};

	if (!be || !backend_is(READ_ONCE(be->state), LB_BE_IN_USE))
		return XDP_DROP;
	if (!icmp_error_parse(ctx, &e) || !icmp_error_rewrite(&e, be))
		return XDP_DROP;
	if (e.p.saddr)
		stats_delivered(index, e.p.bytes);
	return XDP_PASS;
}
