// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What each node says of each block. Blocks are found by their names, which are hashes; own
 * statements, in the order of their numbers, by a log in which those that were said anew stay as
 * gaps until they are as many as the others.
 */
#include "lb/lb_settling_inside.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

#define BUCKETS_MIN 256

static struct settle_block **bucket_of(const struct settle_blocks *b, uint64_t name)
{
	return &b->buckets[name & (b->n_buckets - 1)];
}

static struct settle_block *find(const struct settle_blocks *b, uint64_t name)
{
	struct settle_block *at = b->n_buckets ? *bucket_of(b, name) : NULL;

	while (at && at->name != name)
		at = at->next;
	return at;
}

static void grow(struct settle_blocks *b)
{
	struct settle_block **old = b->buckets;
	const size_t n_old = b->n_buckets;

	b->n_buckets = n_old ? 2 * n_old : BUCKETS_MIN;
	b->buckets = xcalloc(b->n_buckets, sizeof(struct settle_block *));
	for (size_t i = 0; i < n_old; i++)
		for (struct settle_block *at = old[i], *next; at; at = next) {
			struct settle_block **to = bucket_of(b, at->name);

			next = at->next;
			at->next = *to;
			*to = at;
		}
	free(old);
}

/* Also one that is not there yet; NULL: there are too many. */
static struct settle_block *take(struct settle_blocks *b, uint64_t name)
{
	struct settle_block *ret = find(b, name), **to;

	if (ret || b->n >= SETTLE_BLOCKS)
		return ret;
	if (b->n >= b->n_buckets)
		grow(b);
	to = bucket_of(b, name);
	ret = xcalloc(1, sizeof(*ret));
	ret->name = name;
	ret->next = *to;
	*to = ret;
	b->n++;
	b->bytes += sizeof(*ret);
	return ret;
}

/* --- rows ------------------------------------------------------------------------------------ */

static size_t size_of(const struct settle_rows *r)
{
	return sizeof(*r) + lb_settle_bits(r->mask) * sizeof(r->words[0]);
}

static struct settle_rows **rows_of(const struct settle_block *block, uint32_t peer)
{
	for (size_t i = 0; i < block->n_rows; i++)
		if (block->rows[i]->peer == peer)
			return &block->rows[i];
	return NULL;
}

static void drop_rows(struct settle_blocks *b, struct settle_block *block, uint32_t peer)
{
	struct settle_rows **at = rows_of(block, peer);

	if (!at)
		return;
	b->bytes -= size_of(*at);
	free(*at);
	*at = block->rows[--block->n_rows];
}

static void add_rows(struct settle_blocks *b, struct settle_block *block, uint32_t peer,
		     const uint64_t words[LB_SETTLE_N_WORDS])
{
	struct settle_rows *r, **at;
	size_t n = 0;

	for (unsigned i = 0; i < LB_SETTLE_N_WORDS; i++)
		n += words[i] != 0;
	if (n == 0)
		return;
	r = xcalloc(1, sizeof(*r) + n * sizeof(r->words[0]));
	r->peer = peer;
	n = 0;
	for (unsigned i = 0; i < LB_SETTLE_N_WORDS; i++) {
		if (words[i] == 0)
			continue;
		r->mask |= UINT64_C(1) << i;
		r->words[n++] = words[i];
	}
	at = xpush(&block->rows, &block->n_rows, &block->cap_rows, sizeof(struct settle_rows *));
	*at = r;
	b->bytes += size_of(r);
}

void settle_rows_add(const struct settle_rows *r, uint64_t words[LB_SETTLE_N_WORDS])
{
	size_t at = 0;

	for (uint64_t left = r->mask; left; left &= left - 1)
		words[__builtin_ctzll(left)] |= r->words[at++];
}

/* The own statement. */
static void read_own(const struct settle_block *block, struct lb_settle_said *ret)
{
	struct settle_rows **own = rows_of(block, NO_PEER);

	*ret = (struct lb_settle_said){
		.block = block->name, .recipe = block->recipe, .epoch = block->epoch};
	if (own)
		settle_rows_add(*own, ret->words);
}

/* --- records ---------------------------------------------------------------------------------- */

static struct settle_record *record_of(struct settle_blocks *b, struct settle_block *block,
				       uint32_t peer)
{
	if (peer >= block->n_records) {
		const uint32_t n = (peer + 8) & ~UINT32_C(7);

		block->records = xrealloc(block->records, n, sizeof(*block->records));
		memset(block->records + block->n_records, 0,
		       (n - block->n_records) * sizeof(*block->records));
		b->bytes += (n - block->n_records) * sizeof(*block->records);
		block->n_records = n;
	}
	return &block->records[peer];
}

/* The first place in the log behind a number. */
static size_t behind(const struct settle_blocks *b, uint64_t number)
{
	size_t low = 0, high = b->n_log;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (b->log[mid].number <= number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void unlog(struct settle_blocks *b, const struct settle_block *block)
{
	const size_t at = block->number ? behind(b, block->number - 1) : b->n_log;

	assert(at == b->n_log || b->log[at].block == block);
	if (at < b->n_log)
		b->log[at].block = NULL;
}

static void compact(struct settle_blocks *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n_log; i++)
		if (b->log[i].block)
			b->log[kept++] = b->log[i];
	b->n_log = kept;
	assert(kept <= b->n);
}

static void log_it(struct settle_blocks *b, struct settle_block *block)
{
	struct settle_logged *l;

	assert(block->number <= b->number);
	unlog(b, block);
	if (b->n_log > 2 * b->n + BUCKETS_MIN)
		compact(b);
	block->number = ++b->number;
	l = xpush(&b->log, &b->n_log, &b->cap_log, sizeof(*l));
	*l = (struct settle_logged){.number = block->number, .block = block};
}

void settle_blocks_note(struct settle_blocks *b, uint32_t peer, const struct lb_settle_said *said,
			nsec_t now)
{
	struct settle_block *block = take(b, said->block);
	struct settle_record *r;

	if (!block)
		return;
	r = record_of(b, block, peer);
	if (r->epoch != said->epoch || r->recipe != settle_half(said->recipe))
		block->agreed_at = now;
	*r = (struct settle_record){.epoch = said->epoch, .recipe = settle_half(said->recipe)};
	drop_rows(b, block, peer);
	add_rows(b, block, peer, said->words);
	if (block->epoch == 0 && said->epoch != LB_SETTLE_ABSENT) {
		block->epoch = LB_SETTLE_ABSENT;
		log_it(b, block);
	}
}

void settle_blocks_forget(struct settle_blocks *b, uint32_t peer)
{
	for (size_t i = 0; i < b->n_buckets; i++)
		for (struct settle_block *at = b->buckets[i]; at; at = at->next) {
			drop_rows(b, at, peer);
			if (peer < at->n_records)
				at->records[peer] = (struct settle_record){.epoch = 0};
		}
}

struct settle_block *settle_blocks_say(struct settle_blocks *b, const struct lb_settle_said *own,
				       uint64_t table, nsec_t now)
{
	struct settle_block *block = take(b, own->block);
	struct lb_settle_said before;

	if (!block)
		return NULL;
	block->walk = b->walk;
	block->table = table;
	read_own(block, &before);
	if (memcmp(&before, own, sizeof(before)) == 0)
		return block;
	if (before.epoch != own->epoch || before.recipe != own->recipe)
		block->agreed_at = now;
	block->epoch = own->epoch;
	block->recipe = own->recipe;
	drop_rows(b, block, NO_PEER);
	add_rows(b, block, NO_PEER, own->words);
	log_it(b, block);
	return block;
}

uint64_t settle_blocks_recipe(const struct settle_blocks *b, uint64_t name, uint64_t table)
{
	const struct settle_block *block = find(b, name);

	return block && table != 0 && block->table == table ? block->recipe : 0;
}

/* --- the end of a walk ------------------------------------------------------------------------ */

static bool is_anybodys(const struct settle_block *block)
{
	if (block->epoch > LB_SETTLE_ABSENT)
		return true;
	for (uint32_t i = 0; i < block->n_records; i++)
		if (block->records[i].epoch > LB_SETTLE_ABSENT)
			return true;
	return false;
}

static void drop(struct settle_blocks *b, struct settle_block *block)
{
	unlog(b, block);
	for (size_t i = 0; i < block->n_rows; i++) {
		b->bytes -= size_of(block->rows[i]);
		free(block->rows[i]);
	}
	b->bytes -= sizeof(*block) + block->n_records * sizeof(*block->records);
	b->n--;
	free(block->rows);
	free(block->records);
	free(block);
}

void settle_blocks_sweep(struct settle_blocks *b, uint64_t acked, nsec_t now)
{
	for (size_t i = 0; i < b->n_buckets; i++) {
		struct settle_block **at = &b->buckets[i];

		while (*at) {
			struct settle_block *block = *at;
			const struct lb_settle_said gone = {.block = block->name,
							    .epoch = LB_SETTLE_ABSENT};

			if (block->epoch > LB_SETTLE_ABSENT && block->walk != b->walk)
				(void)settle_blocks_say(b, &gone, 0, now);
			if (!is_anybodys(block) && block->number <= acked) {
				*at = block->next;
				drop(b, block);
				continue;
			}
			at = &block->next;
		}
	}
}

void settle_blocks_done(struct settle_blocks *b)
{
	for (size_t i = 0; i < b->n_buckets; i++)
		while (b->buckets[i]) {
			struct settle_block *block = b->buckets[i];

			b->buckets[i] = block->next;
			drop(b, block);
		}
	assert(b->n == 0 && b->bytes == 0);
	free(b->buckets);
	free(b->log);
}

/* --- pages ------------------------------------------------------------------------------------ */

void settle_blocks_fill(const struct settle_blocks *b, struct lb_settle_page *p)
{
	p->upto = p->since;
	for (size_t i = behind(b, p->since); i < b->n_log; i++) {
		struct lb_settle_said own;

		if (b->log[i].block) {
			read_own(b->log[i].block, &own);
			if (!lb_settle_page_add(p, &own))
				return;
		}
		p->upto = b->log[i].number;
	}
	p->upto = b->number;
	assert(p->upto >= p->since);
}
