// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A dump of conntrack costs up to a second where there are a million flows, and plans are made
 * often: its answer counts for a few seconds as long as the question is the same.
 */
#include "agent/takeover.h"

#include "agent/agent.h"
#include "base/hash.h"
#include "base/sorted.h"
#include "sys/conntrack.h"
#include "sys/log.h"

#include <errno.h>

static int cmp_actual(const void *key, const void *item)
{
	const struct lb_actual *a = item;

	return lb_key_cmp(key, &a->key);
}

static bool is_programmed(const struct plan_actual *actual, const struct ip_addr *vip)
{
	const struct lb_key key = {.addr = *vip};

	return sorted_find(&key, actual->frontends, actual->n_frontends, sizeof(struct lb_actual),
			   cmp_actual);
}

static void read_conntrack(struct agent_taken *t, const struct ip_addr *vips, size_t n)
{
	struct plan_taken *items = NULL;
	int r;

	arena_reset(t->arena);
	t->n = 0;
	r = conntrack_translated(vips, n, t->arena, &items, &t->n);
	if (r < 0 && r != -EOPNOTSUPP)
		log_warn("conntrack: cannot be read", "error=%s", log_quote(strerror(-r)));
	t->items = items;
	if (r < 0)
		t->n = 0;
}

void takeover_ask(struct agent *a, struct agent_plan *p, nsec_t now)
{
	struct ip_addr *vips = arena_array_of(p->arena, p->addresses.n, struct ip_addr);
	struct agent_taken *t = &a->taken;
	uint64_t asked;
	size_t n = 0;

	for (size_t i = 0; i < p->addresses.n; i++)
		if (!is_programmed(&p->actual, &p->addresses.items[i].addr))
			vips[n++] = p->addresses.items[i].addr;
	if (n == 0 || (!a->dataplane && now < a->dataplane_retry_at))
		return;
	asked = hash_bytes(HASH_INIT, vips, n * sizeof(*vips));
	if (asked != t->asked || now >= t->until) {
		read_conntrack(t, vips, n);
		t->asked = asked;
		t->until = now + TAKEOVER_AGAIN_NS;
	}
	p->node.taken = arena_memdup(p->arena, t->items, t->n * sizeof(*t->items));
	p->node.n_taken = t->n;
}
