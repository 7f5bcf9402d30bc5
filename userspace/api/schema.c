// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The list of schemas, and the rows of metadata. Fields of metadata that mean nothing to us are
 * named all the same, so that a mistyped `label:` is noticed.
 */
#include "api/fields.h"

#define AT_META(m) API_AT(struct api_meta, m)

static const struct api_field meta_fields[] = {
	{.name = "name", .type = API_TYPE_STRING, .max = 253, AT_META(name), .required = API_ALL},
	{.name = "namespace", .type = API_TYPE_STRING, .max = 63, AT_META(ns)},
	{.name = "uid", .type = API_TYPE_STRING, AT_META(uid)},
	{.name = "labels", .type = API_TYPE_LABELS, AT_META(labels)},
	{.name = "annotations", .type = API_TYPE_LABELS, AT_META(annotations)},
	{.name = "creationTimestamp", .type = API_TYPE_TIME, AT_META(created_s)},
	{.name = "deletionGracePeriodSeconds", .flags = API_FIELD_IGNORED},
	{.name = "deletionTimestamp", .flags = API_FIELD_IGNORED},
	{.name = "finalizers", .flags = API_FIELD_IGNORED},
	{.name = "generateName", .flags = API_FIELD_IGNORED},
	{.name = "generation", .flags = API_FIELD_IGNORED},
	{.name = "managedFields", .flags = API_FIELD_IGNORED},
	{.name = "ownerReferences", .flags = API_FIELD_IGNORED},
	{.name = "resourceVersion", .flags = API_FIELD_IGNORED},
	{.name = "selfLink", .flags = API_FIELD_IGNORED},
};
const struct api_table api_table_meta = API_TABLE(struct api_meta, meta_fields);

const struct api_schema *const api_schemas[API_N_KINDS] = {
	[API_BGP_ADVERTISEMENT] = &api_schema_advertisement,
	[API_BGP_PEER] = &api_schema_peer,
	[API_BFD_PROFILE] = &api_schema_bfd_profile,
	[API_COMMUNITY] = &api_schema_community,
	[API_ENDPOINT_SLICE] = &api_schema_endpoint_slice,
	[API_ENDPOINTS] = &api_schema_endpoints,
	[API_FRR_CONFIGURATION] = &api_schema_frr_configuration,
	[API_IP_ADDRESS_POOL] = &api_schema_pool,
	[API_LODESTONE_CONFIG] = &api_schema_config,
	[API_NAMESPACE] = &api_schema_namespace,
	[API_NODE] = &api_schema_node,
	[API_SECRET] = &api_schema_secret,
	[API_SERVICE] = &api_schema_service,
};
