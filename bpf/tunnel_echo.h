/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control echo of another node (wire_tunnel.h): sent back by the way it came, with what this
 * program speaks. It answers what really matters, that packets from that node are taken here, and
 * needs no agent.
 */
#pragma once

#include "bytes_xdp.h"
#include "common.h"
#include "csum.h"
#include "icmp.h"
#include "scratch.h"

/* What differs between request and answer, as it lies behind the magic. */
struct echo_said {
	__u8 kind, least, most, recipe;
};

static __always_inline __u16 echo_resum(__u16 check, const struct echo_said *from,
					const struct echo_said *to)
{
	const __u16 *was = (const __u16 *)from, *is = (const __u16 *)to;
	__u32 delta = (__u16)~was[0] + (__u32)is[0] + (__u16)~was[1] + (__u32)is[1];

	delta = (delta & 0xffff) + (delta >> 16);
	return csum_add_udp(check, (__u16)((delta & 0xffff) + (delta >> 16)));
}

/* This node leaves: it is there for the flows that it has. */
static __always_inline bool echo_is_closed(void)
{
	const struct lb_tunnel *own;
	__u32 zero = 0;

	own = bpf_map_lookup_elem(&tunnel, &zero);
	return own && READ_ONCE(own->closed);
}

/*
 * Of s the packet is filled in. XDP_TX; XDP_PASS: it is for the agent (wire_settle.h); XDP_DROP: it
 * is neither, or not to be answered.
 */
__noinline int echo_answer(struct xdp_md *ctx, struct lb_scratch *s)
{
	const __u8 magic[4] = LB_ECHO_MAGIC;
	struct lb_tunnel_echo echo;
	struct echo_said said = {.kind = echo_is_closed() ? LB_ECHO_CLOSED : LB_ECHO_ANSWER,
				 .least = LB_TUNNEL_LEAST,
				 .most = LB_TUNNEL_VERSION,
				 .recipe = LB_WIRE_VERSION};
	struct udphdr udp;
	__u32 at;
	__be16 port;

	if (!s)
		return XDP_DROP;
	at = s->packet.l4_off + sizeof(udp) + LB_GUE_BYTES;
	if (at + sizeof(echo) > s->packet.end ||
	    !lb_bytes_read(ctx, s->packet.l4_off, &udp, sizeof(udp)) ||
	    !lb_bytes_read(ctx, at, &echo, sizeof(echo)))
		return XDP_DROP;
	if (*(__u32 *)echo.magic != *(const __u32 *)magic)
		return XDP_DROP;
	if (echo.kind == LB_ECHO_SETTLING)
		return XDP_PASS;
	if (echo.kind != LB_ECHO_REQUEST || !icmp_turn_frame(ctx))
		return XDP_DROP;
	icmp_turn_ip(ctx, &s->packet);
	port = udp.source;
	udp.source = udp.dest;
	udp.dest = port;
	udp.check = echo_resum(udp.check, (struct echo_said *)&echo.kind, &said);
	lb_bytes_write(ctx, s->packet.l4_off, &udp, sizeof(udp));
	lb_bytes_write(ctx, at + sizeof(magic), &said, sizeof(said));
	return XDP_TX;
}
