// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGPAdvertisement and Community (metallb.md 1.3 and 1.4). The text of an advertisement's
 * communities stays unresolved: it may be a literal, an alias or a Community's name (ruling 1),
 * which only the planner can tell. The value of an alias is a literal or well-known name and is
 * checked here. The same alias twice is not: with equal values it is harmless (ruling 15), and it
 * may stand in two objects.
 */
#include "api/decode.h"
#include "base/community.h"
#include "base/limits.h"

#define HOST_BITS_V4 32
#define HOST_BITS_V6 128

#define AT_ADV(m)         API_AT(struct api_advertisement, m)
#define AT_ADV_LIST(m, n) API_LIST_AT(struct api_advertisement, m, n)

static const struct api_field advertisement_spec_fields[] = {
	{.name = "aggregationLength",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = HOST_BITS_V4,
	 AT_ADV(aggregation[IP_V4])},
	{.name = "aggregationLengthV6",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = HOST_BITS_V6,
	 AT_ADV(aggregation[IP_V6])},
	{.name = "localPref", .type = API_TYPE_INT, .max = UINT32_MAX, AT_ADV(local_pref)},
	{.name = "asPathPrepend",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = LIMIT_PREPEND,
	 AT_ADV(as_path_prepend)},
	{.name = "communities",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE,
	 AT_ADV_LIST(communities.items, communities.n)},
	{.name = "ipAddressPools",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE,
	 AT_ADV_LIST(pools.items, pools.n)},
	{.name = "ipAddressPoolSelectors",
	 .type = API_TYPE_SELECTOR,
	 .flags = API_FIELD_UNIQUE,
	 AT_ADV_LIST(pool_selectors.items, pool_selectors.n)},
	{.name = "nodeSelectors",
	 .type = API_TYPE_SELECTOR,
	 .flags = API_FIELD_UNIQUE,
	 AT_ADV_LIST(node_selectors.items, node_selectors.n)},
	{.name = "peers",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE,
	 AT_ADV_LIST(peers.items, peers.n)},
	{.name = "serviceSelectors",
	 .type = API_TYPE_SELECTOR,
	 .flags = API_FIELD_UNIQUE,
	 AT_ADV_LIST(service_selectors.items, service_selectors.n)},
};
static const struct api_table advertisement_spec =
	API_TABLE(struct api_advertisement, advertisement_spec_fields);

/* Without a spec it announces every pool to every peer, as in MetalLB. */
static const struct api_field advertisement_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &advertisement_spec},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
static const struct api_advertisement advertisement_defaults = {
	.aggregation = {[IP_V4] = HOST_BITS_V4, [IP_V6] = HOST_BITS_V6},
};
static const struct api_table advertisement_table = API_TABLE(
	struct api_advertisement, advertisement_fields, .defaults = &advertisement_defaults);

/* Those of the annotation are added to the field's. */
static struct api_strings add_peers(struct api_decoder *d, const struct api_strings *field,
				    const struct api_strings *more)
{
	const char **items = arena_array_of(d->arena, field->n + more->n, const char *);

	for (size_t i = 0; i < field->n; i++)
		items[i] = field->items[i];
	for (size_t i = 0; i < more->n; i++)
		items[field->n + i] = more->items[i];
	return (struct api_strings){.items = items, .n = field->n + more->n};
}

static void finish_advertisement(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct api_advertisement *a = raw;
	const struct api_strings peers = api_annotation_list(d, o, "lodestone.io/peers");

	o->advertisement = *a;
	o->advertisement.more_communities = api_annotation_list(d, o, "lodestone.io/communities");
	if (peers.n)
		o->advertisement.peers = add_peers(d, &a->peers, &peers);
	o->advertisement.has_med = api_annotation_number(d, o, "lodestone.io/med", 0, UINT32_MAX,
							 &o->advertisement.med);
	if (a->service_selectors.n > 0 &&
	    (a->aggregation[IP_V4] != HOST_BITS_V4 || a->aggregation[IP_V6] != HOST_BITS_V6))
		api_refuse(d, "spec.serviceSelectors", "Exclusive",
			   "remove the aggregation lengths, or the serviceSelectors",
			   "needs routes of single addresses: aggregationLength 32 and "
			   "aggregationLengthV6 128");
}

static const char *const advertisement_rules[] = {
	"Without ipAddressPools and ipAddressPoolSelectors it selects every pool; without peers, every peer; without nodeSelectors, every node.",
	"serviceSelectors need routes of single addresses: aggregationLength 32 and aggregationLengthV6 128.",
	"An aggregation length is no shorter than the widest CIDR of any address entry, of its family, of a pool that is selected.",
	"An entry of communities is a literal, a well-known name, an alias, or the name of a Community, whose values are then all attached.",
	"localPref 0 counts as unset. localPref goes to iBGP peers, asPathPrepend to eBGP peers.",
	NULL,
};
static const struct api_annotation_row advertisement_annotations[] = {
	{"lodestone.io/med", "0 to 4294967295", "the MED of its routes"},
	{"lodestone.io/communities",
	 "communities with commas, also rt:, soo: and lb:", "beside spec.communities"},
	{"lodestone.io/peers", "names of BGPPeers with commas", "beside spec.peers"},
	{0},
};

const struct api_schema api_schema_advertisement = {
	.kind = API_BGP_ADVERTISEMENT,
	.group = "metallb.io",
	.versions = {"v1beta1"},
	.table = &advertisement_table,
	.default_ns = "",
	.finish = finish_advertisement,
	.rules = advertisement_rules,
	.annotations = advertisement_annotations,
};

/* --- Community --- */

static const struct api_field alias_fields[] = {
	{.name = "name",
	 .type = API_TYPE_STRING,
	 API_AT(struct api_alias, name),
	 .required = API_ALL},
	{.name = "value",
	 .type = API_TYPE_STRING,
	 API_AT(struct api_alias, value),
	 .required = API_ALL},
};
static const struct api_table alias_table = API_TABLE(struct api_alias, alias_fields);

static const struct api_field community_spec_fields[] = {
	{.name = "communities",
	 .type = API_TYPE_STRUCT,
	 .table = &alias_table,
	 API_LIST_AT(struct api_community, items, n)},
};
static const struct api_table community_spec =
	API_TABLE(struct api_community, community_spec_fields);

static const struct api_field community_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &community_spec, .required = API_ALL},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
static const struct api_table community_table = API_TABLE(struct api_community, community_fields);

static void check_value(struct api_decoder *d, size_t i, const char *value)
{
	const char *field = arena_printf(d->arena, "spec.communities[%zu].value", i);
	struct community ignored;

	switch (community_parse(value, &ignored)) {
	case COMMUNITY_OK:
		break;
	case COMMUNITY_NOT_A_VALUE:
		api_refuse(d, field, "BadCommunity",
			   "write \"64512:100\", \"large:64512:1:2\" or a name such as no-export",
			   "\"%s\" is not a community", value);
		break;
	case COMMUNITY_OUT_OF_RANGE:
		api_refuse(d, field, "BadCommunity",
			   "use parts up to 65535, or a large community: \"large:64512:1:2\"",
			   "\"%s\" has a part that is too large", value);
		break;
	case COMMUNITY_LARGE_BARE:
		api_refuse(d, field, "BadCommunity",
			   arena_printf(d->arena, "write \"large:%s\"", value),
			   "\"%s\" has three parts but no prefix \"large:\"", value);
		break;
	}
}

static void finish_community(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct api_community *in = raw;

	o->community.n = in->n;
	o->community.items = arena_memdup(d->arena, in->items, in->n * sizeof(*in->items));
	for (size_t i = 0; i < o->community.n; i++)
		if (o->community.items[i].value)
			check_value(d, i, o->community.items[i].value);
}

static const char *const community_rules[] = {
	"A value is N:N with parts up to 65535, large:N:N:N, or a well-known name such as no-export.",
	"Aliases are global: one that two Communities define with different values holds back who uses it.",
	NULL,
};

const struct api_schema api_schema_community = {
	.kind = API_COMMUNITY,
	.group = "metallb.io",
	.versions = {"v1beta1"},
	.table = &community_table,
	.default_ns = "",
	.finish = finish_community,
	.rules = community_rules,
};
