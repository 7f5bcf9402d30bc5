// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ports and claims of all fragments in the orders in which the steps walk through them: ports
 * by frontend, claims by prefix and by VIP. An order follows from the fragments alone, so it is
 * kept from plan to plan: what a replaced fragment had is taken out, what the new one has is put
 * where it belongs, and what is there already is not sorted again.
 */
#pragma once

#include "plan/plan_service.h"

/* The item-th port or claim of the fragment-th fragment. */
struct plan_place {
	uint32_t fragment, item;
};
struct plan_order {
	struct plan_place *items; /* owned */
	size_t n, cap;
};
/* All orders are total: what is equal otherwise stands in the order of places. */
struct plan_arrangement {
	struct plan_order ports; /* with something to program; by lb key, oldest Service first */
	struct plan_order by_prefix; /* claims; by prefix, age of the advertisement, VIP, ... */
	struct plan_order by_vip;    /* claims; by VIP, then as above */
};

/* The fragments as they are now, and what became of those that were arranged last. */
#define PLAN_GONE UINT32_MAX
struct plan_arrange_args {
	const struct plan_fragment *const *fragments;
	size_t n;
	const uint32_t *moved; /* former number to the present one, rising; PLAN_GONE: replaced */
	const uint32_t *made;  /* numbers of those that are new */
	size_t n_made;
};

/*
 * Arranges anew: starts zeroed, when all fragments must be new. The result is the same whatever was
 * arranged before.
 */
void plan_arrange(struct plan_arrangement *a, const struct plan_arrange_args *args);
/* Nothing is arranged any more; what was allocated is kept for the next time. */
void plan_arrangement_clear(struct plan_arrangement *a);
void plan_arrangement_done(struct plan_arrangement *a);

/* Order of claims on routes; 0: one is as good as the other. */
int plan_claim_cmp(const struct plan_claim *a, const struct plan_claim *b);
