// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The numbers and names of the families that we speak (RFC 4760, IANA), in one table. */
#include "bgp/bgp_family.h"

#include "bgp/bgp_wire.h"

#include <assert.h>
#include <stdio.h>

static const struct {
	uint16_t afi;
	uint8_t safi;
	const char *text;
} families[] = {
	[BGP_IPV4_UNICAST] = {BGP_AFI_IPV4, BGP_SAFI_UNICAST, "IPv4 unicast"},
	[BGP_IPV6_UNICAST] = {BGP_AFI_IPV6, BGP_SAFI_UNICAST, "IPv6 unicast"},
};
_Static_assert(ARRAY_SIZE(families) == BGP_N_FAMILIES, "each family has its numbers");
_Static_assert(BGP_N_FAMILIES <= 8 * sizeof(struct bgp_families), "each family has its bit");

uint16_t bgp_family_afi(enum bgp_family f)
{
	assert(f < BGP_N_FAMILIES);
	return families[f].afi;
}

uint8_t bgp_family_safi(enum bgp_family f)
{
	assert(f < BGP_N_FAMILIES);
	return families[f].safi;
}

bool bgp_family_of(uint16_t afi, uint8_t safi, enum bgp_family *ret)
{
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		if (families[f].afi == afi && families[f].safi == safi) {
			*ret = f;
			return true;
		}
	}
	return false;
}

enum bgp_family bgp_family_of_addr(const struct ip_addr *a)
{
	return ip_addr_is_v4(a) ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST;
}

const char *bgp_families_text(struct bgp_families set, char buf[BGP_FAMILIES_TEXT])
{
	size_t at = 0;

	buf[0] = '\0';
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		if (bgp_families_has(set, f))
			at += (size_t)snprintf(buf + at, BGP_FAMILIES_TEXT - at, "%s%s",
					       at > 0 ? ", " : "", families[f].text);
	assert(at < BGP_FAMILIES_TEXT); /* all of them fit */
	return buf;
}

struct bgp_next_hops bgp_next_hops_of(const struct ip_addr *local)
{
	if (ip_addr_is_v4(local))
		return (struct bgp_next_hops){.ipv4 = *local};
	if (ip_addr_is_link_local(local))
		return (struct bgp_next_hops){.ipv6_link_local = *local};
	return (struct bgp_next_hops){.ipv6 = *local};
}
