// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From EndpointSlices to the targets of one Service port (kubernetes.md 3.2). Slices are merged,
 * the same address and port in two of them counts once, the ready one first. Usable is, as with
 * kube-proxy, what is ready, or serves while it terminates (KEP-1669). New flows go to the ready
 * ones; where none is ready (on this node for policy Local, in the cluster for Cluster) to those
 * that terminate; else these keep the flows they have. What is neither is no endpoint at all.
 *
 * A slice may say a weight for its endpoints (an annotation): their share of new flows beside the
 * others'. Of doubles that are alike the heavier one counts.
 *
 * Topology hints count for policy Cluster only, and only where the settings ask for them: then new
 * flows go to the endpoints that are meant for this node, else for its zone, if all ready ones say
 * for whom they are and one of them is (kube-proxy's rule). The others keep the flows they have.
 *
 * With policy Cluster the endpoints of all nodes are targets, so that every node has the same rows:
 * of another node with the address of the tunnel to it (plan_tunnels.h), whether it answers or not.
 * Left out, and told, are those that no tunnel leads to. Without a data plane (mode off) nobody
 * here forwards, and they count as ready all the same.
 *
 * An endpoint of no node is a real server, which gets packets as the Service, its pool or the
 * settings say (lodestone.io/forwarding): its "node" is itself. As it has the VIP and its port and
 * answers directly, its port is the Service's, unless it gets them as if from this node (nat).
 * Whether it is well the slice alone says. Where the Service itself says nat its endpoints on other
 * nodes get theirs so, too; SCTP nobody does.
 */
#include "base/limits.h"
#include "plan/plan_backends.h"
#include "plan/plan_service.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct seen {
	struct ip_addr addr;
	uint32_t slice, endpoint; /* where it stands */
	uint16_t port;
	bool ready, local;
	uint8_t weight;
	const char *node;
	const struct ip_addr *tunnel; /* to its node; NULL: it is here, or there is none */
	enum lb_way way; /* to a real server; LB_BY_TUNNEL: it is none, or there is none */
	const struct api_hints *hints;
};

/* Whose endpoints take new flows. */
enum topology { EVERYWHERE, SAME_NODE, SAME_ZONE };

struct merge {
	const struct plan_env *env;
	const struct plan_settings *settings;
	const struct api_service_port *port;
	enum ip_family family;
	enum lb_way way;     /* to those of no node; LB_BY_TUNNEL: none is said, */
	enum lb_way remote;  /* and to those on other nodes */
	struct arena *arena; /* of what comes out */
	const struct api_object *const *slices; /* the arena's */
	struct seen *items;                     /* owned */
	size_t n, cap;
};

static bool is_local(const struct plan_settings *settings, const struct api_endpoint *e)
{
	const char *node = plan_text(e->node_name);

	return node[0] != '\0' && strcmp(node, settings->node_name) == 0;
}

/* To what struct plan_backend says. */
enum backend_state { REMOTE, READY, NOT_HINTED, DRAINING };
static const char *const states[] = {"remote", "ready", "notHinted", "draining"};
static const char *const ways[] = {"", "tunnel", "dsr-l2", "dsr-ipip", "dsr-gue", "nat"};

static void add_endpoint(struct merge *m, const struct api_endpoint *e, uint16_t port,
			 uint8_t weight, const struct plan_backend *at)
{
	const char *node = plan_text(e->node_name);
	struct seen *s;

	if ((!e->ready && !(e->serving && e->terminating)) ||
	    ip_family_of(&e->address) != m->family)
		return;
	s = xpush(&m->items, &m->n, &m->cap, sizeof(*s));
	*s = (struct seen){
		.addr = e->address,
		.slice = at->slice,
		.endpoint = at->endpoint,
		.port = port,
		.ready = e->ready,
		.local = is_local(m->settings, e),
		.weight = weight,
		.node = node,
		.hints = e->hints,
	};
}

/* Named target ports resolve through the slice's port name; unnamed matches unnamed. */
static uint16_t slice_port(const struct api_slice *slice, const struct api_service_port *port)
{
	for (size_t i = 0; i < slice->n_ports; i++) {
		const struct api_slice_port *p = &slice->ports[i];

		if (p->protocol == port->protocol &&
		    strcmp(plan_text(p->name), plan_text(port->name)) == 0)
			return p->port;
	}
	return 0;
}

static void add_slice(struct merge *m, const struct api_slice *slice, size_t number)
{
	const uint16_t port = slice->is_fqdn ? 0 : slice_port(slice, m->port);

	if (port == 0)
		return;
	for (size_t i = 0; i < slice->n_endpoints; i++) {
		const struct api_endpoint e = api_slice_endpoint(slice, i);
		const struct plan_backend at = {.slice = (uint32_t)number, .endpoint = (uint32_t)i};

		add_endpoint(m, &e, port, slice->weight ? slice->weight : 1, &at);
	}
}

/* By address and port; of doubles the one that counts first. */
static int cmp_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int cmp = ip_addr_cmp(&x->addr, &y->addr);

	if (cmp == 0)
		cmp = (x->port > y->port) - (x->port < y->port);
	if (cmp == 0)
		cmp = y->ready - x->ready;
	if (cmp == 0)
		cmp = y->local - x->local;
	if (cmp == 0)
		cmp = y->weight - x->weight;
	return cmp ? cmp : strcmp(x->node, y->node);
}

static void drop_doubles(struct merge *m)
{
	size_t kept = 0;

	if (m->n)
		qsort(m->items, m->n, sizeof(*m->items), cmp_seen);
	for (size_t i = 0; i < m->n; i++) {
		const struct seen *s = &m->items[i];

		if (kept && s->port == m->items[kept - 1].port &&
		    ip_addr_equal(&s->addr, &m->items[kept - 1].addr))
			continue;
		m->items[kept++] = *s;
	}
	m->n = kept;
}

/* --- topology -------------------------------------------------------------------------------- */

/* What all ready endpoints say of one kind. */
struct hinted {
	bool all, here; /* each names somebody; one of them us */
};

static void note_hint(struct hinted *h, const struct api_strings *names, const char *us)
{
	h->all &= names && names->n > 0;
	h->here |= names && us && plan_strings_have(names, us);
}

static const char *own_zone(const struct merge *m)
{
	return labels_get(&m->env->node_labels, "topology.kubernetes.io/zone");
}

static enum topology topology_of(const struct merge *m, bool policy_local)
{
	struct hinted node = {.all = true}, zone = {.all = true};

	if (policy_local || !m->env->config.topology_hints)
		return EVERYWHERE;
	for (size_t i = 0; i < m->n; i++) {
		const struct api_hints *hints = m->items[i].hints;

		if (!m->items[i].ready)
			continue;
		note_hint(&node, hints ? &hints->nodes : NULL, m->settings->node_name);
		note_hint(&zone, hints ? &hints->zones : NULL, own_zone(m));
	}
	if (node.all && node.here)
		return SAME_NODE;
	return zone.all && zone.here ? SAME_ZONE : EVERYWHERE;
}

/* That it is ready, and for us. */
static bool takes_new(const struct merge *m, const struct seen *s, enum topology topology)
{
	if (!s->ready || topology == EVERYWHERE)
		return s->ready;
	return topology == SAME_NODE ? plan_strings_have(&s->hints->nodes, m->settings->node_name)
				     : plan_strings_have(&s->hints->zones, own_zone(m));
}

/* --- sorting out ----------------------------------------------------------------------------- */

/* It gets packets from here. */
static bool is_reached(const struct seen *s)
{
	return s->local || s->tunnel || s->way;
}

static enum backend_state state_of(const struct seen *s, bool takes)
{
	if (!is_reached(s))
		return REMOTE;
	if (takes)
		return READY;
	return s->ready ? NOT_HINTED : DRAINING;
}

static int cmp_target(const void *a, const void *b)
{
	return lb_target_cmp(a, b);
}

static void find_ways(struct merge *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct seen *s = &m->items[i];

		if (s->node[0] == '\0')
			s->way = s->port == m->port->port || m->way == LB_BY_NAT ? m->way
										 : LB_BY_TUNNEL;
		else if (!s->local && m->remote)
			s->way = m->remote;
		else if (!s->local)
			s->tunnel = plan_tunnel_to(&m->env->tunnels, s->node);
	}
}

/* One that is on another node, for policy Cluster. */
static void note_elsewhere(const struct merge *m, const struct seen *s, bool ready,
			   struct port_endpoints *ret)
{
	if (s->node[0] == '\0' && !s->way && m->way)
		ret->other_port = s->port;
	else if (s->node[0] == '\0' && !s->way)
		ret->any_nowhere = true;
	else if (!is_reached(s) && !ret->untunnelled)
		ret->untunnelled = s->node;
	ret->any_elsewhere = true;
	ret->n_ready += ready && (is_reached(s) || !m->env->dataplane);
}

static void add_target(const struct seen *s, bool ready, uint32_t owner, struct lb_target *ret)
{
	*ret = (struct lb_target){
		.addr = s->addr,
		.port = s->port,
		.owner = owner,
		.weight = s->weight,
		.state = ready ? LB_BACKEND_READY : LB_BACKEND_DRAINING,
	};
	assert(!!s->local + !!s->tunnel + !!s->way == 1);
	if (s->tunnel)
		ret->node = *s->tunnel;
	if (s->way)
		ret->node = s->addr;
	ret->way = s->way;
}

/* Place among the words. */
static uint8_t way_to(const struct lb_target *t)
{
	switch (t->way) {
	case LB_BY_TUNNEL:
		return !ip_addr_is_none(&t->node);
	case LB_BY_L2:
		return 2;
	case LB_BY_IPIP:
		return 3;
	case LB_BY_GUE:
		return 4;
	case LB_BY_NAT:
		return 5;
	}
	return 0;
}

const char *plan_way_text(const struct lb_target *t)
{
	return ways[way_to(t)];
}

struct plan_service_backend plan_backend_at(const struct plan_service *row, size_t i)
{
	const struct plan_backends *all = row->backends;
	const struct plan_backend *b;
	struct api_endpoint e;

	assert(i < row->n_backends && row->n_backends == all->n + all->n_others);
	if (i >= all->n)
		return all->others[i - all->n];
	b = &all->items[i];
	e = api_slice_endpoint(&all->slices[b->slice]->slice, b->endpoint);
	return (struct plan_service_backend){
		.addr = e.address,
		.port = b->port,
		.node = plan_text(e.node_name),
		.state = states[b->state],
		.way = ways[b->way],
	};
}

/* Room for those that become targets and backends: in a large cluster most are neither. */
static struct port_endpoints with_room(const struct merge *m, bool policy_local,
				       struct lb_target **ret_targets,
				       struct plan_backend **ret_backends,
				       struct plan_backends **ret_all)
{
	size_t n_reached = 0, n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const bool counts = m->items[i].local || !policy_local;

		n += counts;
		n_reached += counts && is_reached(&m->items[i]);
	}
	*ret_targets = arena_array_of(m->arena, n_reached, struct lb_target);
	*ret_backends = arena_array_of(m->arena, n, struct plan_backend);
	*ret_all = arena_new_of(m->arena, struct plan_backends);
	**ret_all = (struct plan_backends){.slices = m->slices, .items = *ret_backends};
	return (struct port_endpoints){.targets = *ret_targets, .backends = *ret_all};
}

static struct port_endpoints sort_out(struct merge *m, bool policy_local, uint32_t owner)
{
	struct lb_target *targets;
	struct plan_backends *all;
	struct plan_backend *backends;
	const enum topology topology = topology_of(m, policy_local);
	struct port_endpoints ret;
	bool any_ready = false;

	if (!policy_local)
		find_ways(m);
	ret = with_room(m, policy_local, &targets, &backends, &all);
	for (size_t i = 0; i < m->n; i++)
		any_ready |= takes_new(m, &m->items[i], topology) &&
			     (m->items[i].local || !policy_local);
	for (size_t i = 0; i < m->n; i++) {
		const struct seen *s = &m->items[i];
		const bool ready = takes_new(m, s, topology) || !any_ready;

		if (policy_local && !s->local) {
			ret.any_elsewhere = true;
			continue;
		}
		if (is_reached(s) && ret.n_targets == LIMIT_BACKENDS) {
			ret.too_many = true;
			continue;
		}
		backends[ret.n_backends++] = (struct plan_backend){
			.slice = s->slice,
			.endpoint = s->endpoint,
			.port = s->port,
			.state = (uint8_t)state_of(s, ready),
		};
		if (!s->local)
			note_elsewhere(m, s, ready, &ret);
		ret.n_here += s->local;
		ret.n_ready_here += s->local && ready;
		if (!is_reached(s))
			continue;
		add_target(s, ready, owner, &targets[ret.n_targets]);
		backends[ret.n_backends - 1].way = way_to(&targets[ret.n_targets++]);
	}
	all->n = ret.n_backends;
	ret.n_ready += ret.n_ready_here;
	assert(ret.n_ready_here <= ret.n_here && ret.n_here <= ret.n_targets &&
	       ret.n_targets <= ret.n_backends);
	assert(ret.n_ready <= ret.n_backends && ret.n_backends <= m->n);
	qsort(targets, ret.n_targets, sizeof(*targets), cmp_target);
	return ret;
}

/* --- real servers ---------------------------------------------------------------------------- */

/* Of the pool that has the Service's address of the family. */
static uint8_t pool_forwarding(const struct plan_env *env, const struct plan_service_input *in,
			       enum ip_family family)
{
	for (size_t i = 0; i < in->n_addresses; i++) {
		const struct env_pool *pool = plan_env_pool(env, plan_text(in->addresses[i].pool));

		if (pool && ip_family_of(&in->addresses[i].addr) == family)
			return pool->object->pool.forwarding;
	}
	return 0;
}

enum api_forwarding plan_service_forwarding(const struct plan_env *env,
					    const struct plan_service_input *in,
					    enum ip_family family)
{
	unsigned ret = in->service->service.forwarding;

	if (!ret)
		ret = pool_forwarding(env, in, family);
	if (!ret)
		ret = env->config.forwarding;
	return ret ? ret : API_FORWARD_AUTO;
}

static enum lb_way way_of(enum api_forwarding forwarding, enum api_protocol protocol)
{
	switch (forwarding) {
	case API_FORWARD_DSR_L2:
		return LB_BY_L2;
	case API_FORWARD_DSR_IPIP:
		return LB_BY_IPIP;
	case API_FORWARD_DSR_GUE:
		return LB_BY_GUE;
	case API_FORWARD_NAT:
		return protocol == API_SCTP ? LB_BY_TUNNEL : LB_BY_NAT;
	case API_FORWARD_AUTO:
		break;
	}
	return LB_BY_TUNNEL;
}

struct port_endpoints plan_service_endpoints(const struct plan_env *env,
					     const struct plan_service_input *in, size_t port,
					     enum ip_family family, struct arena *arena)
{
	const struct api_service *s = &in->service->service;
	const enum api_protocol protocol = s->ports[port].protocol;
	struct merge m = {.env = env,
			  .settings = env->settings,
			  .port = &s->ports[port],
			  .family = family,
			  .way = way_of(plan_service_forwarding(env, in, family), protocol),
			  .arena = arena};
	struct port_endpoints ret;

	if (s->forwarding == API_FORWARD_NAT)
		m.remote = m.way;
	m.slices = arena_memdup(arena, in->slices.items, in->slices.n * sizeof(*m.slices));
	for (size_t i = 0; i < in->slices.n; i++)
		add_slice(&m, &m.slices[i]->slice, i);
	drop_doubles(&m);
	ret = sort_out(&m, s->policy_local, lb_seed(in->service->meta.ns, in->service->meta.name));
	free(m.items);
	return ret;
}

/* --- health checks -------------------------------------------------------------------------- */

static int cmp_addr(const void *a, const void *b)
{
	return ip_addr_cmp(a, b);
}

static bool has_port(const struct api_slice *slice)
{
	for (size_t i = 0; i < slice->n_ports; i++)
		if (slice->ports[i].port)
			return true;
	return false;
}

uint32_t plan_service_local_ready(const struct plan_settings *settings,
				  const struct plan_service_input *in)
{
	size_t n = 0, cap = 0, n_v4 = 0;
	struct ip_addr *all = NULL;

	for (size_t i = 0; i < in->slices.n; i++) {
		const struct api_slice *slice = &in->slices.items[i]->slice;

		for (size_t k = 0; k < slice->n_endpoints && has_port(slice); k++) {
			const struct api_endpoint e = api_slice_endpoint(slice, k);

			if (e.ready && is_local(settings, &e))
				*(struct ip_addr *)xpush(&all, &n, &cap, sizeof(*all)) = e.address;
		}
	}
	n = plan_sort_unique(all, n, sizeof(*all), cmp_addr);
	for (size_t i = 0; i < n; i++)
		n_v4 += ip_family_of(&all[i]) == IP_V4;
	free(all);
	return (uint32_t)(n_v4 > n - n_v4 ? n_v4 : n - n_v4);
}
