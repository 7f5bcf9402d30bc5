// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Keys are looked for, never counted on: FRR has named some of them otherwise over its versions,
 * and what is missing is not known rather than none.
 */
#include "cli/dump.h"

#include "base/community.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

struct reading {
	struct arena *arena;
	const char *node;
	struct dump *dump;
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

/* --- routes ----------------------------------------------------------------------------------- */

/* The words of a text between blanks; of communities in the one form that they have as numbers. */
static struct words words_of(struct arena *arena, const char *text)
{
	const char **items = arena_array_of(arena, strlen(text) / 2 + 1, const char *);
	size_t n = 0;

	while (*(text += strspn(text, " "))) {
		const size_t len = strcspn(text, " ");
		const char *word = arena_strndup(arena, text, len);
		char number[COMMUNITY_TEXT];
		struct community c;

		if (community_parse(word, &c) == COMMUNITY_OK && c.type == COMMUNITY_STANDARD)
			word = arena_strdup(arena, community_text(c.standard, number));
		items[n++] = word;
		text += len;
	}
	return words_make(items, n);
}

/* "LB:AS:OCTETS", in Mb/s as it is configured. */
static const char *bandwidth_of(struct arena *arena, const char *word)
{
	char *end, text[COMMUNITY_TEXT];
	const unsigned long asn = strtoul(word + strlen("LB:"), &end, 10);
	const float octets = *end == ':' ? strtof(end + 1, NULL) : 0;

	if (asn > UINT16_MAX || octets <= 0)
		return word;
	return arena_strdup(arena,
			    route_community_text(community_bandwidth((uint16_t)asn, octets), text));
}

/*
 * FRR writes "RT:64512:100 SoO:64512:1 LB:64512:125000 (1.000 Mbps)"; what stands in brackets says
 * the same once more.
 */
static struct words extended_of(struct arena *arena, const char *text)
{
	const char **items = arena_array_of(arena, strlen(text) / 2 + 1, const char *);
	size_t n = 0;

	for (;;) {
		size_t len;
		char *word;

		text += strspn(text, " ");
		if (!*text)
			return words_make(items, n);
		len = *text == '(' ? strcspn(text, ")") + 1 : strcspn(text, " ");
		word = arena_strndup(arena, text, len);
		text += strlen(word);
		if (*word == '(')
			continue;
		if (strncmp(word, "RT:", 3) == 0 || strncmp(word, "SoO:", 4) == 0)
			for (char *c = word; *c != ':'; c++)
				*c |= 0x20;
		items[n++] = strncmp(word, "LB:", 3) == 0 ? bandwidth_of(arena, word) : word;
	}
}

/* A number by whichever of these names; false: by none. */
static bool take_number(const cJSON *o, const char *const *names, uint32_t *ret)
{
	for (; *names; names++) {
		const cJSON *value = get(o, *names);

		if (!cJSON_IsNumber(value) || value->valuedouble < 0 ||
		    value->valuedouble > UINT32_MAX)
			continue;
		*ret = (uint32_t)value->valuedouble;
		return true;
	}
	return false;
}

static void take_next_hop(const cJSON *path, struct route_said *said)
{
	const cJSON *hops = get(path, "nexthops"), *hop;
	struct ip_addr addr;

	/* Of IPv6 there may be the link-local one, too, and the global one is it. */
	cJSON_ArrayForEach(hop, hops)
	{
		if (!ip_addr_parse(text_of(hop, "ip"), &addr) ||
		    (said->known & ROUTE_SAYS_NEXT_HOP && ip_addr_is_link_local(&addr)))
			continue;
		said->next_hop = addr;
		said->known |= ROUTE_SAYS_NEXT_HOP;
	}
}

/* Of what a neighbour has sent. */
static void take_attributes(struct arena *arena, const cJSON *path, struct route_said *said)
{
	static const char *const med[] = {"metric", "med", NULL};
	static const char *const pref[] = {"locPrf", "localPref", "localpref", NULL};
	const cJSON *detail = get(path, "aspath");
	const char *as_path = text_of(cJSON_IsObject(detail) ? detail : path,
				      cJSON_IsObject(detail) ? "string" : "path");

	take_next_hop(path, said);
	said->path = arena_strdup(arena, strcmp(as_path, "Local") == 0 ? "" : as_path);
	said->known |= ROUTE_SAYS_PATH | ROUTE_SAYS_MED; /* no MED is 0 */
	(void)take_number(path, med, &said->med);
	if (take_number(path, pref, &said->local_pref))
		said->known |= ROUTE_SAYS_LOCAL_PREF;
	if (!cJSON_IsObject(detail))
		return; /* then communities are left out, whether or not there are any */
	said->communities = words_of(arena, text_of(get(path, "community"), "string"));
	said->large = words_of(arena, text_of(get(path, "largeCommunity"), "string"));
	said->extended = extended_of(arena, text_of(get(path, "extendedCommunity"), "string"));
	said->known |= ROUTE_SAYS_COMMUNITIES | ROUTE_SAYS_LARGE | ROUTE_SAYS_EXTENDED;
}

static void add_route(struct reading *r, const struct ip_prefix *prefix, const cJSON *path,
		      bool received)
{
	struct dump *d = r->dump;
	const cJSON *peer = get(path, "peer");
	struct dump_route *route =
		arena_push(r->arena, &d->routes, &d->n_routes, &d->cap_routes, sizeof(*route));

	route->said.prefix = *prefix;
	/* Of a speaker's own route this is no address. */
	if (received && ip_addr_parse(text_of(peer ? peer : path, "peerId"), &route->from))
		take_attributes(r->arena, path, &route->said);
}

/* What stands at a prefix: paths, or in an object of its own that has them. */
static bool add_paths(struct reading *r, const char *prefix, const cJSON *at)
{
	const cJSON *paths = cJSON_IsObject(at) ? get(at, "paths") : at, *path;
	struct ip_prefix p;

	if (!ip_prefix_parse(prefix, &p) || !cJSON_IsArray(paths))
		return false;
	cJSON_ArrayForEach(path, paths) add_route(r, &p, path, true);
	return true;
}

static bool read_table(struct reading *r, const cJSON *routes)
{
	const cJSON *at;

	cJSON_ArrayForEach(at, routes) if (!add_paths(r, at->string, at)) return false;
	return true;
}

static bool read_advertised(struct reading *r, const cJSON *routes)
{
	const cJSON *at;
	struct ip_prefix p;

	cJSON_ArrayForEach(at, routes)
	{
		if (!ip_prefix_parse(at->string, &p))
			return false;
		add_route(r, &p, at, false);
	}
	return true;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void add_named(struct reading *r, struct named_words **list, size_t *n, size_t *cap,
		      const char *ns, const char *name, struct words words)
{
	struct named_words *item = arena_push(r->arena, list, n, cap, sizeof(*item));

	item->name = arena_printf(r->arena, "%s/%s", ns, name);
	item->words = words;
}

/* The texts of a list, or of a key of its objects. */
static struct words texts_of(struct arena *arena, const cJSON *list, const char *key)
{
	const char **items =
		arena_array_of(arena, (size_t)cJSON_GetArraySize(list) + 1, const char *);
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, list)
	{
		const char *text = cJSON_GetStringValue(key ? get(item, key) : item);

		if (text)
			items[n++] = arena_strdup(arena, text);
	}
	return words_make(items, n);
}

static void read_status(struct reading *r, const cJSON *object)
{
	struct dump *d = r->dump;
	const cJSON *status = get(object, "status");

	d->has_peers = true;
	if (strcmp(text_of(status, "node"), r->node) == 0)
		add_named(r, &d->peers, &d->n_peers, &d->cap_peers,
			  text_of(status, "serviceNamespace"), text_of(status, "serviceName"),
			  texts_of(r->arena, get(status, "peers"), NULL));
}

static void read_service(struct reading *r, const cJSON *object)
{
	struct dump *d = r->dump;
	const cJSON *meta = get(object, "metadata");
	const cJSON *ingress = get(get(get(object, "status"), "loadBalancer"), "ingress");
	const cJSON *annotations = get(meta, "annotations");

	d->has_addresses = true;
	if (get(annotations, "metallb.io/ip-allocated-from-pool") ||
	    get(annotations, "metallb.universe.tf/ip-allocated-from-pool"))
		add_named(r, &d->addresses, &d->n_addresses, &d->cap_addresses,
			  text_of(meta, "namespace"), text_of(meta, "name"),
			  texts_of(r->arena, ingress, "ip"));
}

static bool read_object(struct reading *r, const cJSON *object)
{
	const char *kind = text_of(object, "kind");
	const cJSON *items = get(object, "items"), *item;
	bool ok = true;

	if (strcmp(kind, "ServiceBGPStatus") == 0) {
		read_status(r, object);
		return true;
	}
	if (strcmp(kind, "Service") == 0) {
		read_service(r, object);
		return true;
	}
	/* Of an empty list it is only known what it is of if its kind says so. */
	r->dump->has_peers |= strcmp(kind, "ServiceBGPStatusList") == 0;
	r->dump->has_addresses |= strcmp(kind, "ServiceList") == 0;
	cJSON_ArrayForEach(item, items) ok = ok && read_object(r, item);
	return cJSON_IsArray(items) && ok;
}

static bool read_text(struct reading *r, const cJSON *json)
{
	const cJSON *routes = get(json, "routes"), *sent = get(json, "advertisedRoutes");

	if (get(json, "kind"))
		return read_object(r, json);
	if (!cJSON_IsObject(json))
		return false;
	r->dump->has_routes = true;
	if (cJSON_IsObject(routes))
		return read_table(r, routes);
	if (cJSON_IsObject(sent))
		return read_advertised(r, sent);
	/* FRR says {} of a prefix that it does not have. */
	return !json->child || add_paths(r, text_of(json, "prefix"), json);
}

bool dump_read(struct arena *arena, const char *text, const char *node, struct dump *ret,
	       const char **ret_error)
{
	struct reading r = {.arena = arena, .node = node, .dump = ret};
	size_t n = 0;

	*ret = (struct dump){.n_routes = 0};
	while (*(text += strspn(text, " \t\r\n"))) {
		const char *end = text;
		cJSON *json = cJSON_ParseWithOpts(text, &end, false);
		const bool ok = json && read_text(&r, json);

		cJSON_Delete(json);
		n++;
		if (!ok) {
			*ret_error = arena_printf(
				arena,
				"text %zu is neither FRR's JSON of routes nor kubectl's of "
				"ServiceBGPStatus or Service",
				n);
			return false;
		}
		text = end;
	}
	*ret_error = n ? "the list has no items, and does not say of what it is"
		       : "nothing was given to compare with";
	return ret->has_routes || ret->has_peers || ret->has_addresses;
}
