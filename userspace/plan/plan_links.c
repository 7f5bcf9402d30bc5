// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "plan/plan_links.h"

/* Neither masters nor VLANs go in a ring, so there is an end to it; a broken picture has one by
 * this. */
#define STEPS_MAX 8

const struct plan_link *plan_link_find(const struct plan_node *node, int ifindex)
{
	for (size_t i = 0; ifindex != 0 && i < node->n_links; i++)
		if (node->links[i].ifindex == ifindex)
			return &node->links[i];
	return NULL;
}

const struct plan_link *plan_link_named(const struct plan_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (strcmp(node->links[i].name, name) == 0)
			return &node->links[i];
	return NULL;
}

const struct plan_link *plan_link_vrf(const struct plan_node *node, const struct plan_link *link)
{
	for (unsigned i = 0; link && i < STEPS_MAX; i++) {
		if (link->table)
			return link;
		link = plan_link_find(node, link->master);
	}
	return NULL;
}

uint16_t plan_link_domain(const struct plan_node *node, const struct plan_link *link)
{
	const struct plan_link *vrf = plan_link_vrf(node, link);

	if (!vrf)
		return 0;
	return vrf->table < UINT16_MAX ? (uint16_t)vrf->table : UINT16_MAX;
}

const struct plan_link *plan_link_carrier(const struct plan_node *node, int ifindex)
{
	const struct plan_link *link = plan_link_find(node, ifindex);

	for (unsigned i = 0; link && link->tag && i < STEPS_MAX; i++) {
		const struct plan_link *below = plan_link_find(node, link->lower);

		if (!below)
			return link;
		link = below;
	}
	return link;
}

const struct plan_route_to *plan_way_to(const struct plan_node *node, const struct ip_addr *to,
					int vrf)
{
	for (size_t i = 0; i < node->n_routes_to; i++)
		if (node->routes_to[i].vrf == vrf && ip_addr_equal(&node->routes_to[i].to, to))
			return &node->routes_to[i];
	return NULL;
}
