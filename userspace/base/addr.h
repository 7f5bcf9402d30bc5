// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * IP addresses and prefixes. An address is 16 bytes in network order; IPv4 is held in its mapped
 * form (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that keys have one width everywhere. All zero means
 * "none". A prefix counts its length in bits of its own family (0..32, 0..128) and has its host
 * bits cleared.
 *
 * The family is the address's own and is kept nowhere else. What there is once for each family is
 * an array over enum ip_family; IPv4 comes first in every order.
 */
#pragma once

#include "base/mem.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

enum ip_family { IP_V4, IP_V6, IP_N_FAMILIES };

struct ip_addr {
	uint8_t b[16];
};

struct ip_prefix {
	struct ip_addr addr;
	uint8_t len;
};

/* Inclusive at both ends; both of one family, first <= last. */
struct ip_range {
	struct ip_addr first, last;
};

#define IP_ADDR_TEXT   48 /* room for the longest text of an address, with NUL */
#define IP_PREFIX_TEXT 52

static inline bool ip_addr_is_none(const struct ip_addr *a)
{
	static const struct ip_addr none;

	return memcmp(a, &none, sizeof(none)) == 0;
}
static inline uint64_t ip_addr_half(const struct ip_addr *a, unsigned half)
{
	uint64_t v;

	memcpy(&v, a->b + 8 * half, sizeof(v));
	return be64toh(v);
}
static inline bool ip_addr_is_v4(const struct ip_addr *a)
{
	return ip_addr_half(a, 0) == 0 && ip_addr_half(a, 1) >> 32 == 0xffff;
}
static inline enum ip_family ip_family_of(const struct ip_addr *a)
{
	return ip_addr_is_v4(a) ? IP_V4 : IP_V6;
}
/* "IPv4", "IPv6". */
const char *ip_family_text(enum ip_family family);
/* The widest prefix length of the family: 32 or 128. */
static inline uint8_t ip_family_bits(enum ip_family family)
{
	return family == IP_V4 ? 32 : 128;
}
/*
 * By family, then by value: what is under one prefix stands together, also under ::/0. Without a
 * call, which would be most of what a search among addresses costs.
 */
static inline int ip_addr_cmp(const struct ip_addr *a, const struct ip_addr *b)
{
	const uint64_t high_a = ip_addr_half(a, 0), high_b = ip_addr_half(b, 0);
	const uint64_t low_a = ip_addr_half(a, 1), low_b = ip_addr_half(b, 1);
	bool v4_a, v4_b;

	if (high_a != high_b)
		return high_a < high_b ? -1 : 1;
	v4_a = high_a == 0 && low_a >> 32 == 0xffff;
	v4_b = high_a == 0 && low_b >> 32 == 0xffff;
	if (v4_a != v4_b)
		return v4_a ? -1 : 1;
	return (low_a > low_b) - (low_a < low_b);
}
static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_addr_cmp(a, b) == 0;
}
/* From and to the IPv4 value in host order; the latter needs ip_addr_is_v4. */
struct ip_addr ip_addr_from_v4(uint32_t host_order);
uint32_t ip_addr_v4(const struct ip_addr *a);

/* Text of one literal (no host name, no zone, no spaces). False leaves *ret untouched. */
bool ip_addr_parse(const char *text, struct ip_addr *ret) must_check;
/* Writes dotted IPv4 or RFC 5952 IPv6 text to buf (IP_ADDR_TEXT) and returns buf. */
const char *ip_addr_text(const struct ip_addr *a, char buf[IP_ADDR_TEXT]);

/* fe80::/10, 169.254.0.0/16: of one link only. */
bool ip_addr_is_link_local(const struct ip_addr *a);
/* ::1, 127.0.0.0/8 */
bool ip_addr_is_loopback(const struct ip_addr *a);
/* May be a host's: none of 0.0.0.0/8, 224.0.0.0/4 and 255.255.255.255, ::, ff00::/8. */
bool ip_addr_is_unicast(const struct ip_addr *a);

/* The next address, for walking a range; wraps at the end of the 16 bytes. And the one before. */
struct ip_addr ip_addr_next(const struct ip_addr *a);
struct ip_addr ip_addr_before(const struct ip_addr *a);

/* ip_family_bits of the address's family. */
uint8_t ip_addr_bits(const struct ip_addr *a);
/* The prefix of length len that holds a; len is capped at the family's. */
struct ip_prefix ip_prefix_of(const struct ip_addr *a, uint8_t len);
/* "10.0.0.1/24" (host bits are cleared); a bare address or the mapped form is refused. */
bool ip_prefix_parse(const char *text, struct ip_prefix *ret) must_check;
const char *ip_prefix_text(const struct ip_prefix *p, char buf[IP_PREFIX_TEXT]);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a);
/* From its first address to its last. */
struct ip_range ip_prefix_range(const struct ip_prefix *p);
/* By address, then length. */
static inline int ip_prefix_cmp(const struct ip_prefix *a, const struct ip_prefix *b)
{
	const int order = ip_addr_cmp(&a->addr, &b->addr);

	return order ? order : (int)a->len - (int)b->len;
}

/* "10.0.0.0/24" or "10.0.0.1-10.0.0.9" (spaces round the dash allowed), as in a pool. */
bool ip_range_parse(const char *text, struct ip_range *ret) must_check;
bool ip_range_has(const struct ip_range *r, const struct ip_addr *a);
bool ip_range_overlaps(const struct ip_range *a, const struct ip_range *b);
/* Length of the shortest (widest) CIDR in the range's minimal CIDR list. */
uint8_t ip_range_shortest_cidr(const struct ip_range *r);
/* Number of addresses, saturating at UINT64_MAX. */
uint64_t ip_range_count(const struct ip_range *r);
