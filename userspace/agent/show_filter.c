// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What of a list is wanted. Filters are applied where rows are made, so that one route of a hundred
 * thousand costs neither JSON nor a way through the socket.
 */
#include "agent/agent.h"
#include "agent/show.h"

#define DEFAULT_VRF "default" /* as FRR calls it */

static const char *text_of(const cJSON *request, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(request, key));
}

static void read_service(const struct agent *a, const char *ns, const char *name,
			 struct arena *arena, struct show_filter *ret)
{
	const struct plan *plan = &a->current->plan;
	struct ip_addr *vips = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < plan->n_services; i++) {
		const struct plan_service *s = &plan->services[i];

		if (strcmp(s->name, name) != 0 || !show_matches(ns, s->ns) ||
		    ip_addr_is_none(&s->vip.addr) ||
		    (n > 0 && ip_addr_equal(&vips[n - 1], &s->vip.addr)))
			continue;
		*(struct ip_addr *)arena_push(arena, &vips, &n, &cap, sizeof(*vips)) = s->vip.addr;
	}
	ret->is_of_service = true;
	ret->vips = vips;
	ret->n_vips = n;
}

bool show_filter_read(const struct agent *a, const cJSON *request, struct arena *arena,
		      struct show_filter *ret, const char **ret_error)
{
	const char *service = text_of(request, "service");
	struct ip_addr addr;

	*ret = (struct show_filter){
		.name = text_of(request, "name"),
		.ns = text_of(request, "namespace"),
		.peer = text_of(request, "peer"),
		.vrf = text_of(request, "vrf"),
		.prefix = text_of(request, "prefix"),
		.received = cJSON_IsTrue(cJSON_GetObjectItem(request, "received")),
		.planned = cJSON_IsTrue(cJSON_GetObjectItem(request, "planned")),
	};
	if (service)
		read_service(a, ret->ns, service, arena, ret);
	if (!ret->prefix || ip_prefix_parse(ret->prefix, &ret->within))
		return true;
	if (ip_addr_parse(ret->prefix, &addr)) {
		ret->within = ip_prefix_of(&addr, ip_addr_bits(&addr));
		return true;
	}
	*ret_error = "this is no prefix: write 192.0.2.0/24 or 2001:db8::/48";
	return false;
}

bool show_matches_vrf(const struct show_filter *filter, const char *vrf)
{
	return !filter->vrf || strcmp(filter->vrf, vrf[0] ? vrf : DEFAULT_VRF) == 0;
}

bool show_matches_prefix(const struct show_filter *filter, const struct ip_prefix *prefix)
{
	char text[IP_PREFIX_TEXT];

	if (!show_matches(filter->name, ip_prefix_text(prefix, text)))
		return false;
	if (filter->prefix &&
	    (prefix->len < filter->within.len || !ip_prefix_has(&filter->within, &prefix->addr)))
		return false;
	for (size_t i = 0; i < filter->n_vips; i++)
		if (ip_prefix_has(prefix, &filter->vips[i]))
			return true;
	return !filter->is_of_service;
}

bool show_matches_vip(const struct show_filter *filter, const struct ip_addr *vip)
{
	return !filter->prefix || (!ip_addr_is_none(vip) && ip_prefix_has(&filter->within, vip));
}
