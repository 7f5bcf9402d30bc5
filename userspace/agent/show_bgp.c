// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers and routes as JSON. Routes are what was really sent: they come from each peer's
 * Adj-RIB-Out, with the session's own contribution (AS_PATH, NEXT_HOP) added as the encoder adds
 * it; equal routes to several peers are one entry.
 */
#include "agent/agent.h"
#include "agent/show.h"
#include "sys/loop.h"

/* --- peers -------------------------------------------------------------------------------------
 */

static void add_addr(cJSON *to, const char *key, const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT];

	show_add_text(to, key, ip_addr_is_none(addr) ? NULL : ip_addr_text(addr, text));
}

static cJSON *peer_json(const struct agent *a, const struct agent_peer *p)
{
	struct bgp_peer_info info = bgp_peer_info(p->bgp);
	const struct ip_addr router_id = ip_addr_from_v4(info.local_router_id);
	nsec_t now = loop_now(a->loop);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", p->key.name);
	show_add_text(o, "vrf", p->key.vrf);
	show_add_text(o, "interface", p->key.interface);
	add_addr(o, "address", &p->config.address);
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
	cJSON_AddStringToObject(o, "bfd", "None");
	add_addr(o, "routerID", &router_id);
	cJSON_AddBoolToObject(o, "gracefulRestart", info.gr_negotiated);
	cJSON_AddNumberToObject(o, "routesAdvertised", (double)info.routes_advertised);
	cJSON_AddNumberToObject(o, "routesReceived", (double)info.routes_received);
	cJSON_AddNumberToObject(o, "flaps", (double)info.flaps);
	show_add_text(o, "lastError", info.last_error);
	return o;
}

cJSON *show_peers(const struct agent *a, const struct show_filter *filter)
{
	cJSON *out = cJSON_CreateArray();

	for (size_t i = 0; i < a->peers.n; i++)
		if (show_matches(filter->name, a->peers.items[i]->key.name))
			cJSON_AddItemToArray(out, peer_json(a, a->peers.items[i]));
	return out;
}

cJSON *show_bfd(const struct agent *a, const struct show_filter *filter)
{
	(void)a, (void)filter;
	return cJSON_CreateArray();
}

/* --- routes ------------------------------------------------------------------------------------
 */

struct route_row {
	struct ip_prefix prefix;
	const struct bgp_attrs *attrs;
	const struct agent_peer *peer;
	struct ip_addr next_hop;
	uint32_t asn; /* that AS_PATH is made of; 0 on iBGP */
};

static bool is_ibgp(const struct agent_peer *p)
{
	return bgp_peer_info(p->bgp).remote_asn == p->config.bgp.local_asn;
}

static int row_cmp(const void *a_, const void *b_)
{
	const struct route_row *a = a_, *b = b_;
	int c = ip_prefix_cmp(&a->prefix, &b->prefix);

	if (c == 0)
		c = bgp_attrs_cmp(a->attrs, b->attrs);
	if (c == 0)
		c = ip_addr_cmp(&a->next_hop, &b->next_hop);
	return c ? c : (a->asn > b->asn) - (a->asn < b->asn);
}

static void gather(const struct agent_peer *p, struct route_row **rows, size_t *n, size_t *cap)
{
	struct bgp_rib_route route;
	size_t pos = 0;

	while (bgp_rib_next(bgp_peer_rib(p->bgp), &pos, &route)) {
		struct route_row *row;

		if (!route.advertised)
			continue;
		row = xpush(rows, n, cap, sizeof(**rows));
		row->prefix = route.prefix;
		row->attrs = route.advertised;
		row->peer = p;
		row->next_hop = ip_addr_is_none(&route.advertised->next_hop)
					? p->links[bgp_peer_info(p->bgp).slot].local
					: route.advertised->next_hop;
		row->asn = is_ibgp(p) ? 0 : p->config.bgp.local_asn;
	}
}

static void add_communities(cJSON *o, const struct bgp_attrs *attrs)
{
	cJSON *list = cJSON_AddArrayToObject(o, "communities");
	char text[COMMUNITY_TEXT];

	for (size_t i = 0; i < attrs->n_communities; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(community_text(attrs->communities[i], text)));
	list = cJSON_AddArrayToObject(o, "largeCommunities");
	for (size_t i = 0; i < attrs->n_large; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(large_community_text(&attrs->large[i], text)));
}

static cJSON *route_json(const struct route_row *row)
{
	const struct bgp_attrs *attrs = row->attrs;
	char text[IP_PREFIX_TEXT];
	cJSON *o = cJSON_CreateObject();
	cJSON *path;

	cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&row->prefix, text));
	add_addr(o, "nextHop", &row->next_hop);
	path = cJSON_AddArrayToObject(o, "asPath");
	for (unsigned i = 0; row->asn && i <= attrs->prepend; i++)
		cJSON_AddItemToArray(path, cJSON_CreateNumber(row->asn));
	if (row->asn)
		cJSON_AddNullToObject(o, "localPref"); /* never on eBGP */
	else
		cJSON_AddNumberToObject(o, "localPref",
					attrs->has_local_pref ? attrs->local_pref : 100);
	if (attrs->has_med)
		cJSON_AddNumberToObject(o, "med", attrs->med);
	else
		cJSON_AddNullToObject(o, "med");
	add_communities(o, attrs);
	cJSON_AddArrayToObject(o, "peers");
	return o;
}

cJSON *show_routes(const struct agent *a, const struct show_filter *filter)
{
	cJSON *out = cJSON_CreateArray();
	cJSON *last = NULL;
	struct route_row *rows = NULL;
	size_t n = 0, cap = 0;

	/* No peer's routes are kept (no toReceive yet). */
	for (size_t i = 0; !filter->received && i < a->peers.n; i++)
		if (show_matches(filter->peer, a->peers.items[i]->key.name))
			gather(a->peers.items[i], &rows, &n, &cap);
	if (n > 0)
		qsort(rows, n, sizeof(*rows), row_cmp);
	for (size_t i = 0; i < n; i++) {
		char text[IP_PREFIX_TEXT];

		if (!show_matches(filter->name, ip_prefix_text(&rows[i].prefix, text)))
			continue;
		if (!last || row_cmp(&rows[i], &rows[i - 1]) != 0) {
			last = route_json(&rows[i]);
			cJSON_AddItemToArray(out, last);
		}
		cJSON_AddItemToArray(cJSON_GetObjectItem(last, "peers"),
				     cJSON_CreateString(rows[i].peer->key.name));
	}
	free(rows);
	return out;
}
