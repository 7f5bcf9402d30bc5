/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * New entries of the flow table (flow_table.h). Room is, in this order:
 *
 *   a free way of the first line, else of the second
 *   an entry that is dead by age
 *   where two or more of the eight are not established: the one of these that was silent longest;
 *     so a flood pays for itself and moves nobody
 *   the way of an entry that has room in its other line, and is moved there; if all eight are
 *     established, what is not may be driven out there
 *   the only one that is not established
 *   the one that was silent longest; a living flow is cut, which is a fault and is counted
 *
 * Without moves one insert in 70 would cut a living flow at half load; with them none in millions.
 *
 * Two CPUs that make an entry for one key at a time may make two alike; the second is never found
 * and ages.
 *
 * Whoever includes this has a flow_moved() beside what flow_table.h asks for: it is told the rest
 * of an entry that is in two places, before it leaves the old one, since who walks through the
 * table may miss it in both.
 */
#pragma once

#include "flow_victim.h"

/* --- room in two full lines ------------------------------------------------------------------- */

/*
 * Copies a way to a line, there to a free way, else over one of at least this rank. Returns the
 * number of the way that it is in now and 1, or 0.
 */
LB_INLINE __u32 lb_flow_copy(struct lb_flow_line *line, __u64 hash, __u64 rest, __u64 now,
			     __u32 least)
{
	struct lb_flow_victim v = {.rank = 0};
	__u32 way = 0;

	if (!line)
		return 0;
	while (way < LB_FLOW_WAYS && !lb_flow_is_free(LB_FLOW_READ(&line->way[way].hash)))
		way++;
	if (way < LB_FLOW_WAYS) {
		v.hash = LB_FLOW_READ(&line->way[way].hash);
		if (!lb_flow_is_free(v.hash))
			return 0;
	} else {
		lb_flow_judge(line, now, 0, &v);
		if (v.rank < least)
			return 0;
		way = v.way;
	}
	way &= LB_FLOW_WAYS - 1;
	return lb_flow_claim(&line->way[way], v.hash, hash, rest) ? way + 1 : 0;
}

/*
 * Moves a way of the line `here` to its other line if there is room, and writes the new entry in
 * its place. What was changed in the old place meanwhile goes over to the copy.
 */
LB_FLOW_STEP bool lb_flow_move(flow_table_t t, struct lb_flow_line *line, __u32 i, __u32 least,
			       const struct lb_flow_new *n)
{
	__u32 lines = flow_table_lines(t), copy;
	struct lb_flow_line *to;
	__u64 moved, rest;
	struct lb_flow *way;

	if (!line || !n)
		return false;
	way = &line->way[i & (LB_FLOW_WAYS - 1)];
	moved = LB_FLOW_READ(&way->hash);
	rest = LB_FLOW_READ(lb_flow_rest_of(way));
	if (moved <= LB_FLOW_FREE)
		return false;
	to = flow_line_at(t, lb_flow_first(moved, lines));
	if (to == line)
		to = flow_line_at(t, lb_flow_second(moved, lines));
	if (!to)
		return false;
	copy = lb_flow_copy(to, moved, rest, n->now, least);
	if (!copy)
		return false;
	flow_moved(rest);
	if (!LB_FLOW_SWAP(&way->hash, moved, LB_FLOW_WRITING)) {
		(void)lb_flow_free(&to->way[(copy - 1) & (LB_FLOW_WAYS - 1)], moved, rest);
		return false;
	}
	if (LB_FLOW_READ(lb_flow_rest_of(way)) != rest)
		(void)lb_flow_change(&to->way[(copy - 1) & (LB_FLOW_WAYS - 1)], rest,
				     LB_FLOW_READ(lb_flow_rest_of(way)));
	LB_FLOW_WRITE(lb_flow_rest_of(way), n->rest);
	LB_FLOW_PUBLISH(&way->hash, n->hash);
	return true;
}

/*
 * One that is not established is given up rather than one of another line; if all are established,
 * who moves may drive out there what is not.
 */
LB_FLOW_STEP int lb_flow_insert_full(flow_table_t t, const struct lb_flow_new *n)
{
	__u32 lines = flow_table_lines(t), least = LB_FLOW_RANK_SPARE;
	struct lb_flow_line *first, *second;
	struct lb_flow_victim v = {.rank = 0};

	if (!n)
		return LB_FLOW_LOST;
	first = flow_line_at(t, lb_flow_first(n->hash, lines));
	second = flow_line_at(t, lb_flow_second(n->hash, lines));
	if (!first || !second)
		return LB_FLOW_LOST;
	lb_flow_judge(first, n->now, 0, &v);
	lb_flow_judge(second, n->now, LB_FLOW_WAYS, &v);
	if (v.n_free || !v.rank)
		return LB_FLOW_LOST;
	if (v.n_spare)
		least = LB_FLOW_RANK_DEAD;
	if (v.rank < LB_FLOW_RANK_DEAD && v.n_spare < 2)
		for (__u32 i = 0; i < LB_FLOW_WAYS; i++)
			if (lb_flow_move(t, first, i, least, n) ||
			    lb_flow_move(t, second, i, least, n))
				return LB_FLOW_MADE;
	if (!lb_flow_claim(
		    &(v.way < LB_FLOW_WAYS ? first : second)->way[v.way & (LB_FLOW_WAYS - 1)],
		    v.hash, n->hash, n->rest))
		return LB_FLOW_LOST;
	return v.rank < LB_FLOW_RANK_SPARE ? LB_FLOW_MADE_BY_EVICTION : LB_FLOW_MADE;
}

/* Makes an entry for a hash that has none; lost twice, it gives up. */
LB_INLINE int lb_flow_insert(flow_table_t t, const struct lb_flow_new *n)
{
	int made = lb_flow_insert_free(t, n);

	if (made == LB_FLOW_FULL)
		made = lb_flow_insert_full(t, n);
	if (made != LB_FLOW_LOST)
		return made;
	made = lb_flow_insert_free(t, n);
	return made == LB_FLOW_FULL ? lb_flow_insert_full(t, n) : made;
}
