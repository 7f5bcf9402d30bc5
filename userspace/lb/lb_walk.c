// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The walk: every few seconds the agent goes once through the flow table and the rows, a slice at a
 * time. It is how the tables learn what only the entries know:
 *
 *   entries that died by age, or whose backend or service is gone, are freed, and affine ones
 *     (bpf/affinity.h) whose client no longer keeps their backend
 *   living flows are counted by backend, and where none is left (lb_idle.c)
 *   rows settle: an unsettled row costs every packet a look into the flow table, and needs it as
 *     long as a living flow of it has another backend than its first candidate, or a client keeps
 *     one
 *   slots of services that no entry names any more can be used again
 *   how full the table is, so that it grows (lb_growth.c)
 *
 * The programs go on meanwhile. An entry that they make where the walk has been already is not
 * seen; but if it names another backend than its row's first candidate, they mark the row. So marks
 * are cleared before the flows are looked at, and only a row without a mark settles after them.
 * Rows of a service that was put so lately that a program may still work with its old rows wait for
 * the next walk (lb_service.settle_from). Where other nodes give flows to its backends, too, they
 * are asked (lb_spread.c).
 */
#include "lb/lb_idle.h"
#include "lb/lb_spread.h"

#include <assert.h>

#define SLICE_ROWS      131072u
#define SLICE_LINES     4096u
#define SLICE_PAUSE     (20 * NSEC_PER_MSEC)
#define AWAITED_PAUSE   NSEC_PER_MSEC
#define WALK_PAUSE      (5 * NSEC_PER_SEC)
#define WALK_PAUSE_FULL NSEC_PER_SEC

/* --- services, in slices ---------------------------------------------------------------------- */

/* Index in the order of keys of the first that has not had its turn. */
static size_t next_index(const struct lb_tables *t)
{
	const struct lb_slots *s = &t->slots;
	size_t low = 0, high = t->walk.is_under_way ? s->n : 0;

	while (low < high) {
		size_t mid = (low + high) / 2;
		struct lb_key at = lb_key_of(&s->image[s->order[mid]].key);

		if (lb_key_cmp(&at, &t->walk.last) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

typedef void (*service_fn)(struct lb_tables *t, const struct lb_service *svc, uint32_t first_row,
			   uint32_t n_rows);

/* Calls for some services more; true: all had their turn. */
static bool for_some_services(struct lb_tables *t, service_fn fn)
{
	const struct lb_slots *s = &t->slots;
	uint32_t looked = 0;

	for (size_t i = next_index(t); i < s->n; i++) {
		const struct lb_service *svc = &s->image[s->order[i]];
		struct lb_live live = lb_live_of(svc->live);
		uint32_t n = lb_rows_units(live.rows_log2) * LB_ROWS_UNIT;

		if (looked > 0 && looked + n > SLICE_ROWS)
			return false;
		if (n > 0)
			fn(t, svc, live.rows_base * LB_ROWS_UNIT, n);
		looked += n + 1;
		t->walk.last = lb_key_of(&svc->key);
		t->walk.is_under_way = true;
	}
	t->walk.is_under_way = false;
	return true;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void note_flow(const struct lb_tables *t, uint32_t row, uint16_t backend)
{
	const struct lb_rows_chunk *chunk = &t->rows_chunks[row / LB_ROWS_CHUNK];
	uint64_t word = *lb_row_at(t, row), bit = UINT64_C(1) << row % 64;
	uint32_t in = row % LB_ROWS_CHUNK / 64;

	if (lb_row_candidate(word, 0) == backend)
		return;
	chunk->foreign[in] |= bit;
	if (!lb_row_names(word, backend))
		chunk->beyond[in] |= bit;
}

enum lb_row_flows lb_walk_noted(const struct lb_tables *t, uint32_t row)
{
	const struct lb_rows_chunk *chunk = &t->rows_chunks[row / LB_ROWS_CHUNK];
	uint32_t in = row % LB_ROWS_CHUNK / 64;

	if (chunk->beyond[in] >> row % 64 & 1)
		return LB_FLOWS_BEYOND;
	return chunk->foreign[in] >> row % 64 & 1 ? LB_FLOWS_FOREIGN : LB_FLOWS_OF_FIRST;
}

static void clear_marks(struct lb_tables *t, const struct lb_service *svc, uint32_t first_row,
			uint32_t n_rows)
{
	uint64_t *word = lb_row_at(t, first_row); /* a table never crosses a chunk */

	(void)svc;
	for (uint32_t i = 0; i < n_rows; i++)
		if (__atomic_load_n(&word[i], __ATOMIC_RELAXED) & LB_ROW_MARKED)
			__atomic_fetch_and(&word[i], ~LB_ROW_MARKED, __ATOMIC_RELAXED);
}

/* A row that is settled though it has a foreign flow: whoever was to say so has died. */
static void judge_row(uint64_t *word, enum lb_row_flows flows)
{
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
	uint64_t next = old & LB_ROW_MARKED ? old : old & ~LB_ROW_BEYOND;

	if (flows != LB_FLOWS_OF_FIRST && lb_row_has_later(old))
		next |= LB_ROW_UNSETTLED | (flows == LB_FLOWS_BEYOND ? LB_ROW_BEYOND : 0);
	else if (!(old & LB_ROW_MARKED))
		next &= ~LB_ROW_UNSETTLED;
	if (next != old)
		(void)__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED);
}

static void settle(struct lb_tables *t, const struct lb_service *svc, uint32_t first_row,
		   uint32_t n_rows)
{
	uint64_t *word = lb_row_at(t, first_row);

	lb_idle_judge(t, svc);
	if (lb_is_spread(svc)) {
		lb_spread_settle(t, svc, first_row, n_rows);
		return;
	}
	if (svc->settle_from > t->walk.began)
		return;
	for (uint32_t i = 0; i < n_rows; i++)
		judge_row(&word[i], lb_walk_noted(t, first_row + i));
}

/* --- flows ------------------------------------------------------------------------------------ */

/* The slot that an entry's service is in now; its own may be the old one of a move. */
static uint32_t slot_of(const struct lb_tables *t, uint64_t rest)
{
	const struct lb_service *svc = &t->slots.image[lb_rest_slot(rest)];
	struct lb_key key;
	uint32_t slot;

	if (svc->live & LB_LIVE_IN_USE)
		return lb_rest_slot(rest);
	key = lb_key_of(&svc->key);
	slot = lb_slots_find(&t->slots, &key);
	return slot != LB_NO_SLOT && t->slots.image[slot].id == svc->id ? slot : LB_NO_SLOT;
}

/* The client of an affine entry still has its backend, whose state this is. */
static bool keeps(const struct lb_service *svc, uint64_t state, uint64_t rest,
		  const struct lb_clock *c)
{
	const uint8_t now = svc->affinity & LB_AFFINITY_LONG ? c->age_long : c->age;

	return lb_live_of(svc->live).flags & LB_SVC_AFFINITY &&
	       state >> LB_BE_FLAGS_SHIFT & LB_BE_READY &&
	       lb_affine_holds(rest, svc->affinity, now);
}

static void count_flow(struct lb_tables *t, uint32_t index, uint64_t rest)
{
	t->backend_chunks[index / LB_BACKEND_CHUNK].counted[index % LB_BACKEND_CHUNK]++;
	t->walk.n_living++;
	t->walk.n_established += lb_rest_state(rest) == LB_FLOW_ESTABLISHED;
	if (lb_rest_state(rest) != LB_FLOW_CLOSING)
		lb_idle_note(t, index);
}

/*
 * Counts a living flow of a slot's service, or notes an affine entry. False: its backend is none
 * any more, nor can it ever become one; or its client does not keep it.
 */
static bool count(struct lb_tables *t, uint32_t slot, uint64_t rest, const struct lb_clock *c)
{
	const struct lb_service *svc = &t->slots.image[slot];
	const struct lb_live live = lb_live_of(svc->live);
	uint32_t row = lb_rest_row(rest), backend = lb_rest_backend(rest), index;
	uint64_t state;

	if (live.rows_log2 == 0 || row >> live.rows_log2 != 0 || backend >= svc->n_backends)
		return false;
	index = live.backends_base * LB_BACKEND_UNIT + backend;
	state = lb_backend_at(t, index)->state;
	if (!(state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE) ||
	    !lb_rest_is_gen(rest, lb_state_gen(state)))
		return false;
	if (!lb_rest_is_affine(rest))
		count_flow(t, index, rest);
	else if (!keeps(svc, state, rest, c))
		return false;
	note_flow(t, row + live.rows_base * LB_ROWS_UNIT, (uint16_t)backend);
	return true;
}

static void look_at(struct lb_tables *t, struct lb_flow *way, const struct lb_clock *c)
{
	uint64_t hash = LB_FLOW_READ(&way->hash), rest;
	uint32_t slot;

	if (hash <= LB_FLOW_FREE)
		return;
	rest = LB_FLOW_READ(lb_flow_rest_of(way));
	slot = lb_rest_is_dead(rest, c->age) ? LB_NO_SLOT : slot_of(t, rest);
	if (slot == LB_NO_SLOT || !count(t, slot, rest, c)) {
		(void)lb_flow_free(way, hash, rest);
		return;
	}
	if (slot != lb_rest_slot(rest))
		(void)lb_flow_change(way, rest, lb_rest_with_slot(rest, (uint16_t)slot));
}

/* Nothing is copied from one table to the other meanwhile. */
static bool some_lines(struct lb_tables *t, const struct lb_clock *c)
{
	struct lb_walk *w = &t->walk;
	uint32_t n_left = t->flows.left ? flow_table_lines(t->flows.left) : 0;
	uint32_t all = n_left + flow_table_lines(&t->flows);
	uint32_t end = w->line + SLICE_LINES < all ? w->line + SLICE_LINES : all;

	for (; w->line < end; w->line++) {
		struct lb_flow_line *line = w->line < n_left
						    ? flow_line_at(t->flows.left, w->line)
						    : flow_line_at(&t->flows, w->line - n_left);

		for (unsigned i = 0; i < LB_FLOW_WAYS; i++)
			look_at(t, &line->way[i], c);
	}
	return w->line == all;
}

/* --- the whole of it -------------------------------------------------------------------------- */

static void begin(struct lb_tables *t, const struct lb_clock *c)
{
	t->walk = (struct lb_walk){.phase = LB_WALK_MARKS,
				   .began = c->now,
				   .quiet = c->quiet,
				   .is_awaited = t->walk.is_awaited};
	lb_idle_begin(t);
	lb_settling_walk_begins(t->settling, c->now);
	for (size_t i = 0; i < t->n_rows_chunks; i++) {
		memset(t->rows_chunks[i].foreign, 0, LB_ROWS_CHUNK / 8);
		memset(t->rows_chunks[i].beyond, 0, LB_ROWS_CHUNK / 8);
	}
	for (size_t i = 0; i < t->n_backend_chunks; i++)
		memset(t->backend_chunks[i].counted, 0, LB_BACKEND_CHUNK * sizeof(uint32_t));
}

/* A table that fills is looked at more often, so that it grows in time. */
static nsec_t pause_after(const struct lb_tables *t)
{
	return t->usage.established > lb_growth_ways(&t->flows) / 4 ? WALK_PAUSE_FULL : WALK_PAUSE;
}

static void finish(struct lb_tables *t, const struct lb_clock *c)
{
	for (size_t i = 0; i < t->n_backend_chunks; i++) {
		struct lb_backend_chunk *chunk = &t->backend_chunks[i];
		uint32_t *counted = chunk->counted;

		chunk->counted = chunk->n_flows;
		chunk->n_flows = counted;
	}
	lb_settling_walk_ends(t->settling, c->now);
	t->slots.walked = t->walk.quiet;
	t->usage = (struct lb_flow_usage){.living = t->walk.n_living,
					  .established = t->walk.n_established};
	lb_growth_judge(t, t->walk.n_established);
	t->walk.phase = LB_WALK_IDLE;
	t->walk.is_awaited = false; /* who still waits says so again */
	t->walk.next_at = nsec_add(c->now, pause_after(t));
}

static void go_on(struct lb_tables *t, const struct lb_clock *c)
{
	struct lb_walk *w = &t->walk;

	switch (w->phase) {
	case LB_WALK_IDLE:
		if (lb_growth_wants_to_copy(t, c))
			w->phase = LB_WALK_COPY;
		else
			begin(t, c);
		break;
	case LB_WALK_COPY:
		if (lb_growth_copy(t, c))
			begin(t, c);
		break;
	case LB_WALK_MARKS:
		if (for_some_services(t, clear_marks))
			w->phase = LB_WALK_FLOWS;
		break;
	case LB_WALK_FLOWS:
		if (some_lines(t, c))
			w->phase = LB_WALK_ROWS;
		break;
	case LB_WALK_ROWS:
		if (for_some_services(t, settle))
			finish(t, c);
		break;
	}
	if (w->phase != LB_WALK_IDLE)
		w->next_at = nsec_add(c->now, w->is_awaited ? AWAITED_PAUSE : SLICE_PAUSE);
}

void lb_walk_note(struct lb_tables *t, const struct lb_clock *c)
{
	if (t->flows.n == 0 || c->quiet >= c->now)
		t->slots.walked = c->quiet;
}

void lb_walk_soon(struct lb_tables *t, const struct lb_clock *c)
{
	/* One that is under way may be too early for the slot; then the next comes the sooner. */
	t->walk.is_awaited = true;
	if (t->walk.phase != LB_WALK_IDLE || t->slots.last_freed <= c->quiet)
		t->walk.next_at = nsec_min(t->walk.next_at, c->now);
}

nsec_t lb_walk(struct lb_tables *t, const struct lb_clock *c)
{
	lb_walk_note(t, c);
	if (t->walk.phase == LB_WALK_IDLE && t->slots.n == 0 && !t->flows.left &&
	    t->slots.last_freed <= t->slots.walked && !lb_settling_is_asked(t->settling))
		return NSEC_NEVER;
	if (t->walk.next_at <= c->now)
		go_on(t, c);
	return t->walk.next_at;
}

nsec_t lb_tables_tick(struct lb_tables *t, const struct lb_clock *c)
{
	nsec_t next;

	lb_tables_wake(t, c->quiet);
	next = nsec_min(lb_slots_tick(&t->slots, c), lb_walk(t, c));
	if (t->n_rows_moves > 0)
		next = nsec_min(next, nsec_add(t->rows_moves[0].at, LB_REST_NS));
	return next;
}
