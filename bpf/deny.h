/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources that reach no VIP at all, also with what lives. While there are none, a bit says so that
 * lies in a word which is read for each packet to a VIP. While there are, one more array is read: a
 * bit for each /16 of IPv4 and each hash of a /32 of IPv6. The trie is asked only where that bit is
 * set.
 */
#pragma once

#include "common.h"
#include "maps.h"
#include "parse.h"
#include "ranges.h"

/* `uplink` is any word of `uplinks`. */
static __always_inline bool deny_asks(__u64 uplink)
{
	return uplink & LB_UPLINK_DENIES;
}

/* Two octets of the source at a time, as they lie in the packet. */
static __always_inline const __u16 *deny_octets(const struct packet *p)
{
	if (p->family == FAMILY_V4)
		return (const __u16 *)&((struct iphdr *)p->ip)->saddr;
	return ((struct ipv6hdr *)p->ip)->saddr.in6_u.u6_addr16;
}

static __always_inline bool deny_may(const struct packet *p)
{
	const __u16 *saddr = deny_octets(p);
	__u32 bit = p->family == FAMILY_V4 ? lb_deny_bit_v4(saddr[0])
					   : lb_deny_bit_v6(saddr[0], saddr[1]);
	__u32 word = bit >> 6;
	__u64 *bits = bpf_map_lookup_elem(&deny_bits, &word);

	return bits && READ_ONCE(*bits) >> (bit & 63) & 1;
}

/* By the halves of the address, as ranges_have(). The agent's self-test is never denied. */
__noinline bool deny_has(__u64 low, __u64 high)
{
	bool is_v4 = !low && (__u32)high == V4_PREFIX;

	if (!low && (!high || (is_v4 && !(high >> 32))))
		return false;
	return ranges_have(is_v4 ? LB_DENY_SET_V4 : LB_DENY_SET_V6, low, high);
}

static __always_inline bool deny_is(const __u32 saddr[4])
{
	return deny_has((__u64)saddr[1] << 32 | saddr[0], (__u64)saddr[3] << 32 | saddr[2]);
}
