// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reading back: what the images hold of frontends, in the words of the planner. With thousands of
 * them the images are spread over many megabytes, so what was read is kept, sorted by key, and only
 * what was touched is read again. Who dumps gets a copy of all, which costs more than the reading;
 * who looks borrows it, and hears which keys were read again since he looked last.
 */
#include "lb/lb_counted.h"
#include "lb/lb_inside.h"

#include <assert.h>

#define TOUCHED_MAX 256 /* more at once, and all is read anew */

struct lb_view {
	bool valid;
	struct lb_actual *items; /* owned; by key, their targets owned or in `targets` */
	size_t n, cap;
	struct lb_target *targets; /* owned: of those that were read together */
	size_t n_read;             /* of these */
	size_t n_targets;          /* of all items */
	struct lb_key *touched;    /* owned */
	size_t n_touched, cap_touched;

	/* For the next look. */
	struct lb_key *again; /* owned: read again; the first n_told were told by the last look */
	size_t n_again, n_told, cap_again;
	bool all_again; /* all were */
	uint64_t generation;
	struct lb_target **retired; /* owned, with what they point to: the last look told of them */
	size_t n_retired, cap_retired;
};

struct lb_view *lb_view_new(void)
{
	return xcalloc(1, sizeof(struct lb_view));
}

static bool is_read_together(const struct lb_view *v, const struct lb_target *targets)
{
	return targets >= v->targets && targets < v->targets + v->n_read;
}

static void retire(struct lb_view *v, struct lb_target *targets)
{
	if (targets)
		*(struct lb_target **)xpush(&v->retired, &v->n_retired, &v->cap_retired,
					    sizeof(*v->retired)) = targets;
}

static void free_retired(struct lb_view *v)
{
	while (v->n_retired > 0)
		free(v->retired[--v->n_retired]);
}

static void forget_targets(struct lb_view *v, struct lb_actual *item)
{
	struct lb_target *targets;

	v->n_targets -= item->n_targets;
	memcpy(&targets, &item->targets, sizeof(targets));
	if (!is_read_together(v, targets))
		retire(v, targets);
}

static void forget_all(struct lb_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		forget_targets(v, &v->items[i]);
	assert(v->n_targets == 0);
	retire(v, TAKE_PTR(v->targets));
	v->n = v->n_read = v->n_touched = 0;
	v->valid = false;
}

struct lb_view *lb_view_free(struct lb_view *v)
{
	forget_all(v);
	free_retired(v);
	free(v->retired);
	free(v->items);
	free(v->touched);
	free(v->again);
	free(v);
	return NULL;
}

void lb_view_drop(struct lb_view *v)
{
	v->valid = false;
}

void lb_view_touch(struct lb_view *v, const struct lb_key *key)
{
	if (!v->valid)
		return;
	if (v->n_touched > 0 && lb_key_cmp(&v->touched[v->n_touched - 1], key) == 0)
		return;
	if (v->n_touched == TOUCHED_MAX) {
		v->valid = false;
		return;
	}
	*(struct lb_key *)xpush(&v->touched, &v->n_touched, &v->cap_touched, sizeof(*key)) = *key;
}

/* --- reading --- */

static void copy_targets(const struct lb_placed *placed, size_t n, struct lb_target *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = placed[i].target;
}

/* All but the targets. */
static void read_slot(const struct lb_tables *t, uint32_t slot, struct lb_actual *ret)
{
	const struct lb_service *svc = &t->slots.image[slot];

	*ret = (struct lb_actual){
		.key = lb_key_of(&svc->key),
		.table = svc->table,
		.flags = lb_live_of(svc->live).flags & ~LB_SVC_DERIVED,
		.seed = svc->seed,
		.rows_log2 = lb_live_of(svc->live).rows_log2,
		.tested = t->slots.tested[slot],
		.idle = t->slots.idle[slot],
	};
	if (lb_live_of(svc->live).rows_log2)
		ret->limit =
			(uint64_t)t->config->source_flows << 32 | t->slots.new_flows[slot].limit;
	if (ret->flags & LB_F_RANGES)
		ret->ranges_name = t->ranges.names[svc->ranges];
}

static void read_all(struct lb_view *v, const struct lb_tables *t)
{
	size_t room = 0;

	forget_all(v);
	for (size_t i = 0; i < t->slots.n; i++)
		room += t->slots.image[t->slots.order[i]].n_backends;
	v->targets = xcalloc(room + 1, sizeof(*v->targets));
	if (v->cap < t->slots.n) {
		v->cap = t->slots.n;
		v->items = xrealloc(v->items, v->cap, sizeof(*v->items));
	}
	for (size_t i = 0; i < t->slots.n; i++) {
		struct lb_actual *item = &v->items[v->n++];
		_cleanup_(freep) struct lb_placed *placed = NULL;

		read_slot(t, t->slots.order[i], item);
		placed = lb_placed_of(t, t->slots.order[i], &item->n_targets);
		copy_targets(placed, item->n_targets, v->targets + v->n_read);
		item->targets = item->n_targets ? v->targets + v->n_read : NULL;
		v->n_read += item->n_targets;
	}
	v->n_targets = v->n_read;
	v->valid = true;
	v->all_again = true;
	v->n_again = v->n_told = 0;
}

/* --- one key --- */

static size_t place_of(const struct lb_view *v, const struct lb_key *key)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (lb_key_cmp(key, &v->items[middle].key) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void read_again(struct lb_view *v, const struct lb_tables *t, const struct lb_key *key)
{
	const uint32_t slot = lb_slots_find(&t->slots, key);
	const size_t i = place_of(v, key);
	const bool is_there = i < v->n && lb_key_cmp(key, &v->items[i].key) == 0;
	_cleanup_(freep) struct lb_placed *placed = NULL;
	struct lb_target *targets;
	struct lb_actual *item;

	if (is_there)
		forget_targets(v, &v->items[i]);
	if (slot == LB_NO_SLOT) {
		if (is_there)
			memmove(&v->items[i], &v->items[i + 1], (--v->n - i) * sizeof(*v->items));
		return;
	}
	if (!is_there) {
		(void)xpush(&v->items, &v->n, &v->cap, sizeof(*v->items));
		memmove(&v->items[i + 1], &v->items[i], (v->n - 1 - i) * sizeof(*v->items));
	}
	item = &v->items[i];
	read_slot(t, slot, item);
	placed = lb_placed_of(t, slot, &item->n_targets);
	targets = item->n_targets ? xcalloc(item->n_targets, sizeof(*targets)) : NULL;
	copy_targets(placed, item->n_targets, targets);
	item->targets = targets;
	v->n_targets += item->n_targets;
}

static void bring_up_to_date(struct lb_view *v, const struct lb_tables *t)
{
	if (!v->valid)
		read_all(v, t);
	for (size_t i = 0; i < v->n_touched; i++) {
		read_again(v, t, &v->touched[i]);
		if (!v->all_again)
			*(struct lb_key *)xpush(&v->again, &v->n_again, &v->cap_again,
						sizeof(*v->again)) = v->touched[i];
	}
	v->n_touched = 0;
	assert(v->n == t->slots.n);
}

void lb_tables_dump(const struct lb_tables *t, struct arena *arena, const struct lb_actual **ret,
		    size_t *ret_n)
{
	struct lb_view *v = t->view;
	struct lb_target *targets;
	struct lb_actual *all;

	bring_up_to_date(v, t);
	all = arena_memdup(arena, v->items, v->n * sizeof(*all));
	targets = arena_array_of(arena, v->n_targets, struct lb_target);
	for (size_t i = 0; i < v->n; i++) {
		const size_t n = all[i].n_targets;

		if (n > 0)
			memcpy(targets, all[i].targets, n * sizeof(*targets));
		all[i].targets = targets;
		targets += n;
	}
	*ret = all;
	*ret_n = v->n;
}

void lb_tables_look(const struct lb_tables *t, struct lb_look *ret)
{
	struct lb_view *v = t->view;

	free_retired(v);
	v->n_again -= v->n_told;
	if (v->n_again)
		memmove(v->again, v->again + v->n_told, v->n_again * sizeof(*v->again));
	v->n_told = 0;
	bring_up_to_date(v, t);
	*ret = (struct lb_look){
		.items = v->items,
		.n = v->n,
		.touched = v->again,
		.n_touched = v->n_again,
		.since = v->all_again ? 0 : v->generation,
		.generation = v->generation + 1,
	};
	v->n_told = v->n_again;
	v->all_again = false;
	v->generation++;
}

bool lb_tables_get(const struct lb_tables *t, const struct lb_key *key, struct arena *arena,
		   struct lb_actual *ret)
{
	const uint32_t slot = lb_slots_find(&t->slots, key);
	_cleanup_(freep) struct lb_placed *placed = NULL;
	struct lb_target *targets;

	if (slot == LB_NO_SLOT)
		return false;
	read_slot(t, slot, ret);
	placed = lb_placed_of(t, slot, &ret->n_targets);
	targets = arena_array_of(arena, ret->n_targets, struct lb_target);
	copy_targets(placed, ret->n_targets, targets);
	ret->targets = targets;
	return true;
}

/* --- what is counted --- */

static uint32_t flows_of(const struct lb_tables *t, uint32_t index)
{
	assert(index / LB_BACKEND_CHUNK < t->n_backend_chunks);
	return t->backend_chunks[index / LB_BACKEND_CHUNK].n_flows[index % LB_BACKEND_CHUNK];
}

static uint64_t begun_at(const struct lb_tables *t, uint32_t slot)
{
	return __atomic_load_n(&t->slots.new_flows[slot].begun, __ATOMIC_RELAXED);
}

uint64_t lb_tables_begun(const struct lb_tables *t, const struct lb_key *key)
{
	const uint32_t slot = lb_slots_find(&t->slots, key);

	return slot == LB_NO_SLOT ? 0 : begun_at(t, slot);
}

bool lb_tables_counted(const struct lb_tables *t, const struct lb_key *key, struct arena *arena,
		       struct lb_counted *ret)
{
	const uint32_t slot = lb_slots_find(&t->slots, key);
	const struct lb_service *svc = &t->slots.image[slot == LB_NO_SLOT ? 0 : slot];
	const uint32_t first = lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT;
	uint32_t *index;

	if (slot == LB_NO_SLOT)
		return false;
	index = arena_array_of(arena, svc->n_backends, uint32_t);
	*ret = (struct lb_counted){.index = index, .begun = begun_at(t, slot)};
	for (uint32_t i = first; i < first + svc->n_backends; i++) {
		if (!(lb_backend_at(t, i)->state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE))
			continue;
		index[ret->n++] = i;
		ret->flows += flows_of(t, i);
	}
	return true;
}
