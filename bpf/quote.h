/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors quote the beginning of the packet that they complain about: its IP header and at
 * least 8 bytes more (RFC 792; RFC 1812 4.3.2.3 wants as much as fits, RFC 4443 2.4 too). Who
 * receives the error finds the connection by what is quoted, so where we changed addresses the
 * quote must be changed back, its own checksums too as far as they were quoted, and the checksum of
 * the message around it, which for IPv6 covers the addresses of the packet that carries it.
 *
 * A quote is a copy of numbers, which holds across calls and helpers. bytes_xdp.h or bytes_skb.h
 * comes before.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "ext.h"
#include "patch.h"

#define QUOTE_PORTS_AND_SUM 8 /* bytes of TCP or UDP that a quote must have */

#define ICMP_DEST_UNREACH  3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12

/* ICMPv6 (RFC 4443): errors have numbers below 128, and these are the ones that it defines. */
#define ICMPV6_DEST_UNREACH   1
#define ICMPV6_PACKET_TOO_BIG 2
#define ICMPV6_TIME_EXCEEDED  3
#define ICMPV6_PARAMETERPROB  4

/* What ICMP and ICMPv6 begin with; the other half of an error's header is its own. */
struct quote_message {
	__u8 type;
	__u8 code;
	__u16 check;
	__u32 rest;
};

struct quote {
	__u32 saddr[4];
	__u32 daddr[4];
	__u32 ip_off; /* in the frame, as below */
	__u32 l4_off;
	__u32 check_off; /* of l4_check; 0: not quoted */
	__be16 sport;
	__be16 dport;
	__u16 ip_check; /* IPv4 */
	__u16 l4_check;
	__u8 family;
	__u8 proto;
	__u8 zero[2];
};

static __always_inline bool quote_type(__u8 family, __u8 type)
{
	if (family == FAMILY_V6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMETERPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

/* --- reading ---------------------------------------------------------------------------------- */

static __always_inline bool quote_parse_v4(lb_bytes *from, struct quote *q)
{
	struct iphdr ip;
	__u32 ihl;
	__u8 first;

	if (!lb_bytes_read(from, q->ip_off, &ip, sizeof(ip)))
		return false;
	first = *(__u8 *)&ip;
	ihl = (first & 0x0f) << 2;
	if (first >> 4 != 4 || ihl < sizeof(ip) || ip.frag_off & bpf_htons(IP_OFFSET))
		return false;
	addr_from_v4(q->saddr, ip.saddr);
	addr_from_v4(q->daddr, ip.daddr);
	q->l4_off = q->ip_off + ihl;
	q->ip_check = ip.check;
	q->proto = ip.protocol;
	return true;
}

static __always_inline bool quote_parse_v6(lb_bytes *from, __u32 end, struct quote *q)
{
	struct ipv6hdr ip;
	struct lb_ext e = {};

	if (!lb_bytes_read(from, q->ip_off, &ip, sizeof(ip)) || *(__u8 *)&ip >> 4 != 6)
		return false;
	addr_copy(q->saddr, ip.saddr.in6_u.u6_addr32);
	addr_copy(q->daddr, ip.daddr.in6_u.u6_addr32);
	if (addr_is_v4(q->saddr) || addr_is_v4(q->daddr)) /* whose keys would be another's */
		return false;
	e.off = q->ip_off + sizeof(ip);
	e.proto = ip.nexthdr;
	if (lb_ext_walk(from, end, &e) || lb_ext_is_later(&e))
		return false;
	q->l4_off = e.off;
	q->ip_check = 0;
	q->proto = e.proto;
	return true;
}

static __always_inline bool quote_parse_l4(lb_bytes *from, __u32 end, struct quote *q)
{
	struct udphdr l4;

	if (q->l4_off + QUOTE_PORTS_AND_SUM > end ||
	    !lb_bytes_read(from, q->l4_off, &l4, sizeof(l4)))
		return false;
	q->sport = l4.source;
	q->dport = l4.dest;
	q->l4_check = l4.check;
	q->check_off = q->l4_off + patch_check_at(q->proto);
	if (q->proto == IPPROTO_SCTP) { /* nobody can verify a CRC by a part of what it covers */
		q->check_off = 0;
		return true;
	}
	if (q->proto == IPPROTO_UDP)
		return true;
	if (q->check_off + sizeof(q->l4_check) <= end)
		return lb_bytes_read(from, q->check_off, &q->l4_check, sizeof(q->l4_check));
	q->check_off = 0;
	return true;
}

/*
 * Reads the quote at `off` of a message that ends at `end` by its own length, which may be before
 * the frame does (padding). False: no TCP, UDP or SCTP packet of the family, or too little of it.
 */
static __always_inline bool quote_parse(lb_bytes *from, __u8 family, __u32 off, __u32 end,
					struct quote *q)
{
	q->family = family;
	q->ip_off = off;
	if (off + patch_ip_len(family) > end)
		return false;
	if (family == FAMILY_V4 ? !quote_parse_v4(from, q) : !quote_parse_v6(from, end, q))
		return false;
	if (q->proto != IPPROTO_TCP && q->proto != IPPROTO_UDP && q->proto != IPPROTO_SCTP)
		return false;
	return quote_parse_l4(from, end, q);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Another address and port for one end of what is quoted, and what they add to sums. */
struct quote_change {
	__u32 addr[4];
	__be16 port;
	__u16 l3_delta; /* lb_l3_delta() */
	__u16 l4_delta; /* lb_l4_delta() */
	__u16 zero;
};

/* Writes it, and returns what all that adds to the sum of the message. */
static __always_inline __u16 quote_rewrite(lb_bytes *to, const struct quote *q, enum patch_end end,
					   const struct quote_change *c)
{
	__u32 sum = c->l4_delta;
	__u16 check;

	patch_address(to, q->ip_off, q->family, end, c->addr, c->l3_delta);
	patch_port(to, q->l4_off, end, c->port);
	if (q->family == FAMILY_V4)
		sum += (__u16)~q->ip_check + (__u32)csum_add(q->ip_check, c->l3_delta);
	if (q->check_off) {
		check = patch_l4_sum(q->proto, q->l4_check, c->l4_delta);
		lb_bytes_write(to, q->check_off, &check, sizeof(check));
		sum += (__u16)~q->l4_check + (__u32)check;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/*
 * The message around it: its sum, by what the quote's change added to it and, where an address of
 * the packet that carries it changes as well, by that.
 */
static __always_inline void quote_resum(lb_bytes *to, __u32 message_off, __u16 check, __u16 delta,
					__u16 outer_delta)
{
	check = csum_add(csum_add(check, delta), outer_delta);
	lb_bytes_write(to, message_off + __builtin_offsetof(struct quote_message, check), &check,
		       sizeof(check));
}
