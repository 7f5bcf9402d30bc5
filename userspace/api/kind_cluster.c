// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The smaller kinds of Kubernetes: Node, Namespace, Endpoints, Secret. Of a node we want its
 * addresses and whether its network is up; its heartbeat is not even decoded, so that it changes
 * nothing. No message here repeats a value of a Secret.
 */
#include "api/decode.h"
#include "api/placeholder.h"
#include "api/scalar.h"

#include <assert.h>

/* --- Node --- */

struct raw_pair {
	const char *type, *value;
};

struct raw_taint {
	const char *key;
};

struct raw_node {
	const struct raw_pair *addresses;
	size_t n_addresses;
	const struct raw_pair *conditions;
	size_t n_conditions;
	const struct ip_prefix *pod_cidrs;
	size_t n_pod_cidrs;
	const struct raw_taint *taints;
	size_t n_taints;
};

static const struct api_field address_fields[] = {
	{.name = "type", .type = API_TYPE_STRING, API_AT(struct raw_pair, type)},
	{.name = "address", .type = API_TYPE_STRING, API_AT(struct raw_pair, value)},
};
static const struct api_field condition_fields[] = {
	{.name = "type", .type = API_TYPE_STRING, API_AT(struct raw_pair, type)},
	{.name = "status", .type = API_TYPE_STRING, API_AT(struct raw_pair, value)},
};
static const struct raw_pair pair_defaults = {"", ""};
static const struct api_table address_table =
	API_TABLE(struct raw_pair, address_fields, .defaults = &pair_defaults);
static const struct api_table condition_table =
	API_TABLE(struct raw_pair, condition_fields, .defaults = &pair_defaults);

static const struct api_field node_status_fields[] = {
	{.name = "addresses",
	 .type = API_TYPE_STRUCT,
	 .table = &address_table,
	 API_LIST_AT(struct raw_node, addresses, n_addresses)},
	{.name = "conditions",
	 .type = API_TYPE_STRUCT,
	 .table = &condition_table,
	 API_LIST_AT(struct raw_node, conditions, n_conditions)},
};
static const struct api_table node_status_table = API_TABLE(struct raw_node, node_status_fields);

static const struct api_field taint_fields[] = {
	{.name = "key", .type = API_TYPE_STRING, API_AT(struct raw_taint, key)},
};
static const struct raw_taint taint_defaults = {""};
static const struct api_table taint_table =
	API_TABLE(struct raw_taint, taint_fields, .defaults = &taint_defaults);

static const struct api_field node_spec_fields[] = {
	{.name = "podCIDRs",
	 .type = API_TYPE_PREFIX,
	 API_LIST_AT(struct raw_node, pod_cidrs, n_pod_cidrs)},
	{.name = "taints",
	 .type = API_TYPE_STRUCT,
	 .table = &taint_table,
	 API_LIST_AT(struct raw_node, taints, n_taints)},
};
static const struct api_table node_spec_table = API_TABLE(struct raw_node, node_spec_fields);

static const struct api_field node_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &node_spec_table},
	{.name = "status", .type = API_TYPE_STRUCT, .table = &node_status_table},
};
static const struct api_table node_table = API_TABLE(struct raw_node, node_fields);

/* The addresses of one type; hostnames are among the others. */
static const struct ip_addr *read_addresses(struct api_decoder *d, const struct raw_node *in,
					    const char *type, size_t *ret_n)
{
	struct ip_addr *items = arena_array_of(d->arena, in->n_addresses, struct ip_addr);

	for (size_t i = 0; i < in->n_addresses; i++) {
		const struct raw_pair *a = &in->addresses[i];

		if (!a->type || strcmp(a->type, type) != 0)
			continue;
		if (ip_addr_parse(a->value, &items[*ret_n]))
			++*ret_n;
		else
			api_refuse(d, arena_printf(d->arena, "status.addresses[%zu].address", i),
				   "BadAddress", "write an IPv4 or IPv6 address",
				   "\"%s\" is not an IP address", a->value);
	}
	return items;
}

/*
 * Of the taint by which whoever removes nodes says that this one goes: the cluster autoscaler, and
 * Karpenter in its version 1 and before. One that is cordoned, not ready or a mere candidate stays.
 */
static const char *removed_by(const struct raw_node *in)
{
	static const char *const keys[] = {"ToBeDeletedByClusterAutoscaler",
					   "karpenter.sh/disrupted", "karpenter.sh/disruption"};

	for (size_t i = 0; i < in->n_taints; i++)
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			if (strcmp(in->taints[i].key, keys[k]) == 0)
				return keys[k];
	return NULL;
}

static void finish_node(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_node *in = raw;

	o->node.internal = read_addresses(d, in, "InternalIP", &o->node.n_internal);
	o->node.external = read_addresses(d, in, "ExternalIP", &o->node.n_external);
	o->node.pod_cidrs = in->pod_cidrs;
	o->node.n_pod_cidrs = in->n_pod_cidrs;
	for (size_t i = 0; i < in->n_conditions; i++)
		if (in->conditions[i].type &&
		    strcmp(in->conditions[i].type, "NetworkUnavailable") == 0)
			o->node.network_unavailable = strcmp(in->conditions[i].value, "True") == 0;
	o->node.is_drained = api_annotation_is_true(d, o, "lodestone.io/drain");
	o->node.removed_by = removed_by(in);
}

static const struct api_annotation_row node_annotations[] = {
	{"lodestone.io/drain", "true, false", "the node leaves the network in order"},
	{0},
};

const struct api_schema api_schema_node = {
	.kind = API_NODE,
	.group = "",
	.versions = {"v1"},
	.table = &node_table,
	.default_ns = "",
	.is_cluster_scoped = true,
	.is_lenient = true,
	.finish = finish_node,
	.annotations = node_annotations,
};

/* --- Namespace and Endpoints: nothing but metadata --- */

static const struct api_field bare_fields[] = {API_OBJECT_ROWS};
static const struct api_table bare_table = {.fields = bare_fields, .n = ARRAY_SIZE(bare_fields)};

const struct api_schema api_schema_namespace = {
	.kind = API_NAMESPACE,
	.group = "",
	.versions = {"v1"},
	.table = &bare_table,
	.default_ns = "",
	.is_cluster_scoped = true,
	.is_lenient = true,
};

const struct api_schema api_schema_endpoints = {
	.kind = API_ENDPOINTS,
	.group = "",
	.versions = {"v1"},
	.table = &bare_table,
	.default_ns = "default",
	.is_lenient = true,
};

/* --- Secret --- */

struct raw_secret {
	const char *type;
	struct labels data, string_data;
};

static const struct api_field secret_fields[] = {
	API_OBJECT_ROWS,
	{.name = "type", .type = API_TYPE_STRING, API_AT(struct raw_secret, type)},
	{.name = "data", .type = API_TYPE_LABELS, API_AT(struct raw_secret, data)},
	{.name = "stringData", .type = API_TYPE_LABELS, API_AT(struct raw_secret, string_data)},
};
static const struct raw_secret secret_defaults = {.type = "Opaque"};
static const struct api_table secret_table =
	API_TABLE(struct raw_secret, secret_fields, .defaults = &secret_defaults);

/* False: refused. A Secret that was encrypted for a repository has its keys, and no right value. */
static bool check_secret(struct api_decoder *d, const char *section, const struct label *l)
{
	const struct api_placeholder *p = api_placeholder_find(l->value);

	if (p)
		api_refuse(d, arena_printf(d->arena, "%s[%s]", section, l->key), p->reason,
			   p->remedy, "%s", p->message);
	return !p;
}

static void add_decoded(struct api_decoder *d, const struct label *l, struct api_secret *to,
			struct api_secret_item *items)
{
	uint8_t *data;
	size_t len;

	if (!check_secret(d, "data", l))
		return;
	if (api_parse_base64(d->arena, l->value, &data, &len))
		items[to->n++] = (struct api_secret_item){
			.section = "data", .key = l->key, .data = data, .len = len};
	else
		api_refuse(d, arena_printf(d->arena, "data[%s]", l->key), "BadBase64",
			   "encode it with base64, or write it below stringData", "is not base64");
}

/* stringData first: where both name a key it wins, as in the API server. */
static void finish_secret(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_secret *in = raw;
	struct api_secret_item *items =
		arena_array_of(d->arena, in->data.n + in->string_data.n, struct api_secret_item);
	struct api_secret *to = &o->secret;

	*to = (struct api_secret){.type = in->type, .items = items};
	for (size_t i = 0; i < in->string_data.n; i++) {
		const struct label *l = &in->string_data.items[i];

		if (check_secret(d, "stringData", l))
			items[to->n++] = (struct api_secret_item){.section = "stringData",
								  .key = l->key,
								  .data = (const uint8_t *)l->value,
								  .len = strlen(l->value)};
	}
	for (size_t i = 0; i < in->data.n; i++)
		if (!labels_get(&in->string_data, in->data.items[i].key))
			add_decoded(d, &in->data.items[i], to, items);
	assert(to->n <= in->data.n + in->string_data.n);
}

const struct api_schema api_schema_secret = {
	.kind = API_SECRET,
	.group = "",
	.versions = {"v1"},
	.table = &secret_table,
	.default_ns = "default",
	.is_lenient = true,
	.finish = finish_secret,
};
