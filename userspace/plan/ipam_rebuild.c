// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses out of the store, for when the file that has them was lost: what is programmed is what
 * was announced. A frontend has its Service's seed, which is a hash of its name, so that the ports
 * have to fit as well.
 */
#include "plan/ipam.h"

#include "plan/plan_objects.h"
#include "plan/plan_sort.h"

static int cmp_seed(const void *a, const void *b)
{
	const struct lb_actual *x = *(const struct lb_actual *const *)a;
	const struct lb_actual *y = *(const struct lb_actual *const *)b;

	if (x->seed != y->seed)
		return x->seed < y->seed ? -1 : 1;
	return lb_key_cmp(&x->key, &y->key);
}

static int cmp_to_seed(const void *key, const void *item)
{
	const uint32_t seed = *(const uint32_t *)key;
	const struct lb_actual *a = *(const struct lb_actual *const *)item;

	return (seed > a->seed) - (seed < a->seed);
}

static bool has_port(const struct api_service *s, const struct lb_key *key)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port == key->port && (uint8_t)s->ports[i].protocol == key->proto)
			return true;
	return false;
}

/* Of several, as while one leaves or in several VRFs, one that takes new flows; then the lowest. */
static const struct lb_actual *find(const struct api_object *o, enum ip_family family,
				    const struct lb_actual *const *by_seed, size_t n)
{
	const uint32_t seed = lb_seed(plan_text(o->meta.ns), o->meta.name);
	const struct lb_actual *ret = NULL;
	size_t i =
		plan_lower_bound(&seed, by_seed, n, sizeof(const struct lb_actual *), cmp_to_seed);

	for (; i < n && by_seed[i]->seed == seed; i++) {
		const struct lb_actual *a = by_seed[i];

		if (ip_family_of(&a->key.addr) != family || !has_port(&o->service, &a->key))
			continue;
		if (!ret || (ret->flags & LB_F_CLOSED && !(a->flags & LB_F_CLOSED)))
			ret = a;
	}
	return ret;
}

void ipam_rebuild(const struct world *world, const struct plan_settings *settings,
		  const struct lb_actual *stored, size_t n_stored, struct arena *arena,
		  struct plan_addresses *ret)
{
	const struct world_list services = world_list(world, API_SERVICE);
	const struct lb_actual **by_seed =
		arena_array_of(arena, n_stored, const struct lb_actual *);
	struct plan_address *items =
		arena_array_of(arena, IP_N_FAMILIES * services.n, struct plan_address);
	size_t n = 0;

	for (size_t i = 0; i < n_stored; i++)
		if (stored[i].key.port != 0)
			by_seed[n++] = &stored[i];
	plan_sort(by_seed, n, sizeof(*by_seed), cmp_seed);
	*ret = (struct plan_addresses){.items = items};
	for (size_t i = 0; i < services.n; i++) {
		const struct api_object *o = services.items[i];

		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			const struct lb_actual *a =
				plan_service_is_ours(settings, o) ? find(o, f, by_seed, n) : NULL;

			if (a)
				items[ret->n++] = (struct plan_address){
					plan_text(o->meta.ns), o->meta.name, a->key.addr, ""};
		}
	}
}
