/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backends on other nodes: a program of its own, that xdp_lb goes on with for a packet whose
 * backend is not here, and for one of a Service that has such backends where it is not at once
 * known which. Also xdp_inner does, with a packet that another node is to be asked about.
 */
#pragma once

#include "beside.h"
#include "capture_xdp.h"
#include "refuse.h"
#include "tagged.h"
#include "tunnel_choose.h"
#include "tunnel_named.h"
#include "tunnel_send.h"
#include "vip_fragment.h"

/* All candidates of the row, for who asks; those that are not there have port 0. */
__noinline bool tunnel_name_all(struct lb_scratch *s)
{
	if (!s)
		return false;
	for (__u32 i = 0; i < LB_TUNNEL_CANDIDATES; i++) {
		struct lb_tunnel_candidate *c = &s->tunnel.candidates[i];
		__u32 backend = row_candidate(s->flow.row, i);
		struct lb_backend *be = NULL;

		__builtin_memset(c, 0, sizeof(*c));
		if (backend != LB_ROW_NONE)
			be = backend_slot(backend_index(s->flow.live, backend));
		if (be)
			tunnel_name(c, be);
	}
	return true;
}

/* No verdict: xdp_dsr is to send it, or xdp_nat. */
#define TUNNEL_TO_SERVER (-LB_N_DROPS)
#define TUNNEL_TO_NAT    (-LB_N_DROPS - 1)

static __always_inline int tunnel_leave(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct lb_backend *be = backend_slot(s->backend);
	__u64 state = be ? READ_ONCE(be->state) : 0;
	bool is_back = s->what == TUNNEL_BACK;

	if (!is_back && (!backend_is(state, LB_BE_IN_USE) || backend_is(state, LB_BE_LOCAL)))
		return vip_drop(scratch_is_test(s), LB_DROP_NO_BACKEND);
	if (scratch_is_test(s)) /* no other node is to be troubled; the echo says how it is there */
		return XDP_DROP;
	if (s->what < TUNNEL_SEND) {
		s->tunnel.hops = 0;
		if (s->tunnel.flags & LB_TUNNEL_ASK)
			(void)tunnel_name_all(s);
		else
			tunnel_name(&s->tunnel.candidates[0], be);
		stats_delivered(s->backend, s->packet.end - s->packet.ip_off);
	}
	if (is_back)
		return tunnel_send(ctx, s, s->from);
	if (unlikely(node_way(state)))
		return node_way(state) == LB_WAY_NAT ? TUNNEL_TO_NAT : TUNNEL_TO_SERVER;
	return tunnel_send(ctx, s, node_of(state));
}

/* Gives it to a backend here; else LB_DROP_NONE is not what is returned. */
static __always_inline int tunnel_deliver(struct xdp_md *ctx, struct lb_scratch *s, __u32 backend)
{
	int odd;

	if (s->what == TUNNEL_ERROR) {
		odd = icmp_error_forward(ctx, s, s->backend);
		return odd == XDP_DROP ? vip_drop(scratch_is_test(s), LB_DROP_ICMP) : odd;
	}
	odd = cold_deliver(ctx, s, backend);
	return odd ? vip_drop(scratch_is_test(s), odd) : XDP_PASS;
}

static __always_inline int tunnel_find(struct xdp_md *ctx, struct lb_scratch *s)
{
	if (s->what == TUNNEL_ERROR)
		return choose_for_error(s);
	return scratch_is_test(s) ? (int)row_candidate(s->flow.row, 0) : choose_backend(ctx, s);
}

/* What xdp_lb has seen before of a packet that it has not turned cold. */
static __always_inline bool tunnel_read(struct xdp_md *ctx, struct lb_scratch *s)
{
	int odd = tagged_look(ctx, s, service_domain(ctx->ingress_ifindex));

	if (odd == LB_DROP_FRAGMENT) /* the first, which has the ports */
		odd = vip_fragment_look_v4(ctx, &s->packet) ? LB_DROP_NONE : LB_DROP_MALFORMED;
	return !odd;
}

static __always_inline int tunnel_serve(struct xdp_md *ctx, struct lb_scratch *s)
{
	int backend;

	if (s->what < TUNNEL_SEND) {
		s->tunnel.flags = 0;
		s->tunnel.at = 0;
	}
	if (s->what <= TUNNEL_KNOWN && !tunnel_read(ctx, s))
		return vip_drop(false, LB_DROP_MALFORMED);
	if (s->what >= TUNNEL_BACKEND || s->what == TUNNEL_KNOWN)
		return tunnel_leave(ctx, s);
	if (s->what == TUNNEL_PACKET && target_find(&s->flow) == LB_DROP_UNKNOWN_PORT)
		return vip_drop(false, LB_DROP_MALFORMED);
	backend = tunnel_find(ctx, s);
	if (backend < 0)
		return refuse_cold(ctx, s, s->flow.live, -backend);
	s->backend = backend_index(s->flow.live, backend);
	if (s->packet.fragment)
		vip_fragment_enter(s, s->backend);
	if (choose_is_local(&s->flow, backend))
		return tunnel_deliver(ctx, s, backend);
	return tunnel_leave(ctx, s);
}

SEC("xdp.frags")
int xdp_tunnel(struct xdp_md *ctx)
{
	struct lb_scratch *s = scratch_get();
	int verdict = s ? tunnel_serve(ctx, s) : XDP_DROP;

	if (verdict == TUNNEL_TO_SERVER)
		bpf_tail_call_static(ctx, &beside, BESIDE_DSR);
	if (verdict == TUNNEL_TO_NAT)
		bpf_tail_call_static(ctx, &beside, BESIDE_NAT);
	return capture_end(ctx, verdict < 0 ? XDP_DROP : verdict);
}
