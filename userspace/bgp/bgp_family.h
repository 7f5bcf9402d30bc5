// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The address families that we speak, as one enum, and a set of them. On the wire a family is a
 * pair of numbers (AFI and SAFI, RFC 4760); within, everything that a session has once per family
 * is an array over this enum or such a set. Another family is one more line here and in the table
 * of bgp_family.c.
 */
#pragma once

#include "base/addr.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bgp_family { BGP_IPV4_UNICAST, BGP_IPV6_UNICAST, BGP_N_FAMILIES };

/* A set; plain to copy. Zero is the empty one. */
struct bgp_families {
	uint8_t bits;
};

/* For initialisers: {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}. */
#define BGP_FAMILY_BIT(family) (1u << (family))

static inline bool bgp_families_has(struct bgp_families set, enum bgp_family f)
{
	assert(f < BGP_N_FAMILIES);
	return set.bits >> f & 1;
}
/* Puts f in, or takes it out. */
static inline void bgp_families_put(struct bgp_families *set, enum bgp_family f, bool in)
{
	set->bits = (uint8_t)((set->bits & ~BGP_FAMILY_BIT(f)) | (unsigned)in << f);
}
static inline bool bgp_families_equal(struct bgp_families a, struct bgp_families b)
{
	return a.bits == b.bits;
}
static inline bool bgp_families_is_empty(struct bgp_families set)
{
	return set.bits == 0;
}
static inline struct bgp_families bgp_families_common(struct bgp_families a, struct bgp_families b)
{
	return (struct bgp_families){a.bits & b.bits};
}

/* AFI and SAFI to and from; false, *ret untouched: none that we speak. */
uint16_t bgp_family_afi(enum bgp_family f);
uint8_t bgp_family_safi(enum bgp_family f);
bool bgp_family_of(uint16_t afi, uint8_t safi, enum bgp_family *ret) must_check;
/* That of the routes to such addresses. */
enum bgp_family bgp_family_of_addr(const struct ip_addr *a);

#define BGP_FAMILIES_TEXT 32
/* "IPv4 unicast, IPv6 unicast"; "" for none. Returns buf. */
const char *bgp_families_text(struct bgp_families set, char buf[BGP_FAMILIES_TEXT]);

/*
 * Our own addresses on one connection; "none" where it has none of the kind. What NEXT_HOP and
 * MP_REACH say unless the attributes say otherwise (RFC 2545 3 has two for IPv6).
 */
struct bgp_next_hops {
	struct ip_addr ipv4, ipv6, ipv6_link_local;
};
/* Those of a connection of which only its own end's address is known. */
struct bgp_next_hops bgp_next_hops_of(const struct ip_addr *local);
