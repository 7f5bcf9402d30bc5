// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * VRFs of our making as a sink of the agent: when they are made and taken away
 * (plan/plan_made_vrf.h), and what of it is logged and told.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"
#include "base/problem.h"

struct agent;
struct agent_vrf;
struct plan;
struct vrfs_job;

struct agent_vrfs {
	struct arena *arena;      /* owned; holds what is below; NULL: nothing is */
	struct vrfs_job *job;     /* with the helper, which frees it when it is back; NULL: none */
	struct agent_vrf *failed; /* what could not be made or taken away, and why */
	size_t n_failed;
	const char **there; /* names of ours that were there by the last plan's node */
	size_t n_there;
	uint64_t tried;  /* hash of what was to be done then; 0: nothing */
	nsec_t again_at; /* it is tried again, if that is still so */
};

void vrfs_stop(struct agent *a);

/*
 * Lets the helper make and take away what plan and node say, unless that was just tried. The node
 * shows what came of it, and problems follow with the next plan.
 */
void vrfs_apply(struct agent *a, const struct plan *plan, nsec_t now);

void vrfs_problems(const struct agent *a, struct problems *list);

/* lodestoned --cleanup: takes away all that are ours. 0 or -errno. */
int vrfs_cleanup(void) must_check;
