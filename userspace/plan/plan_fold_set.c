// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The attribute set of a route; see the header. Communities are united, localPref and prepend come
 * from the newest advertisement that sets one (metallb.md 3.2, ruling 17). What Services ask for
 * themselves (service_attrs) adds to that or goes before it.
 */
#include "plan/plan_fold_set.h"

#include "base/limits.h"
#include "plan/plan_prefs.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct set_build {
	struct plan_draft *d;
	const struct fold_asker *askers; /* oldest advertisement first */
	size_t n;
	struct fold_kind kind;
};

struct united {
	uint32_t *standard;
	struct large_community *large;
	uint64_t *extended;
	size_t n, n_large, n_extended;
};

static void unite_advert(struct united *u, const struct env_advert *a)
{
	for (size_t k = 0; k < a->n_communities; k++)
		u->standard[u->n++] = a->communities[k];
	for (size_t k = 0; k < a->n_large; k++)
		u->large[u->n_large++] = a->large[k];
	for (size_t k = 0; k < a->n_extended; k++)
		u->extended[u->n_extended++] = a->extended[k];
}

static void unite_own(struct united *u, const struct service_attrs *own)
{
	for (size_t k = 0; k < own->n_communities; k++)
		u->standard[u->n++] = own->communities[k];
	for (size_t k = 0; k < own->n_large; k++)
		u->large[u->n_large++] = own->large[k];
	for (size_t k = 0; k < own->n_extended; k++)
		u->extended[u->n_extended++] = own->extended[k];
}

static struct united room_for_communities(const struct set_build *b)
{
	size_t n = 0, n_large = 0, n_extended = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct fold_asker *a = &b->askers[i];

		n += a->advert->n_communities + (a->own ? a->own->n_communities : 0);
		n_large += a->advert->n_large + (a->own ? a->own->n_large : 0);
		n_extended += a->advert->n_extended + (a->own ? a->own->n_extended : 0);
	}
	return (struct united){
		.standard = arena_array_of(b->d->arena, n, uint32_t),
		.large = arena_array_of(b->d->arena, n_large, struct large_community),
		.extended = arena_array_of(b->d->arena, n_extended, uint64_t),
	};
}

static void unite_communities(const struct set_build *b, struct bgp_attrs *ret)
{
	struct united u = room_for_communities(b);

	for (size_t i = 0; i < b->n; i++) {
		unite_advert(&u, b->askers[i].advert);
		if (b->askers[i].own)
			unite_own(&u, b->askers[i].own);
	}
	ret->communities = u.standard;
	ret->n_communities = plan_unique_standard(u.standard, u.n);
	ret->large = u.large;
	ret->n_large = plan_unique_large(u.large, u.n_large);
	ret->extended = u.extended;
	ret->n_extended = plan_unique_extended(u.extended, u.n_extended);
}

static void overridden(const struct set_build *b, const struct env_advert *by,
		       const struct env_advert *loser, const char *field)
{
	b->d->is_indivisible = true; /* neighbours with the same set do not say it again */
	object_problem(&b->d->plan->problems, SEVERITY_WARNING, loser->object, field,
		       "OverriddenByNewer", "remove one of the two, or give them different peers",
		       "the newer BGPAdvertisement %s sets another value for the same route",
		       by->object->meta.name);
}

/* localPref, prepend and MED: the newest that sets one; the others are told. */
static void choose_newest(const struct set_build *b, struct bgp_attrs *ret)
{
	const struct env_advert *pref = NULL, *prepend = NULL, *med = NULL;

	for (size_t i = b->n; i-- > 0;) {
		const struct env_advert *a = b->askers[i].advert;
		const struct api_advertisement *spec = a->spec;

		if (spec->local_pref && !pref) {
			pref = a;
			ret->has_local_pref = true;
			ret->local_pref = spec->local_pref;
		} else if (spec->local_pref && spec->local_pref != ret->local_pref) {
			overridden(b, pref, a, "spec.localPref");
		}
		if (spec->as_path_prepend && !prepend) {
			prepend = a;
			ret->prepend = spec->as_path_prepend;
		} else if (spec->as_path_prepend && spec->as_path_prepend != ret->prepend) {
			overridden(b, prepend, a, "spec.asPathPrepend");
		}
		if (spec->has_med && !med) {
			med = a;
			ret->has_med = true;
			ret->med = spec->med;
		} else if (spec->has_med && spec->med != ret->med) {
			overridden(b, med, a, "metadata.annotations[lodestone.io/med]");
		}
	}
}

static const struct service_attrs *newer(const struct service_attrs *a,
					 const struct service_attrs *b)
{
	return !a || api_object_age_cmp(a->service, b->service) < 0 ? b : a;
}

/* MED and prepend of Services: the newest that sets one, whatever advertisements say. */
static void choose_own(const struct set_build *b, struct bgp_attrs *ret)
{
	const struct service_attrs *med = NULL, *prepend = NULL;

	for (size_t i = 0; i < b->n; i++) {
		const struct service_attrs *own = b->askers[i].own;

		if (own && own->has_med)
			med = newer(med, own);
		if (own && own->prepend && b->kind.external)
			prepend = newer(prepend, own);
	}
	if (med) {
		ret->has_med = true;
		ret->med = med->med;
	}
	if (prepend)
		ret->prepend = prepend->prepend;
}

/*
 * Services that share an address add up: all of their pods are behind the route. A bandwidth that
 * was written down goes first: a route has one.
 */
static uint32_t sum_bandwidth(const struct set_build *b, const struct bgp_attrs *set)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < set->n_extended; i++)
		if (community_is_bandwidth(set->extended[i]))
			return 0;
	for (size_t i = 0; i < b->n; i++) {
		const struct service_attrs *own = b->askers[i].own;
		size_t first = 0;

		if (!own || !own->bandwidth)
			continue;
		while (b->askers[first].own != own)
			first++;
		sum += first == i ? own->bandwidth : 0; /* by several advertisements, but once */
	}
	return sum;
}

static struct bgp_attrs own_set(const struct service_attrs *own)
{
	return (struct bgp_attrs){
		.prepend = own->prepend,
		.has_med = own->has_med,
		.med = own->med,
		.communities = own->communities,
		.n_communities = own->n_communities,
		.large = own->large,
		.n_large = own->n_large,
		.extended = own->extended,
		.n_extended = own->n_extended,
		.bandwidth = own->bandwidth,
	};
}

bool plan_fold_same_own(const struct service_attrs *a, const struct service_attrs *b)
{
	const struct bgp_attrs x = own_set(a), y = own_set(b);

	return a->is_unresolved == b->is_unresolved && a->excluded == b->excluded &&
	       bgp_attrs_cmp(&x, &y) == 0;
}

bool plan_fold_set(struct plan_draft *d, const struct fold_asker *askers, size_t n_askers,
		   const struct fold_kind *kind, struct bgp_attrs *ret)
{
	const struct api_config *config = &d->env.config;
	const struct set_build b = {.d = d, .askers = askers, .n = n_askers, .kind = *kind};
	size_t n;

	assert(n_askers > 0);
	*ret = (struct bgp_attrs){.origin = BGP_ORIGIN_IGP};
	unite_communities(&b, ret);
	choose_newest(&b, ret);
	choose_own(&b, ret);
	ret->bandwidth = sum_bandwidth(&b, ret);
	if (!ret->has_local_pref && config->set & API_CONFIG_DEFAULT_LOCAL_PREF) {
		ret->has_local_pref = true;
		ret->local_pref = config->default_local_pref;
	}
	plan_prefs_say(&d->env, kind->pool, kind->pref_as, ret);
	n = ret->n_communities + ret->n_large + ret->n_extended;
	if (n <= LIMIT_COMMUNITIES)
		return true;
	d->is_indivisible = true;
	object_problem(
		&d->plan->problems, SEVERITY_ERROR, askers[n_askers - 1].advert->object,
		"spec.communities", "TooManyCommunities", "attach fewer communities",
		"with others its routes would carry %zu communities, more than %d; they stay as "
		"they are, and none is added",
		n, LIMIT_COMMUNITIES);
	return false;
}

/* --- numbers -------------------------------------------------------------------------------- */

struct numbered_set {
	const struct bgp_attrs *set;
	size_t number;
};

static int cmp_set(const void *a, const void *b)
{
	const struct numbered_set *x = a, *y = b;

	return bgp_attrs_cmp(x->set, y->set);
}

const uint32_t *plan_fold_number(struct plan_draft *d, const struct bgp_attrs *sets, size_t n_sets)
{
	struct numbered_set *order = arena_array_of(d->scratch, n_sets, struct numbered_set);
	uint32_t *numbers = arena_array_of(d->scratch, n_sets, uint32_t);
	struct bgp_attrs *attrs = arena_array_of(d->scratch, n_sets, struct bgp_attrs);
	size_t n = 0;

	for (size_t i = 0; i < n_sets; i++)
		order[i] = (struct numbered_set){.set = &sets[i], .number = i};
	plan_sort(order, n_sets, sizeof(*order), cmp_set);
	for (size_t i = 0; i < n_sets; i++) {
		if (n == 0 || bgp_attrs_cmp(&attrs[n - 1], order[i].set) != 0)
			attrs[n++] = *order[i].set;
		numbers[order[i].number] = (uint32_t)(n - 1);
	}
	assert(n <= n_sets && (n > 0) == (n_sets > 0));
	d->plan->attrs = arena_memdup(d->arena, attrs, n * sizeof(*attrs));
	d->plan->n_attrs = n;
	return numbers;
}
