/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How dispensable the entries of a line of the flow table are (flow_insert.h says who goes).
 */
#pragma once

#include "flow_table.h"

#define LB_FLOW_RANK_ESTABLISHED 0x100u
#define LB_FLOW_RANK_SPARE       0x200u
#define LB_FLOW_RANK_DEAD        0x300u

/*
 * Sets of state bytes without their generation, a bit each. What lies in a line is nothing that a
 * processor could guess, and each branch that it guesses wrong costs as much as a dozen of its
 * instructions; so there is none.
 */
#define LB_FLOW_RANK_LASTS  (1u << LB_FLOW_ESTABLISHED | 1u << LB_FLOW_ANSWERED)
#define LB_FLOW_RANK_AFFINE (1u << LB_FLOW_AFFINE | 1u << (LB_FLOW_AFFINE | LB_FLOW_LONG))
#define LB_FLOW_RANK_KEPT   (1u << LB_FLOW_ESTABLISHED | 1u << (LB_FLOW_ESTABLISHED | LB_FLOW_UDP))

/* 1: a < b, both below 2^31. The compiler is not to see a comparison in it. */
LB_INLINE __u32 lb_flow_is_less(__u32 a, __u32 b)
{
	__u32 difference = a - b;

	asm("" : "+r"(difference));
	return difference >> 31;
}

/* lb_rest_is_spare() as a number. */
LB_INLINE __u32 lb_flow_spares(__u64 rest)
{
	return ~LB_FLOW_RANK_KEPT >> (rest >> 48 & 15) & 1;
}

/* How dispensable an entry is: lb_rest_is_dead(), else lb_flow_spares(), and its silence. */
LB_INLINE __u32 lb_flow_rank(__u64 rest, __u8 now)
{
	__u32 state = rest >> 48 & 15, since = (__u8)(now - lb_rest_age(rest));
	__u32 silence = since & (((since + 1) >> 8) - 1); /* lb_rest_silence() */
	__u32 spare = lb_flow_spares(rest), lives = LB_FLOW_AGES_SHORT, dead;

	lives += (LB_FLOW_RANK_LASTS >> state & 1) * (LB_FLOW_AGES - LB_FLOW_AGES_SHORT);
	lives += (LB_FLOW_RANK_AFFINE >> state & 1) << 8;
	dead = lb_flow_is_less(lives, silence);
	return LB_FLOW_RANK_ESTABLISHED * (1 + spare + dead * (2 - spare)) | silence;
}

/*
 * The most dispensable of the ways that were judged. Small, for it lies on the stack at the end of
 * the longest chain of calls.
 */
struct lb_flow_victim {
	__u64 hash;
	__u16 rank; /* 0: nobody yet */
	__u16 way;
	__u16 n_spare; /* how many are not established */
	__u16 n_free;  /* by now */
};

/* Judges a line, whose ways count from this number on. */
LB_FLOW_STEP bool lb_flow_judge(struct lb_flow_line *line, __u64 now, __u32 from,
				struct lb_flow_victim *v)
{
	__u64 most = 0;
	__u32 rank = 0, at = 0;

	if (!line || !v)
		return false;
	most = v->hash;
	rank = v->rank;
	at = v->way;
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		struct lb_flow *way = &line->way[i];
		__u64 hash = LB_FLOW_READ(&way->hash), rest = LB_FLOW_READ(lb_flow_rest_of(way));
		__u32 its = lb_flow_rank(rest, (__u8)now), more = 0 - lb_flow_is_less(rank, its);

		if (hash <= LB_FLOW_FREE) {
			v->n_free += lb_flow_is_free(hash);
			continue;
		}
		v->n_spare = (__u16)(v->n_spare + lb_flow_spares(rest));
		most ^= (most ^ hash) & (__u64)(__s64)(__s32)more;
		rank ^= (rank ^ its) & more;
		at ^= (at ^ (from + i)) & more;
	}
	v->hash = most;
	v->rank = (__u16)rank;
	v->way = (__u16)at;
	return true;
}
