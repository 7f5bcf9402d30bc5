// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whose a route is: a router's table has those of all nodes, and those of this one came from the
 * address that our session with the router has (or would have). The speaker's own table says
 * nothing of whom it tells, so it is taken for all that is compared.
 */
#include "cli/migrate.h"

#include "base/community.h"
#include "cli/dump.h"

#include <stdlib.h>

struct migration {
	struct arena *arena;
	const struct migrate_ours *ours;
	struct dump dump;
	const char *asked;  /* the BGPPeer that was named, or NULL */
	const char **peers; /* that are compared */
	size_t n_peers;
	struct route_said *theirs, *mine;
	size_t n_theirs, cap_theirs, n_mine, cap_mine;
	size_t counts[N_DIFFERENCES];
};

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(get(o, key));

	return text ? text : "";
}

/* --- who is compared -------------------------------------------------------------------------- */

static bool is_compared(const struct migration *m, const char *peer)
{
	for (size_t i = 0; i < m->n_peers; i++)
		if (strcmp(m->peers[i], peer) == 0)
			return true;
	return false;
}

static void compare_with(struct migration *m, const char *peer)
{
	if (!is_compared(m, peer))
		m->peers[m->n_peers++] = peer;
}

static bool is_asked(const struct migration *m, const cJSON *peer)
{
	return !m->asked || strcmp(m->asked, text_of(peer, "name")) == 0;
}

/* The BGPPeer whose session has that address here; *ret_many: several have. */
static const char *peer_from(const struct migration *m, const struct ip_addr *from, bool *ret_many)
{
	const char *found = NULL;
	const cJSON *peer;
	struct ip_addr local;

	cJSON_ArrayForEach(peer, m->ours->peers)
	{
		if (!is_asked(m, peer) || !ip_addr_parse(text_of(peer, "localAddress"), &local) ||
		    !ip_addr_equal(&local, from))
			continue;
		*ret_many |= found != NULL;
		found = text_of(peer, "name");
	}
	return found;
}

/* Those of the router's table that came from here. */
static bool find_by_address(struct migration *m, const char **ret_error)
{
	for (size_t i = 0; i < m->dump.n_routes; i++) {
		const struct dump_route *route = &m->dump.routes[i];
		bool many = false;
		const char *peer =
			ip_addr_is_none(&route->from) ? NULL : peer_from(m, &route->from, &many);

		if (many) {
			*ret_error = "several BGPPeers have sessions from the same address here; "
				     "say --peer NAME, of the router that the table is of";
			return false;
		}
		if (peer)
			compare_with(m, peer);
	}
	return true;
}

/* False: the texts do not say of which BGPPeers they are. */
static bool find_peers(struct migration *m, const char **ret_error)
{
	const cJSON *peer;
	size_t n = 0;

	m->peers = arena_array_of(m->arena, (size_t)cJSON_GetArraySize(m->ours->peers) + 1,
				  const char *);
	if (m->dump.has_routes && !find_by_address(m, ret_error))
		return false;
	cJSON_ArrayForEach(peer, m->ours->peers) n += is_asked(m, peer);
	if (n == 0) {
		*ret_error = m->asked ? arena_printf(m->arena, "this node has no BGPPeer \"%s\"",
						     m->asked)
				      : "this node has no BGPPeer";
		return false;
	}
	if (m->n_peers == 0 && n > 1) {
		*ret_error = "none of the routes came from an address of this node's sessions; "
			     "say --peer NAME, of the BGPPeer that they are of";
		return !m->dump.has_routes;
	}
	if (m->n_peers == 0)
		cJSON_ArrayForEach(peer, m->ours->peers) if (is_asked(m, peer))
			compare_with(m, text_of(peer, "name"));
	return true;
}

/* --- routes ----------------------------------------------------------------------------------- */

static void add_theirs(struct migration *m, const struct route_said *said, const char *peer)
{
	struct route_said *to =
		arena_push(m->arena, &m->theirs, &m->n_theirs, &m->cap_theirs, sizeof(*to));

	*to = *said;
	to->peer = peer;
}

static void gather_theirs(struct migration *m)
{
	for (size_t i = 0; i < m->dump.n_routes; i++) {
		const struct dump_route *route = &m->dump.routes[i];
		bool many = false;
		const char *peer;

		if (!ip_addr_is_none(&route->from)) {
			peer = peer_from(m, &route->from, &many);
			if (peer)
				add_theirs(m, &route->said, peer);
			continue;
		}
		for (size_t k = 0; k < m->n_peers; k++)
			add_theirs(m, &route->said, m->peers[k]);
	}
}

static struct words words_of(struct arena *arena, const cJSON *list)
{
	const char **items =
		arena_array_of(arena, (size_t)cJSON_GetArraySize(list) + 1, const char *);
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, list) if (cJSON_IsString(item)) items[n++] = item->valuestring;
	return words_make(items, n);
}

/* By octets in what the agent says; in words as they are configured, if they are of such a kind. */
static struct words extended_of(struct arena *arena, const cJSON *list)
{
	const char **items =
		arena_array_of(arena, (size_t)cJSON_GetArraySize(list) + 1, const char *);
	char text[COMMUNITY_TEXT];
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, list)
	{
		const char *octets = cJSON_GetStringValue(item);

		if (!octets)
			continue;
		(void)route_community_text(strtoull(octets, NULL, 16), text);
		items[n++] = *text ? arena_strdup(arena, text) : octets;
	}
	return words_make(items, n);
}

static const char *path_of(struct arena *arena, const cJSON *list)
{
	const char *text = "";
	const cJSON *item;

	cJSON_ArrayForEach(item, list) text =
		arena_printf(arena, "%s%s%.0f", text, *text ? " " : "", item->valuedouble);
	return text;
}

static struct route_said said_of(struct arena *arena, const cJSON *route)
{
	const cJSON *pref = get(route, "localPref"), *med = get(route, "med");
	struct route_said ret = {
		.known = ROUTE_SAYS_PATH | ROUTE_SAYS_MED | ROUTE_SAYS_COMMUNITIES |
			 ROUTE_SAYS_LARGE | ROUTE_SAYS_EXTENDED,
		.path = path_of(arena, get(route, "asPath")),
		.med = cJSON_IsNumber(med) ? (uint32_t)med->valuedouble : 0,
		.local_pref = cJSON_IsNumber(pref) ? (uint32_t)pref->valuedouble : 0,
		.communities = words_of(arena, get(route, "communities")),
		.large = words_of(arena, get(route, "largeCommunities")),
		.extended = extended_of(arena, get(route, "extendedCommunities")),
	};

	if (cJSON_IsNumber(pref))
		ret.known |= ROUTE_SAYS_LOCAL_PREF;
	if (ip_addr_parse(text_of(route, "nextHop"), &ret.next_hop))
		ret.known |= ROUTE_SAYS_NEXT_HOP;
	return ret;
}

/* A text is of one family; where it has no routes of this node both are compared. */
static bool is_of_family(const struct migration *m, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < m->n_theirs; i++)
		if (ip_family_of(&m->theirs[i].prefix.addr) == ip_family_of(&prefix->addr))
			return true;
	return m->n_theirs == 0;
}

static void gather_mine(struct migration *m)
{
	const cJSON *route, *peer;

	cJSON_ArrayForEach(route, m->ours->routes)
	{
		struct route_said said = said_of(m->arena, route);

		if (!ip_prefix_parse(text_of(route, "prefix"), &said.prefix) ||
		    !is_of_family(m, &said.prefix))
			continue;
		cJSON_ArrayForEach(peer, get(route, "peers"))
		{
			said.peer = cJSON_GetStringValue(peer);
			if (said.peer && is_compared(m, said.peer))
				*(struct route_said *)arena_push(m->arena, &m->mine, &m->n_mine,
								 &m->cap_mine, sizeof(said)) = said;
		}
	}
}

static cJSON *words_json(const struct words *w)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < w->n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(w->items[i]));
	return list;
}

static void add_known(cJSON *o, const struct route_said *said, unsigned bit, cJSON *value)
{
	if (!(said->known & bit)) {
		cJSON_Delete(value);
		value = cJSON_CreateNull();
	}
	cJSON_AddItemToObject(o, route_says_text(bit), value);
}

static cJSON *said_json(const struct route_said *said)
{
	char text[IP_ADDR_TEXT];
	cJSON *o;

	if (!said)
		return cJSON_CreateNull();
	o = cJSON_CreateObject();
	add_known(o, said, ROUTE_SAYS_NEXT_HOP,
		  cJSON_CreateString(ip_addr_text(&said->next_hop, text)));
	add_known(o, said, ROUTE_SAYS_PATH, cJSON_CreateString(said->path ? said->path : ""));
	add_known(o, said, ROUTE_SAYS_LOCAL_PREF, cJSON_CreateNumber(said->local_pref));
	add_known(o, said, ROUTE_SAYS_MED, cJSON_CreateNumber(said->med));
	add_known(o, said, ROUTE_SAYS_COMMUNITIES, words_json(&said->communities));
	add_known(o, said, ROUTE_SAYS_LARGE, words_json(&said->large));
	add_known(o, said, ROUTE_SAYS_EXTENDED, words_json(&said->extended));
	return o;
}

static cJSON *differs_json(unsigned differs)
{
	cJSON *list = cJSON_CreateArray();

	for (; differs; differs &= differs - 1)
		cJSON_AddItemToArray(list, cJSON_CreateString(route_says_text(differs & -differs)));
	return list;
}

/* Of what nothing is known of any route of theirs; LOCAL_PREF is for iBGP only. */
static unsigned not_known(const struct migration *m)
{
	unsigned ret = m->n_theirs ? (1u << ROUTE_N_SAYS) - 1 - ROUTE_SAYS_LOCAL_PREF : 0;

	for (size_t i = 0; i < m->n_theirs; i++)
		ret &= ~m->theirs[i].known;
	return ret;
}

static cJSON *routes_json(struct migration *m)
{
	struct route_difference *all;
	const size_t n = route_diff(m->theirs, m->n_theirs, m->mine, m->n_mine, m->arena, &all);
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < n; i++) {
		const struct route_said *said = all[i].ours ? all[i].ours : all[i].theirs;
		cJSON *o = cJSON_CreateObject();
		char text[IP_PREFIX_TEXT];

		m->counts[all[i].what]++;
		cJSON_AddStringToObject(o, "peer", said->peer);
		cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&said->prefix, text));
		cJSON_AddStringToObject(o, "result", difference_text(all[i].what));
		cJSON_AddItemToObject(o, "differs", differs_json(all[i].differs));
		cJSON_AddItemToObject(o, "theirs", said_json(all[i].theirs));
		cJSON_AddItemToObject(o, "ours", said_json(all[i].ours));
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

/* --- Services --------------------------------------------------------------------------------- */

struct own_services {
	struct named_words *items;
	size_t n, cap;
};

/* What is planned, to be looked up: there may be thousands of Services, and of routes. */
struct planned {
	struct planned_route {
		struct ip_prefix prefix;
		const cJSON *peers;
	} * routes; /* by prefix */
	size_t n, cap;
	bool has_length[IP_N_FAMILIES][129];
};

static int cmp_planned(const void *a, const void *b)
{
	const struct planned_route *x = a, *y = b;

	return ip_prefix_cmp(&x->prefix, &y->prefix);
}

static void index_planned(const struct migration *m, struct planned *ret)
{
	const cJSON *route;
	struct planned_route r;

	cJSON_ArrayForEach(route, m->ours->routes)
	{
		if (!ip_prefix_parse(text_of(route, "prefix"), &r.prefix))
			continue;
		r.peers = get(route, "peers");
		ret->has_length[ip_family_of(&r.prefix.addr)][r.prefix.len] = true;
		*(struct planned_route *)arena_push(m->arena, &ret->routes, &ret->n, &ret->cap,
						    sizeof(r)) = r;
	}
	if (ret->n > 0)
		qsort(ret->routes, ret->n, sizeof(r), cmp_planned);
}

/* The first that is not before it. */
static size_t first_planned(const struct planned *p, const struct ip_prefix *prefix)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_prefix_cmp(&p->routes[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The peers that a planned route over the address goes to, as MetalLB counts them. */
static struct words peers_of(const struct migration *m, const struct planned *p,
			     const struct ip_addr *vip)
{
	const bool *has_length = p->has_length[ip_family_of(vip)];
	const char **items = NULL;
	size_t n = 0, cap = 0;

	for (unsigned len = 0; len <= ip_addr_bits(vip); len++) {
		const struct ip_prefix prefix = ip_prefix_of(vip, (uint8_t)len);

		for (size_t i = has_length[len] ? first_planned(p, &prefix) : p->n;
		     i < p->n && ip_prefix_cmp(&p->routes[i].prefix, &prefix) == 0; i++) {
			const cJSON *peer;

			cJSON_ArrayForEach(peer, p->routes[i].peers) *
				(const char **)arena_push(m->arena, &items, &n, &cap,
							  sizeof(*items)) = peer->valuestring;
		}
	}
	return words_make(items, n);
}

/* Rows of a Service are neighbours: one for each address and port. */
static void add_words(struct migration *m, struct own_services *to, const char *name,
		      struct words words)
{
	struct named_words *last = to->n > 0 ? &to->items[to->n - 1] : NULL;
	const char **both;

	if (words.n == 0)
		return;
	if (!last || strcmp(last->name, name) != 0) {
		*(struct named_words *)arena_push(m->arena, &to->items, &to->n, &to->cap,
						  sizeof(*last)) =
			(struct named_words){.name = name, .words = words};
		return;
	}
	both = arena_array_of(m->arena, last->words.n + words.n, const char *);
	memcpy(both, last->words.items, last->words.n * sizeof(*both));
	memcpy(both + last->words.n, words.items, words.n * sizeof(*both));
	last->words = words_make(both, last->words.n + words.n);
}

static void gather_services(struct migration *m, bool peers, struct own_services *ret)
{
	struct planned planned = {.n = 0};
	const char *before = "";
	const cJSON *row;

	index_planned(m, &planned);
	cJSON_ArrayForEach(row, m->ours->services)
	{
		const char *name = arena_printf(m->arena, "%s/%s", text_of(row, "namespace"),
						text_of(row, "name"));
		const char *vip = text_of(row, "vip");
		const char *at = arena_printf(m->arena, "%s %s", name, vip);
		struct ip_addr addr;

		if (!ip_addr_parse(vip, &addr) || strcmp(at, before) == 0)
			continue; /* another port */
		before = at;
		add_words(m, ret, name,
			  peers ? peers_of(m, &planned, &addr)
				: words_make(arena_memdup(m->arena, &vip, sizeof(vip)), 1));
	}
}

static void add_services(struct migration *m, cJSON *list, bool peers)
{
	struct named_words *theirs = peers ? m->dump.peers : m->dump.addresses;
	const size_t n_theirs = peers ? m->dump.n_peers : m->dump.n_addresses;
	struct own_services own = {.n = 0};
	struct words_difference *all;
	size_t n;

	gather_services(m, peers, &own);
	n = words_diff(theirs, n_theirs, own.items, own.n, m->arena, &all);
	for (size_t i = 0; i < n; i++) {
		cJSON *o = cJSON_CreateObject();

		m->counts[all[i].what]++;
		cJSON_AddStringToObject(o, "kind", peers ? "peers" : "addresses");
		cJSON_AddStringToObject(o, "service",
					all[i].ours ? all[i].ours->name : all[i].theirs->name);
		cJSON_AddStringToObject(o, "result", difference_text(all[i].what));
		cJSON_AddItemToObject(o, "theirs",
				      all[i].theirs ? words_json(&all[i].theirs->words)
						    : cJSON_CreateNull());
		cJSON_AddItemToObject(o, "ours",
				      all[i].ours ? words_json(&all[i].ours->words)
						  : cJSON_CreateNull());
		cJSON_AddItemToArray(list, o);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

cJSON *migrate_diff(struct arena *arena, const struct migrate_ours *ours, const char *text,
		    const char *peer, const char **ret_error)
{
	struct migration m = {.arena = arena, .ours = ours, .asked = peer};
	const char *node = text_of(ours->status, "node");
	struct words compared;
	cJSON *ret, *routes, *services;

	if (!dump_read(arena, text, node, &m.dump, ret_error) || !find_peers(&m, ret_error))
		return NULL;
	ret = cJSON_CreateObject();
	services = cJSON_CreateArray();
	gather_theirs(&m);
	if (m.dump.has_routes)
		gather_mine(&m);
	routes = routes_json(&m);
	if (m.dump.has_peers)
		add_services(&m, services, true);
	if (m.dump.has_addresses)
		add_services(&m, services, false);
	compared = words_make(m.peers, m.dump.has_routes ? m.n_peers : 0);
	cJSON_AddStringToObject(ret, "node", node);
	cJSON_AddBoolToObject(ret, "observes", cJSON_IsTrue(get(ours->status, "observes")));
	cJSON_AddItemToObject(ret, "compared", words_json(&compared));
	cJSON_AddItemToObject(ret, "notCompared", differs_json(not_known(&m)));
	for (enum difference d = SAME; d < N_DIFFERENCES; d++)
		cJSON_AddNumberToObject(ret, difference_text(d), (double)m.counts[d]);
	cJSON_AddItemToObject(ret, "routes", routes);
	cJSON_AddItemToObject(ret, "services", services);
	return ret;
}

bool migrate_is_equal(const cJSON *diff)
{
	for (enum difference d = MISSING; d < N_DIFFERENCES; d++)
		if (cJSON_GetNumberValue(get(diff, difference_text(d))) != 0)
			return false;
	return true;
}
