/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets from other nodes: a program of its own, that xdp_lb goes on with for what comes to this
 * node's end of the tunnels. A packet is opened (tunnel_open.h) and then looked at as if it had
 * come by itself: VIP, denied sources, source ranges, limits. It goes to the backend that is named,
 * if that is one of the VIP's and here, so whoever forges it gets no further than by sending what
 * is inside. From there on all is as for what begins here: the backend's answers leave directly.
 */
#pragma once

#include "beside.h"
#include "capture_xdp.h"
#include "deny.h"
#include "icmp_error.h"
#include "kernel_flow.h"
#include "tagged.h"
#include "tunnel.h"
#include "tunnel_echo.h"
#include "tunnel_inner_at_once.h"
#include "tunnel_open.h"
#include "tunnel_open_at_once.h"
#include "tunnel_owner.h"

/* --- the packet inside ------------------------------------------------------------------------ */

/* What it is; LB_DROP_NONE: its flow is filled in, and LB_DROP_ICMP: an error's. Else why not. */
static __always_inline enum lb_drop inner_look(struct xdp_md *ctx, struct lb_scratch *s)
{
	int odd = tagged_look(ctx, s, service_domain(ctx->ingress_ifindex));

	if (odd == TAGGED_NOT_OURS || scratch_is_test(s))
		return LB_DROP_TUNNEL_TARGET;
	if (deny_asks(service_uplink(0)) && deny_is(s->packet.saddr))
		return LB_DROP_DENIED;
	if (vip_looks_closer(s, odd))
		odd = cold_look(ctx, s);
	if (odd == LB_DROP_ICMP && !icmp_error_parse(ctx, s))
		return LB_DROP_TUNNEL_TARGET;
	return odd;
}

/* Its service lets it in. */
static __always_inline enum lb_drop inner_let_in(struct lb_scratch *s)
{
	if (target_find(&s->flow) == LB_DROP_UNKNOWN_PORT)
		return LB_DROP_TUNNEL_TARGET;
	return s->what == TUNNEL_ERROR ? LB_DROP_NONE : cold_let_in(&s->flow);
}

static __always_inline int inner_follow(struct xdp_md *ctx, struct lb_scratch *s)
{
	int odd = vip_fragment_follow(ctx, s);

	return odd ? vip_drop(false, odd < 0 ? LB_DROP_TUNNEL_TARGET : odd) : XDP_PASS;
}

/* A verdict; INNER_ON. */
static __always_inline int inner_serve(struct xdp_md *ctx, struct lb_scratch *s)
{
	enum lb_drop odd = inner_look(ctx, s);
	int backend;

	if (odd == LB_DROP_FRAGMENT && s->packet.fragment == FRAGMENT_LATER)
		return inner_follow(ctx, s);
	if (odd && odd != LB_DROP_ICMP)
		return vip_drop(false, odd);
	s->what = odd ? TUNNEL_ERROR : TUNNEL_SEND;
	odd = inner_let_in(s);
	if (odd)
		return vip_drop(false, odd);
	if (unlikely(kernel_flow_asks(s->flow.live)) && kernel_flow_takes(&s->flow))
		return XDP_PASS;
	backend = inner_owner(ctx, s);
	if (backend == INNER_ON || backend == INNER_BACK) {
		s->what = backend == INNER_ON ? TUNNEL_SEND : TUNNEL_BACK;
		return INNER_ON;
	}
	if (backend < 0)
		return vip_drop(false, -backend);
	s->backend = backend_index(s->flow.live, backend);
	if (s->packet.fragment)
		vip_fragment_enter(s, s->backend);
	return tunnel_deliver(ctx, s, backend);
}

/* Of this form, and the backend's but for its outer headers, which `o` says then. */
static __always_inline bool inner_is_done_as(struct xdp_md *ctx, struct lb_scratch *s,
					     struct open *o, bool outer_v4, bool inner_v4)
{
	struct packet p = {};

	o->outer = lb_tunnel_overhead(outer_v4, inner_v4, 0);
	o->inner_v4 = inner_v4;
	return open_at_once(ctx, s, &p, outer_v4, inner_v4) &&
	       inner_at_once(ctx, s, &p, inner_v4 ? FAMILY_V4 : FAMILY_V6);
}

static __always_inline bool inner_is_done(struct xdp_md *ctx, struct lb_scratch *s, struct open *o)
{
	struct packet outer = {};
	__be16 proto = parse_ethernet(ctx, &outer);

	o->ip_off = sizeof(struct ethhdr);
	if (proto == bpf_htons(ETH_P_IP))
		return inner_is_done_as(ctx, s, o, true, true) ||
		       inner_is_done_as(ctx, s, o, true, false);
	return proto == bpf_htons(ETH_P_IPV6) && (inner_is_done_as(ctx, s, o, false, false) ||
						  inner_is_done_as(ctx, s, o, false, true));
}

SEC("xdp.frags")
int xdp_inner(struct xdp_md *ctx)
{
	struct lb_scratch *s = scratch_get();
	struct open o = {};
	enum lb_drop odd = LB_DROP_NONE;
	int verdict;
	bool is_done;

	if (!s)
		return XDP_DROP;
	is_done = inner_is_done(ctx, s, &o);
	if (unlikely(!is_done))
		odd = open_packet(ctx, s, &o);
	if (odd)
		return capture_end(ctx, vip_drop(false, odd));
	if (unlikely(o.is_control)) {
		verdict = echo_answer(ctx, s);
		return verdict == XDP_DROP ? vip_drop(false, LB_DROP_TUNNEL_VERSION) : verdict;
	}
	if (!open_pull(ctx, &o))
		return capture_end(ctx, vip_drop(false, LB_DROP_MALFORMED));
	if (likely(is_done))
		return capture_end(ctx, XDP_PASS);
	bpf_tail_call_static(ctx, &beside, BESIDE_OPENED);
	return capture_end(ctx, XDP_DROP);
}

/* The same packet, opened, where it is not as nearly always. A program of its own, since all calls
 * below one have 512 octets of stack together. */
SEC("xdp.frags")
int xdp_opened(struct xdp_md *ctx)
{
	struct lb_scratch *s = scratch_get();
	int verdict = s ? inner_serve(ctx, s) : XDP_DROP;

	if (verdict == INNER_ON)
		bpf_tail_call_static(ctx, &beside, BESIDE_TUNNEL);
	return capture_end(ctx, verdict == INNER_ON ? XDP_DROP : verdict);
}
