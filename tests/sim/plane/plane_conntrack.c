// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Conntrack, the table of the kernel's flows in the maps, and how the agent keeps it: as
 * agent/takeover.c lets it be read, by a helper, while packets go on. What changes in the table
 * says lb/lb_kernel_flows.h, which is the agent's own.
 */
#include "sim/plane/plane_flows.h"

#include <assert.h>

#define REMEMBERED_NS (120 * NSEC_PER_SEC) /* what has ended, by conntrack */
#define UNDER_WAY_NS  (100 * NSEC_PER_MSEC)
#define AGAIN_NS      (5 * NSEC_PER_SEC)

/* --- the kernel's table of flows -------------------------------------------------------------- */

static struct lb_kernel_flow table_key(const struct plane_flow *f)
{
	struct lb_kernel_flow key = {.port = f->key.port, .proto = f->key.proto};

	memcpy(key.client, &f->client, sizeof(f->client));
	memcpy(key.vip, f->key.addr.b, sizeof(key.vip));
	return key;
}

bool plane_conntrack_names(const struct plane_flows *w, const struct plane_flow *f)
{
	const struct lb_kernel_flow key = table_key(f);

	for (size_t i = 0; i < w->table.n; i++)
		if (lb_kernel_flow_cmp(&w->table.items[i], &key) == 0)
			return true;
	return false;
}

static void keep(struct lb_kernel_keys *to, struct lb_kernel_flow *room,
		 const struct lb_kernel_keys *from)
{
	assert(from->n <= PLANE_FLOWS);
	memmove(room, from->items, from->n * sizeof(*room));
	*to = (struct lb_kernel_keys){.items = room, .n = from->n};
}

bool plane_conntrack_has(const struct plane *p, const struct plane_flow *f)
{
	return f->client && f->side == KERNEL && f->until + REMEMBERED_NS > p->now;
}

bool plane_conntrack_is_unseen(const struct plane_flows *w, const struct plan_vip *vip)
{
	const struct conntrack_job *j = &w->job;

	for (size_t i = 0; i < w->n_taken; i++)
		if (plan_vip_equal(&w->taken[i].vip, vip) && !w->taken[i].seen)
			return true;
	for (size_t i = 0; j->is_under_way && j->is_read && i < j->n_begins; i++)
		if (plan_vip_equal(&j->items[i].vip, vip) && !j->items[i].seen)
			return true;
	return false;
}

/* --- the agent's helper ----------------------------------------------------------------------- */

static struct plan_taken *taken_of(struct plan_taken *items, size_t n, const struct plan_vip *vip)
{
	for (size_t i = 0; i < n; i++)
		if (plan_vip_equal(&items[i].vip, vip))
			return &items[i];
	return NULL;
}

static void count(struct conntrack_job *j, const struct lb_kernel_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		for (size_t k = 0; k < j->n_begins; k++)
			j->items[k].flows += memcmp(j->items[k].vip.addr.b, keys->items[i].vip,
						    sizeof(keys->items[i].vip)) == 0;
}

/* What conntrack holds of the VIPs that are asked about. */
static size_t dump(struct plane *p, struct conntrack_job *j, struct lb_kernel_seen *seen)
{
	size_t n = 0;

	for (size_t i = 0; i < PLANE_FLOWS; i++) {
		const struct plane_flow *f = &p->flows->items[i];
		const struct plan_vip vip = plan_vip_of(&f->key);
		struct plan_taken *item;

		if (!plane_conntrack_has(p, f))
			continue;
		item = taken_of(j->items, j->n_begins, &vip);
		if (!item)
			continue;
		item->seen = true;
		seen[n++] = (struct lb_kernel_seen){.key = table_key(f),
						    .lives = plane_flow_lives(p, f),
						    .enter = j->begins[item - j->items].takes};
	}
	return n;
}

/* Of VIPs that nobody asks about the table forgets all. */
static bool is_asked(const struct conntrack_job *j, const struct lb_kernel_flow *key)
{
	for (size_t k = 0; k < j->n_begins; k++)
		if (memcmp(j->items[k].vip.addr.b, key->vip, sizeof(key->vip)) == 0)
			return true;
	return false;
}

static void read_conntrack(struct plane *p, struct conntrack_job *j)
{
	struct plane_flows *w = p->flows;
	struct lb_kernel_seen seen[PLANE_FLOWS];
	struct lb_kernel_change change;
	struct arena *arena = arena_new();
	struct lb_kernel_flow all[PLANE_FLOWS];
	size_t n_seen, n = 0;

	for (size_t i = 0; i < j->n_begins; i++)
		j->items[i] = (struct plan_taken){.vip = j->begins[i].vip,
						  .programmed = j->begins[i].programmed};
	n_seen = dump(p, j, seen);
	lb_kernel_flows_change(&w->table, seen, n_seen, &w->missed, arena, &change);
	for (size_t i = 0; i < change.stay.n; i++)
		if (is_asked(j, &change.stay.items[i]))
			all[n++] = change.stay.items[i];
	for (size_t i = 0; i < change.add.n && n < PLANE_FLOWS; i++)
		all[n++] = change.add.items[i];
	keep(&w->table, w->table_items, &(struct lb_kernel_keys){.items = all, .n = n});
	count(j, &w->table);
	keep(&w->missed, w->missed_items, &change.missed);
	j->is_read = true;
	arena_free(arena);
}

static void take_answer(struct plane *p, struct conntrack_job *j)
{
	struct plane_flows *w = p->flows;

	memcpy(w->taken, j->items, sizeof(w->taken));
	w->n_taken = j->n_begins;
	w->until = j->asked_at + AGAIN_NS;
	w->at_rest |= j->of_whole_picture;
	j->is_under_way = false;
	for (size_t i = 0; i < PLANE_FLOWS; i++) {
		struct plane_flow *f = &w->items[i];

		const struct plan_vip vip = plan_vip_of(&f->key);

		if (f->side == KERNEL && !fake_store_find(&p->f->store, &f->key))
			f->is_unseen = plane_conntrack_is_unseen(w, &vip);
	}
	p->dirty = true;
}

/* Since when all of the VIP is programmed; NSEC_NEVER: it is not. */
static nsec_t programmed_since(const struct plane_flows *w, const struct plan_vip *vip)
{
	for (size_t i = 0; i < w->n_programmed; i++)
		if (plan_vip_equal(&w->programmed[i].vip, vip))
			return w->programmed[i].since;
	return NSEC_NEVER;
}

static void note_programmed(struct plane *p)
{
	struct plane_flows *w = p->flows;
	struct plane_programmed items[PLANE_TAKEN];
	size_t n = 0;

	for (size_t i = 0; i < p->f->plan.n_begins; i++) {
		const struct plan_begin *b = &p->f->plan.begins[i];

		if (b->programmed)
			items[n++] = (struct plane_programmed){
				b->vip, nsec_min(programmed_since(w, &b->vip), p->now)};
	}
	memcpy(w->programmed, items, n * sizeof(*items));
	w->n_programmed = n;
}

static void ask(struct plane *p)
{
	struct conntrack_job *j = &p->flows->job;
	const struct plan *plan = &p->f->plan;

	assert(plan->n_begins <= PLANE_TAKEN);
	*j = (struct conntrack_job){.is_under_way = true,
				    .asked_at = p->now,
				    .of_whole_picture = p->f->synced,
				    .read_at = p->now + plane_chance(p, 100 * NSEC_PER_MSEC),
				    .n_begins = plan->n_begins};
	j->answers_at = j->read_at + plane_chance(p, 100 * NSEC_PER_MSEC);
	for (size_t i = 0; i < plan->n_begins; i++) {
		const nsec_t since = programmed_since(p->flows, &plan->begins[i].vip);

		j->begins[i] = plan->begins[i];
		j->begins[i].programmed &= nsec_add(since, UNDER_WAY_NS) <= p->now;
	}
	p->flows->ask_at = NSEC_NEVER;
}

static nsec_t due_at(struct plane *p)
{
	struct plane_flows *w = p->flows;
	const struct plan *plan = &p->f->plan;

	w->ask_at = NSEC_NEVER;
	for (size_t i = 0; i < plan->n_begins; i++) {
		const struct plan_begin *b = &plan->begins[i];
		struct plan_taken *known = taken_of(w->taken, w->n_taken, &b->vip);

		if (known ? known->old : b->waits)
			w->ask_at = p->now;
		if (known) {
			known->programmed &= b->programmed;
			w->ask_at = nsec_min(w->ask_at, w->until);
		}
		if (b->programmed && !(known && known->programmed))
			w->ask_at = nsec_min(w->ask_at,
					     nsec_add(programmed_since(w, &b->vip), UNDER_WAY_NS));
	}
	return w->ask_at;
}

void plane_flows_recall(struct plane *p)
{
	struct plane_flows *w = p->flows;

	for (size_t i = 0; i < w->n_taken; i++)
		w->taken[i].old |= p->now >= w->until;
	p->f->node.ask = w->at_rest ? PLAN_ASK_BESIDE : PLAN_ASK_FIRST;
	p->f->node.taken = w->taken;
	p->f->node.n_taken = w->n_taken;
}

void plane_flows_ask(struct plane *p)
{
	nsec_t due;

	note_programmed(p);
	due = due_at(p);
	if (p->f->plan.n_begins == 0)
		p->flows->at_rest |= p->f->synced;
	if (p->f->plan.n_begins && !p->flows->job.is_under_way && due <= p->now)
		ask(p);
}

/* --- time ------------------------------------------------------------------------------------- */

void plane_conntrack_step(struct plane *p)
{
	struct plane_flows *w = p->flows;
	struct conntrack_job *j = &w->job;

	if (!p->f->pinned)
		w->table.n = 0;
	if (j->is_under_way && !j->is_read && j->read_at <= p->now)
		read_conntrack(p, j);
	if (j->is_under_way && j->answers_at <= p->now)
		take_answer(p, j);
	if (p->is_alive && p->f->plan.n_begins && !j->is_under_way && w->ask_at <= p->now)
		p->dirty = true; /* whereupon it is asked */
}

nsec_t plane_conntrack_next(const struct plane *p)
{
	const struct plane_flows *w = p->flows;

	if (!p->is_alive)
		return NSEC_NEVER;
	if (w->job.is_under_way)
		return w->job.is_read ? w->job.answers_at : w->job.read_at;
	return p->f->plan.n_begins ? w->ask_at : NSEC_NEVER;
}
