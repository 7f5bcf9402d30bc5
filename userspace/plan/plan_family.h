// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What becomes of an address depends on its family in two places only: whether the programs forward
 * it, said here for the whole of the plan; and whether a session carries its routes, which each
 * peer's bgp_peer_config.families says (plan_env.carriers).
 */
#pragma once

#include "base/addr.h"
#include "bgp/bgp_peer.h"

/* The programs forward packets to addresses of the family: its frontends may be programmed. */
static inline bool plan_family_served(enum ip_family family)
{
	return family == IP_V4;
}

/* By which its routes are carried. */
static inline enum bgp_family plan_bgp_family(enum ip_family family)
{
	return family == IP_V4 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST;
}
