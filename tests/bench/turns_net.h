// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The small world that bench_turns and bench_wire measure the agent in: namespaces of this
 * process's own with a router behind a cable, and what fills the kernel's tables there. All of it
 * ends with the process.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>

#define TURNS_ROUTER   "192.0.2.1"
#define TURNS_ROUTER_2 "192.0.2.3" /* the same router by other addresses, each with a session */
#define TURNS_ROUTER_3 "192.0.2.4"
#define TURNS_ROUTER_4 "192.0.2.5"

/*
 * Enters a mount and a network namespace with bpffs, eth0 (192.0.2.2/24) and a router at its other
 * end, which takes BGP sessions and reads all that it is told. False, with errno: refused here.
 */
bool turns_net_enter(void);
void turns_net_leave(void);

/*
 * The next UPDATE that the router read and that has a prefix, in order; false: there was none for
 * so long.
 */
struct turns_update {
	nsec_t at; /* when it was read, CLOCK_MONOTONIC */
	uint16_t n_withdrawn, n_announced;
};
bool turns_net_update(struct turns_update *ret, int timeout_ms);

/* Runs a command of iproute2 in the namespace; ends the process if it fails. */
void turns_net_ip(const char *arguments);

/* n routes through eth0. */
void turns_net_add_routes(size_t n);

/* n connections that the kernel tracks. 0, or -errno: it tracks nothing, or takes none from us. */
int turns_net_add_flows(size_t n);
