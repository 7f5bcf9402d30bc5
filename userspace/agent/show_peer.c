// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A peer in detail. Why an address is not announced to it follows from what the plan wants, the
 * Service's own reason first; the rest is what this session can take.
 */
#include "agent/show_peer.h"

#include "agent/agent.h"
#include "agent/show.h"
#include "base/sorted.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "sys/loop.h"

#define HEX_TEXT   (2 * (2 + BGP_ERROR_DATA_MAX) + 1)
#define UNTOLD_MAX 100 /* addresses that are told one by one */

static double seconds_ago(const struct agent *a, nsec_t at)
{
	const nsec_t now = loop_now(a->loop);

	return now > at ? (double)((now - at) / NSEC_PER_SEC) : 0;
}

/* --- what the OPENs offered ------------------------------------------------------------------- */

static void add_offer(cJSON *to, const char *key, const struct bgp_open *open)
{
	const char *names[BGP_CAPABILITIES_MAX];
	char text[BGP_FAMILIES_TEXT];
	cJSON *list;
	size_t n;

	if (!open) {
		cJSON_AddNullToObject(to, key);
		return;
	}
	list = cJSON_AddArrayToObject(to, key);
	cJSON_AddItemToArray(list, cJSON_CreateString(bgp_families_text(open->families, text)));
	n = bgp_capabilities_of(open, names);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
}

static void add_agreed(cJSON *o, const struct bgp_peer_info *info)
{
	char text[BGP_FAMILIES_TEXT];

	if (info->state == BGP_ESTABLISHED) {
		const struct bgp_families both =
			bgp_families_common(info->ours->families, info->theirs->families);

		cJSON_AddNumberToObject(o, "keepaliveTime", info->keepalive_s);
		cJSON_AddStringToObject(o, "families", bgp_families_text(both, text));
	} else {
		cJSON_AddNullToObject(o, "keepaliveTime");
		cJSON_AddNullToObject(o, "families");
	}
	add_offer(o, "offered", info->ours);
	add_offer(o, "offeredByPeer", info->theirs);
}

/* --- what was said and what happened ---------------------------------------------------------- */

static const char *hex_text(const struct bgp_error *e, char buf[HEX_TEXT])
{
	size_t at = (size_t)snprintf(buf, HEX_TEXT, "%02x%02x", e->code, e->subcode);

	for (size_t i = 0; i < e->data_len; i++)
		at += (size_t)snprintf(buf + at, HEX_TEXT - at, "%02x", e->data[i]);
	return buf;
}

static void add_said(const struct agent *a, cJSON *to, const char *key, const struct bgp_said *said,
		     const struct bgp_open *ours)
{
	char text[BGP_RECEIVED_TEXT], hex[HEX_TEXT];
	cJSON *o;

	if (said->at == 0) {
		cJSON_AddNullToObject(to, key);
		return;
	}
	o = cJSON_AddObjectToObject(to, key);
	cJSON_AddNumberToObject(o, "secondsAgo", seconds_ago(a, said->at));
	cJSON_AddNumberToObject(o, "code", said->error.code);
	cJSON_AddNumberToObject(o, "subcode", said->error.subcode);
	cJSON_AddStringToObject(
		o, "text",
		ours ? bgp_received_text(&said->error, ours, text)
		     : bgp_notification_text(said->error.code, said->error.subcode));
	cJSON_AddStringToObject(o, "hex", hex_text(&said->error, hex));
}

static void add_history(const struct agent *a, const struct peer_history *h, cJSON *to)
{
	cJSON *list = cJSON_AddArrayToObject(to, "history");
	const struct peer_event *e;

	for (size_t i = 0; (e = peer_history_get(h, i)); i++) {
		cJSON *o = cJSON_CreateObject();

		cJSON_AddNumberToObject(o, "secondsAgo", seconds_ago(a, e->at));
		cJSON_AddStringToObject(o, "event", e->text);
		cJSON_AddItemToArray(list, o);
	}
}

/* --- what is not announced -------------------------------------------------------------------- */

static int cmp_prefix(const void *key, const void *item)
{
	return ip_prefix_cmp(key, item);
}

static int cmp_route(const void *key, const void *item)
{
	const struct plan_route *r = item;

	return ip_prefix_cmp(key, &r->prefix);
}

static bool has_written(const struct agent_peer *p, const struct ip_prefix *prefix)
{
	return p->written &&
	       sorted_find(prefix, p->written->items, p->written->n, sizeof(*prefix), cmp_prefix);
}

/* One of the rows of the prefix is for the peer. */
static bool is_planned(const struct plan *plan, const struct ip_prefix *prefix, uint64_t bit)
{
	const struct plan_route *r =
		sorted_find(prefix, plan->routes, plan->n_routes, sizeof(*plan->routes), cmp_route);

	if (!r)
		return false;
	while (r > plan->routes && ip_prefix_cmp(&r[-1].prefix, prefix) == 0)
		r--;
	for (; r < plan->routes + plan->n_routes && ip_prefix_cmp(&r->prefix, prefix) == 0; r++)
		if (r->peers & bit)
			return true;
	return false;
}

/* Why the session takes no route of the family; NULL: it does, or is not there. */
static const char *family_reason(const struct agent_peer *p, enum bgp_family family)
{
	const struct bgp_peer_info info = bgp_peer_info(p->bgp);

	if (!bgp_families_has(p->config.carried, family))
		return "the session does not carry its family";
	if (info.state != BGP_ESTABLISHED)
		return NULL;
	if (!bgp_families_has(info.families, family))
		return "the router does not list its family in its OPEN";
	return bgp_families_has(info.announced, family) ? NULL : "its family has no next hop here";
}

/* Why not; NULL: it is announced, by itself or by an aggregate. */
static const char *untold_reason(const struct agent *a, size_t i_peer, const struct plan_service *s)
{
	const struct agent_peer *p = a->peers.items[i_peer];
	const struct plan *plan = &a->current->plan;
	const struct ip_addr *vip = &s->vip.addr;
	const char *reason = family_reason(p, bgp_family_of_addr(vip));
	bool planned = false;

	for (int len = ip_addr_bits(vip); len >= 0; len--) {
		const struct ip_prefix prefix = ip_prefix_of(vip, (uint8_t)len);

		if (has_written(p, &prefix))
			return NULL;
		planned |= is_planned(plan, &prefix, UINT64_C(1) << i_peer);
	}
	if (!s->announced && !planned)
		return s->reason;
	if (reason)
		return reason;
	if (!planned)
		return "no BGPAdvertisement sends it to this peer";
	if (bgp_peer_info(p->bgp).state != BGP_ESTABLISHED)
		return "there is no session";
	return "not sent yet";
}

static void add_untold(const struct agent *a, size_t i_peer, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *list = cJSON_AddArrayToObject(to, "notAnnounced");
	const struct ip_addr *last = NULL;
	int n = 0;

	for (size_t i = 0; i < plan->n_services && n < UNTOLD_MAX; i++) {
		const struct plan_service *s = &plan->services[i];
		const char *reason;
		char text[IP_ADDR_TEXT];
		cJSON *o;

		if (ip_addr_is_none(&s->vip.addr) || (last && ip_addr_equal(last, &s->vip.addr)))
			continue;
		last = &s->vip.addr;
		reason = untold_reason(a, i_peer, s);
		if (!reason)
			continue;
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "address", ip_addr_text(&s->vip.addr, text));
		cJSON_AddStringToObject(o, "namespace", s->ns);
		cJSON_AddStringToObject(o, "service", s->name);
		cJSON_AddStringToObject(o, "reason", reason);
		cJSON_AddItemToArray(list, o);
		n++;
	}
}

void show_peer_details(const struct agent *a, const struct agent_peer *p, bool all, cJSON *o)
{
	const struct bgp_peer_info info = bgp_peer_info(p->bgp);
	size_t i_peer = 0;

	add_agreed(o, &info);
	add_said(a, o, "lastNotificationSent", &p->history.said, NULL);
	add_said(a, o, "lastNotificationReceived", &p->history.heard, info.ours);
	if (!all) {
		cJSON_AddNullToObject(o, "history");
		cJSON_AddNullToObject(o, "notAnnounced");
		return;
	}
	add_history(a, &p->history, o);
	while (a->peers.items[i_peer] != p)
		i_peer++;
	add_untold(a, i_peer, o);
}
