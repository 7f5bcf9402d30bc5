// SPDX-License-Identifier: GPL-2.0-only
/*
 * The balancer: takes packets for our VIPs from the wire, gives each flow a backend, rewrites the
 * destination and passes the packet on to the kernel, whose routes deliver it. Everything else goes
 * by untouched. Replies are tc_reply's.
 *
 * This file is the table of contents; each step is a header of its own. The common case, TCP of a
 * settled row, runs straight through: service slot, row, backend slot, all of them array reads that
 * the verifier inlines, no helper call and no call at all. Whatever is rarer is a subprogram
 * (select.h, vip.h), so that one program object is the whole of it and its replacement is atomic.
 *
 * A packet from 0.0.0.0 or :: is the agent's self-test: it takes the whole path and leaves no
 * trace, no counter, no entry. No such packet is routed.
 */
#include "vmlinux.h"

#include "backend.h"
#include "beside.h"
#include "bfd.h"
#include "capture_xdp.h"
#include "cold.h"
#include "common.h"
#include "deny.h"
#include "dsr.h"
#include "kernel_flow.h"
#include "let_in.h"
#include "maps.h"
#include "nat.h"
#include "parse.h"
#include "refuse.h"
#include "rewrite.h"
#include "row.h"
#include "scratch.h"
#include "select.h"
#include "service.h"
#include "stats.h"
#include "sums.h"
#include "tagged.h"
#include "target.h"
#include "tunnel.h"
#include "tunnel_at_once.h"
#include "tunnel_inner.h"
#include "turn.h"
#include "vip.h"
#include "vip_fragment.h"

char LICENSE[] SEC("license") = "GPL";

/* --- turning cold ----------------------------------------------------------------------------- */

/* No verdict, but what unserved() is to look into; it stands in the program once. */
#define TURNED_COLD(reason) (-1 - (int)(reason))
#define TURNED_TO_BFD       TURNED_COLD(LB_N_DROPS)     /* bfd.h is to look into it, */
#define TURNED_TO_TUNNEL    TURNED_COLD(LB_N_DROPS + 1) /* tunnel.h: its backend may be elsewhere, */
#define TURNED_TO_ONCE      TURNED_COLD(LB_N_DROPS + 2) /* tunnel_at_once.h: the same, at once, */
#define TURNED_TO_INNER     TURNED_COLD(LB_N_DROPS + 3) /* or tunnel_inner.h: it comes from there */
#define TURNED_TO_REJECT    TURNED_COLD(LB_N_DROPS + 4) /* whoever sent it is to be told s->what */
#define TURNED_TO_NAT       TURNED_COLD(LB_N_DROPS + 5) /* nat.h: it may be a backend's to this node */

/* A packet that is the kernel's: so is the rest of it, if it is a fragment. */
static __always_inline int serve_pass(const struct lb_scratch *s)
{
	if (s->packet.fragment)
		vip_fragment_enter(s, LB_FRAGMENT_PASS);
	return XDP_PASS;
}

/* A packet to a port that no service has, whatever the VIP's policy is. */
static __always_inline int serve_no_port(struct xdp_md *ctx, struct lb_scratch *s)
{
	int verdict = vip_unserved(ctx, s, LB_DROP_UNKNOWN_PORT);

	if (verdict == VIP_REJECT)
		return reject(ctx, s, LB_DROP_UNKNOWN_PORT);
	return verdict == XDP_PASS ? serve_pass(s) : verdict;
}

static __always_inline int refuse(const struct packet *p, __u64 live, enum lb_drop reason)
{
	struct lb_scratch *s;

	if (unlikely(service_flags(live) & LB_SVC_TUNNEL))
		return TURNED_TO_INNER;
	if (!refuse_is_told(live, reason) || parse_is_test(p))
		return vip_drop(parse_is_test(p), reason);
	s = turn_cold(p);
	if (!s)
		return XDP_DROP;
	s->what = reason;
	return TURNED_TO_REJECT;
}

/* A packet whose flow had to be looked for (cold.h). */
static __always_inline int serve_cold(struct xdp_md *ctx, struct lb_scratch *s)
{
	int odd, kept_out, backend;

	odd = target_find(&s->flow);
	if (odd == LB_DROP_UNKNOWN_PORT)
		return serve_no_port(ctx, s);
	if (unlikely(kernel_flow_asks(s->flow.live)) && !scratch_is_test(s) &&
	    kernel_flow_takes(&s->flow))
		return serve_pass(s);
	kept_out = cold_let_in(&s->flow);
	if (kept_out || odd)
		return refuse_cold(ctx, s, s->flow.live, kept_out ? kept_out : odd);
	if (unlikely(service_flags(s->flow.live) & LB_SVC_REMOTE)) {
		s->what = TUNNEL_CHOOSE;
		return TURNED_TO_TUNNEL;
	}
	backend = scratch_is_test(s) ? (int)row_candidate(s->flow.row, 0)
				     : select_backend(ctx, &s->flow);
	if (backend < 0)
		return refuse_cold(ctx, s, s->flow.live, -backend);
	odd = cold_deliver(ctx, s, backend);
	if (odd)
		return vip_drop(scratch_is_test(s), odd);
	if (s->packet.fragment)
		vip_fragment_enter(s, backend_index(s->flow.live, backend));
	return XDP_PASS;
}

/* A fragment without ports. */
static __always_inline int serve_fragment(struct xdp_md *ctx, struct lb_scratch *s)
{
	int odd = vip_fragment_follow(ctx, s);

	if (odd == VIP_FRAGMENT_REMOTE)
		return TURNED_TO_TUNNEL;
	return odd ? vip_drop(scratch_is_test(s), odd) : XDP_PASS;
}

/* An ICMP error about a flow. */
static __always_inline int serve_error(struct xdp_md *ctx, struct lb_scratch *s)
{
	int owner = icmp_error_owner(&s->flow, s->vip_flags & LB_SVC_UNKNOWN_PASS);
	int verdict;

	if (owner >= 0 && unlikely(service_flags(s->flow.live) & LB_SVC_REMOTE)) {
		s->what = TUNNEL_ERROR;
		return TURNED_TO_TUNNEL;
	}
	verdict = owner < 0 ? -owner : icmp_error_forward(ctx, s, owner);
	return verdict == XDP_DROP ? vip_drop(scratch_is_test(s), LB_DROP_ICMP) : verdict;
}

/* Of s packet and domain are filled in, and the flow if its port is unknown. */
static __always_inline int unserved(struct xdp_md *ctx, struct lb_scratch *s, enum lb_drop reason)
{
	int verdict = vip_unserved(ctx, s, reason);

	if (verdict == VIP_ERROR)
		return serve_error(ctx, s);
	if (verdict == VIP_FRAGMENT)
		return serve_fragment(ctx, s);
	if (verdict == VIP_REJECT)
		return reject(ctx, s, LB_DROP_UNKNOWN_PORT);
	if (verdict == VIP_NAT)
		return TURNED_TO_NAT;
	if (verdict == VIP_BFD)
		return TURNED_TO_BFD;
	return verdict == VIP_SERVE ? serve_cold(ctx, s) : verdict;
}

/* A frame of a VLAN that has a domain of its own. */
static __always_inline int serve_tagged(struct xdp_md *ctx, __u16 domain)
{
	int odd = tagged_look(ctx, scratch_get(), domain);

	return odd == TAGGED_NOT_OURS ? XDP_PASS : TURNED_COLD(odd);
}

static __always_inline int choose_by_flow(struct xdp_md *ctx, const struct packet *p,
					  const struct target *t)
{
	struct lb_scratch *s = scratch_get();

	if (!s)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	flow_fill(&s->flow, p);
	target_fill(&s->flow, t);
	return select_backend(ctx, &s->flow);
}

/* Of a service that is shared with the kernel: the packet is of a flow that the kernel has. */
static __always_inline bool is_kernels(struct xdp_md *ctx, const struct packet *p)
{
	struct lb_scratch *s = scratch_get();

	if (!s || parse_is_test(p))
		return false;
	flow_fill(&s->flow, p);
	s->flow.domain = service_domain(ctx->ingress_ifindex);
	return target_find(&s->flow) != LB_DROP_UNKNOWN_PORT && kernel_flow_takes(&s->flow);
}

/* --- the common case, once for each family ---------------------------------------------------- */

#define CHOICE_ELSEWHERE (-LB_N_DROPS) /* xdp_tunnel is to choose */

/* The backend for this packet, an index within the service, or ADMIT_DROP(). */
static __always_inline int choose(struct xdp_md *ctx, const struct packet *p,
				  const struct target *t)
{
	int backend;

	if (unlikely(parse_is_test(p)))
		return row_candidate(t->row, 0);
	backend = select_at_once(p, t);
	if (likely(backend != OWNER_NOBODY))
		return backend;
	return unlikely(service_flags(t->live) & LB_SVC_REMOTE) ? CHOICE_ELSEWHERE
								: choose_by_flow(ctx, p, t);
}

static __always_inline void find_service(const struct xdp_md *ctx, const struct packet *p,
					 struct target *t)
{
	struct lb_service_key key = {.port = p->dport, .proto = p->proto};
	__u32 ifindex = ctx->ingress_ifindex; /* three loads each time */

	parse_daddr(p, key.addr);
	t->uplink = service_uplink(lb_uplink_hash(ifindex));
	key.domain = service_domain_by(t->uplink, ifindex);
	(void)target_service(&key, t);
}

/* A packet whose backend, of this index and state word, is on another node. */
static __always_inline int hand_over(struct xdp_md *ctx, const struct packet *p,
				     const struct lb_backend *be, __u64 state, __u32 index)
{
	struct tunnel_ready r = {};
	struct lb_scratch *s;

	/* Whoever captures needs the stack for that, and leaves it to xdp_at_once. */
	if (!CAPTURES && likely(tunnel_at_once_may(ctx, p, be, state, false, &r)))
		return tunnel_at_once_send(ctx, p, index, &r);
	s = scratch_get();
	if (!s)
		return XDP_DROP;
	s->backend = index;
	s->what = TUNNEL_KNOWN;
	return TURNED_TO_ONCE;
}

/* A packet of which xdp_tunnel is to find out whose it is. */
static __always_inline int hand_over_whole(const struct target *t)
{
	struct lb_scratch *s = scratch_get();

	if (!s)
		return XDP_DROP;
	s->flow.row = t->row;
	s->flow.live = t->live;
	s->flow.row_index = t->row_index;
	s->flow.slot = (__u16)t->slot;
	s->what = TUNNEL_PACKET;
	return TURNED_TO_ONCE;
}

static __always_inline int deliver(struct xdp_md *ctx, const struct packet *p, __u32 index)
{
	struct lb_backend *be = backend_slot(index);
	__u64 state = be ? READ_ONCE(be->state) : 0;

	if (unlikely(!be || !backend_is(state, LB_BE_IN_USE | LB_BE_LOCAL))) {
		if (backend_is(state, LB_BE_IN_USE))
			return hand_over(ctx, p, be, state, index);
		return vip_drop(parse_is_test(p), LB_DROP_NO_BACKEND);
	}
	rewrite_to_backend(p, be);
	if (likely(!parse_is_test(p)))
		stats_delivered(index, parse_bytes(p));
	return XDP_PASS;
}

static __always_inline bool is_denied(const struct packet *p, __u64 uplink)
{
	__u32 saddr[4];

	if (likely(!deny_asks(uplink)) || likely(!deny_may(p)))
		return false;
	parse_saddr(p, saddr);
	return deny_is(saddr);
}

/* Of IPv4: those that follow are the backend's, too. */
static __always_inline void enter_first(struct xdp_md *ctx, const struct packet *p, __u32 index)
{
	struct lb_scratch *s = turn_cold(p);

	if (!s)
		return;
	s->packet.fragment_id = ((struct iphdr *)p->ip)->id;
	s->flow.domain = service_domain(ctx->ingress_ifindex);
	vip_fragment_enter(s, index);
}

/* A first fragment that may not be ours: what follows it is to take its way. */
static __always_inline enum lb_drop look_closer(const struct packet *p, const struct target *t)
{
	if (unlikely(!t->service))
		return parse_is_first(p) ? LB_DROP_FRAGMENT : LB_DROP_UNKNOWN_PORT;
	return unlikely(kernel_flow_asks(t->live)) && parse_is_first(p) ? LB_DROP_FRAGMENT
									: LB_DROP_NONE;
}

static __always_inline int serve(struct xdp_md *ctx, struct packet *p, enum family family)
{
	struct target t = {};
	struct lb_scratch *s;
	enum lb_drop odd;
	__u32 saddr[4], index;
	int backend;

	if (!parse_ip(p, family))
		return XDP_PASS;
	if (likely(!may_be_ours(p)))
		return bfd_may_be(p) ? TURNED_TO_BFD : XDP_PASS;
	odd = parse_l4(ctx, p);
	if (likely(!odd)) {
		find_service(ctx, p, &t);
		odd = look_closer(p, &t);
	}
	if (unlikely(odd)) {
		s = turn_cold(p);
		if (!s)
			return XDP_PASS;
		if (odd == LB_DROP_UNKNOWN_PORT)
			flow_fill(&s->flow, p);
		s->flow.domain = service_domain(ctx->ingress_ifindex);
		return TURNED_COLD(odd);
	}
	if (unlikely(is_denied(p, t.uplink)))
		return vip_drop(false, LB_DROP_DENIED);
	if (unlikely(kernel_flow_asks(t.live)) && is_kernels(ctx, p))
		return XDP_PASS;
	parse_saddr(p, saddr);
	odd = let_in(t.service, t.live, saddr);
	if (unlikely(odd))
		return vip_drop(false, odd);
	backend = target_row(saddr, p->sport, p->dport, &t) ? choose(ctx, p, &t)
							    : ADMIT_DROP(LB_DROP_NO_BACKEND);
	if (unlikely(backend < 0))
		return backend == CHOICE_ELSEWHERE ? hand_over_whole(&t)
						   : refuse(p, t.live, -backend);
	p->end = (void *)(long)ctx->data_end; /* for rewrite.h, and cheaper than kept */
	index = backend_index(t.live, backend);
	if (unlikely(parse_is_first(p)))
		enter_first(ctx, p, index);
	return deliver(ctx, p, index);
}

static __always_inline int serve_frame(struct xdp_md *ctx)
{
	struct packet p = {};
	__be16 proto = parse_ethernet(ctx, &p);
	int domain;

	if (unlikely(!proto))
		return XDP_PASS;
	if (unlikely(vlan_is_tag(proto))) {
		domain = tagged_domain(ctx, &p, proto);
		if (domain >= 0)
			return serve_tagged(ctx, (__u16)domain);
	}
	proto = parse_tags(&p, proto);
	/* Not to be equal for the compiler: else either family pays for the other's registers. */
	if (likely(proto == bpf_htons(ETH_P_IP)))
		return serve(ctx, &p, FAMILY_V4);
	if (unlikely(proto == bpf_htons(ETH_P_IPV6)))
		return serve(ctx, &p, FAMILY_V6);
	return XDP_PASS;
}

SEC("xdp.frags")
int xdp_lb(struct xdp_md *ctx)
{
	struct lb_scratch *s;
	int verdict;

	capture_begin(ctx);
	verdict = serve_frame(ctx);
	if (likely(verdict >= 0))
		return capture_end(ctx, verdict);
	s = scratch_get();
	if (!s)
		return XDP_PASS;
	if (verdict > TURNED_TO_BFD)
		verdict = unserved(ctx, s, (enum lb_drop)(-1 - verdict));
	if (verdict == TURNED_TO_BFD) {
		bpf_tail_call_static(ctx, &beside, BESIDE_BFD);
		return XDP_PASS;
	}
	if (verdict == TURNED_TO_ONCE)
		bpf_tail_call_static(ctx, &beside, BESIDE_ONCE);
	if (verdict == TURNED_TO_TUNNEL)
		bpf_tail_call_static(ctx, &beside, BESIDE_TUNNEL);
	if (verdict == TURNED_TO_INNER)
		bpf_tail_call_static(ctx, &beside, BESIDE_INNER);
	if (verdict == TURNED_TO_NAT) {
		bpf_tail_call_static(ctx, &beside, BESIDE_NAT);
		return XDP_PASS;
	}
	if (verdict == TURNED_TO_REJECT)
		return capture_end(ctx, reject(ctx, s, (enum lb_drop)s->what));
	/* Whom it was for is not there, so nothing should have led to him (lb/lb_far.h). */
	return capture_end(ctx, verdict < 0 ? vip_drop(false, LB_DROP_NO_BACKEND) : verdict);
}
