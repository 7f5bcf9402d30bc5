// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Frontends that leave the maps, by the gate unheld (2): one that no Service wants stays until no
 * peer holds a route that covers only it, and PLAN_UNHELD_NS more for the routers' FIBs. A router
 * that keeps stale routes for a session that broke (RFC 4724) holds them all, whatever they are,
 * until it has been told what is left (End-of-RIB) or its time is over.
 *
 * With `mode: off` all of them leave, also those that Services want: these are kept up to date
 * until their flows had the time that a drain has, since what XDP has rewritten cannot be handed to
 * the kernel.
 *
 * What is pinned of another version of the maps is left the same way, without being read.
 *
 * The ledger keeps an entry as long as the store holds what it is about, see plan_frontends.c.
 */
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

#include <assert.h>

/*
 * plan_draft_unheld_since() of what the store holds at `i`. A VIP sorts before its frontends and
 * leaves with the last of them: one that was made later, before the first complete picture, has
 * waited less.
 */
static nsec_t group_unheld_since(struct plan_draft *d, size_t i)
{
	const struct lb_key *key = &d->in->actual->frontends[i].key;
	const struct plan_vip vip = plan_vip_of(key);
	nsec_t ret = plan_draft_unheld_since(d, key);

	for (i++; key->port == 0 && i < d->in->actual->n_frontends; i++) {
		const struct lb_key *other = &d->in->actual->frontends[i].key;
		const struct plan_vip other_vip = plan_vip_of(other);
		nsec_t since;

		if (!plan_vip_equal(&other_vip, &vip))
			break;
		since = plan_draft_unheld_since(d, other);
		if (since > ret)
			ret = since;
	}
	return ret;
}

/* Leaves what the store holds as it is. */
static void hold(struct plan_draft *d, const struct lb_actual *actual)
{
	const struct lb_frontend lb = {.key = actual->key};
	struct plan_frontend *f = plan_draft_push(d, &lb);

	plan_draft_hold(f, actual);
	f->leaving = true;
	assert(f->hold && lb_key_cmp(&f->lb.key, &actual->key) == 0);
}

/* What the store holds at `i` and nobody wants. */
static void leave(struct plan_draft *d, size_t i)
{
	const struct lb_actual *actual = &d->in->actual->frontends[i];
	const nsec_t since = group_unheld_since(d, i);
	const nsec_t at = nsec_add(since, PLAN_UNHELD_NS);

	plan_draft_note_leaving(d, &actual->key, since);
	if (at <= d->now)
		return;
	d->deadline = nsec_min(d->deadline, at);
	hold(d, actual);
}

static int cmp_frontend(const void *a, const void *b)
{
	const struct plan_frontend *x = a, *y = b;

	return lb_key_cmp(&x->lb.key, &y->lb.key);
}

/* What stays for now came in the order of keys, behind what is wanted. */
static void merge_frontends(struct plan_draft *d, size_t n_wanted)
{
	const struct plan_frontend *all = d->frontends;

	if (d->n_frontends == n_wanted)
		return;
	d->frontends = arena_array_of(d->arena, d->n_frontends, struct plan_frontend);
	d->cap_frontends = d->n_frontends;
	plan_merge(all, n_wanted, all + n_wanted, d->n_frontends - n_wanted, sizeof(*all),
		   cmp_frontend, d->frontends);
}

static int cmp_noted(const void *a, const void *b)
{
	const struct plan_leaving *x = a, *y = b;

	return lb_key_cmp(&x->frontend, &y->frontend);
}

/*
 * Another version of the maps serves VIPs that we cannot ask it for, so it waits for all routes,
 * and then as long as `mode: off` does. The ledger has it under a key that no VIP has.
 */
static void leave_strange(struct plan_draft *d)
{
	const struct lb_key nobody = {.port = 0};
	nsec_t since = plan_draft_unheld_since(d, &nobody), until;

	for (size_t i = 0; i < d->in->actual->n_peers; i++)
		if (d->in->actual->peers[i].n_advertised > 0)
			since = NSEC_NEVER;
	until = nsec_add(nsec_add(since, PLAN_UNHELD_NS), d->env.drain_ns);
	plan_draft_note_leaving(d, &nobody, since);
	d->plan->strange_may_go = until <= d->now && d->in->synced;
	if (until > d->now)
		d->deadline = nsec_min(d->deadline, until);
}

void plan_draft_leaving(struct plan_draft *d)
{
	const bool all_stay = d->n_stay == d->in->actual->n_frontends && !d->plan->leaving;
	const size_t n_wanted = d->n_frontends;

	/* With mode off a VIP goes in the same step as its last frontend, so it waits with them. */
	for (size_t i = 0, k = 0; !all_stay && i < d->in->actual->n_frontends; i++) {
		const struct lb_actual *actual = &d->in->actual->frontends[i];
		bool wanted;

		while (k < n_wanted && lb_key_cmp(&d->frontends[k].lb.key, &actual->key) < 0)
			k++;
		wanted = k < n_wanted && lb_key_cmp(&d->frontends[k].lb.key, &actual->key) == 0;
		if (wanted && d->plan->leaving && d->in->synced && actual->key.port == 0)
			plan_draft_note_leaving(d, &actual->key,
						plan_draft_unheld_since(d, &actual->key));
		if (wanted)
			continue;
		if (d->in->synced)
			leave(d, i);
		else
			hold(d, actual);
	}
	assert(d->n_frontends <= n_wanted + d->in->actual->n_frontends);
	merge_frontends(d, n_wanted);
	if (d->plan->strange)
		leave_strange(d);
	if (d->n_leaving)
		plan_sort(d->leaving, d->n_leaving, sizeof(*d->leaving), cmp_noted);
	d->plan->frontends = d->frontends;
	d->plan->n_frontends = d->n_frontends;
}
