/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way to a backend that answers this node: the packet gets an address of this node and a port
 * of the range as its source, and leaves by the way that the agent has resolved. Which port that is
 * the flow's hash and the table say (nat_table.h).
 */
#pragma once

#include "dsr.h"
#include "nat_rewrite.h"
#include "nat_table.h"
#include "vip.h"

static __always_inline void nat_wish(struct lb_scratch *s, const struct xdp_md *ctx,
				     const struct hop *h)
{
	struct lb_nat *n = &s->nat.is;

	addr_copy(n->client, s->flow.saddr);
	addr_copy(n->vip, s->flow.daddr);
	addr_copy(n->own, h->source);
	n->client_port = s->flow.sport;
	n->vip_port = s->flow.dport;
	n->domain = s->flow.domain;
	n->zero = 0;
	n->uplink = ctx->ingress_ifindex;
}

/* The flow and its port; else why not. A reset begins none. */
static __always_inline enum lb_drop nat_enter(struct xdp_md *ctx, struct lb_scratch *s,
					      const struct hop *h)
{
	if (likely(nat_find(s))) {
		nat_heard(s);
		return LB_DROP_NONE;
	}
	if (s->flow.tcp_flags & TCP_RST)
		return LB_DROP_NO_BACKEND;
	nat_wish(s, ctx, h);
	return nat_make(s) ? LB_DROP_NONE : LB_DROP_NAT_PORTS;
}

/* An error about what the backend sent, which its client did not get: the other way round. Who
 * complains is not said, since that address is not ours. */
__noinline bool nat_error_there(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct lb_backend *be = s ? backend_slot(s->backend) : NULL;
	__u32 delta;

	if (!be)
		return false;
	delta = nat_sum_of((__u16)nat_requote(ctx, s, PATCH_SOURCE, NAT_ADDR(be->addr), be->port),
			   (__u16)nat_requote(ctx, s, PATCH_DESTINATION, NAT_ADDR(s->nat.is.own),
					      s->nat.port));
	return nat_readdress(ctx, s, delta, NAT_ADDR(s->nat.is.own), NAT_ADDR(be->addr));
}

/*
 * The flow of a packet that xdp_lb handed over as it was, of which it has filled in no more than
 * the ports; else all of it is filled in. LB_DROP_NONE, or why it is not translated: pieces of
 * several clients would have one source, and their identifications would meet (RFC 6864 5.3).
 */
static __always_inline enum lb_drop nat_read_flow(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct cold_packet *p = &s->packet;
	const __u8 *ip = lb_bytes_at(ctx, p->ip_off, TUNNEL_HEAD);
	const __u8 *l4 = lb_bytes_at(ctx, p->l4_off, sizeof(struct udphdr));
	const __u8 *tcp = lb_bytes_at(ctx, p->l4_off, sizeof(struct tcphdr));
	struct flow *f = &s->flow;

	if (!ip || !l4)
		return LB_DROP_MALFORMED;
	if (p->fragment || (p->family == FAMILY_V4 && (ip[6] & IP_FRAGMENT >> 8 || ip[7])))
		return LB_DROP_FRAGMENT;
	if (p->proto != IPPROTO_UDP && (p->proto != IPPROTO_TCP || !tcp))
		return LB_DROP_PROTOCOL;
	if (s->what != TUNNEL_BACKEND)
		return LB_DROP_NONE;
	addr_copy(f->saddr, p->saddr);
	addr_copy(f->daddr, p->daddr);
	f->proto = p->proto;
	f->tcp_flags = p->proto == IPPROTO_TCP && tcp ? tcp[TCP_FLAGS] : 0;
	f->domain = service_domain(ctx->ingress_ifindex);
	return LB_DROP_NONE;
}

/* Sends the packet of s to the backend, whose node is the backend itself: a verdict. */
__noinline int nat_there(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct lb_backend *be = s ? backend_slot(s->backend) : NULL;
	__u64 state = be ? READ_ONCE(be->state) : 0;
	struct tunnel_outer o = {};
	enum lb_drop odd;
	bool is_error;

	/* A word that has changed since leads nowhere. */
	if (!s || !be || !backend_is(state, LB_BE_IN_USE) || node_way(state) != LB_WAY_NAT)
		return vip_drop(false, LB_DROP_NO_BACKEND);
	is_error = s->what == TUNNEL_ERROR;
	odd = is_error ? LB_DROP_NONE : nat_read_flow(ctx, s);
	if (unlikely(odd))
		return vip_drop(false, odd);
	if (unlikely(!hop_find_server(ctx, node_of(state), &o.hop) || !tunnel_look(ctx, s, &o)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	if (unlikely(o.inner > o.hop.mtu))
		return tunnel_too_big(ctx, s, o.hop.mtu, o.may_fragment);
	if (unlikely(is_error)) {
		if (!nat_find(s) || !nat_error_there(ctx, s))
			return vip_drop(false, LB_DROP_ICMP);
	} else {
		odd = nat_enter(ctx, s, &o.hop);
		if (unlikely(odd))
			return vip_drop(false, odd);
	}
	if (unlikely(!dsr_counts(ctx, &s->packet)))
		return is_error ? vip_drop(false, LB_DROP_TTL) : dsr_expired(ctx, s);
	if (likely(!is_error) && unlikely(!nat_turn(ctx, s)))
		return vip_drop(false, LB_DROP_MALFORMED);
	return nat_send(ctx, &s->packet, &o.hop);
}
