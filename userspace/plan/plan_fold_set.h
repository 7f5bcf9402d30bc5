// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The attribute set of a route, out of the advertisements and Services that ask for it: what the
 * fold (plan_fold.h) makes for each group of peers that get the same.
 */
#pragma once

#include "plan/plan_draft.h"

/* Who asks for attributes: an advertisement, for a Service that may have some of its own. */
struct fold_asker {
	const struct env_advert *advert;
	const struct service_attrs *own; /* or NULL */
};
/* What a group's peers are like, as far as that makes a difference. */
struct fold_kind {
	bool external;
	enum api_pref_as pref_as;
	const struct env_pool *pool; /* whose steps of localPref it is told by pref_as */
};

/* That a route which only one Service asks for gets the same, whichever of the two it is. */
bool plan_fold_same_own(const struct service_attrs *a, const struct service_attrs *b);

/*
 * The set of these, oldest advertisement first; what it points to is the draft's. False: it would
 * be too long for a route, and that is told. Then nothing is to be announced with less than was
 * asked for (a lost no-export would leak), and nothing withdrawn.
 */
bool plan_fold_set(struct plan_draft *d, const struct fold_asker *askers, size_t n_askers,
		   const struct fold_kind *kind, struct bgp_attrs *ret) must_check;

/*
 * Makes these the plan's sets: sorted and each once, what they point to stays where it is. By what
 * number each of them goes from now on; of the draft's scratch.
 */
const uint32_t *plan_fold_number(struct plan_draft *d, const struct bgp_attrs *sets, size_t n_sets);
