// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Nodes and messages. A node has a place among the peers for as long as it is one, by which the
 * blocks know it.
 */
#include "lb/lb_settling_inside.h"

#include "base/hash.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

struct peer {
	bool in_use, gone, found;
	struct ip_addr addr;
	uint64_t incarnation; /* 0: not known yet */
	uint64_t has;         /* we have all of its statements up to this number */
	uint64_t acked;       /* and it all of ours up to this one */
	uint64_t at;          /* its clock as of its last message */
	uint64_t at_begin;    /* ... when this walk of ours began, */
	uint64_t at_walked;   /* and when the last one began that is over */
	nsec_t seen;          /* its statements are of a walk that began after this time of ours */
	nsec_t heard_at, send_at;
	uint64_t answer_to; /* one who does not know our number is told it: his, or 0 */
	uint64_t n_sent, n_received, octets_sent;
};

struct lb_settling {
	uint64_t incarnation;
	struct settle_blocks blocks;
	struct peer *peers; /* by place. Owned */
	size_t n_peers, cap_peers;
	uint32_t *by_addr; /* places, sorted by address. Owned */
	size_t n_by_addr;
	bool has_nodes, is_walking;
	nsec_t nodes_at; /* since when they are these */
	nsec_t began;    /* the walk that is under way */
	nsec_t evident;  /* all others' statements are of walks that began after this */
	uint64_t counting, unsettled;
};

struct lb_settling *lb_settling_new(void)
{
	return xcalloc(1, sizeof(struct lb_settling));
}

struct lb_settling *lb_settling_free(struct lb_settling *s)
{
	if (!s)
		return NULL;
	settle_blocks_done(&s->blocks);
	free(s->peers);
	free(s->by_addr);
	free(s);
	return NULL;
}

void lb_settling_begin(struct lb_settling *s, uint64_t incarnation)
{
	assert(incarnation != 0);
	s->incarnation = incarnation;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static uint32_t find(const struct lb_settling *s, const struct ip_addr *addr)
{
	size_t low = 0, high = s->n_by_addr;

	while (low < high) {
		const size_t mid = (low + high) / 2;
		const int cmp = ip_addr_cmp(&s->peers[s->by_addr[mid]].addr, addr);

		if (cmp == 0)
			return s->by_addr[mid];
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NO_PEER;
}

static bool is_heard(const struct peer *p, nsec_t now)
{
	return p->heard_at != 0 && now - p->heard_at <= SETTLE_SILENT_NS;
}

/* Spread over the period, each at the same time in it. */
static nsec_t next_slot(const struct lb_settling *s, const struct peer *p, nsec_t now)
{
	const nsec_t slot = SETTLE_EVERY_NS / SETTLE_SLOTS;
	const nsec_t offset =
		hash_bytes(s->incarnation, &p->addr, sizeof(p->addr)) % SETTLE_SLOTS * slot;
	const nsec_t at = now - now % SETTLE_EVERY_NS + offset;

	return at > now ? at : at + SETTLE_EVERY_NS;
}

/* A page that is not answered is sent again soon, while its receiver is there. */
static nsec_t next_sending(const struct lb_settling *s, const struct peer *p, nsec_t now)
{
	if (p->incarnation != 0 && p->acked < s->blocks.number && is_heard(p, now))
		return now + SETTLE_RETRY_NS;
	return next_slot(s, p, now);
}

static uint32_t free_place(struct lb_settling *s)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (!s->peers[i].in_use)
			return (uint32_t)i;
	(void)xpush(&s->peers, &s->n_peers, &s->cap_peers, sizeof(*s->peers));
	return (uint32_t)(s->n_peers - 1);
}

static void forget(struct lb_settling *s, uint32_t place)
{
	settle_blocks_forget(&s->blocks, place);
	s->peers[place] = (struct peer){.in_use = false};
}

void lb_settling_set_nodes(struct lb_settling *s, const struct lb_settling_node *nodes, size_t n,
			   nsec_t now)
{
	_cleanup_(freep) uint32_t *places = xcalloc(n, sizeof(*places));
	bool differ = !s->has_nodes;

	for (size_t i = 0; i < n; i++) {
		assert(i == 0 || ip_addr_cmp(&nodes[i - 1].addr, &nodes[i].addr) < 0);
		places[i] = find(s, &nodes[i].addr);
		if (places[i] != NO_PEER)
			s->peers[places[i]].found = true;
	}
	for (uint32_t i = 0; i < s->n_peers; i++) {
		if (s->peers[i].in_use && !s->peers[i].found)
			forget(s, i);
		s->peers[i].found = false;
	}
	for (size_t i = 0; i < n; i++) {
		struct peer *p;

		if (places[i] == NO_PEER) {
			places[i] = free_place(s);
			s->peers[places[i]] = (struct peer){
				.in_use = true, .addr = nodes[i].addr, .send_at = now};
			differ = true;
		}
		p = &s->peers[places[i]];
		differ |= p->gone && !nodes[i].gone;
		p->gone = nodes[i].gone;
	}
	free(s->by_addr);
	s->by_addr = TAKE_PTR(places);
	s->n_by_addr = n;
	s->has_nodes = true;
	if (differ)
		s->nodes_at = now;
}

bool lb_settling_is_asked(const struct lb_settling *s)
{
	return s->n_by_addr > 0;
}

/* --- the walk --------------------------------------------------------------------------------- */

/* 0: there is one of whom nothing is evidence. */
static nsec_t evident_of_all(const struct lb_settling *s, nsec_t now)
{
	nsec_t ret = s->has_nodes ? NSEC_NEVER : 0;

	for (size_t i = 0; i < s->n_peers; i++) {
		const struct peer *p = &s->peers[i];

		if (p->in_use && !p->gone)
			ret = nsec_min(ret, is_heard(p, now) ? p->seen : 0);
	}
	return ret;
}

void lb_settling_walk_begins(struct lb_settling *s, nsec_t now)
{
	s->began = now;
	s->is_walking = true;
	s->evident = evident_of_all(s, now);
	s->counting = 0;
	s->blocks.walk++;
	for (size_t i = 0; i < s->n_peers; i++)
		s->peers[i].at_begin = s->peers[i].at;
}

/* All who count make it by the own recipe, or not at all. */
static bool agree(const struct lb_settling *s, const struct settle_block *block)
{
	const uint32_t recipe = settle_half(block->recipe);

	for (uint32_t i = 0; i < s->n_peers; i++) {
		struct settle_record r = {.epoch = 0};

		if (!s->peers[i].in_use || s->peers[i].gone)
			continue;
		if (i < block->n_records)
			r = block->records[i];
		if (r.epoch == 0 || (r.epoch != LB_SETTLE_ABSENT && r.recipe != recipe))
			return false;
	}
	return true;
}

static void add_rows(const struct settle_block *block, uint64_t ret[LB_SETTLE_N_WORDS])
{
	const uint32_t recipe = settle_half(block->recipe);

	for (size_t i = 0; i < block->n_rows; i++) {
		const struct settle_rows *r = block->rows[i];

		if (r->peer != NO_PEER && block->records[r->peer].recipe == recipe)
			settle_rows_add(r, ret);
	}
}

uint64_t lb_settling_recipe(const struct lb_settling *s, uint64_t block, uint64_t table)
{
	return settle_blocks_recipe(&s->blocks, block, table);
}

bool lb_settling_say(struct lb_settling *s, const struct lb_settle_said *own, uint64_t table,
		     uint64_t ret_others[LB_SETTLE_N_WORDS])
{
	const struct settle_block *block;
	nsec_t since;

	assert(s->is_walking && own->epoch >= SETTLE_EPOCH_MIN);
	memset(ret_others, 0, LB_SETTLE_N_WORDS * sizeof(*ret_others));
	assert(own->recipe != 0);
	block = settle_blocks_say(&s->blocks, own, table, s->began);
	if (!block)
		return false;
	add_rows(block, ret_others);
	since = block->agreed_at > s->nodes_at ? block->agreed_at : s->nodes_at;
	since = nsec_add(since, LB_REST_NS);
	return since <= s->evident && since <= s->began && agree(s, block);
}

void lb_settling_count(struct lb_settling *s, uint32_t unsettled)
{
	s->counting += unsettled;
}

void lb_settling_walk_ends(struct lb_settling *s, nsec_t now)
{
	const uint64_t before = s->blocks.number;
	uint64_t acked = UINT64_MAX;

	if (!s->is_walking)
		return;
	for (size_t i = 0; i < s->n_peers; i++)
		if (s->peers[i].in_use && !s->peers[i].gone && s->peers[i].acked < acked)
			acked = s->peers[i].acked;
	settle_blocks_sweep(&s->blocks, acked, now);
	assert(s->blocks.number >= before);
	for (size_t i = 0; i < s->n_peers; i++) {
		struct peer *p = &s->peers[i];

		p->at_walked = p->at_begin;
		if (p->in_use && p->incarnation != 0 && p->acked < s->blocks.number)
			p->send_at = nsec_min(p->send_at, now);
	}
	s->unsettled = s->counting;
	s->is_walking = false;
}

/* --- messages --------------------------------------------------------------------------------- */

static void write_message(const struct lb_settling *s, const struct peer *p, nsec_t now,
			  struct lb_settling_message *ret)
{
	const bool knows_us = p->answer_to == 0;
	struct lb_settle_page page = {.to = knows_us ? p->incarnation : p->answer_to,
				      .from = s->incarnation,
				      .has = knows_us ? p->has : 0,
				      .since = knows_us ? p->acked : 0,
				      .at = now};

	lb_settle_page_begin(&page);
	page.upto = page.since;
	if (knows_us && p->incarnation != 0)
		settle_blocks_fill(&s->blocks, &page);
	/* What was found since the last whole walk is sent, too, and takes nothing from its worth.
	 */
	if (knows_us && page.upto == s->blocks.number)
		page.seen = p->at_walked;
	lb_settle_page_end(&page);
	ret->to = p->addr;
	ret->n = page.n;
	memcpy(ret->data, page.data, page.n);
}

size_t lb_settling_poll(struct lb_settling *s, nsec_t now, struct lb_settling_message *to,
			size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; s->incarnation != 0 && i < s->n_peers && n < cap; i++) {
		struct peer *p = &s->peers[i];

		if (!p->in_use || p->send_at > now)
			continue;
		write_message(s, p, now, &to[n]);
		p->n_sent++;
		p->octets_sent += to[n++].n;
		p->answer_to = 0;
		p->send_at = next_sending(s, p, now);
	}
	return n;
}

nsec_t lb_settling_deadline(const struct lb_settling *s)
{
	nsec_t ret = NSEC_NEVER;

	for (size_t i = 0; s->incarnation != 0 && i < s->n_peers; i++)
		if (s->peers[i].in_use)
			ret = nsec_min(ret, s->peers[i].send_at);
	return ret;
}

/* Its statements, if none is missing before them; true: they bring something. */
static bool take_page(struct lb_settling *s, uint32_t place, const struct lb_settle_page *page,
		      const uint8_t *data, size_t n, size_t at, nsec_t now)
{
	struct peer *p = &s->peers[place];
	struct lb_settle_said said;
	const bool is_news = page->upto > p->has;

	if (page->since > p->has || page->upto < p->has)
		return page->since > p->has;
	while (is_news && lb_settle_page_next(data, n, &at, &said))
		settle_blocks_note(&s->blocks, place, &said, now);
	p->has = page->upto;
	if (page->seen > p->seen && page->seen <= now)
		p->seen = page->seen;
	return is_news;
}

void lb_settling_receive(struct lb_settling *s, nsec_t now, const struct ip_addr *from,
			 const uint8_t *data, size_t n)
{
	const uint32_t place = find(s, from);
	struct lb_settle_page page;
	struct peer *p;
	size_t at;
	bool answers;

	if (s->incarnation == 0 || place == NO_PEER || !lb_settle_page_read(data, n, &page, &at))
		return;
	p = &s->peers[place];
	p->n_received++;
	if (page.to != s->incarnation) { /* it learns our number, and nothing changes by it */
		p->answer_to = page.from == p->incarnation ? 0 : page.from;
		p->send_at = nsec_min(p->send_at, now);
		return;
	}
	if (p->incarnation != page.from) { /* it began anew and has nothing, whatever it had */
		p->incarnation = page.from;
		p->has = 0;
		p->seen = 0;
		p->at_begin = p->at_walked = 0;
	}
	p->heard_at = now;
	p->at = page.at;
	p->acked = page.has <= s->blocks.number ? page.has : 0;
	answers = take_page(s, place, &page, data, n, at, now);
	if (answers || p->acked < s->blocks.number)
		p->send_at = nsec_min(p->send_at, now);
}

/* --- for status ------------------------------------------------------------------------------- */

bool lb_settling_tell(const struct lb_settling *s, const struct ip_addr *addr, nsec_t now,
		      struct lb_settling_told *ret)
{
	const uint32_t place = find(s, addr);
	const struct peer *p = place == NO_PEER ? NULL : &s->peers[place];

	if (!p)
		return false;
	*ret = (struct lb_settling_told){.is_heard = is_heard(p, now),
					 .heard_at = p->heard_at,
					 .n_sent = p->n_sent,
					 .n_received = p->n_received,
					 .octets_sent = p->octets_sent};
	return true;
}

struct lb_settling_usage lb_settling_usage(const struct lb_settling *s)
{
	return (struct lb_settling_usage){
		.blocks = s->blocks.n, .bytes = s->blocks.bytes, .unsettled = s->unsettled};
}
