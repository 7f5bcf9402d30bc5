/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of flows whose source is translated (struct lb_nat_line): lines of four, shared by all
 * CPUs, without a lock. A line is a port. The flow's hash says which ports it may have, one after
 * the other, so that nothing has to be remembered to find it from its client's side: it lies in one
 * of these lines, as the flow of that backend and port. From the backend's side its port is the
 * line.
 *
 * Room in a line for a flow to a backend is: a free way; else one that is dead by age, else one
 * that is not established (flow_victim.h): so a flood of SYNs drives out its like, and nobody whose
 * backend and client both have spoken. No two flows of a line may be to one backend and port. Who
 * has made one looks whether another CPU did so at the same time, and takes his back; both may.
 */
#pragma once

#include "nat_find.h"

/* --- making ----------------------------------------------------------------------------------- */

/* How often a hash is in a line. */
static __always_inline __u32 nat_count(const struct lb_nat_line *line, __u64 hash)
{
	__u32 count = 0;

#pragma GCC unroll 4
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++)
		count += LB_FLOW_READ(&line->way[i].hash) == hash;
	return count;
}

/* Makes what nat_find() has found room for; s->nat.is is filled in but for its sum. False: there is
 * none, or somebody was faster. */
__noinline bool nat_make(struct lb_scratch *s)
{
	struct lb_nat_line *line;
	struct lb_nat_wish *w;
	struct lb_flow *way;
	struct lb_nat *of;
	__u64 state;
	__u32 i;

	if (!s || !s->nat.rank)
		return false;
	w = &s->nat;
	line = nat_line_at(w->room);
	if (!line)
		return false;
	i = READ_ONCE(w->room_way) & (LB_FLOW_WAYS - 1);
	way = &line->way[i];
	of = &line->of[i];
	if (!LB_FLOW_SWAP(&way->hash, w->seen, LB_FLOW_WRITING))
		return false;
	w->way = i;
	w->line = w->room;
	w->port = bpf_htons((__u16)(lb_nat_first(nat_range()) + w->room));
	w->is.sum = lb_nat_sum(&w->is, w->hash);
	*of = w->is;
	state = lb_flow_state(LB_FLOW_NEW, s->flow.proto == IPPROTO_UDP, 0);
	LB_FLOW_WRITE(lb_flow_rest_of(way), lb_rest(0, 0, 0, (__u8)state, s->flow.age));
	if (!LB_FLOW_SWAP(&way->hash, LB_FLOW_WRITING, w->hash)) /* a barrier, too */
		return false;
	if (likely(nat_count(line, w->hash) == 1))
		return true;
	(void)LB_FLOW_SWAP(&way->hash, w->hash, LB_FLOW_FREE);
	return false;
}

/* --- life ------------------------------------------------------------------------------------- */

/* What the client's packet makes of the flow that was found: a reset ends it, a SYN after its end
 * begins it anew, and all keep it young. */
static __always_inline void nat_heard(const struct lb_scratch *s)
{
	struct lb_nat_line *line = nat_line_at(s->nat.line);
	__u8 flags = s->flow.tcp_flags;
	struct lb_flow *way;
	__u64 rest, now;

	if (!line)
		return;
	way = &line->way[s->nat.way & (LB_FLOW_WAYS - 1)];
	rest = LB_FLOW_READ(lb_flow_rest_of(way));
	now = lb_rest_with_age(rest, s->flow.age);
	if (flags & TCP_RST)
		now = lb_rest_with_state(now, LB_FLOW_CLOSING);
	else if (flags & TCP_SYN && lb_rest_state(rest) == LB_FLOW_CLOSING)
		now = lb_rest_with_state(now, LB_FLOW_NEW);
	if (now != rest)
		(void)lb_flow_change(way, rest, now);
}

/* The flow that a backend's packet to one of our ports is of, in s->nat.is; s->flow is that packet
 * as it is. Its state moves, unless it is only spoken of. */
__noinline bool nat_find_answer(struct lb_scratch *s, bool is_spoken_of)
{
	struct nat_answer a = {};

	if (!s)
		return false;
	addr_copy(a.backend, s->flow.saddr);
	addr_copy(a.own, s->flow.daddr);
	a.backend_port = s->flow.sport;
	a.port = s->flow.dport;
	a.proto = s->flow.proto;
	a.tcp_flags = s->flow.tcp_flags;
	a.is_spoken_of = is_spoken_of;
	return nat_find_way(&a, &s->nat.is);
}
