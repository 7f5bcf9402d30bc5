// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which zones are to be planned, and the draft cut to them. To the zones in which something changed
 * come those of all VIPs of a Service that has one in them.
 */
#include "base/hash.h"
#include "base/limits.h"
#include "plan/plan_kept.h"
#include "plan/plan_sort.h"

#include <assert.h>

#define FEW(n) (8 + (n) / 32) /* zones, with n Services: with more the whole is as cheap */

uint64_t plan_kept_common(const struct plan_draft *d, const struct plan_inputs *in)
{
	const struct plan_actual *a = in->actual;
	const struct plan_node *node = in->node;
	uint64_t h = hash_u64(hash_u64(HASH_INIT, d->plan->dataplane), d->plan->leaving);

	h = hash_u64(hash_u64(h, d->peers_open), d->peers_stale);
	h = hash_u64(hash_u64(h, d->uncarried[IP_V4]), d->uncarried[IP_V6]);
	h = hash_u64(hash_u64(h, plan_draft_stale_until(d)), a->n_peers);
	for (size_t i = 0; i < a->n_peers; i++) {
		const struct peer_key *key = &a->peers[i].key;

		h = hash_str(hash_str(hash_str(h, key->name), key->vrf), key->interface);
		h = hash_u64(h, a->peers[i].established);
		h = hash_u64(h, plan_peer_is_reached(&a->peers[i]));
	}
	h = hash_u64(h, d->plan->n_remotes);
	for (size_t i = 0; i < d->plan->n_remotes; i++)
		h = hash_u64(h, d->plan->remotes[i].state);
	/* While there is any, nothing is kept. */
	h = hash_u64(hash_u64(h, d->plan->n_discards), a->n_discards);
	h = hash_u64(hash_u64(h, node->ask), a->places_blackholes);
	h = hash_bytes(h, a->blackholes.prefixes,
		       a->blackholes.n * sizeof(*a->blackholes.prefixes));
	for (size_t i = 0; i < a->blackholes.n_in_vrfs; i++) {
		const struct plan_vrf_blackhole *b = &a->blackholes.in_vrfs[i];

		h = hash_bytes(h, &b->prefix.addr, sizeof(b->prefix.addr));
		h = hash_u64(h, (uint64_t)b->domain << 8 | b->prefix.len);
	}
	return h;
}

/* --- what changed ---------------------------------------------------------------------------- */

static void add_fragment(struct plan_zones *z, const struct plan_fragment *f)
{
	for (size_t i = 0; f && i < f->n_ports; i++)
		if (f->ports[i].lb.key.port != 0)
			plan_zones_add(z, &f->ports[i].lb.key.addr);
	for (size_t i = 0; f && i < f->n_claims; i++)
		plan_zones_add(z, &f->claims[i].vip.addr);
}

/* False: it is not known what changed in the store. */
static bool add_stored(struct plan_zones *z, const struct plan_kept *k, const struct plan_actual *a)
{
	if (a->since == 0 || a->since != k->generation)
		return a->n_frontends + k->n_stored == 0;
	for (size_t i = 0; i < a->n_touched; i++)
		plan_zones_add(z, &a->touched[i].addr);
	return true;
}

/* How many are the same in both from here on, counted by blocks: mostly all but one or two are. */
static size_t n_same(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b)
{
	enum { BLOCK = 64 };
	size_t n = 0;

	while (n_a - n >= BLOCK && n_b - n >= BLOCK &&
	       memcmp(a + n, b + n, BLOCK * sizeof(*a)) == 0)
		n += BLOCK;
	return n;
}

/* False: a prefix was sent that is of several zones. */
static bool add_advertised(struct plan_zones *z, const struct prefix_list *kept,
			   const struct prefix_list *advertised)
{
	const struct ip_prefix *now = advertised ? advertised->items : NULL;
	const struct ip_prefix *was = kept ? kept->items : NULL;
	size_t n_now = prefix_list_n(advertised), n_was = prefix_list_n(kept);

	if (kept == advertised)
		return true;
	for (;;) {
		const size_t skip = n_same(now, n_now, was, n_was);
		const struct ip_prefix *prefix;
		int cmp;

		now += skip, n_now -= skip;
		was += skip, n_was -= skip;
		if (n_now + n_was == 0)
			return true;
		cmp = n_now == 0 ? 1 : n_was == 0 ? -1 : ip_prefix_cmp(now, was);
		prefix = cmp > 0 ? was : now;
		now += cmp <= 0, n_now -= cmp <= 0;
		was += cmp >= 0, n_was -= cmp >= 0;
		if (cmp != 0 && plan_zones_exceeds(z, prefix))
			return false;
		if (cmp != 0)
			plan_zones_add(z, &prefix->addr);
	}
}

static bool add_ledger(struct plan_zones *z, const struct plan_ledger *l)
{
	for (size_t i = 0; i < l->n_drains; i++)
		plan_zones_add(z, &l->drains[i].frontend.addr);
	for (size_t i = 0; i < l->n_leaving; i++)
		plan_zones_add(z, &l->leaving[i].frontend.addr);
	for (size_t i = 0; i < l->n_waiting; i++) {
		if (plan_zones_exceeds(z, &l->waiting[i].prefix))
			return false;
		plan_zones_add(z, &l->waiting[i].prefix.addr);
	}
	return true;
}

static bool add_changed(struct plan_zones *z, const struct plan_draft *d, const struct plan_kept *k)
{
	const struct plan_actual *a = d->in->actual;
	const struct ip_prefix *stirred = (const void *)k->stirred.items;

	assert(k->n_peers == a->n_peers);
	for (size_t i = 0; i < d->n_made; i++) {
		add_fragment(z, d->made[i].was);
		add_fragment(z, d->fragments[d->made[i].number]);
	}
	for (size_t i = 0; i < k->stirred.n; i++)
		plan_zones_add(z, &stirred[i].addr);
	for (size_t i = 0; i < a->n_peers; i++)
		if (!add_advertised(z, k->advertised[i], a->peers[i].advertised))
			return false;
	return add_stored(z, k, a) && add_ledger(z, d->ledger);
}

/* --- whose it is ----------------------------------------------------------------------------- */

struct taking {
	struct plan_part *part;
	uint32_t *numbers;
	bool *has; /* by number */
};

static void take(struct taking *t, uint32_t number)
{
	if (!t->has[number])
		t->numbers[t->part->n++] = number;
	t->has[number] = true;
}

/* Those with an entry in the zone; each begins with its place. */
static void take_those_in(struct taking *t, const struct plan_addressed *order,
			  const struct ip_prefix *zone)
{
	size_t n;
	size_t i = plan_zone_find(order, zone, &n);

	for (; n > 0; n--, i++) {
		const struct plan_place *place =
			(const void *)((const char *)order->items + i * order->size);

		take(t, place->fragment);
	}
}

static int cmp_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* False: there are too many. */
static bool take_fragments(struct plan_draft *d, struct plan_part *p)
{
	const struct plan_arrangement *all = d->arranged;
	const struct plan_addressed ports =
		PLAN_ADDRESSED(arranged_port(all, 0), all->ports.n, lb.key.addr);
	const struct plan_addressed vips =
		PLAN_ADDRESSED(arranged_vip(all, 0), all->by_vip.n, vip.addr);
	struct taking t = {.part = p,
			   .numbers = arena_array_of(d->arena, all->n, uint32_t),
			   .has = arena_array_of(d->arena, all->n, bool)};
	size_t n_zones, n_added = 0;

	for (size_t i = 0; i < d->n_made; i++)
		take(&t, d->made[i].number);
	do {
		plan_zones_seal(&p->zones);
		n_zones = p->zones.n;
		if (n_zones > FEW(all->n))
			return false;
		for (size_t i = 0; i < n_zones; i++) {
			take_those_in(&t, &ports, &p->zones.items[i]);
			take_those_in(&t, &vips, &p->zones.items[i]);
		}
		for (; n_added < p->n; n_added++)
			add_fragment(&p->zones, d->fragments[t.numbers[n_added]]);
		plan_zones_seal(&p->zones);
	} while (p->zones.n > n_zones);
	plan_sort(t.numbers, p->n, sizeof(*t.numbers), cmp_number);
	p->numbers = t.numbers;
	return true;
}

/* --- cutting --------------------------------------------------------------------------------- */

static void cut_fragments(struct plan_draft *d, struct plan_kept *k, const struct plan_part *p)
{
	const struct plan_fragment **fragments =
		arena_array_of(d->arena, p->n, const struct plan_fragment *);
	struct plan_made *made = arena_array_of(d->arena, p->n, struct plan_made);

	for (size_t i = 0; i < p->n; i++) {
		fragments[i] = d->fragments[p->numbers[i]];
		made[i].number = (uint32_t)i;
	}
	plan_arrangement_clear(&k->part);
	(void)plan_arrange(
		&k->part, &(struct plan_arrange_args){
				  .fragments = fragments, .n = p->n, .made = made, .n_made = p->n});
	d->fragments = fragments;
	d->arranged = &k->part;
}

/* In the arena: nobody holds on to it. */
static struct prefix_list *cut_list(struct plan_draft *d, const struct plan_part *p,
				    const struct prefix_list *whole)
{
	const struct plan_addressed all = PLAN_ADDRESSED(whole->items, whole->n, addr);
	size_t n;
	const struct ip_prefix *items = plan_zones_cut(&p->zones, &all, &n);
	struct prefix_list *ret = arena_alloc(d->arena, 1, sizeof(*ret) + n * sizeof(*items));

	ret->n = n;
	if (n)
		memcpy(ret->items, items, n * sizeof(*items));
	return ret;
}

static void cut_actual(struct plan_draft *d, struct plan_part *p)
{
	const struct plan_actual *all = p->in->actual;
	const struct plan_addressed frontends =
		PLAN_ADDRESSED(all->frontends, all->n_frontends, key.addr);
	struct plan_actual_peer *peers =
		arena_memdup(d->arena, all->peers, all->n_peers * sizeof(*peers));

	p->actual = *all;
	p->actual.frontends = plan_zones_cut(&p->zones, &frontends, &p->actual.n_frontends);
	for (size_t i = 0; i < all->n_peers; i++)
		if (peers[i].advertised)
			peers[i].advertised = cut_list(d, p, peers[i].advertised);
	p->actual.peers = peers;
	for (size_t i = 0; i < d->env.n_peers; i++)
		if (d->peers[i])
			d->peers[i] = &peers[d->peers[i] - all->peers];
	p->inputs = *p->in;
	p->inputs.actual = &p->actual;
	d->in = &p->inputs;
	d->zones = &p->zones;
}

bool plan_part_choose(struct plan_draft *d, struct plan_kept *k, struct plan_part *ret)
{
	*ret = (struct plan_part){.in = d->in, .arranged = d->arranged, .fragments = d->fragments};
	if (!k->is_valid || !d->same_shape || d->arranged->ports.n > LIMIT_SERVICES ||
	    k->common != plan_kept_common(d, d->in))
		return false;
	plan_zones_init(&ret->zones, &d->env, d->arena);
	if (!add_changed(&ret->zones, d, k) || !take_fragments(d, ret))
		return false;
	cut_fragments(d, k, ret);
	cut_actual(d, ret);
	return true;
}
