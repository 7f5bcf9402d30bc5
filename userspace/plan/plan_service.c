// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Makes a Service's fragment: does this node announce it (metallb.md 3.1, checks in order, reasons
 * in MetalLB's words), with which frontends and targets, and which prefixes do its addresses claim
 * by which advertisements (3.2). What is not acted on yet is an error or an info of the Service,
 * never dropped in silence: a Service with source ranges above all is not served at all, since
 * serving it without them would open it to everybody.
 */
#include "plan/plan_service.h"

#include "plan/plan_sort.h"

struct service_build {
	const struct plan_env *env;
	const struct plan_service_input *in;
	struct arena *arena;
	struct plan_fragment *ret;
	struct port_endpoints *endpoints; /* by port */
};

#define service_problem(b, severity, ...)                                                          \
	object_problem(&(b)->ret->problems, severity, (b)->in->service, __VA_ARGS__)

/* --- may this node announce it? ------------------------------------------------------------- */

static bool advert_matches(const struct service_build *b, const struct env_advert *a)
{
	return selectors_match(&a->spec->service_selectors, &b->in->service->meta.labels, true);
}

/* metallb.md 1.3, "compatible localPref"; asked only with strict: true. */
static bool adverts_conflict(const struct env_advert *a, const struct env_advert *b)
{
	const struct api_advertisement *x = a->spec;
	const struct api_advertisement *y = b->spec;

	return x->local_pref != y->local_pref && x->aggregation_length == y->aggregation_length &&
	       (a->peers & b->peers);
}

static bool has_conflict(const struct service_build *b, const struct env_pool *pool)
{
	for (size_t i = 0; i < pool->n_adverts; i++)
		for (size_t k = 0; k < i; k++)
			if (advert_matches(b, pool->adverts[i]) &&
			    advert_matches(b, pool->adverts[k]) &&
			    adverts_conflict(pool->adverts[i], pool->adverts[k]))
				return true;
	return false;
}

static bool any_advert_matches(const struct service_build *b, const struct env_pool *pool)
{
	for (size_t i = 0; i < pool->n_adverts; i++)
		if (advert_matches(b, pool->adverts[i]))
			return true;
	return false;
}

/* What the Service asks for that would have to be ignored. Errors are added once, by the caller. */
static const char *unsupported_field(const struct api_service *s)
{
	if (s->n_source_ranges)
		return "spec.loadBalancerSourceRanges";
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].protocol == API_SCTP)
			return "spec.ports";
	return NULL;
}

/* NULL: it may. Checks 0 to 5; endpoints come after. */
static const char *refusal(const struct service_build *b, const struct plan_address *a,
			   const struct env_pool *pool)
{
	if (!ip_addr_is_v4(&a->addr))
		return "notSupportedYet";
	if (plan_own_find(&b->env->own, &a->addr))
		return "nodeAddress";
	if (!pool)
		return "ipNotAllowed";
	if (pool->n_adverts == 0)
		return pool->n_held_back ? "advertisementHeldBack" : "notOwner";
	if (!any_advert_matches(b, pool))
		return "noMatchingAdvertisement";
	if (b->env->config.strict && has_conflict(b, pool))
		return "conflictingAdvertisements";
	if (b->env->node_unavailable)
		return "nodeNetworkUnavailable";
	if (b->env->node_excluded)
		return "nodeLabeledExcludeBalancers";
	if (unsupported_field(&b->in->service->service))
		return "notSupportedYet";
	return NULL;
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

static struct plan_port *add_port(struct service_build *b, size_t i, const struct ip_addr *vip,
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
		.backends = b->endpoints[i].backends,
		.n_backends = b->endpoints[i].n_backends,
		.announced = !reason,
		.reason = reason ? reason : "announced",
	};
	if (vip)
		port->row.vip.addr = *vip;
	return port;
}

static void add_frontend(struct service_build *b, struct plan_port *port, size_t i)
{
	const struct api_object *o = b->in->service;
	const struct port_endpoints *e = &b->endpoints[i];

	port->lb = (struct lb_frontend){
		.key = {.addr = port->row.vip.addr,
			.domain = port->row.vip.domain,
			.port = port->row.port,
			.proto = (uint8_t)o->service.ports[i].protocol},
		.seed = lb_seed(port->row.ns, port->row.name),
		.rows_log2 = LB_DEFAULT_ROWS_LOG2,
		.flags = o->service.affinity_client_ip ? LB_F_AFFINITY : 0,
		.targets = e->targets,
		.n_targets = e->n_targets,
	};
	if (e->n_targets)
		port->lb.table = lb_table_name(&port->lb);
}

static void add_claims(struct service_build *b, const struct ip_addr *vip,
		       const struct env_pool *pool)
{
	for (size_t i = 0; i < pool->n_adverts; i++) {
		const struct env_advert *a = pool->adverts[i];
		const uint8_t len = a->spec->aggregation_length;

		if (advert_matches(b, a) && a->peers)
			b->ret->claims[b->ret->n_claims++] =
				(struct plan_claim){.prefix = ip_prefix_of(vip, len),
						    .vip = {.addr = *vip},
						    .advert = a};
	}
}

/* Check 6: usable endpoints behind `n` ports. NULL: there is one that takes new flows here. */
static const char *missing_endpoints(const struct service_build *b,
				     const struct port_endpoints *ports, size_t n)
{
	bool elsewhere = b->in->service->service.policy_local;

	for (size_t i = 0; i < n; i++) {
		if (ports[i].n_ready)
			return NULL;
		elsewhere |= ports[i].remote || ports[i].n_targets;
	}
	return elsewhere ? "noLocalEndpoints" : "noEndpoints";
}

static void add_address(struct service_build *b, const struct plan_address *a)
{
	const struct env_pool *pool = plan_env_pool(b->env, plan_text(a->pool));
	const char *refused = refusal(b, a, pool);
	const size_t n_ports = b->in->service->service.n_ports;
	const char *reason = refused ? refused : missing_endpoints(b, b->endpoints, n_ports);

	b->ret->pools[b->ret->n_pools++] = pool;
	if (!reason) {
		const size_t before = b->ret->n_claims;

		add_claims(b, &a->addr, pool);
		if (b->ret->n_claims == before)
			reason = "noMatchingPeer";
	}
	for (size_t i = 0; i < n_ports; i++) {
		/* One port with endpoints announces the VIP for all. */
		const char *why = reason ? reason : missing_endpoints(b, &b->endpoints[i], 1);
		struct plan_port *port = add_port(b, i, &a->addr, why);

		if (!refused)
			add_frontend(b, port, i);
	}
}

/* --- problems ------------------------------------------------------------------------------- */

static void check_fields(struct service_build *b)
{
	const char *field = unsupported_field(&b->in->service->service);

	if (field)
		service_problem(b, SEVERITY_ERROR, field, "NotSupportedYet", "remove it meanwhile",
				"%s is not supported yet; the Service is not announced",
				strcmp(field, "spec.ports") == 0 ? "SCTP" : "a source range");
}

static void check_endpoints(struct service_build *b)
{
	const struct api_service *s = &b->in->service->service;
	bool remote = false, ipv6 = false, too_many = false;

	for (size_t i = 0; i < s->n_ports; i++) {
		remote |= b->endpoints[i].remote;
		ipv6 |= b->endpoints[i].ipv6;
		too_many |= b->endpoints[i].too_many;
	}
	if (b->in->only_endpoints)
		service_problem(b, SEVERITY_INFO, NULL, "EndpointsNotRead",
				"export its EndpointSlices too: kubectl get endpointslices",
				"has an Endpoints object but no EndpointSlice; Endpoints are not "
				"read, so it has no endpoints here");
	if (remote && !s->policy_local)
		service_problem(b, SEVERITY_WARNING, "spec.externalTrafficPolicy",
				"RemoteEndpoints",
				"use externalTrafficPolicy Local, or run a pod on every node",
				"remote endpoints not supported yet: this node uses its own only");
	if (ipv6)
		service_problem(b, SEVERITY_INFO, NULL, "NotSupportedYet",
				"nothing to do: IPv4 works without it",
				"IPv6 endpoints are not supported yet and are left out");
	if (too_many)
		service_problem(b, SEVERITY_ERROR, NULL, "TooManyBackends", "split the Service",
				"a Service has too many endpoints on this node; some are left out");
}

static void check_addresses(struct service_build *b)
{
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < b->in->n_addresses; i++) {
		const struct ip_addr *a = &b->in->addresses[i].addr;
		const struct plan_own_address *own = plan_own_find(&b->env->own, a);

		if (own)
			service_problem(b, SEVERITY_ERROR, "status.loadBalancer", "NodeAddress",
					"give the Service another address, or that machine",
					"%s is %s; it is not announced", ip_addr_text(a, text),
					own->owner);
		else if (!ip_addr_is_v4(a))
			service_problem(b, SEVERITY_INFO, "status.loadBalancer", "NotSupportedYet",
					"nothing to do: IPv4 works without it",
					"IPv6 address %s is not announced: not supported yet",
					ip_addr_text(a, text));
		else if (!b->ret->pools[i])
			service_problem(
				b, SEVERITY_ERROR, "status.loadBalancer", "AddressNotInPool",
				"add the address to a pool, or request another one",
				"no pool holds %s; it is not announced", ip_addr_text(a, text));
	}
}

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

struct plan_fragment *plan_service(const struct plan_env *env, const struct plan_service_input *in,
				   struct arena *arena)
{
	const size_t n_ports = in->service->service.n_ports;
	const size_t n_addresses = in->n_addresses;
	struct plan_fragment *ret = arena_new_of(arena, struct plan_fragment);
	struct service_build b = {.env = env, .in = in, .arena = arena, .ret = ret};

	ret->service = in->service;
	ret->problems.arena = arena;
	ret->ports =
		arena_array_of(arena, n_ports * (n_addresses ? n_addresses : 1), struct plan_port);
	ret->claims = arena_array_of(arena, n_addresses * env->n_adverts, struct plan_claim);
	ret->pools = arena_array_of(arena, n_addresses, const struct env_pool *);
	b.endpoints = arena_array_of(arena, n_ports, struct port_endpoints);
	for (size_t i = 0; i < n_ports; i++)
		b.endpoints[i] = plan_service_endpoints(env->settings, in, i, arena);

	for (size_t i = 0; i < n_addresses; i++)
		add_address(&b, &in->addresses[i]);
	for (size_t i = 0; n_addresses == 0 && i < n_ports; i++)
		(void)add_port(&b, i, NULL, "noIPAllocated");
	plan_sort(ret->ports, ret->n_ports, sizeof(*ret->ports), cmp_port);
	check_fields(&b);
	check_endpoints(&b);
	check_addresses(&b);
	return ret;
}
