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

#include <assert.h>

static void publish(struct plan_draft *d, const struct plan_folded *f)
{
	struct draft_prefix *p = NULL;
	size_t cap = f->n_rows;

	d->plan->routes = f->rows;
	d->plan->n_routes = f->n_rows;
	d->prefixes = arena_array_of(d->scratch, cap, struct draft_prefix);
	d->n_prefixes = 0;
	for (size_t i = 0; i < f->n_rows; i++) {
		const struct plan_route *r = &f->rows[i];

		if (!p || ip_prefix_cmp(&p->prefix, &r->prefix) != 0) {
			p = arena_push(d->scratch, &d->prefixes, &d->n_prefixes, &cap, sizeof(*p));
			p->prefix = r->prefix;
		}
		p->announced |= r->hold ? 0 : r->peers;
		p->held |= r->hold ? r->peers : 0;
	}
}

/* --- gates 3 and 5: what waits to be withdrawn ---------------------------------------------- */

/* In the order by VIP, the first VIP that is not before this address. */
static size_t first_vip(const struct plan_draft *d, const struct ip_addr *a)
{
	size_t low = 0, high = d->arranged->by_vip.n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_addr_cmp(a, &arranged_vip(d->arranged, middle)->vip.addr) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Some peer has still to be sent this claim's prefix, and can be. */
static bool awaits_write(const struct plan_draft *d, const struct plan_claim *c)
{
	const uint64_t peers = plan_draft_reach(d, c) & (d->peers_open | d->peers_stale);

	for (size_t i = 0; i < d->env.n_peers; i++)
		if ((peers >> i & 1) && plan_draft_reaches(d, i) &&
		    !plan_draft_advertised(d, d->peers[i], &c->prefix))
			return true;
	return false;
}

/* Some of the VIP's claims that are kept is so. */
static bool any_claim(const struct plan_draft *d, const struct arranged_vip *v,
		      bool (*is_so)(const struct plan_draft *, const struct plan_claim *))
{
	const struct plan_fragment *f = d->fragments[v->at.fragment];

	for (size_t i = v->at.item; i < f->n_claims && plan_vip_equal(&f->claims[i].vip, &v->vip);
	     i++) {
		const struct arranged_claim c = {.at = {.fragment = v->at.fragment},
						 .claim = &f->claims[i]};

		if (plan_draft_keeps(d, &c) && is_so(d, c.claim))
			return true;
	}
	return false;
}

/*
 * Gate 3: a VIP under the prefix, of the peer's domain, stays served, and its new route is not out
 * everywhere yet.
 */
static bool awaits_replacement(const struct plan_draft *d, const struct ip_prefix *prefix,
			       uint16_t domain)
{
	for (size_t i = first_vip(d, &prefix->addr); i < d->arranged->by_vip.n; i++) {
		const struct arranged_vip *v = arranged_vip(d->arranged, i);

		if (!ip_prefix_has(prefix, &v->vip.addr))
			break;
		if (v->vip.domain == domain && plan_draft_gate(d, &v->vip) != GATE_CLOSED &&
		    any_claim(d, v, awaits_write))
			return true;
	}
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
	plan_draft_stir(d, &prefix->addr);
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

/* What the peer has and is not to have any more, as far as it waits. */
static void hold_of_peer(struct plan_draft *d, struct plan_folded *f, size_t peer)
{
	const struct plan_actual_peer *p = d->peers[peer];
	const uint64_t bit = UINT64_C(1) << peer;

	for (size_t k = 0; p && k < prefix_list_n(p->advertised); k++) {
		const struct ip_prefix *prefix = &p->advertised->items[k];

		assert(k == 0 || ip_prefix_cmp(prefix - 1, prefix) < 0);
		if (plan_draft_announces(d, prefix, bit))
			continue;
		if (!d->in->synced || (awaits_replacement(d, prefix, d->env.peers[peer].domain) &&
				       may_wait(d, prefix)))
			plan_fold_hold(d, f, prefix, bit);
	}
}

static void hold_routes(struct plan_draft *d, struct plan_folded *f)
{
	for (size_t i = 0; i < d->env.n_peers; i++)
		hold_of_peer(d, f, i);
	d->n_waiting =
		plan_sort_unique(d->waiting, d->n_waiting, sizeof(*d->waiting), cmp_waiting_prefix);
	plan_fold_merge(d->scratch, f);
	publish(d, f);
}

/*
 * End-of-RIB tells the router to drop what we did not repeat: it waits for devices, VIPs and
 * blackholes on their way, but not for what has failed. A VIP counts if any of its claims goes to a
 * peer that can be sent routes.
 */
static bool goes_to_somebody(const struct plan_draft *d, const struct plan_claim *c)
{
	return plan_draft_reach(d, c) & d->peers_open;
}

static bool is_on_its_way(const struct plan_draft *d, const struct draft_vip *v)
{
	if (v->gate == GATE_OPEN || !v->may_open)
		return false;
	for (size_t i = first_vip(d, &v->vip.addr); i < d->arranged->by_vip.n; i++) {
		const struct arranged_vip *a = arranged_vip(d->arranged, i);

		if (!ip_addr_equal(&a->vip.addr, &v->vip.addr))
			break;
		if (plan_vip_equal(&a->vip, &v->vip) && any_claim(d, a, goes_to_somebody))
			return true;
	}
	return false;
}

static bool is_complete(const struct plan_draft *d)
{
	if (!d->in->synced || d->awaits_blackhole)
		return false;
	if (!d->plan->dataplane)
		return true; /* also while XDP is left: that nothing is repeated is meant */
	if (d->peers_stale)
		return false;
	for (size_t i = 0; i < d->n_vips; i++)
		if (is_on_its_way(d, &d->vips[i]))
			return false;
	return true;
}

void plan_draft_routes(struct plan_draft *d)
{
	struct plan_folded f;

	plan_fold(d, &f);
	plan_rtbh(d, &f);
	publish(d, &f);
	hold_routes(d, &f);
	d->plan->end_of_rib = is_complete(d);
}
