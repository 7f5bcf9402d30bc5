// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which prefixes are to be blackholes for what arrives on the uplinks (plan_kernel.h): those that
 * this node announces or is about to. One is placed before a router hears of the prefix (gate
 * placed), and stays until none has it any more. A prefix waits for it once: what the kernel
 * refused, or what is somebody else's already, is told, and announced all the same, since packets
 * that go round cost less than those that nobody gets.
 *
 * Uplinks are here the devices that packets are received by, as the kernel's rules see them: those
 * of the ways to the peers, and those that LodestoneConfig names; of a port of a bond or bridge
 * that is the bond or bridge. As with devices (plan_devices.c) none is given up while it is not
 * certain which they are.
 */
#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

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

bool plan_draft_awaits_blackhole(const struct plan_draft *d, const struct ip_prefix *prefix)
{
	const struct plan_actual *a = d->in->actual;

	return a->places_blackholes && plan_draft_is_blackhole(d, prefix) &&
	       !sorted_find(prefix, a->blackholes.prefixes, a->blackholes.n, sizeof(*prefix),
			    cmp_prefix);
}

struct blackholes_build {
	struct plan_draft *d;
	const struct plan_inputs *in; /* the whole, as is this: */
	const struct plan_arrangement *arranged;
	struct ip_prefix *prefixes;
	size_t n, cap;
	const char **uplinks;
	size_t n_uplinks, cap_uplinks;
};

/* --- prefixes -------------------------------------------------------------------------------- */

static void add_prefix(struct blackholes_build *b, const struct ip_prefix *prefix)
{
	*(struct ip_prefix *)arena_push(b->d->scratch, &b->prefixes, &b->n, &b->cap,
					sizeof(*prefix)) = *prefix;
}

static void add_claimed(struct blackholes_build *b)
{
	const struct plan_order *claims = &b->arranged->by_prefix;

	for (size_t i = 0; i < claims->n; i++) {
		const struct plan_claim *c = arranged_claim(claims, i)->claim;

		if (!plan_draft_is_blackhole(b->d, &c->prefix) || !plan_draft_reach(b->d, c))
			continue;
		b->d->awaits_blackhole |= plan_draft_awaits_blackhole(b->d, &c->prefix);
		if (b->n == 0 || ip_prefix_cmp(&b->prefixes[b->n - 1], &c->prefix) != 0)
			add_prefix(b, &c->prefix);
	}
}

/*
 * It is not known yet who wants it, or some router has it, or may have it still. The setting is
 * asked all the same: who takes it back wants it gone.
 */
static bool is_held(const struct blackholes_build *b, const struct ip_prefix *prefix)
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

		if (prefix_list_n(advertised) > 0 &&
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
		if (is_held(b, &have->prefixes[i]))
			add_prefix(b, &have->prefixes[i]);
	if (have->n > 0 && stale_until)
		b->d->deadline = nsec_min(b->d->deadline, stale_until);
}

/* --- uplinks --------------------------------------------------------------------------------- */

static const struct plan_link *find_link(const struct plan_node *node, int ifindex)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].ifindex == ifindex)
			return &node->links[i];
	return NULL;
}

static void add_uplink(struct blackholes_build *b, const char *name)
{
	*(const char **)arena_push(b->d->arena, &b->uplinks, &b->n_uplinks, &b->cap_uplinks,
				   sizeof(name)) = name;
}

/* False: there is no such device. */
static bool add_link(struct blackholes_build *b, const struct plan_link *link)
{
	const struct plan_node *node = b->in->node;
	const struct plan_link *master = link ? find_link(node, link->master) : NULL;

	/* A VRF is no bridge: what its ports receive is theirs. */
	if (master && master->table == 0)
		link = master;
	if (link && strcmp(link->name, "lo") != 0)
		add_uplink(b, link->name);
	return link != NULL;
}

static bool add_named(struct blackholes_build *b, const char *name)
{
	const struct plan_node *node = b->in->node;

	for (size_t i = 0; i < node->n_links; i++)
		if (strcmp(node->links[i].name, name) == 0)
			return add_link(b, &node->links[i]);
	return false;
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
		complete &= add_link(b, find_link(b->in->node, env->peers[i].ifindex));
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

void plan_draft_blackholes(struct plan_draft *d, const struct plan_inputs *in,
			   const struct plan_arrangement *arranged)
{
	struct blackholes_build b = {.d = d, .in = in, .arranged = arranged};
	const struct ip_prefix *prefixes;

	if (!in->actual->places_blackholes)
		return;
	if (d->env.config.blackholes != API_BLACKHOLES_OFF && !d->env.drained && !d->plan->leaving)
		add_claimed(&b);
	add_held(&b);
	b.n = plan_sort_unique(b.prefixes, b.n, sizeof(*b.prefixes), cmp_prefix);
	/* Mostly they are those that there are: then they are not kept twice. */
	if (b.n == in->actual->blackholes.n && b.n > 0 &&
	    memcmp(b.prefixes, in->actual->blackholes.prefixes, b.n * sizeof(*b.prefixes)) == 0)
		prefixes = in->actual->blackholes.prefixes;
	else
		prefixes = arena_memdup(d->arena, b.prefixes, b.n * sizeof(*b.prefixes));
	if (b.n > 0)
		add_uplinks(&b);
	d->plan->blackholes = (struct plan_blackholes){.prefixes = prefixes,
						       .n = b.n,
						       .uplinks = b.uplinks,
						       .n_uplinks = b.n_uplinks,
						       .receives = receives(d->plan)};
}
