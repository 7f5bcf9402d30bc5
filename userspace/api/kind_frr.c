// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * FRRConfiguration of frr-k8s, as far as it is about routes to be received. Sessions
 * are BGPPeers' business and announcements BGPAdvertisements', so what a neighbour says of its
 * session only names it, and what would change FRR otherwise is told to have no effect here.
 */
#include "api/decode.h"

#include <limits.h>

#define MAX_ROUTERS 50 /* frr-k8s' own limit */

struct raw_prefix {
	struct ip_prefix prefix;
	uint8_t ge, le; /* 0 = not said */
};

struct raw_neighbor {
	struct ip_addr address;
	const char *interface;
	uint32_t asn;
	int dynamic_asn, mode;
	const struct raw_prefix *prefixes;
	size_t n_prefixes;
};

struct raw_router {
	uint32_t asn;
	const char *vrf;
	const struct raw_neighbor *neighbors;
	size_t n_neighbors;
};

struct raw_frr {
	struct selector node_selector;
	const struct raw_router *routers;
	size_t n_routers;
};

enum { MODE_FILTERED, MODE_ALL };
static const struct api_word mode_words[] = {
	{"all", MODE_ALL}, {"filtered", MODE_FILTERED}, {NULL, 0}};
static const struct api_word dynamic_words[] = {{"internal", 1}, {"external", 2}, {NULL, 0}};

static const struct api_field prefix_fields[] = {
	{.name = "prefix",
	 .type = API_TYPE_PREFIX,
	 API_AT(struct raw_prefix, prefix),
	 .required = API_ALL},
	{.name = "ge", .type = API_TYPE_INT, .min = 1, .max = 128, API_AT(struct raw_prefix, ge)},
	{.name = "le", .type = API_TYPE_INT, .min = 1, .max = 128, API_AT(struct raw_prefix, le)},
};
static const struct api_table prefix_table = API_TABLE(struct raw_prefix, prefix_fields);

static const struct api_field allowed_fields[] = {
	{.name = "mode",
	 .type = API_TYPE_ENUM,
	 .words = mode_words,
	 API_AT(struct raw_neighbor, mode)},
	{.name = "prefixes",
	 .type = API_TYPE_STRUCT,
	 .table = &prefix_table,
	 API_LIST_AT(struct raw_neighbor, prefixes, n_prefixes)},
};
static const struct api_table allowed_table = API_TABLE(struct raw_neighbor, allowed_fields);
static const struct api_field receive_fields[] = {
	{.name = "allowed", .type = API_TYPE_STRUCT, .table = &allowed_table},
};
static const struct api_table receive_table = API_TABLE(struct raw_neighbor, receive_fields);

static const struct api_field neighbor_fields[] = {
	{.name = "asn", .type = API_TYPE_INT, .max = UINT32_MAX, API_AT(struct raw_neighbor, asn)},
	{.name = "dynamicASN",
	 .type = API_TYPE_ENUM,
	 .words = dynamic_words,
	 API_AT(struct raw_neighbor, dynamic_asn)},
	{.name = "address", .type = API_TYPE_ADDRESS, API_AT(struct raw_neighbor, address)},
	{.name = "interface", .type = API_TYPE_STRING, API_AT(struct raw_neighbor, interface)},
	{.name = "toReceive", .type = API_TYPE_STRUCT, .table = &receive_table},
	{.name = "toAdvertise", .flags = API_FIELD_ELSEWHERE},
	{.name = "addressFamilies", .flags = API_FIELD_IGNORED},
	{.name = "bfdProfile", .flags = API_FIELD_IGNORED},
	{.name = "connectTime", .flags = API_FIELD_IGNORED},
	{.name = "disableMP", .flags = API_FIELD_IGNORED},
	{.name = "dualStackAddressFamily", .flags = API_FIELD_IGNORED},
	{.name = "ebgpMultiHop", .flags = API_FIELD_IGNORED},
	{.name = "enableGracefulRestart", .flags = API_FIELD_IGNORED},
	{.name = "holdTime", .flags = API_FIELD_IGNORED},
	{.name = "keepaliveTime", .flags = API_FIELD_IGNORED},
	{.name = "localASN", .flags = API_FIELD_IGNORED},
	{.name = "password", .flags = API_FIELD_IGNORED},
	{.name = "passwordSecret", .flags = API_FIELD_IGNORED},
	{.name = "port", .flags = API_FIELD_IGNORED},
	{.name = "sourceaddress", .flags = API_FIELD_IGNORED},
};
static const struct api_table neighbor_table = API_TABLE(struct raw_neighbor, neighbor_fields);

static const struct api_field router_fields[] = {
	{.name = "asn",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = UINT32_MAX,
	 API_AT(struct raw_router, asn),
	 .required = API_ALL},
	{.name = "vrf", .type = API_TYPE_STRING, API_AT(struct raw_router, vrf)},
	{.name = "neighbors",
	 .type = API_TYPE_STRUCT,
	 .table = &neighbor_table,
	 API_LIST_AT(struct raw_router, neighbors, n_neighbors)},
	{.name = "prefixes", .flags = API_FIELD_ELSEWHERE},
	{.name = "imports", .flags = API_FIELD_ELSEWHERE},
	{.name = "evpn", .flags = API_FIELD_ELSEWHERE},
	{.name = "id", .flags = API_FIELD_IGNORED},
};
static const struct raw_router router_defaults = {.vrf = ""};
static const struct api_table router_table =
	API_TABLE(struct raw_router, router_fields, .defaults = &router_defaults);

static const struct api_field bgp_fields[] = {
	{.name = "routers",
	 .type = API_TYPE_STRUCT,
	 .table = &router_table,
	 API_LIST_AT(struct raw_frr, routers, n_routers)},
	{.name = "bfdProfiles", .flags = API_FIELD_ELSEWHERE},
};
static const struct api_table bgp_table = API_TABLE(struct raw_frr, bgp_fields);

static const struct api_field spec_fields[] = {
	{.name = "bgp", .type = API_TYPE_STRUCT, .table = &bgp_table},
	{.name = "nodeSelector", .type = API_TYPE_SELECTOR, API_AT(struct raw_frr, node_selector)},
	{.name = "raw", .flags = API_FIELD_ELSEWHERE},
};
static const struct api_table spec_table = API_TABLE(struct raw_frr, spec_fields);

static const struct api_field frr_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &spec_table},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
static const struct api_table frr_table = API_TABLE(struct raw_frr, frr_fields);

/* --- what no row can express ------------------------------------------------------------------ */

/* The length of the prefix, then ge, then le: none may be shorter than the one before. */
static struct api_frr_prefix read_prefix(struct api_decoder *d, const char *at,
					 const struct raw_prefix *in)
{
	const uint8_t bits = (uint8_t)ip_family_bits(ip_family_of(&in->prefix.addr));
	struct api_frr_prefix ret = {in->prefix, in->prefix.len, in->prefix.len};

	if (in->ge)
		ret.from = in->ge, ret.to = bits;
	if (in->le)
		ret.to = in->le;
	if (ret.from < in->prefix.len)
		api_refuse(d, arena_printf(d->arena, "%s.ge", at), "OutOfRange",
			   "write a length that is not shorter",
			   "is %u, but the prefix is longer by itself: %u", ret.from,
			   in->prefix.len);
	else if (ret.to < ret.from || ret.to > bits)
		api_refuse(d, arena_printf(d->arena, "%s.%s", at, in->le ? "le" : "ge"),
			   "OutOfRange", "write a length in this range",
			   "is %u, must be a length from %u to %u", in->le ? in->le : in->ge,
			   in->le ? ret.from : in->prefix.len, bits);
	return ret;
}

static void check_neighbor(struct api_decoder *d, const char *at, const struct raw_neighbor *in)
{
	const bool has_address = !ip_addr_is_none(&in->address);

	if (has_address == !!in->interface)
		api_refuse(d, arena_printf(d->arena, "%s.address", at),
			   has_address ? "Exclusive" : "MissingField",
			   has_address ? "remove one of them" : "set one of them",
			   has_address ? "cannot be set together with interface"
				       : "neither address nor interface is set");
	if (!!in->asn == !!in->dynamic_asn)
		api_refuse(d, arena_printf(d->arena, "%s.asn", at),
			   in->asn ? "Exclusive" : "MissingField",
			   in->asn ? "remove one of them" : "set asn, or dynamicASN",
			   in->asn ? "cannot be set together with dynamicASN"
				   : "neither asn nor dynamicASN is set");
	if (in->mode == MODE_ALL && in->n_prefixes)
		api_refuse(d, arena_printf(d->arena, "%s.toReceive.allowed.prefixes", at),
			   "Exclusive", "remove them, or write mode: filtered",
			   "cannot be set with mode all");
}

static void read_neighbor(struct api_decoder *d, const char *at, const struct raw_neighbor *in,
			  struct api_frr_neighbor *ret)
{
	struct api_frr_prefix *prefixes =
		arena_array_of(d->arena, in->n_prefixes, struct api_frr_prefix);

	check_neighbor(d, at, in);
	for (size_t i = 0; i < in->n_prefixes; i++)
		prefixes[i] = read_prefix(
			d, arena_printf(d->scratch, "%s.toReceive.allowed.prefixes[%zu]", at, i),
			&in->prefixes[i]);
	*ret = (struct api_frr_neighbor){
		.address = in->address,
		.interface = in->interface,
		.asn = in->asn,
		.receives_all = in->mode == MODE_ALL,
		.receives = prefixes,
		.n_receives = in->n_prefixes,
	};
}

static void read_router(struct api_decoder *d, size_t i, const struct raw_router *in,
			struct api_frr_router *ret)
{
	struct api_frr_neighbor *neighbors =
		arena_array_of(d->arena, in->n_neighbors, struct api_frr_neighbor);

	for (size_t k = 0; k < in->n_neighbors; k++)
		read_neighbor(
			d, arena_printf(d->scratch, "spec.bgp.routers[%zu].neighbors[%zu]", i, k),
			&in->neighbors[k], &neighbors[k]);
	*ret = (struct api_frr_router){.asn = in->asn,
				       .vrf = in->vrf,
				       .neighbors = neighbors,
				       .n_neighbors = in->n_neighbors};
}

static void check_vrf(struct api_decoder *d, const struct raw_frr *in, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(in->routers[k].vrf, in->routers[i].vrf) != 0)
			continue;
		api_refuse(d, arena_printf(d->arena, "spec.bgp.routers[%zu].vrf", i),
			   "DuplicateItem", "put the neighbours into one router",
			   "routers[%zu] is of the same VRF", k);
		return;
	}
}

static void finish_frr(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_frr *in = raw;
	const size_t n = in->n_routers > MAX_ROUTERS ? MAX_ROUTERS : in->n_routers;
	struct api_frr_router *routers = arena_array_of(d->arena, n, struct api_frr_router);

	if (in->n_routers > MAX_ROUTERS)
		api_refuse(d, "spec.bgp.routers", "TooManyItems", "write one router for each VRF",
			   "has %zu items, may have %d", in->n_routers, MAX_ROUTERS);
	for (size_t i = 0; i < n; i++) {
		check_vrf(d, in, i);
		read_router(d, i, &in->routers[i], &routers[i]);
	}
	o->frr = (struct api_frr){
		.node_selector = in->node_selector, .routers = routers, .n_routers = n};
}

const struct api_schema api_schema_frr_configuration = {
	.kind = API_FRR_CONFIGURATION,
	.group = "frrk8s.metallb.io",
	.versions = {"v1beta1"},
	.table = &frr_table,
	.default_ns = "",
	.finish = finish_frr,
};
