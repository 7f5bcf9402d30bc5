// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who can be reached again: a way to a router that was not there, a neighbour that has appeared,
 * what BFD (bfd_lines.c) and a router's own advertisement (unnumbered.c) say. The pause before the
 * next attempt is not waited for then (docs/decisions/040).
 */
#include "agent/peers_inside.h"
#include "plan/plan_links.h"

void peer_nudge(struct agent_peer *p, nsec_t now, const char *why)
{
	if (p->is_drained || p->is_held)
		return;
	peer_history_add(&p->history, now, "tried again at once: %s", why);
	bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_NUDGE);
	peer_pump(p, now);
}

/* By the table of its VRF. */
static bool is_reachable(const struct plan_node *node, const struct plan_peer *c)
{
	const bool in_vrf = c->key.vrf[0] != '\0';
	const struct plan_link *vrf = in_vrf ? plan_link_named(node, c->key.vrf) : NULL;
	const struct plan_route_to *way =
		in_vrf && !vrf ? NULL : plan_way_to(node, &c->address, vrf ? vrf->ifindex : 0);
	const struct plan_link *link = way ? plan_link_find(node, way->ifindex) : NULL;

	return link && link->up;
}

void agent_peers_node(struct agent_peers *all, const struct plan_node *node, nsec_t now)
{
	for (size_t i = 0; i < all->n; i++) {
		struct agent_peer *p = all->items[i];
		const bool was_reachable = p->is_reachable;

		p->is_reachable = is_reachable(node, &p->config);
		if (p->is_reachable && !was_reachable &&
		    bgp_peer_info(p->bgp).state < BGP_OPEN_SENT)
			peer_nudge(p, now, "there is a way to it now");
	}
}

void agent_peers_neighbours(struct agent_peers *all, nsec_t now)
{
	for (size_t i = 0; i < all->n; i++) {
		struct agent_peer *p = all->items[i];

		if (!p->has_no_answer || p->links[BGP_SLOT_DIALLED].fd >= 0 ||
		    now < nsec_add(p->nudged_at, NSEC_PER_SEC))
			continue;
		p->nudged_at = now;
		peer_nudge(p, now, "a neighbour has appeared");
	}
}
