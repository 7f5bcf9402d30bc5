// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes as JSON: what of aggregates was to be placed, and what became of it; and those on
 * demand, which have rows of their own.
 */
#include "agent/show.h"

#include "agent/agent.h"

/* Why it is not there; NULL: it is. */
static const char *why(const struct kernel_blackhole *b)
{
	if (b->is_placed)
		return NULL;
	return b->error ? strerror(-b->error) : "table or priority taken: see show problems";
}

static const char *vrf_of(const struct kernel_state *s, uint16_t domain)
{
	for (size_t i = 0; i < s->n_vrfs; i++)
		if (s->vrfs[i].domain == domain && !s->vrfs[i].is_member)
			return s->vrfs[i].name;
	return NULL;
}

static cJSON *blackhole_json(const struct kernel_state *s, const struct kernel_blackhole *b)
{
	char prefix[IP_PREFIX_TEXT];
	cJSON *o = cJSON_CreateObject(), *uplinks;

	cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&b->prefix, prefix));
	show_add_text(o, "vrf", vrf_of(s, b->domain));
	cJSON_AddNumberToObject(o, "table", kernel_table_of(b->domain, b->prefix.len));
	uplinks = cJSON_AddArrayToObject(o, "uplinks");
	for (size_t i = 0; b->domain == 0 && i < s->n_uplinks; i++)
		cJSON_AddItemToArray(uplinks, cJSON_CreateString(s->uplinks[i]));
	for (size_t i = 0; i < s->n_vrfs; i++)
		if (b->domain && s->vrfs[i].domain == b->domain && s->vrfs[i].is_member)
			cJSON_AddItemToArray(uplinks, cJSON_CreateString(s->vrfs[i].name));
	cJSON_AddBoolToObject(o, "placed", b->is_placed);
	show_add_text(o, "reason", why(b));
	cJSON_AddBoolToObject(o, "onDemand", false);
	cJSON_AddNullToObject(o, "by");
	cJSON_AddNullToObject(o, "endsInSeconds");
	cJSON_AddArrayToObject(o, "peers");
	cJSON_AddNullToObject(o, "droppedPackets");
	return o;
}

cJSON *show_blackholes(const struct agent *a, const struct show_filter *filter)
{
	const struct kernel_state *s = &a->blackholes.state;
	cJSON *out = cJSON_CreateArray();
	char prefix[IP_PREFIX_TEXT];

	for (size_t i = 0; i < s->n_blackholes; i++)
		if (show_matches(filter->name, ip_prefix_text(&s->blackholes[i].prefix, prefix)))
			cJSON_AddItemToArray(out, blackhole_json(s, &s->blackholes[i]));
	discards_show(a, filter, out);
	return out;
}
