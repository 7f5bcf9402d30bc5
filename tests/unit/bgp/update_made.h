// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sessions, prefixes and addresses from text, for the tests of the UPDATE encoder.
 */
#pragma once

#include "bgp/bgp_update.h"
#include "unit/bgp/octets.h"

/* The two IPv4 prefixes that the tests of single messages announce or withdraw. */
#define NLRI "18 c00002  20 c6336407"

static inline struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	if (!ip_prefix_parse(text, &p))
		fail_msg("%s", text);
	return p;
}

static inline struct bgp_update_session session(uint32_t local_asn, bool is_ibgp, bool as4)
{
	return (struct bgp_update_session){.local_asn = local_asn,
					   .is_ibgp = is_ibgp,
					   .as4 = as4,
					   .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
					   .local.ipv4 = ip_addr_from_v4(0x0a000001)};
}

static inline struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s", text);
	return a;
}
