// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Copies and hashes the ledger field by field: a hash over whole structs would depend on their
 * padding, and a copy of the arrays alone would point into a plan that is gone.
 */
#include "plan/plan_ledger.h"

#include "base/hash.h"

int plan_drain_cmp(const void *a, const void *b)
{
	const struct plan_drain *x = a, *y = b;
	const int cmp = lb_key_cmp(&x->frontend, &y->frontend);

	return cmp ? cmp : lb_target_cmp(&x->target, &y->target);
}

int plan_good_cmp(const void *a, const void *b)
{
	const struct plan_good *x = a, *y = b;
	int cmp = (x->kind > y->kind) - (x->kind < y->kind);

	if (cmp == 0)
		cmp = strcmp(x->ns, y->ns);
	return cmp ? cmp : strcmp(x->name, y->name);
}

/* An empty array is NULL. */
static const void *copy(struct arena *arena, const void *items, size_t n, size_t size)
{
	return n ? arena_memdup(arena, items, n * size) : NULL;
}

static struct api_strings copy_names(struct arena *arena, const struct api_strings *names)
{
	const char **items = arena_array_of(arena, names->n, const char *);

	for (size_t i = 0; i < names->n; i++)
		items[i] = arena_strdup(arena, names->items[i]);
	return (struct api_strings){.items = items, .n = names->n};
}

static struct plan_good copy_good(struct arena *arena, const struct plan_good *from)
{
	struct plan_good g = *from;

	g.ns = arena_strdup(arena, g.ns);
	g.name = arena_strdup(arena, g.name);
	g.text = arena_strdup(arena, g.text);
	g.communities = copy(arena, g.communities, g.n_communities, sizeof(*g.communities));
	g.large = copy(arena, g.large, g.n_large, sizeof(*g.large));
	g.extended = copy(arena, g.extended, g.n_extended, sizeof(*g.extended));
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		g.pools[f] = copy_names(arena, &from->pools[f]);
	g.password = copy(arena, g.password, g.password_len, 1);
	return g;
}

static const struct plan_good *copy_goods(struct arena *arena, const struct plan_ledger *from)
{
	struct plan_good *good = arena_array_of(arena, from->n_good, struct plan_good);

	for (size_t i = 0; i < from->n_good; i++)
		good[i] = copy_good(arena, &from->good[i]);
	return good;
}

void plan_ledger_copy(struct arena *arena, struct plan_ledger *ledger)
{
	ledger->drains = copy(arena, ledger->drains, ledger->n_drains, sizeof(*ledger->drains));
	ledger->leaving = copy(arena, ledger->leaving, ledger->n_leaving, sizeof(*ledger->leaving));
	ledger->waiting = copy(arena, ledger->waiting, ledger->n_waiting, sizeof(*ledger->waiting));
	ledger->pools = copy_names(arena, &ledger->pools);
	ledger->good = copy_goods(arena, ledger);
}

static uint64_t hash_drain(uint64_t h, const struct plan_drain *d)
{
	h = hash_bytes(h, &d->frontend, sizeof(d->frontend));
	h = hash_bytes(h, &d->target.addr, sizeof(d->target.addr));
	h = hash_bytes(h, &d->target.node, sizeof(d->target.node));
	h = hash_u64(hash_u64(h, d->target.way), d->target.port);
	return hash_u64(h, d->until);
}

static uint64_t hash_names(uint64_t h, const struct api_strings *names)
{
	h = hash_u64(h, names->n);
	for (size_t i = 0; i < names->n; i++)
		h = hash_str(h, names->items[i]);
	return h;
}

static uint64_t hash_good(uint64_t h, const struct plan_good *g)
{
	h = hash_u64(h, g->kind);
	h = hash_str(hash_str(hash_str(h, g->ns), g->name), g->text);
	h = hash_u64(h, g->hash);
	h = hash_bytes(hash_u64(h, g->n_communities), g->communities,
		       g->n_communities * sizeof(*g->communities));
	h = hash_bytes(hash_u64(h, g->n_large), g->large, g->n_large * sizeof(*g->large));
	h = hash_bytes(hash_u64(h, g->n_extended), g->extended,
		       g->n_extended * sizeof(*g->extended));
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		h = hash_names(h, &g->pools[f]);
	return hash_bytes(hash_u64(h, g->password_len), g->password, g->password_len);
}

uint64_t plan_ledger_good_hash(uint64_t h, const struct plan_ledger *ledger)
{
	h = hash_u64(h, ledger->n_good);
	for (size_t i = 0; i < ledger->n_good; i++)
		h = hash_good(h, &ledger->good[i]);
	return h;
}

/* All but the drains. */
static uint64_t hash_rest(uint64_t h, const struct plan_ledger *ledger)
{
	h = hash_names(hash_u64(h, ledger->router_id), &ledger->pools);
	return plan_ledger_good_hash(h, ledger);
}

uint64_t plan_ledger_hash(const struct plan_ledger *ledger)
{
	uint64_t h = hash_u64(HASH_INIT, ledger->n_drains);

	for (size_t i = 0; i < ledger->n_drains; i++)
		h = hash_drain(h, &ledger->drains[i]);
	return hash_rest(h, ledger);
}

bool plan_ledger_may_wait(const struct plan_ledger *saved, const struct plan_ledger *now)
{
	if (hash_rest(HASH_INIT, saved) != hash_rest(HASH_INIT, now))
		return false;
	for (size_t i = 0, k = 0; i < saved->n_drains; i++) {
		const struct plan_drain *drain = &saved->drains[i];

		while (k < now->n_drains && plan_drain_cmp(&now->drains[k], drain) < 0)
			k++;
		if (k < now->n_drains && plan_drain_cmp(&now->drains[k], drain) == 0 &&
		    now->drains[k].until > drain->until)
			return false;
	}
	return true;
}
