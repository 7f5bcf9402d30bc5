// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a plan leaves for the next one, so that an edit costs what it changes: the environment, and
 * the fragment of each Service, and the last plan (plan_kept.h). A fragment is used again while the
 * environment, the generation of its Service and the Service's addresses are what they were; a plan
 * made with a cache is the plan that is made without one.
 */
#pragma once

/* Of one world and one plan_settings, whose strings outlive it. */
struct plan_cache;

/* A new, empty one, for plan_inputs.cache; the caller owns it. Freeing NULL does nothing. */
struct plan_cache *plan_cache_new(void);
struct plan_cache *plan_cache_free(struct plan_cache *c);

/*
 * The next plan is made from nothing, as it must be with another world. What a plan borrows from
 * the fragments stays until the one after the next is made.
 */
void plan_cache_drop(struct plan_cache *c);

/* No plan before the last one is read any more: gives back what only they borrow. */
void plan_cache_forget_last(struct plan_cache *c);
