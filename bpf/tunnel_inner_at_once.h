/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is nearly always so of a packet from another node, without a call: whole TCP or UDP of a
 * service that asks for nothing, whose named backend is its row's first and here, and whose entry,
 * if it needs one, is at once found or made (at_once.h). It is read where it lies, behind its outer
 * headers, and made the backend's there. Whatever is not so is left as it is for tunnel_inner.h,
 * which would have done the same with it.
 */
#pragma once

#include "at_once_enter.h"
#include "backend.h"
#include "deny.h"
#include "kernel_flow.h"
#include "let_in.h"
#include "rewrite.h"
#include "select.h"
#include "stats.h"
#include "tunnel_named.h"
#include "turn.h"

/* TCP or UDP that is whole, and to no mapped address. Whether it is ours its service says. */
static __always_inline bool inner_at_once_read(struct xdp_md *ctx, struct packet *p,
					       enum family family)
{
	__u32 daddr[4];

	if (!parse_ip(p, family) || parse_l4(ctx, p))
		return false;
	parse_daddr(p, daddr);
	if (family == FAMILY_V6 && addr_is_v4(daddr))
		return false;
	return !parse_is_first(p) && !parse_is_test(p);
}

/* Its service and row, if that asks for nothing. */
static __always_inline bool inner_at_once_find(const struct xdp_md *ctx, const struct packet *p,
					       struct target *t)
{
	struct lb_service_key key = {.port = p->dport, .proto = p->proto};
	__u32 saddr[4], ifindex = ctx->ingress_ifindex;

	t->uplink = service_uplink(lb_uplink_hash(ifindex));
	if (deny_asks(t->uplink) && deny_may(p))
		return false;
	parse_daddr(p, key.addr);
	key.domain = service_domain_by(t->uplink, ifindex);
	if (!target_service(&key, t) || let_in_asks(t->live) || kernel_flow_asks(t->live))
		return false;
	parse_saddr(p, saddr);
	return target_row(saddr, p->sport, p->dport, t);
}

/* It has its entry now, or needs none. */
static __always_inline bool inner_at_once_record(struct lb_scratch *s, const struct packet *p,
						 const struct target *t, struct at_once *x)
{
	bool is_tcp = p->proto == IPPROTO_TCP, has;
	bool is_syn = is_tcp && select_is_syn(p->tcp_flags);

	if (is_tcp && p->tcp_flags & TCP_RST)
		return false;
	if (is_tcp && !is_syn && !(t->row & LB_ROW_UNSETTLED) && likely(!s->tunnel.hops))
		return true;
	if (is_syn && at_once_rests(s))
		return false;
	x->hash = at_once_hash(p, x->be);
	has = at_once_enter(p, t, x, true) != OWNER_NOBODY;
	if (is_syn)
		at_once_learn(s, has);
	return has;
}

/* True: the packet, of this family, is the backend's, but for its outer headers. */
static __always_inline bool inner_at_once(struct xdp_md *ctx, struct lb_scratch *s,
					  struct packet *p, enum family family)
{
	struct target t = {};
	struct at_once x;
	__u32 index;

	if (unlikely(s->tunnel.flags) || !inner_at_once_read(ctx, p, family) ||
	    !inner_at_once_find(ctx, p, &t))
		return false;
	x.backend = row_candidate(t.row, 0);
	index = backend_index(t.live, x.backend);
	x.be = backend_slot(index);
	if (!x.be || !backend_is(READ_ONCE(x.be->state), LB_BE_IN_USE | LB_BE_LOCAL) ||
	    !inner_names(&s->tunnel.candidates[0], x.be))
		return false;
	if (!inner_at_once_record(s, p, &t, &x))
		return false;
	p->end = (void *)(long)ctx->data_end; /* as in xdp_lb */
	rewrite_to_backend(p, x.be);
	stats_delivered(index, parse_bytes(p));
	return true;
}
