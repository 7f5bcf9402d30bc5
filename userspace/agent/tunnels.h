// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The other nodes as the agent knows them: who answers the tunnel's echo (plan/tunnel_prober.h),
 * asked from this node's own ends by a socket of each family. What changes makes a plan due, which
 * says who may be tunnelled to; with it the data plane is told so. By another socket of each family
 * agents tell each other of unsettled rows (lb/lb_settling.h).
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/nsec.h"
#include "plan/plan_remote.h"

#include <stdbool.h>
#include <stddef.h>

struct agent;
struct lb_settling;
struct loop_fd;
struct plan;
struct plan_actual;
struct tunnel_prober;

/* A socket at this node's end of one family. */
struct agent_tunnel_end {
	struct agent *agent;
	uint16_t port;      /* 0: any, by which others are asked; else that agents speak by */
	struct ip_addr own; /* none: there is none */
	int fd;             /* -1: it could not be had */
	struct loop_fd *watch;
	int error;       /* -errno why; 0 */
	nsec_t retry_at; /* NSEC_NEVER: nothing to try */
};

struct agent_tunnels {
	struct tunnel_prober *prober; /* owned */
	struct agent_tunnel_end ends[IP_N_FAMILIES], speaks[IP_N_FAMILIES];
	const struct lb_settling *settling; /* that was begun; only to be compared */
	nsec_t nodes_at;                    /* it is told anew who is there */
	uint64_t seen;                      /* generation of the prober that a plan was made of */
	bool is_under_way;                  /* the data plane is to be told of the current plan's */
	bool was_told;                      /* ... and was told of a former one's */
	int error;                          /* -errno of the last time; 0: it went well */
};

void tunnels_start(struct agent *a);
void tunnels_stop(struct agent *a);

/* What is known of who is asked, into *ret; in the arena. */
void tunnels_tell(const struct agent *a, struct arena *arena, struct plan_actual *ret);

/* Asks those that the plan names, from the ends that it names, and no others. */
void tunnels_apply(struct agent *a, const struct plan *plan, nsec_t now);

/*
 * Tells the data plane of the plan's nodes and the ways to them, before frontends that name them.
 * True: it is over, well or not.
 */
bool tunnels_program(struct agent *a, nsec_t now) must_check;

/* Asks who is due, and notes who turned silent; returns when that is next. */
nsec_t tunnels_tick(struct agent *a, nsec_t now);
