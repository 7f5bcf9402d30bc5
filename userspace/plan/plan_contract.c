// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One pass over each array: sorted by its key, no doubles, numbers that name something. Linear, so
 * that it costs little beside what made the plan; for that it also looks at nothing but the arrays
 * themselves. What rows point to does not change from plan to plan and is looked at when it is
 * made.
 */
#include "plan/plan_contract.h"

#include "base/sorted.h"
#include "plan/plan_family.h"
#include "plan/plan_ledger.h"

#include <assert.h>

static void assert_peers(const struct plan *p)
{
	assert(p->n_peers <= 64);
	for (size_t i = 1; i < p->n_peers; i++)
		assert(peer_key_cmp(&p->peers[i - 1].key, &p->peers[i].key) < 0);
}

static void assert_attrs(const struct plan *p)
{
	for (size_t i = 1; i < p->n_attrs; i++)
		assert(bgp_attrs_cmp(&p->attrs[i - 1], &p->attrs[i]) < 0);
	for (size_t i = 0; i < p->n_attrs; i++) {
		const struct bgp_attrs *a = &p->attrs[i];

		for (size_t k = 1; k < a->n_communities; k++)
			assert(a->communities[k - 1] < a->communities[k]);
		for (size_t k = 1; k < a->n_large; k++)
			assert(large_community_cmp(&a->large[k - 1], &a->large[k]) < 0);
		for (size_t k = 1; k < a->n_extended; k++)
			assert(a->extended[k - 1] < a->extended[k]);
	}
}

static uint64_t carriers(const struct plan *p, enum ip_family family)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < p->n_peers; i++)
		if (bgp_families_has(p->peers[i].bgp.families, plan_bgp_family(family)))
			ret |= UINT64_C(1) << i;
	return ret;
}

/*
 * Rows of one prefix go to different peers, so that no sink has to choose, and to those alone that
 * carry its family.
 */
static void assert_routes(const struct plan *p)
{
	const uint64_t carry[IP_N_FAMILIES] = {carriers(p, IP_V4), carriers(p, IP_V6)};
	uint64_t seen = 0;

	for (size_t i = 0; i < p->n_routes; i++) {
		const struct plan_route *r = &p->routes[i];
		const int cmp = i ? ip_prefix_cmp(&p->routes[i - 1].prefix, &r->prefix) : -1;

		assert(cmp <= 0);
		seen = cmp < 0 ? 0 : seen;
		assert(r->peers != 0);
		assert((r->peers & seen) == 0);
		assert(p->n_peers == 64 || r->peers >> p->n_peers == 0);
		assert(r->hold || r->attrs < p->n_attrs);
		assert(r->hold || (r->peers & ~carry[ip_family_of(&r->prefix.addr)]) == 0);
		seen |= r->peers;
	}
}

static bool is_whole(const struct ip_prefix *p)
{
	const struct ip_prefix want = ip_prefix_of(&p->addr, p->len);

	return ip_prefix_cmp(&want, p) == 0;
}

void plan_assert_ranges(const struct lb_frontend *f)
{
	assert(!(f->flags & LB_F_RANGES) == !f->ranges_name);
	for (size_t i = 0; i < f->n_ranges; i++) {
		const struct ip_prefix *r = &f->ranges[i];

		assert(f->ranges_name != 0);
		assert(i == 0 || ip_prefix_cmp(r - 1, r) < 0);
		assert(is_whole(r));
		assert(ip_family_of(&r->addr) == ip_family_of(&f->key.addr));
	}
}

void plan_assert_targets(const struct lb_frontend *f)
{
	for (size_t k = 0; k < f->n_targets; k++)
		assert(f->targets[k].weight >= 1);
	for (size_t k = 1; k < f->n_targets; k++)
		assert(lb_target_cmp(&f->targets[k - 1], &f->targets[k]) < 0);
}

/* A VIP sorts before its frontends and is there if one of them is. */
static void assert_frontends(const struct plan *p)
{
	struct plan_vip vip = {0};

	for (size_t i = 0; i < p->n_frontends; i++) {
		const struct plan_frontend *f = &p->frontends[i];
		const struct lb_key *key = &f->lb.key;
		const struct plan_vip of = plan_vip_of(key);

		assert(i == 0 || lb_key_cmp(&p->frontends[i - 1].lb.key, key) < 0);
		if (key->port == 0)
			vip = of;
		assert(plan_vip_equal(&vip, &of) || f->lb.flags & LB_F_TUNNEL);
		assert(!f->leaving || f->hold || key->port == 0 ||
		       f->lb.flags & (LB_F_CLOSED | LB_F_HANDING_BACK));
		assert(key->port == 0 || !(f->lb.flags & LB_F_TUNNEL) == (f->lb.table != 0));
		assert(key->port != 0 || f->lb.n_targets == 0);
		for (size_t k = 0; k < f->lb.n_targets; k++) /* a packet changes no family */
			assert(ip_family_of(&f->lb.targets[k].addr) == ip_family_of(&key->addr));
	}
}

/* --- the second sink's arrays ----------------------------------------------------------------- */

static int next_hop_cmp(const struct plan_next_hop *a, const struct plan_next_hop *b)
{
	const int cmp = (a->uplink > b->uplink) - (a->uplink < b->uplink);

	return cmp ? cmp : ip_addr_cmp(&a->node, &b->node);
}

static void assert_next_hops(const struct plan *p)
{
	for (size_t i = 0; i < p->n_next_hops; i++) {
		const struct plan_next_hop *h = &p->next_hops[i];

		assert(i == 0 || next_hop_cmp(h - 1, h) < 0);
		assert(h->uplink > 0 && h->ifindex > 0 && h->mtu > 0);
		assert(!ip_addr_is_none(&h->node));
		assert(!ip_addr_is_none(&h->source));
		assert(ip_addr_is_v4(&h->source) == ip_addr_is_v4(&h->node));
	}
}

static void assert_remotes(const struct plan *p)
{
	for (size_t i = 0; i < p->n_remotes; i++) {
		const struct plan_remote *r = &p->remotes[i];

		assert(r->node && !ip_addr_is_none(&r->addr));
		assert(i == 0 || ip_addr_cmp(&r[-1].addr, &r->addr) < 0);
		assert(!ip_addr_is_none(&p->tunnel_ends[ip_family_of(&r->addr)]));
	}
}

static void assert_way_ends(const struct plan *p)
{
	for (size_t i = 0; i < p->n_way_ends; i++) {
		const struct plan_way_end *e = &p->way_ends[i];

		assert(i == 0 || ip_addr_cmp(&e[-1].addr, &e->addr) < 0);
		assert(ip_addr_is_none(&e->source) ||
		       ip_addr_is_v4(&e->source) == ip_addr_is_v4(&e->addr));
	}
	assert(p->n_way_ends >= p->n_remotes);
}

static void assert_denied(const struct plan *p)
{
	for (size_t i = 0; i < p->n_denied; i++) {
		assert(p->denied[i].name != 0);
		assert(p->denied[i].n > 0 && p->denied[i].sources);
	}
}

static void assert_rates(const struct plan *p)
{
	for (size_t i = 0; i < p->n_rates; i++) {
		assert(i == 0 || plan_vip_cmp(&p->rates[i - 1].vip, &p->rates[i].vip) < 0);
		assert(p->rates[i].packets > 0);
	}
}

static void assert_discards(const struct plan *p)
{
	for (size_t i = 0; i < p->n_discards; i++) {
		const struct plan_discard *d = &p->discards[i];

		assert(i == 0 || lb_discard_cmp(&d[-1].what, &d->what) < 0);
		assert(is_whole(&d->what.prefix) && d->what.domain != PLAN_NO_DOMAIN);
		assert(d->is_wanted || (!d->by_command && !d->name && !d->peers));
		assert(p->n_peers == 64 || d->peers >> p->n_peers == 0);
	}
}

static void assert_begins(const struct plan *p)
{
	for (size_t i = 1; i < p->n_begins; i++)
		assert(plan_vip_cmp(&p->begins[i - 1].vip, &p->begins[i].vip) < 0);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void assert_devices(const struct plan *p)
{
	assert(!p->dataplane || !p->leaving);
	assert(!p->strange || !p->dataplane);
	assert(!p->strange_may_go || p->strange);
	assert(p->dataplane || p->leaving || p->n_devices + p->n_frontends == 0);
	for (size_t i = 0; i < p->n_devices; i++) {
		assert(p->devices[i].ifindex > 0);
		assert(p->devices[i].name);
		assert(p->devices[i].xdp || p->devices[i].tc || p->devices[i].nat);
		assert(i == 0 || p->devices[i - 1].ifindex < p->devices[i].ifindex);
		assert(p->devices[i].xdp || p->devices[i].n_vlans == 0);
	}
}

void plan_assert_names(const struct plan_service *rows, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct plan_service *a = &rows[i - 1], *b = &rows[i];
		const int cmp = strcmp(a->ns, b->ns);

		assert(cmp < 0 || (cmp == 0 && strcmp(a->name, b->name) <= 0));
	}
}

static void assert_services(const struct plan *p)
{
	for (size_t i = 0; i < p->n_services; i++) {
		assert(p->services[i].reason);
		assert(p->services[i].announced ==
		       (strcmp(p->services[i].reason, "announced") == 0));
	}
}

static void assert_health(const struct plan *p)
{
	for (size_t i = 0; i < p->n_health; i++) {
		assert(p->health[i].port != 0);
		assert(i == 0 || p->health[i - 1].port < p->health[i].port);
	}
}

static void assert_blackholes(const struct plan_blackholes *b)
{
	for (size_t i = 0; i < b->n; i++) {
		assert(b->prefixes[i].len > 0 && is_whole(&b->prefixes[i]));
		assert(i == 0 || ip_prefix_cmp(&b->prefixes[i - 1], &b->prefixes[i]) < 0);
	}
	for (size_t i = 1; i < b->n_uplinks; i++)
		assert(strcmp(b->uplinks[i - 1], b->uplinks[i]) < 0);
	for (size_t i = 0; i < b->n_in_vrfs; i++) {
		assert(b->in_vrfs[i].domain != 0 && b->in_vrfs[i].prefix.len > 0);
		assert(i == 0 || plan_vrf_blackhole_cmp(&b->in_vrfs[i - 1], &b->in_vrfs[i]) < 0);
	}
	for (size_t i = 1; i < b->n_vrfs; i++)
		assert(strcmp(b->vrfs[i - 1].name, b->vrfs[i].name) < 0);
	for (size_t i = 1; i < b->n_pods; i++)
		assert(plan_vrf_pod_cmp(&b->pods[i - 1], &b->pods[i]) < 0);
}

static void assert_made_vrfs(const struct plan *p)
{
	for (size_t i = 0; i < p->n_made_vrfs; i++) {
		assert(p->made_vrfs[i].table != 0 && p->made_vrfs[i].name[0] != '\0');
		assert(i == 0 || strcmp(p->made_vrfs[i - 1].name, p->made_vrfs[i].name) < 0);
	}
}

static void assert_ledger(const struct plan_ledger *l)
{
	for (size_t i = 1; i < l->n_drains; i++)
		assert(plan_drain_cmp(&l->drains[i - 1], &l->drains[i]) < 0);
	for (size_t i = 1; i < l->n_leaving; i++)
		assert(lb_key_cmp(&l->leaving[i - 1].frontend, &l->leaving[i].frontend) < 0);
	for (size_t i = 1; i < l->n_waiting; i++)
		assert(ip_prefix_cmp(&l->waiting[i - 1].prefix, &l->waiting[i].prefix) < 0);
	for (size_t i = 1; i < l->n_good; i++)
		assert(plan_good_cmp(&l->good[i - 1], &l->good[i]) < 0);
}

void plan_assert_contract(const struct plan *plan, const struct plan_ledger *ledger)
{
	assert_peers(plan);
	assert_attrs(plan);
	assert_routes(plan);
	assert_frontends(plan);
	assert_remotes(plan);
	assert_way_ends(plan);
	assert_next_hops(plan);
	assert_denied(plan);
	assert_rates(plan);
	assert_discards(plan);
	assert_begins(plan);
	assert_devices(plan);
	assert_services(plan);
	assert_health(plan);
	assert_blackholes(&plan->blackholes);
	assert_made_vrfs(plan);
	assert_ledger(ledger);
}
