// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From the claims of all fragments to rows (prefix, attribute set, peers): a part of the step
 * plan_draft_routes(), which then adds the rows that wait. A row says no domain: each of its peers
 * is in one.
 */
#pragma once

#include "plan/plan_draft.h"

struct plan_folded {
	struct plan_route *rows; /* by prefix, hold, attrs; what is added is so after a merge */
	size_t n_rows, cap_rows, n_merged;
};

/* Folds what gate 1 lets out of all claims; the interned sets become plan.attrs. */
void plan_fold(struct plan_draft *d, struct plan_folded *ret);
/* Puts routes of blackholes in the place of others: plan_rtbh.c. */
void plan_rtbh(struct plan_draft *d, struct plan_folded *f);
/* Adds: these peers (bits) keep what they have of the prefix, whatever it is. */
void plan_fold_hold(struct plan_draft *d, struct plan_folded *f, const struct ip_prefix *prefix,
		    uint64_t peers);
/* Sorts what was added into the rows, and makes one of those that differ in peers only. */
void plan_fold_merge(struct arena *arena, struct plan_folded *f);
