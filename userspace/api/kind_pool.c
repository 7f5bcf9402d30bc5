// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * IPAddressPool (metallb.md 1.1). Beyond its rows: the entries of one pool must not overlap. Pools
 * that overlap each other are the planner's business, since that costs neither of them as an
 * object. A prefix with host bits is masked, as in MetalLB (198.51.100.10/24 is .0/24).
 */
#include "api/decode.h"

#include <assert.h>
#include <limits.h>

enum { HAS_ALLOCATION = 1 };

struct raw_pool {
	struct api_pool pool;
	int set;
};

#define IN_POOL(m)          API_AT(struct raw_pool, pool.m)
#define IN_POOL_LIST(m, n_) API_LIST_AT(struct raw_pool, pool.m, pool.n_)

static const struct api_field allocation_fields[] = {
	{.name = "priority",
	 .type = API_TYPE_INT,
	 .min = INT_MIN,
	 .max = INT_MAX,
	 IN_POOL(priority)},
	{.name = "namespaces",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE,
	 IN_POOL_LIST(namespaces.items, namespaces.n)},
	{.name = "namespaceSelectors",
	 .type = API_TYPE_SELECTOR,
	 .flags = API_FIELD_UNIQUE,
	 IN_POOL_LIST(namespace_selectors.items, namespace_selectors.n)},
	{.name = "serviceSelectors",
	 .type = API_TYPE_SELECTOR,
	 .flags = API_FIELD_UNIQUE,
	 IN_POOL_LIST(service_selectors.items, service_selectors.n)},
};
static const struct api_table allocation_table = API_TABLE(struct raw_pool, allocation_fields);

static const struct api_field spec_fields[] = {
	{.name = "addresses",
	 .type = API_TYPE_RANGE,
	 .flags = API_FIELD_NONEMPTY,
	 IN_POOL_LIST(ranges, n_ranges),
	 .required = API_ALL},
	{.name = "autoAssign", .type = API_TYPE_BOOL, IN_POOL(auto_assign)},
	{.name = "avoidBuggyIPs", .type = API_TYPE_BOOL, IN_POOL(avoid_buggy)},
	{.name = "serviceAllocation",
	 .type = API_TYPE_STRUCT,
	 .table = &allocation_table,
	 .bit = HAS_ALLOCATION},
};
static const struct api_table spec_table =
	API_TABLE(struct raw_pool, spec_fields, .set_at = offsetof(struct raw_pool, set));

static const struct api_field pool_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &spec_table, .required = API_ALL},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
static const struct raw_pool pool_defaults = {.pool.auto_assign = true};
static const struct api_table pool_table =
	API_TABLE(struct raw_pool, pool_fields, .defaults = &pool_defaults);

static int first_cmp(const void *a, const void *b)
{
	const struct ip_range *const *x = a, *const *y = b;

	return ip_addr_cmp(&(*x)->first, &(*y)->first);
}

static void refuse_overlap(struct api_decoder *d, size_t a, size_t b)
{
	size_t earlier = a < b ? a : b, later = a < b ? b : a;

	api_refuse(d, arena_printf(d->arena, "spec.addresses[%zu]", later), "OverlapsWith",
		   "remove one of them, or make it smaller", "overlaps with spec.addresses[%zu]",
		   earlier);
}

/* In order of first addresses, an entry is compared with the one that reaches furthest so far. */
static void check_overlaps(struct api_decoder *d, const struct api_pool *p)
{
	const struct ip_range **sorted =
		arena_array_of(d->scratch, p->n_ranges, const struct ip_range *);
	const struct ip_range *reach = NULL;

	for (size_t i = 0; i < p->n_ranges; i++)
		sorted[i] = &p->ranges[i];
	qsort(sorted, p->n_ranges, sizeof(*sorted), first_cmp);
	for (size_t i = 0; i < p->n_ranges; i++) {
		if (ip_addr_is_none(&sorted[i]->last))
			continue; /* it is no range, and refused */
		assert(ip_addr_cmp(&sorted[i]->first, &sorted[i]->last) <= 0);
		if (reach && ip_range_overlaps(reach, sorted[i]))
			refuse_overlap(d, (size_t)(reach - p->ranges),
				       (size_t)(sorted[i] - p->ranges));
		if (!reach || ip_addr_cmp(&reach->last, &sorted[i]->last) < 0)
			reach = sorted[i];
	}
}

static void finish_pool(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_pool *in = raw;

	o->pool = in->pool;
	o->pool.has_service_allocation = in->set & HAS_ALLOCATION;
	o->pool.forwarding = api_annotation_word(d, o, API_FORWARDING, api_forwarding_words);
	check_overlaps(d, &in->pool);
}

static const char *const pool_rules[] = {
	"An entry of addresses is a CIDR, whose host bits are cleared, or FIRST-LAST; entries of one pool do not overlap.",
	"Addresses that are no host's are not given: 0.0.0.0/8, loopback, link-local, multicast, broadcast.",
	"priority 0 counts as last. With serviceAllocation a pool is for the Services that it admits alone.",
	NULL,
};

static const struct api_annotation_row pool_annotations[] = {
	{API_FORWARDING, "auto, nat, dsr-l2, dsr-ipip, dsr-gue",
	 "how packets for its addresses get to endpoints that are on no node, before "
	 "spec.dataplane.forwarding (dataplane.md)"},
	{0},
};

const struct api_schema api_schema_pool = {
	.kind = API_IP_ADDRESS_POOL,
	.group = "metallb.io",
	.versions = {"v1beta1"},
	.table = &pool_table,
	.default_ns = "",
	.finish = finish_pool,
	.rules = pool_rules,
	.annotations = pool_annotations,
};
