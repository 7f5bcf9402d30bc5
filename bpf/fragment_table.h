/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The table of fragmented packets (struct lb_fragment): lines of four entries, shared by all CPUs
 * without a lock, since the fragments of a packet may come by different CPUs (a card spreads what
 * has ports by other fields than what has none). A key has one line, and whoever enters always
 * finds room in it.
 *
 * A fragment needs its entry for as long as it lies behind the first on the wire: microseconds. So
 * nobody is refused, and the oldest goes, where one that no other fragment has followed, as those
 * of a flood are, counts as older than it is. What a flood can take from honest packets is a few of
 * those whose second fragment is under way.
 *
 * Atomic accesses and their order are those of the flow table (flow_entry.h).
 */
#pragma once

#include "flow_entry.h"

/* BPF verifies it by itself: the paths through four ways are too many. */
#ifdef __bpf__
#define LB_FRAGMENT_STEP __attribute__((noinline))
#else
#define LB_FRAGMENT_STEP LB_INLINE
#endif

LB_INLINE lb_flow_word *lb_fragment_rest_of(struct lb_fragment *way)
{
	return (lb_flow_word *)&way->target;
}

LB_INLINE __u64 lb_fragment_rest(__u32 target, __u8 gen, __u8 state, __u16 age)
{
	return (__u64)target | (__u64)gen << 32 | (__u64)state << 40 | (__u64)age << 48;
}

LB_INLINE __u32 lb_fragment_target(__u64 rest)
{
	return (__u32)rest;
}

LB_INLINE __u8 lb_fragment_gen(__u64 rest)
{
	return (__u8)(rest >> 32);
}

LB_INLINE bool lb_fragment_is_followed(__u64 rest)
{
	return rest >> 40 & LB_FRAGMENT_FOLLOWED;
}

LB_INLINE __u16 lb_fragment_silence(__u64 rest, __u16 now)
{
	return (__u16)(now - (__u16)(rest >> 48));
}

/* Which line is the hash's. */
LB_INLINE __u32 lb_fragment_line_of(__u64 hash)
{
	return (__u32)hash & (LB_FRAGMENT_LINES - 1);
}

/* The entry of a hash that is not dead, and its rest; NULL: there is none. */
LB_INLINE struct lb_fragment *lb_fragment_find(struct lb_fragment_line *line, __u64 hash, __u16 now,
					       __u64 *ret_rest)
{
#pragma GCC unroll 4
	for (int i = 0; i < LB_FRAGMENT_WAYS; i++) {
		struct lb_fragment *way = &line->way[i];

		if (LB_FLOW_READ(&way->hash) != hash)
			continue;
		*ret_rest = LB_FLOW_READ(lb_fragment_rest_of(way));
		if (LB_FLOW_READ(&way->hash) == hash &&
		    lb_fragment_silence(*ret_rest, now) <= LB_FRAGMENT_AGES)
			return way;
	}
	return NULL;
}

/* Another fragment has come: the entry is no flood's. */
LB_INLINE void lb_fragment_follow(struct lb_fragment *way, __u64 rest)
{
	if (!lb_fragment_is_followed(rest))
		(void)LB_FLOW_SWAP(lb_fragment_rest_of(way), rest,
				   rest | (__u64)LB_FRAGMENT_FOLLOWED << 40);
}

#define LB_FRAGMENT_RANK_NOBODY 0x20000u

/* How dispensable a way is; 0: not at all, it is being written. */
LB_INLINE __u32 lb_fragment_rank(__u64 hash, __u64 rest, __u16 now)
{
	__u32 silence = lb_fragment_silence(rest, now);

	if (hash == LB_FLOW_WRITING)
		return 0;
	if (hash == LB_FLOW_UNUSED || silence > LB_FRAGMENT_AGES)
		return LB_FRAGMENT_RANK_NOBODY;
	return 1 + silence + (lb_fragment_is_followed(rest) ? 0 : LB_FRAGMENT_ALONE);
}

/*
 * The way of a line that a new entry of this hash is to have, counted from 1, and its hash as it
 * was seen; 0: none, all are being written. Equals go in no order to be known.
 */
LB_FRAGMENT_STEP __u32 lb_fragment_victim(const struct lb_fragment_line *line, __u64 hash,
					  __u16 now, __u64 *seen)
{
	__u32 best = 0, victim = 0, from = (__u32)(hash >> 32);

	if (!line || !seen)
		return 0;
	for (__u32 i = 0; i < LB_FRAGMENT_WAYS; i++) {
		__u32 at = (from + i) % LB_FRAGMENT_WAYS;
		const struct lb_fragment *way = &line->way[at];
		__u64 its = LB_FLOW_READ(&way->hash), rest = LB_FLOW_READ(&way->target);
		__u32 rank = its == hash ? ~0u : lb_fragment_rank(its, rest, now);

		if (rank <= best)
			continue;
		best = rank;
		victim = at + 1;
		*seen = its;
	}
	return victim;
}

/*
 * Enters what the first fragment says, over an older entry of the same hash if there is one: an
 * identification that is used again is another packet. False: the place was taken by another CPU at
 * the same time.
 */
LB_INLINE bool lb_fragment_enter(struct lb_fragment_line *line, __u64 hash, __u64 rest, __u16 now)
{
	__u64 seen = LB_FLOW_WRITING;
	__u32 victim = lb_fragment_victim(line, hash, now, &seen);
	struct lb_fragment *way = &line->way[(victim - 1) % LB_FRAGMENT_WAYS];

	if (!victim || !LB_FLOW_SWAP(&way->hash, seen, LB_FLOW_WRITING))
		return false;
	LB_FLOW_WRITE(lb_fragment_rest_of(way), rest);
	LB_FLOW_PUBLISH(&way->hash, hash);
	return true;
}
