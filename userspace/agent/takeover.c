// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A dump of conntrack costs up to a second where there are a million flows, and plans are made
 * often: its answer counts for a few seconds, for whatever it was asked about.
 */
#include "agent/takeover.h"

#include "agent/agent.h"
#include "base/sorted.h"
#include "sys/conntrack.h"
#include "sys/log.h"

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

static void read_conntrack(struct agent_taken *t, const struct plan_vip *vips, size_t n)
{
	struct plan_taken *items = NULL;
	int r;

	arena_reset(t->arena);
	t->asked = arena_memdup(t->arena, vips, n * sizeof(*vips));
	t->n_asked = n;
	t->n = 0;
	t->n_dumps++;
	r = conntrack_translated(vips, n, t->arena, &items, &t->n);
	if (r < 0 && r != -EOPNOTSUPP)
		log_warn("conntrack: cannot be read", "error=%s", log_quote(strerror(-r)));
	t->items = items;
	if (r < 0)
		t->n = 0;
}

void takeover_recall(const struct agent *a, struct agent_plan *p, nsec_t now)
{
	const struct agent_taken *t = &a->taken;

	if (now >= t->until)
		return;
	p->node.taken = arena_memdup(p->arena, t->items, t->n * sizeof(*t->items));
	p->node.n_taken = t->n;
}

bool takeover_ask(struct agent *a, struct agent_plan *p, nsec_t now)
{
	const size_t n_before = p->node.n_taken;
	struct agent_taken *t = &a->taken;

	if (p->plan.n_begins == 0 || (!a->dataplane && now < a->dataplane_retry_at))
		return false;
	if (now < t->until && is_covered(t, &p->plan))
		return false;
	loop_doing(a->loop, "conntrack");
	read_conntrack(t, p->plan.begins, p->plan.n_begins);
	loop_doing(a->loop, "plan");
	t->until = now + TAKEOVER_AGAIN_NS;
	takeover_recall(a, p, now);
	return n_before > 0 || p->node.n_taken > 0;
}
