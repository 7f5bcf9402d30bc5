// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From the text of communities to values, by rulings 1 to 3, 15 and 16 of metallb.md 7: literal,
 * well-known name, alias, name of a Community resource (all its values). Aliases are global over
 * all Community objects; one named twice with different values is an error only for those who use
 * it.
 *
 * With strict: true it is as in MetalLB: neither names of resources nor well-known names stand for
 * anything, and an alias may be named once.
 */
#pragma once

#include "plan/plan_service.h"

/* Where communities are asked for; of an annotation, extended ones, too. */
struct community_texts {
	const struct api_object *object;
	const char *field;
	const struct api_strings *texts;
	bool takes_extended;
	const char *otherwise; /* what becomes of it if some cannot be resolved, for the problem */
};

/* Sorted, no doubles. */
struct community_values {
	const uint32_t *standard;
	size_t n_standard;
	const struct large_community *large;
	size_t n_large;
	const uint64_t *extended;
	size_t n_extended;
};

/*
 * All of the n lists together, in *ret; false: not all can be resolved, or they are more than a
 * route may carry, which is a problem of the object.
 */
bool plan_communities_resolve(const struct plan_env *env, struct problems *problems,
			      const struct community_texts *asked, size_t n,
			      struct community_values *ret) must_check;
