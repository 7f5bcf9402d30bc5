// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * EndpointSlice (discovery.k8s.io/v1). Conditions that are absent mean what they mean to
 * kube-proxy: ready, serving, not terminating. Of an endpoint's addresses only the first counts
 * (all are of one pod, says the API). Slices of host names are kept but empty.
 */
#include "api/decode.h"
#include "base/limits.h"

#include <assert.h>

#define SERVICE_LABEL "kubernetes.io/service-name"
#define MAX_PORT      65535
#define ABSENT        (-1)
#define NAMES_BACK    16 /* endpoints before one whose node may be its own */

struct raw_endpoint {
	struct api_strings addresses;
	const char *node_name;
	int8_t ready, serving, terminating;
	struct raw_hint_list {
		const struct raw_hint *items;
		size_t n;
	} zones, nodes;
};

struct raw_hint {
	const char *name;
};

struct raw_port {
	const char *name;
	uint16_t port;
	int protocol;
};

struct raw_slice {
	const char *address_type;
	const struct raw_endpoint *endpoints;
	size_t n_endpoints;
	const struct raw_port *ports;
	size_t n_ports;
};

static const struct api_word protocol_words[] = {
	{"TCP", API_TCP},
	{"UDP", API_UDP},
	{"SCTP", API_SCTP},
	{NULL, 0},
};

static const struct api_field condition_fields[] = {
	{.name = "ready", .type = API_TYPE_BOOL, API_AT(struct raw_endpoint, ready)},
	{.name = "serving", .type = API_TYPE_BOOL, API_AT(struct raw_endpoint, serving)},
	{.name = "terminating", .type = API_TYPE_BOOL, API_AT(struct raw_endpoint, terminating)},
};
static const struct api_table condition_table = API_TABLE(struct raw_endpoint, condition_fields);

static const struct api_field hint_fields[] = {
	{.name = "name",
	 .type = API_TYPE_STRING,
	 API_AT(struct raw_hint, name),
	 .required = API_ALL},
};
static const struct api_table hint_table = API_TABLE(struct raw_hint, hint_fields);
static const struct api_field hints_fields[] = {
	{.name = "forZones",
	 .type = API_TYPE_STRUCT,
	 .table = &hint_table,
	 API_LIST_AT(struct raw_endpoint, zones.items, zones.n)},
	{.name = "forNodes",
	 .type = API_TYPE_STRUCT,
	 .table = &hint_table,
	 API_LIST_AT(struct raw_endpoint, nodes.items, nodes.n)},
};
static const struct api_table hints_table = API_TABLE(struct raw_endpoint, hints_fields);

static const struct api_field endpoint_fields[] = {
	{.name = "addresses",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_NONEMPTY | API_FIELD_NOT_KEPT,
	 API_LIST_AT(struct raw_endpoint, addresses.items, addresses.n),
	 .required = API_ALL},
	{.name = "conditions", .type = API_TYPE_STRUCT, .table = &condition_table},
	{.name = "nodeName",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_NOT_KEPT,
	 API_AT(struct raw_endpoint, node_name)},
	{.name = "hints", .type = API_TYPE_STRUCT, .table = &hints_table},
};
static const struct raw_endpoint endpoint_defaults = {
	.ready = ABSENT,
	.serving = ABSENT,
	.terminating = ABSENT,
};
static const struct api_table endpoint_table =
	API_TABLE(struct raw_endpoint, endpoint_fields, .defaults = &endpoint_defaults);

static const struct api_field port_fields[] = {
	{.name = "name", .type = API_TYPE_STRING, API_AT(struct raw_port, name)},
	{.name = "port",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = MAX_PORT,
	 API_AT(struct raw_port, port)},
	{.name = "protocol",
	 .type = API_TYPE_ENUM,
	 .words = protocol_words,
	 API_AT(struct raw_port, protocol)},
};
static const struct raw_port port_defaults = {.name = "", .protocol = API_TCP};
static const struct api_table port_table =
	API_TABLE(struct raw_port, port_fields, .defaults = &port_defaults);

static const struct api_field slice_fields[] = {
	API_OBJECT_ROWS,
	{.name = "addressType",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_NOT_KEPT,
	 API_AT(struct raw_slice, address_type),
	 .required = API_ALL},
	{.name = "endpoints",
	 .type = API_TYPE_STRUCT,
	 .table = &endpoint_table,
	 API_LIST_AT(struct raw_slice, endpoints, n_endpoints)},
	{.name = "ports",
	 .type = API_TYPE_STRUCT,
	 .table = &port_table,
	 API_LIST_AT(struct raw_slice, ports, n_ports)},
};
static const struct api_table slice_table = API_TABLE(struct raw_slice, slice_fields);

static struct api_strings hint_names(struct api_decoder *d, const struct raw_hint_list *in)
{
	const char **names = arena_array_of(d->arena, in->n, const char *);

	for (size_t i = 0; i < in->n; i++)
		names[i] = in->items[i].name;
	return (struct api_strings){.items = names, .n = in->n};
}

static const struct api_hints *hints_of(struct api_decoder *d, const struct raw_endpoint *in)
{
	struct api_hints *ret;

	if (in->zones.n + in->nodes.n == 0)
		return NULL;
	ret = arena_new_of(d->arena, struct api_hints);
	ret->zones = hint_names(d, &in->zones);
	ret->nodes = hint_names(d, &in->nodes);
	return ret;
}

/* Of pods side by side many are on one node: its name once for those. */
static const char *node_name(struct api_decoder *d, size_t i, const struct raw_endpoint *in,
			     const struct api_endpoint *before)
{
	for (size_t k = 1; in->node_name && k <= i && k <= NAMES_BACK; k++)
		if (before[i - k].node_name && strcmp(before[i - k].node_name, in->node_name) == 0)
			return before[i - k].node_name;
	return arena_strdup(d->arena, in->node_name);
}

static void set_endpoint(struct api_decoder *d, size_t i, const struct raw_endpoint *in,
			 struct api_endpoint *all)
{
	struct api_endpoint *e = &all[i];

	*e = (struct api_endpoint){
		.node_name = node_name(d, i, in, all),
		.hints = hints_of(d, in),
		.ready = in->ready != false,
		.serving = in->serving != false,
		.terminating = in->terminating == true,
	};
	if (in->addresses.n == 0 || !in->addresses.items[0])
		return; /* refused already */
	if (!ip_addr_parse(in->addresses.items[0], &e->address))
		api_refuse(d, arena_printf(d->arena, "endpoints[%zu].addresses[0]", i),
			   "BadAddress", "write an IPv4 or IPv6 address",
			   "\"%s\" is not an IP address", in->addresses.items[0]);
}

static void finish_slice(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_slice *in = raw;
	struct api_endpoint *endpoints =
		arena_array_of(d->arena, in->n_endpoints, struct api_endpoint);
	struct api_slice_port *ports = arena_array_of(d->arena, in->n_ports, struct api_slice_port);
	uint32_t weight;

	o->slice.service = labels_get(&o->meta.labels, SERVICE_LABEL);
	o->slice.is_fqdn = in->address_type && strcmp(in->address_type, "FQDN") == 0;
	o->slice.endpoints = endpoints;
	o->slice.n_endpoints = o->slice.is_fqdn ? 0 : in->n_endpoints;
	for (size_t i = 0; i < o->slice.n_endpoints; i++)
		set_endpoint(d, i, &in->endpoints[i], endpoints);
	if (api_annotation_number(d, o, "lodestone.io/weight", 1, LIMIT_WEIGHT, &weight))
		o->slice.weight = (uint8_t)weight;
	o->slice.ports = ports;
	o->slice.n_ports = in->n_ports;
	assert(!o->slice.is_fqdn || o->slice.n_endpoints == 0);
	for (size_t i = 0; i < in->n_ports; i++)
		ports[i] = (struct api_slice_port){
			.name = in->ports[i].name,
			.port = in->ports[i].port,
			.protocol = (enum api_protocol)in->ports[i].protocol,
		};
}

static const struct api_annotation_row slice_annotations[] = {
	{"lodestone.io/weight", "1 to 16", "shares of each endpoint of new flows; unset: 1"},
	{0},
};

const struct api_schema api_schema_endpoint_slice = {
	.kind = API_ENDPOINT_SLICE,
	.group = "discovery.k8s.io",
	.versions = {"v1"},
	.table = &slice_table,
	.default_ns = "default",
	.is_lenient = true,
	.finish = finish_slice,
	.annotations = slice_annotations,
};
