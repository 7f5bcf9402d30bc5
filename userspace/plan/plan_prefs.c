// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Steps of localPref; see the header. */
#include "plan/plan_prefs.h"

#include "base/limits.h"
#include "plan/plan_sort.h"

#include <assert.h>

#define LOCAL_PREF 100 /* what a router takes a route for that says none */
#define MED_STEP   100 /* leaves room for the MEDs of others in between */

static uint32_t default_pref(const struct plan_env *env)
{
	return env->config.set & API_CONFIG_DEFAULT_LOCAL_PREF ? env->config.default_local_pref
							       : LOCAL_PREF;
}

static int cmp_descending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

void plan_prefs_of_pool(const struct plan_env *env, struct arena *arena, struct env_pool *pool)
{
	uint32_t *prefs = arena_array_of(arena, env->n_adverts, uint32_t);
	size_t n = 0;

	for (size_t i = 0; i < env->n_adverts; i++) {
		const struct env_advert *a = &env->adverts[i];

		if (!a->held_back && plan_advert_selects(a, pool->object))
			prefs[n++] = a->spec->local_pref ? a->spec->local_pref : default_pref(env);
	}
	pool->prefs = prefs;
	pool->n_prefs = plan_sort_unique(prefs, n, sizeof(*prefs), cmp_descending);
}

/* How many values of the pool are greater. */
static size_t rank_of(const struct env_pool *pool, uint32_t pref)
{
	size_t rank = 0;

	while (rank < pool->n_prefs && pool->prefs[rank] > pref)
		rank++;
	return rank;
}

void plan_prefs_say(const struct plan_env *env, const struct env_pool *pool, enum api_pref_as as,
		    struct bgp_attrs *attrs)
{
	size_t rank;

	if (!pool || as == API_PREF_AS_NONE)
		return;
	rank = rank_of(pool, attrs->has_local_pref ? attrs->local_pref : default_pref(env));
	assert(rank <= pool->n_prefs);
	if (as == API_PREF_AS_PREPEND && attrs->prepend == 0)
		attrs->prepend = (uint8_t)(rank < LIMIT_PREPEND ? rank : LIMIT_PREPEND);
	if (as == API_PREF_AS_MED && !attrs->has_med) {
		attrs->has_med = true;
		attrs->med = (uint32_t)rank * MED_STEP;
	}
}
