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

static __always_inline void rewrite_address(const struct packet *p, const struct lb_backend *be)
{
	struct iphdr *v4 = p->ip;
	struct ipv6hdr *v6 = p->ip;

	if (p->family == FAMILY_V6) {
		addr_copy(v6->daddr.in6_u.u6_addr32, be->addr);
		return;
	}
	v4->daddr = be->addr[3];
	v4->check = csum_add(v4->check, be->l3_delta);
}

static __always_inline void rewrite_to_backend(const struct packet *p, const struct lb_backend *be)
{
	rewrite_address(p, be);
	if (p->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = p->l4;

		if ((void *)(tcp + 1) > p->end)
			return; /* parse_l4() saw to it; older verifiers forget */
		tcp->dest = be->port;
		tcp->check = csum_add(tcp->check, be->l4_delta);
	} else {
		struct udphdr *udp = p->l4;

		udp->dest = be->port;
		udp->check = csum_add_udp(udp->check, be->l4_delta);
	}
}
