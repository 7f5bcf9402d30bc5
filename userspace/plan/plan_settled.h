// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a plan leads to: the one that is left when every sink has done what was asked of it, every
 * router and node answers, and what leaves has gone. Two configurations are compared by these:
 * gates, drains and what is broken today would hide what one of them changes, or be taken for it.
 */
#pragma once

#include "plan/plan.h"

/*
 * Computes it from the inputs; of these `actual` and `cache` are not looked at. Of the ledger only
 * what outlives everything counts: router id, ages of pools, last good versions. The plan and what
 * it points to is of the arena, or borrowed from the inputs.
 */
void plan_settled(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
		  struct arena *arena, struct plan *ret);
