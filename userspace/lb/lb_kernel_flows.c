// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One merge of two sorted arrays. */
#include "lb/lb_kernel_flows.h"

#include <stdlib.h>
#include <string.h>

int lb_kernel_flow_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_kernel_flow));
}

/* Of one key the living is first: its ports may be used again beside what is left of the old. */
static int cmp_seen(const void *a, const void *b)
{
	const struct lb_kernel_seen *x = a, *y = b;
	const int order = lb_kernel_flow_cmp(&x->key, &y->key);

	return order ? order : y->lives - x->lives;
}

static void push(struct lb_kernel_keys *to, const struct lb_kernel_flow *key)
{
	to->items[to->n++] = *key;
}

static struct lb_kernel_keys room(struct arena *arena, size_t n)
{
	return (struct lb_kernel_keys){.items = arena_array_of(arena, n, struct lb_kernel_flow)};
}

static bool has(const struct lb_kernel_keys *keys, const struct lb_kernel_flow *key)
{
	return keys->n > 0 && bsearch(key, keys->items, keys->n, sizeof(*key), lb_kernel_flow_cmp);
}

static void take_unseen(const struct lb_kernel_flow *key, const struct lb_kernel_keys *missed,
			struct lb_kernel_change *c)
{
	if (has(missed, key)) {
		push(&c->del, key);
		return;
	}
	push(&c->missed, key);
	push(&c->stay, key);
}

void lb_kernel_flows_change(struct lb_kernel_keys *have, struct lb_kernel_seen *seen, size_t n_seen,
			    const struct lb_kernel_keys *missed, struct arena *arena,
			    struct lb_kernel_change *ret)
{
	size_t i = 0;

	if (have->n > 0)
		qsort(have->items, have->n, sizeof(*have->items), lb_kernel_flow_cmp);
	if (n_seen > 0)
		qsort(seen, n_seen, sizeof(*seen), cmp_seen);
	*ret = (struct lb_kernel_change){.add = room(arena, n_seen),
					 .del = room(arena, have->n),
					 .stay = room(arena, have->n),
					 .missed = room(arena, have->n)};
	for (size_t k = 0; k < n_seen; k++) {
		const struct lb_kernel_flow *key = &seen[k].key;

		if (k > 0 && lb_kernel_flow_cmp(&seen[k - 1].key, key) == 0)
			continue;
		for (; i < have->n && lb_kernel_flow_cmp(&have->items[i], key) < 0; i++)
			take_unseen(&have->items[i], missed, ret);
		if (i < have->n && lb_kernel_flow_cmp(&have->items[i], key) == 0)
			push(seen[k].lives ? &ret->stay : &ret->del, &have->items[i++]);
		else if (seen[k].lives && seen[k].enter)
			push(&ret->add, key);
	}
	for (; i < have->n; i++)
		take_unseen(&have->items[i], missed, ret);
}
