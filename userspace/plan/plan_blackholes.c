// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which prefixes are to be blackholes for what arrives on the uplinks (plan_kernel.h): those that
 * this node announces or is about to. One is placed before a router hears of the prefix (gate
 * placed), and stays until none has it any more. A prefix waits for it once: what the kernel
 * refused, or what is somebody else's already, is told, and announced all the same, since packets
 * that go round cost less than those that nobody gets.
 *
 * What arrives in a VRF is told by the VRF, and its blackholes are for nobody else: the same prefix
 * may lead elsewhere in another. Outside VRFs uplinks are here the devices that packets are
 * received by, as the kernel's rules see them: those of the ways to the peers, and those that
 * LodestoneConfig names; of a port of a bond or bridge that is the bond or bridge. As with devices
 * (plan_devices.c) none is given up while it is not certain which they are.
 */
#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_links.h"
#include "plan/plan_sort.h"
#include "plan/plan_vrf_pods.h"

#include <assert.h>

bool plan_draft_is_blackhole(const struct plan_draft *d, const struct ip_prefix *prefix)
{
	switch (d->env.config.blackholes) {
	case API_BLACKHOLES_AGGREGATES:
		return prefix->len > 0 && prefix->len < ip_addr_bits(&prefix->addr);
	case API_BLACKHOLES_ALL:
		return prefix->len > 0;
	case API_BLACKHOLES_OFF:
		break;
	}
	return false;
}

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

/* It was tried, or nobody tries. */
static bool is_tried(const struct plan_actual *a, const struct plan_vrf_blackhole *b)
{
	const struct plan_blackholes *have = &a->blackholes;

	if (b->domain)
		return sorted_find(b, have->in_vrfs, have->n_in_vrfs, sizeof(*b),
				   plan_vrf_blackhole_cmp);
	return sorted_find(&b->prefix, have->prefixes, have->n, sizeof(b->prefix), cmp_prefix);
}

bool plan_draft_awaits_blackhole(const struct plan_draft *d, const struct ip_prefix *prefix,
				 uint16_t domain)
{
	const struct plan_vrf_blackhole b = {.prefix = *prefix, .domain = domain};

	return d->in->actual->places_blackholes && !d->env.observes &&
	       plan_draft_is_blackhole(d, prefix) && !is_tried(d->in->actual, &b);
}

bool plan_draft_lacks_blackhole(const struct plan_draft *d, const struct plan_claim *c)
{
	return plan_draft_gate(d, &c->vip) == GATE_OPEN &&
	       plan_draft_awaits_blackhole(d, &c->prefix, c->vip.domain);
}

struct blackholes_build {
	struct plan_draft *d;
	const struct plan_inputs *in; /* the whole, as is this: */
	const struct plan_arrangement *arranged;
	struct plan_vrf_blackhole *items; /* of all domains */
	size_t n, cap;
	const char **uplinks;
	size_t n_uplinks, cap_uplinks;
};

/* --- prefixes -------------------------------------------------------------------------------- */

static void add_prefix(struct blackholes_build *b, const struct ip_prefix *prefix, uint16_t domain)
{
	assert(prefix->len > 0 && domain != PLAN_NO_DOMAIN);
	*(struct plan_vrf_blackhole *)arena_push(b->d->scratch, &b->items, &b->n, &b->cap,
						 sizeof(*b->items)) =
		(struct plan_vrf_blackhole){.prefix = *prefix, .domain = domain};
}

/* Mostly nothing is aggregated: then no claim is looked at. */
static bool may_be_claimed(const struct blackholes_build *b)
{
	return b->d->env.config.blackholes != API_BLACKHOLES_AGGREGATES ||
	       arranged_marked(b->arranged, PLAN_MARK_AGGREGATE, 0) < b->arranged->n;
}

static void add_claimed(struct blackholes_build *b)
{
	const struct plan_order *claims = &b->arranged->by_prefix;

	if (!may_be_claimed(b))
		return;
	for (size_t i = 0; i < claims->n; i++) {
		const struct plan_claim *c = arranged_claim(claims, i)->claim;
		const struct plan_vrf_blackhole item = {.prefix = c->prefix,
							.domain = c->vip.domain};

		if (!plan_draft_is_blackhole(b->d, &c->prefix) || !plan_draft_reach(b->d, c))
			continue;
		b->d->awaits_blackhole |=
			plan_draft_awaits_blackhole(b->d, &c->prefix, c->vip.domain);
		if (b->n == 0 || plan_vrf_blackhole_cmp(&b->items[b->n - 1], &item) != 0)
			add_prefix(b, &c->prefix, c->vip.domain);
	}
}

/* Those on demand that routers are told of are announced as any other. */
static void add_discards(struct blackholes_build *b)
{
	const struct plan *plan = b->d->plan;

	for (size_t i = 0; i < plan->n_discards; i++) {
		const struct lb_discard *what = &plan->discards[i].what;

		if (plan->discards[i].peers && plan_draft_is_blackhole(b->d, &what->prefix))
			add_prefix(b, &what->prefix, what->domain);
	}
}

/* As far as the plan knows the peer: one that it does not know may be of any VRF. */
static bool is_of(const struct plan_draft *d, const struct peer_key *key, uint16_t domain)
{
	for (size_t i = 0; i < d->env.n_peers; i++)
		if (peer_key_cmp(&d->env.peers[i].key, key) == 0)
			return d->env.peers[i].domain == domain;
	return true;
}

/*
 * It is not known yet who wants it, or some router has it, or may have it still. The setting is
 * asked all the same: who takes it back wants it gone.
 */
static bool is_held(const struct blackholes_build *b, const struct ip_prefix *prefix,
		    uint16_t domain)
{
	const struct plan_actual *actual = b->in->actual;

	if (!b->in->synced)
		return true;
	if (!plan_draft_is_blackhole(b->d, prefix))
		return false;
	if (plan_draft_stale_until(b->d))
		return true;
	for (size_t i = 0; i < actual->n_peers; i++) {
		const struct prefix_list *advertised = actual->peers[i].advertised;

		if (prefix_list_n(advertised) > 0 && is_of(b->d, &actual->peers[i].key, domain) &&
		    sorted_find(prefix, advertised->items, advertised->n, sizeof(*prefix),
				cmp_prefix))
			return true;
	}
	return false;
}

static void add_held(struct blackholes_build *b)
{
	const struct plan_blackholes *have = &b->in->actual->blackholes;
	const nsec_t stale_until = plan_draft_stale_until(b->d);

	for (size_t i = 0; i < have->n; i++)
		if (is_held(b, &have->prefixes[i], 0))
			add_prefix(b, &have->prefixes[i], 0);
	for (size_t i = 0; i < have->n_in_vrfs; i++)
		if (is_held(b, &have->in_vrfs[i].prefix, have->in_vrfs[i].domain))
			add_prefix(b, &have->in_vrfs[i].prefix, have->in_vrfs[i].domain);
	if (have->n + have->n_in_vrfs > 0 && stale_until)
		b->d->deadline = nsec_min(b->d->deadline, stale_until);
}

/* --- uplinks --------------------------------------------------------------------------------- */

static void add_uplink(struct blackholes_build *b, const char *name)
{
	assert(*name); /* a rule for no device is for all of them */
	*(const char **)arena_push(b->d->arena, &b->uplinks, &b->n_uplinks, &b->cap_uplinks,
				   sizeof(name)) = name;
}

/* False: there is no such device. */
static bool add_link(struct blackholes_build *b, const struct plan_link *link)
{
	const struct plan_node *node = b->in->node;
	const struct plan_link *master = link ? plan_link_find(node, link->master) : NULL;

	/* A VRF is no bridge: what its ports receive is theirs. */
	if (master && master->table == 0)
		link = master;
	if (link && strcmp(link->name, "lo") != 0)
		add_uplink(b, link->name);
	return link != NULL;
}

static bool add_named(struct blackholes_build *b, const char *name)
{
	return add_link(b, plan_link_named(b->in->node, name));
}

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_uplinks(struct blackholes_build *b)
{
	const struct plan_env *env = &b->d->env;
	const struct plan_blackholes *have = &b->in->actual->blackholes;
	bool complete = b->in->synced;

	for (size_t i = 0; i < env->n_peers; i++)
		complete &= env->peers[i].domain != 0 ||
			    add_link(b, plan_link_find(b->in->node, env->peers[i].ifindex));
	for (size_t i = 0; env->config.set & API_CONFIG_UPLINKS && i < env->config.uplinks.n; i++)
		complete &= add_named(b, env->config.uplinks.items[i]);
	for (size_t i = 0; !complete && i < have->n_uplinks; i++)
		add_uplink(b, have->uplinks[i]);
	b->n_uplinks = plan_sort_unique(b->uplinks, b->n_uplinks, sizeof(*b->uplinks), cmp_text);
}

/* Some peer's routes are to go into our own table. */
static bool receives(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_peers; i++)
		if (plan->imports[i].table == KERNEL_RECEIVED_TABLE &&
		    !bgp_import_is_nothing(&plan->imports[i].policy))
			return true;
	return false;
}

/* --- VRFs ------------------------------------------------------------------------------------ */

/* One that is not there has no rules, which the kernel would keep for a device of its name. */
static void add_vrfs(const struct blackholes_build *b, struct plan_blackholes *ret)
{
	const struct plan_node *node = b->in->node;
	struct plan_vrf *vrfs = arena_array_of(b->d->arena, node->n_links, struct plan_vrf);
	size_t n = 0;

	if (ret->n_in_vrfs + ret->n_pods == 0)
		return;
	for (size_t i = 0; i < node->n_links; i++) {
		const struct plan_link *link = &node->links[i];
		const struct plan_link *vrf =
			link->table ? link : plan_link_find(node, link->master);

		if (vrf && vrf->table && vrf->table < PLAN_NO_DOMAIN)
			vrfs[n++] = (struct plan_vrf){.name = link->name,
						      .domain = (uint16_t)vrf->table,
						      .is_member = link != vrf};
	}
	ret->n_vrfs = plan_sort_unique(vrfs, n, sizeof(*vrfs), cmp_text);
	ret->vrfs = vrfs;
}

/* Those of no VRF and those of VRFs, each in their order. */
static void divide(struct blackholes_build *b, struct plan_blackholes *ret)
{
	const struct plan_blackholes *have = &b->in->actual->blackholes;
	struct ip_prefix *prefixes = arena_array_of(b->d->scratch, b->n, struct ip_prefix);
	struct plan_vrf_blackhole *in_vrfs =
		arena_array_of(b->d->scratch, b->n, struct plan_vrf_blackhole);

	b->n = plan_sort_unique(b->items, b->n, sizeof(*b->items), plan_vrf_blackhole_cmp);
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].domain)
			in_vrfs[ret->n_in_vrfs++] = b->items[i];
		else
			prefixes[ret->n++] = b->items[i].prefix;
	assert(ret->n + ret->n_in_vrfs == b->n);
	ret->in_vrfs = arena_memdup(b->d->arena, in_vrfs, ret->n_in_vrfs * sizeof(*in_vrfs));
	/* Mostly they are those that there are: then they are not kept twice. */
	if (ret->n == have->n && ret->n > 0 &&
	    memcmp(prefixes, have->prefixes, ret->n * sizeof(*prefixes)) == 0)
		ret->prefixes = have->prefixes;
	else
		ret->prefixes = arena_memdup(b->d->arena, prefixes, ret->n * sizeof(*prefixes));
}

void plan_draft_blackholes(struct plan_draft *d, const struct plan_inputs *in,
			   const struct plan_arrangement *arranged)
{
	struct blackholes_build b = {.d = d, .in = in, .arranged = arranged};
	struct plan_blackholes ret = {.n = 0};

	if (!in->actual->places_blackholes)
		return;
	if (d->env.config.blackholes != API_BLACKHOLES_OFF && !d->env.drained && !d->env.observes &&
	    !d->plan->leaving) {
		add_claimed(&b);
		add_discards(&b);
	}
	add_held(&b);
	divide(&b, &ret);
	if (ret.n > 0)
		add_uplinks(&b);
	ret.uplinks = b.uplinks;
	ret.n_uplinks = b.n_uplinks;
	ret.receives = receives(d->plan);
	plan_vrf_pods(in, arranged, d->arena, &ret, &d->plan->sockets_in_vrfs);
	add_vrfs(&b, &ret);
	d->plan->blackholes = ret;
}
