// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGPAdvertisements: of each, which version is in force. The present one, if it resolves: its
 * communities, the names it mentions, its aggregation length against the pools it selects. Else the
 * last good one of the ledger, wholly, with the values it was resolved to then; its age stays that
 * of the present object. Without either it is held back.
 *
 * An advertisement and a pool that fit each other once stay together while the length is the same:
 * an edit of the pool that makes it too short is told and changes no route.
 */
#include "plan/plan_good.h"

#include "base/sorted.h"

struct adverts_build {
	struct arena *arena;
	struct plan_env *env;
	struct object_list resources; /* Community */
};

#define advert_problem(b, severity, a, ...)                                                        \
	object_problem(&(b)->env->problems, severity, (a)->object, __VA_ARGS__)

/* --- pools ---------------------------------------------------------------------------------- */

static bool selects(const struct api_advertisement *spec, const struct api_object *pool)
{
	if (spec->pools.n == 0 && spec->pool_selectors.n == 0)
		return true;
	if (plan_strings_have(&spec->pools, pool->meta.name))
		return true;
	return selectors_match(&spec->pool_selectors, &pool->meta.labels, false);
}

bool plan_advert_selects(const struct env_advert *a, const struct api_object *pool)
{
	return selects(a->spec, pool);
}

static int cmp_name(const void *key, const void *item)
{
	const char *const *name = item;

	return strcmp(key, *name);
}

static bool have_name(const struct api_strings *sorted, const char *name)
{
	return sorted_find(name, sorted->items, sorted->n, sizeof(*sorted->items), cmp_name);
}

bool plan_advert_announces(const struct env_advert *a, const struct api_object *pool)
{
	return !a->held_back && have_name(&a->pools, pool->meta.name);
}

/* metallb.md 1.3: no shorter than the widest CIDR of any IPv4 entry. */
static uint8_t least_length(const struct api_pool *pool)
{
	uint8_t least = 0;

	for (size_t i = 0; i < pool->n_ranges; i++) {
		const struct ip_range *r = &pool->ranges[i];
		const uint8_t len = ip_range_shortest_cidr(r);

		if (ip_addr_is_v4(&r->first) && len > least)
			least = len;
	}
	return least;
}

enum fit {
	FIT,          /* it does */
	FIT_BEFORE,   /* it did, with the same length: the pool was edited */
	FIT_NO_MORE,  /* it did, with another length: the advertisement was edited */
	FIT_NOT_EVER, /* it never did */
};

/* Where it still fits nobody has to remember that it did. */
static bool did_fit(const struct plan_last *last, const struct api_object *pool)
{
	const struct api_advertisement *spec;

	if (!last->good)
		return false;
	spec = &last->object->advertisement;
	if (spec->aggregation_length >= least_length(&pool->pool))
		return selects(spec, pool);
	return have_name(&last->good->pools, pool->meta.name);
}

static enum fit fit_of(const struct env_advert *a, const struct api_object *pool)
{
	const uint8_t length = a->spec->aggregation_length;

	if (length >= least_length(&pool->pool))
		return FIT;
	if (!did_fit(&a->last, pool))
		return FIT_NOT_EVER;
	return a->last.object->advertisement.aggregation_length == length ? FIT_BEFORE
									  : FIT_NO_MORE;
}

static void report_fit(struct adverts_build *b, const struct env_advert *a,
		       const struct api_object *pool, enum fit fit)
{
	static const char *const then[] = {
		[FIT_BEFORE] = "its routes stay as they were",
		[FIT_NO_MORE] = "its last good version stays in force",
		[FIT_NOT_EVER] = "it is held back for that pool",
	};

	if (fit == FIT_NO_MORE || (fit != FIT && a->here))
		advert_problem(
			b, SEVERITY_ERROR, a, "spec.aggregationLength", "AggregationTooShort",
			"use a longer aggregationLength, or name only pools it fits",
			"/%u is wider than a range of pool %s, which needs /%u or longer; %s",
			a->spec->aggregation_length, pool->meta.name, least_length(&pool->pool),
			then[fit]);
}

/* Fills a->pools; false: the length is an error that its last good version did not have. */
static bool fit_pools(struct adverts_build *b, struct env_advert *a)
{
	const struct plan_env *env = b->env;
	const char **fitted = arena_array_of(b->arena, env->n_pools, const char *);
	bool ok = true;

	a->pools = (struct api_strings){.items = fitted};
	for (size_t i = 0; i < env->n_pools; i++) {
		const struct api_object *pool = env->pools[i].object;
		enum fit fit;

		if (!plan_advert_selects(a, pool))
			continue;
		fit = fit_of(a, pool);
		report_fit(b, a, pool, fit);
		ok &= fit != FIT_NO_MORE;
		if (fit == FIT || fit == FIT_BEFORE)
			fitted[a->pools.n++] = pool->meta.name;
	}
	return ok;
}

/* --- names ---------------------------------------------------------------------------------- */

static int cmp_peer_name(const void *key, const void *item)
{
	const struct env_peer_name *p = item;

	return strcmp(key, p->name);
}

static const struct env_peer_name *find_peer(const struct plan_env *env, const char *name)
{
	return sorted_find(name, env->peer_names, env->n_peer_names, sizeof(*env->peer_names),
			   cmp_peer_name);
}

/*
 * A name that stands for nothing is a warning, since what it names may be yet to come or gone. An
 * edit that brings one in is most likely a typing error and waits until the name is there.
 */
static bool check_peer_names(struct adverts_build *b, const struct env_advert *a)
{
	const struct api_strings *names = &a->spec->peers;
	bool ok = true;

	for (size_t i = 0; i < names->n; i++) {
		if (find_peer(b->env, names->items[i]) ||
		    plan_strings_have(&a->last.object->advertisement.peers, names->items[i]))
			continue;
		advert_problem(b, SEVERITY_ERROR, a, "spec.peers", "UnknownPeer",
			       "create the BGPPeer, or correct the name",
			       "there is no BGPPeer %s; its last good version stays in force",
			       names->items[i]);
		ok = false;
	}
	return ok;
}

static bool check_pool_names(struct adverts_build *b, const struct env_advert *a)
{
	const struct api_strings *names = &a->spec->pools;
	bool ok = true;

	for (size_t i = 0; i < names->n; i++) {
		if (plan_env_pool(b->env, names->items[i]) ||
		    plan_strings_have(&a->last.object->advertisement.pools, names->items[i]))
			continue;
		advert_problem(b, SEVERITY_ERROR, a, "spec.ipAddressPools", "UnknownPool",
			       "create the IPAddressPool, or correct the name",
			       "there is no IPAddressPool %s; its last good version stays in force",
			       names->items[i]);
		ok = false;
	}
	return ok;
}

static bool check_names(struct adverts_build *b, const struct env_advert *a)
{
	bool ok;

	if (!a->last.good)
		return true;
	ok = check_peer_names(b, a);
	return check_pool_names(b, a) && ok;
}

static void resolve_peers(struct adverts_build *b, struct env_advert *a)
{
	const struct api_strings *names = &a->spec->peers;
	const struct plan_env *env = b->env;

	if (names->n == 0)
		a->peers = env->n_peers == 64 ? UINT64_MAX : (UINT64_C(1) << env->n_peers) - 1;
	for (size_t i = 0; i < names->n; i++) {
		const struct env_peer_name *p = find_peer(env, names->items[i]);

		if (p)
			a->peers |= p->bit;
		else
			advert_problem(b, SEVERITY_WARNING, a, "spec.peers", "UnknownPeer",
				       "create the BGPPeer, or correct the name",
				       "there is no BGPPeer %s", names->items[i]);
	}
}

/* What the peers' kind makes of the attributes: rulings 6 and DESIGN 4. */
static void check_attributes(struct adverts_build *b, const struct env_advert *a)
{
	const uint64_t external = a->peers & b->env->ebgp, internal = a->peers & ~b->env->ebgp;

	if (!a->here)
		return;
	if (a->spec->local_pref && external)
		advert_problem(b, SEVERITY_INFO, a, "spec.localPref", "LocalPrefOnEbgp",
			       "use communities or asPathPrepend towards eBGP peers",
			       "localPref is not carried on eBGP, so not to BGPPeer %s",
			       b->env->peers[__builtin_ctzll(external)].key.name);
	if (a->spec->as_path_prepend && internal)
		advert_problem(b, SEVERITY_WARNING, a, "spec.asPathPrepend", "PrependOnIbgp",
			       "use localPref towards iBGP peers",
			       "asPathPrepend is without effect on iBGP, so to BGPPeer %s",
			       b->env->peers[__builtin_ctzll(internal)].key.name);
}

/* --- which version -------------------------------------------------------------------------- */

static void take_version(struct adverts_build *b, struct env_advert *a, const struct api_object *o)
{
	a->spec = &o->advertisement;
	a->here = selectors_match(&a->spec->node_selectors, &b->env->node_labels, true);
}

static bool take_present(struct adverts_build *b, struct env_advert *a)
{
	bool ok;

	take_version(b, a, a->object);
	ok = plan_env_communities(&b->resources, &b->env->problems, a);
	ok = check_names(b, a) && ok;
	return fit_pools(b, a) && ok;
}

static void take_last(struct adverts_build *b, struct env_advert *a)
{
	const struct plan_good *g = a->last.good;

	take_version(b, a, a->last.object);
	a->communities = g->communities;
	a->n_communities = g->n_communities;
	a->large = g->large;
	a->n_large = g->n_large;
	(void)fit_pools(b, a); /* they have one length */
}

/* The last good version while it is in force, with what it fits now. */
static void learn(struct adverts_build *b, const struct env_advert *a, bool is_last)
{
	struct plan_good *g =
		is_last ? plan_good_keep(b->env, a->last.good) : plan_good_learn(b->env, a->object);

	g->communities = a->communities;
	g->n_communities = a->n_communities;
	g->large = a->large;
	g->n_large = a->n_large;
	g->pools = (struct api_strings){0};
	if (a->spec->aggregation_length < 32) /* else it fits any pool, always */
		g->pools = a->pools;
}

static void build_advert(struct adverts_build *b, struct env_advert *a)
{
	bool present;

	a->last = plan_good_find(b->env, a->object);
	present = take_present(b, a);
	if (!present && a->last.good)
		take_last(b, a);
	a->held_back = !present && !a->last.good;
	resolve_peers(b, a);
	check_attributes(b, a);
	if (!a->held_back && a->object->text)
		learn(b, a, !present);
}

void plan_env_adverts(const struct plan_inputs *in, struct arena *arena, struct plan_env *env)
{
	const struct object_list list = plan_objects(in->world, env->settings,
						     API_BGP_ADVERTISEMENT, arena, &env->problems);
	struct adverts_build b = {
		.arena = arena,
		.env = env,
		.resources = plan_objects(in->world, env->settings, API_COMMUNITY, arena,
					  &env->problems),
	};
	struct env_advert *adverts = arena_array_of(arena, list.n, struct env_advert);

	for (size_t i = 0; i < list.n; i++) {
		adverts[i].object = list.items[i];
		adverts[i].age = i;
		build_advert(&b, &adverts[i]);
	}
	env->adverts = adverts;
	env->n_adverts = list.n;
}
