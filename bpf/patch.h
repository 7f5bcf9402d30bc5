/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of headers by offset, a helper call for each field: whatever is not the straight path of
 * rewrite.h. Checksums go by difference, as there. bytes_xdp.h or bytes_skb.h comes before.
 */
#pragma once

#include "common.h"
#include "csum.h"

enum patch_end { PATCH_SOURCE, PATCH_DESTINATION };

static __always_inline __u32 patch_ip_len(__u8 family)
{
	return family == FAMILY_V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* What of an IPv4 header is changed, as it lies there: one call reads it and one writes it. */
struct patch_v4 {
	__u16 check;
	__u16 saddr[2], daddr[2];
};
_Static_assert(sizeof(struct patch_v4) == 10, "the end of struct iphdr");

/* One address of an IP header; l3_delta is what the change adds to sums. IPv6 has none of its own.
 */
static __always_inline void patch_address(lb_bytes *to, __u32 ip_off, __u8 family,
					  enum patch_end end, const __u32 addr[4], __u16 l3_delta)
{
	__u32 check_off = ip_off + __builtin_offsetof(struct iphdr, check), words[4];
	struct patch_v4 v4;

	addr_copy(words, addr);
	if (family == FAMILY_V6) {
		lb_bytes_write(to,
			       ip_off + (end == PATCH_SOURCE
						 ? __builtin_offsetof(struct ipv6hdr, saddr)
						 : __builtin_offsetof(struct ipv6hdr, daddr)),
			       words, sizeof(words));
		return;
	}
	if (!lb_bytes_read(to, check_off, &v4, sizeof(v4)))
		return;
	v4.check = csum_add(v4.check, l3_delta);
	__builtin_memcpy(end == PATCH_SOURCE ? v4.saddr : v4.daddr, &words[3], sizeof(words[3]));
	lb_bytes_write(to, check_off, &v4, sizeof(v4));
}

/* One port; TCP and UDP have them at the same place. */
static __always_inline void patch_port(lb_bytes *to, __u32 l4_off, enum patch_end end, __be16 port)
{
	lb_bytes_write(to,
		       l4_off + (end == PATCH_SOURCE ? __builtin_offsetof(struct udphdr, source)
						     : __builtin_offsetof(struct udphdr, dest)),
		       &port, sizeof(port));
}

static __always_inline __u32 patch_check_at(__u8 proto)
{
	return proto == IPPROTO_UDP ? __builtin_offsetof(struct udphdr, check)
				    : __builtin_offsetof(struct tcphdr, check);
}

static __always_inline __u16 patch_l4_sum(__u8 proto, __u16 check, __u16 l4_delta)
{
	return proto == IPPROTO_UDP ? csum_add_udp(check, l4_delta) : csum_add(check, l4_delta);
}

/* The sum of a TCP or UDP header by l4_delta. */
static __always_inline void patch_l4_check(lb_bytes *to, __u32 l4_off, __u8 proto, __u16 l4_delta)
{
	__u32 off = l4_off + patch_check_at(proto);
	__u16 check;

	if (!lb_bytes_read(to, off, &check, sizeof(check)))
		return;
	check = patch_l4_sum(proto, check, l4_delta);
	lb_bytes_write(to, off, &check, sizeof(check));
}
