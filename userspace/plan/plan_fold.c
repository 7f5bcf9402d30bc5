// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Claims on one prefix are folded for the peers that get the same advertisements.
 * Where it makes a difference, eBGP and iBGP peers are groups of their own, and so are eBGP peers
 * that are to be told localPref by other attributes (plan_prefs.h).
 *
 * Most prefixes have the same: what comes of the claims on one, a mix, is made once for all that
 * are asked for alike. Sets are interned, so that a row names its set by a number, and only then
 * the mixes become rows.
 *
 * Gate programmed (1): a prefix goes to a peer only if a VIP under it is programmed, or is being
 * updated and the peer has the prefix already.
 */
#include "plan/plan_fold.h"

#include "base/hash.h"
#include "plan/plan_fold_set.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* Claims on one prefix by the same advertisements that ask for the same attributes. */
struct voice {
	const struct plan_claim *claim; /* the first of them */
	uint64_t admitted;              /* peers */
};
/* What one advertisement asks for one prefix, for these peers. */
struct member {
	struct fold_asker asker;
	size_t voice;
	uint64_t peers;
};
/* What comes of the voices: the sets, each for some peers. */
struct share {
	uint32_t set;
	uint64_t peers;
};
struct mix {
	const struct env_pool *pool; /* of the oldest advertisement's first VIP */
	const struct voice *voices;
	size_t n_voices;
	struct share *shares;
	size_t n;
	uint64_t unset; /* peers that keep what they have, since there is no set for them */
};
struct mixed_prefix {
	struct ip_prefix prefix;
	uint64_t have; /* peers that were sent it */
	size_t mix;
};

#define MIX_WAYS 4
struct fold_build {
	struct plan_draft *d;
	struct plan_folded *ret;
	struct voice *voices; /* of the prefix at hand */
	size_t n_voices, cap_voices;
	const struct env_pool *pool; /* as of a mix */
	struct member *members;      /* oldest advertisement first */
	size_t n_members, cap_members;
	struct fold_asker *chosen; /* of them, for a group of peers */
	size_t n_chosen, cap_chosen;
	struct fold_kind kind;
	struct advertised_walk *advertised; /* by peer */
	struct bgp_attrs *sets;
	size_t n_sets, cap_sets;
	struct mix *mixes;
	size_t n_mixes, cap_mixes;
	size_t known[64][MIX_WAYS]; /* mixes, by what they are made of: number + 1, or 0 */
	struct mixed_prefix *prefixes;
	size_t n_prefixes, cap_prefixes;
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
	*(struct plan_route *)arena_push(d->scratch, &f->rows, &f->n_rows, &f->cap_rows,
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

/* --- voices --------------------------------------------------------------------------------- */

/* The first of the claim's advertisements that is for somebody. */
static const struct env_advert *oldest_of(const struct fold_build *b, const struct plan_claim *c)
{
	size_t i = 0;

	while (i + 1 < c->by->n && !plan_claim_peers(&b->d->env, c, c->by->items[i]->peers))
		i++;
	return c->by->items[i];
}

static const struct env_pool *oldest_pool(const struct fold_build *b)
{
	const struct plan_claim *first = b->voices[0].claim;
	const struct env_advert *oldest = oldest_of(b, first);

	for (size_t i = 1; i < b->n_voices; i++) {
		const struct plan_claim *c = b->voices[i].claim;
		const struct env_advert *a = oldest_of(b, c);

		if (a->age > oldest->age ||
		    (a == oldest && plan_vip_cmp(&c->vip, &first->vip) >= 0))
			continue;
		first = c;
		oldest = a;
	}
	return first->by->pool;
}

static void add_voice(struct fold_build *b, const struct plan_claim *c, uint64_t admitted)
{
	struct voice *v = b->n_voices ? &b->voices[b->n_voices - 1] : NULL;

	if (!v || v->claim->by != c->by || plan_claim_own(v->claim) != plan_claim_own(c)) {
		v = arena_push(b->d->scratch, &b->voices, &b->n_voices, &b->cap_voices, sizeof(*v));
		*v = (struct voice){.claim = c};
	}
	v->admitted |= admitted;
}

/* Of the prefix whose claims begin at `i`; returns where the next prefix begins. */
static size_t gather_voices(struct fold_build *b, size_t i, uint64_t *ret_have)
{
	const struct plan_order *order = &b->d->arranged->by_prefix;
	const struct ip_prefix *prefix = &arranged_claim(order, i)->claim->prefix;
	const uint64_t have = advertised_by(b, prefix), kept = b->d->in->synced ? 0 : have;

	b->n_voices = 0;
	for (; i < order->n; i++) {
		const struct arranged_claim *c = arranged_claim(order, i);

		if (ip_prefix_cmp(&c->claim->prefix, prefix) != 0)
			break;
		if (plan_draft_keeps(b->d, c))
			add_voice(b, c->claim, plan_draft_admitted(b->d, c->claim, have) & ~kept);
	}
	b->pool = b->n_voices ? oldest_pool(b) : NULL;
	*ret_have = have;
	return i;
}

/* --- one group of peers --------------------------------------------------------------------- */

static bool is_unresolved(const struct fold_asker *a)
{
	return a->own && a->own->is_unresolved;
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
static uint64_t choose_kind(struct fold_build *b, uint64_t peers)
{
	const struct plan_env *env = &b->d->env;
	const uint64_t lowest = peers & -peers;
	uint64_t told = 0;

	b->kind = (struct fold_kind){0};
	for (enum api_pref_as as = API_PREF_AS_NONE + 1; as < API_N_PREF_AS; as++) {
		told |= env->pref_as[as];
		if (lowest & env->pref_as[as]) {
			b->kind = (struct fold_kind){
				.external = true, .pref_as = as, .pool = b->pool};
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
 * Those who reach the lowest of `peers`; narrows it to the peers with just these, and its kind.
 */
static uint64_t choose(struct fold_build *b, uint64_t peers)
{
	const uint64_t lowest = peers & -peers;

	b->n_chosen = 0;
	for (size_t i = 0; i < b->n_members; i++) {
		const struct member *m = &b->members[i];

		if (m->peers & lowest)
			*(struct fold_asker *)arena_push(b->d->scratch, &b->chosen, &b->n_chosen,
							 &b->cap_chosen, sizeof(*b->chosen)) =
				m->asker;
		peers &= m->peers & lowest ? m->peers : ~m->peers;
	}
	assert(b->n_chosen > 0);
	drop_unresolved(b);
	return choose_kind(b, peers);
}

/* --- mixes ---------------------------------------------------------------------------------- */

static int cmp_member(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	const size_t age_x = x->asker.advert->age, age_y = y->asker.advert->age;

	if (age_x != age_y)
		return age_x < age_y ? -1 : 1;
	return (x->voice > y->voice) - (x->voice < y->voice);
}

static void gather_members(struct fold_build *b)
{
	b->n_members = 0;
	for (size_t i = 0; i < b->n_voices; i++) {
		const struct plan_claim *c = b->voices[i].claim;

		for (size_t k = 0; b->voices[i].admitted && k < c->by->n; k++) {
			const struct env_advert *a = c->by->items[k];

			if (!(a->peers & b->voices[i].admitted))
				continue;
			*(struct member *)arena_push(b->d->scratch, &b->members, &b->n_members,
						     &b->cap_members, sizeof(*b->members)) =
				(struct member){.asker = {a, plan_claim_own(c)},
						.voice = i,
						.peers = a->peers & b->voices[i].admitted};
		}
	}
	if (b->n_voices > 1)
		plan_sort(b->members, b->n_members, sizeof(*b->members), cmp_member);
}

/* Its set for the group; false: there is none for it. */
static bool add_set(struct fold_build *b, uint32_t *ret)
{
	struct bgp_attrs set;

	if (is_unresolved(&b->chosen[0]) || /* one is: all are */
	    !plan_fold_set(b->d, b->chosen, b->n_chosen, &b->kind, &set))
		return false;
	*ret = (uint32_t)b->n_sets;
	*(struct bgp_attrs *)arena_push(b->d->scratch, &b->sets, &b->n_sets, &b->cap_sets,
					sizeof(*b->sets)) = set;
	return true;
}

static void make_mix(struct fold_build *b)
{
	struct mix m = {.pool = b->pool, .n_voices = b->n_voices};
	uint64_t left = 0;
	size_t cap = 0;

	m.voices = arena_memdup(b->d->scratch, b->voices, b->n_voices * sizeof(*b->voices));
	gather_members(b);
	for (size_t i = 0; i < b->n_members; i++)
		left |= b->members[i].peers;
	while (left) {
		struct share share = {.peers = choose(b, left)};

		assert((share.peers & left & -left) && !(share.peers & ~left)); /* it gets on */
		left &= ~share.peers;
		if (add_set(b, &share.set))
			*(struct share *)arena_push(b->d->scratch, &m.shares, &m.n, &cap,
						    sizeof(share)) = share;
		else
			m.unset |= share.peers;
	}
	*(struct mix *)arena_push(b->d->scratch, &b->mixes, &b->n_mixes, &b->cap_mixes, sizeof(m)) =
		m;
}

static bool same_own(const struct service_attrs *a, const struct service_attrs *b, bool is_alone)
{
	return a == b || (is_alone && a && b && plan_fold_same_own(a, b));
}

/* Whose Service asks does not matter where it is the only one. */
static bool is_mix(const struct fold_build *b, const struct mix *m)
{
	if (m->n_voices != b->n_voices || m->pool != b->pool)
		return false;
	for (size_t i = 0; i < m->n_voices; i++) {
		const struct voice *x = &m->voices[i], *y = &b->voices[i];

		if (x->admitted != y->admitted || x->claim->by != y->claim->by ||
		    !same_own(plan_claim_own(x->claim), plan_claim_own(y->claim), m->n_voices == 1))
			return false;
	}
	return true;
}

/* Where it is, or is to be: where there is no room, the oldest in its places has to go. */
static size_t *mix_place(struct fold_build *b)
{
	uint64_t h = hash_u64(HASH_INIT, b->n_voices);
	size_t *at;

	for (size_t i = 0; i < b->n_voices; i++)
		h = hash_u64(hash_u64(h, (uintptr_t)b->voices[i].claim->by), b->voices[i].admitted);
	at = b->known[h % ARRAY_SIZE(b->known)];
	for (size_t i = 0; i < MIX_WAYS; i++)
		if (at[i] && is_mix(b, &b->mixes[at[i] - 1]))
			return &at[i];
	memmove(at + 1, at, (MIX_WAYS - 1) * sizeof(*at));
	at[0] = 0;
	return at;
}

static size_t mix_of_voices(struct fold_build *b)
{
	size_t *place = mix_place(b);

	if (*place == 0) {
		make_mix(b);
		*place = b->n_mixes;
	}
	return *place - 1;
}

static void fold(struct fold_build *b)
{
	b->advertised = plan_advertised_walks(b->d);
	for (size_t i = 0; i < b->d->arranged->by_prefix.n;) {
		struct mixed_prefix p = {
			.prefix = arranged_claim(&b->d->arranged->by_prefix, i)->claim->prefix};

		i = gather_voices(b, i, &p.have);
		if (b->n_voices == 0)
			continue;
		p.mix = mix_of_voices(b);
		*(struct mixed_prefix *)arena_push(b->d->scratch, &b->prefixes, &b->n_prefixes,
						   &b->cap_prefixes, sizeof(p)) = p;
	}
}

/* --- interning ------------------------------------------------------------------------------ */

static int cmp_share(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return (x->set > y->set) - (x->set < y->set);
}

/* By the final numbers, each once. */
static void renumber(struct mix *m, const uint32_t *numbers)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		m->shares[i].set = numbers[m->shares[i].set];
	plan_sort(m->shares, m->n, sizeof(*m->shares), cmp_share);
	for (size_t i = 0; i < m->n; i++) {
		if (n && m->shares[n - 1].set == m->shares[i].set)
			m->shares[n - 1].peers |= m->shares[i].peers;
		else
			m->shares[n++] = m->shares[i];
	}
	m->n = n;
}

static void intern(struct fold_build *b)
{
	const uint32_t *numbers = plan_fold_number(b->d, b->sets, b->n_sets);

	for (size_t i = 0; i < b->n_mixes; i++)
		renumber(&b->mixes[i], numbers);
}

static void put_rows(struct fold_build *b)
{
	struct plan_folded *ret = b->ret;

	for (size_t i = 0; i < b->n_prefixes; i++)
		ret->cap_rows += b->mixes[b->prefixes[i].mix].n;
	ret->rows = arena_array_of(b->d->scratch, ret->cap_rows, struct plan_route);
	for (size_t i = 0; i < b->n_prefixes; i++) {
		const struct mixed_prefix *p = &b->prefixes[i];
		const struct mix *m = &b->mixes[p->mix];

		for (size_t k = 0; k < m->n; k++)
			add_row(b->d, ret,
				&(struct plan_route){.prefix = p->prefix,
						     .attrs = m->shares[k].set,
						     .peers = m->shares[k].peers});
		if (m->unset & p->have)
			plan_fold_hold(b->d, ret, &p->prefix, m->unset & p->have);
	}
	ret->n_merged = ret->n_rows;
}

void plan_fold(struct plan_draft *d, struct plan_folded *ret)
{
	struct fold_build b = {.d = d, .ret = ret};

	*ret = (struct plan_folded){0};
	fold(&b);
	intern(&b);
	put_rows(&b);
}
