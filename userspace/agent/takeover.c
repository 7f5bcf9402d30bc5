// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A dump of conntrack costs up to a second where there are a million flows, so the helper makes it;
 * and plans are made often, so its answer counts for a few seconds, for whatever it was asked
 * about.
 */
#include "agent/takeover.h"

#include "agent/agent.h"
#include "base/sorted.h"
#include "sys/conntrack.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <errno.h>

static int cmp_vip(const void *key, const void *item)
{
	return plan_vip_cmp(key, item);
}

static bool is_covered(const struct agent_taken *t, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_begins; i++)
		if (!sorted_find(&plan->begins[i], t->asked, t->n_asked, sizeof(*t->asked),
				 cmp_vip))
			return false;
	return true;
}

/* --- the helper --------------------------------------------------------------------------------
 */

struct takeover_job {
	struct worker_job base; /* first */
	struct agent *agent;    /* not the helper's */
	nsec_t asked_at;
	struct arena *arena; /* owned; holds both */
	const struct plan_vip *vips;
	size_t n_vips;
	struct plan_taken *items;
	size_t n;
	int error;
};

static void read_conntrack(struct worker_job *base)
{
	struct takeover_job *j = (struct takeover_job *)base;

	j->error = conntrack_translated(j->vips, j->n_vips, j->arena, &j->items, &j->n);
	if (j->error < 0)
		j->n = 0;
}

static void take_answer(struct worker_job *base)
{
	struct takeover_job *j = (struct takeover_job *)base;
	struct agent *a = j->agent;
	struct agent_taken *t = &a->taken;

	if (j->error < 0 && j->error != -EOPNOTSUPP)
		log_warn("conntrack: cannot be read", "error=%s", log_quote(strerror(-j->error)));
	arena_free(t->arena);
	t->arena = j->arena;
	t->items = j->items;
	t->n = j->n;
	t->asked = j->vips;
	t->n_asked = j->n_vips;
	t->until = nsec_add(j->asked_at, TAKEOVER_AGAIN_NS);
	t->job = NULL;
	free(j);
	agent_input_changed(&a->inputs, INPUT_CONNTRACK);
}

/* --- the loop ----------------------------------------------------------------------------------
 */

/* What is taken is so until the next answer; what is not is believed for a while only. */
void takeover_recall(const struct agent *a, struct agent_plan *p, nsec_t now)
{
	const struct agent_taken *t = &a->taken;

	p->node.ask_first = true;
	p->node.taken = arena_memdup(p->arena, t->items, t->n * sizeof(*t->items));
	p->node.n_taken = t->n;
	if (now >= t->until)
		return;
	p->node.asked = arena_memdup(p->arena, t->asked, t->n_asked * sizeof(*t->asked));
	p->node.n_asked = t->n_asked;
}

void takeover_ask(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_taken *t = &a->taken;
	struct takeover_job *j;

	if (plan->n_begins == 0 || t->job)
		return;
	/* The helper opens the data plane for the first plan, and need not do this before. */
	if (!a->dataplane && (!a->current || now < a->dataplane_retry_at))
		return;
	if (now < t->until && is_covered(t, plan))
		return;
	j = xcalloc(1, sizeof(*j));
	*j = (struct takeover_job){.base = {.run = read_conntrack, .done = take_answer},
				   .agent = a,
				   .asked_at = now,
				   .arena = arena_new(),
				   .n_vips = plan->n_begins};
	j->vips = arena_memdup(j->arena, plan->begins, plan->n_begins * sizeof(*j->vips));
	t->job = j;
	t->n_dumps++;
	worker_add(a->worker, &j->base);
}
