// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What more than one step asks of the draft or adds to it, so that no step needs a later one's
 * file.
 */
#include "plan/plan_draft.h"

#include "base/sorted.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* --- VIPs and frontends ---------------------------------------------------------------------- */

static int cmp_actual_key(const void *key, const void *item)
{
	const struct lb_actual *a = item;

	return lb_key_cmp(key, &a->key);
}

const struct lb_actual *plan_draft_actual(const struct plan_draft *d, const struct lb_key *key)
{
	const struct lb_actual *all = d->in->actual->frontends;
	const size_t n = d->in->actual->n_frontends;
	const size_t i =
		plan_lower_bound_near(key, all, n, sizeof(*all), cmp_actual_key, &d->near->actual);

	return i < n && lb_key_cmp(key, &all[i].key) == 0 ? &all[i] : NULL;
}

static int cmp_vip(const void *key, const void *item)
{
	const struct draft_vip *v = item;

	return plan_vip_cmp(key, &v->vip);
}

enum vip_gate plan_draft_gate(const struct plan_draft *d, const struct plan_vip *vip)
{
	size_t i;

	if (d->plan->leaving || d->env.drained)
		return GATE_CLOSED;
	if (!d->plan->dataplane)
		return GATE_OPEN;
	i = plan_lower_bound_near(vip, d->vips, d->n_vips, sizeof(*d->vips), cmp_vip,
				  &d->near->vip);
	return i < d->n_vips && plan_vip_equal(&d->vips[i].vip, vip) ? d->vips[i].gate
								     : GATE_CLOSED;
}

struct plan_frontend *plan_draft_push(struct plan_draft *d, const struct lb_frontend *lb)
{
	struct plan_frontend *f = arena_push(d->scratch, &d->frontends, &d->n_frontends,
					     &d->cap_frontends, sizeof(*f));
	const struct lb_actual *actual;

	f->lb = *lb;
	actual = d->in->synced ? NULL : plan_draft_actual(d, &lb->key);
	if (actual)
		plan_draft_hold(f, actual);
	return f;
}

void plan_draft_hold(struct plan_frontend *f, const struct lb_actual *actual)
{
	assert(lb_key_cmp(&f->lb.key, &actual->key) == 0);
	f->hold = true;
	f->lb.key = actual->key;
	f->lb.table = actual->table;
	f->lb.flags = actual->flags;
	f->lb.ranges_name = actual->ranges_name;
	f->lb.limit = actual->limit;
	f->lb.targets = actual->targets;
	f->lb.n_targets = actual->n_targets;
}

/* --- routes --------------------------------------------------------------------------------- */

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

bool plan_draft_advertised(const struct plan_draft *d, const struct plan_actual_peer *p,
			   const struct ip_prefix *prefix)
{
	size_t i;

	if (!p || prefix_list_n(p->advertised) == 0)
		return false;
	i = plan_lower_bound_near(prefix, p->advertised->items, p->advertised->n, sizeof(*prefix),
				  cmp_prefix, &d->near->advertised[p - d->in->actual->peers]);
	return i < p->advertised->n && ip_prefix_cmp(prefix, &p->advertised->items[i]) == 0;
}

bool plan_draft_reaches(const struct plan_draft *d, size_t peer)
{
	assert(peer < d->env.n_peers);
	return d->peers[peer] && plan_peer_is_reached(d->peers[peer]);
}

struct advertised_walk *plan_advertised_walks(const struct plan_draft *d)
{
	struct advertised_walk *ret =
		arena_array_of(d->arena, d->env.n_peers, struct advertised_walk);

	for (size_t i = 0; i < d->env.n_peers; i++) {
		const struct plan_actual_peer *p = d->peers[i];

		if (p && p->advertised)
			ret[i] = (struct advertised_walk){p->advertised->items,
							  p->advertised->items + p->advertised->n};
	}
	return ret;
}

bool plan_draft_keeps(const struct plan_draft *d, const struct arranged_claim *c)
{
	const struct draft_port *ports = plan_draft_claiming(d, c);

	if (!d->any_lost)
		return true;
	for (size_t i = 0; i < c->claim->n_ports; i++)
		if (!ports[i].lost)
			return true;
	return false;
}

static int cmp_draft_prefix(const void *key, const void *item)
{
	const struct draft_prefix *p = item;

	return ip_prefix_cmp(key, &p->prefix);
}

uint64_t plan_draft_receivers(const struct plan_draft *d, const struct ip_prefix *prefix, bool held)
{
	const struct draft_prefix *p = d->prefixes;
	const size_t n = d->n_prefixes;
	const size_t i =
		plan_lower_bound_near(prefix, p, n, sizeof(*p), cmp_draft_prefix, &d->near->route);

	if (i == n || ip_prefix_cmp(&p[i].prefix, prefix) != 0)
		return 0;
	return p[i].announced | (held ? p[i].held : 0);
}

bool plan_draft_announces(const struct plan_draft *d, const struct ip_prefix *prefix,
			  uint64_t peers)
{
	return plan_draft_receivers(d, prefix, false) & peers;
}

uint64_t plan_draft_reach(const struct plan_draft *d, const struct plan_claim *c)
{
	const uint64_t peers = plan_claim_peers(&d->env, c, c->by->peers);

	return peers & ~d->uncarried[ip_family_of(&c->vip.addr)] &
	       plan_env_peers_in(&d->env, c->vip.domain);
}

uint64_t plan_draft_admitted(const struct plan_draft *d, const struct plan_claim *c, uint64_t have)
{
	const uint64_t reach = plan_draft_reach(d, c);
	enum vip_gate gate = plan_draft_gate(d, &c->vip);

	if (gate == GATE_OPEN && plan_draft_awaits_blackhole(d, &c->prefix, c->vip.domain))
		gate = GATE_STALE;
	switch (gate) {
	case GATE_OPEN:
		return reach & (d->peers_open | (d->peers_stale & have));
	case GATE_STALE:
		return reach & (d->peers_open | d->peers_stale) & have;
	case GATE_CLOSED:
		break;
	}
	return 0;
}

/* --- gate 2 --------------------------------------------------------------------------------- */

/* Its place in the bitmap; env.n_peers: the plan has no such peer, whose session is ending. */
static size_t peer_index(const struct plan_draft *d, const struct plan_actual_peer *p)
{
	size_t i = 0;

	while (i < d->env.n_peers && d->peers[i] != p)
		i++;
	return i;
}

/* A route to the VIP that the peer holds and the plan does not announce for another VIP's sake. */
static bool holds_route(const struct plan_draft *d, const struct plan_actual_peer *p,
			const struct plan_vip *vip)
{
	const size_t i = peer_index(d, p);
	const bool planned = i < d->env.n_peers;

	if (planned && d->env.peers[i].domain != vip->domain)
		return false;
	for (unsigned len = 0; prefix_list_n(p->advertised) && len <= ip_addr_bits(&vip->addr);
	     len++) {
		const struct ip_prefix prefix = ip_prefix_of(&vip->addr, (uint8_t)len);

		if (plan_draft_advertised(d, p, &prefix) &&
		    !(planned && plan_draft_announces(d, &prefix, UINT64_C(1) << i)))
			return true;
	}
	return false;
}

static bool held_by_route(const struct plan_draft *d, const struct plan_vip *vip)
{
	for (size_t i = 0; i < d->in->actual->n_peers; i++)
		if (holds_route(d, &d->in->actual->peers[i], vip))
			return true;
	return false;
}

nsec_t plan_draft_stale_until(const struct plan_draft *d)
{
	nsec_t until = 0;

	for (size_t i = 0; i < d->in->actual->n_peers; i++)
		if (d->in->actual->peers[i].stale_until > until)
			until = d->in->actual->peers[i].stale_until;
	return until > d->now ? until : 0;
}

static int cmp_leaving(const void *key, const void *item)
{
	const struct plan_leaving *l = item;

	return lb_key_cmp(key, &l->frontend);
}

nsec_t plan_draft_unheld_since(struct plan_draft *d, const struct lb_key *key)
{
	const struct plan_leaving *l =
		sorted_find(key, d->ledger->leaving, d->ledger->n_leaving, sizeof(*l), cmp_leaving);
	const nsec_t stale_until = plan_draft_stale_until(d);
	const struct plan_vip vip = plan_vip_of(key);

	if (stale_until)
		d->deadline = nsec_min(d->deadline, stale_until);
	if (stale_until || held_by_route(d, &vip))
		return NSEC_NEVER;
	return l && l->unheld_since != NSEC_NEVER ? l->unheld_since : d->now;
}

void plan_draft_note_leaving(struct plan_draft *d, const struct lb_key *key, nsec_t since)
{
	*(struct plan_leaving *)arena_push(d->arena, &d->leaving, &d->n_leaving, &d->cap_leaving,
					   sizeof(*d->leaving)) =
		(struct plan_leaving){.frontend = *key, .unheld_since = since};
	plan_draft_stir(d, &key->addr);
}
