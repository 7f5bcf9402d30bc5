// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes of blackholes to the peers that ask for them: in the place of what they are told of the
 * prefix otherwise, with the same attributes and besides the community BLACKHOLE, what spec.rtbh
 * says, and the next hop that routers discard. The others are told as always.
 *
 * Gate discarded: such a route goes out once the prefix is dropped here; until then its peers keep
 * what they have. Where no data plane is, nothing is dropped here, and it goes out at once. What is
 * an aggregate of this node's waits for its blackhole in the kernel, too (plan_blackholes.c).
 */
#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_fold.h"
#include "plan/plan_fold_set.h"
#include "plan/plan_sort.h"

#include <assert.h>

#define NO_SET UINT32_MAX /* of what is announced by nothing else */

/* What is told of one prefix, in whatever domains. */
struct telling {
	struct ip_prefix prefix;
	uint64_t peers;   /* that are told */
	uint64_t waiting; /* that are to be, and keep what they have */
};

/* A set that peers get in the place of another one, in the family. */
struct derived {
	uint32_t from; /* or NO_SET */
	enum ip_family family;
	uint32_t to;
};

struct rtbh_build {
	struct plan_draft *d;
	struct telling *tellings; /* by prefix */
	size_t n_tellings;
	struct bgp_attrs *sets; /* those of the plan, then derived ones */
	size_t n_sets, cap_sets;
	struct derived *derived;
	size_t n_derived, cap_derived;
	struct plan_route *rows;
	size_t n_rows, cap_rows;
};

/* --- sets ------------------------------------------------------------------------------------- */

static void add_standard(const struct rtbh_build *b, struct bgp_attrs *set)
{
	const struct api_rtbh *say = &b->d->env.config.rtbh;
	uint32_t *all =
		arena_array_of(b->d->arena, set->n_communities + say->n_communities + 1, uint32_t);
	size_t n = 0;

	for (size_t i = 0; i < set->n_communities; i++)
		all[n++] = set->communities[i];
	for (size_t i = 0; i < say->n_communities; i++)
		all[n++] = say->communities[i];
	all[n++] = COMMUNITY_BLACKHOLE;
	set->communities = all;
	set->n_communities = plan_unique_standard(all, n);
}

static void add_large(const struct rtbh_build *b, struct bgp_attrs *set)
{
	const struct api_rtbh *say = &b->d->env.config.rtbh;
	struct large_community *all =
		arena_array_of(b->d->arena, set->n_large + say->n_large, struct large_community);
	size_t n = 0;

	for (size_t i = 0; i < set->n_large; i++)
		all[n++] = set->large[i];
	for (size_t i = 0; i < say->n_large; i++)
		all[n++] = say->large[i];
	set->large = all;
	set->n_large = plan_unique_large(all, n);
}

/* What nothing else announces, or would be too long with what does, has its own attributes alone.
 */
static struct bgp_attrs bare_set(const struct plan_env *env)
{
	const bool has_pref = env->config.set & API_CONFIG_DEFAULT_LOCAL_PREF;

	return (struct bgp_attrs){.origin = BGP_ORIGIN_IGP,
				  .has_local_pref = has_pref,
				  .local_pref = has_pref ? env->config.default_local_pref : 0};
}

static struct bgp_attrs derive(const struct rtbh_build *b, uint32_t from, enum ip_family family)
{
	const struct api_rtbh *say = &b->d->env.config.rtbh;
	struct bgp_attrs set = bare_set(&b->d->env);

	if (from != NO_SET) {
		const struct bgp_attrs *have = &b->sets[from];
		const size_t n = have->n_communities + have->n_large + have->n_extended +
				 say->n_communities + say->n_large + 1;

		if (n <= LIMIT_COMMUNITIES)
			set = *have;
	}
	add_standard(b, &set);
	add_large(b, &set);
	set.next_hop = say->next_hops[family];
	return set;
}

static uint32_t derived_set(struct rtbh_build *b, uint32_t from, enum ip_family family)
{
	struct derived *made;

	assert(from == NO_SET ||
	       from < b->d->plan->n_attrs); /* none is derived from a derived one */
	for (size_t i = 0; i < b->n_derived; i++)
		if (b->derived[i].from == from && b->derived[i].family == family)
			return b->derived[i].to;
	made = arena_push(b->d->scratch, &b->derived, &b->n_derived, &b->cap_derived,
			  sizeof(*made));
	*made = (struct derived){from, family, (uint32_t)b->n_sets};
	*(struct bgp_attrs *)arena_push(b->d->scratch, &b->sets, &b->n_sets, &b->cap_sets,
					sizeof(*b->sets)) = derive(b, from, family);
	return made->to;
}

/* As the plan has them in the end; the rows follow. */
static void intern(struct rtbh_build *b)
{
	const uint32_t *numbers = plan_fold_number(b->d, b->sets, b->n_sets);

	for (size_t i = 0; i < b->n_rows; i++)
		if (!b->rows[i].hold)
			b->rows[i].attrs = numbers[b->rows[i].attrs];
}

/* --- who is told ------------------------------------------------------------------------------ */

static int cmp_discard(const void *a, const void *b)
{
	return lb_discard_cmp(a, b);
}

/* Gate discarded. */
static bool is_dropped(const struct plan_draft *d, const struct lb_discard *what)
{
	const struct plan_actual *a = d->in->actual;

	return !d->plan->dataplane || a->dataplane_failure ||
	       sorted_find(what, a->discards, a->n_discards, sizeof(*what), cmp_discard);
}

/* Discards are in the order of prefixes. */
static void gather_tellings(struct rtbh_build *b)
{
	struct plan_draft *d = b->d;

	b->tellings = arena_array_of(d->scratch, d->plan->n_discards, struct telling);
	for (size_t i = 0; i < d->plan->n_discards; i++) {
		const struct plan_discard *item = &d->plan->discards[i];
		const struct lb_discard *what = &item->what;
		struct telling *t = b->n_tellings ? &b->tellings[b->n_tellings - 1] : NULL;

		if (!item->peers)
			continue;
		if (!t || ip_prefix_cmp(&t->prefix, &what->prefix) != 0) {
			t = &b->tellings[b->n_tellings++];
			t->prefix = what->prefix;
		}
		if (is_dropped(d, what) &&
		    !plan_draft_awaits_blackhole(d, &what->prefix, what->domain))
			t->peers |= item->peers;
		else
			t->waiting |= item->peers;
		d->awaits_blackhole |= t->waiting != 0;
	}
}

/* --- rows ------------------------------------------------------------------------------------- */

static void add_row(struct rtbh_build *b, const struct plan_route *row)
{
	assert(row->peers != 0);
	assert(row->hold || row->attrs < b->n_sets);
	*(struct plan_route *)arena_push(b->d->scratch, &b->rows, &b->n_rows, &b->cap_rows,
					 sizeof(*row)) = *row;
}

/* One of the prefix's rows; whoever is told is taken out of it, and of `left`. */
static void divide(struct rtbh_build *b, const struct telling *t, const struct plan_route *row,
		   uint64_t *left)
{
	const enum ip_family family = ip_family_of(&t->prefix.addr);
	struct plan_route rest = *row, told = *row;

	assert(ip_prefix_cmp(&row->prefix, &t->prefix) == 0);
	rest.peers &= ~(t->peers | t->waiting);
	if (rest.peers)
		add_row(b, &rest);
	told.peers &= *left;
	if (row->hold || !told.peers)
		return;
	*left &= ~told.peers;
	told.attrs = derived_set(b, row->attrs, family);
	add_row(b, &told);
}

/* What is left of a prefix: who is told of nothing else, and who keeps what he has. */
static void finish(struct rtbh_build *b, const struct telling *t, uint64_t left)
{
	struct plan_route row = {.prefix = t->prefix, .peers = left};

	assert((left & ~t->peers) == 0 && (t->peers & t->waiting) == 0);
	if (left) {
		row.attrs = derived_set(b, NO_SET, ip_family_of(&t->prefix.addr));
		add_row(b, &row);
	}
	row = (struct plan_route){.prefix = t->prefix, .hold = true};
	for (size_t i = 0; i < b->d->env.n_peers; i++)
		if ((t->waiting >> i & 1) &&
		    plan_draft_advertised(b->d, b->d->peers[i], &t->prefix))
			row.peers |= UINT64_C(1) << i;
	if (row.peers)
		add_row(b, &row);
}

static void replace_rows(struct rtbh_build *b, const struct plan_folded *f)
{
	size_t i = 0;

	for (size_t k = 0; k < b->n_tellings; k++) {
		const struct telling *t = &b->tellings[k];
		uint64_t left = t->peers;

		for (; i < f->n_rows && ip_prefix_cmp(&f->rows[i].prefix, &t->prefix) < 0; i++)
			add_row(b, &f->rows[i]);
		for (; i < f->n_rows && ip_prefix_cmp(&f->rows[i].prefix, &t->prefix) == 0; i++)
			divide(b, t, &f->rows[i], &left);
		finish(b, t, left);
	}
	for (; i < f->n_rows; i++)
		add_row(b, &f->rows[i]);
}

void plan_rtbh(struct plan_draft *d, struct plan_folded *f)
{
	struct rtbh_build b = {.d = d, .n_sets = d->plan->n_attrs, .cap_sets = d->plan->n_attrs};

	gather_tellings(&b);
	if (b.n_tellings == 0)
		return;
	b.sets = arena_memdup(d->scratch, d->plan->attrs, b.n_sets * sizeof(*b.sets));
	replace_rows(&b, f);
	intern(&b);
	*f = (struct plan_folded){.rows = b.rows, .n_rows = b.n_rows, .cap_rows = b.cap_rows};
	plan_fold_merge(d->scratch, f);
}
