// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rendezvous hashing with a load quota. Each backend's draws in a row depend on the two alone, so
 * a backend that comes takes only the rows it wins and one that goes leaves only those it had; all
 * others keep their order. Bare rendezvous leaves backends 10 % and more above the mean at 2,048
 * rows, hence the quota: a row whose best backend is full goes to the next best. That couples rows,
 * but weakly: most rows keep their owner, and one that does not finds it among its next candidates.
 * Who has too few rows then takes some in which he stands next, from those that can spare them.
 *
 * 5,000 services are loaded in a second, so a table of 10 backends by 2,048 rows should take no
 * more than 50 us: 2.5 ns a draw. Hence standings are taken in fours, which are sorted and merged
 * with the four best so far by fixed networks of minima and maxima, in registers, without a branch
 * that depends on a draw; and the half of the mix that a backend's draws share is computed once.
 * Where all weigh the same, each draws once: the code is made twice, with and without weights.
 */
#include "lb/lb_rows.h"

#include "base/mem.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

/*
 * A backend's standing in a row: the upper 49 bits of its best draw, and below them its position in
 * the array of targets counted from the end, so that one comparison decides and the winner is
 * known. Never 0, which stands for none.
 */
#define AT_BITS 15
#define AT_MASK ((UINT64_C(1) << AT_BITS) - 1)

struct filling {
	size_t n;
	uint64_t *begun; /* first half of each one's first draws, then of all further draws */
	uint32_t *more;  /* where in them the further draws of each begin; n + 1 of them */
	uint16_t *index; /* of each within the service */
	uint32_t *room;  /* rows each may still be first of */
	uint32_t *quota; /* ... and might in the beginning */
	uint32_t *least; /* rows each is to be first of */
	uint16_t *draining;
	size_t n_draining; /* 0: nobody is kept for its flows' sake */
	bool weighted;     /* there are further draws */
};

/* Standings, the best first. */
struct four {
	uint64_t a, b, c, d;
};

LB_INLINE uint64_t standing(const struct filling *f, size_t at, uint32_t row, bool weighted)
{
	uint64_t best = lb_wire_weight_begun(f->begun[at], row);

	for (uint32_t i = weighted ? f->more[at] : 0; weighted && i < f->more[at + 1]; i++) {
		uint64_t draw = lb_wire_weight_begun(f->begun[i], row);

		best = draw > best ? draw : best;
	}
	return (best | AT_MASK) - at;
}

LB_INLINE size_t standing_at(uint64_t s)
{
	return AT_MASK - (s & AT_MASK);
}

/* Leaves the larger in its place and returns the smaller. */
LB_INLINE uint64_t keep_larger(uint64_t *place, uint64_t s)
{
	uint64_t old = *place;

	*place = old > s ? old : s;
	return old > s ? s : old;
}

LB_INLINE void put_in_order(uint64_t *first, uint64_t *second)
{
	*second = keep_larger(first, *second);
}

LB_INLINE void sort_four(struct four *s)
{
	put_in_order(&s->a, &s->b);
	put_in_order(&s->c, &s->d);
	put_in_order(&s->a, &s->c);
	put_in_order(&s->b, &s->d);
	put_in_order(&s->b, &s->c);
}

/*
 * The best four of two sorted fours. One beside the other turned round: the larger of each pair are
 * the four, in an order that first falls and then rises or the reverse, which two steps sort.
 */
LB_INLINE void merge_four(struct four *best, const struct four *s)
{
	(void)keep_larger(&best->a, s->d);
	(void)keep_larger(&best->b, s->c);
	(void)keep_larger(&best->c, s->b);
	(void)keep_larger(&best->d, s->a);
	put_in_order(&best->a, &best->c);
	put_in_order(&best->b, &best->d);
	put_in_order(&best->a, &best->b);
	put_in_order(&best->c, &best->d);
}

LB_INLINE void merge_one(struct four *best, uint64_t s)
{
	s = keep_larger(&best->a, s);
	s = keep_larger(&best->b, s);
	s = keep_larger(&best->c, s);
	(void)keep_larger(&best->d, s);
}

LB_INLINE struct four best_of(const struct filling *f, uint32_t row, bool weighted)
{
	struct four best = {.a = 0};
	size_t at = 0;

	for (; at + 4 <= f->n; at += 4) {
		struct four s = {standing(f, at, row, weighted), standing(f, at + 1, row, weighted),
				 standing(f, at + 2, row, weighted),
				 standing(f, at + 3, row, weighted)};

		sort_four(&s);
		if (at == 0)
			best = s;
		else
			merge_four(&best, &s);
	}
	for (; at < f->n; at++)
		merge_one(&best, standing(f, at, row, weighted));
	return best;
}

/* Rare: none of the four best may be first. */
static size_t first_of_all(const struct filling *f, uint32_t row)
{
	uint64_t best = 0;

	for (size_t at = 0; at < f->n; at++)
		if (f->room[at] > 0)
			(void)keep_larger(&best, standing(f, at, row, f->weighted));
	assert(best != 0); /* the quotas hold all rows */
	return standing_at(best);
}

static size_t first_of(const struct filling *f, const uint64_t best[LB_CANDIDATES], uint32_t row)
{
	for (unsigned k = 0; k < LB_CANDIDATES && best[k]; k++)
		if (f->room[standing_at(best[k])] > 0)
			return standing_at(best[k]);
	return first_of_all(f, row);
}

/* Who follows in the row; how many they are with the first. */
static unsigned followers(const uint64_t best[LB_CANDIDATES], size_t at[LB_CANDIDATES])
{
	unsigned n = 1;

	for (unsigned k = 0; k < LB_CANDIDATES && best[k] && n < LB_CANDIDATES; k++)
		if (standing_at(best[k]) != at[0])
			at[n++] = standing_at(best[k]);
	return n;
}

static bool is_draining(const struct filling *f, size_t at)
{
	for (size_t i = 0; i < f->n_draining; i++)
		if (f->draining[i] == at)
			return true;
	return false;
}

/* Of a row whose followers are all ready, the last makes way for the best that drains. */
static void keep_draining(const struct filling *f, uint32_t row, size_t at[LB_CANDIDATES])
{
	uint64_t best = 0;

	for (unsigned k = 1; k < LB_CANDIDATES; k++)
		if (is_draining(f, at[k]))
			return;
	for (size_t i = 0; i < f->n_draining; i++)
		(void)keep_larger(&best, standing(f, f->draining[i], row, f->weighted));
	at[LB_CANDIDATES - 1] = standing_at(best);
}

static uint64_t row_word(const struct filling *f, uint32_t row, const uint64_t best[LB_CANDIDATES],
			 size_t first)
{
	size_t at[LB_CANDIDATES] = {first};
	unsigned n = followers(best, at);
	uint64_t word = 0;

	if (f->n_draining > 0 && n == LB_CANDIDATES)
		keep_draining(f, row, at);
	for (unsigned k = 0; k < n; k++)
		word |= (uint64_t)f->index[at[k]] << LB_ROW_BITS * k;
	return (word | LB_ROW_EMPTY << LB_ROW_BITS * n) & LB_ROW_EMPTY;
}

/* Of one target at most: most Services have one pod on a node, and thousands are loaded at once. */
static uint64_t word_of_all(const struct filling *f)
{
	assert(f->n <= 1);
	if (f->n == 0)
		return LB_ROW_EMPTY;
	return ((uint64_t)f->index[0] | LB_ROW_EMPTY << LB_ROW_BITS) & LB_ROW_EMPTY;
}

/* Nearly always: there are four, and the best of all may be first. */
static uint64_t plain_word(const struct filling *f, const struct four *best)
{
	return (uint64_t)f->index[standing_at(best->a)] |
	       (uint64_t)f->index[standing_at(best->b)] << LB_ROW_BITS |
	       (uint64_t)f->index[standing_at(best->c)] << 2 * LB_ROW_BITS |
	       (uint64_t)f->index[standing_at(best->d)] << 3 * LB_ROW_BITS;
}

LB_INLINE uint64_t fill_row(const struct filling *f, uint32_t row, bool weighted)
{
	const struct four four = best_of(f, row, weighted);
	const uint64_t best[LB_CANDIDATES] = {four.a, four.b, four.c, four.d};
	size_t first = standing_at(four.a);

	if (four.d != 0 && f->room[first] > 0 && f->n_draining == 0) {
		f->room[first]--;
		return plain_word(f, &four);
	}
	first = first_of(f, best, row);
	f->room[first]--;
	return row_word(f, row, best, first);
}

/* All weights together of those that may be first. */
static uint32_t total_weight(const struct lb_row_target *targets, size_t n, bool any_ready)
{
	uint32_t total = 0;

	for (size_t at = 0; at < n; at++)
		if (targets[at].ready || !any_ready)
			total += targets[at].weight;
	return total;
}

static size_t count_ready(const struct lb_row_target *targets, size_t n)
{
	size_t n_ready = 0;

	for (size_t at = 0; at < n; at++)
		n_ready += targets[at].ready;
	return n_ready;
}

/* Fills in who is kept for its flows' sake. */
static void find_draining(struct filling *f, const struct lb_row_target *targets, size_t n_ready)
{
	if (!lb_wire_keeps_draining((uint32_t)n_ready, (uint32_t)(f->n - n_ready)))
		return;
	for (size_t at = 0; at < f->n; at++)
		if (!targets[at].ready)
			f->draining[f->n_draining++] = (uint16_t)at;
}

static void fill_in(struct filling *f, const struct lb_row_target *targets, uint32_t rows)
{
	const size_t n_ready = count_ready(targets, f->n);
	const bool any_ready = n_ready > 0;
	const uint32_t total = total_weight(targets, f->n, any_ready);
	uint32_t n_draws = (uint32_t)f->n;

	for (size_t at = 0; at < f->n; at++) {
		const struct lb_row_target *t = &targets[at];

		assert(t->index < LB_ROW_NONE);
		f->begun[at] = lb_wire_mix_begin(t->id);
		f->more[at] = n_draws;
		for (uint32_t draw = 1; draw < t->weight; draw++)
			f->begun[n_draws++] = lb_wire_mix_begin(lb_wire_draw_id(t->id, draw));
		f->index[at] = t->index;
		if (!t->ready && any_ready)
			continue;
		f->quota[at] = f->room[at] = lb_wire_quota(rows, t->weight, total);
		f->least[at] = lb_wire_least(rows, t->weight, total);
	}
	f->more[f->n] = n_draws;
	find_draining(f, targets, n_ready);
	f->weighted = n_draws > f->n;
}

static size_t count_draws(const struct lb_row_target *targets, size_t n)
{
	size_t n_draws = 0;

	for (size_t at = 0; at < n; at++) {
		assert(targets[at].weight >= 1);
		assert(targets[at].weight <= LB_WIRE_WEIGHT_MAX);
		n_draws += targets[at].weight;
	}
	return n_draws;
}

struct lb_rows_making {
	struct filling f; /* its arrays are owned */
	uint32_t rows, next;
	unsigned pass; /* 0: rows are filled; 1..3: those with too few look at candidate `pass` */
	uint32_t n_needed; /* rows that are still to change */
	uint16_t *at;      /* places in the array of targets, by index; from pass 1 on */
};

struct lb_rows_making *lb_rows_begin(const struct lb_row_target *targets, size_t n,
				     uint8_t rows_log2)
{
	struct lb_rows_making *m = xcalloc(1, sizeof(*m));

	assert(rows_log2 <= LB_ROWS_LOG2_MAX);
	assert(n <= LB_ROW_NONE);
	m->rows = UINT32_C(1) << rows_log2;
	m->f = (struct filling){.n = n,
				.begun = xcalloc(count_draws(targets, n), sizeof(*m->f.begun)),
				.more = xcalloc(n + 1, sizeof(*m->f.more)),
				.index = xcalloc(n, sizeof(*m->f.index)),
				.room = xcalloc(n, sizeof(*m->f.room)),
				.quota = xcalloc(n, sizeof(*m->f.quota)),
				.least = xcalloc(n, sizeof(*m->f.least)),
				.draining = xcalloc(n, sizeof(*m->f.draining))};
	if (n > 0)
		fill_in(&m->f, targets, m->rows);
	return m;
}

/* --- who has too few rows --------------------------------------------------------------------- */

static uint32_t load_of(const struct filling *f, size_t at)
{
	return f->quota[at] - f->room[at];
}

static void find_needy(struct lb_rows_making *m)
{
	const struct filling *f = &m->f;
	uint16_t last = 0;

	if (f->n <= 1)
		return; /* all rows are alike (word_of_all()) */
	for (size_t at = 0; at < f->n; at++) {
		last = f->index[at] > last ? f->index[at] : last;
		m->n_needed += load_of(f, at) < f->least[at] ? f->least[at] - load_of(f, at) : 0;
	}
	if (m->n_needed == 0)
		return;
	m->at = xcalloc((size_t)last + 1, sizeof(*m->at));
	for (size_t at = 0; at < f->n; at++)
		m->at[f->index[at]] = (uint16_t)at;
}

static uint64_t word_with_first(const struct filling *f, uint32_t row, size_t first)
{
	const struct four four = best_of(f, row, f->weighted);
	const uint64_t best[LB_CANDIDATES] = {four.a, four.b, four.c, four.d};

	return row_word(f, row, best, first);
}

/* The row's first makes way for this pass's candidate, if that one needs it. */
static void look_again(struct lb_rows_making *m, uint32_t row, uint64_t *word)
{
	const uint16_t index = lb_row_candidate(*word, m->pass);
	struct filling *f = &m->f;
	size_t at, first;

	if (index == LB_ROW_NONE)
		return;
	at = m->at[index];
	first = m->at[lb_row_candidate(*word, 0)];
	if (load_of(f, at) >= f->least[at] || load_of(f, first) <= f->least[first])
		return;
	f->room[at]--;
	f->room[first]++;
	m->n_needed--;
	*word = word_with_first(f, row, at);
}

/* --- in pieces -------------------------------------------------------------------------------- */

static bool is_made(const struct lb_rows_making *m)
{
	return m->pass > 0 && (m->pass == LB_CANDIDATES || m->n_needed == 0);
}

static void make_rows(struct lb_rows_making *m, uint32_t end, uint64_t *ret)
{
	struct filling *f = &m->f;
	const uint64_t all = f->n <= 1 ? word_of_all(f) : 0;

	for (; m->next < end && !is_made(m); m->next++) {
		if (m->pass > 0)
			look_again(m, m->next, &ret[m->next]);
		else if (f->n <= 1)
			ret[m->next] = all;
		else
			ret[m->next] = f->weighted ? fill_row(f, m->next, true)
						   : fill_row(f, m->next, false);
	}
}

/* As many rows of this pass as these draws allow, and one at least; how many draws are left. */
static uint64_t make_some(struct lb_rows_making *m, uint64_t draws, uint64_t *ret)
{
	const uint64_t all = m->f.n > 0 ? m->f.more[m->f.n] : 1;
	const uint64_t a_row = m->pass > 0 ? LB_CANDIDATES : all;
	const uint64_t n = draws / a_row > 0 ? draws / a_row : 1;
	const uint64_t left = m->rows - m->next;
	const uint64_t taken = n < left ? n : left;

	make_rows(m, m->next + (uint32_t)taken, ret);
	return taken * a_row < draws ? draws - taken * a_row : 0;
}

bool lb_rows_go_on(struct lb_rows_making *m, uint64_t draws, uint64_t *ret)
{
	do {
		draws = make_some(m, draws, ret);
		if (m->next < m->rows)
			break;
		m->next = 0;
		if (m->pass++ == 0)
			find_needy(m);
	} while (draws >= LB_CANDIDATES && !is_made(m));
	return is_made(m);
}

struct lb_rows_making *lb_rows_end(struct lb_rows_making *m)
{
	if (!m)
		return NULL;
	free(m->f.begun);
	free(m->f.more);
	free(m->f.index);
	free(m->f.room);
	free(m->f.quota);
	free(m->f.least);
	free(m->f.draining);
	free(m->at);
	free(m);
	return NULL;
}

void lb_rows_fill(const struct lb_row_target *targets, size_t n, uint8_t rows_log2, uint64_t *ret)
{
	struct lb_rows_making *m = lb_rows_begin(targets, n, rows_log2);
	const bool is_all = lb_rows_go_on(m, UINT64_MAX, ret);

	assert(is_all);
	(void)is_all;
	lb_rows_end(m);
}
