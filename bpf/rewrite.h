/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns a packet for a VIP into one for its backend, in place: destination address and port, and
 * the checksums by the backend's precomputed differences. Source address, TTL and payload stay: the
 * pod sees the client, and the kernel, to which the packet is passed, counts the hop and answers a
 * TTL that has run out.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "parse.h"

static __always_inline void rewrite_to_backend(const struct packet *p, const struct lb_backend *be)
{
	p->ip->daddr = be->addr[3];
	p->ip->check = csum_add(p->ip->check, be->l3_delta);
	if (p->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = p->l4;

		tcp->dest = be->port;
		tcp->check = csum_add(tcp->check, be->l4_delta);
	} else {
		struct udphdr *udp = p->l4;

		udp->dest = be->port;
		udp->check = csum_add_udp(udp->check, be->l4_delta);
	}
}
