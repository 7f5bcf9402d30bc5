// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's blackholes as a sink of the agent: when a pass is made (plan/plan_kernel_pass.h),
 * what of it is logged and told, and what the next plan knows of it.
 */
#pragma once

#include "base/nsec.h"
#include "plan/plan_kernel_pass.h"

struct agent;
struct plan;
struct plan_actual;
struct nlsock;

struct agent_blackholes {
	struct nlsock *sock; /* owned; NULL: they cannot be placed, and routes do not wait for it */
	int error;           /* why: -errno */
	struct kernel_state state;
	uint64_t wanted; /* hash of what the last pass was to place */
	nsec_t pass_at;  /* the next is made then, whether or not something changed */
};

/* Opens its socket and looks at what an earlier process left. Total. */
void blackholes_start(struct agent *a);
void blackholes_stop(struct agent *a);

/* The socket by which they are placed (netlink_ignore()); 0: none. */
uint32_t blackholes_port(const struct agent *a);

/* What was tried, into what the next plan is made from. */
void blackholes_tell(const struct agent *a, struct arena *arena, struct plan_actual *actual);

/*
 * Brings the kernel to the plan, if that is another one than last time, or somebody changed what is
 * ours, or it is time. True: the next plan may do more.
 */
bool blackholes_apply(struct agent *a, const struct plan *plan, nsec_t now);

void blackholes_problems(const struct agent *a, struct problems *list);

/* lodestoned --cleanup: takes away all that is ours, whoever placed it. 0 or -errno. */
int blackholes_cleanup(void) must_check;
