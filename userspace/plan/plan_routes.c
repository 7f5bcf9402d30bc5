// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The routes: what the claims fold into (plan_fold.h), and the gates on what is not wanted any
 * more. Replaced (3): a prefix that is not wanted any more, while VIPs under it stay served, waits
 * until what replaces it was written to the peers that get it, but not longer than PLAN_WAITING_NS:
 * a peer that does not read holds back nobody. Complete (5): before the first complete picture
 * nothing is withdrawn. Waiting is a row with `hold`.
 */
#include "base/sorted.h"
#include "plan/plan_fold.h"
#include "plan/plan_sort.h"

static void publish(struct plan_draft *d, const struct plan_folded *f)
{
	d->plan->routes = f->rows;
	d->plan->n_routes = f->n_rows;
}

/* --- gates 3 and 5: what waits to be withdrawn ---------------------------------------------- */

static int cmp_addr_claim(const void *key, const void *item)
{
	const struct plan_claim *const *c = item;

	return ip_addr_cmp(key, &(*c)->vip.addr);
}

/* Some established peer has still to be sent this claim's prefix. */
static bool awaits_write(const struct plan_draft *d, const struct plan_claim *c)
{
	const uint64_t peers = plan_draft_reach(d, c) & (d->peers_open | d->peers_stale);

	for (size_t i = 0; i < d->env.n_peers; i++)
		if ((peers >> i & 1) && d->peers[i] &&
		    !plan_draft_advertised(d, d->peers[i], &c->prefix))
			return true;
	return false;
}

/*
 * Gate 3: a VIP under the prefix, of the peer's domain, stays served, and its new route is not out
 * everywhere yet.
 */
static bool awaits_replacement(const struct plan_draft *d, const struct plan_folded *f,
			       const struct ip_prefix *prefix, uint16_t domain)
{
	size_t i = plan_lower_bound(&prefix->addr, f->by_vip, f->n_claims, sizeof(*f->by_vip),
				    cmp_addr_claim);

	for (; i < f->n_claims && ip_prefix_has(prefix, &f->by_vip[i]->vip.addr); i++)
		if (f->by_vip[i]->vip.domain == domain &&
		    plan_draft_gate(d, &f->by_vip[i]->vip) != GATE_CLOSED &&
		    awaits_write(d, f->by_vip[i]))
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

static void hold_routes(struct plan_draft *d, struct plan_folded *f)
{
	for (size_t i = 0; i < d->env.n_peers; i++) {
		const struct plan_actual_peer *p = d->peers[i];
		const uint16_t domain = d->env.peers[i].domain;
		const uint64_t bit = UINT64_C(1) << i;

		for (size_t k = 0; p && k < p->n_advertised; k++) {
			const struct ip_prefix *prefix = &p->advertised[k];

			if (plan_draft_announces(d, prefix, bit))
				continue;
			if (!d->in->synced ||
			    (awaits_replacement(d, f, prefix, domain) && may_wait(d, prefix)))
				plan_fold_hold(d, f, prefix, bit);
		}
	}
	d->n_waiting =
		plan_sort_unique(d->waiting, d->n_waiting, sizeof(*d->waiting), cmp_waiting_prefix);
	plan_fold_merge(f);
	publish(d, f);
}

static int cmp_vip_claim(const void *key, const void *item)
{
	const struct plan_claim *const *c = item;

	return plan_vip_cmp(key, &(*c)->vip);
}

/*
 * End-of-RIB tells the router to drop what we did not repeat: it waits for devices and VIPs on
 * their way, but not for what has failed. A VIP counts if any of its claims goes to a peer that can
 * be sent routes.
 */
static bool is_on_its_way(const struct plan_draft *d, const struct plan_folded *f,
			  const struct plan_vip *vip)
{
	size_t i;

	if (plan_draft_gate(d, vip) == GATE_OPEN)
		return false;
	i = plan_lower_bound(vip, f->by_vip, f->n_claims, sizeof(*f->by_vip), cmp_vip_claim);
	for (; i < f->n_claims && plan_vip_equal(&f->by_vip[i]->vip, vip); i++)
		if (plan_draft_reach(d, f->by_vip[i]) & d->peers_open)
			return true;
	return false;
}

static bool is_complete(const struct plan_draft *d, const struct plan_folded *f)
{
	if (!d->in->synced)
		return false;
	if (!d->plan->dataplane)
		return true; /* also while XDP is left: that nothing is repeated is meant */
	if (d->peers_stale)
		return false;
	for (size_t i = 0; i < d->n_vips; i++)
		if (is_on_its_way(d, f, &d->vips[i].vip))
			return false;
	return true;
}

void plan_draft_routes(struct plan_draft *d)
{
	struct plan_folded f;

	plan_fold(d, &f);
	publish(d, &f);
	hold_routes(d, &f);
	d->plan->end_of_rib = is_complete(d, &f);
}
