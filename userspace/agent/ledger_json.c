// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Ledger to JSON and back by cJSON. What does not fit a double (times, ids) is text.
 */
#include "agent/ledger_json.h"

#include "agent/ledger_good.h"
#include "base/limits.h"
#include "plan/plan_ledger.h"
#include "plan/plan_sort.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>

#define API_VERSION "lodestone.io/v1alpha1"
#define KIND        "Ledger"
#define VERSION     1 /* grows when an older agent would misread the file */

/* --- writing -------------------------------------------------------------------------------- */

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

static cJSON *new_item(cJSON *list)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(list, o);
	return o;
}

static void add_drain(cJSON *list, const struct plan_drain *d)
{
	cJSON *o = new_item(list);

	add_addr(o, "vip", &d->frontend.addr);
	cJSON_AddNumberToObject(o, "port", d->frontend.port);
	cJSON_AddNumberToObject(o, "protocol", d->frontend.proto);
	cJSON_AddNumberToObject(o, "domain", d->frontend.domain);
	add_addr(o, "backend", &d->target.addr);
	cJSON_AddNumberToObject(o, "backendPort", d->target.port);
	if (!ip_addr_is_none(&d->target.node))
		add_addr(o, "backendNode", &d->target.node);
	if (d->target.way != LB_BY_TUNNEL)
		cJSON_AddNumberToObject(o, "backendWay", d->target.way);
	add_u64(o, "until", d->until);
}

/*
 * Each kind apart: an agent that knows no tunnels would take those on other nodes for its own, and
 * one that knows no real servers would take these for nodes.
 */
enum drain_kind { DRAIN_HERE, DRAIN_REMOTE, DRAIN_SERVER, N_DRAIN_KINDS };
static const char *const drain_lists[N_DRAIN_KINDS] = {"drains", "remoteDrains", "serverDrains"};

static enum drain_kind kind_of(const struct lb_target *t)
{
	if (ip_addr_is_none(&t->node))
		return DRAIN_HERE;
	return t->way == LB_BY_TUNNEL ? DRAIN_REMOTE : DRAIN_SERVER;
}

static void add_drains(cJSON *doc, const struct plan_ledger *ledger)
{
	for (enum drain_kind kind = 0; kind < N_DRAIN_KINDS; kind++) {
		cJSON *list = cJSON_AddArrayToObject(doc, drain_lists[kind]);

		for (size_t i = 0; i < ledger->n_drains; i++)
			if (kind_of(&ledger->drains[i].target) == kind)
				add_drain(list, &ledger->drains[i]);
	}
}

char *ledger_to_json(const struct plan_ledger *ledger, uint64_t boot)
{
	cJSON *doc = cJSON_CreateObject();
	cJSON *list;
	char *text;

	cJSON_AddStringToObject(doc, "apiVersion", API_VERSION);
	cJSON_AddStringToObject(doc, "kind", KIND);
	cJSON_AddNumberToObject(doc, "version", VERSION);
	if (ledger->router_id) {
		const struct ip_addr id = ip_addr_from_v4(ledger->router_id);

		add_addr(doc, "routerID", &id);
	}
	add_u64(doc, "boot", boot);
	add_drains(doc, ledger);
	list = cJSON_AddArrayToObject(doc, "pools");
	for (size_t i = 0; i < ledger->pools.n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(ledger->pools.items[i]));
	list = cJSON_AddArrayToObject(doc, "good");
	for (size_t i = 0; i < ledger->n_good; i++)
		ledger_good_write(new_item(list), &ledger->good[i]);
	text = cJSON_Print(doc);
	cJSON_Delete(doc);
	return text;
}

/* --- reading: fields ------------------------------------------------------------------------ */

static const char *get_text(const cJSON *o, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

/* Digits and nothing else, up to 64 bits. */
static bool get_u64(const cJSON *o, const char *name, uint64_t *ret)
{
	const char *text = get_text(o, name);
	uint64_t v;

	if (!text || text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	v = strtoull(text, NULL, 10);
	if (errno)
		return false;
	*ret = v;
	return true;
}

/* A whole number from min to max. */
static bool get_u16(const cJSON *o, const char *name, uint16_t min, uint16_t max, uint16_t *ret)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	if (!cJSON_IsNumber(v) || !(v->valuedouble >= min && v->valuedouble <= max))
		return false;
	*ret = (uint16_t)v->valuedouble;
	return *ret == v->valuedouble;
}

static bool get_addr(const cJSON *o, const char *name, struct ip_addr *ret)
{
	const char *text = get_text(o, name);

	return text && ip_addr_parse(text, ret) && !ip_addr_is_none(ret) &&
	       !(ip_addr_is_v4(ret) && ip_addr_v4(ret) == 0);
}

static bool get_protocol(const cJSON *o, uint8_t *ret)
{
	uint16_t v;

	if (!get_u16(o, "protocol", 0, UINT8_MAX, &v) ||
	    (v != API_TCP && v != API_UDP && v != API_SCTP))
		return false;
	*ret = (uint8_t)v;
	return true;
}

static bool get_way(const cJSON *o, enum lb_way *ret)
{
	uint16_t v;

	if (!get_u16(o, "backendWay", LB_BY_L2, LB_BY_NAT, &v))
		return false;
	*ret = (enum lb_way)v;
	return true;
}

/* --- reading: items ------------------------------------------------------------------------- */

struct ledger_reader {
	const struct ledger_clock *clock;
	struct arena *arena;
	struct ledger_reading *ret;
};

/* No deadline lies further away than a drain may last. */
static bool read_drain(const struct ledger_reader *r, const cJSON *o, enum drain_kind kind,
		       struct plan_drain *d)
{
	const nsec_t latest = nsec_add(r->clock->now, LIMIT_DRAIN_S * NSEC_PER_SEC);

	*d = (struct plan_drain){.target = {.weight = 1, .state = LB_BACKEND_DRAINING}};
	return get_addr(o, "vip", &d->frontend.addr) &&
	       get_u16(o, "port", 1, UINT16_MAX, &d->frontend.port) &&
	       get_protocol(o, &d->frontend.proto) &&
	       get_u16(o, "domain", 0, UINT16_MAX, &d->frontend.domain) &&
	       get_addr(o, "backend", &d->target.addr) &&
	       get_u16(o, "backendPort", 1, UINT16_MAX, &d->target.port) &&
	       get_u64(o, "until", &d->until) && d->until <= latest &&
	       (kind == DRAIN_HERE || get_addr(o, "backendNode", &d->target.node)) &&
	       (kind != DRAIN_SERVER || get_way(o, &d->target.way));
}

static void read_drains(const struct ledger_reader *r, const cJSON *doc)
{
	const cJSON *lists[N_DRAIN_KINDS], *o;
	struct plan_drain *drains;
	size_t n_items = 0, n = 0;

	for (enum drain_kind kind = 0; kind < N_DRAIN_KINDS; kind++) {
		lists[kind] = cJSON_GetObjectItemCaseSensitive(doc, drain_lists[kind]);
		n_items += (size_t)cJSON_GetArraySize(lists[kind]);
	}
	drains = arena_array_of(r->arena, n_items, struct plan_drain);
	for (enum drain_kind kind = 0; kind < N_DRAIN_KINDS; kind++)
		cJSON_ArrayForEach(o, lists[kind])
		{
			n += read_drain(r, o, kind, &drains[n]);
		}
	n = plan_sort_unique(drains, n, sizeof(*drains), plan_drain_cmp);
	r->ret->ledger.drains = n ? drains : NULL;
	r->ret->ledger.n_drains = n;
	r->ret->n_bad += n_items - n;
}

static void read_good(const struct ledger_reader *r, const cJSON *list)
{
	const size_t n_items = (size_t)cJSON_GetArraySize(list);
	struct plan_good *good = arena_array_of(r->arena, n_items, struct plan_good);
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const cJSON *o;
	size_t n = 0;

	cJSON_ArrayForEach(o, list)
	{
		n += ledger_good_read(o, r->arena, scratch, &good[n]);
		arena_reset(scratch);
	}
	n = plan_sort_unique(good, n, sizeof(*good), plan_good_cmp);
	r->ret->ledger.good = n ? good : NULL;
	r->ret->ledger.n_good = n;
	r->ret->n_bad += n_items - n;
}

/* In the form that operators and routers write it in; absent: none was chosen. */
static void read_router_id(const struct ledger_reader *r, const cJSON *doc)
{
	struct ip_addr id;

	if (!cJSON_HasObjectItem(doc, "routerID"))
		return;
	if (get_addr(doc, "routerID", &id) && ip_addr_is_v4(&id))
		r->ret->ledger.router_id = ip_addr_v4(&id);
	else
		r->ret->n_bad++;
}

/* In their order. A name that is there twice is no harm (ipam_order). */
static void read_pools(const struct ledger_reader *r, const cJSON *list)
{
	const size_t n_items = (size_t)cJSON_GetArraySize(list);
	const char **names = arena_array_of(r->arena, n_items, const char *);
	const cJSON *o;
	size_t n = 0;

	cJSON_ArrayForEach(o, list)
	{
		const char *name = cJSON_GetStringValue(o);

		if (name && name[0] != '\0')
			names[n++] = arena_strdup(r->arena, name);
	}
	r->ret->ledger.pools = (struct api_strings){.items = names, .n = n};
	r->ret->n_bad += n_items - n;
}

static bool is_ledger(const cJSON *doc)
{
	const char *api_version = get_text(doc, "apiVersion"), *kind = get_text(doc, "kind");
	uint16_t version;

	return api_version && strcmp(api_version, API_VERSION) == 0 && kind &&
	       strcmp(kind, KIND) == 0 && get_u16(doc, "version", VERSION, VERSION, &version);
}

struct ledger_reading ledger_from_json(const char *text, size_t len,
				       const struct ledger_clock *clock, struct arena *arena)
{
	struct ledger_reading ret = {0};
	const struct ledger_reader r = {.clock = clock, .arena = arena, .ret = &ret};
	cJSON *doc = cJSON_ParseWithLength(text, len);
	uint64_t boot;

	ret.is_ledger = is_ledger(doc);
	if (ret.is_ledger) {
		read_router_id(&r, doc);
		read_pools(&r, cJSON_GetObjectItemCaseSensitive(doc, "pools"));
		read_good(&r, cJSON_GetObjectItemCaseSensitive(doc, "good"));
	}
	if (ret.is_ledger && get_u64(doc, "boot", &boot) && boot == clock->boot)
		read_drains(&r, doc);
	cJSON_Delete(doc);
	return ret;
}
