// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One reader and one writer for both families: they differ in how many bits an address has, and in
 * where these lie in a struct ip_addr (IPv4 in the last four octets).
 */
#include "bgp/bgp_nlri.h"

#include <assert.h>

static uint8_t bits_of(enum bgp_family f)
{
	return f == BGP_IPV4_UNICAST ? 32 : 128;
}

/* The octets of an address that prefixes of the family are cut from. */
static size_t first_octet(enum bgp_family f)
{
	return 16u - bits_of(f) / 8u;
}

/* One prefix as it lies on the wire; false: the end, or too long, or cut off. */
static bool read_raw(struct rcur *c, enum bgp_family f, uint8_t *ret_len, const uint8_t **ret)
{
	if (c->failed || rcur_left(c) == 0)
		return false;
	*ret_len = rcur_u8(c);
	*ret = rcur_bytes(c, (*ret_len + 7u) / 8);
	return !c->failed && *ret_len <= bits_of(f);
}

/* Within ::ffff:0:0/96: there are no IPv6 routes to IPv4 addresses (RFC 4291 2.5.5.2). */
static bool is_mapped(enum bgp_family f, uint8_t len, const uint8_t *octets)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return f == BGP_IPV6_UNICAST && len >= 96 && memcmp(octets, mapped, sizeof(mapped)) == 0;
}

bool bgp_nlri_next(struct rcur *c, enum bgp_family family, struct ip_prefix *ret)
{
	struct ip_addr addr = {0};
	const uint8_t *octets;
	uint8_t len;

	do {
		if (!read_raw(c, family, &len, &octets))
			return false;
	} while (is_mapped(family, len, octets));
	if (family == BGP_IPV4_UNICAST)
		addr = ip_addr_from_v4(0);
	if (len > 0)
		memcpy(addr.b + first_octet(family), octets, (len + 7u) / 8);
	*ret = ip_prefix_of(&addr, len);
	return true;
}

bool bgp_nlri_count(struct rcur c, enum bgp_family family, size_t *ret)
{
	const uint8_t *octets;
	uint8_t len;
	size_t n = 0;

	while (rcur_left(&c) > 0) {
		if (!read_raw(&c, family, &len, &octets))
			return false;
		n += !is_mapped(family, len, octets);
	}
	*ret = n;
	return true;
}

size_t bgp_nlri_write(struct wcur *w, enum bgp_family family, const struct ip_prefix *prefixes,
		      size_t n, size_t reserve)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct ip_prefix *p = &prefixes[i];
		size_t octets = (p->len + 7u) / 8;

		assert(bgp_family_of_addr(&p->addr) == family && p->len <= bits_of(family));
		if (w->failed || wcur_room(w) < 1 + octets + reserve)
			break;
		wcur_u8(w, p->len);
		wcur_bytes(w, p->addr.b + first_octet(family), octets);
	}
	return i;
}
