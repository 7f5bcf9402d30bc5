// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The row table of a service (DESIGN 7.2 step 3), by the recipe of bpf/wire.h: for each row up to
 * four candidates in order of rendezvous. It is a pure function of the backends that are present
 * now, without history, so a node that has just started has the rows of all others, and an older
 * flow's owner is found among the later candidates.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One backend as the rows see it. */
struct lb_row_target {
	uint64_t id;    /* lb_target_id(): where it stands, the same on every node */
	uint16_t index; /* within the service, below LB_ROW_NONE: what the row names it by */
	bool ready;
	uint8_t weight; /* 1..LB_WIRE_WEIGHT_MAX: its share of first places beside the others' */
};

/*
 * Fills 1 << rows_log2 row words (bpf/abi.h), all settled. [0] is the best ready backend that is
 * under quota when rows are filled in their order, or one of the next three if that one has too few
 * rows; without any ready one the draining ones stand in for them. [1..3] are the next by standing
 * among all; while much drains (lb_wire_keeps_draining()), one of them is the best that does.
 * Without targets every row is LB_ROW_EMPTY.
 *
 * Of a standing the upper 49 bits count; among equals (2^-49 a pair) the first in the array wins,
 * and otherwise the order of the targets does not matter. Given in the order of lb_target_cmp, all
 * nodes agree even there.
 */
void lb_rows_fill(const struct lb_row_target *targets, size_t n, uint8_t rows_log2, uint64_t *ret);

/*
 * The same in pieces. The targets are not needed any more once it has begun. Each piece goes on in
 * *ret, which is the same for all: with as many rows as take no more draws than this (of each row
 * each target draws `weight` times; one that is looked at again counts as four), but one at least;
 * true: they are made. lb_rows_end: NULL is fine.
 */
struct lb_rows_making;
struct lb_rows_making *lb_rows_begin(const struct lb_row_target *targets, size_t n,
				     uint8_t rows_log2);
bool lb_rows_go_on(struct lb_rows_making *m, uint64_t draws, uint64_t *ret) must_check;
struct lb_rows_making *lb_rows_end(struct lb_rows_making *m);

/* Candidate k of a row: an index, or LB_ROW_NONE. */
static inline uint16_t lb_row_candidate(uint64_t row, unsigned k)
{
	return (uint16_t)(row >> (15 * k) & 0x7fff);
}

/* A backend of this index is one of a row's candidates. */
static inline bool lb_row_names(uint64_t row, uint16_t index)
{
	return lb_row_candidate(row, 0) == index || lb_row_candidate(row, 1) == index ||
	       lb_row_candidate(row, 2) == index || lb_row_candidate(row, 3) == index;
}

/* There are candidates behind the first; only then can a row be unsettled. */
static inline bool lb_row_has_later(uint64_t row)
{
	return lb_row_candidate(row, 1) != 0x7fff;
}
