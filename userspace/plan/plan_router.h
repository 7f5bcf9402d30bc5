// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who advertises itself as a router on a link (RFC 4861): where a peer by interface is. An input of
 * the plan; plan_peer_link.c makes the two ends of a session of it.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct plan_router {
	int ifindex;
	struct ip_addr addr; /* link-local */
};
struct plan_routers {
	const struct plan_router *items; /* by ifindex, one each */
	size_t n;
};
