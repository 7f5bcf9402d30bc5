// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which families a session offers, and by which addresses of ours their routes are reached. A
 * session carries the family of its own addresses, and with dualStackAddressFamily both. The next
 * hop of its own family is its own end, which the kernel chooses; that of the other family is the
 * lowest global address of the device by which the peer is reached. Without one the family is not
 * announced there, and the operator is told; but for IPv4 routes over IPv6, which the router may
 * take with an IPv6 next hop (RFC 8950), if both sides say so in their OPENs. A session by
 * interface carries both, and our link-local address alone is the next hop of all: of no other is
 * it known that the router can reach it.
 */
#include "plan/plan_family.h"
#include "plan/plan_peers.h"

static bool is_on(const struct plan_local_addr *a, int ifindex, enum ip_family family)
{
	return a->ifindex == ifindex && ip_family_of(&a->addr) == family;
}

/* Global, and there to stay: not a temporary address (RFC 8981) or one that is on its way out. */
static bool is_lasting(const struct plan_local_addr *a)
{
	return !a->passing && !ip_addr_is_link_local(&a->addr) && !ip_addr_is_loopback(&a->addr);
}

/* Of the device's addresses that routers can reach; none: it has none. */
static struct ip_addr global_of(const struct plan_node *node, int ifindex, enum ip_family family)
{
	struct ip_addr lowest = {0};

	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];

		if (is_on(a, ifindex, family) && is_lasting(a) &&
		    (ip_addr_is_none(&lowest) || ip_addr_cmp(&a->addr, &lowest) < 0))
			lowest = a->addr;
	}
	return lowest;
}

/* RFC 2545 3: the peer is on a link of ours, of which one of the device's prefixes is. */
bool peer_is_shared(const struct plan_node *node, int ifindex, const struct ip_addr *peer)
{
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];
		const struct ip_prefix net = ip_prefix_of(&a->addr, a->len);

		if (is_on(a, ifindex, ip_family_of(peer)) && a->len < ip_addr_bits(peer) &&
		    ip_prefix_has(&net, peer))
			return true;
	}
	return false;
}

static const char *device_name(const struct plan_node *node, int ifindex)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].ifindex == ifindex)
			return node->links[i].name;
	return "its device";
}

/* Of the family that is not the session's own. */
static void no_next_hop(struct peers_build *b, const struct peer_candidate *c, enum ip_family other)
{
	const char *device = device_name(b->in->node, c->peer.ifindex);

	peer_problem(b, SEVERITY_WARNING, c, "spec.dualStackAddressFamily", "NoNextHop",
		     arena_printf(b->arena, "give %s a global %s address", device,
				  ip_family_text(other)),
		     "%s has no global %s address, which would be the next hop: no %s routes are "
		     "announced to this peer",
		     device, ip_family_text(other), ip_family_text(other));
}

void peer_session_hops(struct peers_build *b, struct peer_candidate *c)
{
	const enum ip_family own = ip_family_of(&c->peer.address);
	const enum ip_family other = own == IP_V4 ? IP_V6 : IP_V4;
	const struct plan_node *node = b->in->node;
	struct bgp_next_hops *hops = &c->peer.next_hops;
	struct bgp_peer_config *bgp = &c->peer.bgp;
	struct ip_addr hop = {0};

	if (c->spec->interface) {
		bgp->families = c->peer.carried = (struct bgp_families){
			BGP_FAMILY_BIT(BGP_IPV4_UNICAST) | BGP_FAMILY_BIT(BGP_IPV6_UNICAST)};
		bgp->extended_next_hop = true;
		return;
	}
	bgp_families_put(&bgp->families, plan_bgp_family(own), true);
	bgp_families_put(&bgp->families, plan_bgp_family(other), c->spec->dual_stack);
	bgp_families_put(&c->peer.carried, plan_bgp_family(own), true);
	bgp->extended_next_hop = own == IP_V6 && c->spec->dual_stack;
	if (c->peer.ifindex == 0)
		return; /* no way to it is known: nor is there a session */
	if (peer_is_shared(node, c->peer.ifindex, &c->peer.address))
		hops->ipv6_link_local = peer_link_local_of(node, c->peer.ifindex);
	if (!c->spec->dual_stack)
		return;
	hop = global_of(node, c->peer.ifindex, other);
	*(other == IP_V4 ? &hops->ipv4 : &hops->ipv6) = hop;
	bgp_families_put(&c->peer.carried, plan_bgp_family(other),
			 !ip_addr_is_none(&hop) || bgp->extended_next_hop);
	if (ip_addr_is_none(&hop) && !bgp->extended_next_hop)
		no_next_hop(b, c, other);
}
