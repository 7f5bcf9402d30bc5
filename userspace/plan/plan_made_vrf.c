// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which VRFs are to be there by us. Those that peers have asked for come with the environment
 * (plan_peer_vrf.c). One that is there stays as long as any peer names it, whether or not it still
 * asks for it to be made, and as long as something is served in it: what leaves a VRF leaves it by
 * the gates, and a VRF that went first would cut it short.
 */
#include "plan/plan_made_vrf.h"

#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_links.h"
#include "plan/plan_sort.h"

static int cmp_made(const void *a, const void *b)
{
	const struct plan_made_vrf *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool is_in_use(const struct plan_draft *d, const struct plan_link *vrf)
{
	const struct plan_actual *actual = d->in->actual;

	if (!d->in->synced)
		return true;
	for (size_t i = 0; i < d->env.n_peers; i++)
		if (strcmp(d->env.peers[i].key.vrf, vrf->name) == 0)
			return true;
	for (size_t i = 0; i < actual->n_frontends; i++)
		if (actual->frontends[i].key.domain == vrf->table)
			return true;
	return false;
}

void plan_draft_made_vrfs(struct plan_draft *d)
{
	const struct plan_node *node = d->in->node;
	struct plan_made_vrf *made =
		arena_array_of(d->arena, d->env.n_made_vrfs + node->n_links, struct plan_made_vrf);
	size_t n = 0;

	for (size_t i = 0; i < d->env.n_made_vrfs && !d->env.observes; i++)
		made[n++] = d->env.made_vrfs[i];
	for (size_t i = 0; i < node->n_links; i++) {
		const struct plan_link *link = &node->links[i];

		if (link->made_here && is_in_use(d, link))
			made[n++] = (struct plan_made_vrf){
				.name = link->name, .table = link->table, .ns = "", .peer = ""};
	}
	d->plan->n_made_vrfs = plan_sort_unique(made, n, sizeof(*made), cmp_made);
	d->plan->made_vrfs = made;
}

static struct plan_vrf_op *add(struct arena *arena, struct plan_vrf_op **ops, size_t *n,
			       size_t *cap)
{
	return arena_push(arena, ops, n, cap, sizeof(**ops));
}

size_t plan_vrf_ops(const struct plan_made_vrf *want, size_t n, const struct plan_node *node,
		    struct arena *arena, struct plan_vrf_op **ret)
{
	size_t n_ops = 0, cap = 0;

	*ret = NULL;
	for (size_t i = 0; i < n; i++)
		if (!plan_link_named(node, want[i].name))
			*add(arena, ret, &n_ops, &cap) =
				(struct plan_vrf_op){.made = &want[i], .name = want[i].name};
	for (size_t i = 0; i < node->n_links; i++) {
		const struct plan_link *link = &node->links[i];
		const struct plan_made_vrf key = {.name = link->name};

		if (link->made_here && !sorted_find(&key, want, n, sizeof(*want), cmp_made))
			*add(arena, ret, &n_ops, &cap) =
				(struct plan_vrf_op){.name = link->name, .ifindex = link->ifindex};
	}
	return n_ops;
}
