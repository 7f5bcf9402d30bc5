// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Ways to where packets are sent that are not for this node: to other nodes, and to real servers
 * beyond them, which Services have (lodestone.io/forwarding) or had, as long as those drain. To
 * whom ways are looked for, and which of those that were found are for our uplinks; and what is
 * said of them: not enough room for what goes before a packet, and real servers on no link.
 */
#include "plan/plan_draft.h"
#include "plan/plan_links.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* A target that is a real server, by one way; of several Services the first. */
struct server {
	struct ip_addr addr;
	enum lb_way way;
	const struct api_object *service; /* NULL: it is no Service's any more */
	size_t n_hops, n_on_link; /* of its ways: how many are known, and without a router */
};

struct servers {
	struct server *items; /* by address, way */
	size_t n, cap;
};

static int cmp_server(const void *a, const void *b)
{
	const struct server *x = a, *y = b;
	const int cmp = ip_addr_cmp(&x->addr, &y->addr);

	return cmp ? cmp : (x->way > y->way) - (x->way < y->way);
}

/* --- to whom ---------------------------------------------------------------------------------- */

static void add_server(struct plan_draft *d, struct servers *s, const struct lb_target *t,
		       const struct api_object *service)
{
	if (t->way == LB_BY_TUNNEL)
		return;
	*(struct server *)arena_push(d->scratch, &s->items, &s->n, &s->cap, sizeof(*s->items)) =
		(struct server){.addr = t->node, .way = t->way, .service = service};
}

/* Of the whole plan, whatever part of it is made anew. */
static struct servers list_servers(struct plan_draft *d)
{
	const struct plan_arrangement *a = d->arranged;
	struct servers ret = {.n = 0};

	for (size_t i = 0; (i = arranged_marked(a, PLAN_MARK_SERVERS, i)) < a->n; i++)
		for (size_t k = 0; k < d->fragments[i]->n_ports; k++) {
			const struct lb_frontend *lb = &d->fragments[i]->ports[k].lb;

			for (size_t t = 0; t < lb->n_targets; t++)
				add_server(d, &ret, &lb->targets[t], d->fragments[i]->service);
		}
	for (size_t i = 0; i < d->ledger->n_drains; i++)
		add_server(d, &ret, &d->ledger->drains[i].target, NULL);
	ret.n = plan_sort_unique(ret.items, ret.n, sizeof(*ret.items), cmp_server);
	return ret;
}

static int cmp_end(const void *a, const void *b)
{
	const struct plan_way_end *x = a, *y = b;

	return ip_addr_cmp(&x->addr, &y->addr);
}

/* A real server at a node's address is reached from where that is. */
static void set_ends(struct plan_draft *d, const struct servers *servers)
{
	const struct plan *plan = d->plan;
	const size_t most = plan->n_remotes + servers->n;
	struct plan_way_end *ends = arena_array_of(d->arena, most, struct plan_way_end);
	size_t n = 0, r = 0, s = 0;

	while (r < plan->n_remotes || s < servers->n) {
		const int cmp = r == plan->n_remotes ? 1
				: s == servers->n    ? -1
						     : ip_addr_cmp(&plan->remotes[r].addr,
								   &servers->items[s].addr);

		if (cmp <= 0) {
			ends[n].addr = plan->remotes[r++].addr;
			ends[n].source = plan->tunnel_ends[ip_family_of(&ends[n].addr)];
		} else {
			ends[n].addr = servers->items[s].addr;
		}
		while (s < servers->n && ip_addr_equal(&servers->items[s].addr, &ends[n].addr))
			ends[n].by_any |= servers->items[s++].way == LB_BY_NAT;
		assert(n == 0 || cmp_end(&ends[n - 1], &ends[n]) < 0);
		n++;
	}
	d->plan->way_ends = ends;
	d->plan->n_way_ends = n;
}

/* --- by which way ------------------------------------------------------------------------------
 */

/* That the address is one's, which is not before the one that was asked for last. */
static bool next_is_end(const struct plan *plan, size_t *at, const struct ip_addr *addr)
{
	int cmp = -1;

	while (*at < plan->n_way_ends && (cmp = ip_addr_cmp(&plan->way_ends[*at].addr, addr)) < 0)
		++*at;
	return cmp == 0;
}

static int cmp_server_addr(const void *key, const void *item)
{
	return ip_addr_cmp(key, &((const struct server *)item)->addr);
}

/* The first of them with this address. */
static size_t first_server(const struct servers *s, const struct ip_addr *addr)
{
	return plan_lower_bound(addr, s->items, s->n, sizeof(*s->items), cmp_server_addr);
}

static bool is_translated(const struct servers *s, const struct ip_addr *addr)
{
	for (size_t i = first_server(s, addr); i < s->n && ip_addr_equal(&s->items[i].addr, addr);
	     i++)
		if (s->items[i].way == LB_BY_NAT)
			return true;
	return false;
}

/* It comes in by one of our uplinks, and leaves by one. */
static bool is_uplink(const struct plan *plan, int ifindex)
{
	for (size_t i = 0; i < plan->n_devices; i++)
		if (plan->devices[i].ifindex == ifindex && plan->devices[i].xdp &&
		    plan->devices[i].domain == 0)
			return true;
	return false;
}

/* tc sends by it, and takes what comes in by it, where that has an Ethernet header. */
static bool is_for_tc(const struct plan_draft *d, int ifindex)
{
	const struct plan_link *link = plan_link_find(d->in->node, ifindex);

	return link && !link->raw && strcmp(link->name, "lo") != 0 &&
	       plan_link_domain(d->in->node, link) == 0;
}

static void set_next_hops(struct plan_draft *d, const struct servers *servers)
{
	const struct plan_actual *actual = d->in->actual;
	struct plan_next_hop *hops = arena_array_of(d->arena, actual->n_ways, struct plan_next_hop);
	size_t n = 0, at = 0;

	for (size_t i = 0; i < actual->n_ways; i++) {
		const struct plan_next_hop *way = &actual->ways[i];

		if (i && way[-1].uplink != way->uplink)
			at = 0; /* of the ends, which are in one order in both */
		if (!next_is_end(d->plan, &at, &way->node) || !is_uplink(d->plan, way->uplink))
			continue;
		hops[n] = *way;
		hops[n].nat = is_translated(servers, &way->node);
		hops[n].by_tc = !is_uplink(d->plan, way->ifindex);
		if (!hops[n].by_tc || (hops[n].nat && is_for_tc(d, way->ifindex)))
			n++;
	}
	assert(n <= actual->n_ways);
	d->plan->next_hops = hops;
	d->plan->n_next_hops = n;
}

/* --- by tc ------------------------------------------------------------------------------------ */

struct tc_devices {
	struct plan_device *items; /* by ifindex */
	size_t n, cap;
};

static void want_tc(struct plan_draft *d, struct tc_devices *all, int ifindex)
{
	const struct plan_link *link = plan_link_find(d->in->node, ifindex);
	struct plan_device *p;

	assert(ifindex > 0);
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].ifindex == ifindex) {
			all->items[i].nat = true;
			return;
		}
	if (!link)
		return;
	p = arena_push(d->arena, &all->items, &all->n, &all->cap, sizeof(*p));
	for (; p > all->items && p[-1].ifindex > ifindex; p--)
		p[0] = p[-1];
	*p = (struct plan_device){.ifindex = ifindex, .name = link->name, .nat = true};
}

/* As long as the way to some server is not known, as after a start, it may be what there is. */
static bool lacks_ways(const struct plan_draft *d, const struct servers *servers)
{
	const struct plan_actual *actual = d->in->actual;
	bool *has = arena_array_of(d->scratch, servers->n, bool);

	for (size_t i = 0; i < actual->n_ways; i++) {
		const struct ip_addr *to = &actual->ways[i].node;
		size_t s = first_server(servers, to);

		for (; s < servers->n && ip_addr_equal(&servers->items[s].addr, to); s++)
			has[s] = true;
	}
	for (size_t s = 0; s < servers->n; s++)
		if (servers->items[s].way == LB_BY_NAT && !has[s])
			return true;
	return false;
}

/* Where such ways lead, and where their packets come from. */
static void set_tc_devices(struct plan_draft *d, const struct servers *servers)
{
	const struct plan_actual *actual = d->in->actual;
	const struct plan *plan = d->plan;
	const bool keeps = lacks_ways(d, servers);
	struct tc_devices all = {.n = 0};

	for (size_t i = 0; i < plan->n_devices; i++)
		*(struct plan_device *)arena_push(d->arena, &all.items, &all.n, &all.cap,
						  sizeof(*all.items)) = plan->devices[i];
	for (size_t i = 0; i < plan->n_next_hops; i++)
		if (plan->next_hops[i].by_tc) {
			want_tc(d, &all, plan->next_hops[i].uplink);
			want_tc(d, &all, plan->next_hops[i].ifindex);
		}
	for (size_t i = 0; keeps && i < actual->n_devices; i++)
		if (actual->devices[i].nat)
			want_tc(d, &all, actual->devices[i].ifindex);
	assert(all.n >= plan->n_devices);
	d->plan->devices = all.items;
	d->plan->n_devices = all.n;
}

/* --- what is said ----------------------------------------------------------------------------- */

/* Octets that go before a packet: of a tunnel between nodes at most, with four candidates. */
static uint16_t room_for(enum lb_way way, enum ip_family family)
{
	const uint16_t ip = family == IP_V4 ? 20 : 40;

	switch (way) {
	case LB_BY_TUNNEL:
		return family == IP_V4 ? PLAN_TUNNEL_ROOM_V4 : PLAN_TUNNEL_ROOM_V6;
	case LB_BY_L2:
	case LB_BY_NAT:
		return 0;
	case LB_BY_IPIP:
		return ip;
	case LB_BY_GUE:
		return ip + 8;
	}
	return 0;
}

/* Packets that lack most room, of those of nodes or of real servers. */
struct narrow {
	const struct plan_next_hop *hop;
	unsigned lack; /* octets; 0: none lacks any */
	unsigned enough;
};

static void note_room(struct narrow *n, const struct plan_next_hop *hop, enum lb_way way)
{
	const unsigned enough = PLAN_TUNNEL_INNER + room_for(way, ip_family_of(&hop->node));

	if (hop->mtu < enough && enough - hop->mtu > n->lack)
		*n = (struct narrow){.hop = hop, .lack = enough - hop->mtu, .enough = enough};
}

/* Said once, of the narrowest: it is of the underlay, not of a node. */
static void say_narrow(struct plan_draft *d, const struct narrow *n)
{
	const struct plan_link *link = plan_link_find(d->in->node, n->hop->ifindex);
	const struct object_ref ref = {.kind = "Interface", .name = link ? link->name : NULL};
	const struct problem_text text = {
		.reason = "TunnelMtu",
		.remedy = arena_printf(d->arena,
				       "raise the MTU of the network between the nodes "
				       "to %u",
				       n->enough),
	};

	problem_add(&d->plan->problems, SEVERITY_INFO, &ref, &text,
		    "packets for other nodes may have %u octets: TCP is told to keep to what fits, "
		    "but other packets of %u octets do not get there",
		    n->hop->mtu, PLAN_TUNNEL_INNER);
}

/* What a real server says to its clients does not come by here, so nobody is told by us. */
static void say_narrow_servers(struct plan_draft *d, const struct narrow *n)
{
	const struct plan_link *link = plan_link_find(d->in->node, n->hop->ifindex);
	const struct object_ref ref = {.kind = "Interface", .name = link ? link->name : NULL};
	const struct problem_text text = {
		.reason = "ServerMtu",
		.remedy =
			arena_printf(d->arena,
				     "raise the MTU of the network to the real servers to %u, or "
				     "let their routes to clients announce an MSS that is smaller "
				     "by %u (ip route: advmss)",
				     n->enough, n->lack),
	};

	problem_add(&d->plan->problems, SEVERITY_INFO, &ref, &text,
		    "packets for real servers may have %u octets with the headers before them: "
		    "clients that send %u are told by ICMP, if that reaches them",
		    n->hop->mtu, PLAN_TUNNEL_INNER);
}

static void say_off_link(struct plan_draft *d, const struct server *s)
{
	char text[IP_ADDR_TEXT];

	object_problem(
		&d->plan->problems, SEVERITY_WARNING, s->service,
		"metadata.annotations[lodestone.io/forwarding]", "ServerNotOnLink",
		"put it on a link with an uplink, or write dsr-ipip or dsr-gue",
		"the way to %s leads over a router, which does not know packets of dsr-l2 to "
		"be for it: it gets nothing from here",
		ip_addr_text(&s->addr, text));
}

/* The kernel resets what comes back by a device whose packets no program of ours sees. */
static void say_off_uplinks(struct plan_draft *d, const struct server *s, int ifindex)
{
	const struct plan_link *link = plan_link_find(d->in->node, ifindex);
	char text[IP_ADDR_TEXT];

	object_problem(
		&d->plan->problems, SEVERITY_WARNING, s->service,
		"metadata.annotations[lodestone.io/forwarding]", "NatOffUplinks",
		"let the route to it lead by an uplink, or another device with Ethernet headers "
		"that is in no VRF",
		"the way to %s leads by %s, by which answers cannot be taken: it gets nothing from "
		"here",
		ip_addr_text(&s->addr, text), link ? link->name : "another device");
}

/* Ways to who answers this node, by devices that are no uplinks. */
static void look_off_uplinks(struct plan_draft *d, const struct servers *servers)
{
	const struct plan_actual *actual = d->in->actual;

	for (size_t i = 0; i < actual->n_ways; i++) {
		const struct plan_next_hop *way = &actual->ways[i];
		size_t s = first_server(servers, &way->node);

		for (; s < servers->n && ip_addr_equal(&servers->items[s].addr, &way->node); s++) {
			struct server *its = &servers->items[s];

			if (its->way != LB_BY_NAT || !its->service || its->n_hops)
				continue;
			its->n_hops = 1; /* said once */
			say_off_uplinks(d, its, way->ifindex);
		}
	}
}

static void look_at_ways(struct plan_draft *d, const struct servers *servers)
{
	struct narrow nodes = {.hop = NULL}, beyond = {.hop = NULL};

	for (size_t i = 0; i < d->plan->n_next_hops; i++) {
		const struct plan_next_hop *hop = &d->plan->next_hops[i];
		size_t s = first_server(servers, &hop->node);

		if (plan_tunnel_node(&d->env.tunnels, &hop->node))
			note_room(&nodes, hop, LB_BY_TUNNEL);
		for (; s < servers->n && ip_addr_equal(&servers->items[s].addr, &hop->node); s++) {
			servers->items[s].n_hops++;
			servers->items[s].n_on_link += hop->on_link;
			note_room(&beyond, hop, servers->items[s].way);
		}
	}
	if (nodes.lack)
		say_narrow(d, &nodes);
	if (beyond.lack)
		say_narrow_servers(d, &beyond);
	for (size_t i = 0; i < servers->n; i++) {
		const struct server *s = &servers->items[i];

		if (s->way == LB_BY_L2 && s->service && s->n_hops && !s->n_on_link)
			say_off_link(d, s);
	}
}

static void set_nat(struct plan_draft *d, const struct servers *servers)
{
	for (size_t i = 0; i < servers->n && !d->plan->nat_port; i++)
		if (servers->items[i].way == LB_BY_NAT)
			d->plan->nat_port = d->env.config.nat_port;
}

void plan_draft_ways(struct plan_draft *d)
{
	struct servers servers;

	if (!d->plan->dataplane)
		return;
	servers = list_servers(d);
	set_ends(d, &servers);
	set_next_hops(d, &servers);
	set_tc_devices(d, &servers);
	set_nat(d, &servers);
	look_at_ways(d, &servers);
	look_off_uplinks(d, &servers);
}
