// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Claims on one prefix are folded for the peers that get the same advertisements:
 * communities are united, localPref and prepend come from the newest that sets one (metallb.md 3.2,
 * ruling 17). Sets are interned, so that a row names its set by a number.
 *
 * Gate programmed (1): a prefix goes to a peer only if a VIP under it is programmed, or is being
 * updated and the peer has the prefix already.
 */
#include "plan/plan_fold.h"

#include "base/limits.h"
#include "plan/plan_sort.h"

/* What one advertisement asks for one prefix, for these peers. */
struct member {
	const struct env_advert *advert;
	uint64_t peers;
};

struct fold_build {
	struct plan_draft *d;
	struct plan_folded *ret;
	struct plan_claim *claims; /* by prefix, age of the advertisement, VIP */
	size_t n_claims;
	struct member *members; /* of the prefix at hand, oldest first */
	size_t n_members;
	const struct env_advert **chosen; /* of them, for a group of peers */
	size_t n_chosen;
	const struct env_advert **last; /* what the newest set was made of */
	size_t n_last;
	struct bgp_attrs *sets;
	size_t n_sets, cap_sets;
};

static uint64_t advertised_by(const struct plan_draft *d, const struct ip_prefix *prefix)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < d->env.n_peers; i++)
		if (plan_draft_advertised(d->peers[i], prefix))
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

void plan_fold_merge(struct plan_folded *f)
{
	size_t n = 0;

	if (f->n_rows)
		qsort(f->rows, f->n_rows, sizeof(*f->rows), cmp_row);
	for (size_t i = 0; i < f->n_rows; i++) {
		if (n && cmp_row(&f->rows[n - 1], &f->rows[i]) == 0)
			f->rows[n - 1].peers |= f->rows[i].peers;
		else
			f->rows[n++] = f->rows[i];
	}
	f->n_rows = n;
}

/* --- claims --------------------------------------------------------------------------------- */

static int cmp_claim(const void *a, const void *b)
{
	const struct plan_claim *x = a, *y = b;
	int cmp = ip_prefix_cmp(&x->prefix, &y->prefix);

	if (cmp == 0)
		cmp = (x->advert->age > y->advert->age) - (x->advert->age < y->advert->age);
	return cmp ? cmp : plan_vip_cmp(&x->vip, &y->vip);
}

static int cmp_claim_vip(const void *a, const void *b)
{
	const struct plan_claim *x = a, *y = b;
	const int cmp = plan_vip_cmp(&x->vip, &y->vip);

	return cmp ? cmp : cmp_claim(a, b);
}

/* A Service that lost this VIP's every port to others has no say about its routes. */
static bool keeps_vip(const struct plan_draft *d, size_t first, const struct plan_fragment *f,
		      const struct plan_vip *vip)
{
	for (size_t i = 0; i < f->n_ports; i++)
		if (!d->ports[first + i].lost && plan_vip_equal(&f->ports[i].row.vip, vip))
			return true;
	return false;
}

static void collect_claims(struct fold_build *b)
{
	struct plan_draft *d = b->d;
	struct plan_claim *by_vip;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < d->n_fragments; i++)
		n += d->fragments[i]->n_claims;
	b->claims = arena_array_of(d->arena, n, struct plan_claim);
	for (size_t i = 0; i < d->n_fragments; i++) {
		const struct plan_fragment *f = d->fragments[i];

		for (size_t k = 0; k < f->n_claims; k++)
			if (keeps_vip(d, first, f, &f->claims[k].vip))
				b->claims[b->n_claims++] = f->claims[k];
		first += f->n_ports;
	}
	b->n_claims = plan_sort_unique(b->claims, b->n_claims, sizeof(*b->claims), cmp_claim);

	by_vip = arena_array_of(d->arena, b->n_claims, struct plan_claim);
	memcpy(by_vip, b->claims, b->n_claims * sizeof(*by_vip));
	qsort(by_vip, b->n_claims, sizeof(*by_vip), cmp_claim_vip);
	b->ret->by_vip = by_vip;
	b->ret->n_claims = b->n_claims;
}

/* --- attribute sets ------------------------------------------------------------------------- */

static void unite_communities(struct fold_build *b, struct bgp_attrs *ret)
{
	struct large_community *large;
	uint32_t *standard;
	size_t n = 0, n_large = 0;

	for (size_t i = 0; i < b->n_chosen; i++) {
		n += b->chosen[i]->n_communities;
		n_large += b->chosen[i]->n_large;
	}
	standard = arena_array_of(b->d->arena, n, uint32_t);
	large = arena_array_of(b->d->arena, n_large, struct large_community);
	n = n_large = 0;
	for (size_t i = 0; i < b->n_chosen; i++) {
		const struct env_advert *a = b->chosen[i];

		for (size_t k = 0; k < a->n_communities; k++)
			standard[n++] = a->communities[k];
		for (size_t k = 0; k < a->n_large; k++)
			large[n_large++] = a->large[k];
	}
	ret->communities = standard;
	ret->n_communities = plan_unique_standard(standard, n);
	ret->large = large;
	ret->n_large = plan_unique_large(large, n_large);
}

static void overridden(struct fold_build *b, const struct env_advert *by,
		       const struct env_advert *loser, const char *field)
{
	object_problem(&b->d->plan->problems, SEVERITY_WARNING, loser->object, field,
		       "OverriddenByNewer", "remove one of the two, or give them different peers",
		       "the newer BGPAdvertisement %s sets another value for the same route",
		       by->object->meta.name);
}

/* localPref and prepend: the newest that sets one; the others are told. */
static void choose_newest(struct fold_build *b, struct bgp_attrs *ret)
{
	const struct env_advert *pref = NULL, *prepend = NULL;

	for (size_t i = b->n_chosen; i-- > 0;) {
		const struct env_advert *a = b->chosen[i];
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
	}
}

/*
 * The set of the chosen advertisements; false: it would be too long for a route. Then nothing is
 * announced with less than was asked for (a lost no-export would leak), and nothing withdrawn.
 */
static bool make_set(struct fold_build *b, struct bgp_attrs *ret)
{
	const struct api_config *config = &b->d->env.config;

	*ret = (struct bgp_attrs){.origin = BGP_ORIGIN_IGP};
	unite_communities(b, ret);
	choose_newest(b, ret);
	if (!ret->has_local_pref && config->set & API_CONFIG_DEFAULT_LOCAL_PREF) {
		ret->has_local_pref = true;
		ret->local_pref = config->default_local_pref;
	}
	if (ret->n_communities + ret->n_large <= LIMIT_COMMUNITIES)
		return true;
	object_problem(
		&b->d->plan->problems, SEVERITY_ERROR, b->chosen[b->n_chosen - 1]->object,
		"spec.communities", "TooManyCommunities", "attach fewer communities",
		"with others its routes would carry %zu communities, more than %d; they stay as "
		"they are, and none is added",
		ret->n_communities + ret->n_large, LIMIT_COMMUNITIES);
	return false;
}

/* Number of the set of the chosen advertisements, or -1. Neighbours mostly have the same one. */
static ssize_t set_of_chosen(struct fold_build *b)
{
	const size_t bytes = b->n_chosen * sizeof(const struct env_advert *);
	struct bgp_attrs set;

	if (b->n_last && b->n_last == b->n_chosen && memcmp(b->last, b->chosen, bytes) == 0)
		return (ssize_t)b->n_sets - 1;
	if (!make_set(b, &set))
		return -1;
	*(struct bgp_attrs *)arena_push(b->d->arena, &b->sets, &b->n_sets, &b->cap_sets,
					sizeof(*b->sets)) = set;
	memcpy(b->last, b->chosen, bytes);
	b->n_last = b->n_chosen;
	return (ssize_t)b->n_sets - 1;
}

/* --- folding -------------------------------------------------------------------------------- */

/* Gate 1, for one claim. */
static uint64_t admitted(const struct fold_build *b, const struct plan_claim *c, uint64_t have)
{
	const struct plan_draft *d = b->d;
	const uint64_t reach = plan_draft_reach(d, c);

	switch (plan_draft_gate(d, &c->vip)) {
	case GATE_OPEN:
		return reach & (d->peers_open | (d->peers_stale & have));
	case GATE_STALE:
		return reach & (d->peers_open | d->peers_stale) & have;
	case GATE_CLOSED:
		break;
	}
	return 0;
}

/* The rows of the prefix whose claims begin at `i`; returns where the next prefix begins. */
static size_t gather_members(struct fold_build *b, size_t i, uint64_t have)
{
	const struct ip_prefix *prefix = &b->claims[i].prefix;
	const uint64_t held = b->d->in->synced ? 0 : have;

	b->n_members = 0;
	for (; i < b->n_claims && ip_prefix_cmp(&b->claims[i].prefix, prefix) == 0; i++) {
		const struct plan_claim *c = &b->claims[i];
		struct member *m = b->n_members ? &b->members[b->n_members - 1] : NULL;

		if (!m || m->advert != c->advert) {
			m = &b->members[b->n_members++];
			*m = (struct member){.advert = c->advert};
		}
		m->peers |= admitted(b, c, have) & ~held;
	}
	return i;
}

/* The advertisements that reach the lowest of `peers`; narrows it to the peers with just these. */
static uint64_t choose(struct fold_build *b, uint64_t peers)
{
	const uint64_t lowest = peers & -peers;

	b->n_chosen = 0;
	for (size_t i = 0; i < b->n_members; i++) {
		const struct member *m = &b->members[i];

		if (m->peers & lowest)
			b->chosen[b->n_chosen++] = m->advert;
		peers &= m->peers & lowest ? m->peers : ~m->peers;
	}
	return peers;
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
	for (size_t i = 0; i < b->n_claims;) {
		const struct ip_prefix *prefix = &b->claims[i].prefix;
		const uint64_t have = advertised_by(b->d, prefix);
		uint64_t left = 0;

		i = gather_members(b, i, have);
		for (size_t k = 0; k < b->n_members; k++)
			left |= b->members[k].peers;
		while (left) {
			const uint64_t group = choose(b, left);
			const ssize_t set = set_of_chosen(b);

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
	qsort(order, b->n_sets, sizeof(*order), cmp_set);
	for (size_t i = 0; i < b->n_sets; i++) {
		if (n == 0 || bgp_attrs_cmp(&attrs[n - 1], order[i].set) != 0)
			attrs[n++] = *order[i].set;
		renumber[order[i].number] = (uint32_t)(n - 1);
	}
	for (size_t i = 0; i < b->ret->n_rows; i++)
		if (!b->ret->rows[i].hold)
			b->ret->rows[i].attrs = renumber[b->ret->rows[i].attrs];
	plan_fold_merge(b->ret);
	b->d->plan->attrs = attrs;
	b->d->plan->n_attrs = n;
}

void plan_fold(struct plan_draft *d, struct plan_folded *ret)
{
	struct fold_build b = {
		.d = d,
		.ret = ret,
		.members = arena_array_of(d->arena, d->env.n_adverts, struct member),
		.chosen = arena_array_of(d->arena, d->env.n_adverts, const struct env_advert *),
		.last = arena_array_of(d->arena, d->env.n_adverts, const struct env_advert *),
	};

	*ret = (struct plan_folded){0};
	collect_claims(&b);
	fold(&b);
	intern(&b);
}
