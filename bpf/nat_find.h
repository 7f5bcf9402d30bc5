/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is looked for in the table of flows whose source is translated (nat_table.h says how it is
 * made up): the flow of a client's packet, from its side, and the room that there is for it; and
 * that of a backend's packet, by the port.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "entry.h"
#include "flow.h"
#include "flow_victim.h"
#include "maps.h"
#include "nat_line.h"
#include "scratch.h"

#define NAT_RANK_FREE 0x400u /* above all of flow_victim.h */

static __always_inline bool nat_is(const struct lb_nat *n, const struct flow *f)
{
	return n->client_port == f->sport && n->vip_port == f->dport && n->domain == f->domain &&
	       addr_is(n->client, f->saddr) && addr_is(n->vip, f->daddr);
}

/* The best room so far is this way; of equals the first. */
static __always_inline void nat_note_room(struct lb_nat_wish *w, __u64 hash, __u64 seen, __u32 rank,
					  __u32 way)
{
	if (rank < LB_FLOW_RANK_SPARE || rank <= w->rank)
		return;
	w->rank = rank;
	w->seen = seen;
	w->hash = hash;
	w->room = w->line;
	w->room_way = way;
}

static __always_inline __u32 nat_rank(const struct lb_flow *way, __u64 hash, __u8 now)
{
	if (lb_flow_is_free(hash))
		return NAT_RANK_FREE;
	return hash == LB_FLOW_WRITING
		       ? 0
		       : lb_flow_rank(LB_FLOW_READ(lb_flow_rest_of((void *)way)), now);
}

enum nat_found {
	NAT_GOES_ON, /* it may lie in a later line */
	NAT_NOWHERE, /* it does not */
	NAT_FOUND,   /* it is s->nat.is, at s->nat.line and way */
};

/* Looks in the line s->nat.line for the flow, and for room. Ways are begun with where the flow's
 * hash says, so that those who drive others out do not all drive out the same. */
__noinline int nat_look(struct lb_scratch *s, __u64 hash, __u32 begin)
{
	struct lb_nat_line *line;
	struct lb_nat_wish *w;
	__u32 same;

	if (!s)
		return NAT_NOWHERE;
	w = &s->nat;
	line = nat_line_at(w->line);
	if (!line)
		return NAT_NOWHERE;
	same = lb_flow_way_of((struct lb_flow_line *)line->way, hash);
	if (same) {
		same = (same - 1) & (LB_FLOW_WAYS - 1);
		if (nat_read(&line->of[same], hash, &w->is) && nat_is(&w->is, &s->flow)) {
			w->way = same;
			return NAT_FOUND;
		}
		nat_note_room(w, hash, hash, nat_rank(&line->way[same], hash, s->flow.age), same);
		(void)__sync_val_compare_and_swap(&line->way[LB_FLOW_WAYS - 1].hash, LB_FLOW_UNUSED,
						  LB_FLOW_FREE);
		return NAT_GOES_ON;
	}
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		__u32 way = (begin + i) & (LB_FLOW_WAYS - 1);
		__u64 seen = LB_FLOW_READ(&line->way[way].hash);

		nat_note_room(w, hash, seen, nat_rank(&line->way[way], seen, s->flow.age), way);
	}
	return LB_FLOW_READ(&line->way[LB_FLOW_WAYS - 1].hash) == LB_FLOW_UNUSED ? NAT_NOWHERE
										 : NAT_GOES_ON;
}

/* The flow of s, whose backend is known: true, and it is s->nat.is; else s->nat has the room that
 * there is for it, if its rank is not 0. */
__noinline bool nat_find(struct lb_scratch *s)
{
	struct lb_backend *be;
	__u32 count;
	__u64 range, flow;

	if (!s)
		return false;
	s->nat.rank = 0;
	be = backend_slot(s->backend);
	range = nat_range();
	count = lb_nat_count(range);
	if (!be || !count)
		return false;
	s->flow.age = age_now();
	flow = entry_hash(&s->flow, be);
	for (__u32 i = 0; i < LB_NAT_TRIES; i++) {
		__be16 port;
		int found;

		s->nat.line = lb_nat_line(flow, i, count);
		port = bpf_htons((__u16)(lb_nat_first(range) + s->nat.line));
		s->nat.port = port;
		found = nat_look(s, nat_hash(be->addr, be->port, port, s->flow.proto),
				 (__u32)flow >> 3);
		if (found != NAT_GOES_ON)
			return found == NAT_FOUND;
	}
	return false;
}
