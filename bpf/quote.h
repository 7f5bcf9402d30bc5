/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors quote the beginning of the packet that they complain about: its IP header and at
 * least 8 bytes more (RFC 792; RFC 1812 4.3.2.3 wants as much as fits). Who receives the error
 * finds the connection by what is quoted, so where we changed addresses the quote must be changed
 * back, its own checksums too as far as they were quoted, and the checksum of the message around
 * it.
 *
 * Nothing here follows a pointer kept from before: a quote is a copy of numbers, which holds across
 * calls and helpers, and both programs write it back by their own means.
 */
#pragma once

#include "common.h"
#include "csum.h"

#define ICMP_DEST_UNREACH   3
#define ICMP_TIME_EXCEEDED  11
#define ICMP_PARAMETERPROB  12
#define IP_OFFSET           0x1fff
#define QUOTE_PORTS_AND_SUM 8 /* bytes of TCP or UDP that a quote must have */

struct quote {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u16 ip_check;
	__u16 l4_check;
	__u8 proto;
	__u8 ihl;      /* bytes */
	__u8 check_at; /* offset of l4_check after the IP header; 0: not quoted */
};

/* What becomes of the sums, and what must be added to that of the message. */
struct quote_sums {
	__u16 ip_check;
	__u16 l4_check;
	__u16 message_delta;
};

static __always_inline bool quote_type(__u8 icmp_type)
{
	return icmp_type == ICMP_DEST_UNREACH || icmp_type == ICMP_TIME_EXCEEDED ||
	       icmp_type == ICMP_PARAMETERPROB;
}

/* What lies at l4, of which len bytes were quoted; false if they cannot be read here. */
static __always_inline bool quote_parse_l4(struct quote *q, void *l4, void *end, __u32 len)
{
	struct udphdr *udp = l4;
	struct tcphdr *tcp = l4;

	if ((void *)(udp + 1) > end)
		return false;
	q->sport = udp->source;
	q->dport = udp->dest;
	q->l4_check = 0;
	q->check_at = 0;
	if (q->proto == IPPROTO_UDP) {
		q->check_at = __builtin_offsetof(struct udphdr, check);
		q->l4_check = udp->check;
	} else if (len >= __builtin_offsetof(struct tcphdr, urg_ptr)) {
		if ((void *)&tcp->urg_ptr > end)
			return false;
		q->check_at = __builtin_offsetof(struct tcphdr, check);
		q->l4_check = tcp->check;
	}
	return true;
}

/*
 * Reads the quote at `at`. len: how many bytes of it the message has by its own length, which may
 * be fewer than the frame holds (padding). False: no TCP or UDP packet, or too little of it.
 */
static __always_inline bool quote_parse(struct quote *q, void *at, void *end, __u32 len)
{
	struct iphdr *ip = at;
	__u8 first;

	if ((void *)(ip + 1) > end)
		return false;
	first = *(__u8 *)ip;
	q->ihl = (first & 0x0f) << 2;
	if (first >> 4 != 4 || q->ihl < sizeof(*ip) || len < q->ihl + QUOTE_PORTS_AND_SUM)
		return false;
	if (ip->frag_off & bpf_htons(IP_OFFSET))
		return false;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return false;
	q->saddr = ip->saddr;
	q->daddr = ip->daddr;
	q->ip_check = ip->check;
	q->proto = ip->protocol;
	return quote_parse_l4(q, at + q->ihl, end, len - q->ihl);
}

/* An address of the quote changes by l3_delta, address and port by l4_delta (lb_l4_delta()). */
static __always_inline struct quote_sums quote_change(const struct quote *q, __u16 l3_delta,
						      __u16 l4_delta)
{
	struct quote_sums to = {.ip_check = csum_add(q->ip_check, l3_delta)};
	__u32 sum;

	if (q->check_at)
		to.l4_check = q->proto == IPPROTO_UDP ? csum_add_udp(q->l4_check, l4_delta)
						      : csum_add(q->l4_check, l4_delta);
	sum = (__u32)l4_delta + (__u16)~q->ip_check + to.ip_check + (__u16)~q->l4_check +
	      to.l4_check;
	sum = (sum & 0xffff) + (sum >> 16);
	to.message_delta = (__u16)((sum & 0xffff) + (sum >> 16));
	return to;
}
