// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * localPref towards eBGP peers, which it cannot be sent to (RFC 4271 5.1.5): by how many steps a
 * route is less preferred than the most preferred one of its pool, said by the length of its AS
 * path or by its MED (DESIGN 4, ebgpLocalPref). The steps follow from objects alone, so all nodes
 * come to the same ones.
 */
#pragma once

#include "plan/plan_env.h"

/*
 * The distinct values of localPref of all advertisements that select the pool and are in force on
 * some node, the greatest first, into pool->prefs. Needs the advertisements.
 */
void plan_prefs_of_pool(const struct plan_env *env, struct arena *arena, struct env_pool *pool);

/*
 * Says the localPref of a route of the pool (NULL: no pool is known, and so no steps are) in the
 * way of `as`, unless the attributes say a MED or a prepend of their own.
 */
void plan_prefs_say(const struct plan_env *env, const struct env_pool *pool, enum api_pref_as as,
		    struct bgp_attrs *attrs);
