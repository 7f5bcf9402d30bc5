/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The flow table: lines of 64 bytes, four entries each, shared by all CPUs, without a lock. A key
 * may lie in two lines. Ways fill from 0 up, and a way once used never becomes unused again, so a
 * line whose last way is unused has sent nobody to the second one, which then need not be read.
 *
 * A way is claimed by compare-and-swap of its hash, then the rest is written, then the hash.
 * Entries move between their lines (flow_insert.h): the copy is written first, and the old place
 * overwritten then. A reader that was at the wrong place each time finds neither, so after both
 * lines the first is looked at again.
 *
 * A table grows by another that takes its place. New entries are made there at once; the agent
 * copies those of the one that is being left, each written before it is freed, so who looks there
 * first finds it in one of them.
 *
 * Whoever includes this says before where lines are: flow_table_t, a handle; flow_table_lines(),
 * how many, a power of two and two at least; flow_line_at(), which may be NULL; flow_table_left(),
 * the table that is being left for this one, or 0.
 */
#pragma once

#include "flow_entry.h"

/* Steps that BPF verifies each by itself, for the paths through all of them are too many. */
#ifdef __bpf__
#define LB_FLOW_STEP __attribute__((noinline))
#else
#define LB_FLOW_STEP LB_INLINE
#endif

LB_INLINE __u32 lb_flow_first(__u64 hash, __u32 lines)
{
	return (__u32)hash & (lines - 1);
}

LB_INLINE __u32 lb_flow_second(__u64 hash, __u32 lines)
{
	__u32 second = (__u32)(hash >> 32) & (lines - 1);

	return second == lb_flow_first(hash, lines) ? second ^ 1 : second;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* The way that has a hash, counted from 1; 0: none of them. */
LB_INLINE __u32 lb_flow_way_of(const struct lb_flow_line *line, __u64 hash)
{
#pragma GCC unroll 4
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++)
		if (LB_FLOW_READ(&line->way[i].hash) == hash)
			return i + 1;
	return 0;
}

/* The line has sent nobody to another one. */
LB_INLINE bool lb_flow_line_is_all(const struct lb_flow_line *line)
{
	return LB_FLOW_READ(&line->way[LB_FLOW_WAYS - 1].hash) == LB_FLOW_UNUSED;
}

/* Where an entry lies: its line and its way; never 0. */
#define LB_FLOW_PLACE(line, way_from_1) ((__u64)(line) << 3 | (way_from_1))
#define LB_FLOW_PLACE_LEFT              (1ull << 63) /* in the table that is being left */

LB_INLINE __u64 lb_flow_place_in(flow_table_t t, __u64 hash)
{
	__u32 lines = flow_table_lines(t), at = lb_flow_first(hash, lines), other, way;
	struct lb_flow_line *first = flow_line_at(t, at), *second;

	if (!first)
		return 0;
	way = lb_flow_way_of(first, hash);
	if (way)
		return LB_FLOW_PLACE(at, way);
	if (lb_flow_line_is_all(first))
		return 0;
	other = lb_flow_second(hash, lines);
	second = flow_line_at(t, other);
	way = second ? lb_flow_way_of(second, hash) : 0;
	if (way)
		return LB_FLOW_PLACE(other, way);
	way = lb_flow_way_of(first, hash);
	return way ? LB_FLOW_PLACE(at, way) : 0;
}

/* Where the entry of a hash lies; 0: there is none. A step of its own, for there are many paths. */
LB_FLOW_STEP __u64 lb_flow_place(flow_table_t t, __u64 hash)
{
	flow_table_t left = flow_table_left(t);
	__u64 place = 0;

	if (__builtin_expect(left != 0, 0))
		place = lb_flow_place_in(left, hash);
	return place ? place | LB_FLOW_PLACE_LEFT : lb_flow_place_in(t, hash);
}

LB_INLINE struct lb_flow *lb_flow_at(flow_table_t t, __u64 place)
{
	struct lb_flow_line *line =
		flow_line_at(place & LB_FLOW_PLACE_LEFT ? flow_table_left(t) : t,
			     (__u32)((place & ~LB_FLOW_PLACE_LEFT) >> 3));

	return line ? &line->way[(place - 1) & (LB_FLOW_WAYS - 1)] : NULL;
}

/* The entry of a hash, and its rest as it is now; NULL: there is none. */
LB_INLINE struct lb_flow *lb_flow_find(flow_table_t t, __u64 hash, __u64 *ret_rest)
{
	for (int i = 0; i < 2; i++) { /* it may be moved meanwhile */
		__u64 place = lb_flow_place(t, hash);
		struct lb_flow *way = place ? lb_flow_at(t, place) : NULL;

		if (!way)
			return NULL;
		*ret_rest = LB_FLOW_READ(lb_flow_rest_of(way));
		if (LB_FLOW_READ(&way->hash) == hash)
			return way;
	}
	return NULL;
}

/* Changes the rest of an entry that is in use, if it is what the caller has read. */
LB_INLINE bool lb_flow_change(struct lb_flow *way, __u64 rest, __u64 to)
{
	return LB_FLOW_SWAP(lb_flow_rest_of(way), rest, to);
}

/* --- claiming --------------------------------------------------------------------------------- */

LB_INLINE bool lb_flow_is_free(__u64 hash)
{
	return hash == LB_FLOW_UNUSED || hash == LB_FLOW_FREE;
}

/* Writes an entry over a way whose hash was seen to be `seen`; false: somebody was faster. */
LB_INLINE bool lb_flow_claim(struct lb_flow *way, __u64 seen, __u64 hash, __u64 rest)
{
	if (!LB_FLOW_SWAP(&way->hash, seen, LB_FLOW_WRITING))
		return false;
	LB_FLOW_WRITE(lb_flow_rest_of(way), rest);
	LB_FLOW_PUBLISH(&way->hash, hash);
	return true;
}

/* The lowest free way of a line, and its hash as it was seen; NULL: none is free. */
LB_INLINE struct lb_flow *lb_flow_room(struct lb_flow_line *line, __u64 *ret_seen)
{
#pragma GCC unroll 4
	for (int i = 0; i < LB_FLOW_WAYS; i++) {
		*ret_seen = LB_FLOW_READ(&line->way[i].hash);
		if (lb_flow_is_free(*ret_seen))
			return &line->way[i];
	}
	return NULL;
}

/*
 * Frees an entry, unless it has changed since it was seen like this; nor can it be changed by who
 * has found it before.
 */
LB_INLINE bool lb_flow_free(struct lb_flow *way, __u64 hash, __u64 rest)
{
	bool same;

	if (!LB_FLOW_SWAP(&way->hash, hash, LB_FLOW_WRITING))
		return false;
	same = LB_FLOW_SWAP(lb_flow_rest_of(way), rest, 0);
	LB_FLOW_PUBLISH(&way->hash, same ? LB_FLOW_FREE : hash);
	return same;
}

enum lb_flow_made {
	LB_FLOW_LOST, /* somebody was faster; look again */
	LB_FLOW_FULL, /* no free way */
	LB_FLOW_MADE,
	LB_FLOW_MADE_BY_EVICTION, /* of an established flow */
};

/* Makes an entry where a place is free. */
LB_INLINE int lb_flow_insert_free(flow_table_t t, const struct lb_flow_new *n)
{
	__u32 lines = flow_table_lines(t);
	struct lb_flow_line *line = flow_line_at(t, lb_flow_first(n->hash, lines));
	struct lb_flow *way;
	__u64 seen;

	way = line ? lb_flow_room(line, &seen) : NULL;
	if (!way) {
		line = flow_line_at(t, lb_flow_second(n->hash, lines));
		way = line ? lb_flow_room(line, &seen) : NULL;
	}
	if (!way)
		return LB_FLOW_FULL;
	return lb_flow_claim(way, seen, n->hash, n->rest) ? LB_FLOW_MADE : LB_FLOW_LOST;
}
