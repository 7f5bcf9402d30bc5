// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Services as JSON: the plan's view of each frontend with the packets and bytes the data plane
 * counted.
 */
#include "agent/agent.h"
#include "agent/show.h"
#include "sys/bpf_dataplane.h"

static uint8_t protocol_number(const char *text)
{
	return strcmp(text, "UDP") == 0 ? API_UDP : strcmp(text, "TCP") == 0 ? API_TCP : API_SCTP;
}

static cJSON *backend_json(const struct plan_service_backend *b)
{
	cJSON *o = cJSON_CreateObject();
	char text[IP_ADDR_TEXT];

	cJSON_AddStringToObject(o, "address", ip_addr_text(&b->addr, text));
	cJSON_AddNumberToObject(o, "port", b->port);
	show_add_text(o, "node", b->node);
	cJSON_AddStringToObject(o, "state", b->state);
	return o;
}

static void add_counts(const struct agent *a, const struct plan_service *s, cJSON *o)
{
	struct lb_key key = {
		.addr = s->vip, .port = s->port, .proto = protocol_number(s->protocol)};
	struct bpf_counter total;

	if (!a->dataplane || !bpf_dataplane_count(a->dataplane, &key, &total, NULL, 0)) {
		cJSON_AddNullToObject(o, "packets");
		cJSON_AddNullToObject(o, "bytes");
		return;
	}
	cJSON_AddNumberToObject(o, "packets", (double)total.packets);
	cJSON_AddNumberToObject(o, "bytes", (double)total.bytes);
}

static cJSON *service_json(const struct agent *a, const struct plan_service *s)
{
	cJSON *o = cJSON_CreateObject();
	char text[IP_ADDR_TEXT];
	cJSON *list;

	cJSON_AddStringToObject(o, "namespace", s->ns);
	cJSON_AddStringToObject(o, "name", s->name);
	show_add_text(o, "vip", ip_addr_is_none(&s->vip) ? NULL : ip_addr_text(&s->vip, text));
	cJSON_AddNumberToObject(o, "port", s->port);
	cJSON_AddStringToObject(o, "protocol", s->protocol);
	list = cJSON_AddArrayToObject(o, "backends");
	for (size_t i = 0; i < s->n_backends; i++)
		cJSON_AddItemToArray(list, backend_json(&s->backends[i]));
	cJSON_AddBoolToObject(o, "announced", s->announced);
	show_add_text(o, "reason", s->reason);
	add_counts(a, s, o);
	return o;
}

cJSON *show_services(const struct agent *a, const struct show_filter *filter)
{
	const struct plan *plan = &a->current->plan;
	cJSON *out = cJSON_CreateArray();

	for (size_t i = 0; i < plan->n_services; i++)
		if (show_matches(filter->name, plan->services[i].name) &&
		    show_matches(filter->ns, plan->services[i].ns))
			cJSON_AddItemToArray(out, service_json(a, &plan->services[i]));
	return out;
}
