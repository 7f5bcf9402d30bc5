// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Other nodes as ends of tunnels: what of them is known, and what the plan wants of them; part of
 * plan_inputs.h and plan.h.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* What a tunnel adds to a client's packet at most, and the largest that clients mostly send. */
#define PLAN_TUNNEL_ROOM_V4 108u /* outer IPv4 */
#define PLAN_TUNNEL_ROOM_V6 128u
#define PLAN_TUNNEL_INNER   1500u

/* Of the control echo: whether an address tunnels to. */
enum plan_remote_state {
	REMOTE_UNKNOWN, /* asked not long enough to tell */
	REMOTE_ANSWERS,
	REMOTE_SILENT,  /* no answer for long */
	REMOTE_STRANGE, /* it answers, and speaks nothing that we do */
	REMOTE_LEAVING, /* it answers that no flow is to begin there */
};
struct plan_actual_remote {
	struct ip_addr addr;
	enum plan_remote_state state;
};

/* Whom ways are looked for to: other nodes, and real servers beyond them. */
struct plan_way_end {
	struct ip_addr addr;
	struct ip_addr source; /* that packets go there from; none: as the kernel's routes say */
	bool by_any;           /* of the node's devices, not the uplinks alone (LB_BY_NAT) */
};

/* A node that is asked, and tunnelled to as long as it answers. */
struct plan_remote {
	struct ip_addr addr;
	const char *node;
	enum plan_remote_state state;
};
