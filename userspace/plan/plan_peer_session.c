// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a BGP session is like, from the BGPPeer that describes it: the two ends of its connection
 * (plan_peer_link.c has those of a peer by interface, plan_peer_vrf.c of which VRF they are), the
 * source address and the router id that it asks for (ruling 12), AS numbers, timers, what it
 * says of itself. What cannot be had but does no harm is left out and told.
 */
#include "plan/plan_links.h"
#include "plan/plan_peers.h"

#define ANNOTATION(name) "metadata.annotations[lodestone.io/" name "]"

#define RESTART_TIME_S 120 /* as FRR, which MetalLB's users know */

bool peer_session_is_supported(struct peers_build *b, const struct peer_candidate *c)
{
	const struct api_peer *spec = c->spec;

	if (!ip_addr_is_v4(&spec->address) && ip_addr_is_link_local(&spec->address))
		peer_problem(b, SEVERITY_ERROR, c, "spec.peerAddress", "LinkLocalAddress",
			     "write a global address of the router, or spec.interface instead",
			     "a link-local address does not say by which interface; %s",
			     peer_consequence(c));
	else
		return true;
	return false;
}

/* An address of this node, and of the peer's VRF if it has one. */
static bool is_local(const struct peers_build *b, const struct peer_candidate *c)
{
	const struct ip_addr *source = &c->spec->source_address;
	const struct plan_node *node = b->in->node;

	for (size_t i = 0; i < node->n_addrs; i++)
		if (ip_addr_equal(&node->addrs[i].addr, source) &&
		    peer_vrf_reaches(b, c, node->addrs[i].ifindex))
			return true;
	return false;
}

bool peer_session_has_source(struct peers_build *b, const struct peer_candidate *c)
{
	const struct ip_addr *source = &c->spec->source_address;
	char text[IP_ADDR_TEXT];

	if (ip_addr_is_none(source) || c->spec->interface || is_local(b, c))
		return true;
	if (c->last.good && !ip_addr_equal(source, &c->last.object->peer.source_address)) {
		peer_problem(b, SEVERITY_ERROR, c, "spec.sourceAddress", "SourceAddressNotLocal",
			     "give the node that address, or select only the node that has it",
			     "%s is not an address of this node; %s", ip_addr_text(source, text),
			     peer_consequence(c));
		return false;
	}
	peer_problem(b, SEVERITY_WARNING, c, "spec.sourceAddress", "SourceAddressNotLocal",
		     "give the node that address, or select only the node that has it",
		     "%s is not an address of this node; the kernel chooses the source",
		     ip_addr_text(source, text));
	return true;
}

static size_t nodes_selected(const struct peers_build *b, const struct peer_candidate *c)
{
	const struct world_list nodes = world_list(b->in->world, API_NODE);
	size_t n = 0;

	for (size_t i = 0; i < nodes.n; i++)
		n += selectors_match(&c->spec->node_selectors, &nodes.items[i]->meta.labels, true);
	return n;
}

/* Ruling 12: one id on two nodes makes the router refuse one of them. 0: the node's own. */
static uint32_t resolve_router_id(struct peers_build *b, const struct peer_candidate *c)
{
	const uint32_t asked = c->spec->router_id;

	if (asked == 0 || nodes_selected(b, c) < 2)
		return asked;
	peer_problem(b, SEVERITY_WARNING, c, "spec.routerID", "RouterIdShared",
		     "leave routerID out, or give each node a BGPPeer of its own",
		     "several nodes would use the same router id; %s",
		     b->env->config.strict ? "it is used as asked for (strict)"
					   : "this node uses one of its own");
	return b->env->config.strict ? asked : 0;
}

static void set_ends(struct peers_build *b, struct peer_candidate *c)
{
	const struct plan_route_to *way =
		c->peer.table ? plan_way_to(b->in->node, &c->spec->address, c->peer.vrf) : NULL;

	c->peer.address = c->spec->address;
	c->peer.ifindex = way ? way->ifindex : 0;
	if (is_local(b, c))
		c->peer.source = c->spec->source_address;
}

/* What was asked for and does nothing is told. */
static void tell_needless(struct peers_build *b, const struct peer_candidate *c)
{
	const struct api_peer *spec = c->spec;
	const bool internal = peer_is_internal(spec);
	const struct {
		bool is_needless;
		const char *field, *remedy, *message;
	} rows[] = {
		{internal && spec->has_pref_as, ANNOTATION("ebgp-local-pref"), "remove it",
		 "a session within one AS carries localPref as it is"},
		{internal && spec->has_role, ANNOTATION("role"), "remove it",
		 "roles are for sessions with another AS (RFC 9234)"},
		{spec->llgr_s && !c->peer.bgp.graceful_restart, ANNOTATION("llgr"),
		 "set enableGracefulRestart, or remove it",
		 "long-lived graceful restart goes with graceful restart only (RFC 9494)"},
		{spec->create_vrf && !c->peer.key.vrf[0], ANNOTATION("create-vrf"),
		 "set spec.vrf, or remove it", "no VRF is named that could be made"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].is_needless)
			peer_problem(b, SEVERITY_WARNING, c, rows[i].field, "NoEffect",
				     rows[i].remedy, "%s", rows[i].message);
}

void peer_session_fill(struct peers_build *b, struct peer_candidate *c)
{
	const struct api_peer *spec = c->spec;
	const struct api_config *config = &b->env->config;

	c->peer.key = (struct peer_key){.name = c->object->meta.name,
					.vrf = plan_text(spec->vrf),
					.interface = plan_text(spec->interface)};
	c->peer.port = spec->port ? spec->port : 179;
	c->peer.ttl = spec->ebgp_multihop || spec->ttl_security || peer_is_internal(spec) ? 255 : 1;
	c->peer.ttl_security = spec->ttl_security;
	c->peer.listen = spec->listen || config->listen;
	c->peer.object = c->object;
	c->peer.bgp = (struct bgp_peer_config){
		.local_asn = spec->local_asn ? spec->local_asn : spec->my_asn,
		.remote_asn = spec->dynamic_asn == API_ASN_FIXED ? spec->peer_asn : 0,
		.any_internal = spec->dynamic_asn == API_ASN_INTERNAL,
		.any_external = spec->dynamic_asn == API_ASN_EXTERNAL,
		.router_id = resolve_router_id(b, c),
		.hold_s = spec->hold_s,
		.keepalive_s = spec->keepalive_s,
		.connect_s = spec->connect_s,
		.graceful_restart = config->set & API_CONFIG_GRACEFUL_RESTART
					    ? config->graceful_restart
					    : spec->graceful_restart,
		.restart_time_s = RESTART_TIME_S,
		.llgr_s = spec->llgr_s,
		.has_role = spec->has_role && !peer_is_internal(spec),
		.role = spec->role,
		.graceful_shutdown = b->env->leaves,
	};
	peer_vrf_set(b, c);
	if (spec->interface)
		peer_link_ends(b, c);
	else
		set_ends(b, c);
	tell_needless(b, c);
	peer_session_hops(b, c);
	peer_bfd_resolve(b, c);
}
