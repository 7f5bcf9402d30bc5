// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Two sorted arrays side by side: Services, and what they are to have. */
#include "plan/ipam_status.h"

#include "plan/plan_objects.h"

static const char *pool_of(const struct api_object *o)
{
	return plan_text(api_annotation(&o->meta, "ip-allocated-from-pool"));
}

static int cmp_service(const struct plan_address *a, const struct api_object *o)
{
	const int cmp = strcmp(a->ns, plan_text(o->meta.ns));

	return cmp ? cmp : strcmp(a->name, o->meta.name);
}

/* The family that its users know it by comes first. */
static void sort_families(struct ipam_status *s)
{
	const struct api_families *families = &s->service->service.families;
	const struct ip_addr first = s->addrs[0];

	if (s->n_addrs < 2 || families->n == 0 || ip_family_of(&first) == families->items[0])
		return;
	s->addrs[0] = s->addrs[1];
	s->addrs[1] = first;
}

static bool has(const struct ip_addr *addrs, size_t n, const struct ip_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (ip_addr_equal(&addrs[i], a))
			return true;
	return false;
}

/* In any order. */
static bool says_so(const struct ipam_status *s)
{
	const struct api_service *service = &s->service->service;

	if (service->n_ingress != s->n_addrs || strcmp(pool_of(s->service), s->pool) != 0)
		return false;
	for (size_t i = 0; i < s->n_addrs; i++)
		if (!has(service->ingress, service->n_ingress, &s->addrs[i]))
			return false;
	return true;
}

/* One of the others has an address of these, and will not. */
static bool must_wait(const struct ipam_status *s, const struct ipam_status *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct api_service *other = &all[i].service->service;

		if (all[i].service == s->service)
			continue;
		for (size_t k = 0; k < other->n_ingress; k++)
			if (has(s->addrs, s->n_addrs, &other->ingress[k]) &&
			    !has(all[i].addrs, all[i].n_addrs, &other->ingress[k]))
				return true;
	}
	return false;
}

/*
 * Those that wait are left out; who waits for whom is judged by all. Where all wait for each other
 * (addresses are swapped) nobody does. Returns how many are left.
 */
static size_t leave_out(struct ipam_status *items, size_t n, struct arena *arena)
{
	const struct ipam_status *all = arena_memdup(arena, items, n * sizeof(*items));
	struct ipam_status *leaving = arena_array_of(arena, n, struct ipam_status);
	size_t n_leaving = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (all[i].service->service.n_ingress > 0)
			leaving[n_leaving++] = all[i];
	for (size_t i = 0; i < n; i++)
		if (!must_wait(&all[i], leaving, n_leaving))
			items[kept++] = all[i];
	return kept > 0 ? kept : n;
}

/*
 * Whoever is no LoadBalancer any more has lost its status to the API server, and keeps the
 * annotation.
 */
static bool is_to_be_written(const struct ipam_inputs *in, const struct ipam_status *s)
{
	const bool is_ours = plan_service_is_ours(in->settings, s->service);

	if (!ipam_is_clustered(in, s->service))
		return false;
	if (!is_ours && s->service->service.is_load_balancer)
		return false;
	if (s->n_addrs == 0)
		return *pool_of(s->service);
	return !says_so(s);
}

size_t ipam_statuses(const struct ipam_inputs *in, const struct plan_addresses *wanted,
		     struct arena *arena, const struct ipam_status **ret)
{
	const struct world_list services = world_list(in->world, API_SERVICE);
	struct ipam_status *items = arena_array_of(arena, services.n, struct ipam_status);
	size_t at = 0, n = 0;

	for (size_t i = 0; i < services.n; i++) {
		struct ipam_status s = {.service = services.items[i], .pool = ""};

		while (at < wanted->n && cmp_service(&wanted->items[at], s.service) < 0)
			at++;
		for (; at < wanted->n && cmp_service(&wanted->items[at], s.service) == 0; at++) {
			if (s.n_addrs == 0)
				s.pool = wanted->items[at].pool;
			s.addrs[s.n_addrs++] = wanted->items[at].addr;
		}
		sort_families(&s);
		if (is_to_be_written(in, &s))
			items[n++] = s;
	}
	*ret = items;
	return leave_out(items, n, arena);
}
