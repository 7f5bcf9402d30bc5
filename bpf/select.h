/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The choice of a backend whenever "candidate [0]" is not the whole answer: new flows, UDP, resets,
 * and packets of unsettled rows. All of it is cold but select_at_once(): what is so nearly always
 * needs no call (at_once.h).
 *
 *   new        [0], or the next ready candidate whose tuple is free; recorded
 *   known      the candidate that the flow's entry names
 *   unknown    the candidate whose socket knows the flow; none: as if it were new
 *   affine     of a service with affinity in an unsettled row, a new one: whom its client keeps
 *   closed     a service may take no new flow at all: then only those that have an entry go on
 *
 * In a settled row [0] is the owner of every flow, and what an entry says otherwise is out of date.
 */
#pragma once

#include "admit.h"
#include "affinity.h"
#include "at_once_enter.h"
#include "backend.h"
#include "capture_note.h"
#include "common.h"
#include "owner_beyond.h"
#include "row.h"

/* TCP that neither begins nor ends. */
static __always_inline bool select_is_under_way(__u8 proto, __u8 tcp_flags)
{
	return proto == IPPROTO_TCP && !(tcp_flags & (TCP_SYN | TCP_RST));
}

/* A SYN that does not answer one. */
static __always_inline bool select_is_syn(__u8 tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* The backend of a packet for which little must be looked at, or OWNER_NOBODY. */
static __always_inline int select_at_once(const struct packet *p, const struct target *t)
{
	bool is_settled = !(t->row & LB_ROW_UNSETTLED), is_tcp = p->proto == IPPROTO_TCP;
	struct lb_scratch *s;
	int backend;

	if (likely(select_is_under_way(p->proto, p->tcp_flags)))
		return likely(is_settled) ? (int)row_candidate(t->row, 0) : at_once_owner(p, t);
	/* What captures leaves it to the long way, which does the same, and is verified sooner so.
	 */
	s = is_settled && !CAPTURES ? scratch_get() : NULL;
	if (!s || (is_tcp && (!select_is_syn(p->tcp_flags) || at_once_rests(s))))
		return OWNER_NOBODY;
	backend = at_once_admit(p, t);
	if (is_tcp)
		at_once_learn(s, backend != OWNER_NOBODY);
	return backend;
}

static __always_inline bool select_is_settled(const struct flow *f)
{
	return !(f->row & LB_ROW_UNSETTLED);
}

/* Not a first packet, and not a last or a forged one: it may make an entry. */
static __always_inline bool select_goes_on(const struct flow *f)
{
	return !(f->tcp_flags & (TCP_SYN | TCP_RST));
}

/*
 * A SYN of an unsettled row: a flow that is known and whose backend is ready keeps it. `is_spread`:
 * some may be on other nodes.
 */
static __always_inline int select_first(struct flow *f, bool is_spread)
{
	int owner = owner_by_entry(f, OWNER_OF_NEW);

	if (owner != OWNER_NOBODY && is_spread && admit_is_cut_off(f, owner))
		return OWNER_NOBODY;
	if (owner != OWNER_NOBODY && admit_claim(f, owner, LB_BE_IN_USE, LB_FLOW_NEW))
		return owner;
	return OWNER_NOBODY;
}

/* TCP that no entry knows: from [0] on, whoever has a socket for it. */
__noinline int select_by_socket(struct xdp_md *ctx, struct flow *f)
{
	if (!f)
		return OWNER_NOBODY;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);

		if (backend == LB_ROW_NONE)
			break;
		if (!owner_by_socket(ctx, f, backend) ||
		    !admit_claim(f, backend, LB_BE_IN_USE, LB_FLOW_ESTABLISHED))
			continue;
		if (i)
			row_mark(f->row_index);
		return backend;
	}
	return OWNER_NOBODY;
}

/* OWNER_NOBODY: it is new. */
static __always_inline int select_unsettled(struct xdp_md *ctx, struct flow *f)
{
	int owner;

	if (new_flows_is_first(f))
		return select_first(f, false);
	owner = owner_by_any_entry(f, OWNER_OF_PACKET);
	if (owner == OWNER_NOBODY && f->proto == IPPROTO_TCP)
		owner = select_by_socket(ctx, f);
	if (owner == OWNER_NOBODY && !select_goes_on(f))
		return row_candidate(f->row, 0);
	return owner;
}

/* Nobody is ready, or it is paused: no flow begins, and reason says which of the two. */
static __always_inline enum lb_drop select_closed(const struct flow *f)
{
	__u32 flags = service_flags(f->live);

	if (unlikely(flags & LB_SVC_PAUSED))
		return LB_DROP_PAUSED;
	return unlikely(flags & LB_SVC_CLOSED) ? LB_DROP_NO_BACKEND : LB_DROP_NONE;
}

/* Whom the flow's client keeps (affinity.h); OWNER_NOBODY: nobody, or its tuple is taken. */
static __always_inline int select_affine(struct flow *f)
{
	int backend;

	if (likely(!affinity_asks(f)))
		return OWNER_NOBODY;
	backend = affinity_owner(f);
	if (backend == OWNER_NOBODY ||
	    !admit_claim(f, backend, LB_BE_IN_USE | LB_BE_READY, LB_FLOW_NEW))
		return OWNER_NOBODY;
	new_flows_begin(f);
	if ((__u32)backend != row_candidate(f->row, 0))
		row_mark(f->row_index);
	return backend;
}

/* A flow that nobody has been found for yet: new, unless none begins here. */
static __always_inline int select_new(struct flow *f, bool is_spread)
{
	enum lb_drop closed = select_closed(f);
	int owner;

	if (likely(!closed)) {
		owner = select_affine(f);
		return owner == OWNER_NOBODY ? admit_new(f, is_spread) : owner;
	}
	owner = owner_by_entry(f, new_flows_is_first(f) ? OWNER_OF_NEW : OWNER_OF_PACKET);
	return owner == OWNER_NOBODY ? ADMIT_DROP(closed) : owner;
}

/* A reset that acknowledges nothing. */
static __always_inline bool select_may_prove(const struct flow *f)
{
	return f->proto == IPPROTO_TCP && (f->tcp_flags & (TCP_RST | TCP_ACK)) == TCP_RST;
}

/* The whole choice, and what follows from it for the entry. */
__noinline int select_backend(struct xdp_md *ctx, struct flow *f)
{
	int backend = OWNER_NOBODY;

	if (!f)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	if (select_may_prove(f) && sources_prove(ctx, f))
		return ADMIT_DROP(LB_DROP_PROVEN);
	if (!select_is_settled(f))
		backend = select_unsettled(ctx, f);
	else if ((f->proto == IPPROTO_TCP || !select_goes_on(f)) && !new_flows_is_first(f))
		backend = row_candidate(f->row, 0);
	if (backend == OWNER_NOBODY)
		backend = select_new(f, false);
	if (backend >= 0 && f->tcp_flags & TCP_RST)
		admit_close(f, backend);
	return backend;
}

/*
 * The backend of a flow that somebody else speaks of: as for a packet of its own, but nothing is
 * recorded, and who is unknown is [0]'s.
 */
static __always_inline __u32 select_owner(const struct flow *f)
{
	int owner = select_is_settled(f) ? OWNER_NOBODY : owner_by_any_entry(f, OWNER_OF_QUOTE);

	return owner == OWNER_NOBODY ? row_candidate(f->row, 0) : owner;
}
