// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers and routes as JSON. Routes are what was really sent, or with `planned` what is to be: they
 * come from each peer's Adj-RIB-Out, with the session's own contribution (AS_PATH, NEXT_HOP) added
 * as the encoder adds it; routes to several peers that say the same are one entry, whatever their
 * sets differ in that is not said.
 */
#include "agent/agent.h"
#include "agent/show.h"
#include "agent/show_bfd.h"
#include "agent/show_peer.h"
#include "bgp/bgp_malformed.h"
#include "sys/loop.h"

/* --- peers ------------------------------------------------------------------------------------ */

static void add_addr(cJSON *to, const char *key, const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT];

	show_add_text(to, key, ip_addr_is_none(addr) ? NULL : ip_addr_text(addr, text));
}

static cJSON *peer_json(const struct agent *a, const struct agent_peer *p, bool all)
{
	struct bgp_peer_info info = bgp_peer_info(p->bgp);
	const struct ip_addr router_id = ip_addr_from_v4(info.local_router_id);
	const struct ip_addr source = agent_peer_source(p);
	nsec_t now = loop_now(a->loop);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", p->key.name);
	show_add_text(o, "vrf", p->key.vrf);
	show_add_text(o, "interface", p->key.interface);
	add_addr(o, "address", &p->config.address);
	add_addr(o, "localAddress", &source);
	if (info.remote_asn || p->config.bgp.remote_asn)
		cJSON_AddNumberToObject(
			o, "asn", info.remote_asn ? info.remote_asn : p->config.bgp.remote_asn);
	else
		cJSON_AddNullToObject(o, "asn"); /* any, and no OPEN came yet */
	cJSON_AddStringToObject(o, "state", bgp_state_text(info.state));
	if (info.state == BGP_ESTABLISHED)
		cJSON_AddNumberToObject(o, "uptimeSeconds",
					(double)((now - info.established_at) / NSEC_PER_SEC));
	else
		cJSON_AddNullToObject(o, "uptimeSeconds");
	cJSON_AddNumberToObject(o, "holdTime",
				info.state == BGP_ESTABLISHED ? info.hold_s : p->config.bgp.hold_s);
	cJSON_AddStringToObject(o, "bfd", show_bfd_state(a, p));
	add_addr(o, "routerID", &router_id);
	cJSON_AddBoolToObject(o, "gracefulRestart", info.gr_negotiated);
	cJSON_AddNumberToObject(o, "routesAdvertised", (double)info.routes_advertised);
	cJSON_AddNumberToObject(o, "routesReceived", (double)info.routes_received);
	cJSON_AddNumberToObject(o, "routesAccepted",
				(double)bgp_rib_in_counts(bgp_peer_rib_in(p->bgp)).n_accepted);
	cJSON_AddNumberToObject(o, "routesLeaked", (double)info.routes_leaked);
	cJSON_AddNumberToObject(o, "updatesMalformed",
				(double)bgp_rib_in_malformed(bgp_peer_rib_in(p->bgp))->n);
	cJSON_AddNumberToObject(o, "flaps", (double)info.flaps);
	show_add_text(o, "lastError", info.last_error);
	show_peer_details(a, p, all, o);
	return o;
}

cJSON *show_peers(const struct agent *a, const struct show_filter *filter)
{
	cJSON *out = cJSON_CreateArray();

	for (size_t i = 0; i < a->peers.n; i++)
		if (show_matches(filter->name, a->peers.items[i]->key.name) &&
		    show_matches_vrf(filter, a->peers.items[i]->key.vrf))
			cJSON_AddItemToArray(out,
					     peer_json(a, a->peers.items[i], filter->name != NULL));
	return out;
}

/* --- routes ----------------------------------------------------------------------------------- */

struct route_row {
	struct ip_prefix prefix;
	struct bgp_attrs attrs; /* as they are said; the lists are the rib's */
	const struct agent_peer *peer;
	struct ip_addr next_hop;
	uint32_t asn; /* that AS_PATH is made of; 0 on iBGP */
	bool graceful_shutdown;
};

/* Where no OPEN came yet, by what is configured. */
static bool is_ibgp(const struct agent_peer *p)
{
	const struct bgp_peer_config *c = &p->config.bgp;
	const uint32_t remote = bgp_peer_info(p->bgp).remote_asn;

	if (remote == 0 && c->remote_asn == 0)
		return c->any_internal;
	return (remote ? remote : c->remote_asn) == c->local_asn;
}

/* Of a route that is only planned: our end of the session, or what the plan has for the family. */
static struct ip_addr planned_next_hop(const struct agent_peer *p, const struct ip_prefix *prefix,
				       const struct bgp_attrs *attrs, const struct ip_addr *source)
{
	const struct bgp_next_hops *hops = &p->config.next_hops;
	const enum ip_family family = ip_family_of(&prefix->addr);

	if (!ip_addr_is_none(&attrs->next_hop))
		return attrs->next_hop;
	if (ip_addr_is_none(source) || ip_family_of(source) == family)
		return *source;
	if (!ip_addr_is_none(family == IP_V4 ? &hops->ipv4 : &hops->ipv6))
		return family == IP_V4 ? hops->ipv4 : hops->ipv6;
	return *source; /* RFC 8950 */
}

static int row_cmp(const void *a_, const void *b_)
{
	const struct route_row *a = a_, *b = b_;
	int c = ip_prefix_cmp(&a->prefix, &b->prefix);

	if (c == 0)
		c = bgp_attrs_cmp(&a->attrs, &b->attrs);
	if (c == 0)
		c = ip_addr_cmp(&a->next_hop, &b->next_hop);
	if (c == 0)
		c = a->graceful_shutdown - b->graceful_shutdown;
	return c ? c : (a->asn > b->asn) - (a->asn < b->asn);
}

struct route_rows {
	struct route_row *items;
	size_t n, cap;
	struct ip_prefix until; /* all are there up to this one, if is_cut */
	bool is_cut;
};

/* LOCAL_PREF is for iBGP, and nothing is put before the path there. */
static struct bgp_attrs as_said(const struct bgp_attrs *attrs, bool ibgp)
{
	struct bgp_attrs ret = *attrs;

	ret.next_hop = (struct ip_addr){.b = {0}};
	ret.prepend = ibgp ? 0 : attrs->prepend;
	ret.has_local_pref = ibgp;
	ret.local_pref = !ibgp ? 0 : attrs->has_local_pref ? attrs->local_pref : 100;
	return ret;
}

/* Of one peer the first ones behind the cursor: that were sent to it, or are to be. */
static void gather(const struct agent_peer *p, bool planned, const struct show_cursor *c,
		   struct route_rows *rows)
{
	const struct ip_addr source = planned ? agent_peer_source(p) : (struct ip_addr){.b = {0}};
	struct bgp_rib_route route;
	size_t pos = 0, n = 0;

	while (bgp_rib_next(bgp_peer_rib(p->bgp), &pos, &route)) {
		const struct bgp_attrs *attrs = planned ? route.desired : route.advertised;
		struct route_row *row;

		if (!attrs || (c->is_begun && ip_prefix_cmp(&route.prefix, &c->prefix) <= 0))
			continue;
		row = xpush(&rows->items, &rows->n, &rows->cap, sizeof(*row));
		row->prefix = route.prefix;
		row->attrs = as_said(attrs, is_ibgp(p));
		row->graceful_shutdown = p->config.bgp.graceful_shutdown;
		row->peer = p;
		row->next_hop = planned ? planned_next_hop(p, &route.prefix, attrs, &source)
					: bgp_peer_next_hop(p->bgp, &route.prefix, attrs);
		row->asn = is_ibgp(p) ? 0 : p->config.bgp.local_asn;
		if (++n < SHOW_PIECE)
			continue;
		if (!rows->is_cut || ip_prefix_cmp(&route.prefix, &rows->until) < 0)
			rows->until = route.prefix;
		rows->is_cut = true;
		return;
	}
}

static void add_communities(cJSON *o, const struct bgp_attrs *attrs, bool graceful_shutdown)
{
	cJSON *list = cJSON_AddArrayToObject(o, "communities");
	char text[COMMUNITY_TEXT];

	for (size_t i = 0; i < attrs->n_communities; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(community_text(attrs->communities[i], text)));
	if (graceful_shutdown)
		cJSON_AddItemToArray(list, cJSON_CreateString("65535:0"));
	list = cJSON_AddArrayToObject(o, "largeCommunities");
	for (size_t i = 0; i < attrs->n_large; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(large_community_text(&attrs->large[i], text)));
	list = cJSON_AddArrayToObject(o, "extendedCommunities");
	for (size_t i = 0; i < attrs->n_extended; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(extended_community_text(
						   attrs->extended[i], text)));
	if (attrs->bandwidth)
		cJSON_AddNumberToObject(o, "linkBandwidth",
					(double)attrs->bandwidth * BGP_BANDWIDTH_UNIT);
	else
		cJSON_AddNullToObject(o, "linkBandwidth");
}

static cJSON *route_json(const struct route_row *row)
{
	const struct bgp_attrs *attrs = &row->attrs;
	char text[IP_PREFIX_TEXT];
	cJSON *o = cJSON_CreateObject();
	cJSON *path;

	cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&row->prefix, text));
	add_addr(o, "nextHop", &row->next_hop);
	path = cJSON_AddArrayToObject(o, "asPath");
	for (unsigned i = 0; row->asn && i <= attrs->prepend; i++)
		cJSON_AddItemToArray(path, cJSON_CreateNumber(row->asn));
	if (attrs->has_local_pref)
		cJSON_AddNumberToObject(o, "localPref", attrs->local_pref);
	else
		cJSON_AddNullToObject(o, "localPref"); /* never on eBGP */
	if (attrs->has_med)
		cJSON_AddNumberToObject(o, "med", attrs->med);
	else
		cJSON_AddNullToObject(o, "med");
	add_communities(o, attrs, row->graceful_shutdown);
	cJSON_AddArrayToObject(o, "peers");
	return o;
}

static void tell_rows(const struct route_rows *rows, const struct show_filter *filter, cJSON *out)
{
	cJSON *last = NULL;

	for (size_t i = 0; i < rows->n; i++) {
		const struct route_row *row = &rows->items[i];

		if (rows->is_cut && ip_prefix_cmp(&row->prefix, &rows->until) > 0)
			return;
		if (!show_matches_prefix(filter, &row->prefix))
			continue;
		if (!last || row_cmp(row, row - 1) != 0) {
			last = route_json(row);
			cJSON_AddItemToArray(out, last);
		}
		cJSON_AddItemToArray(cJSON_GetObjectItem(last, "peers"),
				     cJSON_CreateString(row->peer->key.name));
	}
}

cJSON *show_routes(const struct agent *a, const struct show_filter *filter, struct show_cursor *c)
{
	struct route_rows rows = {.n = 0};
	cJSON *out;

	if (filter->received)
		return show_received(a, filter, c);
	out = cJSON_CreateArray();
	for (size_t i = 0; i < a->peers.n; i++)
		if (show_matches(filter->peer, a->peers.items[i]->key.name) &&
		    show_matches_vrf(filter, a->peers.items[i]->key.vrf))
			gather(a->peers.items[i], filter->planned, c, &rows);
	if (rows.n > 0)
		qsort(rows.items, rows.n, sizeof(*rows.items), row_cmp);
	tell_rows(&rows, filter, out);
	c->is_over = !rows.is_cut;
	c->is_begun = true;
	c->prefix = rows.until;
	free(rows.items);
	return out;
}
