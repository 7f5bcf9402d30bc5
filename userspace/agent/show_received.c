// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes that peers have sent, as JSON: a row for each of each peer, with what became of it and
 * why. Those that are over BGP_REJECTED_MAX are counted by the peer and not told one by one.
 */
#include "agent/show.h"

#include "agent/agent.h"

/* What became of an accepted one; NULL: it is followed. buf holds it where need be. */
static const char *why_not_followed(const struct agent *a, const struct receive_choice *c,
				    size_t peer, const struct ip_prefix *prefix, char buf[128])
{
	const struct agent_receiving *r = &a->receiving;
	struct fib_hops hops;
	int error;

	switch (receive_fate(c, peer)) {
	case RECEIVE_UNREACHABLE:
		return "nothing leads to the next hop";
	case RECEIVE_WORSE:
		return "another route is better";
	case RECEIVE_BEST:
	case RECEIVE_MULTIPATH:
		break;
	}
	switch (fib_state(r->fib, r->peers[peer].table, prefix, &hops, &error)) {
	case FIB_PLACED:
		break;
	case FIB_NONE:
		if (r->peers[peer].table == 0)
			return "there is no table of its VRF";
		return "waits";
	case FIB_WAITING:
		return "waits";
	case FIB_TAKEN:
		return "somebody else has a route to the prefix with our metric";
	case FIB_FAILED:
		(void)snprintf(buf, 128, "refused by the kernel: %s", strerror(-error));
		return buf;
	}
	if (r->peers[peer].table == KERNEL_RECEIVED_TABLE &&
	    !kernel_receives(&a->blackholes.state, ip_family_of(&prefix->addr)))
		return "the rules that lead to it are missing: see show problems";
	return NULL;
}

static void add_path(cJSON *o, const struct bgp_path *path)
{
	char text[COMMUNITY_TEXT], addr[IP_ADDR_TEXT];
	cJSON *list;

	show_add_text(o, "nextHop", ip_addr_text(&path->next_hop, addr));
	list = cJSON_AddArrayToObject(o, "asPath");
	for (size_t i = 0; i < path->n_as_path; i++)
		cJSON_AddItemToArray(list, cJSON_CreateNumber(path->as_path[i]));
	if (path->has_local_pref)
		cJSON_AddNumberToObject(o, "localPref", path->local_pref);
	else
		cJSON_AddNullToObject(o, "localPref");
	if (path->has_med)
		cJSON_AddNumberToObject(o, "med", path->med);
	else
		cJSON_AddNullToObject(o, "med");
	list = cJSON_AddArrayToObject(o, "communities");
	for (size_t i = 0; i < path->n_communities; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(community_text(path->communities[i], text)));
	list = cJSON_AddArrayToObject(o, "largeCommunities");
	for (size_t i = 0; i < path->n_large; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(large_community_text(&path->large[i], text)));
}

static void add_fate(const struct agent *a, size_t peer, const struct bgp_rib_in_route *route,
		     cJSON *o)
{
	const uint32_t table = a->receiving.peers[peer].table;
	const bool is_accepted = route->verdict == BGP_ACCEPTED;
	struct receive_choice choice = {.has = 0};
	const char *why;
	char buf[128];

	if (is_accepted) {
		receive_choose(&a->receiving.all, table, &route->prefix, &choice);
		why = why_not_followed(a, &choice, peer, &route->prefix, buf);
	} else if (route->what) {
		(void)snprintf(buf, sizeof(buf), "%s: %s", bgp_verdict_text(route->verdict),
			       route->what);
		why = buf;
	} else {
		why = bgp_verdict_text(route->verdict);
	}
	cJSON_AddBoolToObject(o, "accepted", is_accepted);
	cJSON_AddBoolToObject(o, "installed", is_accepted && !why);
	cJSON_AddBoolToObject(o, "best",
			      is_accepted && receive_fate(&choice, peer) == RECEIVE_BEST);
	cJSON_AddBoolToObject(o, "stale", route->is_stale);
	if (is_accepted && table)
		cJSON_AddNumberToObject(o, "table", table);
	else
		cJSON_AddNullToObject(o, "table");
	show_add_text(o, "reason", why);
}

static cJSON *route_json(const struct agent *a, size_t peer, const struct bgp_rib_in_route *route)
{
	const struct agent_peer *p = a->peers.items[peer];
	char prefix[IP_PREFIX_TEXT];
	cJSON *o = cJSON_CreateObject(), *peers;

	cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&route->prefix, prefix));
	add_path(o, route->path);
	peers = cJSON_AddArrayToObject(o, "peers");
	cJSON_AddItemToArray(peers, cJSON_CreateString(p->key.name));
	show_add_text(o, "vrf", p->key.vrf);
	add_fate(a, peer, route, o);
	return o;
}

/* Where each peer's walk is. */
struct walk {
	struct bgp_rib_in_route route;
	size_t pos;
	bool has_route;
};

static void step(const struct agent *a, struct walk *w, size_t peer)
{
	w->has_route =
		bgp_rib_in_next(bgp_peer_rib_in(a->peers.items[peer]->bgp), &w->pos, &w->route);
}

/* The least prefix that some walk is at; false: all are over. */
static bool next_prefix(const struct walk *walks, size_t n, struct ip_prefix *ret)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		if (!walks[i].has_route ||
		    (found && ip_prefix_cmp(&walks[i].route.prefix, ret) >= 0))
			continue;
		*ret = walks[i].route.prefix;
		found = true;
	}
	return found;
}

cJSON *show_received(const struct agent *a, const struct show_filter *filter, struct show_cursor *c)
{
	const size_t n = a->receiving.all.n;
	struct walk walks[64] = {{.pos = 0}};
	cJSON *out = cJSON_CreateArray();
	struct ip_prefix prefix;
	bool more;

	for (size_t i = 0; i < n; i++) {
		if (!show_matches(filter->peer, a->peers.items[i]->key.name) ||
		    !show_matches_vrf(filter, a->peers.items[i]->key.vrf))
			continue;
		if (c->is_begun)
			walks[i].pos = bgp_rib_in_behind(a->receiving.peers[i].rib, &c->prefix);
		step(a, &walks[i], i);
	}
	for (size_t told = 0; (more = next_prefix(walks, n, &prefix)) && told < SHOW_PIECE;
	     told++) {
		for (size_t i = 0; i < n; i++) {
			if (!walks[i].has_route ||
			    ip_prefix_cmp(&walks[i].route.prefix, &prefix) != 0)
				continue;
			if (show_matches_prefix(filter, &prefix))
				cJSON_AddItemToArray(out, route_json(a, i, &walks[i].route));
			step(a, &walks[i], i);
		}
		c->prefix = prefix;
	}
	c->is_begun = true;
	c->is_over = !more;
	return out;
}

void show_kernel_routes(const struct agent *a, cJSON *to)
{
	const struct fib_counts c = fib_counts(a->receiving.fib);
	cJSON *all = cJSON_AddObjectToObject(to, "kernelRoutes"), *o;

	o = cJSON_AddObjectToObject(all, "received");
	cJSON_AddNumberToObject(o, "total", (double)c.n_wanted);
	cJSON_AddNumberToObject(o, "installed", (double)c.n_placed);
	cJSON_AddNumberToObject(o, "failed", (double)c.n_failed);
	cJSON_AddNumberToObject(o, "inTheWay", (double)c.n_taken);
	cJSON_AddNumberToObject(o, "repaired", (double)c.n_repaired);
	o = cJSON_AddObjectToObject(all, "blackholes");
	cJSON_AddNumberToObject(o, "repaired", (double)a->blackholes.state.repaired);
}
