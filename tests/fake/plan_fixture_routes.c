// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The ways to the peers, as the node of plan_fixture.h has them, and its VRFs. */
#include "fake/plan_fixture.h"
#include "plan/plan_links.h"

#include <assert.h>

/* By the first device that is in the VRF. */
static void lead_by_vrf(const struct fixture *f, struct plan_route_to *way)
{
	for (size_t i = 0; i < f->node.n_links; i++) {
		const struct plan_link *link = &f->node.links[i];

		if (!link->table && link->master == way->vrf && way->ifindex == 0)
			way->ifindex = link->ifindex;
	}
	for (size_t i = 0; i < f->node.n_addrs; i++)
		if (f->node.addrs[i].ifindex == way->ifindex)
			way->source = f->node.addrs[i].addr;
}

static void lead(const struct fixture *f, struct plan_route_to *way)
{
	const bool by_eth1 = f->by_eth1.len > 0 && ip_prefix_has(&f->by_eth1, &way->to);

	if (way->vrf) {
		lead_by_vrf(f, way);
		return;
	}
	way->ifindex = by_eth1 ? 3 : 2;
	way->source = f->addrs[by_eth1].addr;
}

static int cmp_way(const struct plan_route_to *a, const struct plan_route_to *b)
{
	return ip_addr_equal(&a->to, &b->to) ? a->vrf - b->vrf : ip_addr_cmp(&a->to, &b->to);
}

static void add_route_to(struct fixture *f, const struct ip_addr *to, int vrf)
{
	struct plan_route_to way = {.to = *to, .vrf = vrf};
	size_t i;

	for (i = 0; i < f->node.n_routes_to; i++)
		if (cmp_way(&f->routes_to[i], &way) == 0)
			return;
	assert(i < ARRAY_SIZE(f->routes_to));
	if (!f->no_route)
		lead(f, &way);
	for (; i > 0 && cmp_way(&f->routes_to[i - 1], &way) > 0; i--)
		f->routes_to[i] = f->routes_to[i - 1];
	f->routes_to[i] = way;
	f->node.n_routes_to++;
}

static int vrf_named(const struct fixture *f, const char *name)
{
	const struct plan_link *link = plan_link_named(&f->node, name);

	return link && link->table ? link->ifindex : 0;
}

void fixture_observe_routes(struct fixture *f)
{
	const struct world_list peers = world_list(f->world, API_BGP_PEER);

	f->node.n_routes_to = 0;
	for (size_t i = 0; i < peers.n; i++) {
		const struct api_peer *p = &peers.items[i]->peer;
		const int vrf = p->vrf ? vrf_named(f, p->vrf) : 0;

		if (vrf || !p->vrf)
			add_route_to(f, &p->address, vrf);
	}
}

void fixture_add_vrf(struct fixture *f, int ifindex, const char *name, uint32_t table, int member)
{
	assert(f->node.n_links < ARRAY_SIZE(f->links));
	f->links[f->node.n_links++] =
		(struct plan_link){.ifindex = ifindex, .name = name, .up = true, .table = table};
	for (size_t i = 0; i < f->node.n_links; i++)
		if (f->links[i].ifindex == member)
			f->links[i].master = ifindex;
}
