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

#include <assert.h>

struct adverts_build {
	const struct world *world;
	struct arena *arena;
	struct plan_env *env;
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

enum env_advert_fate plan_advert_fate(const struct env_advert *a, const struct api_object *pool,
				      enum ip_family family)
{
	if (!plan_advert_selects(a, pool))
		return ADVERT_OTHER_POOL;
	if (!a->here)
		return ADVERT_OTHER_NODE;
	return !a->held_back && have_name(&a->pools[family], pool->meta.name) ? ADVERT_ANNOUNCES
									      : ADVERT_HELD_BACK;
}

static bool holds_family(const struct api_pool *pool, enum ip_family family)
{
	for (size_t i = 0; i < pool->n_ranges; i++)
		if (ip_family_of(&pool->ranges[i].first) == family)
			return true;
	return false;
}

/* metallb.md 1.3: no shorter than the widest CIDR of any entry of the family. */
static uint8_t least_length(const struct api_pool *pool, enum ip_family family)
{
	uint8_t least = 0;

	for (size_t i = 0; i < pool->n_ranges; i++) {
		const struct ip_range *r = &pool->ranges[i];
		const uint8_t len = ip_range_shortest_cidr(r);

		if (ip_family_of(&r->first) == family && len > least)
			least = len;
	}
	return least;
}

const char *plan_aggregation_field(enum ip_family family)
{
	return family == IP_V4 ? "spec.aggregationLength" : "spec.aggregationLengthV6";
}

enum fit {
	FIT,          /* it does */
	FIT_BEFORE,   /* it did, with the same length: the pool was edited */
	FIT_NO_MORE,  /* it did, with another length: the advertisement was edited */
	FIT_NOT_EVER, /* it never did */
};

/* Where it still fits nobody has to remember that it did. */
static bool did_fit(const struct plan_last *last, const struct api_object *pool,
		    enum ip_family family)
{
	const struct api_advertisement *spec;

	if (!last->good)
		return false;
	spec = &last->object->advertisement;
	if (spec->aggregation[family] >= least_length(&pool->pool, family))
		return selects(spec, pool);
	return have_name(&last->good->pools[family], pool->meta.name);
}

static enum fit fit_of(const struct env_advert *a, const struct api_object *pool,
		       enum ip_family family)
{
	const uint8_t length = a->spec->aggregation[family];

	if (length >= least_length(&pool->pool, family))
		return FIT;
	if (!did_fit(&a->last, pool, family))
		return FIT_NOT_EVER;
	return a->last.object->advertisement.aggregation[family] == length ? FIT_BEFORE
									   : FIT_NO_MORE;
}

static void report_fit(struct adverts_build *b, const struct env_advert *a,
		       const struct api_object *pool, enum ip_family family, enum fit fit)
{
	const char *const then[] = {
		[FIT_BEFORE] = "its routes stay as they were",
		[FIT_NO_MORE] = "its last good version stays in force",
		[FIT_NOT_EVER] =
			arena_printf(b->arena, "it is held back for that pool's %s addresses",
				     ip_family_text(family)),
	};
	const char *field = plan_aggregation_field(family);

	if (fit == FIT_NO_MORE || (fit != FIT && a->here))
		advert_problem(
			b, SEVERITY_ERROR, a, field, "AggregationTooShort",
			arena_printf(b->arena, "use a longer %s, or name only pools it fits",
				     field + strlen("spec.")),
			"/%u is wider than a range of pool %s, which needs /%u or longer; %s",
			a->spec->aggregation[family], pool->meta.name,
			least_length(&pool->pool, family), then[fit]);
}

/*
 * Fills a->pools of the family; false: the length is an error that its last good version did not
 * have.
 */
static bool fit_family(struct adverts_build *b, struct env_advert *a, enum ip_family family)
{
	const struct plan_env *env = b->env;
	const char **fitted = arena_array_of(b->arena, env->n_pools, const char *);
	bool ok = true;
	size_t n = 0;

	for (size_t i = 0; i < env->n_pools; i++) {
		const struct api_object *pool = env->pools[i].object;
		enum fit fit;

		if (!plan_advert_selects(a, pool) || !holds_family(&pool->pool, family))
			continue;
		fit = fit_of(a, pool, family);
		report_fit(b, a, pool, family, fit);
		ok &= fit != FIT_NO_MORE;
		if (fit == FIT || fit == FIT_BEFORE)
			fitted[n++] = pool->meta.name;
	}
	a->pools[family] = (struct api_strings){.items = fitted, .n = n};
	return ok;
}

/* What is too short for one family costs the other nothing. */
static bool fit_pools(struct adverts_build *b, struct env_advert *a)
{
	bool ok = true;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		ok &= fit_family(b, a, f);
	return ok;
}

/* --- names ---------------------------------------------------------------------------------- */

static int cmp_peer_name(const void *key, const void *item)
{
	const struct env_peer_name *p = item;

	return strcmp(key, p->name);
}

const struct env_peer_name *plan_env_peer(const struct plan_env *env, const char *name)
{
	return sorted_find(name, env->peer_names, env->n_peer_names, sizeof(*env->peer_names),
			   cmp_peer_name);
}

/* Of no names all, as bits. */
static uint64_t named_peers(const struct plan_env *env, const struct api_strings *names)
{
	uint64_t ret = 0;

	assert(env->n_peers <= 64);
	if (names->n == 0)
		return env->n_peers == 64 ? UINT64_MAX : (UINT64_C(1) << env->n_peers) - 1;
	for (size_t i = 0; i < names->n; i++) {
		const struct env_peer_name *p = plan_env_peer(env, names->items[i]);

		ret |= p ? p->bit : 0;
	}
	return ret;
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
		if (plan_env_peer(b->env, names->items[i]) ||
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

	a->peers = named_peers(b->env, names);
	assert(b->env->n_peers == 64 || a->peers >> b->env->n_peers == 0);
	for (size_t i = 0; i < names->n; i++)
		if (!plan_env_peer(b->env, names->items[i]))
			advert_problem(b, SEVERITY_WARNING, a, "spec.peers", "UnknownPeer",
				       "create the BGPPeer, or correct the name",
				       "there is no BGPPeer %s", names->items[i]);
}

/* What the peers' kind makes of the attributes: rulings 6 and DESIGN 4. */
static void check_attributes(struct adverts_build *b, const struct env_advert *a)
{
	const uint64_t external = a->peers & b->env->ebgp, internal = a->peers & ~b->env->ebgp;
	const uint64_t unsaid = external & b->env->pref_as[API_PREF_AS_NONE];

	if (!a->here)
		return;
	if (a->spec->local_pref && unsaid)
		advert_problem(b, SEVERITY_INFO, a, "spec.localPref", "LocalPrefOnEbgp",
			       "set ebgpLocalPref: prepend (or med) in LodestoneConfig, or use "
			       "communities or asPathPrepend",
			       "localPref is not carried on eBGP, so not to BGPPeer %s%s",
			       b->env->peers[__builtin_ctzll(unsaid)].key.name,
			       a->peers != unsaid ? "" : "; no router of this node ever sees it");
	if (a->spec->as_path_prepend && internal)
		advert_problem(b, SEVERITY_WARNING, a, "spec.asPathPrepend", "PrependOnIbgp",
			       "use localPref towards iBGP peers",
			       "asPathPrepend is without effect on iBGP, so to BGPPeer %s",
			       b->env->peers[__builtin_ctzll(internal)].key.name);
}

/* --- echoMode --------------------------------------------------------------------------------- */

static bool asks_for_echo(const struct adverts_build *b, const struct plan_peer *peer)
{
	const char *name = plan_text(peer->object->peer.bfd_profile);
	const struct object_list all =
		plan_objects(b->world, b->env->settings, API_BFD_PROFILE, b->arena, NULL);

	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i]->meta.name, name) == 0)
			return all.items[i]->bfd.echo_mode;
	return false;
}

static const struct api_object *ipv6_pool(const struct adverts_build *b, const struct env_advert *a)
{
	for (size_t i = 0; i < b->env->n_pools; i++)
		if (plan_advert_selects(a, b->env->pools[i].object) &&
		    holds_family(&b->env->pools[i].object->pool, IP_V6))
			return b->env->pools[i].object;
	return NULL;
}

/* Ruling 28, with strict: true: MetalLB's echo is for IPv4, and it takes no IPv6 pool beside it. */
static bool check_echo(struct adverts_build *b, const struct env_advert *a)
{
	const struct api_object *pool = a->here ? ipv6_pool(b, a) : NULL;

	if (!pool)
		return true;
	for (uint64_t left = named_peers(b->env, &a->spec->peers); left; left &= left - 1) {
		const struct plan_peer *peer = &b->env->peers[__builtin_ctzll(left)];

		if (!asks_for_echo(b, peer))
			continue;
		advert_problem(
			b, SEVERITY_ERROR, a, "spec.peers", "EchoModeWithIPv6",
			"announce IPv6 to other peers, or set echoMode: false in the BFDProfile",
			"pool %s has IPv6 addresses, and the BFDProfile of BGPPeer %s has "
			"echoMode; %s (strict)",
			pool->meta.name, peer->key.name,
			a->last.good ? "its last good version stays in force" : "it is held back");
		return false;
	}
	return true;
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
	ok = plan_env_communities(b->env, &b->env->problems, a);
	ok = check_names(b, a) && ok;
	if (b->env->config.strict)
		ok = check_echo(b, a) && ok;
	return fit_pools(b, a) && ok;
}

static void take_last(struct adverts_build *b, struct env_advert *a)
{
	const struct plan_good *g = a->last.good;

	assert(g && a->last.object);
	take_version(b, a, a->last.object);
	a->communities = g->communities;
	a->n_communities = g->n_communities;
	a->large = g->large;
	a->n_large = g->n_large;
	a->extended = g->extended;
	a->n_extended = g->n_extended;
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
	g->extended = a->extended;
	g->n_extended = a->n_extended;
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		g->pools[f] = (struct api_strings){0};
		if (a->spec->aggregation[f] < ip_family_bits(f)) /* else it fits any, always */
			g->pools[f] = a->pools[f];
	}
}

static void build_advert(struct adverts_build *b, struct env_advert *a)
{
	bool present;

	a->last = plan_good_find(b->env, a->object);
	present = take_present(b, a);
	if (!present && a->last.good)
		take_last(b, a);
	a->held_back = !present && !a->last.good;
	assert(a->spec); /* of what is held back, too, for who explains it */
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
		.world = in->world,
		.arena = arena,
		.env = env,
	};
	struct env_advert *adverts = arena_array_of(arena, list.n, struct env_advert);

	env->communities =
		plan_objects(in->world, env->settings, API_COMMUNITY, arena, &env->problems);
	for (size_t i = 0; i < list.n; i++) {
		adverts[i].object = list.items[i];
		adverts[i].age = i;
		build_advert(&b, &adverts[i]);
	}
	env->adverts = adverts;
	env->n_adverts = list.n;
}
