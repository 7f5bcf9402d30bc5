/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BFD: a program of its own, that xdp_lb goes on with for what is no VIP's and came with all the
 * hops it could have. Control packets are bfd_answer.h's, echo bfd_echo.h's; whatever they leave is
 * the agent's sockets'.
 */
#pragma once

#include "bfd_answer.h"
#include "bfd_echo.h"
#include "parse.h"

static __always_inline int bfd_serve(struct xdp_md *ctx, struct packet *p, enum family family)
{
	struct udphdr *udp;

	if (!parse_ip(p, family))
		return XDP_PASS;
	udp = bfd_control(p);
	if (udp)
		return bfd_hear(ctx, p, udp);
	udp = bfd_udp(p, 0);
	return udp && udp->dest == bpf_htons(LB_BFD_ECHO_PORT) ? bfd_reflect(ctx, p, udp)
							       : XDP_PASS;
}

/* Frames with a tag are of another device than this one, as far as BFD is concerned. */
SEC("xdp.frags")
int xdp_bfd(struct xdp_md *ctx)
{
	struct packet p = {};
	__be16 proto = parse_ethernet(ctx, &p);

	if (proto == bpf_htons(ETH_P_IP))
		return bfd_serve(ctx, &p, FAMILY_V4);
	if (proto == bpf_htons(ETH_P_IPV6))
		return bfd_serve(ctx, &p, FAMILY_V6);
	return XDP_PASS;
}
