// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Asked of all that is planned and of all that the store has, so that a backend
 * that drains keeps its way as long as its flows do; without a VRF neither is looked through.
 */
#include "plan/plan_vrf_pods.h"

#include "plan/plan_sort.h"

struct pods_build {
	const struct plan_node *node;
	struct plan_own_sockets *own;
	struct arena *arena;
	struct plan_vrf_pod *items;
	size_t n, cap;
};

static bool has_vrf(const struct plan_node *node)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].table)
			return true;
	return false;
}

static bool is_own(const struct plan_node *node, const struct ip_addr *a)
{
	for (size_t i = 0; i < node->n_addrs; i++)
		if (ip_addr_equal(&node->addrs[i].addr, a))
			return true;
	return false;
}

static void note_own(struct plan_own_sockets *own, const struct plan_vrf_pod *pod)
{
	if (pod->proto == API_TCP)
		own->tcp = pod->addr;
	else if (pod->proto == API_UDP)
		own->udp = pod->addr;
}

static void add(struct pods_build *b, const struct lb_key *key, const struct lb_target *targets,
		size_t n)
{
	for (size_t i = 0; key->domain != 0 && i < n; i++) {
		struct plan_vrf_pod *pod =
			arena_push(b->arena, &b->items, &b->n, &b->cap, sizeof(*pod));

		pod->domain = key->domain;
		pod->proto = key->proto;
		pod->port = targets[i].port;
		pod->addr = targets[i].addr;
		pod->is_own = is_own(b->node, &pod->addr);
		if (pod->is_own)
			note_own(b->own, pod);
	}
}

void plan_vrf_pods(const struct plan_inputs *in, const struct plan_arrangement *arranged,
		   struct arena *arena, struct plan_blackholes *ret,
		   struct plan_own_sockets *ret_own)
{
	struct pods_build b = {.node = in->node, .own = ret_own, .arena = arena};

	if (!has_vrf(in->node))
		return;
	for (size_t i = 0; i < arranged->ports.n; i++) {
		const struct lb_frontend *f = &arranged_port(arranged, i)->lb;

		add(&b, &f->key, f->targets, f->n_targets);
	}
	for (size_t i = 0; i < in->actual->n_frontends; i++) {
		const struct lb_actual *f = &in->actual->frontends[i];

		add(&b, &f->key, f->targets, f->n_targets);
	}
	ret->n_pods = plan_sort_unique(b.items, b.n, sizeof(*b.items), plan_vrf_pod_cmp);
	ret->pods = b.items;
}
