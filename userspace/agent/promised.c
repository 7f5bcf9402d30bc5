// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A copy, for names of the world go with their objects. */
#include "agent/promised.h"

#include "agent/agent.h"
#include "agent/feed.h"
#include "agent/state.h"

void promised_done(struct agent_promised *promised)
{
	arena_free(promised->arena);
	promised->arena = NULL;
	promised->addresses =
		(struct plan_addresses){.generation = promised->addresses.generation + 1};
}

void promised_add(const struct agent *a, struct agent_plan *p)
{
	const struct plan_addresses *promised = &a->promised.addresses;
	const uint64_t generation = a->given.generation + (promised->generation << 32);

	p->given = a->given;
	if (promised->n > 0)
		p->given = a->given.n > 0 ? state_merge_addresses(promised, &a->given, p->arena)
					  : *promised;
	p->given.generation = generation + 1; /* 0 would say that it is not known */
}

static void copy(struct agent_promised *promised, const struct plan_addresses *from)
{
	struct plan_address *items;

	promised->arena = arena_new();
	items = arena_array_of(promised->arena, from->n, struct plan_address);
	for (size_t i = 0; i < from->n; i++)
		items[i] = (struct plan_address){
			.ns = arena_strdup(promised->arena, from->items[i].ns),
			.name = arena_strdup(promised->arena, from->items[i].name),
			.addr = from->items[i].addr,
			.pool = arena_strdup(promised->arena, from->items[i].pool),
		};
	promised->addresses.items = items;
	promised->addresses.n = from->n;
}

static bool is_same(const struct plan_addresses *a, const struct plan_addresses *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct plan_address *x = &a->items[i], *y = &b->items[i];

		if (!ip_addr_equal(&x->addr, &y->addr) || strcmp(x->name, y->name) != 0 ||
		    strcmp(x->ns, y->ns) != 0 || strcmp(x->pool, y->pool) != 0)
			return false;
	}
	return true;
}

/* The same promise is not another one: addresses would be given anew because of it, and it made
 * anew because of them, at each plan. */
void promised_note(struct agent *a, const struct agent_plan *p)
{
	struct agent_promised *promised = &a->promised;
	const bool is_holder = feed_is_holder(a);

	if (is_holder ? p->wanted.generation == promised->noted : promised->noted == 0)
		return;
	if (!is_holder || !promised->arena || !is_same(&promised->addresses, &p->wanted)) {
		promised_done(promised);
		if (is_holder)
			copy(promised, &p->wanted);
	}
	promised->noted = is_holder ? p->wanted.generation : 0;
}
