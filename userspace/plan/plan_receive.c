// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * FRRConfigurations that select this node, as the import policies of its sessions. A neighbour is
 * found by VRF, address or interface, and both AS numbers; what several say of one is added up, as
 * frr-k8s does.
 *
 * Reserved is whatever this node or its cluster reaches in another way: peers, nodes, this node's
 * networks, pods, Services, pools. A route to it would send such traffic to the router, so it needs
 * a rule that says exactly its prefix. Blocked, whatever rules say, are addresses that are no
 * host's (plan_no_hosts.h) and spec.netlink.alwaysBlock.
 */
#include "plan/plan_draft.h"
#include "plan/plan_links.h"
#include "plan/plan_no_hosts.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* --- reserved -------------------------------------------------------------------------------- */

struct reserved_build {
	struct arena *arena;
	struct bgp_reserved *items;
	size_t n, cap;
};

static void add_range(struct reserved_build *b, const struct ip_range *range, const char *what)
{
	*(struct bgp_reserved *)arena_push(b->arena, &b->items, &b->n, &b->cap, sizeof(*b->items)) =
		(struct bgp_reserved){.range = *range, .what = what};
}

static void add_address(struct reserved_build *b, const struct ip_addr *a, const char *what)
{
	const struct ip_range range = {*a, *a};

	if (!ip_addr_is_none(a))
		add_range(b, &range, what);
}

static void add_prefix(struct reserved_build *b, const struct ip_prefix *p, const char *what)
{
	const struct ip_range range = ip_prefix_range(p);

	assert(ip_addr_cmp(&range.first, &range.last) <= 0);
	if (p->len > 0)
		add_range(b, &range, what);
}

static void add_networks(struct reserved_build *b, const struct plan_node *node)
{
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];
		const struct plan_link *link = plan_link_find(node, a->ifindex);
		const struct ip_prefix network = ip_prefix_of(&a->addr, a->len);

		add_prefix(
			b, &network,
			arena_printf(b->arena, "the network of %s", link ? link->name : "a link"));
	}
}

static void add_pods(struct reserved_build *b, const struct world *world)
{
	const struct world_list nodes = world_list(world, API_NODE);

	for (size_t i = 0; i < nodes.n; i++) {
		const struct api_node *node = &nodes.items[i]->node;

		for (size_t k = 0; k < node->n_pod_cidrs; k++)
			add_prefix(b, &node->pod_cidrs[k],
				   arena_printf(b->arena, "the pod network of Node %s",
						nodes.items[i]->meta.name));
	}
}

static void add_service(struct reserved_build *b, const struct api_object *o)
{
	const struct api_service *s = &o->service;
	const char *what = NULL;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		if (ip_addr_is_none(&s->cluster_ips[f]))
			continue;
		if (!what)
			what = arena_printf(b->arena, "the cluster address of Service %s/%s",
					    plan_text(o->meta.ns), o->meta.name);
		add_address(b, &s->cluster_ips[f], what);
	}
}

static void add_vips(struct reserved_build *b, const struct plan_draft *d)
{
	const struct plan_addresses *given = d->in->addresses;

	for (size_t i = 0; i < d->env.n_pools; i++) {
		const struct api_object *o = d->env.pools[i].object;

		for (size_t k = 0; k < o->pool.n_ranges; k++)
			add_range(b, &o->pool.ranges[k],
				  arena_printf(b->arena, "IPAddressPool %s", o->meta.name));
	}
	for (size_t i = 0; i < given->n; i++)
		if (given->items[i].pool[0] == '\0') /* else its pool is there */
			add_address(b, &given->items[i].addr,
				    arena_printf(b->arena, "the address of Service %s/%s",
						 given->items[i].ns, given->items[i].name));
}

/* The widest of those that begin alike comes first. */
static int cmp_reserved(const void *a, const void *b)
{
	const struct bgp_reserved *x = a, *y = b;
	const int cmp = ip_addr_cmp(&x->range.first, &y->range.first);

	return cmp ? cmp : -ip_addr_cmp(&x->range.last, &y->range.last);
}

/* Those that lie in another go, and of those that overlap the second begins behind the first. */
static size_t make_disjoint(struct bgp_reserved *items, size_t n)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct bgp_reserved *last = n_kept > 0 ? &items[n_kept - 1] : NULL;
		struct bgp_reserved r = items[i];

		if (last && ip_range_has(&last->range, &r.range.first)) {
			if (ip_range_has(&last->range, &r.range.last))
				continue;
			r.range.first = ip_addr_next(&last->range.last);
		}
		assert(!last || ip_addr_cmp(&last->range.last, &r.range.first) < 0);
		items[n_kept++] = r;
	}
	return n_kept;
}

static struct reserved_build gather_reserved(const struct plan_draft *d)
{
	const struct world_list services = world_list(d->in->world, API_SERVICE);
	struct reserved_build b = {.arena = d->arena};

	for (size_t i = 0; i < d->env.n_peers; i++)
		add_address(&b, &d->env.peers[i].address,
			    arena_printf(b.arena, "the address of BGPPeer %s",
					 d->env.peers[i].key.name));
	for (size_t i = 0; i < d->env.own.n; i++)
		add_address(&b, &d->env.own.items[i].addr, d->env.own.items[i].owner);
	add_networks(&b, d->in->node);
	add_pods(&b, d->in->world);
	for (size_t i = 0; i < services.n; i++)
		add_service(&b, services.items[i]);
	add_vips(&b, d);
	plan_sort(b.items, b.n, sizeof(*b.items), cmp_reserved);
	b.n = make_disjoint(b.items, b.n);
	return b;
}

/* --- blocked --------------------------------------------------------------------------------- */

static size_t gather_blocked(const struct plan_draft *d, const struct ip_prefix **ret)
{
	const struct api_config *c = &d->env.config;
	struct ip_prefix *all =
		arena_array_of(d->arena, PLAN_NO_HOSTS + c->n_always_block, struct ip_prefix);

	for (size_t i = 0; i < PLAN_NO_HOSTS; i++)
		all[i] = plan_no_hosts[i].prefix;
	for (size_t i = 0; i < c->n_always_block; i++)
		all[PLAN_NO_HOSTS + i] = c->always_block[i];
	*ret = all;
	return PLAN_NO_HOSTS + c->n_always_block;
}

/* --- FRRConfigurations ----------------------------------------------------------------------- */

struct import_build {
	struct plan_draft *d;
	struct plan_import *imports; /* as env.peers */
	struct bgp_import_rule **rules;
	size_t *cap_rules;
	bool any;
};

static bool is_of_asn(const struct plan_peer *p, const struct api_frr_router *r,
		      const struct api_frr_neighbor *n)
{
	if (p->bgp.local_asn != r->asn)
		return false;
	if (n->asn == 0) /* dynamicASN */
		return p->bgp.any_internal || p->bgp.any_external;
	return n->asn == p->bgp.remote_asn ||
	       (n->asn == r->asn ? p->bgp.any_internal : p->bgp.any_external);
}

static bool is_at(const char *vrf, const char *interface, const struct ip_addr *address,
		  const struct api_frr_router *r, const struct api_frr_neighbor *n)
{
	if (strcmp(vrf, plan_text(r->vrf)) != 0)
		return false;
	return n->interface ? strcmp(interface, n->interface) == 0
			    : interface[0] == '\0' && ip_addr_equal(address, &n->address);
}

/* Some BGPPeer of whatever node is of that neighbour. */
static bool is_known(const struct plan_draft *d, const struct api_frr_router *r,
		     const struct api_frr_neighbor *n)
{
	const struct world_list peers = world_list(d->in->world, API_BGP_PEER);

	for (size_t i = 0; i < peers.n; i++) {
		const struct api_peer *p = &peers.items[i]->peer;

		if (is_at(plan_text(p->vrf), plan_text(p->interface), &p->address, r, n))
			return true;
	}
	return false;
}

static void add_rules(struct import_build *b, size_t peer, const struct api_frr_neighbor *n)
{
	struct bgp_import *policy = &b->imports[peer].policy;

	assert(peer < b->d->env.n_peers);
	policy->all |= n->receives_all;
	for (size_t i = 0; i < n->n_receives; i++)
		*(struct bgp_import_rule *)arena_push(b->d->arena, &b->rules[peer],
						      &policy->n_rules, &b->cap_rules[peer],
						      sizeof(**b->rules)) =
			(struct bgp_import_rule){.prefix = n->receives[i].prefix,
						 .from = n->receives[i].from,
						 .to = n->receives[i].to};
	policy->rules = b->rules[peer];
	assert(!bgp_import_is_nothing(policy)); /* who receives nothing has no rule */
	b->any = true;
}

static const char *neighbor_text(struct arena *arena, const struct api_frr_neighbor *n)
{
	char text[IP_ADDR_TEXT];

	return n->interface ? n->interface : arena_strdup(arena, ip_addr_text(&n->address, text));
}

static void match(struct import_build *b, const struct api_object *o, size_t router,
		  size_t neighbor)
{
	const struct api_frr_router *r = &o->frr.routers[router];
	const struct api_frr_neighbor *n = &r->neighbors[neighbor];
	struct plan_draft *d = b->d;
	const struct plan_peer *other = NULL;
	const char *field;

	for (size_t i = 0; i < d->env.n_peers; i++) {
		const struct plan_peer *p = &d->env.peers[i];

		if (!is_at(p->key.vrf, p->key.interface, &p->address, r, n))
			continue;
		if (is_of_asn(p, r, n)) {
			add_rules(b, i, n);
			return;
		}
		other = p;
	}
	field = arena_printf(d->arena, "spec.bgp.routers[%zu].neighbors[%zu]", router, neighbor);
	if (other)
		object_problem(&d->plan->problems, SEVERITY_WARNING, o, field, "AsnMismatch",
			       "write the AS numbers of the BGPPeer",
			       "nothing is received from %s: BGPPeer %s has other AS numbers",
			       neighbor_text(d->arena, n), other->key.name);
	else if (!is_known(d, r, n))
		object_problem(&d->plan->problems, SEVERITY_WARNING, o, field, "UnknownPeer",
			       "create a BGPPeer of that address and VRF, or correct it",
			       "nothing is received from %s: there is no BGPPeer of it",
			       neighbor_text(d->arena, n));
}

static void read_frr(struct import_build *b, const struct api_object *o)
{
	if (!selector_matches(&o->frr.node_selector, &b->d->env.node_labels))
		return;
	for (size_t i = 0; i < o->frr.n_routers; i++) {
		const struct api_frr_router *r = &o->frr.routers[i];

		for (size_t k = 0; k < r->n_neighbors; k++)
			if (r->neighbors[k].receives_all || r->neighbors[k].n_receives > 0)
				match(b, o, i, k);
	}
}

static uint32_t table_of(const struct plan_node *node, const struct plan_peer *p)
{
	if (p->key.vrf[0] == '\0')
		return KERNEL_RECEIVED_TABLE;
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].table && strcmp(node->links[i].name, p->key.vrf) == 0)
			return node->links[i].table;
	return 0;
}

static void limit_problems(const struct import_build *b)
{
	struct plan_draft *d = b->d;

	for (size_t i = 0; i < d->env.n_peers; i++) {
		const struct plan_actual_peer *actual = d->peers[i];
		const size_t max = b->imports[i].policy.max_prefixes;

		if (actual && actual->over_limit)
			object_problem(&d->plan->problems, SEVERITY_WARNING, d->env.peers[i].object,
				       NULL, "TooManyPrefixes",
				       "receive less (FRRConfiguration), or raise the annotation "
				       "lodestone.io/max-prefixes",
				       "it sends more routes that are to be accepted than %zu; the "
				       "others are not",
				       max);
	}
}

/* Of an object with an error nothing is known. */
static size_t max_prefixes_of(const struct plan_peer *p)
{
	const uint32_t max = p->object->peer.max_prefixes;

	return max ? max : API_MAX_PREFIXES_DEFAULT;
}

void plan_draft_imports(struct plan_draft *d)
{
	const struct world_list all = world_list(d->in->world, API_FRR_CONFIGURATION);
	const size_t n = d->env.n_peers;
	struct import_build b = {.d = d,
				 .imports = arena_array_of(d->arena, n, struct plan_import),
				 .rules = arena_array_of(d->arena, n, struct bgp_import_rule *),
				 .cap_rules = arena_array_of(d->arena, n, size_t)};
	struct reserved_build reserved;
	const struct ip_prefix *blocked;
	size_t n_blocked;

	d->plan->imports = b.imports;
	for (size_t i = 0; i < n; i++) {
		b.imports[i].table = table_of(d->in->node, &d->env.peers[i]);
		b.imports[i].policy.max_prefixes = max_prefixes_of(&d->env.peers[i]);
	}
	for (size_t i = 0; i < all.n; i++)
		read_frr(&b, all.items[i]);
	if (!b.any)
		return;
	reserved = gather_reserved(d);
	n_blocked = gather_blocked(d, &blocked);
	for (size_t i = 0; i < n; i++) {
		struct bgp_import *policy = &b.imports[i].policy;

		if (bgp_import_is_nothing(policy))
			continue;
		policy->reserved = reserved.items;
		policy->n_reserved = reserved.n;
		policy->blocked = blocked;
		policy->n_blocked = n_blocked;
	}
	limit_problems(&b);
}
