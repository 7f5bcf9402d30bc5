// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The two ends of a session by interface (spec.interface): our own link-local address there and
 * the router's, which it says itself in router advertisements. Neither is known from the
 * configuration, and both may come and go; a link that is down has no ends, so its session is over
 * at once and begins anew with whom is heard then. The address is none until the router was heard,
 * the source as long as the link cannot be used.
 */
#include "plan/plan_links.h"
#include "plan/plan_peers.h"

struct ip_addr peer_link_local_of(const struct plan_node *node, int ifindex)
{
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];

		if (a->ifindex == ifindex && !ip_addr_is_v4(&a->addr) &&
		    ip_addr_is_link_local(&a->addr))
			return a->addr;
	}
	return (struct ip_addr){0};
}

static struct ip_addr router_on(const struct plan_node *node, int ifindex)
{
	for (size_t i = 0; i < node->routers.n; i++)
		if (node->routers.items[i].ifindex == ifindex)
			return node->routers.items[i].addr;
	return (struct ip_addr){0};
}

static void no_source(struct peers_build *b, const struct peer_candidate *c)
{
	if (!ip_addr_is_none(&c->spec->source_address))
		peer_problem(b, SEVERITY_WARNING, c, "spec.sourceAddress", "NoEffect", "remove it",
			     "a session by interface comes from the interface's link-local "
			     "address");
}

void peer_link_ends(struct peers_build *b, struct peer_candidate *c)
{
	const struct plan_link *link = plan_link_named(b->in->node, c->spec->interface);

	no_source(b, c);
	if (!link) {
		peer_problem(b, SEVERITY_ERROR, c, "spec.interface", "InterfaceMissing",
			     "correct the name, or create the interface",
			     "this node has no interface %s; the session begins once it is there",
			     c->spec->interface);
		return;
	}
	if (!peer_vrf_has(b, c, link))
		return;
	c->peer.ifindex = link->ifindex;
	if (!link->up)
		return; /* which the session says itself */
	c->peer.source = peer_link_local_of(b->in->node, link->ifindex);
	if (!ip_addr_is_none(&c->peer.source))
		c->peer.address = router_on(b->in->node, link->ifindex);
}
