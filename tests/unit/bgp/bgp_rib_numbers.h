// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Prefixes and attribute sets by number, for the tests of the Adj-RIB-Out.
 */
#pragma once

#include "bgp/bgp_rib.h"
#include "unit/bgp/octets.h"

static const struct bgp_families rib_all = {BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1};

static inline struct ip_prefix prefix_of(uint32_t i)
{
	struct ip_addr a = ip_addr_from_v4(0x0a000000 + i * 256);

	return ip_prefix_of(&a, 24);
}

/* 2001:db8:0:i::/64: behind all of IPv4, in order of i. */
static inline struct ip_prefix v6_prefix_of(uint8_t i)
{
	struct ip_addr a = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, i}};

	return ip_prefix_of(&a, 64);
}

static const uint32_t communities[] = {10, 20, 30};

static inline struct bgp_attrs set_of(uint32_t i)
{
	return (struct bgp_attrs){
		.has_med = true, .med = i / 3, .communities = communities, .n_communities = i % 3};
}

static inline bool is_dirty(const struct bgp_rib *rib)
{
	return bgp_rib_dirty(rib, BGP_IPV4_UNICAST) || bgp_rib_dirty(rib, BGP_IPV6_UNICAST);
}

/* Takes as many of any family, and announces what it likes. */
static inline size_t take(struct bgp_rib *rib, struct bgp_families families, struct ip_prefix *out,
			  size_t cap, struct bgp_rib_work *ret)
{
	const struct bgp_rib_room room = {.families = families, .cap = {cap, cap}};

	return bgp_rib_take(rib, &room, out, ret);
}
