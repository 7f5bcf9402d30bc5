// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a plan wants as routes and rules, in the forms that plan_kernel.h lists and plan_kernel.c
 * recognizes as ours.
 */
#include "plan/plan_kernel.h"

#include <assert.h>

struct want_build {
	struct arena *arena;
	const struct plan_blackholes *b;
	struct kernel_picture ret;
	size_t cap;
};

static void add_rule(struct want_build *w, const struct kernel_rule *rule)
{
	struct kernel_rule *r =
		arena_push(w->arena, &w->ret.rules, &w->ret.n_rules, &w->cap, sizeof(*r));

	*r = *rule;
	r->protocol = KERNEL_PROTOCOL;
}

static void add_pair(struct want_build *w, enum ip_family family, uint8_t len,
		     const struct plan_vrf *device)
{
	const uint32_t first = device->domain ? KERNEL_VRF_RULES : KERNEL_RULES;
	struct kernel_rule rule = {
		.family = family,
		.priority = first + 2u * (uint32_t)(ip_family_bits(family) - len),
		.table = device->domain ? device->domain : KERNEL_MAIN,
		.suppress = len - 1,
		.iif = device->name,
	};

	add_rule(w, &rule);
	rule.priority++;
	rule.table = kernel_table_of(device->domain, len);
	rule.suppress = -1;
	add_rule(w, &rule);
}

/* A pair for each length among the prefixes; those of a VRF are asked for by its domain. */
struct lengths {
	bool has[IP_N_FAMILIES][129];
};

/* The kernel says this device of what arrives. */
static bool is_known_by(const struct plan_vrf *device, enum ip_family family)
{
	return device->domain == 0 || device->is_member == (family == IP_V4);
}

static void add_pairs(struct want_build *w, const struct lengths *l, const struct plan_vrf *device)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		for (unsigned len = 1; len <= ip_family_bits(f); len++)
			if (l->has[f][len] && is_known_by(device, f))
				add_pair(w, f, (uint8_t)len, device);
}

struct kernel_route kernel_blackhole_route(const struct ip_prefix *prefix, uint16_t domain)
{
	assert(prefix->len > 0 && prefix->len <= ip_addr_bits(&prefix->addr));
	return (struct kernel_route){
		.table = kernel_table_of(domain, prefix->len),
		.to = *prefix,
		.metric = KERNEL_METRIC,
		.protocol = KERNEL_PROTOCOL,
		.blackhole = true,
	};
}

static void add_blackhole(struct want_build *w, const struct ip_prefix *prefix, uint16_t domain)
{
	w->ret.routes[w->ret.n_routes++] = kernel_blackhole_route(prefix, domain);
}

static void add_blackholes(struct want_build *w)
{
	const struct plan_blackholes *b = w->b;
	struct lengths lengths = {0};

	for (size_t i = 0; i < b->n; i++) {
		add_blackhole(w, &b->prefixes[i], 0);
		lengths.has[ip_family_of(&b->prefixes[i].addr)][b->prefixes[i].len] = true;
	}
	for (size_t i = 0; i < b->n_uplinks; i++)
		add_pairs(w, &lengths, &(struct plan_vrf){.name = b->uplinks[i]});
	for (size_t i = 0; i < b->n_in_vrfs; i++)
		add_blackhole(w, &b->in_vrfs[i].prefix, b->in_vrfs[i].domain);
}

static void add_from_pod(struct want_build *w, const struct plan_vrf_pod *pod)
{
	const struct kernel_rule rule = {
		.family = ip_family_of(&pod->addr),
		.priority = KERNEL_FROM_POD,
		.table = pod->domain,
		.suppress = -1,
		.iif = "",
		.from = ip_prefix_of(&pod->addr, ip_addr_bits(&pod->addr)),
		.ipproto = pod->proto,
		.sport = pod->port,
	};

	add_rule(w, &rule);
}

/* What arrives by the device for this pod. */
static void add_to_pod(struct want_build *w, const struct plan_vrf *device,
		       const struct ip_addr *pod)
{
	const struct kernel_rule rule = {.family = ip_family_of(pod),
					 .priority = KERNEL_TO_POD,
					 .table = KERNEL_MAIN,
					 .suppress = -1,
					 .iif = device->name,
					 .to = ip_prefix_of(pod, ip_addr_bits(pod))};

	if (is_known_by(device, rule.family))
		add_rule(w, &rule);
}

static void add_device(struct want_build *w, const struct plan_vrf *device)
{
	const struct plan_blackholes *b = w->b;
	const struct ip_addr *last = NULL;
	struct lengths lengths = {0};

	for (size_t i = 0; i < b->n_in_vrfs; i++)
		if (b->in_vrfs[i].domain == device->domain)
			lengths.has[ip_family_of(&b->in_vrfs[i].prefix.addr)]
				   [b->in_vrfs[i].prefix.len] = true;
	add_pairs(w, &lengths, device);
	for (size_t i = 0; i < b->n_pods; i++) {
		const struct plan_vrf_pod *pod = &b->pods[i];

		if (pod->domain != device->domain)
			continue;
		if (!device->is_member)
			add_from_pod(w, pod);
		if (!pod->is_own && (!last || !ip_addr_equal(last, &pod->addr)))
			add_to_pod(w, device, &pod->addr);
		last = &pod->addr;
	}
}

static void add_receiving(struct want_build *w, enum ip_family family)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct kernel_rule rule = {
			.family = family,
			.priority = KERNEL_RECEIVED_RULES + i,
			.table = i == 0 ? KERNEL_MAIN : KERNEL_RECEIVED_TABLE,
			.suppress = i == 0 ? 0 : -1,
			.iif = "",
		};

		add_rule(w, &rule);
	}
}

struct kernel_picture kernel_want(struct arena *arena, const struct plan_blackholes *b)
{
	struct want_build w = {
		.arena = arena,
		.b = b,
		.ret.routes = arena_array_of(arena, b->n + b->n_in_vrfs, struct kernel_route)};

	add_blackholes(&w);
	for (size_t i = 0; i < b->n_vrfs; i++)
		add_device(&w, &b->vrfs[i]);
	for (enum ip_family f = 0; b->receives && f < IP_N_FAMILIES; f++)
		add_receiving(&w, f);
	kernel_picture_sort(&w.ret);
	assert(w.ret.n_routes == b->n + b->n_in_vrfs);
	return w.ret;
}
