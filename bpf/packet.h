/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet as it was read once (parse.h), which the compiler keeps in registers.
 */
#pragma once

#include "common.h"

struct packet {
	void *ip;
	void *l4;
	void *end;
	__u32 ip_off; /* in the frame; pointers are not for sums, older verifiers say */
	__u32 l3_len; /* from ip to l4 */
	__be32 saddr; /* IPv4 alone, as the two below; of IPv6 see parse_saddr() */
	__be32 daddr;
	__u16 bytes;
	__be16 sport;
	__be16 dport;
	__u8 family;
	__u8 proto;
	__u8 tcp_flags;
};

/*
 * IPv6's addresses are read from the packet where they are needed: kept, they would only be written
 * to the stack, which is short, and be read from there.
 */
static __always_inline void parse_addr_v6(__u32 to[4], const struct in6_addr *from)
{
	to[0] = READ_ONCE(from->in6_u.u6_addr32[0]);
	to[1] = READ_ONCE(from->in6_u.u6_addr32[1]);
	to[2] = READ_ONCE(from->in6_u.u6_addr32[2]);
	to[3] = READ_ONCE(from->in6_u.u6_addr32[3]);
}

static __always_inline void parse_saddr(const struct packet *p, __u32 to[4])
{
	if (p->family == FAMILY_V4)
		addr_from_v4(to, p->saddr);
	else
		parse_addr_v6(to, &((struct ipv6hdr *)p->ip)->saddr);
}

static __always_inline void parse_daddr(const struct packet *p, __u32 to[4])
{
	if (p->family == FAMILY_V4)
		addr_from_v4(to, p->daddr);
	else
		parse_addr_v6(to, &((struct ipv6hdr *)p->ip)->daddr);
}

/* Length of the IP packet, as it says itself. */
static __always_inline __u32 parse_bytes(const struct packet *p)
{
	struct ipv6hdr *v6 = p->ip;

	if (p->family == FAMILY_V4)
		return p->bytes;
	return sizeof(*v6) + bpf_ntohs(v6->payload_len);
}
