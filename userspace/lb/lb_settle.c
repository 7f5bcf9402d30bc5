// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What time does to the tables. Rests end; and rows settle: an unsettled row costs every packet a
 * look into the flow cache, so when nothing was delivered to its later candidates for three hours
 * (LB_AGES_TCP) it is declared settled. `late` holds the witness: the program stamps it whenever it
 * delivers to another candidate than the first, and put stamps it when it unsettles a row, so that
 * the one comparison says both "unsettled for three hours" and "nothing delivered for three hours",
 * also after a restart.
 *
 * Rows are looked through a few services at a time; a whole round takes a minute or more, which is
 * little beside three hours and little beside the three days after which ages repeat.
 */
#include "lb/lb_inside.h"

#include <assert.h>

#define SWEEP_ROWS  65536 /* looked at in one tick: 0.1 ms */
#define SWEEP_PAUSE (60 * NSEC_PER_SEC)
#define SWEEP_STEP  NSEC_PER_SEC

/* The stamp goes too: should the program unsettle the row again, it must not look old. */
static void settle(uint64_t *word, uint16_t *late, uint64_t old)
{
	__atomic_store_n(late, 0, __ATOMIC_RELAXED);
	(void)__atomic_compare_exchange_n(word, &old, old & ~LB_ROW_UNSETTLED, false,
					  __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static void settle_row(const struct lb_tables *t, const struct lb_clock *c, uint32_t row)
{
	uint64_t *word = lb_row_at(t, row);
	uint16_t *late = lb_late_at(t, row);
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
	uint16_t stamp = __atomic_load_n(late, __ATOMIC_RELAXED);

	if (!(old & LB_ROW_UNSETTLED))
		return;
	if (stamp == 0) /* unsettled by the program, which has not stamped it yet */
		(void)__atomic_compare_exchange_n(late, &stamp, c->age, false, __ATOMIC_RELAXED,
						  __ATOMIC_RELAXED);
	else if ((uint16_t)(c->age - stamp) >= LB_AGES_TCP)
		settle(word, late, old);
}

/* Index in the order of keys of the first behind the one the sweep has reached. */
static size_t sweep_index(const struct lb_tables *t)
{
	const struct lb_slots *s = &t->slots;
	size_t low = 0, high = s->n;

	if (ip_addr_is_none(&t->sweep_from.addr))
		return 0; /* it begins */
	while (low < high) {
		size_t mid = (low + high) / 2;
		struct lb_key key = lb_key_of(&s->image[s->order[mid]].key);

		if (lb_key_cmp(&key, &t->sweep_from) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void sweep(struct lb_tables *t, const struct lb_clock *c)
{
	const struct lb_slots *s = &t->slots;
	uint32_t looked = 0;
	size_t i;

	for (i = sweep_index(t); i < s->n && looked < SWEEP_ROWS; i++) {
		const struct lb_service *svc = &s->image[s->order[i]];
		struct lb_live live = lb_live_of(svc->live);
		uint32_t n = lb_rows_units(live.rows_log2) * LB_ROWS_UNIT;

		for (uint32_t row = 0; row < n; row++)
			settle_row(t, c, live.rows_base * LB_ROWS_UNIT + row);
		looked += n;
		t->sweep_from = lb_key_of(&svc->key);
	}
	if (i < s->n) {
		t->sweep_at = nsec_add(c->now, SWEEP_STEP);
		return;
	}
	t->sweep_at = nsec_add(c->now, SWEEP_PAUSE);
	t->sweep_from = (struct lb_key){.port = 0};
}

nsec_t lb_tables_tick(struct lb_tables *t, const struct lb_clock *c)
{
	nsec_t next;

	assert(c->age != 0);
	lb_tables_wake(t, c->quiet);
	next = lb_slots_tick(&t->slots, c);
	if (t->slots.n > 0) {
		if (t->sweep_at <= c->now)
			sweep(t, c);
		next = nsec_min(next, t->sweep_at);
	}
	if (t->n_rows_moves > 0)
		next = nsec_min(next, nsec_add(t->rows_moves[0].at, LB_REST_NS));
	return next;
}
