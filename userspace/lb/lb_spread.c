// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of services that other nodes serve with the same backends. What this node's walk has found
 * in them is said to the others, and no row settles before all of them have said that they know no
 * foreign flow in it (lb_settling.h). The other way round, a row in which another node knows one is
 * unsettled here, too: routers may send that flow here at any time.
 */
#include "lb/lb_spread.h"

#include "bpf/wire.h"

#include <assert.h>

struct judging {
	const struct lb_tables *t;
	bool is_judged;   /* the walk says all that is to be said of the service's flows */
	bool is_complete; /* and so do all others */
};

bool lb_is_spread(const struct lb_service *svc)
{
	return svc->key.domain == 0 && lb_live_of(svc->live).flags & (LB_SVC_REMOTE | LB_SVC_CLAMP);
}

/* Of a row that this node knows it must not settle. */
static bool is_held(const struct judging *j, uint32_t row)
{
	const uint64_t word = __atomic_load_n(lb_row_at(j->t, row), __ATOMIC_RELAXED);

	if (!lb_row_has_later(word))
		return false;
	return word & LB_ROW_MARKED || lb_walk_noted(j->t, row) != LB_FLOWS_OF_FIRST ||
	       (!j->is_judged && word & LB_ROW_UNSETTLED);
}

/* Returns whether it is unsettled. */
static bool judge(const struct judging *j, uint32_t row, bool held, bool held_elsewhere)
{
	uint64_t *word = lb_row_at(j->t, row);
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), next = old;

	if (j->is_judged && !(old & LB_ROW_MARKED) && lb_walk_noted(j->t, row) != LB_FLOWS_BEYOND)
		next &= ~LB_ROW_BEYOND;
	if (lb_row_has_later(old) && (held || held_elsewhere))
		next |= LB_ROW_UNSETTLED;
	else if (!(old & LB_ROW_MARKED) && j->is_judged && j->is_complete)
		next &= ~LB_ROW_UNSETTLED;
	if (lb_walk_noted(j->t, row) == LB_FLOWS_BEYOND && lb_row_has_later(old))
		next |= LB_ROW_BEYOND;
	if (next != old)
		(void)__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED);
	return next & LB_ROW_UNSETTLED;
}

static uint64_t block_name(const struct lb_service *svc, uint32_t number)
{
	return lb_settle_block(svc->key.addr, svc->key.port, svc->key.proto, svc->seed, number);
}

/* Another one each time the rows are made anew; the same for an agent that adopts them. */
static uint32_t epoch_of(const struct lb_service *svc)
{
	const uint64_t h = lb_wire_mix(svc->settle_from, svc->id);
	const uint32_t ret = (uint32_t)(h ^ h >> 32);

	return ret < SETTLE_EPOCH_MIN ? SETTLE_EPOCH_MIN : ret;
}

static uint64_t recipe_of(const struct lb_tables *t, const struct lb_service *svc)
{
	uint64_t ret = lb_settling_recipe(t->settling, block_name(svc, 0), svc->table);
	_cleanup_(freep) struct lb_placed *placed = NULL;
	size_t n;

	if (ret != 0)
		return ret;
	placed = lb_placed_of(t, (uint32_t)(svc - t->slots.image), &n);
	ret = lb_wire_recipe(svc->seed, lb_live_of(svc->live).rows_log2);
	for (size_t i = 0; i < n; i++)
		ret = lb_recipe_add(ret, &placed[i].target, svc->seed);
	return ret;
}

static void settle_block(struct judging *j, struct lb_settle_said *own, uint64_t table,
			 uint32_t first, uint32_t n)
{
	uint64_t others[LB_SETTLE_N_WORDS];
	uint32_t n_unsettled = 0;

	assert(n <= LB_SETTLE_ROWS);
	for (uint32_t i = 0; i < n; i++)
		own->words[i / 64] |= (uint64_t)is_held(j, first + i) << i % 64;
	j->is_complete = lb_settling_say(j->t->settling, own, table, others);
	for (uint32_t i = 0; i < n; i++)
		n_unsettled += judge(j, first + i, own->words[i / 64] >> i % 64 & 1,
				     others[i / 64] >> i % 64 & 1);
	lb_settling_count(j->t->settling, n_unsettled);
}

void lb_spread_settle(struct lb_tables *t, const struct lb_service *svc, uint32_t first_row,
		      uint32_t n_rows)
{
	struct judging j = {.t = t, .is_judged = svc->settle_from <= t->walk.began};
	const uint64_t recipe = recipe_of(t, svc);

	for (uint32_t at = 0; at < n_rows; at += LB_SETTLE_ROWS) {
		const uint32_t n = n_rows - at < LB_SETTLE_ROWS ? n_rows - at : LB_SETTLE_ROWS;
		struct lb_settle_said own = {.block = block_name(svc, at / LB_SETTLE_ROWS),
					     .recipe = recipe,
					     .epoch = epoch_of(svc)};

		settle_block(&j, &own, svc->table, first_row + at, n);
	}
}
