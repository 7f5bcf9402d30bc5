// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When rests end. A reader that holds an old live word may mark a row of the region that was
 * replaced until the rest is over: so marks are carried a second time then, before the region can
 * be another's. What an agent that died in between would have carried is found by the walk.
 */
#include "lb/lb_inside.h"

static void carry(const struct lb_tables *t, uint32_t from, uint32_t to)
{
	const uint64_t marked = LB_ROW_UNSETTLED | LB_ROW_MARKED;
	uint64_t *word = lb_row_at(t, to);

	if (!(__atomic_load_n(lb_row_at(t, from), __ATOMIC_RELAXED) & LB_ROW_UNSETTLED))
		return;
	if (lb_row_has_later(*word) && (*word & marked) != marked)
		__atomic_fetch_or(word, marked, __ATOMIC_RELAXED);
}

void lb_carry_marks(const struct lb_tables *t, uint32_t from_base, uint32_t to_base,
		    uint8_t rows_log2)
{
	for (uint32_t i = 0; i < UINT32_C(1) << rows_log2; i++)
		carry(t, from_base * LB_ROWS_UNIT + i, to_base * LB_ROWS_UNIT + i);
}

/* Into the rows that the service has now, if it is still the same and has as many. */
static void finish(const struct lb_tables *t, const struct lb_rows_move *m)
{
	uint32_t slot = lb_slots_find(&t->slots, &m->key);
	struct lb_live live;

	if (slot == LB_NO_SLOT || t->slots.image[slot].id != m->id)
		return;
	live = lb_live_of(t->slots.image[slot].live);
	if (live.rows_log2 == m->rows_log2)
		lb_carry_marks(t, m->rows_base, live.rows_base, m->rows_log2);
}

void lb_tables_wake(struct lb_tables *t, nsec_t quiet)
{
	size_t n = 0;

	while (n < t->n_rows_moves && t->rows_moves[n].at <= quiet)
		finish(t, &t->rows_moves[n++]);
	t->n_rows_moves -= n;
	if (n > 0)
		memmove(t->rows_moves, t->rows_moves + n, t->n_rows_moves * sizeof(*t->rows_moves));
	lb_space_wake(&t->rows_space, quiet);
	lb_space_wake(&t->backend_space, quiet);
}
