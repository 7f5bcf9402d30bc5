// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which blackholes there are, whole and for each domain: what is an order's is one in all of them,
 * a Service's in those in which its address is a VIP. One goes when nobody wants it and no router
 * has its route any more; where the address is announced as usual again, at once. What came to lie
 * under one since, a node's address or a router's, is spared whatever was asked for.
 *
 * While there is any the plan is made whole: routes of a zone depend on what is not of that zone.
 */
#include "plan/plan_discards.h"

#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* --- what may be ------------------------------------------------------------------------------ */

static bool is_in_pool(const struct world *world, const struct ip_prefix *prefix)
{
	const struct world_list pools = world_list(world, API_IP_ADDRESS_POOL);
	const struct ip_range range = ip_prefix_range(prefix);

	for (size_t i = 0; i < pools.n; i++) {
		const struct api_pool *pool = &pools.items[i]->pool;

		for (size_t k = 0; k < pool->n_ranges; k++)
			if (ip_range_has(&pool->ranges[k], &range.first) &&
			    ip_range_has(&pool->ranges[k], &range.last))
				return true;
	}
	return false;
}

/* An address of this node, in a VRF, too; what lies on lo may be a VIP. */
static const struct plan_local_addr *local_under(const struct plan_node *node,
						 const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < node->n_addrs; i++)
		if (node->addrs[i].len < ip_addr_bits(&node->addrs[i].addr) &&
		    ip_prefix_has(prefix, &node->addrs[i].addr))
			return &node->addrs[i];
	return NULL;
}

/* A Node whose pod network it reaches, or NULL. */
static const struct api_object *pods_under(const struct world *world,
					   const struct ip_prefix *prefix)
{
	const struct world_list nodes = world_list(world, API_NODE);
	const struct ip_range range = ip_prefix_range(prefix);

	for (size_t i = 0; i < nodes.n; i++) {
		const struct api_node *node = &nodes.items[i]->node;

		for (size_t k = 0; k < node->n_pod_cidrs; k++) {
			const struct ip_range pods = ip_prefix_range(&node->pod_cidrs[k]);

			if (ip_range_overlaps(&pods, &range))
				return nodes.items[i];
		}
	}
	return NULL;
}

bool plan_discard_may(const struct discard_judge *judge, const struct ip_prefix *prefix,
		      struct arena *arena, struct discard_refusal *ret)
{
	const struct plan_own_address *own = plan_own_under(judge->own, 0, prefix);
	const struct plan_local_addr *local = local_under(judge->node, prefix);
	const struct api_object *pods = pods_under(judge->world, prefix);
	char text[IP_ADDR_TEXT];

	*ret = (struct discard_refusal){.reason = "BlackholeCoversNode",
					.remedy = "name longer prefixes that leave it out"};
	if (own)
		ret->message = arena_printf(arena, "it reaches %s, %s",
					    ip_addr_text(&own->addr, text), own->owner);
	else if (local)
		ret->message = arena_printf(arena, "it reaches %s, an address of this node",
					    ip_addr_text(&local->addr, text));
	else if (pods)
		ret->message = arena_printf(arena, "it reaches the pod network of Node %s",
					    pods->meta.name);
	if (ret->message)
		return false;
	*ret = (struct discard_refusal){
		.reason = "BlackholeNotInPool",
		.message = "it lies in no range of an IPAddressPool",
		.remedy = "name a prefix of a pool's addresses: nothing else is announced from "
			  "here"};
	return is_in_pool(judge->world, prefix);
}

/* --- which there are -------------------------------------------------------------------------- */

struct discards_build {
	struct plan_draft *d;
	struct plan_discard *items;
	size_t n, cap;
};

static void add(struct discards_build *b, const struct plan_discard *item)
{
	*(struct plan_discard *)arena_push(b->d->arena, &b->items, &b->n, &b->cap, sizeof(*item)) =
		*item;
}

/* In all domains that a VIP may be in; where there are no peers, in that of no VRF. */
static void add_order(struct discards_build *b, const struct ip_prefix *prefix)
{
	const struct plan_env *env = &b->d->env;
	struct plan_discard item = {.what.prefix = *prefix, .is_wanted = true, .by_command = true};

	add(b, &item);
	for (size_t i = 0; i < env->n_domains; i++) {
		item.what.domain = env->domains[i].domain;
		if (item.what.domain != 0 && item.what.domain != PLAN_NO_DOMAIN)
			add(b, &item);
	}
}

static void add_orders(struct discards_build *b)
{
	struct plan_draft *d = b->d;
	const struct plan_settings *s = d->in->settings;
	const struct discard_judge judge = {d->in->world, d->in->node, &d->env.own};

	for (size_t i = 0; i < s->n_discards; i++) {
		char prefix[IP_PREFIX_TEXT];
		const struct object_ref ref = {
			.kind = "Blackhole",
			.name = arena_strdup(d->arena, ip_prefix_text(&s->discards[i], prefix))};
		const struct problem_text asked = {.reason = "Blackholed",
						   .remedy = "lodectl blackhole remove, when it is "
							     "to be reached again"};
		struct discard_refusal r;

		if (plan_discard_may(&judge, &s->discards[i], d->arena, &r)) {
			add_order(b, &s->discards[i]);
			problem_add(&d->plan->problems, SEVERITY_INFO, &ref, &asked,
				    "packets to it are dropped: lodectl blackhole was said");
		} else if (d->in->synced) { /* else the pool may be yet to come */
			problem_add(&d->plan->problems, SEVERITY_ERROR, &ref,
				    &(struct problem_text){.reason = r.reason, .remedy = r.remedy},
				    "it is no blackhole: %s", r.message);
		}
	}
}

static void add_services(struct discards_build *b)
{
	const struct plan_arrangement *a = b->d->arranged;

	for (size_t i = 0; (i = arranged_marked(a, PLAN_MARK_BLACKHOLE, i)) < a->n; i++) {
		const struct plan_fragment *f = b->d->fragments[i];

		for (size_t k = 0; k < f->n_ports; k++) {
			const struct plan_vip *vip = &f->ports[k].row.vip;

			if (!f->ports[k].is_blackhole)
				continue;
			add(b, &(struct plan_discard){
				       .what = {.prefix = ip_prefix_of(&vip->addr,
								       ip_addr_bits(&vip->addr)),
						.domain = vip->domain},
				       .is_wanted = true,
				       .ns = f->ports[k].row.ns,
				       .name = f->ports[k].row.name});
		}
	}
}

static int cmp_claimed(const void *key, const void *item)
{
	const struct arranged_claim *c = item;

	return ip_prefix_cmp(key, &c->claim->prefix);
}

/* It is announced as usual, so nobody waits for a withdraw. */
static bool is_claimed(const struct plan_draft *d, const struct ip_prefix *prefix)
{
	const struct plan_order *claims = &d->arranged->by_prefix;

	return claims->n > 0 && sorted_find(prefix, claims->items, claims->n,
					    sizeof(struct arranged_claim), cmp_claimed);
}

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

static bool is_held(const struct plan_draft *d, const struct ip_prefix *prefix)
{
	const struct plan_actual *a = d->in->actual;

	if (is_claimed(d, prefix))
		return false;
	for (size_t i = 0; i < a->n_peers; i++) {
		const struct prefix_list *sent = a->peers[i].advertised;

		if (prefix_list_n(sent) > 0 &&
		    sorted_find(prefix, sent->items, sent->n, sizeof(*prefix), cmp_prefix))
			return true;
	}
	return plan_draft_stale_until(d) != 0;
}

static void add_leaving(struct discards_build *b)
{
	struct plan_draft *d = b->d;
	const nsec_t stale_until = plan_draft_stale_until(d);
	const struct plan_actual *a = d->in->actual;

	for (size_t i = 0; i < a->n_discards; i++) {
		const struct ip_prefix *prefix = &a->discards[i].prefix;

		if (!plan_own_under(&d->env.own, a->discards[i].domain, prefix) &&
		    (!d->in->synced || is_held(d, prefix)))
			add(b, &(struct plan_discard){.what = a->discards[i]});
	}
	if (a->n_discards > 0 && stale_until)
		d->deadline = nsec_min(d->deadline, stale_until);
}

/* One that is wanted before one that leaves, an order before a Service. */
static int cmp_item(const void *a, const void *b)
{
	const struct plan_discard *x = a, *y = b;
	int cmp = lb_discard_cmp(&x->what, &y->what);

	if (cmp == 0)
		cmp = y->is_wanted - x->is_wanted;
	if (cmp == 0)
		cmp = y->by_command - x->by_command;
	if (cmp == 0 && x->name && y->name)
		cmp = strcmp(x->ns, y->ns) ? strcmp(x->ns, y->ns) : strcmp(x->name, y->name);
	return cmp;
}

static void merge(struct discards_build *b)
{
	size_t n = 0;

	if (b->n > 0)
		plan_sort(b->items, b->n, sizeof(*b->items), cmp_item);
	for (size_t i = 0; i < b->n; i++) {
		struct plan_discard *last = n > 0 ? &b->items[n - 1] : NULL;

		if (!last || lb_discard_cmp(&last->what, &b->items[i].what) != 0) {
			b->items[n++] = b->items[i];
		} else if (!last->name) {
			last->ns = b->items[i].ns;
			last->name = b->items[i].name;
		}
	}
	b->n = n;
}

static void limit(struct discards_build *b)
{
	const struct object_ref ref = {.kind = "Agent", .name = b->d->in->settings->node_name};
	const struct problem_text text = {.reason = "TooManyBlackholes",
					  .remedy = "blackhole a shorter prefix"};

	if (b->n <= LIMIT_DISCARDS)
		return;
	problem_add(&b->d->plan->problems, SEVERITY_ERROR, &ref, &text,
		    "%zu blackholes are wanted, and only the first %d are in force", b->n,
		    LIMIT_DISCARDS);
	b->n = LIMIT_DISCARDS;
}

/*
 * Peers (bits) that are told: all that ask for it and may carry the route. While the data plane is
 * left nobody has a route, and then they are told again.
 */
static uint64_t told(const struct plan_draft *d, const struct plan_discard *item)
{
	const struct plan_env *env = &d->env;
	const enum ip_family family = ip_family_of(&item->what.prefix.addr);

	if (env->drained || d->plan->leaving || !item->is_wanted)
		return 0;
	return env->rtbh & env->carriers[family] & ~d->uncarried[family] &
	       plan_env_peers_in(env, item->what.domain);
}

void plan_draft_discards(struct plan_draft *d)
{
	struct discards_build b = {.d = d};

	if (!d->env.drained) {
		add_orders(&b);
		add_services(&b);
	}
	add_leaving(&b);
	merge(&b);
	limit(&b);
	d->is_indivisible |= b.n + d->in->actual->n_discards > 0;
	d->plan->discards = b.items;
	d->plan->n_discards = b.n;
	if (b.n == 0)
		return;
	d->discards = arena_new_of(d->arena, struct draft_discards);
	for (size_t i = 0; i < b.n; i++) {
		const struct ip_prefix *prefix = &b.items[i].what.prefix;

		assert(prefix->len <= ip_family_bits(ip_family_of(&prefix->addr)));
		b.items[i].peers = told(d, &b.items[i]);
		d->discards->has_len[ip_family_of(&prefix->addr)][prefix->len] = true;
	}
}

/* --- what lies under one ---------------------------------------------------------------------- */

static int cmp_discard(const void *key, const void *item)
{
	const struct plan_discard *i = item;

	return lb_discard_cmp(key, &i->what);
}

bool plan_draft_is_discarded(const struct plan_draft *d, const struct plan_vip *vip)
{
	const enum ip_family family = ip_family_of(&vip->addr);

	for (unsigned len = 0; d->discards && len <= ip_family_bits(family); len++) {
		struct lb_discard key = {.domain = vip->domain};

		if (!d->discards->has_len[family][len])
			continue;
		key.prefix = ip_prefix_of(&vip->addr, (uint8_t)len);
		if (sorted_find(&key, d->plan->discards, d->plan->n_discards,
				sizeof(*d->plan->discards), cmp_discard))
			return true;
	}
	return false;
}
