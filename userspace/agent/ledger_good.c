// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A last good version as JSON. The document goes through the ordinary decoder before it is
 * believed, and says which object it is; the item repeats that for whoever reads the file, and both
 * must agree. The hash is not saved, since the decoder makes it. A password is in hexadecimal, so
 * that every byte can be in it; it is in no message.
 */
#include "agent/ledger_good.h"

#include "base/limits.h"
#include "plan/plan_sort.h"

static const char *const pools_keys[IP_N_FAMILIES] = {[IP_V4] = "pools", [IP_V6] = "poolsV6"};

/* --- writing -------------------------------------------------------------------------------- */

static void add_communities(cJSON *o, const struct plan_good *g)
{
	cJSON *list = cJSON_AddArrayToObject(o, "communities");
	char text[COMMUNITY_TEXT], large[COMMUNITY_TEXT + sizeof("large:")];

	for (size_t i = 0; i < g->n_communities; i++)
		cJSON_AddItemToArray(list,
				     cJSON_CreateString(community_text(g->communities[i], text)));
	for (size_t i = 0; i < g->n_large; i++) {
		snprintf(large, sizeof(large), "large:%s",
			 large_community_text(&g->large[i], text));
		cJSON_AddItemToArray(list, cJSON_CreateString(large));
	}
	for (size_t i = 0; i < g->n_extended; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(route_community_text(g->extended[i], text)));
}

static void add_password(cJSON *o, const struct plan_good *g)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * LIMIT_PASSWORD_BYTES + 1];
	size_t n = 0;

	if (g->password_len > LIMIT_PASSWORD_BYTES)
		return; /* the plan takes none of that length */
	for (size_t i = 0; i < g->password_len; i++) {
		text[n++] = digits[g->password[i] >> 4];
		text[n++] = digits[g->password[i] & 15];
	}
	text[n] = '\0';
	cJSON_AddStringToObject(o, "password", text);
}

static void add_pools(cJSON *o, const char *key, const struct api_strings *names)
{
	cJSON *pools = cJSON_AddArrayToObject(o, key);

	for (size_t i = 0; i < names->n; i++)
		cJSON_AddItemToArray(pools, cJSON_CreateString(names->items[i]));
}

void ledger_good_write(cJSON *o, const struct plan_good *g)
{
	cJSON_AddStringToObject(o, "kind", api_kind_text(g->kind));
	cJSON_AddStringToObject(o, "namespace", g->ns);
	cJSON_AddStringToObject(o, "name", g->name);
	cJSON_AddStringToObject(o, "document", g->text);
	if (g->kind == API_BGP_PEER) {
		add_password(o, g);
		return;
	}
	add_communities(o, g);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		add_pools(o, pools_keys[f], &g->pools[f]);
}

/* --- reading -------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *o, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static bool read_document(const cJSON *o, struct arena *arena, struct arena *scratch,
			  struct plan_good *g)
{
	const char *kind = text_of(o, "kind"), *ns = text_of(o, "namespace");
	const char *name = text_of(o, "name"), *text = text_of(o, "document");
	const struct api_object *object;

	if (!kind || !ns || !name || !text)
		return false;
	object = api_decode_object(scratch, text, strlen(text));
	if (!object || strcmp(api_kind_text(object->meta.kind), kind) != 0 ||
	    strcmp(object->meta.ns, ns) != 0 || strcmp(object->meta.name, name) != 0)
		return false;
	g->kind = object->meta.kind;
	g->ns = arena_strdup(arena, ns);
	g->name = arena_strdup(arena, name);
	g->text = arena_strdup(arena, text);
	g->hash = object->hash;
	return true;
}

static bool read_communities(const cJSON *list, struct arena *arena, struct plan_good *g)
{
	const size_t n = (size_t)cJSON_GetArraySize(list);
	uint32_t *standard = arena_array_of(arena, n, uint32_t);
	struct large_community *large = arena_array_of(arena, n, struct large_community);
	uint64_t *extended = arena_array_of(arena, n, uint64_t);
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
	{
		const char *text = cJSON_GetStringValue(item);
		struct community c;

		if (!text || (community_parse(text, &c) != COMMUNITY_OK &&
			      community_parse_extended(text, &c) != COMMUNITY_OK))
			return false;
		if (c.type == COMMUNITY_STANDARD)
			standard[g->n_communities++] = c.standard;
		else if (c.type == COMMUNITY_EXTENDED)
			extended[g->n_extended++] = c.extended;
		else
			large[g->n_large++] = c.large;
	}
	g->n_communities = plan_unique_standard(standard, g->n_communities);
	g->n_large = plan_unique_large(large, g->n_large);
	g->n_extended = plan_unique_extended(extended, g->n_extended);
	g->extended = extended;
	g->communities = standard;
	g->large = large;
	return g->n_communities + g->n_large + g->n_extended <= LIMIT_COMMUNITIES;
}

static int cmp_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static bool read_pools(const cJSON *list, struct arena *arena, struct api_strings *ret)
{
	const char **names = arena_array_of(arena, (size_t)cJSON_GetArraySize(list), const char *);
	const cJSON *item;
	size_t n = 0;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item))
			return false;
		names[n++] = arena_strdup(arena, cJSON_GetStringValue(item));
	}
	*ret = (struct api_strings){.items = names,
				    .n = plan_sort_unique(names, n, sizeof(*names), cmp_text)};
	return true;
}

/* A ledger of before the second family has one list. */
static bool read_all_pools(const cJSON *o, struct arena *arena, struct plan_good *g)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, pools_keys[f]);

		if ((list || f == IP_V4) && !read_pools(list, arena, &g->pools[f]))
			return false;
	}
	return true;
}

/* The value of a digit, or 16. */
static uint8_t hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : 16;
}

/* "": no password. */
static bool read_password(const char *text, struct arena *arena, struct plan_good *g)
{
	const size_t len = text ? strlen(text) : 1;
	uint8_t *password;

	if (len % 2 || len > 2 * LIMIT_PASSWORD_BYTES)
		return false;
	if (len == 0)
		return true;
	password = arena_alloc(arena, len / 2, 1);
	for (size_t i = 0; i < len; i += 2) {
		const uint8_t high = hex_value(text[i]), low = hex_value(text[i + 1]);

		if (high > 15 || low > 15)
			return false;
		password[i / 2] = (uint8_t)(high << 4 | low);
	}
	g->password = password;
	g->password_len = len / 2;
	return true;
}

bool ledger_good_read(const cJSON *o, struct arena *arena, struct arena *scratch,
		      struct plan_good *ret)
{
	struct plan_good g = {0};
	bool ok = read_document(o, arena, scratch, &g);

	if (ok && g.kind == API_BGP_PEER)
		ok = read_password(text_of(o, "password"), arena, &g);
	else if (ok && g.kind == API_BGP_ADVERTISEMENT)
		ok = read_communities(cJSON_GetObjectItemCaseSensitive(o, "communities"), arena,
				      &g) &&
		     read_all_pools(o, arena, &g);
	else
		ok = false;
	if (ok)
		*ret = g;
	return ok;
}
