// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Views of the world shared by the planner and the allocator. Age order (DESIGN 4) is made here,
 * once, so that "oldest owns" and "newest wins" mean the same everywhere: lists are oldest first.
 */
#include "plan/plan_objects.h"

static int cmp_age(const void *a, const void *b)
{
	const struct api_object *const *x = a, *const *y = b;

	return api_object_age_cmp(*x, *y);
}

struct object_list plan_objects(const struct world *world, const struct plan_settings *settings,
				enum api_kind kind, struct arena *arena, struct problems *problems)
{
	const struct world_list all = world_list(world, kind);
	struct object_list ret = {.items = arena_array_of(arena, all.n, const struct api_object *)};

	for (size_t i = 0; i < all.n; i++) {
		const struct api_object *o = all.items[i];
		const char *ns = plan_text(o->meta.ns);

		if (ns[0] == '\0' || strcmp(ns, settings->ns) == 0)
			ret.items[ret.n++] = o;
		else if (problems)
			object_problem(problems, SEVERITY_WARNING, o, "metadata.namespace",
				       "WrongNamespace",
				       arena_printf(arena,
						    "move it to namespace %s, or start the agent "
						    "with --namespace %s",
						    settings->ns, ns),
				       "only objects of namespace %s are acted on", settings->ns);
	}
	qsort(ret.items, ret.n, sizeof(*ret.items), cmp_age);
	return ret;
}

const struct api_object *plan_node_object(const struct world *world,
					  const struct plan_settings *settings)
{
	const struct world_list nodes = world_list(world, API_NODE);

	for (size_t i = 0; i < nodes.n; i++)
		if (strcmp(nodes.items[i]->meta.name, settings->node_name) == 0)
			return nodes.items[i];
	return NULL;
}

const struct api_object *plan_config_object(const struct world *world, const char *name)
{
	const struct world_list all = world_list(world, API_LODESTONE_CONFIG);

	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i]->meta.name, name) == 0)
			return all.items[i];
	return NULL;
}

bool plan_is_strict(const struct world *world, const struct plan_settings *settings)
{
	const struct api_object *o = plan_config_object(world, settings->node_name);

	if (!o || !(o->config.set & API_CONFIG_STRICT))
		o = plan_config_object(world, "default");
	return o && o->config.set & API_CONFIG_STRICT && o->config.strict;
}

struct labels plan_node_labels(const struct world *world, const struct plan_settings *settings,
			       struct arena *arena)
{
	const struct api_object *node = plan_node_object(world, settings);
	struct label *assumed;

	if (node)
		return node->meta.labels;
	assumed = arena_new_of(arena, struct label);
	*assumed = (struct label){.key = "kubernetes.io/hostname", .value = settings->node_name};
	return (struct labels){.items = assumed, .n = 1};
}

bool plan_service_is_ours(const struct plan_settings *settings, const struct api_object *o)
{
	const struct api_service *s = &o->service;

	if (!s->is_load_balancer || s->is_headless || s->is_of_other_proxy)
		return false;
	if (!settings->lb_class)
		return !s->lb_class;
	return s->lb_class && strcmp(s->lb_class, settings->lb_class) == 0;
}

bool plan_strings_have(const struct api_strings *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], s) == 0)
			return true;
	return false;
}
