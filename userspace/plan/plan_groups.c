// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Groups of advertisements; see plan_env.h. They change nothing of what is announced: what a group
 * says is asked of each of its members where attributes are put together (plan_fold.h).
 */
#include "plan/plan_env.h"

#include <assert.h>

static bool is_alike(const struct env_group *g, const struct env_advert *a, enum ip_family family)
{
	const struct api_advertisement *spec = g->items[0]->spec;

	return spec->aggregation[family] == a->spec->aggregation[family] &&
	       selectors_equal(&spec->service_selectors, &a->spec->service_selectors);
}

/* The first of them that is not in a group yet has the others that are like it. */
static void fill_group(const struct env_advert *const *adverts, size_t n, enum ip_family family,
		       bool *is_in, const struct env_advert **items, struct env_group *g)
{
	*g = (struct env_group){.items = items};
	for (size_t i = 0; i < n; i++) {
		if (is_in[i] || (g->n > 0 && !is_alike(g, adverts[i], family)))
			continue;
		is_in[i] = true;
		items[g->n++] = adverts[i];
		g->peers |= adverts[i]->peers;
	}
	assert(g->n > 0);
}

static void list_prefs(struct arena *arena, struct env_group *g)
{
	struct env_group_pref *prefs = arena_array_of(arena, g->n, struct env_group_pref);

	for (size_t i = 0; i < g->n; i++) {
		const uint32_t pref = g->items[i]->spec->local_pref;
		size_t k = 0;

		while (k < g->n_prefs && prefs[k].local_pref != pref)
			k++;
		g->n_prefs += k == g->n_prefs;
		prefs[k].local_pref = pref;
		prefs[k].peers |= g->items[i]->peers;
	}
	g->prefs = prefs;
}

void plan_env_group(const struct env_pool *pool, const struct env_advert *const *adverts, size_t n,
		    enum ip_family family, struct arena *arena, struct env_pool_adverts *ret)
{
	const struct env_advert **items = arena_array_of(arena, n, const struct env_advert *);
	struct env_group *groups = arena_array_of(arena, n, struct env_group);
	bool *is_in = arena_array_of(arena, n, bool);
	size_t n_in = 0;

	ret->groups = groups;
	for (ret->n = 0; n_in < n; n_in += groups[ret->n++].n) {
		fill_group(adverts, n, family, is_in, items + n_in, &groups[ret->n]);
		groups[ret->n].pool = pool;
		list_prefs(arena, &groups[ret->n]);
	}
}
