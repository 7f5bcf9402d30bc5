// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The last plan, kept with what it was made from, so that the next one need only be made for the
 * zones in which something changed or is on its way, and is put together from those and what is
 * kept of all others. A zone may be kept only while it is *quiet*: the store has what its plan
 * wants, and its plan says nothing, waits for nothing and remembers nothing. A step of the draft
 * that finds otherwise says so (plan_draft_stir()); such zones are planned each time. What is not
 * of one zone is made each time, too, as it is for the whole plan.
 *
 * Whatever is kept, the plan is the one that is made from nothing. Where it is not certain that a
 * part will do (another environment, other sessions or devices, too many zones), all is planned.
 */
#pragma once

#include "plan/plan_draft.h"

/* An array that grows; owned. */
struct kept_array {
	char *items;
	size_t n, cap, size;
};

struct plan_kept {
	bool is_valid;
	uint64_t common;                 /* hash of what all zones' plans are made from */
	uint64_t generation;             /* of the store's picture */
	size_t n_stored;                 /* frontends in that */
	struct prefix_list **advertised; /* of each of actual's peers, held; owned */
	size_t n_peers;
	struct kept_array stirred; /* zones that are not quiet */

	struct kept_array frontends, routes, services; /* as in struct plan */
	struct arena *arena;                           /* owned; holds attrs */
	struct bgp_attrs *attrs;                       /* of the routes, as in struct plan */
	size_t *n_rows;                                /* of routes, by attrs */
	size_t n_attrs;
	uint64_t routes_generation;
	struct kept_array
		changed; /* zones in which it differs from the one before; none: anywhere */

	struct plan_arrangement part; /* of the fragments of a part */
};

void plan_kept_done(struct plan_kept *k);
/* What the cache keeps of the last plan; NULL: it is for one plan alone. */
struct plan_kept *plan_cache_kept(struct plan_cache *c);

/* The part that is planned in place of the whole. */
struct plan_part {
	const struct plan_inputs *in; /* the whole, as are these: what the draft had before */
	const struct plan_arrangement *arranged;
	const struct plan_fragment *const *fragments;
	struct plan_zones zones;
	const uint32_t *numbers; /* of its fragments in the whole */
	size_t n;
	struct plan_inputs inputs; /* the draft's, which are cut to the zones */
	struct plan_actual actual;
};

/*
 * After the step devices. True: the draft is cut to *ret, and what it makes is the zones' part of
 * the plan. False: it is to make all.
 */
bool plan_part_choose(struct plan_draft *d, struct plan_kept *k, struct plan_part *ret) must_check;

/*
 * After the last step: completes the draft's plan with what is kept, whose arrays are then the
 * plan's, and keeps the result. False: it cannot be, and all is to be planned anew.
 */
bool plan_kept_put_part(struct plan_kept *k, struct plan_draft *d,
			const struct plan_part *part) must_check;
/* ... of a draft of the whole plan; false: it is not kept. */
bool plan_kept_put_whole(struct plan_kept *k, struct plan_draft *d) must_check;

/* What every zone's plan is made from beside its own and the environment: of the whole inputs. */
uint64_t plan_kept_common(const struct plan_draft *d, const struct plan_inputs *in);
