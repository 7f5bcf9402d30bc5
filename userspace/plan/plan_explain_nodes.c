// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the objects make of a Service on the other nodes: the environment and the fragment that the
 * agent there makes, as far as they follow from objects. Its links and addresses are not known
 * here, nor its last good versions, sessions and data plane.
 */
#include "plan/plan_explain.h"

#include "plan/plan_draft.h"

static void add_peers(const struct plan_env *env, const struct plan_fragment *f,
		      struct arena *arena, struct api_strings *ret)
{
	const char **names = arena_array_of(arena, env->n_peers, const char *);
	uint64_t peers = 0;

	for (size_t i = 0; i < f->n_claims; i++)
		peers |= plan_claim_peers(env, &f->claims[i], f->claims[i].by->peers);
	for (; peers; peers &= peers - 1)
		names[ret->n++] = env->peers[__builtin_ctzll(peers)].key.name;
	ret->items = names;
}

static const char *reason_of(const struct plan_env *env, const struct plan_fragment *f)
{
	const char *reason = "noIPAllocated";

	for (size_t i = 0; i < f->n_ports; i++) {
		if (f->ports[i].row.announced)
			return env->drained    ? "nodeDrained"
			       : env->observes ? "nodeObserves"
					       : "announced";
		if (i == 0)
			reason = f->ports[i].row.reason;
	}
	return reason;
}

static void explain_node(const struct plan_draft *d, const struct api_object *node,
			 struct plan_service_input *input, struct plan_explained_node *ret)
{
	const struct plan_settings settings = {
		.node_name = node->meta.name,
		.ns = d->in->settings->ns,
		.lb_class = d->in->settings->lb_class,
		.dataplane = true,
		.drain_told = true,
	};
	const struct plan_node unknown = {0};
	const struct plan_actual nothing = {0};
	const struct plan_ledger empty = {0};
	const struct plan_inputs in = {.world = d->in->world,
				       .addresses = d->in->addresses,
				       .node = &unknown,
				       .actual = &nothing,
				       .settings = &settings,
				       .synced = d->in->synced};
	struct plan_env *env = arena_new_of(d->arena, struct plan_env);
	const struct plan_fragment *f;

	plan_env_build(&in, &empty, d->arena, env);
	f = plan_service(env, input, d->arena);
	ret->name = node->meta.name;
	ret->reason = reason_of(env, f);
	ret->announces = strcmp(ret->reason, "announced") == 0;
	if (ret->announces)
		add_peers(env, f, d->arena, &ret->peers);
}

void plan_explain_nodes(const struct plan_draft *d, const struct api_object *service,
			struct plan_explain *ret)
{
	const struct world_list nodes = world_list(d->in->world, API_NODE);
	struct plan_service_input input = plan_explain_input(d, service);

	ret->nodes = arena_array_of(d->arena, nodes.n, struct plan_explained_node);
	for (size_t i = 0; i < nodes.n; i++) {
		if (strcmp(nodes.items[i]->meta.name, d->in->settings->node_name) == 0)
			continue;
		if (ret->n_nodes == PLAN_EXPLAIN_NODES)
			ret->n_nodes_left_out++;
		else
			explain_node(d, nodes.items[i], &input, &ret->nodes[ret->n_nodes++]);
	}
}
