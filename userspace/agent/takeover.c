// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A dump of conntrack costs up to a second where there are a million flows, so the helper makes it,
 * and brings the map to what it says; and plans are made often, so its answer counts for a while,
 * for whatever it was asked about. Where dumps are long they are rare.
 */
#include "agent/takeover.h"

#include "agent/agent.h"
#include "base/sorted.h"
#include "sys/bpf_dataplane.h"
#include "sys/bpf_kernel_flows.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <errno.h>

/* What saw the VIP not programmed yet is through the kernel by then. */
#define UNDER_WAY_NS (100 * NSEC_PER_MSEC)
#define DUMP_SHARE   50 /* one part in so many of the helper's time */
/* What began by taking over is right as it is, so that it may wait for others of its kind. */
#define BESIDE_NS    NSEC_PER_SEC
#define BESIDE_SHARE 200

#define LOOK_NS (10 * NSEC_PER_SEC)
#define MAP_NS  (20 * NSEC_PER_MSEC) /* about as long as it takes to make the map */

static int cmp_taken(const void *vip, const void *item)
{
	return plan_vip_cmp(vip, &((const struct plan_taken *)item)->vip);
}

static struct plan_taken *find(const struct agent_taken *t, const struct plan_vip *vip)
{
	return sorted_find(vip, t->items, t->n, sizeof(*t->items), cmp_taken);
}

/* All of a VIP is programmed and takes what begins. */
struct takeover_programmed {
	struct plan_vip vip;
	nsec_t since;
};

static int cmp_programmed(const void *vip, const void *item)
{
	return plan_vip_cmp(vip, &((const struct takeover_programmed *)item)->vip);
}

/* NSEC_NEVER: it is not. */
static nsec_t since(const struct agent_taken *t, const struct plan_vip *vip)
{
	const struct takeover_programmed *p =
		sorted_find(vip, t->since, t->n_since, sizeof(*t->since), cmp_programmed);

	return p ? p->since : NSEC_NEVER;
}

/* --- the helper ------------------------------------------------------------------------------- */

struct takeover_job {
	struct worker_job base; /* first */
	struct agent *agent;    /* not the helper's */
	nsec_t asked_at;
	bool of_whole_picture;
	struct arena *arena; /* owned; holds all below */
	struct plan_begin *begins;
	size_t n_begins;
	int fd;         /* of the map; -1: there is none; owned */
	bool wants_map; /* there is something to be entered */
	struct lb_kernel_keys missed;
	struct plan_taken *items; /* by VIP, as many as begins */
	nsec_t took;
	int error;
};

/* There was no map: who has flows is asked about once more when there is. */
static void wait_for_map(struct takeover_job *j)
{
	for (size_t i = 0; i < j->n_begins; i++) {
		j->items[i].old = j->items[i].out > 0;
		j->wants_map |= j->items[i].old;
		j->items[i].out = 0;
	}
}

static void read_conntrack(struct worker_job *base)
{
	struct takeover_job *j = (struct takeover_job *)base;
	struct bpf_kernel_flows_args args = {
		.fd = j->fd, .begins = j->begins, .n_begins = j->n_begins, .missed = j->missed};
	struct plan_vip *vips = arena_array_of(j->arena, j->n_begins, struct plan_vip);
	const nsec_t begun = clock_thread();
	struct conntrack_flow *flows = NULL;

	for (size_t i = 0; i < j->n_begins; i++)
		vips[i] = j->begins[i].vip;
	j->error = conntrack_flows(vips, j->n_begins, j->arena, &flows, &args.n_flows);
	args.flows = flows;
	if (j->error == 0 || j->error == -EOPNOTSUPP)
		j->error = bpf_kernel_flows_bring(&args, j->arena, &j->items, &j->missed);
	if (j->error == 0 && j->fd < 0)
		wait_for_map(j);
	j->took = clock_thread() - begun;
}

/* Without an answer what was known is what is known; of others nothing. */
static void answer_nothing(struct takeover_job *j, const struct agent_taken *t)
{
	log_warn("conntrack: cannot be read", "error=%s", log_quote(strerror(-j->error)));
	j->items = arena_array_of(j->arena, j->n_begins, struct plan_taken);
	for (size_t i = 0; i < j->n_begins; i++) {
		const struct plan_taken *known = find(t, &j->begins[i].vip);

		j->items[i] = known ? *known : (struct plan_taken){.vip = j->begins[i].vip};
		j->items[i].programmed = j->begins[i].programmed;
	}
	j->missed = (struct lb_kernel_keys){
		.items = arena_memdup(j->arena, t->missed.items,
				      t->missed.n * sizeof(*t->missed.items)),
		.n = t->missed.n};
}

static void take_answer(struct worker_job *base)
{
	struct takeover_job *j = (struct takeover_job *)base;
	struct agent *a = j->agent;
	struct agent_taken *t = &a->taken;
	const nsec_t pause = j->took * DUMP_SHARE;

	if (j->error < 0)
		answer_nothing(j, t);
	arena_free(t->arena);
	t->arena = j->arena;
	t->items = j->items;
	t->n = j->n_begins;
	t->missed = j->missed;
	t->until = nsec_add(j->asked_at, pause > TAKEOVER_AGAIN_NS ? pause : TAKEOVER_AGAIN_NS);
	t->again_at = nsec_add(j->asked_at, j->took * BESIDE_SHARE);
	t->at_rest |= j->of_whole_picture;
	t->wants_map = j->wants_map;
	t->job = NULL;
	if (j->fd >= 0)
		close(j->fd);
	free(j);
	agent_input_changed(&a->inputs, INPUT_CONNTRACK);
}

static void ask(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_taken *t = &a->taken;
	struct takeover_job *j = xcalloc(1, sizeof(*j));

	*j = (struct takeover_job){.base = {.run = read_conntrack, .done = take_answer},
				   .agent = a,
				   .asked_at = now,
				   .of_whole_picture = agent_inputs_are_complete(&a->inputs),
				   .arena = arena_new(),
				   .n_begins = plan->n_begins,
				   .fd = -1};
	j->begins = arena_memdup(j->arena, plan->begins, plan->n_begins * sizeof(*j->begins));
	for (size_t i = 0; i < j->n_begins; i++)
		j->begins[i].programmed &=
			nsec_add(since(t, &j->begins[i].vip), UNDER_WAY_NS) <= now;
	j->missed = (struct lb_kernel_keys){
		.items = arena_memdup(j->arena, t->missed.items,
				      t->missed.n * sizeof(*t->missed.items)),
		.n = t->missed.n};
	if (a->dataplane)
		j->fd = bpf_dataplane_kernel_flows(a->dataplane);
	t->job = j;
	t->n_dumps++;
	worker_add(a->worker, &j->base);
}

/* --- settings --------------------------------------------------------------------------------- */

void takeover_look(struct agent *a, nsec_t now)
{
	struct agent_conntrack *c = &a->conntrack;
	struct conntrack_limits limits;

	if (now < c->look_at)
		return;
	c->look_at = nsec_add(now, LOOK_NS);
	if (!a->dataplane || conntrack_limits(&limits) != 0) {
		c->is_full = c->is_strict = false;
		return;
	}
	c->is_full = conntrack_is_nearly_full(&limits, c->is_full);
	c->is_strict = limits.is_strict;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* What the kernel has is so until the next answer; who has begun since is known for a while only.
 */
void takeover_recall(const struct agent *a, struct agent_plan *p, nsec_t now)
{
	const struct agent_taken *t = &a->taken;
	struct plan_taken *items = arena_memdup(p->arena, t->items, t->n * sizeof(*t->items));

	for (size_t i = 0; i < t->n; i++)
		items[i].old |= now >= t->until;
	p->node.ask = t->at_rest ? PLAN_ASK_BESIDE : PLAN_ASK_FIRST;
	p->node.taken = items;
	p->node.n_taken = t->n;
}

/* What of the plan's is programmed, and since when, as far as that is seen here. */
static void note_programmed(struct agent_taken *t, const struct plan *plan, nsec_t now)
{
	struct takeover_programmed *items = xcalloc(plan->n_begins, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < plan->n_begins; i++) {
		const struct plan_begin *b = &plan->begins[i];

		if (b->programmed)
			items[n++] = (struct takeover_programmed){b->vip,
								  nsec_min(since(t, &b->vip), now)};
	}
	free(t->since);
	t->since = items;
	t->n_since = n;
}

/* When a VIP all of which is programmed is to be asked about, once more or for the first time. */
static nsec_t programmed_due(const struct agent_taken *t, const struct plan_vip *vip,
			     const struct plan_taken *known)
{
	const nsec_t from = since(t, vip), beside = nsec_add(from, BESIDE_NS);

	if (known)
		return nsec_add(from, UNDER_WAY_NS);
	return beside < t->again_at ? t->again_at : beside;
}

/*
 * When the plan's VIPs are to be asked about: at once if somebody waits, or what is shared with the
 * kernel is to be followed. What was asked when all of a VIP was programmed counts as long as it
 * is: it may be taken out and begin anew, also while others are asked about.
 */
static nsec_t due_at(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_taken *t = &a->taken;
	nsec_t due = NSEC_NEVER;

	for (size_t i = 0; i < plan->n_begins; i++) {
		const struct plan_begin *b = &plan->begins[i];
		struct plan_taken *known = find(t, &b->vip);

		if (known ? known->old && a->dataplane : b->waits)
			due = now;
		if (known)
			known->programmed &= b->programmed;
		if (b->programmed && !(known && known->programmed))
			due = nsec_min(due, programmed_due(t, &b->vip, known));
	}
	return due;
}

/* From when on what is known of the plan's VIPs is no answer, as the plan then is to see, too. */
static nsec_t answers_end(const struct agent_taken *t, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_begins; i++)
		if (find(t, &plan->begins[i].vip))
			return t->until;
	return NSEC_NEVER;
}

/* There is a map where one is wanted; else the next plan comes when there may be. */
static bool has_map(struct agent *a, nsec_t now)
{
	int error = 0;

	if (a->taken.wants_map && a->dataplane)
		error = bpf_dataplane_make_kernel_flows(a->dataplane, now);
	if (error == 0)
		return true;
	if (error != -EINPROGRESS)
		log_warn("conntrack: no table for its flows", "error=%s",
			 log_quote(strerror(-error)));
	a->plan_at = nsec_min(a->plan_at,
			      nsec_add(now, error == -EINPROGRESS ? MAP_NS : TAKEOVER_AGAIN_NS));
	return false;
}

void takeover_ask(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_taken *t = &a->taken;
	nsec_t due, end;

	t->ask_at = NSEC_NEVER;
	note_programmed(t, plan, now);
	due = due_at(a, plan, now);
	end = answers_end(t, plan);
	if (!a->dataplane)
		t->at_rest = false;
	else if (plan->n_begins == 0)
		t->at_rest |= agent_inputs_are_complete(&a->inputs);
	if (plan->n_begins == 0 || t->job)
		return;
	/* The helper opens the data plane for the first plan, and need not do this before. */
	if (!a->dataplane && (!a->current || now < a->dataplane_retry_at))
		return;
	if (due > now && end > now) {
		t->ask_at = due;
		a->plan_at = nsec_min(a->plan_at, end);
	} else if (has_map(a, now)) {
		ask(a, plan, now);
	}
}

nsec_t takeover_tick(struct agent *a, nsec_t now)
{
	if (now >= a->taken.ask_at && a->current && !a->preparing)
		takeover_ask(a, &a->current->plan, now);
	return a->taken.ask_at;
}
