/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is nearly always so of a packet for another node, without a call and without the scratch
 * value: whole TCP or UDP without tags, a way that the agent has told, and room in it. Where xdp_lb
 * knows the backend it does it itself. Else this is a program of its own, which looks for the
 * flow's entry or makes one. Whatever is not so is xdp_tunnel's, which would have done the same.
 */
#pragma once

#include "backend.h"
#include "beside.h"
#include "capture_xdp.h"
#include "common.h"
#include "dsr.h"
#include "node.h"
#include "stats.h"
#include "tunnel_at_once_whose.h"
#include "tunnel_named.h"
#include "tunnel_send.h"
#include "turn.h"

/* --- sending ---------------------------------------------------------------------------------- */

/* All that is written before a packet. */
struct tunnel_ready {
	struct tunnel_outer o;
	struct lb_tunnel_data d;
	bool outer_v4;
};

/*
 * The way to where a backend of this state word is, and what of the outer header follows from the
 * packet's length; the node's own state word, or 0: not at once. `any`: by any uplink's way, else
 * by the first one's.
 */
static __always_inline __u64 tunnel_at_once_hop(const struct xdp_md *ctx, const struct packet *p,
						__u64 state, bool any, struct tunnel_outer *o)
{
	const __u32 uplink = ctx->ingress_ifindex;
	struct lb_node *node;

	if (unlikely(p->ip_off != TUNNEL_ETH || parse_is_first(p) || parse_is_test(p)))
		return 0;
	node = node_at(node_of(state));
	state = node ? READ_ONCE(node->state) : 0;
	if (!node || !(state & LB_NODE_IN_USE))
		return 0;
	if (any ? !hop_is_told(&o->hop, node, uplink)
		: !hop_is_first(node, uplink) || !hop_read(&o->hop, &node->hops[0]))
		return 0;
	addr_copy(o->hop.target, node->addr);
	o->inner = parse_bytes(p);
	return state;
}

/* The rest of it, which follows from the packet itself. */
static __always_inline void tunnel_at_once_look(const struct packet *p, struct tunnel_outer *o)
{
	const __u8 *head = p->ip;
	__u32 saddr[4];
	__u64 hash;

	parse_saddr(p, saddr);
	hash = lb_wire_flow_hash(saddr, p->sport, p->dport, p->proto);
	o->sport = bpf_htons(lb_gue_source_port(hash));
	o->label = hash >> 44;
	o->tos = p->family == FAMILY_V4 ? head[1] : (__u8)(head[0] << 4 | head[1] >> 4);
}

/*
 * A packet may go at once to this backend, whose state word says that it is elsewhere. `any` as
 * above, and over either family, else over the packet's own.
 */
static __always_inline bool tunnel_at_once_may(const struct xdp_md *ctx, const struct packet *p,
					       const struct lb_backend *be, __u64 state, bool any,
					       struct tunnel_ready *r)
{
	const bool inner_v4 = p->family == FAMILY_V4;
	bool outer_v4;

	state = node_way(state) ? 0 : tunnel_at_once_hop(ctx, p, state, any, &r->o);
	if (!state)
		return false;
	outer_v4 = addr_is_v4(r->o.hop.target);
	r->outer_v4 = any ? outer_v4 : inner_v4;
	r->d.version = hop_version(state);
	tunnel_name(&r->d.candidates[0], be);
	return r->outer_v4 == outer_v4 &&
	       r->o.inner + lb_tunnel_overhead(r->outer_v4, inner_v4, 0) <= r->o.hop.mtu;
}

/* Sends it, counted as that of the backend with this index: a verdict. */
static __always_inline int tunnel_at_once_send(struct xdp_md *ctx, const struct packet *p,
					       __u32 index, struct tunnel_ready *r)
{
	const bool inner_v4 = p->family == FAMILY_V4;
	bool sent;

	tunnel_at_once_look(p, &r->o);
	stats_delivered(index, r->o.inner);
	sent = r->outer_v4 ? tunnel_write(ctx, TUNNEL_ETH, &r->d, &r->o, true, inner_v4, 0)
			   : tunnel_write(ctx, TUNNEL_ETH, &r->d, &r->o, false, inner_v4, 0);
	if (unlikely(!sent))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	return hop_leave(ctx, r->o.hop.ifindex);
}

/* The same to a real server, where the program is one of its own. */
static __always_inline bool server_at_once_may(const struct xdp_md *ctx, const struct packet *p,
					       __u64 state, struct tunnel_outer *o)
{
	const __u32 way = node_way(state);

	if (!way || way == LB_WAY_NAT || !tunnel_at_once_hop(ctx, p, state, true, o) ||
	    (way == LB_WAY_L2 && !o->hop.is_on_link))
		return false;
	return o->inner + dsr_over(way, addr_is_v4(o->hop.target)) <= o->hop.mtu &&
	       dsr_count_hop(p->ip, p->family == FAMILY_V4);
}

static __always_inline int server_at_once_send(struct xdp_md *ctx, const struct packet *p,
					       __u32 index, __u32 way, struct tunnel_outer *o)
{
	tunnel_at_once_look(p, o);
	stats_delivered(index, o->inner);
	if (unlikely(!dsr_push(ctx, TUNNEL_ETH, p->family == FAMILY_V4, o, way,
			       addr_is_v4(o->hop.target))))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	return hop_leave(ctx, o->hop.ifindex);
}

/* --- the program ------------------------------------------------------------------------------ */

#define TUNNEL_NOT_AT_ONCE (-1) /* no verdict: xdp_tunnel is to do what s->what says then */

static __always_inline int tunnel_at_once_serve(struct xdp_md *ctx, struct lb_scratch *s,
						struct packet *p, enum family family)
{
	struct tunnel_ready r = {};
	struct lb_backend *be;
	__u64 state;

	if (!parse_ip(p, family) || parse_l4(ctx, p) || parse_is_first(p))
		return TUNNEL_NOT_AT_ONCE;
	if (s->what == TUNNEL_PACKET && !tunnel_at_once_choose(ctx, s, p))
		return TUNNEL_NOT_AT_ONCE;
	be = backend_slot(s->backend);
	state = be ? READ_ONCE(be->state) : 0;
	if (backend_is(state, LB_BE_IN_USE) && !backend_is(state, LB_BE_LOCAL)) {
		if (tunnel_at_once_may(ctx, p, be, state, true, &r))
			return tunnel_at_once_send(ctx, p, s->backend, &r);
		if (server_at_once_may(ctx, p, state, &r.o))
			return server_at_once_send(ctx, p, s->backend, node_way(state), &r.o);
	}
	turn_fill(s, p);
	s->flow.sport = p->sport;
	s->flow.dport = p->dport;
	s->what = TUNNEL_BACKEND;
	return TUNNEL_NOT_AT_ONCE;
}

SEC("xdp.frags")
int xdp_at_once(struct xdp_md *ctx)
{
	struct lb_scratch *s = scratch_get();
	int verdict = TUNNEL_NOT_AT_ONCE;
	struct packet p = {};
	__be16 proto = parse_ethernet(ctx, &p);

	if (!s)
		return XDP_DROP;
	p.ip_off = TUNNEL_ETH;
	if (proto == bpf_htons(ETH_P_IP))
		verdict = tunnel_at_once_serve(ctx, s, &p, FAMILY_V4);
	else if (proto == bpf_htons(ETH_P_IPV6))
		verdict = tunnel_at_once_serve(ctx, s, &p, FAMILY_V6);
	if (verdict == TUNNEL_NOT_AT_ONCE)
		bpf_tail_call_static(ctx, &beside, BESIDE_TUNNEL);
	return capture_end(ctx, verdict == TUNNEL_NOT_AT_ONCE ? XDP_DROP : verdict);
}
