// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How packets leave for other nodes and for real servers beyond them, by each uplink: the helper
 * asks the kernel (sys/rtnl_hops.h), and what it finds is an input of the plan. It is looked when
 * others are asked about, when links, addresses or the routes that are heard of changed, when a
 * neighbour on a way did, and every ten seconds, which is how long another route to a node may go
 * unnoticed.
 */
#pragma once

#include "base/nsec.h"
#include "sys/rtnl_hops.h"
#include "sys/worker.h"

#include <stdbool.h>

struct agent;
struct nlsock;
struct plan;
struct plan_actual;

/* What the helper works on. */
struct hops_job {
	struct worker_job base; /* first */
	struct agent *agent;    /* not the helper's */
	struct nlsock *socket;  /* owned; NULL: it could not be had yet */
	struct hop_ask *asks;   /* owned */
	size_t n_asks;
	struct arena *arena; /* owned; holds the picture */
	struct hop_picture picture;
	int error;
};

struct agent_hops {
	struct hops_job job;
	bool is_away;
	struct hop_ask *asks; /* sorted; owned */
	size_t n_asks;
	struct arena *arena; /* owned; holds what was found last */
	struct hop_picture picture;
	nsec_t look_at; /* NSEC_NEVER: nothing to look for */
	nsec_t looked_at;
	int error; /* -errno of the last look; 0 */
};

void tunnel_hops_start(struct agent *a);
/* The helper has come back. */
void tunnel_hops_stop(struct agent *a);

/* What was found last, into *ret; borrowed until the next time the helper comes back. */
void tunnel_hops_tell(const struct agent *a, struct plan_actual *ret);

/* Looks for ways from the plan's uplinks to the ends that it names. */
void tunnel_hops_apply(struct agent *a, const struct plan *plan, nsec_t now);

/* Something changed that ways may depend on. */
void tunnel_hops_changed(struct agent *a, nsec_t now);

/* Gives the helper what is due; returns when that is next. */
nsec_t tunnel_hops_tick(struct agent *a, nsec_t now);

/* lodestoned --cleanup: no neighbour is kept alive any more. 0 or -errno. */
int tunnel_hops_cleanup(void) must_check;
