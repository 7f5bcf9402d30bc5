// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Makes a Service's fragment: does this node announce it (metallb.md 3.1, checks in order, reasons
 * in MetalLB's words), with which frontends and targets; which prefixes its addresses claim (3.2)
 * has a file of its own (plan_claims.h). What is not acted on yet is an error or an info of the
 * Service, never dropped in silence.
 */
#include "plan/plan_service_build.h"

#include "plan/plan_contract.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* --- may this node announce it? ------------------------------------------------------------- */

static bool group_matches(const struct service_build *b, const struct env_group *g)
{
	return plan_advert_takes(g->items[0], b->in->service);
}

/* The reason, if that is so; NULL: the check holds. Noted for who asks. */
static const char *fails(const struct service_build *b, const struct ip_addr *vip,
			 const char *reason, bool is_so)
{
	struct plan_trace *t = b->in->trace;

	assert(reason);
	if (t)
		*(struct plan_note *)arena_push(b->arena, &t->items, &t->n, &t->cap,
						sizeof(*t->items)) =
			(struct plan_note){.addr = *vip, .reason = reason, .fails = is_so};
	return is_so ? reason : NULL;
}

/* metallb.md 1.3, "compatible localPref"; asked only with strict: true. */
static bool prefs_conflict(const struct env_group *a, const struct env_group *b)
{
	for (size_t i = 0; i < a->n_prefs; i++)
		for (size_t k = 0; k < b->n_prefs; k++)
			if (a->prefs[i].local_pref != b->prefs[k].local_pref &&
			    (a->prefs[i].peers & b->prefs[k].peers))
				return true;
	return false;
}

static bool has_conflict(const struct service_build *b, const struct env_pool_adverts *adverts,
			 enum ip_family family)
{
	for (size_t i = 0; i < adverts->n; i++)
		for (size_t k = 0; k <= i; k++) {
			const struct env_group *x = &adverts->groups[i], *y = &adverts->groups[k];

			if (x->items[0]->spec->aggregation[family] ==
				    y->items[0]->spec->aggregation[family] &&
			    group_matches(b, x) && group_matches(b, y) && prefs_conflict(x, y))
				return true;
		}
	return false;
}

/* Peers that the Service does not want to be told. */
static uint64_t excluded(const struct service_build *b)
{
	return b->claiming.own ? b->claiming.own->excluded : 0;
}

/* All peers (bits) of those that match; *ret_any: some advertisement does. */
static uint64_t matching_peers(const struct service_build *b,
			       const struct env_pool_adverts *adverts, bool *ret_any)
{
	uint64_t peers = 0;

	*ret_any = false;
	for (size_t i = 0; i < adverts->n; i++) {
		if (!group_matches(b, &adverts->groups[i]))
			continue;
		peers |= adverts->groups[i].peers & ~excluded(b);
		*ret_any = true;
	}
	return peers;
}

/* NULL: it may. Checks 0 to 5; endpoints come after. */
static const char *refusal(const struct service_build *b, const struct plan_address *a,
			   const struct env_pool *pool)
{
	const enum ip_family family = ip_family_of(&a->addr);
	const struct plan_env *env = b->env;
	const struct ip_addr *vip = &a->addr;
	const struct env_pool_adverts *adverts;
	const char *r = fails(b, vip, "nodeAddress", plan_own_find(&env->own, 0, vip));
	bool any;

	if (!r)
		r = fails(b, vip, "ipNotAllowed", !pool);
	if (r)
		return r;
	adverts = &pool->adverts[family];
	if (adverts->n == 0 && adverts->n_held_back)
		return fails(b, vip, "advertisementHeldBack", true);
	r = fails(b, vip, "notOwner", adverts->n == 0);
	(void)matching_peers(b, adverts, &any);
	if (!r)
		r = fails(b, vip, "noMatchingAdvertisement", !any);
	if (!r && env->config.strict)
		r = fails(b, vip, "conflictingAdvertisements", has_conflict(b, adverts, family));
	if (!r)
		r = fails(b, vip, "nodeNetworkUnavailable", env->node_unavailable);
	return r ? r : fails(b, vip, "nodeLabeledExcludeBalancers", env->node_excluded);
}

/* --- ports and claims ----------------------------------------------------------------------- */

static const char *protocol_text(enum api_protocol p)
{
	switch (p) {
	case API_TCP:
		return "TCP";
	case API_UDP:
		return "UDP";
	case API_SCTP:
		return "SCTP";
	}
	return "unknown";
}

/* The endpoints of all ports, in the family. */
static const struct port_endpoints *endpoints_of(struct service_build *b, enum ip_family family)
{
	const size_t n = b->in->service->service.n_ports;

	if (!b->endpoints[family]) {
		b->endpoints[family] = arena_array_of(b->arena, n, struct port_endpoints);
		for (size_t i = 0; i < n; i++)
			b->endpoints[family][i] =
				plan_service_endpoints(b->env, b->in, i, family, b->arena);
	}
	return b->endpoints[family];
}

static struct plan_port *add_port(struct service_build *b, size_t i, const struct port_endpoints *e,
				  const char *reason)
{
	const struct api_object *o = b->in->service;
	const struct api_service_port *p = &o->service.ports[i];
	struct plan_port *port = &b->ret->ports[b->ret->n_ports++];

	port->row = (struct plan_service){
		.ns = plan_text(o->meta.ns),
		.name = o->meta.name,
		.port = p->port,
		.protocol = protocol_text(p->protocol),
		.backends = e->backends,
		.n_backends = e->n_backends,
		.health_port = o->service.health_port,
		.paused = o->service.is_paused,
		.rate_limit = o->service.rate_limit,
		.n_local_ready = b->n_local_ready,
		.announced = !reason,
		.reason = reason ? reason : "announced",
	};
	return port;
}

/* Without anybody who is ready, and that anywhere, kube-proxy rejects; policy Local drops. */
static uint32_t frontend_flags(const struct plan_tunnels *tunnels, const struct api_service *s,
			       const struct port_endpoints *e)
{
	uint32_t flags = s->affinity_client_ip ? LB_F_AFFINITY : 0;

	if (s->rate_limit)
		flags |= LB_F_RATE;
	if (!s->policy_local && tunnels->n)
		flags |= LB_F_CLAMP;
	if (s->is_paused)
		flags |= LB_F_PAUSED | LB_F_REJECT;
	if (e->n_ready == 0 && !e->any_elsewhere && !s->policy_local)
		flags |= LB_F_REJECT;
	return flags;
}

static void add_ranges(struct service_build *b, struct lb_frontend *lb)
{
	const struct api_service *s = &b->in->service->service;
	const enum ip_family family = ip_family_of(&lb->key.addr);
	struct service_ranges *ranges = &b->ranges[family];

	if (s->n_source_ranges == 0)
		return;
	if (ranges->name == 0)
		*ranges = plan_service_ranges(s, family, b->arena);
	lb->flags |= LB_F_RANGES;
	lb->ranges = ranges->items;
	lb->n_ranges = ranges->n;
	lb->ranges_name = ranges->name;
}

static uint64_t frontend_limit(const struct plan_env *env, const struct api_service *s)
{
	const struct api_config *all = &env->config;
	const bool is_checked = s->source_check == API_CHECK_UNSAID
					? all->source_check
					: s->source_check == API_CHECK_YES;

	return lb_limit(s->has_new_flows ? s->new_flows : all->new_flows, all->new_flows_per_source,
			is_checked);
}

static void add_frontend(struct service_build *b, struct plan_port *port, size_t i,
			 const struct port_endpoints *e)
{
	const struct api_object *o = b->in->service;

	port->lb = (struct lb_frontend){
		.key = {.addr = port->row.vip.addr,
			.domain = port->row.vip.domain,
			.port = port->row.port,
			.proto = (uint8_t)o->service.ports[i].protocol},
		.seed = lb_seed(port->row.ns, port->row.name),
		.rows_log2 = o->service.rows_log2 ? o->service.rows_log2 : LB_DEFAULT_ROWS_LOG2,
		.flags = frontend_flags(&b->env->tunnels, &o->service, e),
		.limit = frontend_limit(b->env, &o->service),
		.targets = e->targets,
		.n_targets = e->n_targets,
	};
	if (o->service.affinity_client_ip)
		port->lb.affinity_s = o->service.affinity_timeout_s;
	add_ranges(b, &port->lb);
	plan_assert_targets(&port->lb);
	plan_assert_ranges(&port->lb);
	port->takes_new_flows = e->n_ready > 0;
	port->unknown_port = o->service.unknown_port;
	port->lb.table = lb_table_name(&port->lb);
}

/* Peers whose VRF is not there. */
static uint64_t without_vrf(const struct plan_env *env)
{
	return plan_env_peers_in(env, PLAN_NO_DOMAIN);
}

/* Why no session would get a route to it; NULL: one would. */
static const char *no_session(struct service_build *b, const struct ip_addr *vip,
			      const struct env_pool_adverts *adverts)
{
	bool any;
	const uint64_t peers = matching_peers(b, adverts, &any);

	const uint64_t carriers = peers & b->env->carriers[ip_family_of(vip)];
	const char *r = fails(b, vip, "noMatchingPeer", !peers);

	if (!r)
		r = fails(b, vip, "familyNotCarried", !carriers);
	if (r && peers)
		b->uncarried = vip;
	if (!r)
		r = fails(b, vip, "vrfMissing", !(carriers & ~without_vrf(b->env)));
	return r;
}

/* Check 6: usable endpoints behind `n` ports. NULL: there is one that takes new flows. */
static const char *missing_endpoints(const struct service_build *b,
				     const struct port_endpoints *ports, size_t n)
{
	bool any_elsewhere = false;

	for (size_t i = 0; i < n; i++) {
		if (ports[i].n_ready)
			return NULL;
		any_elsewhere |= ports[i].any_elsewhere;
	}
	if (b->in->service->service.policy_local)
		return "noLocalEndpoints";
	return any_elsewhere ? "noReachableEndpoints" : "noEndpoints";
}

/* What of an address is the same in all domains. */
struct service_address {
	const struct ip_addr *addr;
	const struct env_pool *pool;
	const struct port_endpoints *endpoints;
	const char *reason; /* why it is not announced; NULL: it is */
	bool is_served;
};

/* It is asked for, or all that is announced of the address says so. */
static bool is_blackholed(struct service_build *b, const struct service_address *a,
			  size_t first_claim)
{
	const bool is_asked = b->in->service->service.is_blackhole;
	const bool ret = is_asked || plan_claims_are_blackhole(&b->claiming, first_claim);

	b->any_blackhole |= ret;
	if (ret && !is_asked)
		b->tagged = a->addr;
	return ret;
}

/* Those on this node, of all ports. */
static const struct port_endpoints *endpoints_here(struct service_build *b,
						   const struct port_endpoints *all)
{
	const size_t n_ports = b->in->service->service.n_ports;
	struct port_endpoints *ret = arena_memdup(b->arena, all, n_ports * sizeof(*ret));

	for (size_t i = 0; i < n_ports; i++) {
		struct lb_target *here =
			arena_memdup(b->arena, all[i].targets, all[i].n_targets * sizeof(*here));
		size_t n = 0;

		for (size_t k = 0; k < all[i].n_targets; k++)
			if (ip_addr_is_none(&here[k].node))
				here[n++] = here[k];
		b->any_left_out_in_vrf |= n < all[i].n_targets;
		ret[i].targets = here;
		ret[i].n_targets = n;
		ret[i].n_ready = all[i].n_ready_here;
	}
	return ret;
}

static void own_in_vrf(struct service_build *b, const struct ip_addr *a, const char *owner)
{
	char text[IP_ADDR_TEXT];

	service_problem(b, SEVERITY_ERROR, "status.loadBalancer", "NodeAddress",
			"give the Service another address, or announce it to others",
			"%s is %s, in a VRF that it is announced in; there it is not",
			ip_addr_text(a, text), owner);
}

/*
 * As it is in one domain: not served where it is a machine's. No tunnel says of which VRF a packet
 * is, so in one there are the endpoints of this node alone.
 */
static struct service_address in_domain(struct service_build *b, const struct service_address *a,
					uint16_t domain)
{
	const struct plan_own_address *own =
		domain ? plan_own_find(&b->env->own, domain, a->addr) : NULL;
	struct service_address ret = *a;

	if (domain)
		ret.endpoints = endpoints_here(b, a->endpoints);
	if (domain && !ret.reason)
		ret.reason = missing_endpoints(b, ret.endpoints, b->in->service->service.n_ports);
	if (!own)
		return ret;
	own_in_vrf(b, a->addr, own->owner);
	ret.reason = "nodeAddress";
	ret.is_served = false;
	return ret;
}

/* The address as a VIP of one domain. */
static void add_vip(struct service_build *b, const struct service_address *address, uint16_t domain)
{
	const struct service_address here = in_domain(b, address, domain), *a = &here;
	const struct plan_vip vip = {.addr = *a->addr, .domain = domain};
	const size_t n_ports = b->in->service->service.n_ports;
	const size_t first_claim = b->ret->n_claims;
	bool is_blackhole;

	assert(a->is_served || a->reason); /* what is not served is not announced */
	assert(domain != PLAN_NO_DOMAIN);
	if (!a->reason)
		plan_claims_add(&b->claiming, &vip, a->pool);
	is_blackhole = a->is_served && is_blackholed(b, a, first_claim);
	for (size_t i = 0; i < n_ports; i++) {
		/* One port with endpoints announces the VIP for all. */
		const char *why = a->reason ? a->reason : missing_endpoints(b, &a->endpoints[i], 1);
		struct plan_port *port = add_port(b, i, &a->endpoints[i], why);

		port->row.vip = vip;
		port->is_blackhole = is_blackhole;
		if (a->is_served)
			add_frontend(b, port, i, &a->endpoints[i]);
	}
}

/*
 * It is a VIP in the domains of those that it is for, and in no other: who asks for it in another
 * VRF means somebody else. Where nobody is it for, it is one of no VRF, as long as it need not wait
 * for one.
 */
static void add_domains(struct service_build *b, struct service_address *a, uint64_t peers)
{
	const struct plan_env *env = b->env;
	bool any = false;

	for (size_t i = 0; i < env->n_domains; i++) {
		const struct env_domain *domain = &env->domains[i];

		if (domain->domain == PLAN_NO_DOMAIN || !(domain->peers & peers))
			continue;
		add_vip(b, a, domain->domain);
		any = true;
	}
	a->is_served &= !(peers & without_vrf(env));
	if (!any)
		add_vip(b, a, 0);
}

/*
 * Other nodes may attract it and send here what is for pods of this one, whatever keeps this node
 * from announcing it.
 */
static bool is_served_for_others(const struct service_build *b, const struct service_address *a)
{
	const size_t n_ports = b->in->service->service.n_ports;

	if (b->env->tunnels.n == 0 || b->in->service->service.policy_local || !a->pool ||
	    plan_own_find(&b->env->own, 0, a->addr))
		return false;
	for (size_t i = 0; i < n_ports; i++)
		if (a->endpoints[i].n_here)
			return true;
	return false;
}

/* The word of check 6 where it holds. */
static const char *endpoints_check(const struct service_build *b)
{
	return b->in->service->service.policy_local ? "noLocalEndpoints" : "noReachableEndpoints";
}

static void add_address(struct service_build *b, const struct plan_address *given)
{
	const enum ip_family family = ip_family_of(&given->addr);
	const struct env_pool *pool = plan_env_pool(b->env, plan_text(given->pool));
	const char *refused = refusal(b, given, pool);
	struct service_address a = {.addr = &given->addr,
				    .pool = pool,
				    .endpoints = endpoints_of(b, family),
				    .reason = refused,
				    .is_served = !refused};
	uint64_t peers = 0;
	bool any;

	assert(refused || pool);
	a.is_served |= is_served_for_others(b, &a);
	b->ret->pools[b->ret->n_pools++] = pool;
	if (!refused) {
		peers = matching_peers(b, &pool->adverts[family], &any) & b->env->carriers[family];
		a.reason = no_session(b, a.addr, &pool->adverts[family]);
	}
	if (!a.reason) {
		a.reason = missing_endpoints(b, a.endpoints, b->in->service->service.n_ports);
		(void)fails(b, a.addr, a.reason ? a.reason : endpoints_check(b), a.reason);
	}
	add_domains(b, &a, peers);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* As the rows of status are sorted. */
static int cmp_port(const void *a, const void *b)
{
	const struct plan_service *x = &((const struct plan_port *)a)->row;
	const struct plan_service *y = &((const struct plan_port *)b)->row;
	int cmp = plan_vip_cmp(&x->vip, &y->vip);

	if (cmp == 0)
		cmp = (x->port > y->port) - (x->port < y->port);
	return cmp ? cmp : strcmp(x->protocol, y->protocol);
}

static void sort_ports(struct plan_fragment *f)
{
	plan_sort(f->ports, f->n_ports, sizeof(*f->ports), cmp_port);
	for (size_t i = 0; i < f->n_claims; i++) {
		struct plan_claim *c = &f->claims[i];

		for (size_t k = 0; k < f->n_ports; k++) {
			if (!plan_vip_equal(&f->ports[k].row.vip, &c->vip))
				continue;
			if (c->n_ports++ == 0)
				c->first_port = (uint16_t)k;
			assert(k + 1 == c->first_port + c->n_ports); /* side by side */
		}
	}
}

void plan_service_input_slices(const struct world *world, struct plan_service_input *input)
{
	const struct api_meta *meta = &input->service->meta;

	input->slices = world_slices(world, plan_text(meta->ns), meta->name);
	input->only_endpoints = input->slices.n == 0 &&
				world_find(world, API_ENDPOINTS, plan_text(meta->ns), meta->name);
}

struct plan_fragment *plan_service(const struct plan_env *env, const struct plan_service_input *in,
				   struct arena *arena)
{
	const size_t n_ports = in->service->service.n_ports;
	const size_t n_addresses = in->n_addresses;
	const size_t n_vips = n_addresses ? n_addresses * plan_env_n_domains(env) : 1;
	const struct api_families *families = &in->service->service.families;
	const enum ip_family primary = families->n ? families->items[0] : IP_V4;
	struct plan_fragment *ret = arena_new_of(arena, struct plan_fragment);
	struct service_build b = {.env = env, .in = in, .arena = arena, .ret = ret};

	ret->service = in->service;
	ret->created_s = in->service->meta.created_s;
	ret->problems.arena = arena;
	ret->ports = arena_array_of(arena, n_ports * n_vips, struct plan_port);
	ret->pools = arena_array_of(arena, n_addresses, const struct env_pool *);

	if (in->service->service.health_port || plan_claims_weigh(env, in->service))
		b.n_local_ready = plan_service_local_ready(env->settings, in);
	b.claiming = (struct plan_claiming){.env = env, .in = in, .fragment = ret, .arena = arena};
	plan_claims_begin(&b.claiming, b.n_local_ready);
	for (size_t i = 0; i < n_addresses; i++)
		add_address(&b, &in->addresses[i]);
	for (size_t i = 0; n_addresses == 0 && i < n_ports; i++)
		(void)add_port(&b, i, &endpoints_of(&b, primary)[i], "noIPAllocated");
	assert(ret->n_ports <= n_ports * n_vips);
	assert(ret->n_pools == n_addresses);
	sort_ports(ret);
	plan_service_problems(&b);
	return ret;
}
