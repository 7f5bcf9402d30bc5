// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sources that are to reach no VIP: the lists of all LodestoneConfigs that are this node's add up.
 * Beside `default` and the node's own these are objects whose name goes on behind a dot, such as
 * default.list-1, so that a long list may be divided; of such a one nothing else counts.
 */
#include "plan/plan_draft.h"

/* The object's name is this one, or goes on behind it. */
static bool is_of(const char *object, const char *name, bool *ret_goes_on)
{
	const size_t len = strlen(name);

	if (strncmp(object, name, len) != 0 || (object[len] != '\0' && object[len] != '.'))
		return false;
	*ret_goes_on = object[len] == '.';
	return true;
}

static bool is_ours(const struct plan_draft *d, const struct api_object *o, bool *ret_goes_on)
{
	const char *node = d->in->settings->node_name;

	/* Its own may itself go on behind another: nodes have dots in their names. */
	if (is_of(o->meta.name, node, ret_goes_on) && !*ret_goes_on)
		return true;
	return is_of(o->meta.name, "default", ret_goes_on) ||
	       is_of(o->meta.name, node, ret_goes_on);
}

static void check_rest(struct plan_draft *d, const struct api_object *o)
{
	if (o->config.set)
		object_problem(
			&d->plan->problems, SEVERITY_WARNING, o, "spec", "NoEffect",
			"write the other fields into LodestoneConfig default, or into the "
			"node's",
			"nothing but spec.dataplane.deny counts in an object whose name goes "
			"on behind a dot");
}

void plan_draft_denied(struct plan_draft *d)
{
	const struct world_list all = world_list(d->in->world, API_LODESTONE_CONFIG);
	struct lb_denied *lists = arena_array_of(d->arena, all.n, struct lb_denied);
	size_t n = 0;

	for (size_t i = 0; i < all.n; i++) {
		const struct api_object *o = all.items[i];
		bool goes_on = true;

		if (!is_ours(d, o, &goes_on))
			continue;
		if (goes_on)
			check_rest(d, o);
		if (o->config.n_deny > 0)
			lists[n++] = (struct lb_denied){
				.name = o->hash, .sources = o->config.deny, .n = o->config.n_deny};
	}
	d->plan->denied = lists;
	d->plan->n_denied = n;
	d->plan->keeps_denied = !d->in->synced;
}
