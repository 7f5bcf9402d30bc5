// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the planner and the allocator both ask the world: the objects of a kind that count here, in
 * age order, the labels of this node, and whether a Service is ours at all. Nothing is kept; lists
 * live in the caller's arena and point into the world.
 */
#pragma once

#include "plan/plan.h"
#include "plan/plan_family.h"

struct object_list {
	const struct api_object **items;
	size_t n;
};

static inline const char *plan_text(const char *s)
{
	return s ? s : "";
}

/*
 * MetalLB's objects of one kind, oldest first: those of settings->ns, and those without a
 * namespace. Objects of other namespaces add a warning each (MetalLB does not look at them either),
 * unless `problems` is NULL.
 */
struct object_list plan_objects(const struct world *world, const struct plan_settings *settings,
				enum api_kind kind, struct arena *arena, struct problems *problems);

/* The labels of this node; without a Node object kubernetes.io/hostname alone is assumed. */
struct labels plan_node_labels(const struct world *world, const struct plan_settings *settings,
			       struct arena *arena);
const struct api_object *plan_node_object(const struct world *world,
					  const struct plan_settings *settings);

/* The LodestoneConfig of that name, or NULL. */
const struct api_object *plan_config_object(const struct world *world, const char *name);
/* spec.strict of this node's LodestoneConfig, else of the one for all. */
bool plan_is_strict(const struct world *world, const struct plan_settings *settings);

/* Type LoadBalancer, not headless, of our class (metallb.md 2.2) and no other proxy's. */
bool plan_service_is_ours(const struct plan_settings *settings, const struct api_object *o);

/* The list holds the string. */
bool plan_strings_have(const struct api_strings *list, const char *s);

/* Adds a problem about an object of the world: severity, field, reason, remedy, message. */
#define object_problem(list, severity_, o, field_, reason_, remedy_, ...)                          \
	do {                                                                                       \
		const struct object_ref ref_ = api_object_ref(o);                                  \
		const struct problem_text text_ = {                                                \
			.field = (field_), .reason = (reason_), .remedy = (remedy_)};              \
		problem_add((list), (severity_), &ref_, &text_, __VA_ARGS__);                      \
	} while (0)
