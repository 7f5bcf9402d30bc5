// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Claims on one prefix are folded for the peers that get the same advertisements:
 * communities are united, localPref and prepend come from the newest that sets one (metallb.md 3.2,
 * ruling 17). Sets are interned, so that a row names its set by a number.
 *
 * What Services ask for themselves (service_attrs) adds to that or goes before it; where it is for
 * one kind of peer only, eBGP and iBGP peers are groups of their own, and so are eBGP peers that
 * are to be told localPref by other attributes (plan_prefs.h).
 *
 * Gate programmed (1): a prefix goes to a peer only if a VIP under it is programmed, or is being
 * updated and the peer has the prefix already.
 */
#include "plan/plan_fold.h"

#include "base/limits.h"
#include "plan/plan_prefs.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* Who asks for attributes: an advertisement, for a Service that may have some of its own. */
struct asker {
	const struct env_advert *advert;
	const struct service_attrs *own;
};
/* What a group's peers are like, as far as that makes a difference. */
struct kind {
	bool external;
	enum api_pref_as pref_as;
	const struct env_pool *pool; /* whose steps of localPref it is told by pref_as */
};
/* What one asks for one prefix, for these peers. */
struct member {
	struct asker asker;
	uint64_t peers;
};

struct fold_build {
	struct plan_draft *d;
	struct plan_folded *ret;
	const struct plan_claim **claims; /* by prefix, age of the advertisement, VIP */
	size_t n_claims;
	size_t most;            /* claims on one prefix */
	struct member *members; /* of the prefix at hand, oldest advertisement first */
	size_t n_members;
	struct asker *chosen; /* of them, for a group of peers */
	size_t n_chosen;
	struct kind kind;
	struct asker *last; /* what the newest set was made of */
	size_t n_last;
	struct kind last_kind;
	size_t last_set;                    /* its number */
	struct advertised_walk *advertised; /* by peer */
	struct bgp_attrs *sets;
	size_t n_sets, cap_sets;
};

/* Asked in the order of prefixes. */
static uint64_t advertised_by(struct fold_build *b, const struct ip_prefix *prefix)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < b->d->env.n_peers; i++)
		if (plan_advertised_next(&b->advertised[i], prefix))
			ret |= UINT64_C(1) << i;
	return ret;
}

/* --- rows ----------------------------------------------------------------------------------- */

static void add_row(struct plan_draft *d, struct plan_folded *f, const struct plan_route *row)
{
	*(struct plan_route *)arena_push(d->arena, &f->rows, &f->n_rows, &f->cap_rows,
					 sizeof(*row)) = *row;
}

void plan_fold_hold(struct plan_draft *d, struct plan_folded *f, const struct ip_prefix *prefix,
		    uint64_t peers)
{
	const struct plan_route row = {.prefix = *prefix, .peers = peers, .hold = true};

	plan_draft_stir(d, &prefix->addr);
	add_row(d, f, &row);
}

static int cmp_row(const void *a, const void *b)
{
	const struct plan_route *x = a, *y = b;
	int cmp = ip_prefix_cmp(&x->prefix, &y->prefix);

	if (cmp == 0)
		cmp = x->hold - y->hold;
	return cmp ? cmp : (x->attrs > y->attrs) - (x->attrs < y->attrs);
}

void plan_fold_merge(struct arena *arena, struct plan_folded *f)
{
	const size_t n_new = f->n_rows - f->n_merged;
	struct plan_route *rows = f->rows;
	size_t n = 0;

	if (n_new == 0)
		return;
	plan_sort(&rows[f->n_merged], n_new, sizeof(*rows), cmp_row);
	if (f->n_merged) {
		rows = arena_array_of(arena, f->n_rows, struct plan_route);
		plan_merge(f->rows, f->n_merged, &f->rows[f->n_merged], n_new, sizeof(*rows),
			   cmp_row, rows);
	}
	for (size_t i = 0; i < f->n_rows; i++) {
		if (n && cmp_row(&rows[n - 1], &rows[i]) == 0)
			rows[n - 1].peers |= rows[i].peers;
		else if (n++ != i)
			rows[n - 1] = rows[i];
	}
	f->rows = rows;
	f->cap_rows = f->n_rows;
	f->n_merged = f->n_rows = n;
}

/* --- claims --------------------------------------------------------------------------------- */

static bool is_same(const struct plan_claim *a, const struct plan_claim *b)
{
	return a->own == b->own && plan_claim_cmp(a, b) == 0;
}

/* Those that count, each once. */
static void collect_claims(struct fold_build *b)
{
	const struct plan_order *order = &b->d->arranged->by_prefix;
	size_t run = 0;

	b->claims = arena_array_of(b->d->arena, order->n, const struct plan_claim *);
	for (size_t i = 0; i < order->n; i++) {
		const struct arranged_claim *c = arranged_claim(order, i);
		const struct plan_claim *last = b->n_claims ? b->claims[b->n_claims - 1] : NULL;

		if (!plan_draft_keeps(b->d, c) || (last && is_same(last, &c->claim)))
			continue;
		b->claims[b->n_claims++] = &c->claim;
		run = last && ip_prefix_cmp(&last->prefix, &c->claim.prefix) == 0 ? run + 1 : 1;
		b->most = run > b->most ? run : b->most;
	}
}

/* --- attribute sets ------------------------------------------------------------------------- */

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

static struct united room_for_communities(const struct fold_build *b)
{
	size_t n = 0, n_large = 0, n_extended = 0;

	for (size_t i = 0; i < b->n_chosen; i++) {
		const struct asker *a = &b->chosen[i];

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

static void unite_communities(struct fold_build *b, struct bgp_attrs *ret)
{
	struct united u = room_for_communities(b);

	for (size_t i = 0; i < b->n_chosen; i++) {
		unite_advert(&u, b->chosen[i].advert);
		if (b->chosen[i].own)
			unite_own(&u, b->chosen[i].own);
	}
	ret->communities = u.standard;
	ret->n_communities = plan_unique_standard(u.standard, u.n);
	ret->large = u.large;
	ret->n_large = plan_unique_large(u.large, u.n_large);
	ret->extended = u.extended;
	ret->n_extended = plan_unique_extended(u.extended, u.n_extended);
}

static void overridden(struct fold_build *b, const struct env_advert *by,
		       const struct env_advert *loser, const char *field)
{
	b->d->is_indivisible = true; /* neighbours with the same set do not say it again */
	object_problem(&b->d->plan->problems, SEVERITY_WARNING, loser->object, field,
		       "OverriddenByNewer", "remove one of the two, or give them different peers",
		       "the newer BGPAdvertisement %s sets another value for the same route",
		       by->object->meta.name);
}

/* localPref, prepend and MED: the newest that sets one; the others are told. */
static void choose_newest(struct fold_build *b, struct bgp_attrs *ret)
{
	const struct env_advert *pref = NULL, *prepend = NULL, *med = NULL;

	for (size_t i = b->n_chosen; i-- > 0;) {
		const struct env_advert *a = b->chosen[i].advert;
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
static void choose_own(const struct fold_build *b, struct bgp_attrs *ret)
{
	const struct service_attrs *med = NULL, *prepend = NULL;

	for (size_t i = 0; i < b->n_chosen; i++) {
		const struct service_attrs *own = b->chosen[i].own;

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

/* Services that share an address add up: all of their pods are behind the route. */
static uint32_t sum_bandwidth(const struct fold_build *b)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < b->n_chosen; i++) {
		const struct service_attrs *own = b->chosen[i].own;
		size_t first = 0;

		if (!own || !own->bandwidth)
			continue;
		while (b->chosen[first].own != own)
			first++;
		sum += first == i ? own->bandwidth : 0; /* by several advertisements, but once */
	}
	return sum;
}

/*
 * The set of the chosen advertisements; false: it would be too long for a route. Then nothing is
 * announced with less than was asked for (a lost no-export would leak), and nothing withdrawn.
 */
static bool make_set(struct fold_build *b, struct bgp_attrs *ret)
{
	const struct api_config *config = &b->d->env.config;
	size_t n;

	assert(b->n_chosen > 0);
	*ret = (struct bgp_attrs){.origin = BGP_ORIGIN_IGP};
	unite_communities(b, ret);
	choose_newest(b, ret);
	choose_own(b, ret);
	ret->bandwidth = sum_bandwidth(b);
	if (!ret->has_local_pref && config->set & API_CONFIG_DEFAULT_LOCAL_PREF) {
		ret->has_local_pref = true;
		ret->local_pref = config->default_local_pref;
	}
	plan_prefs_say(&b->d->env, b->kind.pool, b->kind.pref_as, ret);
	n = ret->n_communities + ret->n_large + ret->n_extended;
	if (n <= LIMIT_COMMUNITIES)
		return true;
	b->d->is_indivisible = true;
	object_problem(
		&b->d->plan->problems, SEVERITY_ERROR, b->chosen[b->n_chosen - 1].advert->object,
		"spec.communities", "TooManyCommunities", "attach fewer communities",
		"with others its routes would carry %zu communities, more than %d; they stay as "
		"they are, and none is added",
		n, LIMIT_COMMUNITIES);
	return false;
}

static bool is_unresolved(const struct asker *a)
{
	return a->own && a->own->is_unresolved;
}

static bool is_same_kind(const struct kind *a, const struct kind *b)
{
	return a->external == b->external && a->pref_as == b->pref_as && a->pool == b->pool;
}

/*
 * Where several advertisements of one pool have lengths of their own, neighbours take turns with
 * few sets.
 */
#define RECENT_SETS 16
static bool find_recent(const struct fold_build *b, const struct bgp_attrs *set, size_t *ret)
{
	for (size_t i = b->n_sets; i > 0 && b->n_sets - i < RECENT_SETS; i--)
		if (bgp_attrs_cmp(&b->sets[i - 1], set) == 0) {
			*ret = i - 1;
			return true;
		}
	return false;
}

/* Number of the set of the chosen advertisements, or -1. Neighbours mostly have the same one. */
static ssize_t set_of_chosen(struct fold_build *b)
{
	const size_t bytes = b->n_chosen * sizeof(*b->chosen);
	struct bgp_attrs set;

	if (b->n_last && b->n_last == b->n_chosen && is_same_kind(&b->last_kind, &b->kind) &&
	    memcmp(b->last, b->chosen, bytes) == 0)
		return (ssize_t)b->last_set;
	if (is_unresolved(&b->chosen[0]) || !make_set(b, &set)) /* one is: all are */
		return -1;
	if (!find_recent(b, &set, &b->last_set)) {
		b->last_set = b->n_sets;
		*(struct bgp_attrs *)arena_push(b->d->arena, &b->sets, &b->n_sets, &b->cap_sets,
						sizeof(*b->sets)) = set;
	}
	memcpy(b->last, b->chosen, bytes);
	b->n_last = b->n_chosen;
	b->last_kind = b->kind;
	return (ssize_t)b->last_set;
}

/* --- folding -------------------------------------------------------------------------------- */

/* The rows of the prefix whose claims begin at `i`; returns where the next prefix begins. */
static size_t gather_members(struct fold_build *b, size_t i, uint64_t have)
{
	const struct ip_prefix *prefix = &b->claims[i]->prefix;
	const uint64_t kept = b->d->in->synced ? 0 : have;

	b->n_members = 0;
	for (; i < b->n_claims && ip_prefix_cmp(&b->claims[i]->prefix, prefix) == 0; i++) {
		const struct plan_claim *c = b->claims[i];
		struct member *m = b->n_members ? &b->members[b->n_members - 1] : NULL;

		if (!m || m->asker.advert != c->advert || m->asker.own != c->own) {
			m = &b->members[b->n_members++];
			*m = (struct member){.asker = {c->advert, c->own}};
		}
		m->peers |= plan_draft_admitted(b->d, c, have) & ~kept;
	}
	assert(b->n_members > 0 && b->n_members <= b->most);
	return i;
}

/*
 * A Service with communities that are not known costs the route nothing while others ask for it,
 * too; of those the route is. Alone it announces nothing.
 */
static void drop_unresolved(struct fold_build *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_chosen; i++)
		if (!is_unresolved(&b->chosen[i]))
			b->chosen[n++] = b->chosen[i];
	b->n_chosen = n ? n : b->n_chosen;
}

/* What a Service asks for itself may be for one kind of peer only. */
static bool differs_by_kind(const struct fold_build *b)
{
	for (size_t i = 0; i < b->n_chosen; i++)
		if (b->chosen[i].own && b->chosen[i].own->prepend)
			return true;
	return false;
}

/* Narrows the peers to those of the lowest one's kind. */
static uint64_t choose_kind(struct fold_build *b, const struct env_pool *pool, uint64_t peers)
{
	const struct plan_env *env = &b->d->env;
	const uint64_t lowest = peers & -peers;
	uint64_t told = 0;

	b->kind = (struct kind){0};
	for (enum api_pref_as as = API_PREF_AS_NONE + 1; as < API_N_PREF_AS; as++) {
		told |= env->pref_as[as];
		if (lowest & env->pref_as[as]) {
			b->kind = (struct kind){.external = true, .pref_as = as, .pool = pool};
			return peers & env->pref_as[as];
		}
	}
	peers &= ~told;
	if (!differs_by_kind(b))
		return peers;
	b->kind.external = lowest & env->ebgp;
	return peers & (b->kind.external ? env->ebgp : ~env->ebgp);
}

/*
 * Those who reach the lowest of `peers`, for a prefix of the pool; narrows it to the peers with
 * just these, and its kind.
 */
static uint64_t choose(struct fold_build *b, const struct env_pool *pool, uint64_t peers)
{
	const uint64_t lowest = peers & -peers;

	b->n_chosen = 0;
	for (size_t i = 0; i < b->n_members; i++) {
		const struct member *m = &b->members[i];

		if (m->peers & lowest)
			b->chosen[b->n_chosen++] = m->asker;
		peers &= m->peers & lowest ? m->peers : ~m->peers;
	}
	assert(b->n_chosen > 0 && b->n_chosen <= b->n_members);
	drop_unresolved(b);
	return choose_kind(b, pool, peers);
}

/* Without a set what the group has stays with it. */
static void put_row(struct fold_build *b, const struct ip_prefix *prefix, uint64_t have,
		    uint64_t group, ssize_t set)
{
	const struct plan_route row = {.prefix = *prefix, .peers = group, .attrs = (uint32_t)set};

	if (set >= 0)
		add_row(b->d, b->ret, &row);
	else if (group & have)
		plan_fold_hold(b->d, b->ret, prefix, group & have);
}

static void fold(struct fold_build *b)
{
	b->advertised = plan_advertised_walks(b->d);
	b->members = arena_array_of(b->d->arena, b->most, struct member);
	b->chosen = arena_array_of(b->d->arena, b->most, struct asker);
	b->last = arena_array_of(b->d->arena, b->most, struct asker);
	for (size_t i = 0; i < b->n_claims;) {
		const struct ip_prefix *prefix = &b->claims[i]->prefix;
		const struct env_pool *pool = b->claims[i]->pool; /* of the oldest */
		const uint64_t have = advertised_by(b, prefix);
		uint64_t left = 0;

		i = gather_members(b, i, have);
		for (size_t k = 0; k < b->n_members; k++)
			left |= b->members[k].peers;
		while (left) {
			const uint64_t group = choose(b, pool, left);
			const ssize_t set = set_of_chosen(b);

			assert((group & left & -left) && !(group & ~left)); /* it gets on */
			put_row(b, prefix, have, group, set);
			left &= ~group;
		}
	}
}

/* --- interning ------------------------------------------------------------------------------ */

struct numbered_set {
	const struct bgp_attrs *set;
	size_t number;
};

static int cmp_set(const void *a, const void *b)
{
	const struct numbered_set *x = a, *y = b;

	return bgp_attrs_cmp(x->set, y->set);
}

static void intern(struct fold_build *b)
{
	struct arena *arena = b->d->arena;
	struct numbered_set *order = arena_array_of(arena, b->n_sets, struct numbered_set);
	uint32_t *renumber = arena_array_of(arena, b->n_sets, uint32_t);
	struct bgp_attrs *attrs = arena_array_of(arena, b->n_sets, struct bgp_attrs);
	size_t n = 0;

	for (size_t i = 0; i < b->n_sets; i++)
		order[i] = (struct numbered_set){.set = &b->sets[i], .number = i};
	plan_sort(order, b->n_sets, sizeof(*order), cmp_set);
	for (size_t i = 0; i < b->n_sets; i++) {
		if (n == 0 || bgp_attrs_cmp(&attrs[n - 1], order[i].set) != 0)
			attrs[n++] = *order[i].set;
		renumber[order[i].number] = (uint32_t)(n - 1);
	}
	for (size_t i = 0; i < b->ret->n_rows; i++)
		if (!b->ret->rows[i].hold) {
			assert(b->ret->rows[i].attrs < b->n_sets);
			b->ret->rows[i].attrs = renumber[b->ret->rows[i].attrs];
		}
	plan_fold_merge(arena, b->ret);
	b->d->plan->attrs = attrs;
	b->d->plan->n_attrs = n;
}

void plan_fold(struct plan_draft *d, struct plan_folded *ret)
{
	struct fold_build b = {.d = d, .ret = ret};

	*ret = (struct plan_folded){0};
	collect_claims(&b);
	ret->cap_rows = b.n_claims;
	ret->rows = arena_array_of(d->arena, ret->cap_rows, struct plan_route);
	fold(&b);
	intern(&b);
}
