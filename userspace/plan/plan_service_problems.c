// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is wrong with a Service or odd about it, as its fragment was made: endpoints that are left
 * out, ranges that nobody is in, addresses that cannot be announced, and what was asked for that
 * stops packets.
 */
#include "plan/plan_service_build.h"

static void say_untunnelled(struct service_build *b, const char *node)
{
	service_problem(b, SEVERITY_WARNING, "spec.externalTrafficPolicy", "RemoteEndpoints",
			"let the Node objects of both name an InternalIP of one family, or use "
			"externalTrafficPolicy Local",
			"no tunnel leads to node %s: its endpoints get nothing from this node",
			node);
}

#define FORWARDING "metadata.annotations[lodestone.io/forwarding]"

static void say_nowhere(struct service_build *b, enum ip_family family)
{
	if (plan_service_forwarding(b->env, b->in, family) == API_FORWARD_NAT)
		service_problem(
			b, SEVERITY_WARNING, FORWARDING, "ServerSctp",
			"write dsr-l2, dsr-ipip or dsr-gue, with real servers that have the "
			"address",
			"SCTP is not translated: its endpoints that are on no node get nothing "
			"from here");
	else
		service_problem(
			b, SEVERITY_WARNING, FORWARDING, "EndpointWithoutNode",
			"name the node of each endpoint (nodeName) in its EndpointSlice; for "
			"real servers beyond the nodes write how packets get there, at the "
			"Service or its pool: nat, dsr-l2, dsr-ipip or dsr-gue",
			"has endpoints that are on no node: they get nothing from here");
}

static void say_other_port(struct service_build *b, size_t i, uint16_t port)
{
	service_problem(b, SEVERITY_WARNING,
			arena_printf(b->arena, "spec.ports[%zu].targetPort", i), "ServerPort",
			"let real servers listen at the port of the Service, and name that in "
			"their EndpointSlice",
			"endpoints that are on no node have port %u and get nothing: packets "
			"reach them as clients sent them, for port %u",
			port, b->in->service->service.ports[i].port);
}

/* Said of policy Cluster: with Local what is elsewhere is not asked for. */
static void check_elsewhere(struct service_build *b)
{
	const char *untunnelled = NULL;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		bool any_nowhere = false;

		for (size_t i = 0; b->endpoints[f] && i < b->in->service->service.n_ports; i++) {
			const struct port_endpoints *e = &b->endpoints[f][i];

			untunnelled = untunnelled ? untunnelled : e->untunnelled;
			any_nowhere |= e->any_nowhere;
			if (e->other_port)
				say_other_port(b, i, e->other_port);
		}
		if (any_nowhere)
			say_nowhere(b, f);
	}
	if (untunnelled)
		say_untunnelled(b, untunnelled);
	if (b->any_left_out_in_vrf)
		service_problem(
			b, SEVERITY_INFO, "spec.externalTrafficPolicy", "VrfEndpointsHere",
			"announce it to peers that are in no VRF, or run a pod on every node",
			"in a VRF it has the endpoints of this node alone");
}

static void check_endpoints(struct service_build *b)
{
	const struct api_service *s = &b->in->service->service;
	bool too_many = false;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		for (size_t i = 0; b->endpoints[f] && i < s->n_ports; i++)
			too_many |= b->endpoints[f][i].too_many;
	if (b->in->only_endpoints)
		service_problem(b, SEVERITY_INFO, NULL, "EndpointsNotRead",
				"export its EndpointSlices too: kubectl get endpointslices",
				"has an Endpoints object but no EndpointSlice; Endpoints are not "
				"read, so it has no endpoints here");
	check_elsewhere(b);
	if (too_many)
		service_problem(b, SEVERITY_ERROR, NULL, "TooManyBackends", "split the Service",
				"a Service has too many endpoints; some are left out");
}

static void check_ranges(struct service_build *b)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (b->ranges[f].name && b->ranges[f].n == 0)
			service_problem(b, SEVERITY_WARNING, "spec.loadBalancerSourceRanges",
					"NoSourceRange",
					f == IP_V4 ? "add an IPv4 range, 0.0.0.0/0 for everybody"
						   : "add an IPv6 range, ::/0 for everybody",
					"none of the ranges is of %s: nobody reaches its address "
					"of that family",
					ip_family_text(f));
}

static void check_paused(struct service_build *b)
{
	if (b->in->service->service.is_paused)
		service_problem(b, SEVERITY_INFO, "metadata.annotations[lodestone.io/pause]",
				"Paused", "remove the annotation to let connections begin again",
				"new connections are refused; those that live go on, and the "
				"address stays announced");
}

static void check_blackhole(struct service_build *b)
{
	char text[IP_ADDR_TEXT];

	if (b->tagged)
		service_problem(b, SEVERITY_INFO, NULL, "Blackholed",
				"announce it without the community, to anybody, to serve it",
				"all that is announced of %s has the community BLACKHOLE: packets "
				"to it are dropped here, too",
				ip_addr_text(b->tagged, text));
	else if (b->any_blackhole)
		service_problem(b, SEVERITY_INFO, "metadata.annotations[lodestone.io/blackhole]",
				"Blackholed", "remove the annotation to serve it again",
				"all packets to its addresses are dropped");
}

/* A Service that has an address of another family besides loses less than one that has none. */
static bool has_other_family(const struct service_build *b, enum ip_family family)
{
	for (size_t i = 0; i < b->in->n_addresses; i++)
		if (ip_family_of(&b->in->addresses[i].addr) != family)
			return true;
	return false;
}

static void check_family(struct service_build *b)
{
	char text[IP_ADDR_TEXT];
	enum ip_family family;
	bool other;

	if (!b->uncarried)
		return;
	family = ip_family_of(b->uncarried);
	other = has_other_family(b, family);
	service_problem(b, other ? SEVERITY_INFO : SEVERITY_WARNING, "status.loadBalancer",
			"FamilyNotCarried",
			"set dualStackAddressFamily at the BGPPeer, or add one with an address of "
			"that family",
			"no session carries %s routes: %s is not announced", ip_family_text(family),
			ip_addr_text(b->uncarried, text));
}

static void check_addresses(struct service_build *b)
{
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < b->in->n_addresses; i++) {
		const struct ip_addr *a = &b->in->addresses[i].addr;
		const struct plan_own_address *own = plan_own_find(&b->env->own, 0, a);

		if (own)
			service_problem(b, SEVERITY_ERROR, "status.loadBalancer", "NodeAddress",
					"give the Service another address, or that machine",
					"%s is %s; it is not announced", ip_addr_text(a, text),
					own->owner);
		else if (!b->ret->pools[i])
			service_problem(
				b, SEVERITY_ERROR, "status.loadBalancer", "AddressNotInPool",
				"add the address to a pool, or request another one",
				"no pool holds %s; it is not announced", ip_addr_text(a, text));
	}
}

void plan_service_problems(struct service_build *b)
{
	check_endpoints(b);
	check_ranges(b);
	check_paused(b);
	check_blackhole(b);
	check_addresses(b);
	check_family(b);
}
