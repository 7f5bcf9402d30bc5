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

/* The endpoints of a slice while they are packed. */
struct packing {
	struct api_decoder *d;
	const struct raw_slice *in;
	uint32_t *states;
	const char **node_names;
	uint32_t n_nodes;
	const struct api_hints **hints;
};

static uint32_t node_of(const struct packing *p, size_t i)
{
	return p->states[i] >> API_ENDPOINT_NODE_SHIFT;
}

/* Of pods side by side many are on one node: that of one before, or a new one. */
static uint32_t number_node(struct packing *p, size_t i)
{
	const struct raw_endpoint *all = p->in->endpoints;

	if (!all[i].node_name)
		return 0;
	for (size_t k = 1; k <= i && k <= NAMES_BACK; k++)
		if (all[i - k].node_name && strcmp(all[i - k].node_name, all[i].node_name) == 0)
			return node_of(p, i - k);
	return ++p->n_nodes;
}

static void pack_states(struct packing *p, size_t n)
{
	static_assert(LIMIT_DOCUMENT_BYTES < UINT32_MAX >> API_ENDPOINT_NODE_SHIFT,
		      "a document has fewer endpoints");
	for (size_t i = 0; i < n; i++) {
		const struct raw_endpoint *e = &p->in->endpoints[i];

		p->states[i] = number_node(p, i) << API_ENDPOINT_NODE_SHIFT |
			       (e->ready != false ? API_ENDPOINT_READY : 0) |
			       (e->serving != false ? API_ENDPOINT_SERVING : 0) |
			       (e->terminating == true ? API_ENDPOINT_TERMINATING : 0);
	}
}

static void pack_nodes(struct packing *p, size_t n)
{
	uint32_t n_named = 0;

	p->node_names = arena_array_of(p->d->arena, p->n_nodes, const char *);
	for (size_t i = 0; i < n; i++)
		if (node_of(p, i) == n_named + 1)
			p->node_names[n_named++] =
				arena_strdup(p->d->arena, p->in->endpoints[i].node_name);
	assert(n_named == p->n_nodes);
}

static bool have_hints(const struct raw_slice *in)
{
	for (size_t i = 0; i < in->n_endpoints; i++)
		if (in->endpoints[i].zones.n + in->endpoints[i].nodes.n > 0)
			return true;
	return false;
}

static void pack_hints(struct packing *p, size_t n)
{
	if (!have_hints(p->in))
		return;
	p->hints = arena_array_of(p->d->arena, n, const struct api_hints *);
	for (size_t i = 0; i < n; i++)
		p->hints[i] = hints_of(p->d, &p->in->endpoints[i]);
}

/* All zero if there is none, which is refused already, or if it is none. */
static struct ip_addr address_of(struct api_decoder *d, size_t i, const struct raw_endpoint *in)
{
	struct ip_addr ret = {{0}};

	if (in->addresses.n > 0 && in->addresses.items[0] &&
	    !ip_addr_parse(in->addresses.items[0], &ret))
		api_refuse(d, arena_printf(d->arena, "endpoints[%zu].addresses[0]", i),
			   "BadAddress", "write an IPv4 or IPv6 address",
			   "\"%s\" is not an IP address", in->addresses.items[0]);
	return ret;
}

static const uint8_t *pack_addresses(struct packing *p, size_t n, uint8_t *ret_octets)
{
	struct ip_addr *all = xcalloc(n, sizeof(*all));
	size_t octets = 4;
	uint8_t *ret;

	for (size_t i = 0; i < n; i++) {
		all[i] = address_of(p->d, i, &p->in->endpoints[i]);
		if (!ip_addr_is_v4(&all[i]))
			octets = sizeof(all[i]);
	}
	ret = arena_alloc(p->d->arena, n, octets);
	for (size_t i = 0; i < n; i++)
		memcpy(ret + i * octets, all[i].b + sizeof(all[i]) - octets, octets);
	free(all);
	*ret_octets = (uint8_t)octets;
	return ret;
}

static void pack_endpoints(struct api_decoder *d, const struct raw_slice *in, struct api_slice *s)
{
	const size_t n = s->is_fqdn ? 0 : in->n_endpoints;
	struct packing p = {.d = d, .in = in, .states = arena_array_of(d->arena, n, uint32_t)};

	pack_states(&p, n);
	pack_nodes(&p, n);
	pack_hints(&p, n);
	s->n_endpoints = n;
	s->addresses = pack_addresses(&p, n, &s->address_octets);
	s->states = p.states;
	s->node_names = p.node_names;
	s->hints = p.hints;
}

static void finish_slice(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_slice *in = raw;
	struct api_slice_port *ports = arena_array_of(d->arena, in->n_ports, struct api_slice_port);
	uint32_t weight;

	o->slice.service = labels_get(&o->meta.labels, SERVICE_LABEL);
	o->slice.is_fqdn = in->address_type && strcmp(in->address_type, "FQDN") == 0;
	pack_endpoints(d, in, &o->slice);
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
