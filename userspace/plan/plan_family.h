// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The programs forward both families alike; whether a session carries an address's routes is what
 * each peer's bgp_peer_config.families says (plan_env.carriers).
 */
#pragma once

#include "base/addr.h"
#include "bgp/bgp_peer.h"

/* By which its routes are carried. */
static inline enum bgp_family plan_bgp_family(enum ip_family family)
{
	return family == IP_V4 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST;
}
