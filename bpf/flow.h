/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow cache: which backend a flow went to. Lines of 64 bytes, four ways each, exact keys; a
 * line belongs to one CPU, so there are no locks and no atomics. It is written for new flows and
 * read in unsettled rows only; losing an entry costs a question to the witnesses, never a
 * connection.
 *
 * A new flow takes a way that is free, else the last, and its second packet moves it from there in
 * exchange for the most dispensable of the others. So in a full line a flood of flows that never
 * send twice churns one way of four.
 *
 * The handshake bits beside it tell a TCP flow's second packet from all later ones without touching
 * a line: its SYN sets a bit, the next packet takes it. Bits are shared by hash; a lost one only
 * delays the promotion of the reply entry until tc_reply sees an answer.
 */
#pragma once

#include "maps.h"

#include "backend.h"
#include "common.h"
#include "scratch.h"

/* Set by the loader: log2 of the lines of one CPU, and a secret against chosen collisions. */
const volatile __u32 flow_bits = 0;
const volatile __u64 flow_seed = 0;

static __always_inline __u64 flow_hash(__be32 saddr, __be16 sport, __u32 service_id)
{
	return lb_wire_mix((__u64)saddr << 32 | service_id, flow_seed ^ sport);
}

/* Not a first packet, and not a last or a forged one: it may make the flow's traces last. */
static __always_inline bool flow_goes_on(const struct flow *f)
{
	return !(f->tcp_flags & (TCP_SYN | TCP_RST));
}

/* --- handshake bits ------------------------------------------------------------------------------
 */

static __always_inline __u64 *handshake_word(__u64 hash)
{
	__u32 zero = 0;
	struct lb_handshakes *bits = bpf_map_lookup_elem(&handshakes, &zero);

	return bits ? &bits->word[hash % LB_HANDSHAKE_WORDS] : NULL;
}

static __always_inline __u64 handshake_mask(__u64 hash)
{
	return 1ull << (hash / LB_HANDSHAKE_WORDS & 63);
}

static __always_inline bool handshake_pending(__u64 hash)
{
	__u64 *word = handshake_word(hash);

	return word && *word & handshake_mask(hash);
}

static __always_inline void handshake_set(__u64 hash)
{
	__u64 *word = handshake_word(hash);

	if (word)
		*word |= handshake_mask(hash);
}

/* Whether the bit was set; it is not afterwards. */
static __always_inline bool handshake_take(__u64 hash)
{
	__u64 *word = handshake_word(hash), mask = handshake_mask(hash);

	if (!word || !(*word & mask))
		return false;
	*word &= ~mask;
	return true;
}

/* --- lines
 * ----------------------------------------------------------------------------------------- */

static __always_inline struct lb_flow4_line *flow_line(const struct flow *f)
{
	__u32 bucket = (__u32)(f->hash >> 32) & ((1u << (flow_bits & 31)) - 1);
	__u32 index = (bpf_get_smp_processor_id() << (flow_bits & 31)) | bucket;

	return bpf_map_lookup_elem(&flow4, &index);
}

static __always_inline bool flow_way_is(const struct lb_flow4 *way, const struct flow *f)
{
	return way->saddr == f->saddr[3] && way->sport == f->sport &&
	       way->service_id == f->service_id && way->age;
}

/* The way that holds this flow, or NULL. */
static __always_inline struct lb_flow4 *flow_find(struct lb_flow4_line *line, const struct flow *f)
{
#pragma unroll
	for (int i = 0; i < LB_FLOW4_WAYS; i++)
		if (flow_way_is(&line->way[i], f))
			return &line->way[i];
	return NULL;
}

/* Empty, or nothing was heard of the flow for three hours. */
static __always_inline bool flow_way_is_free(const struct lb_flow4 *way, __u16 now)
{
	return !way->age || (__u16)(now - way->age) > LB_AGES_TCP;
}

/* A way that nobody needs, or NULL. */
static __always_inline struct lb_flow4 *flow_room(struct lb_flow4_line *line, __u16 now)
{
#pragma unroll
	for (int i = 0; i < LB_FLOW4_WAYS; i++)
		if (flow_way_is_free(&line->way[i], now))
			return &line->way[i];
	return NULL;
}

/* Records a flow in the way that it already has, or (NULL) in one of its line; that is returned. */
static __always_inline struct lb_flow4 *flow_record(struct lb_flow4_line *line,
						    struct lb_flow4 *way, const struct flow *f,
						    __u32 backend, __u8 gen)
{
	if (!way)
		way = flow_room(line, f->age);
	if (!way)
		way = &line->way[LB_FLOW4_WAYS - 1];
	way->saddr = f->saddr[3];
	way->sport = f->sport;
	way->age = f->age;
	way->service_id = f->service_id;
	way->backend = (__u16)backend;
	way->gen = gen;
	way->flags = 0;
	return way;
}

/* The more, the easier to lose: flows seen once before all others, then the longest silent. */
static __always_inline __u32 flow_dispensable(const struct lb_flow4 *way, __u16 now)
{
	__u32 silent = (__u16)(now - way->age);

	return way->flags & LB_FLOW_SEEN_TWICE ? silent : silent + 0x10000;
}

/* The flow sent again: out of the last way, in exchange for another flow of the line. */
static __always_inline void flow_promote(struct lb_flow4_line *line, struct lb_flow4 *way,
					 __u16 now)
{
	struct lb_flow4 *last = &line->way[LB_FLOW4_WAYS - 1], *victim = &line->way[0], moved;

	way->flags |= LB_FLOW_SEEN_TWICE;
	way->age = now;
	if (way != last)
		return;
#pragma unroll
	for (int i = 1; i < LB_FLOW4_WAYS - 1; i++)
		if (flow_dispensable(&line->way[i], now) > flow_dispensable(victim, now))
			victim = &line->way[i];
	moved = *victim;
	*victim = *last;
	*last = moved;
}
