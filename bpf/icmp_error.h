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

#include "backend.h"
#include "common.h"
#include "icmp.h"
#include "kernel_flow.h"
#include "quote.h"
#include "select.h"
#include "stats.h"
#include "target.h"

/* What a quote says of its flow, turned round: the way the client sends. */
static __always_inline void icmp_error_flow(struct flow *f, const struct quote *q)
{
	addr_copy(f->saddr, q->daddr);
	addr_copy(f->daddr, q->saddr);
	f->sport = q->dport;
	f->dport = q->sport;
	f->proto = q->proto;
	f->tcp_flags = 0;
}

/* Fills in quote and flow of an error. False: none, or it quotes no TCP or UDP that the VIP sent.
 */
__noinline bool icmp_error_parse(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct quote_message m;

	if (!s || !icmp_read(ctx, &s->packet, &m) || !quote_type(s->packet.family, m.type))
		return false;
	if (!quote_parse(ctx, s->packet.family, s->packet.l4_off + sizeof(m), s->packet.end,
			 &s->quote) ||
	    !addr_is(s->quote.saddr, s->packet.daddr))
		return false;
	icmp_error_flow(&s->flow, &s->quote);
	return true;
}

/*
 * Index of the backend slot that an error is for, whose flow is known. Negative: none, and what to
 * do with it.
 */
__noinline int icmp_error_owner(struct flow *f, bool unknown_pass)
{
	int odd = target_find(f);

	if (!f)
		return -XDP_DROP;
	if (odd == LB_DROP_UNKNOWN_PORT)
		return unknown_pass ? -XDP_PASS : -XDP_DROP;
	if (kernel_flow_takes(f))
		return -XDP_PASS;
	return odd ? -XDP_DROP : (int)backend_index(f->live, select_owner(f));
}

/* Gives an ICMP error to the backend slot that it is for: XDP_PASS, else XDP_DROP, uncounted. */
__noinline int icmp_error_forward(struct xdp_md *ctx, struct lb_scratch *s, __u32 index)
{
	struct lb_backend *be = backend_slot(index);
	struct quote_message m;
	struct quote_change c = {};
	__u16 delta;

	if (!s || !be || !backend_is(READ_ONCE(be->state), LB_BE_IN_USE))
		return XDP_DROP;
	if (!icmp_read(ctx, &s->packet, &m))
		return XDP_DROP;
	addr_copy(c.addr, be->addr);
	c.port = be->port;
	c.l3_delta = be->l3_delta;
	c.l4_delta = be->l4_delta;
	delta = quote_rewrite(ctx, &s->quote, PATCH_SOURCE, &c);
	quote_resum(ctx, s->packet.l4_off, m.check, delta,
		    s->packet.family == FAMILY_V6 ? c.l3_delta : 0);
	patch_address(ctx, s->packet.ip_off, s->packet.family, PATCH_DESTINATION, c.addr,
		      c.l3_delta);
	if (!scratch_is_test(s))
		stats_delivered(index, s->packet.end - s->packet.ip_off);
	return XDP_PASS;
}
