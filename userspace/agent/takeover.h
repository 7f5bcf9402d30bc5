// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the kernel forwards before we do: flows that conntrack translates for a VIP stay with the
 * kernel (DESIGN 7.2 step 8), so the plan has to know of them.
 */
#pragma once

#include "base/nsec.h"

struct agent;
struct agent_plan;

/* How long an answer is good for, and how soon flows that are in the way are looked for again. */
#define TAKEOVER_AGAIN_NS (5 * NSEC_PER_SEC)

/*
 * Asks conntrack, into p->node, about the VIPs that are not served yet: only these can be taken
 * over. A Service without endpoints here stays among them, so the answer is kept for a while.
 */
void takeover_ask(struct agent *a, struct agent_plan *p, nsec_t now);
