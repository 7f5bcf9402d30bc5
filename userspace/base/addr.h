// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * IP addresses and prefixes. An address is 16 bytes in network order; IPv4 is held in its mapped
 * form (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that keys have one width everywhere and memcmp orders
 * them. All zero means "none". A prefix counts its length in bits of its own family (0..32, 0..128)
 * and has its host bits cleared.
 */
#pragma once

#include "base/mem.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

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
/* As memcmp, whose call is most of what a search among addresses would cost. */
static inline int ip_addr_cmp(const struct ip_addr *a, const struct ip_addr *b)
{
	uint64_t x[2], y[2];
	unsigned half;

	memcpy(x, a->b, sizeof(x));
	memcpy(y, b->b, sizeof(y));
	half = x[0] == y[0];
	x[half] = be64toh(x[half]);
	y[half] = be64toh(y[half]);
	return (x[half] > y[half]) - (x[half] < y[half]);
}
static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_addr_cmp(a, b) == 0;
}
bool ip_addr_is_v4(const struct ip_addr *a);

/* From and to the IPv4 value in host order; the latter needs ip_addr_is_v4. */
struct ip_addr ip_addr_from_v4(uint32_t host_order);
uint32_t ip_addr_v4(const struct ip_addr *a);

/* Text of one literal (no host name, no zone, no spaces). False leaves *ret untouched. */
bool ip_addr_parse(const char *text, struct ip_addr *ret) must_check;
/* Writes dotted IPv4 or RFC 5952 IPv6 text to buf (IP_ADDR_TEXT) and returns buf. */
const char *ip_addr_text(const struct ip_addr *a, char buf[IP_ADDR_TEXT]);

/* The next address, for walking a range; wraps at the end of the 16 bytes. */
struct ip_addr ip_addr_next(const struct ip_addr *a);

/* The widest prefix length of the address's family: 32 or 128. */
uint8_t ip_addr_bits(const struct ip_addr *a);
/* The prefix of length len that holds a; len is capped at the family's. */
struct ip_prefix ip_prefix_of(const struct ip_addr *a, uint8_t len);
/* "10.0.0.1/24" (host bits are cleared); a bare address or the mapped form is refused. */
bool ip_prefix_parse(const char *text, struct ip_prefix *ret) must_check;
const char *ip_prefix_text(const struct ip_prefix *p, char buf[IP_PREFIX_TEXT]);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a);
int ip_prefix_cmp(const struct ip_prefix *a, const struct ip_prefix *b); /* address, then length */

/* "10.0.0.0/24" or "10.0.0.1-10.0.0.9" (spaces round the dash allowed), as in a pool. */
bool ip_range_parse(const char *text, struct ip_range *ret) must_check;
bool ip_range_has(const struct ip_range *r, const struct ip_addr *a);
bool ip_range_overlaps(const struct ip_range *a, const struct ip_range *b);
/* Length of the shortest (widest) CIDR in the range's minimal CIDR list. */
uint8_t ip_range_shortest_cidr(const struct ip_range *r);
/* Number of addresses, saturating at UINT64_MAX. */
uint64_t ip_range_count(const struct ip_range *r);
