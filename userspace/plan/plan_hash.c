// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Field by field: a hash over whole structs would depend on their padding. */
#include "plan/plan_hash.h"

#include "base/hash.h"

uint64_t plan_hash_world(uint64_t h, const struct world *w, bool services)
{
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		if ((kind != API_SERVICE || services) && kind != API_ENDPOINT_SLICE &&
		    kind != API_ENDPOINTS)
			h = hash_u64(h, world_kind_generation(w, kind));
		h = hash_u64(h, world_may_hide(w, kind));
	}
	return h;
}

uint64_t plan_hash_node(uint64_t h, const struct plan_node *node)
{
	h = hash_u64(hash_u64(hash_u64(h, node->n_links), node->n_addrs), node->n_routes_to);
	h = hash_u64(hash_u64(h, node->routers.n), node->n_gateways);
	for (size_t i = 0; i < node->n_links; i++) {
		const struct plan_link *l = &node->links[i];

		h = hash_str(hash_u64(h, (uint64_t)l->ifindex << 1 | l->up), l->name);
		h = hash_u64(h, (uint64_t)l->master << 32 | l->table);
	}
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];

		h = hash_bytes(h, &a->addr, sizeof(a->addr));
		h = hash_u64(hash_u64(h, a->len), (uint64_t)a->ifindex << 1 | a->passing);
	}
	for (size_t i = 0; i < node->n_routes_to; i++) {
		const struct plan_route_to *r = &node->routes_to[i];

		h = hash_bytes(h, &r->to, sizeof(r->to));
		h = hash_bytes(h, &r->source, sizeof(r->source));
		h = hash_u64(h, (uint64_t)r->vrf << 32 | (uint64_t)r->ifindex);
	}
	for (size_t i = 0; i < node->n_gateways; i++) {
		const struct plan_gateway *hop = &node->gateways[i];

		h = hash_u64(hash_bytes(h, &hop->addr, sizeof(hop->addr)), (uint64_t)hop->ifindex);
	}
	for (size_t i = 0; i < node->routers.n; i++) {
		h = hash_u64(h, (uint64_t)node->routers.items[i].ifindex);
		h = hash_bytes(h, &node->routers.items[i].addr,
			       sizeof(node->routers.items[i].addr));
	}
	return h;
}

uint64_t plan_hash_settings(uint64_t h, const struct plan_settings *s)
{
	h = hash_str(hash_str(hash_str(h, s->node_name), s->ns), s->lb_class);
	return hash_u64(hash_u64(hash_u64(h, s->dataplane), s->drained), s->drain_told);
}
