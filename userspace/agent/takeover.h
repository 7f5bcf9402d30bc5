// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the kernel forwards before we do: flows that it has for a VIP stay with it (DESIGN 7.2 step
 * 8), so they are entered into a map of the programs, and the plan has to know of them before it
 * begins the VIP. Which VIPs those are the plan says itself (plan.begins): one without endpoints
 * here is none of them, nor is any where the data plane is off. As long as one of the flows lives
 * conntrack is read again and again.
 */
#pragma once

#include "base/arena.h"
#include "base/nsec.h"
#include "lb/lb_kernel_flows.h"

/* What conntrack said last, and about which VIPs: a dump of it is not cheap. */
struct agent_taken {
	struct arena *arena;      /* owned; holds items and missed */
	struct plan_taken *items; /* by VIP */
	size_t n;
	struct lb_kernel_keys missed;      /* for the next dump */
	nsec_t until;                      /* the answer is good for those that have not begun */
	nsec_t again_at;                   /* for those that nobody has to wait for: not before */
	nsec_t ask_at;                     /* about what the present plan says, whatever is known */
	struct takeover_programmed *since; /* VIPs of the last plan that asked; owned */
	size_t n_since;
	bool at_rest;   /* a whole picture was asked about; what comes now need not wait */
	bool wants_map; /* the kernel has a flow, and there was no map to enter it into */
	unsigned n_dumps;
	struct takeover_job *job; /* with the helper; NULL: none */
};

/* How conntrack is set up, looked at now and then. */
struct agent_conntrack {
	nsec_t look_at;
	bool is_full; /* nearly */
	bool is_strict;
};

struct agent;
struct agent_plan;
struct plan;

/* How long an answer is good for at least, and how soon flows are looked for again. */
#define TAKEOVER_AGAIN_NS (5 * NSEC_PER_SEC)

/* Looks at conntrack's settings, if that was long ago, for problems_own.h. */
void takeover_look(struct agent *a, nsec_t now);
/* Before a plan is computed: the last answer into p->node. */
void takeover_recall(const struct agent *a, struct agent_plan *p, nsec_t now);
/*
 * After it: asks about the VIPs that the plan names, unless the last answer covers them, or has
 * takeover_tick() do so in time. The answer makes a plan due, and that it is none any more, too.
 */
void takeover_ask(struct agent *a, const struct plan *plan, nsec_t now);
/* Asks about what is due by the present plan, without another; when to call again at the latest. */
nsec_t takeover_tick(struct agent *a, nsec_t now);
