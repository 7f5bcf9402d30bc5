// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers by interface: we advertise ourselves on their links, so that the router finds us, and hear
 * its advertisements, so that we find it. Whom we heard is an input of the plan (struct
 * plan_router), which makes the session's address of it. A link is spoken on while the plan has an
 * address of ours for it; one that goes down is forgotten, with the router on it.
 */
#pragma once

#include "base/arena.h"
#include "bgp/nd_link.h"

#include <stdbool.h>
#include <stddef.h>

struct agent_peers;
struct loop_fd;
struct plan_node;
struct tcp_end;

#define UNNUMBERED_RETRY_NS (5 * NSEC_PER_SEC) /* after the socket could not be had */

/* A link of a peer by interface. */
struct unnumbered_link {
	int ifindex;
	struct ip_addr own; /* our link-local address there */
	struct nd_link nd;
};
struct unnumbered {
	int fd; /* -1: no link, or it could not be had */
	struct loop_fd *watch;
	int error;                     /* -errno why; 0 */
	nsec_t retry_at;               /* NSEC_NEVER: nothing to try */
	struct unnumbered_link *items; /* by ifindex; owned */
	size_t n;
	bool heard; /* another router than before: the plan wants to know */
};

void unnumbered_init(struct agent_peers *all);
/* Speaks on the links that the peers ask for and on no others; after every change of them. */
void unnumbered_apply(struct agent_peers *all, nsec_t now);
/* Sends what is due; returns when the next is. */
nsec_t unnumbered_tick(struct agent_peers *all, nsec_t now);
void unnumbered_done(struct agent_peers *all);

/* Somebody dialled from there who is no peer: on a link of one it is the router. */
void unnumbered_met(struct agent_peers *all, const struct tcp_end *end, nsec_t now);

/* The routers that were heard, into node->routers; in the arena. */
void unnumbered_routers(const struct unnumbered *u, struct arena *arena, struct plan_node *node);
