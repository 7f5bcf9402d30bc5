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
 * Whoever includes this says before where lines are: flow_table_t, a handle; flow_table_lines(),
 * how many, a power of two and two at least; flow_line_at(), which may be NULL.
 */
#pragma once

#include "flow_entry.h"

LB_INLINE __u32 lb_flow_first(__u64 hash, __u32 lines)
{
	return (__u32)hash & (lines - 1);
}

LB_INLINE __u32 lb_flow_second(__u64 hash, __u32 lines)
{
	__u32 second = (__u32)(hash >> 32) & (lines - 1);

	return second == lb_flow_first(hash, lines) ? second ^ 1 : second;
}

/* --- looking -------------------------------------------------------------------------------------
 */

LB_INLINE struct lb_flow *lb_flow_in_line(struct lb_flow_line *line, __u64 hash, __u64 *ret_rest)
{
#pragma GCC unroll 4
	for (int i = 0; i < LB_FLOW_WAYS; i++) {
		struct lb_flow *way = &line->way[i];

		if (LB_FLOW_READ(&way->hash) != hash)
			continue;
		*ret_rest = LB_FLOW_READ(lb_flow_rest_of(way));
		if (LB_FLOW_READ(&way->hash) == hash)
			return way;
	}
	return NULL;
}

/* The line has sent nobody to another one. */
LB_INLINE bool lb_flow_line_is_all(const struct lb_flow_line *line)
{
	return LB_FLOW_READ(&line->way[LB_FLOW_WAYS - 1].hash) == LB_FLOW_UNUSED;
}

/* The entry of a hash, and its rest as it is now; NULL: there is none. */
LB_INLINE struct lb_flow *lb_flow_find(flow_table_t t, __u64 hash, __u64 *ret_rest)
{
	__u32 lines = flow_table_lines(t);
	struct lb_flow_line *first = flow_line_at(t, lb_flow_first(hash, lines)), *second;
	struct lb_flow *way;

	if (!first)
		return NULL;
	way = lb_flow_in_line(first, hash, ret_rest);
	if (way || lb_flow_line_is_all(first))
		return way;
	second = flow_line_at(t, lb_flow_second(hash, lines));
	way = second ? lb_flow_in_line(second, hash, ret_rest) : NULL;
	return way ? way : lb_flow_in_line(first, hash, ret_rest);
}

/* Changes the rest of an entry that is in use, if it is what the caller has read. */
LB_INLINE bool lb_flow_change(struct lb_flow *way, __u64 rest, __u64 to)
{
	return LB_FLOW_SWAP(lb_flow_rest_of(way), rest, to);
}

/* --- claiming ------------------------------------------------------------------------------------
 */

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

/* Frees an entry, unless it has changed since it was seen like this. */
LB_INLINE bool lb_flow_free(struct lb_flow *way, __u64 hash, __u64 rest)
{
	bool same;

	if (!LB_FLOW_SWAP(&way->hash, hash, LB_FLOW_WRITING))
		return false;
	same = LB_FLOW_READ(lb_flow_rest_of(way)) == rest;
	LB_FLOW_PUBLISH(&way->hash, same ? LB_FLOW_FREE : hash);
	return same;
}
