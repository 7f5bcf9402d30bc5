// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes in the log: a line for each that a router was told of, or that it was told is gone, as far
 * as there are few. A start with thousands, or a Service that flaps, is counted and told in one
 * line.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"

#include <stddef.h>

#define ROUTE_LOG_BURST  50                  /* lines at once, */
#define ROUTE_LOG_A_LINE (NSEC_PER_SEC / 10) /* and one more in so long */

struct bgp_attrs;

struct route_log {
	nsec_t full_at; /* when a burst is allowed again; each line moves it on */
	size_t n_untold;
};

/* The router at `to`, of that name, was told of the route; attrs NULL: that it is gone. */
void route_log_add(struct route_log *l, nsec_t now, const char *peer, const struct ip_addr *to,
		   const struct ip_prefix *prefix, const struct bgp_attrs *attrs);

/* So many routes it has now, after those lines; told if there is room for a line. */
void route_log_total(struct route_log *l, nsec_t now, const char *peer, const struct ip_addr *to,
		     size_t n);

/* Tells how many had no line, once there is room for one; returns when to come again. */
nsec_t route_log_tick(struct route_log *l, nsec_t now);
