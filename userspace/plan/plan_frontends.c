// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The frontends that Services want, and the gates on them. Drained (4): a target that left the
 * slices stays as draining until its last flow has ended, or its deadline in the ledger. Complete
 * (5): until everything was read once, what is programmed stays as it is; it is tested all the
 * same, so that what a former process programmed can be announced. Conntrack has a word in
 * when a VIP begins, and how (plan_shared.h).
 *
 * The ledger keeps an entry as long as the store holds what it is about, also past the deadline:
 * else a store that fails to delete would make every plan begin the wait anew.
 */
#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_contract.h"
#include "plan/plan_draft.h"
#include "plan/plan_shared.h"
#include "plan/plan_sort.h"
#include "plan/plan_unknown.h"

#include <assert.h>

/* A port in the order of frontends, and what the store has of it. */
struct candidate {
	const struct arranged_port *port;
	struct draft_port *draft;
	const struct lb_actual *actual; /* NULL: nothing */
	bool is_closed;       /* nobody takes its new flows, while others' of the VIP are taken */
	uint8_t unknown_port; /* of the VIP */
	struct plan_shared shared; /* the same, and the VIP */
};

/* --- gate 4: targets that drain ------------------------------------------------------------- */

static int cmp_target(const void *a, const void *b)
{
	return lb_target_cmp(a, b);
}

static int cmp_drain_frontend(const void *key, const void *item)
{
	const struct plan_drain *p = item;

	return lb_key_cmp(key, &p->frontend);
}

struct drain_range {
	const struct plan_drain *items;
	size_t n;
};

static struct drain_range ledger_drains(const struct plan_draft *d, const struct lb_key *key)
{
	const struct plan_ledger *l = d->ledger;
	struct drain_range ret = {0};
	size_t i;

	if (l->n_drains == 0)
		return ret;
	i = plan_lower_bound(key, l->drains, l->n_drains, sizeof(*l->drains), cmp_drain_frontend);

	ret.items = &l->drains[i];
	for (; i < l->n_drains && lb_key_cmp(&l->drains[i].frontend, key) == 0; i++)
		ret.n++;
	return ret;
}

static nsec_t drain_until(const struct plan_draft *d, const struct drain_range *known,
			  const struct lb_target *t)
{
	for (size_t i = 0; i < known->n; i++)
		if (lb_target_cmp(&known->items[i].target, t) == 0)
			return known->items[i].until;
	return nsec_add(d->now, d->env.drain_ns);
}

static bool store_has(const struct lb_actual *actual, const struct lb_target *t)
{
	return actual && sorted_find(t, actual->targets, actual->n_targets, sizeof(*t), cmp_target);
}

/* An endpoint of the Service that has the frontend now, as far as is known. */
static bool is_own(const struct lb_frontend *lb, const struct lb_target *t)
{
	return t->owner == 0 || t->owner == lb->seed;
}

/* Most frontends have what the slices name, which is what tables of one name have in common. */
static bool has_departed(const struct lb_frontend *lb, const struct lb_actual *actual)
{
	if (!actual || actual->table == lb->table)
		return false;
	if (actual->n_targets > lb->n_targets)
		return true;
	for (size_t i = 0, k = 0; i < actual->n_targets; i++, k++) {
		while (k < lb->n_targets && lb_target_cmp(&lb->targets[k], &actual->targets[i]) < 0)
			k++;
		if (k == lb->n_targets || lb_target_cmp(&lb->targets[k], &actual->targets[i]) != 0)
			return true;
	}
	return false;
}

/* All that the store or the ledger knows of this Service's and the slices do not, sorted. */
static struct lb_target *departed(const struct plan_draft *d, const struct lb_frontend *lb,
				  const struct lb_actual *actual, const struct drain_range *known,
				  size_t *ret_n)
{
	const size_t n_actual = actual ? actual->n_targets : 0;
	struct lb_target *all = arena_array_of(d->arena, n_actual + known->n, struct lb_target);
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < n_actual; i++)
		all[n++] = actual->targets[i];
	for (size_t i = 0; i < known->n; i++)
		if (!store_has(actual, &known->items[i].target))
			all[n++] = known->items[i].target;
	n = plan_sort_unique(all, n, sizeof(*all), cmp_target);
	for (size_t i = 0; i < n; i++)
		if (is_own(lb, &all[i]) &&
		    !sorted_find(&all[i], lb->targets, lb->n_targets, sizeof(*all), cmp_target))
			all[kept++] = all[i];
	*ret_n = kept;
	return all;
}

/* Adds to the frontend what drains; notes it in the ledger and in the port, for status. */
static void add_drains(struct plan_draft *d, const struct candidate *c, struct lb_frontend *lb)
{
	const struct drain_range known = ledger_drains(d, &lb->key);
	struct lb_target *gone, *merged;
	size_t n_gone, n_kept = 0;
	nsec_t *until_of;

	if (known.n == 0 && !has_departed(lb, c->actual))
		return;
	plan_draft_stir(d, &lb->key.addr);
	gone = departed(d, lb, c->actual, &known, &n_gone);
	until_of = arena_array_of(d->arena, n_gone, nsec_t);
	for (size_t i = 0; i < n_gone; i++) {
		const nsec_t at_most = gone[i].state == LB_BACKEND_IDLE ? d->now : NSEC_NEVER;
		const nsec_t until = nsec_min(drain_until(d, &known, &gone[i]), at_most);
		const bool due = until <= d->now;

		gone[i].state = LB_BACKEND_DRAINING;
		if (!due || store_has(c->actual, &gone[i]))
			*(struct plan_drain *)arena_push(d->arena, &d->drains, &d->n_drains,
							 &d->cap_drains, sizeof(*d->drains)) =
				(struct plan_drain){
					.frontend = lb->key, .target = gone[i], .until = until};
		if (due || lb->n_targets + n_kept == LIMIT_BACKENDS)
			continue;
		d->deadline = nsec_min(d->deadline, until);
		until_of[n_kept] = until;
		gone[n_kept++] = gone[i];
	}
	if (n_kept == 0)
		return;
	c->draft->drained = gone;
	c->draft->drained_until = until_of;
	c->draft->n_drained = (uint32_t)n_kept;
	merged = arena_array_of(d->arena, lb->n_targets + n_kept, struct lb_target);
	memcpy(merged, lb->targets, lb->n_targets * sizeof(*merged));
	memcpy(merged + lb->n_targets, gone, n_kept * sizeof(*merged));
	lb->targets = merged;
	lb->n_targets += n_kept;
	qsort(merged, lb->n_targets, sizeof(*merged), cmp_target);
	plan_assert_targets(lb);
	lb->table = lb_table_name(lb);
}

/* --- wanted frontends ----------------------------------------------------------------------- */

static uint32_t vip_flags(const struct api_config *config, uint8_t unknown_port)
{
	uint32_t flags = plan_unknown_flags(unknown_port ? unknown_port : config->unknown_port);

	switch (config->icmp_echo) {
	case API_ECHO_ANSWER:
		return flags | LB_F_ECHO_ANSWER;
	case API_ECHO_PASS:
		return flags | LB_F_ECHO_PASS;
	case API_ECHO_DROP:
		break;
	}
	return flags;
}

/* Before the first frontend of a VIP: the VIP itself. */
static struct draft_vip *ensure_vip(struct plan_draft *d, const struct candidate *c)
{
	const struct plan_vip vip = plan_vip_of(&c->port->lb.key);
	const struct lb_frontend lb = {.key = plan_vip_key(&vip),
				       .flags = vip_flags(&d->env.config, c->unknown_port) |
						plan_shared_vip_flags(d, &c->shared)};
	struct draft_vip *v;

	if (d->n_vips && plan_vip_equal(&d->vips[d->n_vips - 1].vip, &vip))
		return &d->vips[d->n_vips - 1];
	assert(d->n_vips == 0 || plan_vip_cmp(&d->vips[d->n_vips - 1].vip, &vip) < 0);
	v = arena_push(d->scratch, &d->vips, &d->n_vips, &d->cap_vips, sizeof(*v));
	v->vip = vip;
	(void)plan_draft_push(d, &lb);
	d->n_stay += c->shared.vip != NULL;
	if (!c->shared.vip || c->shared.vip->flags != lb.flags)
		plan_draft_stir(d, &vip.addr);
	return v;
}

/* Gate 1, as far as the store and the other nodes are concerned. */
static enum vip_gate frontend_gate(const struct plan_draft *d, const struct candidate *c,
				   const struct lb_frontend *lb)
{
	const enum vip_gate reached = plan_draft_reached(d, lb);

	c->draft->unreached = c->port->takes_new_flows && reached == GATE_CLOSED;
	c->draft->unasked = c->port->takes_new_flows && reached == GATE_STALE;
	if (!c->actual || !c->actual->tested || !c->port->takes_new_flows || !c->shared.vip)
		return GATE_CLOSED;
	if (c->actual->table != lb->table || c->actual->flags != lb->flags)
		return reached == GATE_OPEN ? GATE_STALE : reached;
	return reached;
}

/*
 * With plan.leaving: the frontend is still to be served, while its flows have the time to end. Once
 * the routers send nothing by our routes what begins is left to the kernel, and then it is over
 * with the last flow. What is of another version has the whole time, for nobody can tell it
 * anything.
 */
static bool lingers(struct plan_draft *d, struct candidate *c)
{
	const struct lb_key *key = &c->port->lb.key;
	nsec_t since, from, until;

	if (!c->actual)
		return false;
	since = plan_draft_unheld_since(d, key);
	from = nsec_add(since, PLAN_UNHELD_NS);
	until = nsec_add(from, d->env.drain_ns);
	if (until <= d->now || (from <= d->now && d->is_over))
		return false; /* and plan_leaving.c takes it from here */
	c->shared.hands_back = from <= d->now && !d->plan->strange;
	if (!d->plan->strange && !c->shared.hands_back)
		until = from;
	d->deadline = nsec_min(d->deadline, until);
	plan_draft_note_leaving(d, key, since);
	return true;
}

/*
 * A port that nobody is ready for takes no new flow, as long as the VIP stays for another port's
 * sake. Else its route is about to go, and who keeps flows takes what still comes meanwhile.
 */
static void close_port(const struct candidate *c, struct lb_frontend *lb)
{
	if (c->is_closed)
		lb->flags |= LB_F_CLOSED;
	else if (!(lb->flags & LB_F_PAUSED))
		lb->flags &= ~LB_F_REJECT;
}

/* What the store has there may be of a Service that is gone, whose flows have their time yet. */
static void note_spent(struct plan_draft *d, const struct candidate *c)
{
	const struct lb_frontend *lb = &c->port->lb;

	if (c->actual && c->actual->seed == lb->seed)
		*(struct lb_key *)arena_push(d->arena, &d->spent, &d->n_spent, &d->cap_spent,
					     sizeof(*d->spent)) = lb->key;
}

static bool is_discarded(const struct plan_draft *d, const struct lb_key *key)
{
	const struct plan_vip vip = plan_vip_of(key);

	return plan_draft_is_discarded(d, &vip);
}

static void want(struct plan_draft *d, struct candidate *c)
{
	struct lb_frontend lb = c->port->lb;
	struct draft_vip *known;
	enum vip_gate gate;

	if (d->in->synced)
		add_drains(d, c, &lb);
	close_port(c, &lb);
	if (lb.n_targets == 0 && !c->is_closed) {
		note_spent(d, c);
		return;
	}
	if (d->plan->leaving && !lingers(d, c))
		return;
	lb.flags |= plan_shared_flags(d, &c->shared);
	if (d->discards && is_discarded(d, &lb.key))
		lb.flags |= LB_F_BLACKHOLE;
	gate = frontend_gate(d, c, &lb);
	known = ensure_vip(d, c);
	if (gate > known->gate)
		known->gate = gate;
	known->may_open |= c->port->takes_new_flows && !c->draft->unreached;
	(void)plan_draft_push(d, &lb);
	d->n_stay += c->actual != NULL;
	if (!c->actual || !c->actual->tested || !lb_actual_is(c->actual, &lb))
		plan_draft_stir(d, &lb.key.addr);
}

/* --- conflicts between Services ------------------------------------------------------------- */

static void port_conflict(struct plan_draft *d, const struct candidate *loser,
			  const struct arranged_port *winner)
{
	const struct api_object *owner = winner->service;
	const struct plan_service *row = &d->arranged->rows[loser->draft - d->ports];

	loser->draft->lost = d->any_lost = true;
	plan_draft_stir(d, &loser->port->lb.key.addr);
	object_problem(&d->plan->problems, SEVERITY_ERROR, loser->port->service, "spec.ports",
		       "PortConflict", "use another port, or another address",
		       "%s port %u of its address belongs to the older Service %s/%s",
		       row->protocol, row->port, plan_text(owner->meta.ns), owner->meta.name);
}

static void too_many(struct plan_draft *d, const struct candidate *c)
{
	c->draft->left_out = true;
	object_problem(&d->plan->problems, SEVERITY_ERROR, c->port->service, "spec.ports",
		       "TooManyServices", "remove Services that are not needed",
		       "a node has at most %d frontends; this one is not served", LIMIT_SERVICES);
}

/* A walk through what the store has, side by side with the ports. */
struct actual_walk {
	const struct lb_actual *at, *end;
	const struct lb_actual *vip; /* the last VIP that was passed */
};

/* The ports of one VIP, which lie side by side. */
struct vip_walk {
	size_t end;           /* behind the last */
	bool takes_new;       /* one of them does */
	bool has_datagrams;   /* one of them is of UDP */
	uint8_t unknown_port; /* what holds for the VIP; 0: no Service has said */
};

static void pass_vip(struct plan_draft *d, size_t i, struct vip_walk *w)
{
	const struct plan_vip vip = plan_vip_of(&arranged_port(d->arranged, i)->lb.key);

	if (i < w->end)
		return;
	*w = (struct vip_walk){.end = i};
	for (; w->end < d->arranged->ports.n; w->end++) {
		const struct arranged_port *port = arranged_port(d->arranged, w->end);
		const struct plan_vip other = plan_vip_of(&port->lb.key);

		if (!plan_vip_equal(&other, &vip))
			break;
		w->takes_new |= port->takes_new_flows;
		w->has_datagrams |= port->lb.key.proto == API_UDP;
	}
	w->unknown_port = plan_unknown_choose(d, i, w->end);
}

static struct candidate candidate_at(const struct plan_draft *d, size_t i, struct actual_walk *w)
{
	const struct arranged_port *port = arranged_port(d->arranged, i);
	const struct lb_key *key = &port->lb.key;
	const struct plan_vip vip = plan_vip_of(key);
	struct candidate ret = {.port = port, .draft = plan_draft_port(d, &port->at)};

	for (; w->at < w->end && lb_key_cmp(&w->at->key, key) < 0; w->at++)
		if (w->at->key.port == 0)
			w->vip = w->at;
	ret.actual = w->at < w->end && lb_key_cmp(&w->at->key, key) == 0 ? w->at : NULL;
	ret.shared.actual = ret.actual;
	ret.shared.taken = plan_shared_taken(d, &vip);
	if (w->vip && w->vip->key.domain == key->domain &&
	    ip_addr_equal(&w->vip->key.addr, &key->addr))
		ret.shared.vip = w->vip;
	return ret;
}

/* What the steps will want at most, so that it need not grow. */
static void make_room(struct plan_draft *d)
{
	d->cap_vips = d->arranged->ports.n;
	d->vips = arena_array_of(d->scratch, d->cap_vips, struct draft_vip);
	d->cap_frontends = 2 * d->cap_vips + IP_N_FAMILIES;
	d->frontends = arena_array_of(d->scratch, d->cap_frontends, struct plan_frontend);
}

/* Conntrack's part: whether the port may begin. One without endpoints begins nothing. */
static void ask(struct plan_draft *d, const struct candidate *c)
{
	const struct plan_vip vip = plan_vip_of(&c->port->lb.key);

	if (!plan_shared_asks(d, &c->shared))
		return;
	plan_draft_stir(d, &vip.addr);
	plan_shared_tell(d, &c->shared, c->port->service, &vip);
	c->draft->left_out = plan_shared_waits(d, &c->shared);
	if (c->port->lb.n_targets > 0 || c->actual)
		plan_shared_note(d, &c->shared, &vip);
}

void plan_draft_frontends(struct plan_draft *d)
{
	const struct plan_actual *actual = d->in->actual;
	struct actual_walk walk = {.at = actual->frontends};
	struct vip_walk vip = {.end = 0};
	const struct arranged_port *owner = NULL;
	enum ip_family end = 0;
	size_t n_wanted = 0;

	d->is_over = d->plan->leaving && !d->plan->strange && plan_shared_is_over(d);
	walk.end = actual->n_frontends ? walk.at + actual->n_frontends : walk.at;
	make_room(d);
	for (size_t i = 0; i < d->arranged->ports.n; i++) {
		struct candidate c = candidate_at(d, i, &walk);
		const int order = owner ? lb_key_cmp(&owner->lb.key, &c.port->lb.key) : -1;

		assert(order <= 0);
		if (order == 0) {
			port_conflict(d, &c, owner);
			continue;
		}
		owner = c.port;
		plan_draft_tunnel_ends(d, &end, &c.port->lb.key);
		pass_vip(d, i, &vip);
		c.unknown_port = vip.unknown_port;
		c.shared.has_datagrams = vip.has_datagrams;
		c.is_closed = vip.takes_new && !c.port->takes_new_flows && !d->plan->leaving;
		if (!d->plan->dataplane && !d->plan->leaving)
			continue;
		if (n_wanted < LIMIT_SERVICES)
			ask(d, &c);
		else
			too_many(d, &c);
		if (c.draft->left_out)
			continue;
		want(d, &c);
		n_wanted++;
	}
	plan_draft_tunnel_ends(d, &end, NULL);
	assert(d->n_vips <= d->cap_vips && d->n_frontends <= d->cap_frontends);
	for (size_t i = 0; i < d->n_vips; i++)
		if (d->vips[i].gate != GATE_OPEN)
			plan_draft_stir(d, &d->vips[i].vip.addr);
}
