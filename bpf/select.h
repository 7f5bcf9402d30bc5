/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The choice of a backend whenever "candidate [0]" is not the whole answer: new flows, second
 * packets, UDP, resets, and every packet of an unsettled row. All of it is cold for TCP: an
 * established packet of a settled row never comes here (select_is_plain()).
 *
 *   new        [0], or the next ready candidate whose reply key is free; recorded
 *   known      the backend it was recorded with, while that has the same generation
 *   unknown    the candidate that a witness vouches for; nobody: as if it were new
 *
 * In a settled row [0] is the owner of every flow, so what the cache says otherwise is out of date.
 */
#pragma once

#include "maps.h"

#include "admit.h"
#include "backend.h"
#include "common.h"
#include "flow.h"
#include "reply.h"
#include "row.h"
#include "witness.h"

static __always_inline bool select_is_settled(const struct flow *f)
{
	return !(f->row & LB_ROW_UNSETTLED);
}

/* The packet needs nothing but [0]: established TCP in a settled row, its handshake done with. */
static __always_inline bool select_is_plain(__u64 row, __u8 proto, __u8 tcp_flags, __u64 hash)
{
	return !(row & LB_ROW_UNSETTLED) && proto == IPPROTO_TCP &&
	       !(tcp_flags & (TCP_SYN | TCP_RST)) && !handshake_pending(hash);
}

/* The backend a way names, if it still is the one that was recorded. */
static __always_inline struct lb_backend *select_recorded(const struct flow *f,
							  const struct lb_flow4 *way, __u32 flags)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, way->backend));
	__u64 state;

	if (select_is_settled(f) && way->backend != row_candidate(f->row, 0))
		return NULL;
	if (!be)
		return NULL;
	state = READ_ONCE(be->state);
	return backend_is(state, LB_BE_IN_USE | flags) && backend_gen(state) == way->gen ? be
											 : NULL;
}

/* A SYN: a flow that is known and whose backend is ready keeps it, anything else is new. */
__noinline int select_syn(const struct flow *f)
{
	struct lb_flow4_line *line;
	struct lb_flow4 *way;
	struct lb_backend *be;

	if (!f)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	handshake_set(f->hash);
	line = flow_line(f);
	way = line ? flow_find(line, f) : NULL;
	be = way ? select_recorded(f, way, LB_BE_READY) : NULL;
	if (!be || !reply_claim(f, be, way->backend))
		return admit_new(f, line, way);
	way->age = f->age;
	way->flags = 0;
	return way->backend;
}

/*
 * Any other packet of a flow that is known. The second one makes it last; later ones look after the
 * reply entry once in an age, so that an evicted entry comes back.
 */
__noinline int select_keep(const struct flow *f, struct lb_flow4_line *line, struct lb_flow4 *way,
			   const struct lb_backend *be)
{
	int backend;

	if (!f || !line || !way)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	backend = way->backend; /* the promotion moves what lies in the way */
	if (!flow_goes_on(f) || (way->flags & LB_FLOW_SEEN_TWICE && way->age == f->age))
		return backend;
	flow_promote(line, way, f->age);
	reply_establish(f, be, backend);
	return backend;
}

/*
 * A flow that the cache does not know: whoever a witness vouches for, from [0] on. A flow of [0]
 * is recorded where there is room, but drives out no other: the first question finds it again. One
 * of another candidate must be.
 */
__noinline int select_unknown(struct xdp_md *ctx, const struct flow *f, struct lb_flow4_line *line,
			      struct lb_flow4 *way)
{
	if (!f)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		struct admit_claim c = {.backend = row_candidate(f->row, i), .known = true};

		if (c.backend == LB_ROW_NONE)
			break;
		c.gen = (__u8)witness_ask(ctx, f, c.backend);
		if (!c.gen)
			continue;
		if (line && (i || way || flow_room(line, f->age)))
			admit_record(f, line, way, &c);
		return c.backend;
	}
	return flow_goes_on(f) ? admit_new(f, line, way) : (int)row_candidate(f->row, 0);
}

/* TCP in a settled row: only the second packet and resets come here. */
static __always_inline int select_settled_tcp(const struct flow *f)
{
	__u32 backend = row_candidate(f->row, 0);
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	struct lb_flow4_line *line;
	struct lb_flow4 *way;

	if (!flow_goes_on(f) || !handshake_take(f->hash) || !be)
		return backend;
	line = flow_line(f);
	way = line ? flow_find(line, f) : NULL;
	if (way)
		flow_promote(line, way, f->age);
	reply_establish(f, be, backend);
	return backend;
}

static __always_inline int select_any(struct xdp_md *ctx, const struct flow *f)
{
	struct lb_flow4_line *line;
	struct lb_flow4 *way;
	struct lb_backend *be;

	if ((f->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
		return select_syn(f);
	if (f->proto == IPPROTO_TCP && select_is_settled(f))
		return select_settled_tcp(f);
	line = flow_line(f);
	way = line ? flow_find(line, f) : NULL;
	be = way ? select_recorded(f, way, 0) : NULL;
	if (be)
		return select_keep(f, line, way, be);
	return select_is_settled(f) ? admit_new(f, line, way) : select_unknown(ctx, f, line, way);
}

/* The whole choice, and what follows from it for the row and the reply entry. */
__noinline int select_backend(struct xdp_md *ctx, const struct flow *f)
{
	struct lb_backend *be;
	int backend;

	if (!f)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	backend = select_any(ctx, f);
	if (backend < 0)
		return backend;
	if ((__u32)backend != row_candidate(f->row, 0))
		row_stamp_late(f->row_index, f->age);
	if (f->tcp_flags & TCP_RST) {
		be = backend_slot(backend_index(f->live, backend));
		if (be)
			reply_close(f, be);
	}
	return backend;
}

/*
 * The backend of a flow that somebody else speaks of: as for a packet of its own, but nothing is
 * recorded, and who is unknown is [0]'s.
 */
static __always_inline __u32 select_owner(const struct flow *f)
{
	struct lb_flow4_line *line;
	struct lb_flow4 *way;

	if (select_is_settled(f))
		return row_candidate(f->row, 0);
	line = flow_line(f);
	way = line ? flow_find(line, f) : NULL;
	if (way && select_recorded(f, way, 0))
		return way->backend;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);

		if (backend == LB_ROW_NONE)
			break;
		if (witness_recalls(f, backend))
			return backend;
	}
	return row_candidate(f->row, 0);
}
