/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How dispensable the entries of a line of the flow table are (flow_insert.h says who goes).
 */
#pragma once

#include "flow_table.h"

#define LB_FLOW_RANK_ESTABLISHED 0x100u
#define LB_FLOW_RANK_SPARE       0x200u
#define LB_FLOW_RANK_DEAD        0x300u

/* How dispensable an entry is. */
LB_INLINE __u32 lb_flow_rank(__u64 rest, __u8 now)
{
	__u32 rank = LB_FLOW_RANK_ESTABLISHED;

	if (lb_rest_is_dead(rest, now))
		rank = LB_FLOW_RANK_DEAD;
	else if (lb_rest_is_spare(rest))
		rank = LB_FLOW_RANK_SPARE;
	return rank | lb_rest_silence(rest, now);
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
	if (!line || !v)
		return false;
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		struct lb_flow *way = &line->way[i];
		__u64 hash = LB_FLOW_READ(&way->hash), rest = LB_FLOW_READ(lb_flow_rest_of(way));
		__u32 rank = lb_flow_rank(rest, (__u8)now);

		v->n_free += lb_flow_is_free(hash);
		if (hash <= LB_FLOW_FREE)
			continue;
		v->n_spare += lb_rest_is_spare(rest);
		if (rank <= v->rank)
			continue;
		v->way = (__u16)(from + i);
		v->hash = hash;
		v->rank = (__u16)rank;
	}
	return true;
}
