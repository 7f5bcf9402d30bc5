// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Settling is taken to be what it promises: a row is unsettled wherever a living flow in it has
 * another owner than its first candidate. So what is lost here is lost whatever the agents say: the
 * owner is no candidate, or two nodes have other rows for a moment.
 */
#include "nodes.h"

#include "base/mem.h"
#include "lb/lb_rows.h"

#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

#define PODS      16u
#define STEPS     8u /* a quarter of the pods comes, then a quarter of the old ones drains */
#define ROWS_LOG2 11u
#define ROWS      (1u << ROWS_LOG2)
#define GONE      UINT32_MAX

struct flow {
	uint32_t row, owner; /* owner: GONE if it ended */
	bool is_new;         /* it began after this step, */
	bool by_late;        /* by a node that did not know of it */
};
struct service {
	uint64_t rows[2][ROWS]; /* before this step, and after it */
	uint64_t id[2 * PODS];
	bool present[2 * PODS], ready[2 * PODS];
	struct flow *flows; /* owned */
	size_t n_flows;
};

static void fill(struct service *s)
{
	struct lb_row_target targets[2 * PODS];
	size_t n = 0;

	memcpy(s->rows[0], s->rows[1], sizeof(s->rows[0]));
	for (uint16_t i = 0; i < 2 * PODS; i++)
		if (s->present[i])
			targets[n++] = (struct lb_row_target){
				.id = s->id[i], .index = i, .ready = s->ready[i], .weight = 1};
	lb_rows_fill(targets, n, ROWS_LOG2, s->rows[1]);
}

static void change(struct service *s, unsigned step)
{
	const unsigned quarter = step / 2, from = quarter * PODS / 4;

	for (unsigned i = from; i < from + PODS / 4; i++) {
		if (step % 2 == 0) {
			s->present[PODS + i] = s->ready[PODS + i] = true;
			continue;
		}
		s->ready[i] = false;
		if (i >= PODS / 4) /* the quarter before has drained */
			s->present[i - PODS / 4] = false;
	}
	fill(s);
}

static bool is_late(const struct nodes_flows *f, struct rng *rng)
{
	return rng_below(rng, 256) < f->late;
}

static void begin_flows(struct nodes_flows *f, struct service *s, struct rng *rng)
{
	for (uint32_t i = 0; i < f->n_flows; i++) {
		struct flow *flow = &s->flows[s->n_flows++];

		flow->row = (uint32_t)rng_below(rng, ROWS);
		flow->is_new = true;
		flow->by_late = is_late(f, rng);
		flow->owner = lb_row_candidate(s->rows[!flow->by_late][flow->row], 0);
	}
}

static int place_of(uint64_t row, uint32_t owner)
{
	for (unsigned k = 0; k < LB_CANDIDATES; k++)
		if (lb_row_candidate(row, k) == owner)
			return (int)k;
	return -1;
}

/* A packet of the flow comes to a node that has no entry of it. */
static void ask(struct nodes_flows *f, const struct service *s, struct flow *flow, bool late)
{
	const uint64_t row = s->rows[!late][flow->row];
	const int place = place_of(row, flow->owner);
	/* To who is late the row may be settled, whatever began in it elsewhere since. */
	const bool settled = late && flow->is_new && !flow->by_late;

	f->n_moved++;
	if (place == 0 || (place > 0 && !settled)) {
		f->n_hops += (uint64_t)place;
		return;
	}
	if (late || flow->by_late)
		f->lost_late++;
	else
		f->lost_owner++;
	flow->owner = GONE;
}

static void rehash(struct nodes_flows *f, struct service *s, struct rng *rng)
{
	for (size_t i = 0; i < s->n_flows; i++) {
		struct flow *flow = &s->flows[i];

		if (flow->owner != GONE && !s->present[flow->owner])
			flow->owner = GONE; /* its pod has ended, and it before */
		if (flow->owner == GONE)
			continue;
		f->n_alive++;
		if (rng_below(rng, f->n_nodes) != 0) /* else it comes where it began */
			ask(f, s, flow, is_late(f, rng));
		flow->is_new = flow->by_late = false;
	}
}

static void run_service(struct nodes_flows *f, struct service *s, uint32_t number, struct rng *rng)
{
	memset(s->present, 0, sizeof(s->present));
	memset(s->ready, 0, sizeof(s->ready));
	s->n_flows = 0;
	for (uint32_t i = 0; i < 2 * PODS; i++) {
		const __u32 addr[4] = {0, 0, __builtin_bswap32(0xffff), number * 2 * PODS + i};

		s->id[i] = lb_wire_backend_id(addr, 80, number);
		s->present[i] = s->ready[i] = i < PODS;
	}
	fill(s);
	fill(s);
	begin_flows(f, s, rng);
	for (unsigned step = 0; step < STEPS; step++) {
		change(s, step);
		begin_flows(f, s, rng);
		rehash(f, s, rng);
	}
}

void nodes_flows_run(struct nodes_flows *f, struct rng *rng)
{
	struct service *s = xcalloc(1, sizeof(*s));

	s->flows = xcalloc((size_t)f->n_flows * (STEPS + 1), sizeof(*s->flows));
	for (uint32_t i = 0; i < f->n_services; i++)
		run_service(f, s, i, rng);
	free(s->flows);
	free(s);
}
