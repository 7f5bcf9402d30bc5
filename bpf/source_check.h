/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks the source of a SYN whether it is there: by a SYN-ACK that acknowledges what was never sent.
 * A stack that sent the SYN answers by a reset with that acknowledgement as its sequence number
 * (RFC 9293 3.10.7.3), which only it can know, forgets nothing and sends its SYN again. The reset
 * is read by sources.h. Nothing is kept here, and an answer is no longer than what asked for it.
 */
#pragma once

#include "reject_header.h"
#include "sources.h"

/* Of s packet and flow are filled in. XDP_TX, or XDP_DROP. */
__noinline int source_check(struct xdp_md *ctx, struct lb_scratch *s)
{
	const struct cold_packet *p;
	struct tcphdr in, *out;

	if (!s)
		return XDP_DROP;
	p = &s->packet;
	if (!reject_is_host(p) || !lb_bytes_read(ctx, p->l4_off, &in, sizeof(in)) ||
	    !icmp_turn_frame(ctx))
		return XDP_DROP;
	out = reject_begin_tcp(s, &in);
	out->ack_seq = bpf_htonl(
		lb_source_ack((__u32)sources_cookie(&s->flow, sources_when()), bpf_ntohl(in.seq)));
	((__u8 *)out)[TCP_FLAGS] = TCP_SYN | TCP_ACK;
	return reject_send_tcp(ctx, s);
}
