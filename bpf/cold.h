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
#include "rewrite.h"
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

/* Of so many octets, in which all lies that is read and changed, headers are reached directly. */
#define COLD_L3 sizeof(struct ipv6hdr)
#define COLD_L4 sizeof(struct tcphdr)

/* The flags, or what stands for them; UDP has none. */
static __always_inline __u8 cold_flags_of(__u8 proto, const __u8 *l4)
{
	if (proto == IPPROTO_UDP)
		return 0;
	return proto == IPPROTO_SCTP ? sctp_flags(l4[SCTP_CHUNK]) : l4[TCP_FLAGS];
}

static __always_inline bool cold_flags(struct xdp_md *ctx, const struct cold_packet *p, __u8 *flags)
{
	__u8 l4[SCTP_LEAST]; /* of SCTP; TCP has more */

	if (p->proto != IPPROTO_UDP && !lb_bytes_read(ctx, p->l4_off, l4, sizeof(l4)))
		return false;
	*flags = cold_flags_of(p->proto, l4);
	return true;
}

/* Ports and flags of what lies at l4_off, as the flow's. */
static __always_inline enum lb_drop cold_ports(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct cold_packet *p = &s->packet;
	struct flow *f = &s->flow;
	const __be16 *l4 = lb_bytes_at(ctx, p->l4_off, COLD_L4);
	__be16 ports[2];

	if (p->l4_off + cold_header(p->proto) > p->end)
		return LB_DROP_MALFORMED;
	if (likely(l4)) {
		f->sport = l4[0];
		f->dport = l4[1];
		f->tcp_flags = cold_flags_of(p->proto, (const __u8 *)l4);
	} else if (lb_bytes_read(ctx, p->l4_off, ports, sizeof(ports)) &&
		   cold_flags(ctx, p, &f->tcp_flags)) {
		f->sport = ports[0];
		f->dport = ports[1];
	} else {
		return LB_DROP_MALFORMED;
	}
	addr_copy(f->saddr, p->saddr);
	addr_copy(f->daddr, p->daddr);
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

/* Address, port and checksums become the backend's, where the headers lie in the first buffer. */
static __always_inline bool cold_rewrite_directly(struct xdp_md *ctx, const struct lb_scratch *s,
						  const struct lb_backend *be)
{
	const struct cold_packet *p = &s->packet;
	struct packet direct = {.family = p->family, .proto = p->proto};

	direct.ip = lb_bytes_at(ctx, p->ip_off, COLD_L3);
	direct.l4 = lb_bytes_at(ctx, p->l4_off, COLD_L4);
	direct.end = (void *)(long)ctx->data_end;
	if (unlikely(!direct.ip || !direct.l4))
		return false;
	if (p->proto != IPPROTO_SCTP) {
		rewrite_to_backend(&direct, be);
		return true;
	}
	rewrite_address(&direct, be);
	sctp_rewrite(direct.l4, p->end - p->l4_off, SCTP_DEST, be->port);
	return true;
}

static __always_inline void cold_rewrite(struct xdp_md *ctx, const struct lb_scratch *s,
					 const struct lb_backend *be)
{
	const struct cold_packet *p = &s->packet;

	if (likely(cold_rewrite_directly(ctx, s, be)))
		return;
	patch_address(ctx, p->ip_off, p->family, PATCH_DESTINATION, be->addr, be->l3_delta);
	if (p->proto == IPPROTO_SCTP) {
		sctp_patch(ctx, p->l4_off, p->end - p->l4_off, SCTP_DEST, s->flow.dport, be->port);
		return;
	}
	patch_port(ctx, p->l4_off, PATCH_DESTINATION, be->port);
	patch_l4_check(ctx, p->l4_off, p->proto, be->l4_delta);
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
	cold_rewrite(ctx, s, be);
	if (!scratch_is_test(s))
		stats_delivered(index, p->end - p->ip_off);
	return LB_DROP_NONE;
}
