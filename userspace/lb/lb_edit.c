// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Putting a frontend. First everything that can fail or must be waited for: a slot, an index for
 * each new backend, regions. Then the stores, in an order in which a reader finds a whole service
 * after each of them:
 *
 *   new backends and those that become ready
 *   rows, each by one compare-and-swap that keeps the unsettled bit the program may have set
 *   the live word, if regions or flags change
 *   backends that lose first place: draining, then gone with a new generation
 *
 * A backend region that is too small is replaced, and the rows with it: a reader that holds the old
 * live word must not see rows that name backends of the new region. What was replaced rests.
 *
 * The table's name in the slot is 0 while this goes on, so that an agent that dies in between
 * leaves a slot that differs from every plan.
 */
#include "lb/lb_idle.h"

#include "bpf/wire.h"

#include <assert.h>
#include <errno.h>

#define REGION_MAX (LB_ROW_NONE + 1u) /* backends; the last is never used */

struct edit {
	struct lb_tables *t;
	const struct lb_clock *c;
	const struct lb_frontend *f;
	uint32_t slot;
	bool is_new, new_backends, new_rows; /* the slot; its regions */
	struct lb_live old, live;            /* old: zero if the slot is new */
	uint32_t n_old, n_region;            /* lengths of the backend regions */
	uint16_t old_ranges, ranges;         /* sets of source ranges; 0: none */
	struct lb_placed *have;              /* owned */
	size_t n_have;
	uint16_t *index; /* of each target; owned */
	bool *kept;      /* per target: it has its index already; owned */
};

static struct lb_backend *backend_of(const struct edit *e, uint32_t base, uint32_t index)
{
	return lb_backend_at(e->t, base * LB_BACKEND_UNIT + index);
}

/* Targets that are there keep their index. Both sides are sorted. */
static void match_kept(struct edit *e)
{
	size_t j = 0;

	for (size_t i = 0; i < e->f->n_targets; i++) {
		const struct lb_target *want = &e->f->targets[i];

		assert(i == 0 || lb_target_cmp(want - 1, want) < 0);
		while (j < e->n_have && lb_target_cmp(&e->have[j].target, want) < 0)
			j++;
		e->kept[i] = j < e->n_have && lb_target_cmp(&e->have[j].target, want) == 0;
		if (e->kept[i])
			e->index[i] = e->have[j].index;
	}
}

/* Free for a new backend: not in use, and nobody holds its index any more. */
static bool is_index_free(const struct edit *e, uint32_t index)
{
	uint32_t at = e->old.backends_base * LB_BACKEND_UNIT + index;

	if (lb_backend_at(e->t, at)->state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE)
		return false;
	return *lb_freed_at(e->t, at) <= e->c->quiet;
}

/* Gives new targets the lowest free indices, behind the region if need be. */
static int assign_indices(struct edit *e)
{
	uint32_t next = 0;

	match_kept(e);
	e->n_region = e->n_old;
	for (size_t i = 0; i < e->f->n_targets; i++) {
		if (e->kept[i])
			continue;
		while (next < e->n_old && !is_index_free(e, next))
			next++;
		if (next >= LB_ROW_NONE)
			return -EAGAIN; /* all indices are taken or resting */
		e->index[i] = (uint16_t)next++;
	}
	if (next <= e->n_old)
		return 0;
	e->n_region = next > 2 * e->n_old ? next : 2 * e->n_old;
	e->n_region = (e->n_region + LB_BACKEND_UNIT - 1) / LB_BACKEND_UNIT * LB_BACKEND_UNIT;
	if (e->n_region > REGION_MAX)
		e->n_region = REGION_MAX;
	return 0;
}

static int take_backends(struct edit *e)
{
	const uint32_t max = LB_BACKEND_CHUNKS * LB_BACKEND_UNITS_PER_CHUNK;
	struct lb_space *space = &e->t->backend_space;

	e->live.backends_base = lb_space_take(space, e->n_region / LB_BACKEND_UNIT, 1);
	if (e->live.backends_base != LB_SPACE_NONE)
		return 0;
	return lb_space_may_grow(space, max) ? LB_NEED_BACKEND_CHUNK : -ENOSPC;
}

static int take_rows(struct edit *e)
{
	const uint32_t max = LB_ROWS_CHUNKS * LB_ROWS_UNITS_PER_CHUNK;
	struct lb_space *space = &e->t->rows_space;
	uint32_t units = lb_rows_units(e->live.rows_log2);

	e->live.rows_base = lb_space_take(space, units, units);
	if (e->live.rows_base != LB_SPACE_NONE)
		return 0;
	return lb_space_may_grow(space, max) ? LB_NEED_ROWS_CHUNK : -ENOSPC;
}

static int take_regions(struct edit *e)
{
	int outcome;

	e->live = e->old;
	e->live.rows_log2 = e->f->rows_log2;
	e->live.flags = e->f->flags | lb_derived_flags(e->f);
	e->new_backends = e->n_region > e->n_old;
	e->new_rows = e->is_new || e->new_backends || e->live.rows_log2 != e->old.rows_log2;
	if (e->new_rows) {
		outcome = take_rows(e);
		if (outcome != 0)
			return outcome;
	}
	if (!e->new_backends)
		return 0;
	outcome = take_backends(e);
	if (outcome != 0)
		lb_space_undo(&e->t->rows_space, e->live.rows_base,
			      lb_rows_units(e->live.rows_log2));
	return outcome;
}

/* The new region, which nobody reads yet: what the old one held, then nothing. */
static void fill_region(const struct edit *e)
{
	for (uint32_t i = 0; i < e->n_region; i++) {
		struct lb_backend *to = backend_of(e, e->live.backends_base, i);
		uint32_t to_index = e->live.backends_base * LB_BACKEND_UNIT + i;
		uint32_t from_index = e->old.backends_base * LB_BACKEND_UNIT + i;

		if (to->port != 0) /* of a service that is gone */
			lb_move_counter(e->t, LB_NO_COUNTER, to_index);
		*to = (struct lb_backend){.state = 0};
		*lb_freed_at(e->t, to_index) = 0;
		if (i >= e->n_old)
			continue;
		*to = *lb_backend_at(e->t, from_index);
		*lb_freed_at(e->t, to_index) = *lb_freed_at(e->t, from_index);
		lb_move_counter(e->t, from_index, to_index);
	}
}

static void write_backend(const struct edit *e, const struct lb_target *target, uint16_t index)
{
	struct lb_backend *backend = backend_of(e, e->live.backends_base, index);
	uint8_t gen = lb_state_gen(backend->state);
	struct lb_service_key key = lb_service_key_of(&e->f->key);

	assert(index < e->n_region && index < LB_ROW_NONE);
	if (backend->port != 0)
		lb_move_counter(e->t, LB_NO_COUNTER,
				e->live.backends_base * LB_BACKEND_UNIT + index);
	memcpy(backend->addr, target->addr.b, sizeof(backend->addr));
	backend->port = __builtin_bswap16(target->port);
	backend->l3_delta = lb_l3_delta(key.addr, backend->addr);
	backend->l4_delta = lb_l4_delta(backend->l3_delta, key.port, backend->port);
	backend->more_weight = target->weight - 1;
	lb_state_store(backend, lb_state_word(e->t, target, gen ? gen : 1, 0));
}

/* New ones, and kept ones of one state: ready before the rows change, draining after. */
static void write_backends(const struct edit *e, enum lb_backend_state kept_state, bool with_new)
{
	for (size_t i = 0; i < e->f->n_targets; i++) {
		const struct lb_target *target = &e->f->targets[i];
		struct lb_backend *backend;

		if (!e->kept[i] && with_new)
			write_backend(e, target, e->index[i]);
		if (!e->kept[i] || target->state != kept_state)
			continue;
		backend = backend_of(e, e->live.backends_base, e->index[i]);
		backend->more_weight = target->weight - 1;
		lb_state_store(backend, lb_state_word(e->t, target, lb_state_gen(backend->state),
						      ip_addr_is_none(&target->node)
							      ? lb_state_nsid_1(backend->state)
							      : 0));
	}
}

/* Those that left for good: a new generation at once, the index free after a rest. */
static void retire_backends(const struct edit *e)
{
	size_t i = 0;

	for (size_t j = 0; j < e->n_have; j++) {
		uint32_t at = e->live.backends_base * LB_BACKEND_UNIT + e->have[j].index;
		struct lb_backend *backend = lb_backend_at(e->t, at);
		uint8_t gen = (uint8_t)(lb_state_gen(backend->state) + 1);

		while (i < e->f->n_targets &&
		       lb_target_cmp(&e->f->targets[i], &e->have[j].target) < 0)
			i++;
		if (i < e->f->n_targets &&
		    lb_target_cmp(&e->f->targets[i], &e->have[j].target) == 0)
			continue;
		lb_state_store(backend, (uint64_t)(gen ? gen : 1) << LB_BE_GEN_SHIFT);
		*lb_freed_at(e->t, at) = e->c->now;
	}
}

static void make_rows(const struct edit *e)
{
	size_t n = e->f->n_targets;
	_cleanup_(freep) struct lb_row_target *targets = NULL;

	if (lb_prepared_take(&e->t->prepared, e->f, e->index, e->t->new_rows))
		return;
	targets = xcalloc(n, sizeof(*targets));
	for (size_t i = 0; i < n; i++)
		targets[i] = lb_row_target_of(e->f, i, e->index[i]);
	lb_rows_fill(targets, n, e->f->rows_log2, e->t->new_rows);
}

/* There were as many rows before. */
static bool goes_on(const struct edit *e)
{
	return !e->is_new && e->old.rows_log2 == e->live.rows_log2;
}

/* A backend that may have flows of the old row is no candidate of the new one. */
static bool leaves_owners(uint64_t old, uint64_t want)
{
	unsigned n = old & LB_ROW_UNSETTLED ? LB_CANDIDATES : 1;

	for (unsigned k = 0; k < n && lb_row_candidate(old, k) != LB_ROW_NONE; k++)
		if (!lb_row_names(want, lb_row_candidate(old, k)))
			return true;
	return false;
}

/* What a row's word says of the flows that it has already. */
#define ROW_STATE (LB_ROW_UNSETTLED | LB_ROW_MARKED | LB_ROW_BEYOND)

/*
 * The word that replaces `old`: unsettled if it was, or if first place changes; never alone.
 * `anew`: flows that had other rows may be in it, whoever owns them.
 */
static uint64_t next_row(uint64_t old, uint64_t want, bool anew)
{
	if (!lb_row_has_later(want))
		return want;
	if (anew || leaves_owners(old, want))
		want |= LB_ROW_BEYOND | LB_ROW_UNSETTLED;
	if (lb_row_candidate(old, 0) != lb_row_candidate(want, 0))
		want |= LB_ROW_UNSETTLED;
	return want | (old & ROW_STATE);
}

static void change_row(const struct edit *e, uint32_t row, uint64_t want, bool anew)
{
	uint64_t *word = lb_row_at(e->t, row);
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), next;

	do {
		next = next_row(old, want, anew);
		if (next == old)
			return;
	} while (!__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

/*
 * With affinity or without it, flows have other rows; and with backends on other nodes or without
 * them, other nodes have given flows that may come here to others.
 */
#define MOVES_FLOWS (LB_SVC_AFFINITY | LB_SVC_REMOTE)

static bool has_other_flag(const struct edit *e, uint32_t flags)
{
	return !e->is_new && (e->old.flags ^ e->live.flags) & flags;
}

static void change_rows(const struct edit *e)
{
	bool anew = has_other_flag(e, MOVES_FLOWS);

	for (uint32_t i = 0; i < UINT32_C(1) << e->live.rows_log2; i++)
		change_row(e, e->live.rows_base * LB_ROWS_UNIT + i, e->t->new_rows[i], anew);
}

/* Other nodes give flows to these backends, too, or did; of one domain they say which. */
static bool is_spread(const struct edit *e)
{
	return (e->live.flags | e->old.flags) & (LB_SVC_REMOTE | LB_SVC_CLAMP);
}

/*
 * Rows of a new region, which nobody reads yet; a table never crosses a chunk, so its rows lie side
 * by side. They begin unsettled, for older flows may have their owner among the later candidates,
 * but where there are none.
 */
static void fill_rows(const struct edit *e)
{
	uint64_t *to = lb_row_at(e->t, e->live.rows_base * LB_ROWS_UNIT);
	bool known = !e->is_new || is_spread(e) || lb_is_known(e->t, &e->f->key);

	for (uint32_t i = 0; i < UINT32_C(1) << e->live.rows_log2; i++)
		to[i] = known ? next_row(LB_ROW_EMPTY, e->t->new_rows[i], !e->is_new)
			      : e->t->new_rows[i];
}

/* The same where the old region has as many rows: each goes on from its predecessor. */
static void continue_rows(const struct edit *e)
{
	bool anew = has_other_flag(e, MOVES_FLOWS);
	const uint64_t *from = lb_row_at(e->t, e->old.rows_base * LB_ROWS_UNIT);
	uint64_t *to = lb_row_at(e->t, e->live.rows_base * LB_ROWS_UNIT);

	for (uint32_t i = 0; i < UINT32_C(1) << e->live.rows_log2; i++)
		to[i] = next_row(__atomic_load_n(&from[i], __ATOMIC_RELAXED), e->t->new_rows[i],
				 anew);
}

/* What the program marked in the old rows while the new ones were being made, and still may. */
static void carry_marks(const struct edit *e)
{
	struct lb_tables *t = e->t;
	struct lb_rows_move *move;

	if (!goes_on(e))
		return;
	lb_carry_marks(t, e->old.rows_base, e->live.rows_base, e->live.rows_log2);
	move = xpush(&t->rows_moves, &t->n_rows_moves, &t->cap_rows_moves, sizeof(*move));
	*move = (struct lb_rows_move){.at = e->c->now,
				      .key = e->f->key,
				      .id = t->slots.image[e->slot].id,
				      .rows_base = e->old.rows_base,
				      .rows_log2 = e->old.rows_log2};
}

static uint32_t new_service_id(struct lb_config *config)
{
	if (config->next_service_id == 0) /* fresh, or once round */
		config->next_service_id = 1;
	return config->next_service_id++;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * When rows may settle by what the flow table says: not before all is over that was decided by the
 * old ones. Entries name their flow's row as it was when it last spoke; where rows are counted
 * anew, or flows of before have no entries at all, every flow that lives must have spoken first.
 */
static uint64_t settle_from(const struct edit *e)
{
	nsec_t rested = nsec_add(e->c->now, LB_REST_NS);

	if (is_spread(e) && e->f->key.domain != 0)
		return nsec_add(e->c->now, LB_SETTLE_BLIND_NS);
	if (e->is_new)
		return lb_is_known(e->t, &e->f->key) ? max_of(e->t->config->settle_from, rested)
						     : rested;
	return goes_on(e) && !has_other_flag(e, LB_SVC_AFFINITY)
		       ? rested
		       : nsec_add(e->c->now, LB_SETTLE_BLIND_NS);
}

static void publish(const struct edit *e)
{
	struct lb_service svc = {.live = lb_live_word(&e->live),
				 .key = lb_service_key_of(&e->f->key),
				 .seed = e->f->seed,
				 .n_backends = e->n_region,
				 .ranges = e->ranges,
				 .affinity = lb_affinity_of(e->c, e->f),
				 .table = e->f->table,
				 .settle_from = settle_from(e)};

	svc.id = e->f->rows_log2 ? new_service_id(e->t->config) : 0;
	lb_slots_publish(&e->t->slots, e->slot, &svc, (uint32_t)e->f->limit);
}

/*
 * A service that gets another set looks there from this store on. One that had none does from the
 * live word on, and whoever still reads the old word when it loses its set finds the set as it was.
 */
static void store_ranges(const struct edit *e)
{
	if (e->ranges)
		lb_slots_store_ranges(&e->t->slots, e->slot, e->ranges);
}

static void count_ranges(const struct edit *e)
{
	if (e->ranges)
		lb_ranges_use(&e->t->ranges, e->ranges);
	if (e->old_ranges)
		lb_ranges_unuse(&e->t->ranges, e->old_ranges, e->c->now);
}

static void give_replaced(const struct edit *e)
{
	if (e->is_new)
		return;
	if (e->new_rows)
		lb_space_give(&e->t->rows_space, e->old.rows_base, lb_rows_units(e->old.rows_log2),
			      e->c->now);
	if (e->new_backends)
		lb_space_give(&e->t->backend_space, e->old.backends_base,
			      e->n_old / LB_BACKEND_UNIT, e->c->now);
}

/* The stores; nothing fails from here on. */
static void apply(const struct edit *e)
{
	struct lb_service *svc = &e->t->slots.image[e->slot];

	if (!e->is_new) {
		svc->table = 0;
		svc->settle_from = max_of(svc->settle_from, settle_from(e));
		e->t->slots.tested[e->slot] = false;
		store_ranges(e);
		lb_slots_store_affinity(&e->t->slots, e->slot, lb_affinity_of(e->c, e->f));
	}
	count_ranges(e);
	if (e->new_backends)
		fill_region(e);
	write_backends(e, LB_BACKEND_READY, true);
	make_rows(e);
	if (!e->new_rows)
		change_rows(e);
	else if (goes_on(e))
		continue_rows(e);
	else
		fill_rows(e);
	if (e->is_new) {
		publish(e);
		return;
	}
	lb_slots_store_live(&e->t->slots, e->slot, lb_live_word(&e->live));
	svc->n_backends = e->n_region; /* after the live word: too small is safe, too large not */
	if (e->new_rows)
		carry_marks(e);
	write_backends(e, LB_BACKEND_DRAINING, false);
	retire_backends(e);
	give_replaced(e);
	svc->table = e->f->table;
}

/* False: there is no such set yet. */
static bool find_ranges(struct edit *e)
{
	if (!(e->f->flags & LB_F_RANGES))
		return true;
	e->ranges = (uint16_t)lb_ranges_find(&e->t->ranges, e->f->ranges_name);
	return e->ranges != 0;
}

static int put_frontend(struct edit *e)
{
	size_t n = e->f->n_targets;
	_cleanup_(freep) uint16_t *index = xcalloc(n, sizeof(*index));
	_cleanup_(freep) bool *kept = xcalloc(n, sizeof(*kept));
	_cleanup_(freep) struct lb_placed *have = NULL;
	int outcome;

	if (!find_ranges(e))
		return LB_NEED_RANGES;
	if (!e->is_new) {
		e->old = lb_live_of(e->t->slots.image[e->slot].live);
		if (e->old.flags & LB_SVC_RANGES)
			e->old_ranges = e->t->slots.image[e->slot].ranges;
		e->n_old = e->t->slots.image[e->slot].n_backends;
		have = lb_placed_of(e->t, e->slot, &e->n_have);
	}
	e->have = have;
	e->index = index;
	e->kept = kept;
	outcome = lb_nodes_take_all(e->t->nodes, e->c, e->f);
	if (outcome == 0)
		outcome = assign_indices(e);
	if (outcome == 0)
		outcome = take_regions(e);
	if (outcome != 0)
		return outcome;
	apply(e);
	lb_idle_forget(e->t, e->slot, e->c->now);
	return 0;
}

static int put_vip(struct edit *e)
{
	e->live.flags = e->f->flags;
	if (e->f->flags & LB_F_TUNNEL)
		lb_nodes_set_end(e->t->nodes, &e->f->key, true, e->f->flags & LB_F_CLOSED);
	if (e->is_new) {
		const struct lb_vip vip = {.addr = e->f->key.addr, .domain = e->f->key.domain};

		if (e->f->key.port == 0)
			lb_served_begin(&e->t->served, &vip);
		publish(e);
		return 0;
	}
	e->t->slots.tested[e->slot] = false;
	lb_slots_store_live(&e->t->slots, e->slot, lb_live_word(&e->live));
	return 0;
}

/* Another Service on this VIP and port: nothing of the old one may live on. */
static bool is_other(const struct lb_service *svc, const struct lb_frontend *f)
{
	bool is_vip = lb_live_of(svc->live).rows_log2 == 0;

	return svc->seed != f->seed || is_vip != (f->rows_log2 == 0);
}

/* As far as both have any. */
static bool has_its_ranges(const struct lb_tables *t, const struct lb_service *svc,
			   const struct lb_frontend *f)
{
	return !(lb_live_of(svc->live).flags & f->flags & LB_F_RANGES) ||
	       t->ranges.names[svc->ranges] == f->ranges_name;
}

static bool is_same(const struct lb_tables *t, const struct lb_service *svc,
		    const struct lb_frontend *f)
{
	return has_its_ranges(t, svc, f) && svc->table == f->table &&
	       (lb_live_of(svc->live).flags & ~LB_SVC_DERIVED) == f->flags;
}

/* Only with whom it is shared differs. */
static bool is_shared_otherwise(const struct lb_tables *t, const struct lb_service *svc,
				const struct lb_frontend *f)
{
	const uint32_t mask = ~(LB_SVC_DERIVED | LB_SVC_SHARED);

	return has_its_ranges(t, svc, f) && svc->table == f->table &&
	       ((lb_live_of(svc->live).flags ^ f->flags) & mask) == 0;
}

static void share(struct lb_tables *t, const struct lb_clock *c, uint32_t slot, uint32_t flags)
{
	struct lb_live live = lb_live_of(t->slots.image[slot].live);

	live.flags = (live.flags & ~LB_SVC_SHARED) | (flags & LB_SVC_SHARED);
	lb_slots_store_live(&t->slots, slot, lb_live_word(&live));
	lb_idle_forget(t, slot, c->now);
}

int lb_tables_put(struct lb_tables *t, const struct lb_clock *c, const struct lb_frontend *f)
{
	struct edit e = {.t = t, .c = c, .f = f, .slot = lb_slots_find(&t->slots, &f->key)};
	int error = lb_may_put(t, f);

	if (error != 0)
		return error;
	lb_view_touch(t->view, &f->key);
	if (e.slot != LB_NO_SLOT && is_other(&t->slots.image[e.slot], f)) {
		lb_tables_del(t, c, &f->key);
		e.slot = LB_NO_SLOT;
	}
	lb_store_limit(t, e.slot, f);
	if (e.slot != LB_NO_SLOT && is_same(t, &t->slots.image[e.slot], f))
		return 0;
	if (e.slot != LB_NO_SLOT && is_shared_otherwise(t, &t->slots.image[e.slot], f)) {
		share(t, c, e.slot, f->flags);
		return 0;
	}
	lb_tables_wake(t, c->quiet);
	lb_walk_note(t, c);
	e.is_new = e.slot == LB_NO_SLOT;
	if (e.is_new) {
		struct lb_service_key key = lb_service_key_of(&f->key);

		error = lb_slots_place(&t->slots, c, &key, &e.slot);
		if (error == -EAGAIN)
			lb_walk_soon(t, c);
		if (error != 0)
			return error;
	}
	return f->rows_log2 ? put_frontend(&e) : put_vip(&e);
}
