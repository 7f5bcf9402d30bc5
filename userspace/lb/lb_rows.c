// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rendezvous hashing with a load quota. Each backend's weight in a row depends on the two alone, so
 * a backend that comes takes only the rows it wins and one that goes leaves only those it had; all
 * others keep their order. Bare rendezvous leaves backends 10 % and more above the mean at 2,048
 * rows, hence the quota: a row whose best backend is full goes to the next best. That couples rows,
 * but weakly: most rows keep their owner, and one that does not finds it among its next candidates.
 *
 * The four best are kept while the weights go by, without a sort: 10 backends by 2,048 rows must
 * stay below 200 us, because 5,000 services are loaded in a second.
 */
#include "lb/lb_rows.h"

#include "base/mem.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

#define QUOTA_PERCENT 102

/*
 * A backend's standing in a row: the upper 49 bits of its weight, and below them its position in
 * the array of targets counted from the end, so that one comparison decides and the winner is
 * known.
 */
#define AT_BITS 15
#define AT_MASK ((UINT64_C(1) << AT_BITS) - 1)

struct filling {
	const struct lb_row_target *targets;
	size_t n;
	bool any_ready;
	uint32_t quota;
	uint32_t *load; /* rows each is first of */
};

uint32_t lb_rows_quota(uint32_t rows, size_t n_ready)
{
	uint64_t share = (uint64_t)n_ready * 100;

	assert(rows > 0);
	assert(n_ready > 0);
	return (uint32_t)(((uint64_t)rows * QUOTA_PERCENT + share - 1) / share);
}

static inline uint64_t standing(const struct filling *f, size_t at, uint32_t row)
{
	return (lb_wire_weight(f->targets[at].id, row) & ~AT_MASK) | (AT_MASK - at);
}

static inline size_t standing_at(uint64_t s)
{
	return AT_MASK - (s & AT_MASK);
}

/* Leaves the larger in its place and returns the smaller, without a branch. */
static inline uint64_t keep_larger(uint64_t *place, uint64_t s)
{
	uint64_t old = *place;

	*place = old > s ? old : s;
	return old > s ? s : old;
}

static bool has_room(const struct filling *f, size_t at)
{
	return (f->targets[at].ready || !f->any_ready) && f->load[at] < f->quota;
}

/* Rare: the four best are full or draining. */
static size_t first_of_all(const struct filling *f, uint32_t row)
{
	uint64_t best = 0;

	for (size_t i = 0; i < f->n; i++)
		if (has_room(f, i))
			(void)keep_larger(&best, standing(f, i, row));
	assert(best != 0); /* the quotas hold all rows */
	return standing_at(best);
}

static size_t first_of(const struct filling *f, const uint64_t best[LB_CANDIDATES], uint32_t row)
{
	for (unsigned k = 0; k < LB_CANDIDATES && best[k]; k++)
		if (has_room(f, standing_at(best[k])))
			return standing_at(best[k]);
	return first_of_all(f, row);
}

static uint64_t row_word(const struct filling *f, const uint64_t best[LB_CANDIDATES], size_t first)
{
	uint64_t word = f->targets[first].index;
	unsigned n = 1;

	for (unsigned k = 0; k < LB_CANDIDATES && best[k] && n < LB_CANDIDATES; k++)
		if (standing_at(best[k]) != first)
			word |= (uint64_t)f->targets[standing_at(best[k])].index
				<< LB_ROW_BITS * n++;
	return (word | LB_ROW_EMPTY << LB_ROW_BITS * n) & LB_ROW_EMPTY;
}

static uint64_t fill_row(const struct filling *f, uint32_t row)
{
	uint64_t best0 = 0, best1 = 0, best2 = 0, best3 = 0;
	size_t first;

	for (size_t i = 0; i < f->n; i++) {
		uint64_t s = standing(f, i, row);

		s = keep_larger(&best0, s);
		s = keep_larger(&best1, s);
		s = keep_larger(&best2, s);
		(void)keep_larger(&best3, s);
	}
	const uint64_t best[LB_CANDIDATES] = {best0, best1, best2, best3};

	first = first_of(f, best, row);
	f->load[first]++;
	return row_word(f, best, first);
}

void lb_rows_fill(const struct lb_row_target *targets, size_t n, uint8_t rows_log2, uint64_t *ret)
{
	uint32_t rows = UINT32_C(1) << rows_log2;
	_cleanup_(freep) uint32_t *load = xcalloc(n ? n : 1, sizeof(*load));
	struct filling f = {.targets = targets, .n = n, .load = load};
	size_t n_ready = 0;

	assert(rows_log2 <= LB_ROWS_LOG2_MAX);
	assert(n <= LB_ROW_NONE);
	for (size_t i = 0; i < n; i++) {
		assert(targets[i].index < LB_ROW_NONE);
		n_ready += targets[i].ready;
	}
	f.any_ready = n_ready > 0;
	if (n > 0)
		f.quota = lb_rows_quota(rows, n_ready ? n_ready : n);
	for (uint32_t row = 0; row < rows; row++)
		ret[row] = n ? fill_row(&f, row) : LB_ROW_EMPTY;
}
