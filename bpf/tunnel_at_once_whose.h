/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a packet is whose row's first candidate is on another node, as tunnel_choose.h would have
 * said, where one line of the flow table says it or has room for an entry (at_once.h).
 */
#pragma once

#include "at_once_enter.h"
#include "backend.h"
#include "common.h"
#include "node.h"
#include "select.h"

/* The entry of a flow whose first candidate is on another node (entry.h); false: it is here. */
static __always_inline bool tunnel_at_once_aim(const struct xdp_md *ctx, const struct packet *p,
					       const struct target *t, struct at_once *x)
{
	__u32 vip[4], client[4], ports = lb_flow_ports(p->dport, p->sport);
	__u32 proto = lb_remote_proto(p->proto, service_domain(ctx->ingress_ifindex));

	x->backend = row_candidate(t->row, 0);
	x->be = backend_slot(backend_index(t->live, x->backend));
	if (x->backend == LB_ROW_NONE || !x->be || backend_is(READ_ONCE(x->be->state), LB_BE_LOCAL))
		return false;
	parse_daddr(p, vip);
	parse_saddr(p, client);
	x->hash = p->family == FAMILY_V4
			  ? lb_flow_hash_v4(flow_secret(), vip[3], client[3], ports, proto)
			  : lb_flow_hash(flow_secret(), vip, client, ports, proto);
	return true;
}

/* Of an unsettled row: what its packet makes of the entry that owner.h would have found. */
static __always_inline bool tunnel_at_once_known(const struct target *t, struct at_once *x)
{
	flow_table_t table = flow_table();
	__u64 now;

	if (flow_table_left(table) || at_once_look(t, table, x) != AT_ONCE_ITS)
		return false;
	now = lb_rest_with_age(x->rest, age_now());
	if (lb_rest_state(now) == LB_FLOW_NEW)
		now = lb_rest_with_state(now, LB_FLOW_ANSWERED);
	if (now != x->rest)
		(void)lb_flow_change(x->entry, x->rest, now);
	return true;
}

/* Of a settled row: a datagram, or a SYN whose flow has no entry. */
static __always_inline bool tunnel_at_once_begins(struct lb_scratch *s, const struct packet *p,
						  const struct target *t, struct at_once *x)
{
	bool is_tcp = p->proto == IPPROTO_TCP, has;

	if (service_flags(t->live) & LB_SVC_AFFINITY || !node_takes(READ_ONCE(x->be->state)))
		return false;
	if (is_tcp && (!select_is_syn(p->tcp_flags) || at_once_rests(s)))
		return false;
	has = at_once_enter(p, t, x, !is_tcp) != OWNER_NOBODY;
	if (is_tcp)
		at_once_learn(s, has);
	return has;
}

/* The backend of a packet of which xdp_lb knows the target; false: it is to be looked for. */
static __always_inline bool tunnel_at_once_choose(const struct xdp_md *ctx, struct lb_scratch *s,
						  const struct packet *p)
{
	struct target t = {.row = s->flow.row,
			   .live = s->flow.live,
			   .slot = s->flow.slot,
			   .row_index = s->flow.row_index};
	struct at_once x;
	bool has;

	if (!tunnel_at_once_aim(ctx, p, &t, &x))
		return false;
	if (!(t.row & LB_ROW_UNSETTLED))
		has = tunnel_at_once_begins(s, p, &t, &x);
	else
		has = !(p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) &&
		      tunnel_at_once_known(&t, &x);
	s->backend = backend_index(t.live, x.backend);
	return has;
}
