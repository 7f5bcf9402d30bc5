// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Frontends that leave the maps, by the gate unheld (2): one that no Service wants stays until no
 * peer holds a route that covers only it, and PLAN_UNHELD_NS more for the routers' FIBs. A router
 * that keeps stale routes for a session that broke (RFC 4724) holds them all, whatever they are,
 * until it has been told what is left (End-of-RIB) or its time is over.
 *
 * Then it takes no new flow, and those that it has go on until the last one ended, or for the time
 * that a drain has: a Service that is deleted has no rules of kube-proxy's any more, so that nobody
 * else could carry them. Where the Service is still there, but its last target has drained, they
 * had that time.
 *
 * With `mode: off` all of them leave, also those that Services want: these are kept up to date
 * until their flows had the time that a drain has, since what XDP has rewritten cannot be handed to
 * the kernel. So have those that nobody wants, whatever begins meanwhile is the kernel's, and all
 * go in one step.
 *
 * What is pinned of another version of the maps is left the same way, without being read.
 *
 * The ledger keeps an entry as long as the store holds what it is about, see plan_frontends.c.
 */
#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_shared.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* A key that is on its way out, as the store holds it. */
struct outgoing {
	const struct lb_actual *actual;
	nsec_t from;  /* it takes no new flow; NSEC_NEVER: a route still leads to it */
	nsec_t until; /* at the latest it goes */
};

static int cmp_key(const void *a, const void *b)
{
	return lb_key_cmp(a, b);
}

static struct outgoing outgoing(struct plan_draft *d, const struct lb_actual *actual)
{
	const bool is_spent =
		actual->n_targets == 0 ||
		sorted_find(&actual->key, d->spent, d->n_spent, sizeof(*d->spent), cmp_key);
	struct outgoing ret = {.actual = actual};

	ret.from = nsec_add(plan_draft_unheld_since(d, &actual->key), PLAN_UNHELD_NS);
	ret.until = is_spent ? ret.from : nsec_add(ret.from, d->env.drain_ns);
	return ret;
}

/* When its flows were handed back before, the kernel may have more of it: so it stays. */
static bool is_shared(const struct plan_draft *d, const struct outgoing *o)
{
	return d->plan->leaving || o->actual->flags & LB_F_SHARED;
}

static bool may_go(const struct plan_draft *d, const struct outgoing *o)
{
	if (o->from > d->now)
		return false;
	return o->until <= d->now || (d->plan->leaving ? d->is_over : o->actual->idle);
}

/*
 * A VIP sorts before its frontends and leaves with the last of them: one that was made later,
 * before the first complete picture, has waited less.
 */
static struct outgoing outgoing_vip(struct plan_draft *d, size_t i)
{
	const struct plan_actual *all = d->in->actual;
	const struct plan_vip vip = plan_vip_of(&all->frontends[i].key);
	struct outgoing ret = outgoing(d, &all->frontends[i]);
	bool one_stays = false;

	for (size_t k = i + 1; k < all->n_frontends; k++) {
		const struct lb_actual *actual = &all->frontends[k];
		const struct plan_vip other = plan_vip_of(&actual->key);
		struct outgoing o;

		if (!plan_vip_equal(&other, &vip))
			break;
		o = outgoing(d, actual);
		ret.from = o.from > ret.from ? o.from : ret.from;
		ret.until = o.until > ret.until ? o.until : ret.until;
		one_stays |= !may_go(d, &o);
	}
	if (!one_stays)
		ret.until = ret.from;
	return ret;
}

/* Leaves what the store holds as it is. */
static void hold(struct plan_draft *d, const struct lb_actual *actual)
{
	const struct lb_frontend lb = {.key = actual->key};
	struct plan_frontend *f = plan_draft_push(d, &lb);

	plan_draft_hold(f, actual);
	f->leaving = true;
	assert(f->hold && lb_key_cmp(&f->lb.key, &actual->key) == 0);
}

static const struct lb_target *targets_of(struct plan_draft *d, const struct lb_actual *actual)
{
	struct lb_target *ret = arena_memdup(d->arena, actual->targets,
					     actual->n_targets * sizeof(*actual->targets));

	for (size_t i = 0; i < actual->n_targets; i++)
		if (ret[i].state == LB_BACKEND_IDLE)
			ret[i].state = LB_BACKEND_DRAINING;
	return ret;
}

/*
 * Keeps the flows that it has. What begins is refused; but it is the kernel's where the kernel had
 * some before, for whose sake conntrack is not read any more, so that ours are those that have an
 * entry.
 */
static void keep_flows(struct plan_draft *d, const struct outgoing *o)
{
	const struct lb_actual *actual = o->actual;
	struct lb_frontend lb = {.key = actual->key,
				 .seed = actual->seed,
				 .rows_log2 = actual->rows_log2,
				 .flags = actual->flags,
				 .table = actual->table,
				 .targets = targets_of(d, actual),
				 .n_targets = actual->n_targets,
				 .ranges_name = actual->ranges_name,
				 .limit = actual->limit};

	if (lb.flags & LB_F_AFFINITY)
		lb.affinity_s = 1; /* nobody comes back to a backend here */
	if (is_shared(d, o))
		lb.flags = (lb.flags & ~LB_F_SHARED) | LB_F_HANDING_BACK;
	else if (lb.key.port != 0)
		lb.flags |= LB_F_CLOSED | LB_F_REJECT;
	plan_draft_push(d, &lb)->leaving = true;
}

/* What the store holds at `i` and nobody wants. */
static void leave(struct plan_draft *d, size_t i)
{
	const struct lb_actual *actual = &d->in->actual->frontends[i];
	const bool is_end = actual->flags & LB_F_TUNNEL; /* of tunnels: nothing leads there */
	const struct outgoing o = actual->key.port == 0 ? outgoing_vip(d, i) : outgoing(d, actual);
	const bool is_held = o.from > d->now;

	plan_draft_note_leaving(d, &actual->key,
				o.from == NSEC_NEVER ? NSEC_NEVER : o.from - PLAN_UNHELD_NS);
	if (is_end || may_go(d, &o))
		return;
	d->deadline = nsec_min(d->deadline, is_held ? o.from : o.until);
	if (is_held && !(actual->flags & (LB_F_KERNEL_FLOWS | LB_F_TAKING_OVER)))
		hold(d, actual);
	else
		keep_flows(d, &o);
}

static int cmp_frontend(const void *a, const void *b)
{
	const struct plan_frontend *x = a, *y = b;

	return lb_key_cmp(&x->lb.key, &y->lb.key);
}

/* What stays for now came in the order of keys, behind what is wanted. */
static void merge_frontends(struct plan_draft *d, size_t n_wanted)
{
	const struct plan_frontend *all = d->frontends;

	if (d->n_frontends == n_wanted)
		return;
	d->frontends = arena_array_of(d->scratch, d->n_frontends, struct plan_frontend);
	d->cap_frontends = d->n_frontends;
	plan_merge(all, n_wanted, all + n_wanted, d->n_frontends - n_wanted, sizeof(*all),
		   cmp_frontend, d->frontends);
}

static int cmp_noted(const void *a, const void *b)
{
	const struct plan_leaving *x = a, *y = b;

	return lb_key_cmp(&x->frontend, &y->frontend);
}

/*
 * Another version of the maps serves VIPs that we cannot ask it for, so it waits for all routes,
 * and then as long as `mode: off` does. The ledger has it under a key that no VIP has.
 */
static void leave_strange(struct plan_draft *d)
{
	const struct lb_key nobody = {.port = 0};
	nsec_t since = plan_draft_unheld_since(d, &nobody), until;

	for (size_t i = 0; i < d->in->actual->n_peers; i++)
		if (prefix_list_n(d->in->actual->peers[i].advertised) > 0)
			since = NSEC_NEVER;
	until = nsec_add(nsec_add(since, PLAN_UNHELD_NS), d->env.drain_ns);
	plan_draft_note_leaving(d, &nobody, since);
	d->plan->strange_may_go = until <= d->now && d->in->synced;
	if (until > d->now)
		d->deadline = nsec_min(d->deadline, until);
}

void plan_draft_leaving(struct plan_draft *d)
{
	const bool all_stay = d->n_stay == d->in->actual->n_frontends && !d->plan->leaving;
	const size_t n_wanted = d->n_frontends;

	/* With mode off a VIP goes in the same step as its last frontend, so it waits with them. */
	for (size_t i = 0, k = 0; !all_stay && i < d->in->actual->n_frontends; i++) {
		const struct lb_actual *actual = &d->in->actual->frontends[i];
		bool wanted;

		while (k < n_wanted && lb_key_cmp(&d->frontends[k].lb.key, &actual->key) < 0)
			k++;
		wanted = k < n_wanted && lb_key_cmp(&d->frontends[k].lb.key, &actual->key) == 0;
		if (wanted && d->plan->leaving && d->in->synced && actual->key.port == 0)
			plan_draft_note_leaving(d, &actual->key,
						plan_draft_unheld_since(d, &actual->key));
		if (wanted)
			continue;
		if (d->plan->dataplane)
			plan_shared_note_leaving(d, actual);
		if (d->in->synced)
			leave(d, i);
		else
			hold(d, actual);
	}
	assert(d->n_frontends <= n_wanted + d->in->actual->n_frontends);
	merge_frontends(d, n_wanted);
	if (d->plan->strange)
		leave_strange(d);
	if (d->n_leaving)
		plan_sort(d->leaving, d->n_leaving, sizeof(*d->leaving), cmp_noted);
	d->plan->begins = d->begins;
	d->plan->n_begins = d->n_begins;
	d->plan->frontends =
		arena_memdup(d->arena, d->frontends, d->n_frontends * sizeof(*d->frontends));
	d->plan->n_frontends = d->n_frontends;
}
