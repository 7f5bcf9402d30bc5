// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Words and places: packs and unpacks the live word and the state word (bpf/abi.h), finds rows and
 * backends by number in their chunks, and reads the targets of a frontend back from the image. Also
 * which frontends fit into all that.
 */
#include "lb/lb_idle.h"

#include "base/limits.h"
#include "bpf/wire.h"

#include <assert.h>

#define UDP 17

uint64_t lb_live_word(const struct lb_live *live)
{
	assert(live->backends_base <= LB_LIVE_BASE_MASK);
	assert(live->rows_base <= LB_LIVE_BASE_MASK);
	assert(live->rows_log2 <= LB_LIVE_LOG2_MASK && live->flags <= LB_LIVE_FLAGS_MASK);
	return (uint64_t)live->backends_base << LB_LIVE_BACKENDS_SHIFT |
	       (uint64_t)live->rows_base << LB_LIVE_ROWS_SHIFT |
	       (uint64_t)live->rows_log2 << LB_LIVE_LOG2_SHIFT |
	       (uint64_t)live->flags << LB_LIVE_FLAGS_SHIFT | LB_LIVE_IN_USE;
}

struct lb_live lb_live_of(uint64_t word)
{
	return (struct lb_live){
		.backends_base = (uint32_t)(word >> LB_LIVE_BACKENDS_SHIFT & LB_LIVE_BASE_MASK),
		.rows_base = (uint32_t)(word >> LB_LIVE_ROWS_SHIFT & LB_LIVE_BASE_MASK),
		.rows_log2 = (uint8_t)(word >> LB_LIVE_LOG2_SHIFT & LB_LIVE_LOG2_MASK),
		.flags = (uint32_t)(word >> LB_LIVE_FLAGS_SHIFT & LB_LIVE_FLAGS_MASK),
	};
}

uint32_t lb_rows_units(uint8_t rows_log2)
{
	return rows_log2 ? (UINT32_C(1) << rows_log2) / LB_ROWS_UNIT : 0;
}

uint64_t *lb_row_at(const struct lb_tables *t, uint32_t row)
{
	assert(row / LB_ROWS_CHUNK < t->n_rows_chunks);
	return &t->rows_chunks[row / LB_ROWS_CHUNK].rows[row % LB_ROWS_CHUNK];
}

struct lb_backend *lb_backend_at(const struct lb_tables *t, uint32_t index)
{
	assert(index / LB_BACKEND_CHUNK < t->n_backend_chunks);
	return &t->backend_chunks[index / LB_BACKEND_CHUNK].backends[index % LB_BACKEND_CHUNK];
}

bool lb_tables_backend(const struct lb_tables *t, uint32_t index, struct ip_addr *ret,
		       uint16_t *ret_port)
{
	const struct lb_backend *b;

	if (index / LB_BACKEND_CHUNK >= t->n_backend_chunks)
		return false;
	b = lb_backend_at(t, index);
	if (!(b->state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE))
		return false;
	memcpy(ret->b, b->addr, sizeof(ret->b));
	*ret_port = __builtin_bswap16(b->port);
	return true;
}

nsec_t *lb_freed_at(const struct lb_tables *t, uint32_t index)
{
	assert(index / LB_BACKEND_CHUNK < t->n_backend_chunks);
	return &t->backend_chunks[index / LB_BACKEND_CHUNK].freed_at[index % LB_BACKEND_CHUNK];
}

static int placed_cmp(const void *a, const void *b)
{
	return lb_target_cmp(&((const struct lb_placed *)a)->target,
			     &((const struct lb_placed *)b)->target);
}

static struct lb_target target_of(const struct lb_tables *t, uint32_t index, uint32_t owner)
{
	const struct lb_backend *backend = lb_backend_at(t, index);
	bool ready = backend->state >> LB_BE_FLAGS_SHIFT & LB_BE_READY;
	struct lb_target ret = {.port = __builtin_bswap16(backend->port),
				.owner = owner,
				.weight = LB_WIRE_WEIGHT_MAX};

	if (backend->more_weight < LB_WIRE_WEIGHT_MAX)
		ret.weight = backend->more_weight + 1;
	memcpy(ret.addr.b, backend->addr, sizeof(ret.addr.b));
	if (!(backend->state >> LB_BE_FLAGS_SHIFT & LB_BE_LOCAL))
		ret.node = lb_nodes_addr(t->nodes, lb_state_node(backend->state));
	ret.way = lb_state_way(backend->state);
	ret.state = ready                  ? LB_BACKEND_READY
		    : lb_idle_is(t, index) ? LB_BACKEND_IDLE
					   : LB_BACKEND_DRAINING;
	return ret;
}

struct lb_placed *lb_placed_of(const struct lb_tables *t, uint32_t slot, size_t *ret_n)
{
	const struct lb_service *svc = &t->slots.image[slot];
	uint32_t base = lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT;
	struct lb_placed *ret = xcalloc(svc->n_backends, sizeof(*ret));
	bool sorted = true;
	size_t n = 0;

	for (uint32_t i = 0; i < svc->n_backends; i++) {
		const struct lb_backend *backend = lb_backend_at(t, base + i);

		if (!(backend->state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE))
			continue;
		ret[n] = (struct lb_placed){.target = target_of(t, base + i, svc->seed),
					    .index = (uint16_t)i};
		sorted = sorted && (n == 0 || placed_cmp(&ret[n - 1], &ret[n]) < 0);
		n++;
	}
	if (!sorted)
		qsort(ret, n, sizeof(*ret), placed_cmp);
	*ret_n = n;
	return ret;
}

uint64_t lb_state_word(const struct lb_tables *t, const struct lb_target *target, uint8_t gen,
		       uint32_t nsid_1)
{
	const bool is_local = ip_addr_is_none(&target->node);
	const uint64_t node = is_local ? 0 : lb_nodes_find(t->nodes, &target->node);
	uint64_t flags = LB_BE_IN_USE | (is_local ? LB_BE_LOCAL : 0);

	assert(gen != 0 && (is_local || (node != 0 && nsid_1 == 0)));
	assert(!is_local || target->way == LB_BY_TUNNEL);
	if (target->state == LB_BACKEND_READY)
		flags |= LB_BE_READY;
	return flags << LB_BE_FLAGS_SHIFT | (uint64_t)gen << LB_BE_GEN_SHIFT |
	       (uint64_t)target->way << LB_BE_WAY_SHIFT | node << LB_BE_NODE_SHIFT |
	       (uint64_t)nsid_1 << LB_BE_NSID_SHIFT;
}

uint8_t lb_state_gen(uint64_t state)
{
	return (uint8_t)(state >> LB_BE_GEN_SHIFT);
}

uint32_t lb_state_nsid_1(uint64_t state)
{
	return (uint32_t)(state >> LB_BE_NSID_SHIFT);
}

uint32_t lb_state_node(uint64_t state)
{
	return state >> LB_BE_NODE_SHIFT & (LB_NODES - 1);
}

_Static_assert(LB_BY_TUNNEL == LB_WAY_TUNNEL && LB_BY_L2 == LB_WAY_L2 &&
		       LB_BY_IPIP == LB_WAY_IPIP && LB_BY_GUE == LB_WAY_GUE &&
		       LB_BY_NAT == LB_WAY_NAT,
	       "enum lb_way is numbered as in the image");

enum lb_way lb_state_way(uint64_t state)
{
	return (enum lb_way)(state >> LB_BE_WAY_SHIFT & LB_BE_WAY_MASK);
}

void lb_tables_name_nodes(const struct lb_tables *t, uint64_t bits[LB_NODES / 64])
{
	for (uint32_t i = 0; i < t->n_backend_chunks * LB_BACKEND_CHUNK; i++) {
		const uint64_t state = lb_backend_at(t, i)->state;
		const uint32_t number = lb_state_node(state);

		if (state >> LB_BE_FLAGS_SHIFT & LB_BE_IN_USE)
			bits[number / 64] |= UINT64_C(1) << number % 64;
	}
}

void lb_state_store(struct lb_backend *backend, uint64_t state)
{
	if (backend->state != state)
		__atomic_store_n(&backend->state, state, __ATOMIC_RELEASE);
}

void lb_move_counter(struct lb_tables *t, uint32_t from, uint32_t to)
{
	struct lb_counter_move *move;

	move = xpush(&t->moves, &t->n_moves, &t->cap_moves, sizeof(*move));
	*move = (struct lb_counter_move){.from = from, .to = to};
}

uint16_t lb_affinity_of(const struct lb_clock *c, const struct lb_frontend *f)
{
	const nsec_t time = f->affinity_s * NSEC_PER_SEC;
	nsec_t unit = c->age_unit;
	uint16_t bit = 0;

	if (time == 0)
		return 0;
	assert(unit > 0);
	if (time > LB_AFFINITY_AGES_MAX * unit) {
		unit <<= LB_AGE_LONG_SHIFT;
		bit = LB_AFFINITY_LONG;
	}
	assert(time <= LB_AFFINITY_AGES_MAX * unit);
	return (uint16_t)((time + unit - 1) / unit) | bit;
}

static bool are_valid(const struct lb_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (targets[i].weight < 1 || targets[i].weight > LB_WIRE_WEIGHT_MAX ||
		    targets[i].way > LB_BY_NAT ||
		    (targets[i].way && ip_addr_is_none(&targets[i].node)))
			return false;
	return true;
}

bool lb_frontend_is_valid(const struct lb_frontend *f)
{
	if (f->flags & LB_F_TUNNEL &&
	    (f->key.port != LB_GUE_PORT || f->key.proto != UDP || f->rows_log2 != 0))
		return false;
	if (f->rows_log2 == 0)
		return (f->key.port == 0 || f->flags & LB_F_TUNNEL) && f->n_targets == 0 &&
		       f->table == 0 && !f->ranges_name && !f->affinity_s && !f->limit;
	if (!(f->flags & LB_F_RANGES) != !f->ranges_name)
		return false;
	if (!(f->flags & LB_F_AFFINITY) != !f->affinity_s || f->affinity_s > LB_AFFINITY_S_MAX)
		return false;
	return f->rows_log2 >= LB_ROWS_LOG2_MIN && f->rows_log2 <= LB_ROWS_LOG2_MAX &&
	       f->n_targets <= LIMIT_BACKENDS && f->table != 0 &&
	       are_valid(f->targets, f->n_targets);
}

void lb_store_limit(struct lb_tables *t, uint32_t slot, const struct lb_frontend *f)
{
	if (f->rows_log2)
		t->config->source_flows = (uint32_t)(f->limit >> 32);
	if (slot != LB_NO_SLOT)
		lb_slots_store_limit(&t->slots, slot, (uint32_t)f->limit);
}
