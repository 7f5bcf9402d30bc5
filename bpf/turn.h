/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what was read of a packet (parse.h) to what the cold half works on (scratch.h).
 */
#pragma once

#include "fragment.h"
#include "parse.h"
#include "scratch.h"
#include "service.h"

static __always_inline void turn_fill(struct lb_scratch *s, const struct packet *p)
{
	parse_saddr(p, s->packet.saddr);
	parse_daddr(p, s->packet.daddr);
	s->packet.ip_off = p->ip_off;
	s->packet.l4_off = p->ip_off + p->l3_len;
	s->packet.end = p->ip_off + parse_bytes(p);
	s->packet.family = p->family;
	s->packet.proto = p->proto;
	s->packet.fragment = FRAGMENT_NONE;
}

/* The scratch value, in which the packet is filled in. */
static __always_inline struct lb_scratch *turn_cold(const struct packet *p)
{
	struct lb_scratch *s = scratch_get();

	if (s)
		turn_fill(s, p);
	return s;
}

/* All but target and domain. */
static __always_inline void flow_fill(struct flow *f, const struct packet *p)
{
	parse_saddr(p, f->saddr);
	parse_daddr(p, f->daddr);
	f->sport = p->sport;
	f->dport = p->dport;
	f->proto = p->proto;
	f->tcp_flags = p->tcp_flags;
	f->l4_off = (__u16)(p->ip_off + p->l3_len);
}

/* A mapped address is nobody's on the wire. */
static __always_inline bool may_be_ours(const struct packet *p)
{
	__u32 daddr[4];

	parse_daddr(p, daddr);
	return unlikely(service_may_be_ours(daddr)) &&
	       (p->family == FAMILY_V4 || likely(!addr_is_v4(daddr)));
}
