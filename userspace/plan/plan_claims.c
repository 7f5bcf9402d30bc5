// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Of several aggregates of an address the longest one's advertisements say what its
 * own prefix is announced with: it is that aggregate which the prefix goes before at the peer, and
 * advertisements of different lengths have nothing to do with each other.
 */
#include "plan/plan_claims.h"

#include "plan/plan_communities.h"

#include <assert.h>

bool plan_advert_takes(const struct env_advert *a, const struct api_object *service)
{
	return selectors_match(&a->spec->service_selectors, &service->meta.labels, true);
}

bool plan_claims_lead(const struct plan_env *env, const struct api_object *service)
{
	return service->service.policy_local && !env->config.strict;
}

static uint8_t length_of(const struct env_group *g, enum ip_family family)
{
	return g->items[0]->spec->aggregation[family];
}

/* It announces an aggregate, beside which the address has a claim of its own. */
static bool needs_lead(const struct plan_claiming *c, const struct env_group *g,
		       enum ip_family family)
{
	return plan_claims_lead(c->env, c->in->service) &&
	       length_of(g, family) < ip_family_bits(family);
}

static size_t n_claims_max(const struct plan_claiming *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->in->n_addresses; i++) {
		const struct plan_address *a = &c->in->addresses[i];
		const struct env_pool *pool = plan_env_pool(c->env, plan_text(a->pool));
		const enum ip_family family = ip_family_of(&a->addr);

		for (size_t k = 0; pool && k < pool->adverts[family].n; k++)
			n += needs_lead(c, &pool->adverts[family].groups[k], family) ? 2 : 1;
	}
	return n * plan_env_n_domains(c->env);
}

/* --- what the Service asks of its routes ------------------------------------------------------ */

/*
 * Weights are for routes that carry this Service's packets alone and only to pods that are here: a
 * single address, policy Local. The weight of an aggregate would be that of one of many, and with
 * policy Cluster each node serves all pods.
 */
bool plan_claims_weigh(const struct plan_env *env, const struct api_object *service)
{
	return env->config.link_bandwidth && service->service.policy_local;
}

/* The lodestone.io/communities of the Service, into *ret. */
static void set_communities(struct plan_claiming *c, const struct api_strings *texts,
			    struct service_attrs *ret)
{
	const struct community_texts asked = {
		c->in->service, "metadata.annotations[lodestone.io/communities]", texts, true,
		"its routes stay as they are, and none is added"};
	struct community_values all;

	ret->is_unresolved =
		!plan_communities_resolve(c->env, &c->fragment->problems, &asked, 1, &all);
	ret->communities = all.standard;
	ret->n_communities = all.n_standard;
	ret->large = all.large;
	ret->n_large = all.n_large;
	ret->extended = all.extended;
	ret->n_extended = all.n_extended;
}

/* The lodestone.io/peers of the Service: all but these. */
static uint64_t excluded_by(struct plan_claiming *c, const struct api_strings *names)
{
	uint64_t named = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct env_peer_name *p = plan_env_peer(c->env, names->items[i]);

		if (p)
			named |= p->bit;
		else
			object_problem(&c->fragment->problems, SEVERITY_WARNING, c->in->service,
				       "metadata.annotations[lodestone.io/peers]", "UnknownPeer",
				       "create the BGPPeer, or correct the name",
				       "there is no BGPPeer %s", names->items[i]);
	}
	assert(c->env->n_peers == 64 || named >> c->env->n_peers == 0);
	return names->n ? ~named : 0;
}

void plan_claims_begin(struct plan_claiming *c, uint32_t n_local_ready)
{
	const struct api_service *s = &c->in->service->service;
	struct service_attrs own = {
		.service = c->in->service,
		.has_med = s->has_med,
		.med = s->med,
		.prepend = s->prepend,
	};
	struct service_attrs host;

	assert(c->fragment->n_claims == 0);
	c->fragment->claims = arena_array_of(c->arena, n_claims_max(c), struct plan_claim);
	if (s->wishes && s->wishes->communities.n)
		set_communities(c, &s->wishes->communities, &own);
	if (s->wishes)
		own.excluded = excluded_by(c, &s->wishes->peers);
	host = own;
	if (plan_claims_weigh(c->env, c->in->service))
		host.bandwidth = n_local_ready;
	if (own.has_med || own.prepend || s->wishes)
		c->own = arena_memdup(c->arena, &own, sizeof(own));
	c->own_host = host.bandwidth ? arena_memdup(c->arena, &host, sizeof(host)) : c->own;
}

/* --- claims ---------------------------------------------------------------------------------- */

/* Mostly nothing, else what one of the last two claims had: addresses and aggregates take turns. */
static const struct plan_claim_more *more_of(const struct plan_claiming *c,
					     const struct plan_claim_more *wanted)
{
	const struct plan_fragment *f = c->fragment;

	if (!wanted->without && !wanted->own && !wanted->under)
		return NULL;
	for (size_t i = f->n_claims; i > 0 && i + 2 > f->n_claims; i--) {
		const struct plan_claim_more *m = f->claims[i - 1].more;

		if (m && m->without == wanted->without && m->own == wanted->own &&
		    m->under == wanted->under)
			return m;
	}
	return arena_memdup(c->arena, wanted, sizeof(*wanted));
}

/* The claim counts if it is for some peer at all, of the VIP's domain. */
static void claim(struct plan_claiming *c, const struct plan_claim *wanted, uint64_t without)
{
	struct plan_claim *to = &c->fragment->claims[c->fragment->n_claims];

	assert(ip_prefix_has(&wanted->prefix, &wanted->vip.addr));
	*to = *wanted;
	to->more = more_of(
		c,
		&(struct plan_claim_more){
			.without = without,
			.own = to->prefix.len == ip_addr_bits(&to->vip.addr) ? c->own_host : c->own,
			.under = plan_own_under(&c->env->own, to->vip.domain, &to->prefix)});
	c->fragment->n_claims +=
		plan_claim_peers(c->env, to,
				 to->by->peers & plan_env_peers_in(c->env, to->vip.domain)) != 0;
}

/* Peers that get longer prefixes of the Service's addresses than by this group. */
static uint64_t led_by_longer(const struct plan_claiming *c, const struct env_pool_adverts *all,
			      const struct env_group *g, enum ip_family family)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < all->n; i++)
		if (length_of(&all->groups[i], family) > length_of(g, family) &&
		    plan_advert_takes(all->groups[i].items[0], c->in->service))
			ret |= all->groups[i].peers;
	return ret;
}

void plan_claims_add(struct plan_claiming *c, const struct plan_vip *vip,
		     const struct env_pool *pool)
{
	const enum ip_family family = ip_family_of(&vip->addr);
	const struct env_pool_adverts *adverts = &pool->adverts[family];

	for (size_t i = 0; i < adverts->n; i++) {
		const struct env_group *g = &adverts->groups[i];
		struct plan_claim wanted = {
			.prefix = ip_prefix_of(&vip->addr, length_of(g, family)),
			.vip = *vip,
			.by = g,
		};

		if (!plan_advert_takes(g->items[0], c->in->service))
			continue;
		claim(c, &wanted, 0);
		if (!needs_lead(c, g, family))
			continue;
		wanted.prefix = ip_prefix_of(&vip->addr, ip_addr_bits(&vip->addr));
		claim(c, &wanted, led_by_longer(c, adverts, g, family));
	}
}

/* --- blackholes ------------------------------------------------------------------------------ */

static bool has_blackhole(const uint32_t *communities, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (communities[i] == COMMUNITY_BLACKHOLE)
			return true;
	return false;
}

static bool is_blackhole(const struct plan_env *env, const struct plan_claim *c)
{
	const uint64_t peers = plan_claim_peers(env, c, c->by->peers);
	const struct service_attrs *own = plan_claim_own(c);
	uint64_t told = 0;

	if (own && has_blackhole(own->communities, own->n_communities))
		return true;
	for (size_t i = 0; i < c->by->n; i++) {
		const struct env_advert *a = c->by->items[i];

		if (has_blackhole(a->communities, a->n_communities))
			told |= a->peers;
	}
	return !(peers & ~told);
}

bool plan_claims_are_blackhole(const struct plan_claiming *c, size_t first)
{
	const struct plan_fragment *f = c->fragment;

	assert(first <= f->n_claims);
	for (size_t i = first; i < f->n_claims; i++)
		if (!is_blackhole(c->env, &f->claims[i]))
			return false;
	return first < f->n_claims;
}
