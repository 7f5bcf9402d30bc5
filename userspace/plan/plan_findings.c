// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is odd about objects beside each other and costs none of them anything: selectors that
 * select nothing, or that others make needless, aliases with two values, pools that nobody
 * announces. MetalLB says nothing of these, and its users look for days (metallb.md 8).
 *
 * Of Nodes and Namespaces it is only judged where they are known: a folder may hold this node
 * alone, and then says nothing about the others. Nothing is said of Services: those that a selector
 * is for may come any time.
 */
#include "plan/plan_env.h"

#include "base/community.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct findings {
	struct plan_env *env;
	struct arena *arena;
	struct world_list nodes; /* none: they are not all known */
};

#define finding(b, severity, o, ...) object_problem(&(b)->env->problems, severity, o, __VA_ARGS__)

/* --- selectors ------------------------------------------------------------------------------- */

/* A list of selectors of an object, and what it chooses from; n 0: that is not known. */
struct choice {
	const struct api_object *object;
	const char *field, *what; /* "spec.nodeSelectors", "Node" */
	const struct selectors *selectors;
	const struct api_object *const *from;
	size_t n;
};

static size_t count_selected(const struct choice *c, const struct selector *s)
{
	size_t n = 0;

	assert(c->n > 0); /* or it is not known what there is */
	for (size_t i = 0; i < c->n; i++)
		n += selector_matches(s, &c->from[i]->meta.labels);
	return n;
}

static const char *entry_text(const struct findings *b, const struct choice *c, size_t i)
{
	assert(i < c->selectors->n);
	return arena_printf(b->arena, "%s[%zu]", c->field, i);
}

/* Entry i chooses nothing that another does not choose as well: *ret_by. */
static bool is_needless(const struct choice *c, size_t i, size_t *ret_by)
{
	const struct selector *items = c->selectors->items;

	for (size_t k = 0; k < c->selectors->n; k++) {
		if (k == i || !selector_implies(&items[i], &items[k]))
			continue;
		/* Of two that say the same the later one is needless. */
		if (k < i || !selector_implies(&items[k], &items[i])) {
			*ret_by = k;
			return true;
		}
	}
	return false;
}

/* Entries are alternatives (ruling 11), which is easily forgotten. */
static void check_needless(const struct findings *b, const struct choice *c)
{
	static const char remedy[] = "remove it; if both are to hold, write them into one entry";
	size_t by = 0;

	for (size_t i = 0; i < c->selectors->n; i++)
		if (is_needless(c, i, &by))
			finding(b, SEVERITY_INFO, c->object, entry_text(b, c, i),
				"SelectorNeedless", remedy,
				"makes no difference beside %s, which selects all that it "
				"selects: entries are alternatives",
				entry_text(b, c, by));
}

/* Of several entries one selects everything there is. */
static void check_all(const struct findings *b, const struct choice *c)
{
	for (size_t i = 0; i < c->selectors->n && c->selectors->n > 1 && c->n > 1; i++) {
		if (count_selected(c, &c->selectors->items[i]) < c->n)
			continue;
		finding(b, SEVERITY_INFO, c->object, entry_text(b, c, i), "SelectsAll",
			"if all entries are to hold, write them into one",
			"selects each of the %zu %ss, so the other entries make no difference: "
			"entries are alternatives",
			c->n, c->what);
		return;
	}
}

static void check_none(const struct findings *b, const struct choice *c)
{
	for (size_t i = 0; i < c->selectors->n; i++)
		if (c->n > 0 && count_selected(c, &c->selectors->items[i]) == 0)
			finding(b, SEVERITY_WARNING, c->object, entry_text(b, c, i),
				"SelectsNothing",
				arena_printf(b->arena, "correct it, or label the %s that is meant",
					     c->what),
				"selects no %s", c->what);
}

static void check_choice(const struct findings *b, const struct choice *c)
{
	check_none(b, c);
	check_all(b, c);
	check_needless(b, c);
}

static void check_nodes(const struct findings *b, const struct api_object *o,
			const struct selectors *selectors)
{
	const bool others = b->nodes.n > 1; /* this node alone says nothing */

	check_choice(b, &(struct choice){.object = o,
					 .field = "spec.nodeSelectors",
					 .what = "Node",
					 .selectors = selectors,
					 .from = b->nodes.items,
					 .n = others ? b->nodes.n : 0});
}

static void check_peers(const struct findings *b, const struct world *world)
{
	const struct object_list peers =
		plan_objects(world, b->env->settings, API_BGP_PEER, b->arena, NULL);

	for (size_t i = 0; i < peers.n; i++)
		check_nodes(b, peers.items[i], &peers.items[i]->peer.node_selectors);
}

/* Selectors of Services are compared with each other alone. */
static void check_services(const struct findings *b, const struct api_object *o, const char *field,
			   const struct selectors *selectors)
{
	check_needless(b, &(struct choice){.object = o, .field = field, .selectors = selectors});
}

static void check_adverts(const struct findings *b)
{
	const struct plan_env *env = b->env;
	const struct api_object **pools =
		arena_array_of(b->arena, env->n_pools, const struct api_object *);

	for (size_t i = 0; i < env->n_pools; i++)
		pools[i] = env->pools[i].object;
	for (size_t i = 0; i < env->n_adverts; i++) {
		const struct api_object *o = env->adverts[i].object;
		const struct api_advertisement *spec = &o->advertisement;

		check_nodes(b, o, &spec->node_selectors);
		check_choice(b, &(struct choice){.object = o,
						 .field = "spec.ipAddressPoolSelectors",
						 .what = "IPAddressPool",
						 .selectors = &spec->pool_selectors,
						 .from = pools,
						 .n = env->n_pools});
		check_services(b, o, "spec.serviceSelectors", &spec->service_selectors);
	}
}

/* --- pools ----------------------------------------------------------------------------------- */

static void check_namespaces(const struct findings *b, const struct world *world,
			     const struct api_object *o)
{
	const struct world_list known = world_list(world, API_NAMESPACE);
	const struct api_strings *names = &o->pool.namespaces;

	if (world_may_hide(world, API_NAMESPACE))
		return;
	for (size_t i = 0; i < names->n && known.n > 0; i++)
		if (!world_find(world, API_NAMESPACE, "", names->items[i]))
			finding(b, SEVERITY_WARNING, o, "spec.serviceAllocation.namespaces",
				"UnknownNamespace", "create the Namespace, or correct the name",
				"there is no Namespace %s", names->items[i]);
	check_choice(b, &(struct choice){.object = o,
					 .field = "spec.serviceAllocation.namespaceSelectors",
					 .what = "Namespace",
					 .selectors = &o->pool.namespace_selectors,
					 .from = known.items,
					 .n = known.n});
}

static void check_pools(const struct findings *b, const struct world *world)
{
	for (size_t i = 0; i < b->env->n_pools; i++) {
		const struct env_pool *p = &b->env->pools[i];

		if (!p->advertised)
			finding(b, SEVERITY_WARNING, p->object, NULL, "PoolNotAdvertised",
				"create a BGPAdvertisement that names the pool",
				"no advertisement selects this pool");
		check_namespaces(b, world, p->object);
		check_services(b, p->object, "spec.serviceAllocation.serviceSelectors",
			       &p->object->pool.service_selectors);
	}
}

/* --- aliases --------------------------------------------------------------------------------- */

struct alias {
	const struct api_alias *alias;
	const struct api_object *object;
	size_t age; /* of the object, then its place there */
};

static int cmp_alias(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	const int cmp = strcmp(x->alias->name, y->alias->name);

	return cmp ? cmp : (x->age > y->age) - (x->age < y->age);
}

static bool same_value(const struct api_alias *a, const struct api_alias *b)
{
	struct community x = {0}, y = {0};

	return community_parse(a->value, &x) == COMMUNITY_OK &&
	       community_parse(b->value, &y) == COMMUNITY_OK && community_cmp(&x, &y) == 0;
}

/* Ruling 15: an error of who uses it, told there; who defines it is told here. */
static void check_aliases(const struct findings *b, const struct world *world)
{
	const struct object_list list =
		plan_objects(world, b->env->settings, API_COMMUNITY, b->arena, NULL);
	struct alias *all = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; k < list.items[i]->community.n; k++)
			*(struct alias *)arena_push(b->arena, &all, &n, &cap, sizeof(*all)) =
				(struct alias){&list.items[i]->community.items[k], list.items[i],
					       n};
	plan_sort(all, n, sizeof(*all), cmp_alias);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (strcmp(all[first].alias->name, all[i].alias->name) != 0) {
			first = i;
			continue;
		}
		if (!same_value(all[first].alias, all[i].alias))
			finding(b, SEVERITY_WARNING, all[i].object, "spec.communities",
				"AliasRedefined", "give the alias one value everywhere",
				"alias %s has another value in Community %s: who uses it is held "
				"back",
				all[i].alias->name, all[first].object->meta.name);
	}
}

void plan_env_findings(const struct plan_inputs *in, struct arena *arena, struct plan_env *env)
{
	struct findings b = {.env = env, .arena = arena};

	if (!world_may_hide(in->world, API_NODE))
		b.nodes = world_list(in->world, API_NODE);
	check_peers(&b, in->world);
	check_adverts(&b);
	check_pools(&b, in->world);
	check_aliases(&b, in->world);
}
