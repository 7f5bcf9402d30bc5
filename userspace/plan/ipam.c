// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Gives addresses to Services (DESIGN 4, metallb.md 2). Passes in namespace/name order each, so
 * that agents which read the same folder choose alike: those who keep what they have, those who ask
 * for a certain address, those who ask for another pool, those who take any.
 *
 * An address somebody has is never taken away for somebody else's wish, nor for a wish of its own
 * that fails: it is lost only when no pool holds it any more that admits the Service, or when its
 * Service gets another one by its wish. Two Services may swap addresses, because a wish may take
 * what its owner wishes to leave; if the owner must stay, it is the wish that gives way
 * (fall_back).
 *
 * A Service may want an address of each family. What it has and what it asks for is by family and
 * costs the other nothing; only what it is given for the first time comes from one pool
 * (ipam_any.c).
 */
#include "plan/ipam.h"

#include "plan/ipam_inside.h"
#include "plan/ipam_order.h"

#include <assert.h>

static void warn_given_here(const struct ipam *ipam, const struct ipam_claimant *c,
			    const struct ipam_part *part)
{
	const bool in_object = part->in_object && ip_addr_equal(&part->addr, &part->owned);
	char text[IP_ADDR_TEXT];

	if (!part->pool || in_object || c->is_clustered ||
	    ip_addr_equal(&part->addr, &part->requested))
		return;
	ipam_problem(&ipam->wishes, SEVERITY_WARNING, c, NULL, "AddressGivenHere",
		     "write it into the Service (annotation metallb.io/loadBalancerIPs)",
		     "%s was given by this agent; another agent may choose otherwise",
		     ip_addr_text(&part->addr, text));
}

/* A Service that prefers two families has one: told, unless a fault tells it already. */
static void note_one_family(const struct ipam *ipam, const struct ipam_claimant *c)
{
	const bool has_v4 = c->parts[IP_V4].pool;
	const struct ipam_part *has = &c->parts[has_v4 ? IP_V4 : IP_V6];
	const struct ipam_part *lacks = &c->parts[has_v4 ? IP_V6 : IP_V4];
	const char *family = ip_family_text(has_v4 ? IP_V6 : IP_V4);

	if (c->faults || !has->pool || !lacks->wanted || lacks->pool || lacks->waits)
		return;
	ipam_problem(&ipam->wishes, SEVERITY_INFO, c, "spec.ipFamilyPolicy", "OneFamilyOnly",
		     arena_printf(ipam->arena,
				  "add %s addresses to the pool, or write ipFamilyPolicy: "
				  "SingleStack",
				  family),
		     "no free %s address in pool %s: the Service goes without", family,
		     has->pool->name);
}

/*
 * Addresses given earlier to Services that are not there, when it is not certain that they are
 * gone: nobody else gets them meanwhile.
 */
static void reserve_unseen(struct ipam *ipam, const struct world *world)
{
	const struct plan_addresses *given = ipam->wishes.given;
	struct ipam_claimant *unseen = arena_array_of(ipam->arena, given->n, struct ipam_claimant);

	for (size_t i = 0; i < given->n; i++) {
		const struct plan_address *a = &given->items[i];

		assert(!ipam->complete); /* else who is not there is gone */
		if (world_find(world, API_SERVICE, a->ns, a->name))
			continue;
		unseen[i].given = a;
		ipam_uses_reserve(&ipam->uses, &unseen[i], &a->addr);
	}
}

bool ipam_is_complete(const struct world *world)
{
	return !world_may_hide(world, API_SERVICE) && !world_may_hide(world, API_IP_ADDRESS_POOL);
}

static size_t count_results(const struct ipam_wishes *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			n += w->items[i].parts[f].pool != NULL;
	return n;
}

static void write_result(const struct ipam *ipam, struct plan_addresses *ret)
{
	const struct ipam_wishes *w = &ipam->wishes;
	struct plan_address *items =
		arena_array_of(ipam->arena, count_results(w), struct plan_address);
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			const struct api_object *o = w->items[i].object;
			const struct ipam_part *part = &w->items[i].parts[f];

			assert(!part->pool || ip_family_of(&part->addr) == f);
			if (part->pool)
				items[n++] = (struct plan_address){.ns = plan_text(o->meta.ns),
								   .name = o->meta.name,
								   .addr = part->addr,
								   .pool = part->pool->name};
		}
	assert(n <= IP_N_FAMILIES * w->n);
	*ret = (struct plan_addresses){.items = items, .n = n};
}

static void give_addresses(struct ipam *ipam)
{
	struct ipam_claimant *const items = ipam->wishes.items;
	const size_t n = ipam->wishes.n;

	for (size_t i = 0; i < n; i++)
		ipam_keep_owned(ipam, &items[i]);
	ipam_fulfil_requests(ipam);
	ipam_move_to_wished(ipam);
	ipam_uses_rewind(&ipam->uses);
	for (size_t i = 0; i < n; i++)
		ipam_take_any(ipam, &items[i]);
}

static void tell(const struct ipam *ipam, bool other_agents)
{
	for (size_t i = 0; i < ipam->wishes.n; i++) {
		const struct ipam_claimant *c = &ipam->wishes.items[i];

		ipam_faults_tell(&ipam->wishes, c);
		note_one_family(ipam, c);
		for (enum ip_family f = 0; f < IP_N_FAMILIES && other_agents; f++)
			warn_given_here(ipam, c, &c->parts[f]);
	}
}

/* Of each pool the first few addresses that it holds but never gives. */
struct ungiven {
	size_t n;
	const char *text;
};

static void note_ungiven(struct ipam *ipam, const struct plan_own_address *own,
			 struct ungiven *list)
{
	const struct ipam_pool *p = ipam_pool_of(&ipam->pools, &own->addr);
	struct ungiven *ungiven = p ? &list[p->age] : NULL;
	char text[IP_ADDR_TEXT];

	assert(!p || p->age < ipam->pools.n);
	if (!ungiven || own->loose || ++ungiven->n > 3)
		return;
	ungiven->text = arena_printf(
		ipam->arena, "%s%s%s is %s", ungiven->n > 1 ? ungiven->text : "",
		ungiven->n > 1 ? ", " : "", ip_addr_text(&own->addr, text), own->owner);
}

static void report_ungiven(struct ipam *ipam, struct problems *problems)
{
	struct ungiven *list = arena_array_of(ipam->arena, ipam->pools.n, struct ungiven);

	for (size_t i = 0; i < ipam->own.n_of_all; i++)
		note_ungiven(ipam, &ipam->own.items[i], list);
	for (size_t i = 0; i < ipam->pools.n; i++)
		if (list[i].n)
			object_problem(
				problems, SEVERITY_WARNING, ipam->pools.items[i].object,
				"spec.addresses", "HoldsNodeAddress",
				"nothing, as they are left out; or take them out of the pool",
				"addresses that no Service may have: %s%s", list[i].text,
				list[i].n > 3 ? ", and others" : "");
}

static void build(struct ipam *ipam, const struct ipam_inputs *in, struct problems *problems,
		  struct api_strings *ret_order)
{
	struct object_list pools =
		plan_objects(in->world, in->settings, API_IP_ADDRESS_POOL, ipam->arena, NULL);

	ipam_order(&pools, &in->pools, ipam->complete, ipam->arena, &pools, ret_order);
	ipam_pools_build(in->world, &pools, plan_is_strict(in->world, in->settings), ipam->arena,
			 problems, &ipam->pools);
	plan_own_build(in->world, in->node, ipam->arena, &ipam->own);
	report_ungiven(ipam, problems);
	ipam_uses_init(&ipam->uses, &ipam->pools, ipam->arena);
	ipam_uses_exclude(&ipam->uses, &ipam->own);
	ipam_wishes_read(&ipam->wishes, in);
	if (!ipam->complete)
		reserve_unseen(ipam, in->world);
}

void ipam_compute(const struct ipam_inputs *in, struct arena *arena, struct plan_addresses *ret,
		  struct problems *problems)
{
	struct ipam ipam = {
		.arena = arena,
		.wishes = {.given = in->given, .problems = problems},
		.complete = in->synced && ipam_is_complete(in->world),
	};
	struct api_strings order;

	build(&ipam, in, problems, &order);
	give_addresses(&ipam);
	tell(&ipam, world_list(in->world, API_NODE).n > 1);
	write_result(&ipam, ret);
	ret->pools = order;
}
