// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Ledger to JSON and back by cJSON. Deadlines are text, since a double cannot hold 64 bits.
 */
#include "agent/ledger_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

static void add_u64(cJSON *to, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	cJSON_AddStringToObject(to, name, text);
}

static void add_addr(cJSON *to, const char *name, const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT];

	cJSON_AddStringToObject(to, name, ip_addr_text(addr, text));
}

char *ledger_to_json(const struct plan_ledger *ledger, uint64_t boot)
{
	cJSON *doc = cJSON_CreateObject();
	cJSON *list;
	char *text;

	cJSON_AddStringToObject(doc, "apiVersion", "lodestone.io/v1alpha1");
	cJSON_AddStringToObject(doc, "kind", "Ledger");
	add_u64(doc, "boot", boot);
	list = cJSON_AddArrayToObject(doc, "drains");
	for (size_t i = 0; i < ledger->n_drains; i++) {
		const struct plan_drain *d = &ledger->drains[i];
		cJSON *o = cJSON_CreateObject();

		add_addr(o, "vip", &d->frontend.addr);
		cJSON_AddNumberToObject(o, "port", d->frontend.port);
		cJSON_AddNumberToObject(o, "protocol", d->frontend.proto);
		cJSON_AddNumberToObject(o, "domain", d->frontend.domain);
		add_addr(o, "backend", &d->target.addr);
		cJSON_AddNumberToObject(o, "backendPort", d->target.port);
		add_u64(o, "until", d->until);
		cJSON_AddItemToArray(list, o);
	}
	text = cJSON_Print(doc);
	cJSON_Delete(doc);
	return text;
}

static bool get_u64(const cJSON *o, const char *name, uint64_t *ret)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, name));

	return text && sscanf(text, "%" SCNu64, ret) == 1;
}

static bool get_u16(const cJSON *o, const char *name, uint16_t *ret)
{
	const cJSON *v = cJSON_GetObjectItem(o, name);

	if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > UINT16_MAX)
		return false;
	*ret = (uint16_t)v->valuedouble;
	return true;
}

static bool get_addr(const cJSON *o, const char *name, struct ip_addr *ret)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, name));

	return text && ip_addr_parse(text, ret);
}

static bool read_drain(const cJSON *o, struct plan_drain *d)
{
	uint16_t proto;

	d->target.state = LB_BACKEND_DRAINING;
	if (!get_addr(o, "vip", &d->frontend.addr) || !get_u16(o, "port", &d->frontend.port) ||
	    !get_u16(o, "protocol", &proto) || !get_u16(o, "domain", &d->frontend.domain) ||
	    !get_addr(o, "backend", &d->target.addr) ||
	    !get_u16(o, "backendPort", &d->target.port) || !get_u64(o, "until", &d->until))
		return false;
	d->frontend.proto = (uint8_t)proto;
	return proto <= UINT8_MAX;
}

static bool read_drains(const cJSON *list, struct arena *arena, struct plan_ledger *ret)
{
	struct plan_drain *drains =
		arena_array_of(arena, (size_t)cJSON_GetArraySize(list), struct plan_drain);
	const cJSON *o;
	size_t n = 0;

	cJSON_ArrayForEach(o, list) if (!read_drain(o, &drains[n++])) return false;
	ret->drains = drains;
	ret->n_drains = n;
	return true;
}

bool ledger_from_json(const char *text, size_t len, uint64_t boot, struct arena *arena,
		      struct plan_ledger *ret)
{
	cJSON *doc = cJSON_ParseWithLength(text, len);
	uint64_t of_boot;
	bool ok;

	*ret = (struct plan_ledger){0};
	ok = get_u64(doc, "boot", &of_boot);
	if (ok && of_boot == boot)
		ok = read_drains(cJSON_GetObjectItem(doc, "drains"), arena, ret);
	cJSON_Delete(doc);
	return ok;
}
