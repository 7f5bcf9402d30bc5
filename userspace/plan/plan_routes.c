// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From the claims of all fragments to rows (prefix, attribute set, peers). Claims on one prefix are
 * folded for the peers that get the same advertisements: communities are united, localPref and
 * prepend come from the newest that sets one (metallb.md 3.2, ruling 17). Sets are interned, so
 * that a row names its set by a number.
 *
 * Gates: programmed (1), a prefix goes to a peer only if a VIP under it is programmed, or is being
 * updated and the peer has the prefix already; replaced (3), a prefix that is not wanted any more,
 * while VIPs under it stay served, waits until what replaces it was written to the peers that get
 * it, but not longer than PLAN_WAITING_NS: a peer that does not read holds back nobody; complete
 * (5), before the first complete picture nothing is withdrawn. Waiting is a row with `hold`.
 */
#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

/* What one advertisement asks for one prefix, for these peers. */
struct member {
	const struct env_advert *advert;
	uint64_t peers;
};

struct routes_build {
	struct plan_draft *d;
	struct plan_claim *claims; /* by prefix, age of the advertisement, VIP */
	struct plan_claim *by_vip;
	size_t n_claims;
	struct member *members; /* of the prefix at hand, oldest first */
	size_t n_members;
	const struct env_advert **chosen; /* of them, for a group of peers */
	size_t n_chosen;
	const struct env_advert **last; /* what the newest set was made of */
	size_t n_last;
	struct bgp_attrs *sets;
	size_t n_sets, cap_sets;
	struct plan_route *rows;
	size_t n_rows, cap_rows;
};

/* --- looking things up ---------------------------------------------------------------------- */

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

bool plan_draft_advertised(const struct plan_actual_peer *p, const struct ip_prefix *prefix)
{
	return p &&
	       sorted_find(prefix, p->advertised, p->n_advertised, sizeof(*prefix), cmp_prefix);
}

static int cmp_row_prefix(const void *key, const void *item)
{
	const struct plan_route *r = item;

	return ip_prefix_cmp(key, &r->prefix);
}

uint64_t plan_draft_receivers(const struct plan_draft *d, const struct ip_prefix *prefix, bool held)
{
	const struct plan *p = d->plan;
	size_t i = plan_lower_bound(prefix, p->routes, p->n_routes, sizeof(*p->routes),
				    cmp_row_prefix);
	uint64_t peers = 0;

	for (; i < p->n_routes && ip_prefix_cmp(&p->routes[i].prefix, prefix) == 0; i++)
		if (held || !p->routes[i].hold)
			peers |= p->routes[i].peers;
	return peers;
}

bool plan_draft_announces(const struct plan_draft *d, const struct ip_prefix *prefix,
			  uint64_t peers)
{
	return plan_draft_receivers(d, prefix, false) & peers;
}

static uint64_t advertised_by(const struct plan_draft *d, const struct ip_prefix *prefix)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < d->env.n_peers; i++)
		if (plan_draft_advertised(d->peers[i], prefix))
			ret |= UINT64_C(1) << i;
	return ret;
}

/* --- claims --------------------------------------------------------------------------------- */

static int cmp_claim(const void *a, const void *b)
{
	const struct plan_claim *x = a, *y = b;
	int cmp = ip_prefix_cmp(&x->prefix, &y->prefix);

	if (cmp == 0)
		cmp = (x->advert->age > y->advert->age) - (x->advert->age < y->advert->age);
	return cmp ? cmp : ip_addr_cmp(&x->vip, &y->vip);
}

static int cmp_claim_vip(const void *a, const void *b)
{
	const struct plan_claim *x = a, *y = b;
	const int cmp = ip_addr_cmp(&x->vip, &y->vip);

	return cmp ? cmp : cmp_claim(a, b);
}

/* A Service that lost this address's every port to others has no say about its routes. */
static bool keeps_vip(const struct plan_draft *d, size_t first, const struct plan_fragment *f,
		      const struct ip_addr *vip)
{
	for (size_t i = 0; i < f->n_ports; i++)
		if (!d->ports[first + i].lost && ip_addr_equal(&f->ports[i].row.vip, vip))
			return true;
	return false;
}

static void collect_claims(struct routes_build *b)
{
	struct plan_draft *d = b->d;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < d->n_fragments; i++)
		n += d->fragments[i]->n_claims;
	b->claims = arena_array_of(d->arena, n, struct plan_claim);
	b->by_vip = arena_array_of(d->arena, n, struct plan_claim);
	for (size_t i = 0; i < d->n_fragments; i++) {
		const struct plan_fragment *f = d->fragments[i];

		for (size_t k = 0; k < f->n_claims; k++)
			if (keeps_vip(d, first, f, &f->claims[k].vip))
				b->claims[b->n_claims++] = f->claims[k];
		first += f->n_ports;
	}
	b->n_claims = plan_sort_unique(b->claims, b->n_claims, sizeof(*b->claims), cmp_claim);
	memcpy(b->by_vip, b->claims, b->n_claims * sizeof(*b->claims));
	qsort(b->by_vip, b->n_claims, sizeof(*b->by_vip), cmp_claim_vip);
}

/* --- attribute sets ------------------------------------------------------------------------- */

static void unite_communities(struct routes_build *b, struct bgp_attrs *ret)
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

static void overridden(struct routes_build *b, const struct env_advert *by,
		       const struct env_advert *loser, const char *field)
{
	object_problem(&b->d->plan->problems, SEVERITY_WARNING, loser->object, field,
		       "OverriddenByNewer", "remove one of the two, or give them different peers",
		       "the newer BGPAdvertisement %s sets another value for the same route",
		       by->object->meta.name);
}

/* localPref and prepend: the newest that sets one; the others are told. */
static void choose_newest(struct routes_build *b, struct bgp_attrs *ret)
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
static bool make_set(struct routes_build *b, struct bgp_attrs *ret)
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
static ssize_t set_of_chosen(struct routes_build *b)
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

static void add_row(struct routes_build *b, const struct ip_prefix *prefix, uint64_t peers,
		    ssize_t set)
{
	struct plan_route *row =
		arena_push(b->d->arena, &b->rows, &b->n_rows, &b->cap_rows, sizeof(*row));

	row->prefix = *prefix;
	row->peers = peers;
	row->hold = set < 0;
	row->attrs = set < 0 ? 0 : (uint32_t)set;
}

/* Gate 1, for one claim. */
static uint64_t admitted(const struct routes_build *b, const struct plan_claim *c, uint64_t have)
{
	const struct plan_draft *d = b->d;

	switch (plan_draft_gate(d, &c->vip)) {
	case GATE_OPEN:
		return c->advert->peers & (d->peers_open | (d->peers_stale & have));
	case GATE_STALE:
		return c->advert->peers & (d->peers_open | d->peers_stale) & have;
	case GATE_CLOSED:
		break;
	}
	return 0;
}

/* The rows of the prefix whose claims begin at `i`; returns where the next prefix begins. */
static size_t gather_members(struct routes_build *b, size_t i, uint64_t have)
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
static uint64_t choose(struct routes_build *b, uint64_t peers)
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

static void fold(struct routes_build *b)
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

			if (set >= 0 || (group & have))
				add_row(b, prefix, set < 0 ? group & have : group, set);
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

static int cmp_row(const void *a, const void *b)
{
	const struct plan_route *x = a, *y = b;
	int cmp = ip_prefix_cmp(&x->prefix, &y->prefix);

	if (cmp == 0)
		cmp = x->hold - y->hold;
	return cmp ? cmp : (x->attrs > y->attrs) - (x->attrs < y->attrs);
}

/* Sorts rows and makes one of those that differ in peers only. */
static void merge_rows(struct routes_build *b)
{
	size_t n = 0;

	if (b->n_rows)
		qsort(b->rows, b->n_rows, sizeof(*b->rows), cmp_row);
	for (size_t i = 0; i < b->n_rows; i++) {
		if (n && cmp_row(&b->rows[n - 1], &b->rows[i]) == 0)
			b->rows[n - 1].peers |= b->rows[i].peers;
		else
			b->rows[n++] = b->rows[i];
	}
	b->n_rows = n;
}

static void intern(struct routes_build *b)
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
	for (size_t i = 0; i < b->n_rows; i++)
		if (!b->rows[i].hold)
			b->rows[i].attrs = renumber[b->rows[i].attrs];
	merge_rows(b);
	b->d->plan->attrs = attrs;
	b->d->plan->n_attrs = n;
}

static void publish(struct routes_build *b)
{
	b->d->plan->routes = b->rows;
	b->d->plan->n_routes = b->n_rows;
}

/* --- gates 3 and 5: what waits to be withdrawn ---------------------------------------------- */

static int cmp_addr_claim(const void *key, const void *item)
{
	const struct plan_claim *c = item;

	return ip_addr_cmp(key, &c->vip);
}

/* Some established peer has still to be sent this claim's prefix. */
static bool awaits_write(const struct plan_draft *d, const struct plan_claim *c)
{
	const uint64_t peers = c->advert->peers & (d->peers_open | d->peers_stale);

	for (size_t i = 0; i < d->env.n_peers; i++)
		if ((peers >> i & 1) && d->peers[i] &&
		    !plan_draft_advertised(d->peers[i], &c->prefix))
			return true;
	return false;
}

/* Gate 3: a VIP under the prefix stays served, and its new route is not out everywhere yet. */
static bool awaits_replacement(const struct routes_build *b, const struct ip_prefix *prefix)
{
	size_t i = plan_lower_bound(&prefix->addr, b->by_vip, b->n_claims, sizeof(*b->by_vip),
				    cmp_addr_claim);

	for (; i < b->n_claims && ip_prefix_has(prefix, &b->by_vip[i].vip); i++)
		if (plan_draft_gate(b->d, &b->by_vip[i].vip) != GATE_CLOSED &&
		    awaits_write(b->d, &b->by_vip[i]))
			return true;
	return false;
}

static int cmp_waiting(const void *key, const void *item)
{
	const struct plan_waiting *w = item;

	return ip_prefix_cmp(key, &w->prefix);
}

/* Notes since when the prefix waits; false: it has waited long enough. */
static bool may_wait(struct plan_draft *d, const struct ip_prefix *prefix)
{
	const struct plan_waiting *known = sorted_find(
		prefix, d->ledger->waiting, d->ledger->n_waiting, sizeof(*known), cmp_waiting);
	const nsec_t since = known ? known->since : d->now;
	const nsec_t until = nsec_add(since, PLAN_WAITING_NS);

	*(struct plan_waiting *)arena_push(d->arena, &d->waiting, &d->n_waiting, &d->cap_waiting,
					   sizeof(*d->waiting)) =
		(struct plan_waiting){.prefix = *prefix, .since = since};
	if (until <= d->now)
		return false;
	d->deadline = nsec_min(d->deadline, until);
	return true;
}

static int cmp_waiting_prefix(const void *a, const void *b)
{
	const struct plan_waiting *x = a, *y = b;

	return ip_prefix_cmp(&x->prefix, &y->prefix);
}

static void hold_routes(struct routes_build *b)
{
	struct plan_draft *d = b->d;

	for (size_t i = 0; i < d->env.n_peers; i++) {
		const struct plan_actual_peer *p = d->peers[i];
		const uint64_t bit = UINT64_C(1) << i;

		for (size_t k = 0; p && k < p->n_advertised; k++) {
			const struct ip_prefix *prefix = &p->advertised[k];

			if (plan_draft_announces(d, prefix, bit))
				continue;
			if (!d->in->synced ||
			    (awaits_replacement(b, prefix) && may_wait(d, prefix)))
				add_row(b, prefix, bit, -1);
		}
	}
	d->n_waiting =
		plan_sort_unique(d->waiting, d->n_waiting, sizeof(*d->waiting), cmp_waiting_prefix);
	merge_rows(b);
	publish(b);
}

/*
 * End-of-RIB tells the router to drop what we did not repeat: it waits for devices and VIPs on
 * their way, but not for what has failed. A VIP counts if any of its claims goes to a peer that can
 * be sent routes.
 */
static bool is_on_its_way(const struct routes_build *b, const struct ip_addr *vip)
{
	const struct plan_draft *d = b->d;
	size_t i =
		plan_lower_bound(vip, b->by_vip, b->n_claims, sizeof(*b->by_vip), cmp_addr_claim);

	if (plan_draft_gate(d, vip) == GATE_OPEN)
		return false;
	for (; i < b->n_claims && ip_addr_equal(&b->by_vip[i].vip, vip); i++)
		if (b->by_vip[i].advert->peers & d->peers_open)
			return true;
	return false;
}

static bool is_complete(const struct routes_build *b)
{
	const struct plan_draft *d = b->d;

	if (!d->in->synced)
		return false;
	if (!d->plan->dataplane)
		return true; /* also while XDP is left: that nothing is repeated is meant */
	if (d->peers_stale)
		return false;
	for (size_t i = 0; i < d->n_vips; i++)
		if (is_on_its_way(b, &d->vips[i].addr))
			return false;
	return true;
}

void plan_draft_routes(struct plan_draft *d)
{
	struct routes_build b = {
		.d = d,
		.members = arena_array_of(d->arena, d->env.n_adverts, struct member),
		.chosen = arena_array_of(d->arena, d->env.n_adverts, const struct env_advert *),
		.last = arena_array_of(d->arena, d->env.n_adverts, const struct env_advert *),
	};

	collect_claims(&b);
	fold(&b);
	intern(&b);
	publish(&b);
	hold_routes(&b);
	d->plan->end_of_rib = is_complete(&b);
}
