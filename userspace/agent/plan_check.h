// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * At a resync: what was kept from plan to plan is to be what is made from nothing. Were it not,
 * that would be a mistake of ours: it is said as an error, and all is made anew.
 */
#pragma once

#include "plan/ipam.h"

struct agent;
struct agent_plan;

/* Of the allocator's result. */
void plan_check_addresses(struct agent *a, const struct ipam_inputs *in,
			  const struct plan_addresses *kept);
/*
 * Of the plan in `kept`, with the ledger that it left and a->plan_at as deadline, before anybody
 * took them over. Needs a->check, which was prepared, and frees it.
 */
void plan_check(struct agent *a, const struct plan_inputs *in, nsec_t now,
		const struct agent_plan *kept, const struct plan_ledger *ledger);
