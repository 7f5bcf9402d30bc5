// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The frame of lb_tables.h: chunks, adoption of images that a former agent left, deleting, and
 * reading back. Adoption trusts no image: a slot whose regions do not exist, overlap another's or
 * have sizes that put would not have chosen is taken out, and the planner puts it again.
 */
#include "lb/lb_inside.h"

#include "base/limits.h"

#include "bpf/wire.h"

#include <assert.h>

_Static_assert(LB_F_AFFINITY == LB_SVC_AFFINITY, "flags are handed through");
_Static_assert(LB_F_UNKNOWN_PASS == LB_SVC_UNKNOWN_PASS, "flags are handed through");
_Static_assert(LB_F_ECHO_ANSWER == LB_SVC_ECHO_ANSWER, "flags are handed through");
_Static_assert(LB_F_ECHO_PASS == LB_SVC_ECHO_PASS, "flags are handed through");
_Static_assert(LB_F_KERNEL_FLOWS == LB_SVC_KERNEL_FLOWS, "flags are handed through");
_Static_assert(LB_F_TAKING_OVER == LB_SVC_TAKING_OVER, "flags are handed through");
_Static_assert(LB_F_HANDING_BACK == LB_SVC_HANDING_BACK, "flags are handed through");
_Static_assert(LB_F_CLOSED == LB_SVC_CLOSED, "flags are handed through");
_Static_assert(LB_F_PAUSED == LB_SVC_PAUSED, "flags are handed through");
_Static_assert(LB_F_REJECT == LB_SVC_REJECT, "flags are handed through");
_Static_assert(LB_F_RANGES == LB_SVC_RANGES, "flags are handed through");
_Static_assert(LB_F_RATE == LB_SVC_RATE, "flags are handed through");
_Static_assert(LB_F_BLACKHOLE == LB_SVC_BLACKHOLE, "flags are handed through");
_Static_assert(LB_F_TUNNEL == LB_SVC_TUNNEL, "flags are handed through");
_Static_assert(LB_F_CLAMP == LB_SVC_CLAMP, "flags are handed through");
_Static_assert(LB_NSID_OWN + 1 == LB_BE_NSID_SELF, "the state word holds nsid + 1");
/*
 * Each frontend may have a VIP of its own, which takes a slot, too. A cuckoo table of two places a
 * key can be half full in the mean, but one set of keys or another fails earlier: of 10,000 sets
 * that were tried, none at 31 %, two at 37 %, one in four at 50 %.
 */
_Static_assert(2 * LIMIT_SERVICES <= LB_SERVICE_SLOTS / 16 * 5, "every frontend finds a slot");
_Static_assert(LIMIT_BACKENDS <= LB_ROW_NONE, "a row can name every backend");

struct lb_tables *lb_tables_new(const struct lb_images *images)
{
	struct lb_tables *t = xcalloc(1, sizeof(*t));

	t->config = images->config;
	t->served.all = images->config->served_unknown;
	t->view = lb_view_new();
	lb_slots_init(&t->slots, images->services, images->vip_bits, images->new_flows);
	lb_ranges_init(&t->ranges, images->range_names);
	t->nodes = lb_nodes_new(t, images->node_places, images->tunnel);
	t->settling = lb_settling_new();
	t->new_rows = xcalloc(UINT32_C(1) << LB_ROWS_LOG2_MAX, sizeof(*t->new_rows));
	return t;
}

struct lb_tables *lb_tables_free(struct lb_tables *t)
{
	if (!t)
		return NULL;
	lb_view_free(t->view);
	lb_slots_done(&t->slots);
	lb_ranges_done(&t->ranges);
	lb_nodes_free(t->nodes);
	lb_settling_free(t->settling);
	lb_space_done(&t->rows_space);
	lb_space_done(&t->backend_space);
	for (size_t i = 0; i < t->n_backend_chunks; i++) {
		free(t->backend_chunks[i].freed_at);
		free(t->backend_chunks[i].n_flows);
		free(t->backend_chunks[i].counted);
		free(t->backend_chunks[i].open);
		free(t->backend_chunks[i].silent);
	}
	for (size_t i = 0; i < t->n_rows_chunks; i++) {
		free(t->rows_chunks[i].foreign);
		free(t->rows_chunks[i].beyond);
	}
	free(t->flows.chunks);
	lb_growth_done(&t->growth);
	lb_served_done(&t->served);
	free(t->backend_chunks);
	free(t->rows_chunks);
	free(t->moves);
	free(t->rows_moves);
	lb_prepared_done(&t->prepared);
	free(t->new_rows);
	free(t);
	return NULL;
}

struct lb_nodes *lb_tables_nodes(const struct lb_tables *t)
{
	return t->nodes;
}

struct lb_settling *lb_tables_settling(const struct lb_tables *t)
{
	return t->settling;
}

void lb_tables_add_rows_chunk(struct lb_tables *t, uint64_t *rows)
{
	struct lb_rows_chunk *chunk;

	assert(t->n_rows_chunks < LB_ROWS_CHUNKS);
	chunk = xpush(&t->rows_chunks, &t->n_rows_chunks, &t->cap_rows_chunks, sizeof(*chunk));
	chunk->rows = rows;
	chunk->foreign = xcalloc(LB_ROWS_CHUNK / 64, sizeof(*chunk->foreign));
	chunk->beyond = xcalloc(LB_ROWS_CHUNK / 64, sizeof(*chunk->beyond));
	lb_space_grow(&t->rows_space, LB_ROWS_UNITS_PER_CHUNK);
}

void lb_tables_add_backend_chunk(struct lb_tables *t, struct lb_backend *backends)
{
	struct lb_backend_chunk *chunk;

	assert(t->n_backend_chunks < LB_BACKEND_CHUNKS);
	chunk = xpush(&t->backend_chunks, &t->n_backend_chunks, &t->cap_backend_chunks,
		      sizeof(*chunk));
	chunk->backends = backends;
	chunk->freed_at = xcalloc(LB_BACKEND_CHUNK, sizeof(*chunk->freed_at));
	chunk->n_flows = xcalloc(LB_BACKEND_CHUNK, sizeof(*chunk->n_flows));
	chunk->counted = xcalloc(LB_BACKEND_CHUNK, sizeof(*chunk->counted));
	chunk->open = xcalloc(LB_BACKEND_CHUNK / 64, sizeof(*chunk->open));
	chunk->silent = xcalloc(LB_BACKEND_CHUNK, sizeof(*chunk->silent));
	lb_space_grow(&t->backend_space, LB_BACKEND_UNITS_PER_CHUNK);
}

uint32_t lb_tables_spare(const struct lb_tables *t, int need)
{
	if (need == LB_NEED_ROWS_CHUNK)
		return t->rows_space.n_free / LB_ROWS_UNITS_PER_CHUNK;
	assert(need == LB_NEED_BACKEND_CHUNK);
	return t->backend_space.n_free / LB_BACKEND_UNITS_PER_CHUNK;
}

void lb_tables_set_flows(struct lb_tables *t, struct lb_flow_line *const *chunks, size_t n)
{
	assert((n & (n - 1)) == 0);
	t->flows.chunks = xrealloc(t->flows.chunks, n ? n : 1, sizeof(struct lb_flow_line *));
	if (n > 0)
		memcpy(t->flows.chunks, chunks, n * sizeof(struct lb_flow_line *));
	t->flows.n = n;
	t->walk.phase = LB_WALK_IDLE; /* what there is of it began with other lines */
	t->slots.walked = n > 0 ? 0 : NSEC_NEVER;
}

static bool claim_rows(struct lb_tables *t, const struct lb_live *live)
{
	uint32_t units = lb_rows_units(live->rows_log2);

	if (live->rows_log2 < LB_ROWS_LOG2_MIN || live->rows_log2 > LB_ROWS_LOG2_MAX)
		return false;
	return live->rows_base % units == 0 &&
	       lb_space_claim(&t->rows_space, live->rows_base, units);
}

static bool claim_ranges(struct lb_tables *t, const struct lb_service *svc)
{
	return !(lb_live_of(svc->live).flags & LB_SVC_RANGES) ||
	       lb_ranges_adopt(&t->ranges, svc->ranges);
}

/* Of a backend in use: it is here, or gets packets by a way that is known, at a node that is. */
static bool is_reached(const struct lb_tables *t, uint64_t state)
{
	if (state >> LB_BE_FLAGS_SHIFT & LB_BE_LOCAL)
		return lb_state_way(state) == LB_BY_TUNNEL;
	return lb_state_way(state) <= LB_BY_NAT && lb_nodes_has(t->nodes, lb_state_node(state));
}

/* Those of a service's backends that are on other nodes name some; its region is claimed. */
static bool names_nodes(const struct lb_tables *t, const struct lb_service *svc)
{
	const uint32_t base = lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT;

	for (uint32_t i = base; i < base + svc->n_backends; i++) {
		const uint64_t state = lb_backend_at(t, i)->state;

		if (state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE && !is_reached(t, state))
			return false;
	}
	return true;
}

/* Takes the regions of a slot; false if they cannot be what put has written. */
static bool claim_regions(struct lb_tables *t, const struct lb_service *svc)
{
	struct lb_live live = lb_live_of(svc->live);
	uint32_t units = svc->n_backends / LB_BACKEND_UNIT;

	if (live.rows_log2 == 0)
		return svc->n_backends == 0 && (svc->key.port == 0 || live.flags & LB_SVC_TUNNEL);
	if (svc->n_backends % LB_BACKEND_UNIT != 0 || svc->n_backends > LB_ROW_NONE + 1)
		return false;
	if (!claim_rows(t, &live))
		return false;
	if (lb_space_claim(&t->backend_space, live.backends_base, units)) {
		if (names_nodes(t, svc) && claim_ranges(t, svc))
			return true;
		lb_space_undo(&t->backend_space, live.backends_base, units);
	}
	lb_space_undo(&t->rows_space, live.rows_base, lb_rows_units(live.rows_log2));
	return false;
}

static void rest_unused_backends(struct lb_tables *t, const struct lb_service *svc, nsec_t now)
{
	uint32_t base = lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT;

	for (uint32_t i = base; i < base + svc->n_backends; i++)
		if (!(lb_backend_at(t, i)->state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE))
			*lb_freed_at(t, i) = now;
}

static struct lb_vip vip_of(const struct lb_key *key)
{
	return (struct lb_vip){.addr = key->addr, .domain = key->domain};
}

bool lb_is_known(const struct lb_tables *t, const struct lb_key *key)
{
	const struct lb_vip vip = vip_of(key);

	return lb_served_before(&t->served, &vip);
}

void lb_tables_add_served(struct lb_tables *t, const struct lb_vip *vips, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lb_served_add(&t->served, &vips[i]);
}

const struct lb_vip *lb_tables_served(const struct lb_tables *t, struct arena *arena, size_t *ret_n)
{
	return lb_served_all(&t->served, arena, ret_n);
}

uint64_t lb_tables_served_generation(const struct lb_tables *t)
{
	return t->served.generation;
}

static void adopt_served(struct lb_tables *t)
{
	for (size_t i = 0; i < t->slots.n; i++) {
		const struct lb_key key = lb_key_of(&t->slots.image[t->slots.order[i]].key);
		const struct lb_vip vip = vip_of(&key);

		if (key.port == 0)
			lb_served_add(&t->served, &vip);
	}
}

void lb_tables_cover(struct lb_tables *t, const struct ip_prefix *prefix)
{
	lb_slots_cover(&t->slots, prefix);
}

void lb_tables_uncover(struct lb_tables *t, const struct ip_prefix *prefix)
{
	lb_slots_uncover(&t->slots, prefix);
}

size_t lb_tables_adopt(struct lb_tables *t, const struct lb_clock *c)
{
	struct lb_slots *s = &t->slots;
	size_t n_bad = 0, i = 0;

	if (t->config->wire_version != LB_WIRE_VERSION)
		t->config->wire_version = LB_WIRE_VERSION; /* names of tables hold it, too */
	lb_nodes_adopt(t->nodes);
	lb_slots_adopt(s, c->now);
	while (i < s->n) {
		uint32_t slot = s->order[i];

		if (!claim_regions(t, &s->image[slot])) {
			lb_slots_clear(s, slot, c->now);
			n_bad++;
			continue;
		}
		rest_unused_backends(t, &s->image[slot], c->now);
		if (t->config->next_service_id <= s->image[slot].id)
			t->config->next_service_id = s->image[slot].id + 1;
		i++;
	}
	lb_ranges_adopt_rest(&t->ranges, c->now);
	lb_space_rest_free(&t->rows_space, c->now);
	lb_space_rest_free(&t->backend_space, c->now);
	adopt_served(t);
	return n_bad;
}

void lb_tables_del(struct lb_tables *t, const struct lb_clock *c, const struct lb_key *key)
{
	uint32_t slot = lb_slots_find(&t->slots, key);
	struct lb_live live;
	uint32_t n_backends;

	if (slot == LB_NO_SLOT)
		return;
	lb_view_touch(t->view, key);
	if (key->port == 0) {
		const struct lb_vip vip = vip_of(key);

		lb_served_end(&t->served, &vip);
	}
	live = lb_live_of(t->slots.image[slot].live);
	n_backends = t->slots.image[slot].n_backends;
	if (live.flags & LB_SVC_RANGES)
		lb_ranges_unuse(&t->ranges, t->slots.image[slot].ranges, c->now);
	if (live.flags & LB_SVC_TUNNEL)
		lb_nodes_set_end(t->nodes, key, false, false);
	lb_slots_clear(&t->slots, slot, c->now);
	lb_space_give(&t->rows_space, live.rows_base, lb_rows_units(live.rows_log2), c->now);
	lb_space_give(&t->backend_space, live.backends_base, n_backends / LB_BACKEND_UNIT, c->now);
}

void lb_tables_set_tested(struct lb_tables *t, const struct lb_key *key)
{
	uint32_t slot = lb_slots_find(&t->slots, key);

	lb_view_touch(t->view, key);
	if (slot != LB_NO_SLOT)
		t->slots.tested[slot] = true;
}

/* Several targets may have one address, on ports of their own. */
void lb_tables_set_nsids(struct lb_tables *t, const struct lb_key *key, const struct lb_nsid *nsids,
			 size_t n)
{
	uint32_t slot = lb_slots_find(&t->slots, key), base;
	_cleanup_(freep) struct lb_placed *placed = NULL;
	size_t n_placed, k = 0;

	if (slot == LB_NO_SLOT)
		return;
	base = lb_live_of(t->slots.image[slot].live).backends_base * LB_BACKEND_UNIT;
	assert(t->slots.image[slot].live & LB_LIVE_IN_USE);
	placed = lb_placed_of(t, slot, &n_placed);
	for (size_t i = 0; i < n_placed; i++) {
		const struct lb_target *target = &placed[i].target;
		struct lb_backend *backend = lb_backend_at(t, base + placed[i].index);
		bool known;

		while (k < n && ip_addr_cmp(&nsids[k].addr, &target->addr) < 0)
			k++;
		known = k < n && ip_addr_equal(&nsids[k].addr, &target->addr);
		lb_state_store(backend, lb_state_word(t, target, lb_state_gen(backend->state),
						      known ? nsids[k].nsid + 1 : 0));
	}
}

bool lb_tables_backends(const struct lb_tables *t, const struct lb_key *key, struct arena *arena,
			const uint32_t **ret, size_t *ret_n)
{
	uint32_t slot = lb_slots_find(&t->slots, key);
	_cleanup_(freep) struct lb_placed *placed = NULL;
	uint32_t *index, base;

	if (slot == LB_NO_SLOT)
		return false;
	base = lb_live_of(t->slots.image[slot].live).backends_base * LB_BACKEND_UNIT;
	placed = lb_placed_of(t, slot, ret_n);
	index = arena_array_of(arena, *ret_n, uint32_t);
	for (size_t i = 0; i < *ret_n; i++)
		index[i] = base + placed[i].index;
	*ret = index;
	return true;
}

const uint32_t *lb_tables_flows(const struct lb_tables *t, const uint32_t *index, size_t n,
				struct arena *arena)
{
	uint32_t *ret = arena_array_of(arena, n, uint32_t);

	for (size_t i = 0; i < n; i++)
		ret[i] = t->backend_chunks[index[i] / LB_BACKEND_CHUNK]
				 .n_flows[index[i] % LB_BACKEND_CHUNK];
	return ret;
}

uint64_t lb_tables_idle_generation(const struct lb_tables *t)
{
	return t->idle_generation;
}

size_t lb_tables_take_moves(struct lb_tables *t, const struct lb_counter_move **ret)
{
	size_t n = t->n_moves;

	*ret = t->moves;
	t->n_moves = 0;
	return n;
}

struct lb_flow_usage lb_tables_flow_usage(const struct lb_tables *t)
{
	struct lb_flow_usage ret = t->usage;

	ret.places = lb_growth_ways(&t->flows);
	ret.growing = t->growth.phase != LB_GROWTH_NONE;
	return ret;
}

struct lb_usage lb_tables_usage(const struct lb_tables *t)
{
	struct lb_usage ret = {.services = t->slots.n,
			       .rows_chunks = t->n_rows_chunks,
			       .backend_chunks = t->n_backend_chunks};

	for (size_t i = 0; i < t->slots.n; i++) {
		const struct lb_service *svc = &t->slots.image[t->slots.order[i]];

		ret.rows += (size_t)lb_rows_units(lb_live_of(svc->live).rows_log2) * LB_ROWS_UNIT;
		ret.backends += svc->n_backends;
	}
	return ret;
}
