// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the kernel forwards before we do: flows that conntrack translates for a VIP stay with the
 * kernel (DESIGN 7.2 step 8), so the plan has to know of them before it begins the VIP. Which those
 * are the plan says itself (plan.begins): a VIP without endpoints here is none of them, nor is any
 * where the data plane is off.
 */
#pragma once

#include "base/nsec.h"

struct agent;
struct agent_plan;
struct plan;

/* How long an answer is good for, and how soon flows that are in the way are looked for again. */
#define TAKEOVER_AGAIN_NS (5 * NSEC_PER_SEC)

/* Before a plan is computed: the last answer into p->node, as far as it counts. */
void takeover_recall(const struct agent *a, struct agent_plan *p, nsec_t now);
/*
 * After it: asks about the VIPs that the plan would begin, unless the last answer covers them.
 * Until the answer is there, which makes a plan due, they wait.
 */
void takeover_ask(struct agent *a, const struct plan *plan, nsec_t now);
