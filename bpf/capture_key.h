/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses and ports of a frame that may be captured, read from its first octets, which have
 * been copied: so nothing here is about the packet's memory. See capture.h.
 */
#pragma once

#include "capture_note.h"
#include "common.h"
#include "vlan.h"

#ifdef LB_CAPTURE
#define CAPTURE_HEAD 192u  /* octets that are looked at, if there are so many */
#define CAPTURE_AT   0xffu /* offsets among them */

/* A packet's addresses and ports. */
struct capture_key {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__u8 proto;
	__u8 has_ports;
	__u16 zero;
};

/* What of the frame was read; NULL: not so far. */
static __always_inline const __u8 *capture_at(const struct lb_capturing *c, __u32 off, __u32 len)
{
	if (off > CAPTURE_AT || off + len > c->frame.kept)
		return NULL;
	return &c->bytes[off & CAPTURE_AT];
}

static __always_inline __be16 capture_word(const __u8 *at)
{
	__be16 ret;

	__builtin_memcpy(&ret, at, sizeof(ret));
	return ret;
}

static __always_inline bool capture_read_v4(struct lb_capturing *c, __u32 off,
					    struct capture_key *k, bool *ret_later)
{
	const __u8 *ip = capture_at(c, off, sizeof(struct iphdr));
	__u32 addr;

	if (!ip)
		return false;
	c->l4_off = off + (ip[0] & 15) * 4;
	k->proto = ip[9];
	__builtin_memcpy(&addr, ip + 12, sizeof(addr));
	addr_from_v4(k->saddr, addr);
	__builtin_memcpy(&addr, ip + 16, sizeof(addr));
	addr_from_v4(k->daddr, addr);
	*ret_later = capture_word(ip + 6) & bpf_htons(IP_OFFSET);
	return true;
}

/* Extension headers are not walked: such a packet has no ports here. */
static __always_inline bool capture_read_v6(struct lb_capturing *c, __u32 off,
					    struct capture_key *k)
{
	const __u8 *ip = capture_at(c, off, sizeof(struct ipv6hdr));

	if (!ip)
		return false;
	c->l4_off = off + sizeof(struct ipv6hdr);
	k->proto = ip[6];
	__builtin_memcpy(k->saddr, ip + 8, sizeof(k->saddr));
	__builtin_memcpy(k->daddr, ip + 24, sizeof(k->daddr));
	return true;
}

/* Reads the packet whose IP header lies at `off`. */
static __always_inline bool capture_read(struct lb_capturing *c, __u32 off, struct capture_key *k)
{
	const __u8 *at = capture_at(c, off, 1);
	bool is_later = false;

	if (!at)
		return false;
	if (at[0] >> 4 == 4) {
		if (!capture_read_v4(c, off, k, &is_later))
			return false;
	} else if (at[0] >> 4 != 6 || !capture_read_v6(c, off, k)) {
		return false;
	}
	c->frame.ip_off = off;
	at = capture_at(c, c->l4_off, 4);
	k->has_ports =
		at && !is_later &&
		(k->proto == IPPROTO_TCP || k->proto == IPPROTO_UDP || k->proto == IPPROTO_SCTP);
	k->sport = k->has_ports && at ? capture_word(at) : 0;
	k->dport = k->has_ports && at ? capture_word(at + 2) : 0;
	return true;
}

/* Where the IP header lies; 0: there is none. */
static __always_inline __u32 capture_ip_off(const struct lb_capturing *c)
{
	__u32 off = sizeof(struct ethhdr);
	const __u8 *at;

	for (int i = 0; i < 2; i++) {
		at = capture_at(c, off - 2, 2);
		if (at && vlan_is_tag(capture_word(at)))
			off += sizeof(struct vlan_hdr);
	}
	at = capture_at(c, off - 2, 2);
	if (!at ||
	    (capture_word(at) != bpf_htons(ETH_P_IP) && capture_word(at) != bpf_htons(ETH_P_IPV6)))
		return 0;
	return off;
}
#endif
