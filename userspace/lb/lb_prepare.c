// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The rows of frontends with very many targets, made ahead of their put in pieces: 10,000 targets
 * are 20 million draws, some 40 ms. One table is being made at a time, by its name; a row names a
 * target by its place in the array until the put has given it an index.
 */
#include "lb/lb_inside.h"

#include <assert.h>

#include "bpf/wire.h"

/* Nobody can be kept waiting by changes that come faster than the rows are made. */
#define PIECES_MAX 256

struct lb_row_target lb_row_target_of(const struct lb_frontend *f, size_t i, uint16_t index)
{
	const struct lb_target *target = &f->targets[i];

	return (struct lb_row_target){.id = lb_target_id(target, f->seed),
				      .index = index,
				      .ready = target->state == LB_BACKEND_READY,
				      .weight = (uint8_t)target->weight};
}

static bool is_large(const struct lb_frontend *f)
{
	uint64_t draws = 0;

	for (size_t i = 0; i < f->n_targets; i++)
		draws += f->targets[i].weight;
	return draws << f->rows_log2 > LB_PIECE_DRAWS;
}

static void begin(struct lb_prepared *p, const struct lb_frontend *f)
{
	_cleanup_(freep) struct lb_row_target *targets = xcalloc(f->n_targets, sizeof(*targets));

	for (size_t i = 0; i < f->n_targets; i++)
		targets[i] = lb_row_target_of(f, i, (uint16_t)i);
	lb_prepared_done(p);
	p->table = f->table;
	p->making = lb_rows_begin(targets, f->n_targets, f->rows_log2);
	p->rows = xcalloc(UINT32_C(1) << f->rows_log2, sizeof(*p->rows));
}

void lb_prepared_done(struct lb_prepared *p)
{
	p->making = lb_rows_end(p->making);
	free(p->rows);
	p->rows = NULL;
	p->table = 0;
	p->is_ready = false;
}

bool lb_tables_prepare(struct lb_tables *t, const struct lb_frontend *f)
{
	struct lb_prepared *p = &t->prepared;

	if (!lb_frontend_is_valid(f) || !is_large(f))
		return true;
	if (p->table == f->table && p->is_ready)
		return true;
	if (p->table != f->table && p->n_pieces >= PIECES_MAX) {
		p->n_pieces = 0;
		return true;
	}
	if (p->table != f->table)
		begin(p, f);
	p->n_pieces++;
	p->is_ready = lb_rows_go_on(p->making, LB_PIECE_DRAWS, p->rows);
	return false;
}

static uint64_t with_index(uint64_t row, const uint16_t *index)
{
	uint64_t ret = 0;

	for (unsigned k = 0; k < LB_CANDIDATES; k++) {
		const uint16_t at = lb_row_candidate(row, k);

		ret |= (uint64_t)(at == LB_ROW_NONE ? at : index[at]) << LB_ROW_BITS * k;
	}
	return ret;
}

bool lb_prepared_take(struct lb_prepared *p, const struct lb_frontend *f, const uint16_t *index,
		      uint64_t *ret)
{
	if (!p->is_ready || p->table != f->table)
		return false;
	for (uint32_t i = 0; i < UINT32_C(1) << f->rows_log2; i++)
		ret[i] = with_index(p->rows[i], index);
	lb_prepared_done(p);
	p->n_pieces = 0;
	return true;
}
