/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that are served like others but whose headers must be looked for: IPv6 with extension
 * headers, first fragments of either family, and SCTP. They go by the scratch value, in steps
 * that each call by themselves, for the sake of the stack: the flow, its target, and the delivery.
 */
#pragma once

#include "backend.h"
#include "bytes_xdp.h"
#include "common.h"
#include "ext.h"
#include "let_in.h"
#include "patch.h"
#include "scratch.h"
#include "sctp.h"
#include "stats.h"
#include "target.h"
#include "vip_fragment.h"

static __always_inline __u32 cold_header(__u8 proto)
{
	if (proto == IPPROTO_SCTP)
		return SCTP_LEAST;
	return proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
}

/* The flags, or the octet that stands for them; UDP has none. */
static __always_inline bool cold_flags(struct xdp_md *ctx, const struct cold_packet *p, __u8 *flags)
{
	__u32 at = p->l4_off + (p->proto == IPPROTO_SCTP ? SCTP_CHUNK : TCP_FLAGS);

	*flags = 0;
	if (p->proto == IPPROTO_UDP)
		return true;
	if (!lb_bytes_read(ctx, at, flags, sizeof(*flags)))
		return false;
	if (p->proto == IPPROTO_SCTP)
		*flags = sctp_flags(*flags);
	return true;
}

/* Ports and flags of what lies at l4_off, as the flow's. */
static __always_inline enum lb_drop cold_ports(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct cold_packet *p = &s->packet;
	struct flow *f = &s->flow;
	__be16 ports[2];

	if (p->l4_off + cold_header(p->proto) > p->end ||
	    !lb_bytes_read(ctx, p->l4_off, ports, sizeof(ports)) ||
	    !cold_flags(ctx, p, &f->tcp_flags))
		return LB_DROP_MALFORMED;
	addr_copy(f->saddr, p->saddr);
	addr_copy(f->daddr, p->daddr);
	f->sport = ports[0];
	f->dport = ports[1];
	f->proto = p->proto;
	f->l4_off = (__u16)p->l4_off;
	return LB_DROP_NONE;
}

/* Walks IPv6's extension headers to the transport's. */
static __always_inline enum lb_drop cold_walk(struct xdp_md *ctx, struct cold_packet *p)
{
	struct lb_ext e = {};
	enum lb_drop odd;

	e.off = p->l4_off;
	e.proto = p->proto;
	odd = lb_ext_walk(ctx, p->end, &e);
	if (odd)
		return odd;
	p->l4_off = e.off;
	p->proto = e.proto;
	vip_fragment_note_v6(p, &e);
	return LB_DROP_NONE;
}

/* What the packet is at a closer look, LB_DROP_NONE if its flow is filled in. */
__noinline int cold_look(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct cold_packet *p;
	enum lb_drop odd = LB_DROP_NONE;

	if (!s)
		return LB_DROP_MALFORMED;
	p = &s->packet;
	if (p->family == FAMILY_V6)
		odd = cold_walk(ctx, p);
	else if (!vip_fragment_look_v4(ctx, p))
		odd = LB_DROP_MALFORMED;
	if (odd)
		return odd;
	if (p->fragment == FRAGMENT_LATER)
		return LB_DROP_FRAGMENT;
	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP || p->proto == IPPROTO_SCTP)
		return cold_ports(ctx, s);
	if (p->proto != (p->family == FAMILY_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return LB_DROP_PROTOCOL;
	return p->fragment ? LB_DROP_FRAGMENT : LB_DROP_ICMP;
}

/* LB_DROP_NONE, or why the flow's service does not let its packet in. */
static __always_inline enum lb_drop cold_let_in(const struct flow *f)
{
	const struct lb_service *svc = service_at(f->slot);

	return svc ? let_in(svc, f->live, f->saddr) : LB_DROP_SOURCE;
}

/* Gives the packet to a backend, an index within the service; else why not. */
__noinline int cold_deliver(struct xdp_md *ctx, const struct lb_scratch *s, __u32 backend)
{
	const struct cold_packet *p;
	struct lb_backend *be;
	__u32 index;

	if (!s)
		return LB_DROP_NO_BACKEND;
	p = &s->packet;
	index = backend_index(s->flow.live, backend);
	be = backend_slot(index);
	if (!be || !backend_is(READ_ONCE(be->state), LB_BE_IN_USE))
		return LB_DROP_NO_BACKEND;
	/* What another port adds to the checksum depends on how long the whole packet is. */
	if (p->proto == IPPROTO_SCTP && p->fragment && s->flow.dport != be->port)
		return LB_DROP_SCTP_FRAGMENT;
	patch_address(ctx, p->ip_off, p->family, PATCH_DESTINATION, be->addr, be->l3_delta);
	if (p->proto == IPPROTO_SCTP) {
		sctp_patch(ctx, p->l4_off, p->end - p->l4_off, SCTP_DEST, s->flow.dport, be->port);
	} else {
		patch_port(ctx, p->l4_off, PATCH_DESTINATION, be->port);
		patch_l4_check(ctx, p->l4_off, p->proto, be->l4_delta);
	}
	if (!scratch_is_test(s))
		stats_delivered(index, p->end - p->ip_off);
	return LB_DROP_NONE;
}
