/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The choice of a backend where some are on other nodes (LB_SVC_REMOTE). It is that of select.h but
 * for two things. A flow that nobody here knows is known where its socket is: so its packet goes to
 * the first candidate's node and is asked about there, and if it is not that one's, at the next
 * one's (tunnel_inner.h). And new flows do not go to nodes that do not answer.
 */
#pragma once

#include "admit.h"
#include "backend.h"
#include "common.h"
#include "node.h"
#include "owner_beyond.h"
#include "row.h"
#include "scratch.h"
#include "select.h"
#include "tunnel_anyone.h"

static __always_inline bool choose_is_local(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));

	return be && backend_is(READ_ONCE(be->state), LB_BE_IN_USE | LB_BE_LOCAL);
}

/* A real server beyond the nodes: nobody can be asked whose its flows are. */
static __always_inline bool choose_is_server(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));

	return be && node_way(READ_ONCE(be->state));
}

/*
 * It is on a node that does not answer. A question there may be lost, and what it was about with
 * it; so such a candidate comes behind all who can say whether a flow is theirs.
 */
static __always_inline bool choose_is_silent(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	__u64 state = be ? READ_ONCE(be->state) : 0;

	return !backend_is(state, LB_BE_LOCAL) && !node_way(state) && !node_hears(state);
}

/* The node of this backend, which is not here, can be asked by a packet that begins a flow. */
static __always_inline bool choose_may_ask(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	__u64 state = be ? READ_ONCE(be->state) : 0;

	return backend_is(state, LB_BE_IN_USE) && !backend_is(state, LB_BE_LOCAL) &&
	       !node_way(state) && node_takes(state);
}

/*
 * Whose may a flow be that no entry here knows? Candidate by candidate: one that is here is asked
 * by its sockets; the first that is on another node is to be asked there, and all that follow. Of
 * those on silent nodes the first is asked where nobody else can be.
 */
__noinline int choose_whom_to_ask(struct xdp_md *ctx, struct lb_scratch *s)
{
	int silent = OWNER_NOBODY;
	struct flow *f;

	if (!s)
		return OWNER_NOBODY;
	f = &s->flow;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);

		if (backend == LB_ROW_NONE)
			break;
		if (choose_is_server(f, backend))
			continue;
		if (!choose_is_local(f, backend)) {
			if (silent != OWNER_NOBODY && choose_is_silent(f, backend))
				continue;
			s->tunnel.flags = LB_TUNNEL_ASK;
			s->tunnel.at = (__u8)i;
			if (!choose_is_silent(f, backend))
				return backend;
			silent = backend;
			continue;
		}
		if (f->proto != IPPROTO_TCP || !owner_by_socket(ctx, f, backend) ||
		    !admit_claim(f, backend, LB_BE_IN_USE, LB_FLOW_ESTABLISHED))
			continue;
		if (i)
			row_mark(f->row_index);
		s->tunnel.flags = 0;
		return backend;
	}
	return silent;
}

/*
 * Another node may know whom the client of a new flow keeps: the one where that backend is, which
 * has seen its answers (reply_affinity.h). It is asked by the flow's first packet, unless no flow
 * may begin now; nobody knows: the packet goes to the first who takes it (inner_give_up()).
 */
__noinline int choose_whose_client(struct lb_scratch *s)
{
	struct flow *f;

	if (!s)
		return OWNER_NOBODY;
	f = &s->flow;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);

		if (backend == LB_ROW_NONE)
			break;
		if (!choose_may_ask(f, backend))
			continue;
		if (!new_flows_room(f->slot))
			break;
		s->tunnel.flags = LB_TUNNEL_ASK;
		s->tunnel.at = (__u8)i;
		return backend;
	}
	return OWNER_NOBODY;
}

/* A new flow whose client keeps a backend, here or elsewhere. */
static __always_inline int choose_affine(struct lb_scratch *s)
{
	int backend;

	if (likely(!affinity_asks(&s->flow)) || !new_flows_is_first(&s->flow) ||
	    select_closed(&s->flow))
		return OWNER_NOBODY;
	backend = select_affine(&s->flow);
	return backend == OWNER_NOBODY ? choose_whose_client(s) : backend;
}

/* Of an unsettled row; OWNER_NOBODY: it is new. */
static __always_inline int choose_unsettled(struct xdp_md *ctx, struct lb_scratch *s)
{
	int owner;

	if (new_flows_is_first(&s->flow))
		return select_first(&s->flow, true);
	owner = owner_by_any_entry(&s->flow, OWNER_OF_PACKET);
	if (owner == OWNER_NOBODY)
		owner = choose_whom_to_ask(ctx, s);
	if (owner == OWNER_NOBODY && !select_goes_on(&s->flow))
		return row_candidate(s->flow.row, 0);
	return owner;
}

/* An index within the service, or ADMIT_DROP(). Whether it is asked s->tunnel says. */
__noinline int choose_backend(struct xdp_md *ctx, struct lb_scratch *s)
{
	int backend = OWNER_NOBODY;
	struct flow *f;

	if (!s)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	f = &s->flow;
	if (select_may_prove(f) && sources_prove(ctx, f))
		return ADMIT_DROP(LB_DROP_PROVEN);
	if (!select_is_settled(f))
		backend = choose_unsettled(ctx, s);
	else if ((f->proto == IPPROTO_TCP || !select_goes_on(f)) && !new_flows_is_first(f))
		backend = row_candidate(f->row, 0);
	if (backend == OWNER_NOBODY)
		backend = choose_affine(s);
	if (backend == OWNER_NOBODY)
		backend = select_new(f, true);
	if (unlikely(backend == ADMIT_DROP(LB_DROP_NO_NEXT_HOP)))
		backend = anyone_takes(f);
	if (backend >= 0 && f->tcp_flags & TCP_RST)
		admit_close(f, backend);
	return backend;
}

/* The backend of a flow that an ICMP error speaks of; nothing is recorded. */
__noinline int choose_for_error(struct lb_scratch *s)
{
	struct flow *f;
	int owner;

	if (!s)
		return ADMIT_DROP(LB_DROP_ICMP);
	f = &s->flow;
	owner = select_is_settled(f) ? (int)row_candidate(f->row, 0)
				     : owner_by_any_entry(f, OWNER_OF_QUOTE);
	if (owner != OWNER_NOBODY)
		return owner;
	owner = row_candidate(f->row, 0);
	if (!choose_is_local(f, owner) && !choose_is_server(f, owner))
		s->tunnel.flags = LB_TUNNEL_ASK;
	return owner;
}
