// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's blackholes as a sink of the agent: when a pass is made (plan/plan_kernel_pass.h),
 * what of it is logged and told, and what the next plan knows of it.
 */
#pragma once

#include "base/nsec.h"
#include "plan/plan_kernel_pass.h"

struct agent;
struct blackholes_job;
struct plan;
struct plan_actual;
struct nlsock;

struct agent_blackholes {
	struct nlsock *sock; /* owned; NULL: they cannot be placed, and routes do not wait for it */
	int error;           /* why: -errno */
	struct kernel_state state;
	struct blackholes_job *job; /* owned; the pass that is with the helper, if one is */
	bool is_known;              /* what an earlier process left was looked at */
	uint64_t wanted;            /* hash of what the last pass was to place */
	nsec_t pass_at;             /* the next is made then, whether or not something changed */
};

/* Opens its socket and lets the helper look at what an earlier process left. Total. */
void blackholes_start(struct agent *a);
/* The helper has come back. */
void blackholes_stop(struct agent *a);

/* Before that no plan is made, which might take away what was found. */
bool blackholes_are_known(const struct agent *a);

/* The socket by which they are placed (netlink_ignore()); 0: none. */
uint32_t blackholes_port(const struct agent *a);

/* What was tried, into what the next plan is made from. */
void blackholes_tell(const struct agent *a, struct arena *arena, struct plan_actual *actual);

/*
 * Lets the helper bring the kernel to the plan, if that is another one than last time, or somebody
 * changed what is ours, or it is time. One pass at a time; what comes of it is the next plan's.
 */
void blackholes_apply(struct agent *a, const struct plan *plan, nsec_t now);

void blackholes_problems(const struct agent *a, struct problems *list);

/* lodestoned --cleanup: takes away all that is ours, whoever placed it. 0 or -errno. */
int blackholes_cleanup(void) must_check;
