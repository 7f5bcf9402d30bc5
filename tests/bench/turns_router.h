// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The router of bench_turns and its like: a process in a network namespace of its own that takes
 * BGP sessions at five addresses. It tells of the UPDATEs that it reads; at the last address it
 * sends routes itself. It ends with the process that started it.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURNS_ROUTER   "192.0.2.1"
#define TURNS_ROUTER_2 "192.0.2.3" /* the same router by other addresses, each with a session */
#define TURNS_ROUTER_3 "192.0.2.4"
#define TURNS_ROUTER_4 "192.0.2.5"
#define TURNS_FEEDER   "192.0.2.6" /* the one that sends routes */

/* Its end of the cable is the device eth1, which it takes into its namespace. */
void turns_router_start(void);
void turns_router_stop(void);

/*
 * The next UPDATE that the router read and that has a prefix, in order; false: there was none for
 * so long.
 */
struct turns_update {
	nsec_t at; /* when it was read, CLOCK_MONOTONIC */
	uint16_t n_withdrawn, n_announced;
};
bool turns_router_update(struct turns_update *ret, int timeout_ms);

/*
 * Sessions with the feeder begin with n routes, of length 24 from 11.0.0.0 on, and End-of-RIB; with
 * `restarts` it takes part in graceful restart and says that it went on forwarding. The session
 * that is there ends, without a word, as when a router fails.
 */
void turns_router_feed(size_t n, bool restarts);
