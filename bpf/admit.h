/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * New flows: which candidate of the row takes one, and its entry in the flow table. A backend has a
 * flow once the entry under its tuple is the flow's. The tuple does not name the VIP, so two front
 * ends that share a backend may meet on one client port, and the second connection would kill the
 * first: a tuple that a living flow of another VIP holds is refused, and the next candidate is
 * tried. The first candidate is taken as it is, since the row says so; a later one only if it is
 * ready, and the row is looked up in the flow table from then on.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "entry.h"
#include "flow_make.h"
#include "new_flows.h"
#include "node.h"
#include "row.h"

/* No choice: an enum lb_drop, negative, says why. Else an index within the service. */
#define ADMIT_DROP(reason) (-(int)(reason))

/* What becomes of an entry that is there; a connection that lives is not made new by a SYN. */
static __always_inline bool admit_renew(const struct flow *f, struct lb_flow *way, __u64 rest,
					__u64 state)
{
	enum entry_owner owner = entry_owner(f, rest);
	__u64 fresh = f->entry.rest;

	if (entry_is_taken(f, owner, rest))
		return false;
	if (entry_is_of(owner, rest, lb_rest_backend(fresh), state) &&
	    lb_rest_state(rest) != LB_FLOW_CLOSING && lb_rest_state(rest) > lb_rest_state(fresh))
		fresh = lb_rest_with_state(fresh, lb_rest_state(rest));
	return fresh == rest || lb_flow_change(way, rest, fresh) || owner == ENTRY_OURS;
}

enum admit_found {
	ADMIT_REFUSED, /* the backend may not, or its tuple is taken */
	ADMIT_HAS,
	ADMIT_NONE, /* it has no entry yet */
};

/* Looks whether the flow has an entry with this backend, and what the new one is to be. */
__noinline int admit_look(struct flow *f, __u32 backend, __u32 flags, __u32 flow_state)
{
	struct lb_backend *be;
	struct lb_flow *way;
	__u64 state, rest;

	if (!f)
		return ADMIT_REFUSED;
	be = backend_slot(backend_index(f->live, backend));
	if (!be)
		return ADMIT_REFUSED;
	state = READ_ONCE(be->state);
	if (!backend_is(state, flags))
		return ADMIT_REFUSED;
	f->entry.hash = entry_hash(f, be);
	f->entry.now = f->age;
	f->entry.rest = lb_rest(
		f->slot, f->row_in, (__u16)backend,
		lb_flow_state(flow_state, f->proto == IPPROTO_UDP, backend_gen(state)), f->age);
	way = lb_flow_find(flow_table(), f->entry.hash, &rest);
	if (!way)
		return ADMIT_NONE;
	return admit_renew(f, way, rest, state) ? ADMIT_HAS : ADMIT_REFUSED;
}

/*
 * Has this backend, an index within the service whose slot has these flags, take the flow, with an
 * entry in this state at least. False: it may not, or its tuple is taken.
 */
static __always_inline bool admit_claim(struct flow *f, __u32 backend, __u32 flags,
					__u32 flow_state)
{
	int found = admit_look(f, backend, flags, flow_state);

	return found == ADMIT_NONE ? flow_make(&f->entry) : found == ADMIT_HAS;
}

/*
 * The candidate is on another node that does not answer, where no flow begins; never so where none
 * is on another one. What its client begins anew has left that node: else the entry that it has
 * there would go on to name its owner. Datagrams of a flow that began there may still be heard.
 */
__noinline bool admit_is_cut_off(const struct flow *f, __u32 backend)
{
	struct lb_backend *be;
	struct lb_flow *way;
	__u64 state, rest;

	if (!f)
		return false;
	be = backend_slot(backend_index(f->live, backend));
	state = be ? READ_ONCE(be->state) : 0;
	if (!be || node_takes(state))
		return false;
	way = entry_find(f, be, &rest);
	if (!way || !entry_is_of(entry_owner(f, rest), rest, backend, state))
		return true;
	if (!new_flows_is_first(f))
		return false;
	(void)lb_flow_change(way, rest, lb_rest_with_state(rest, LB_FLOW_CLOSING));
	return true;
}

/*
 * A new flow: the first candidate that can have it. `is_spread`: some may be on other nodes, and if
 * no flow may begin at any of them it is LB_DROP_NO_NEXT_HOP.
 */
static __always_inline int admit_new(struct flow *f, bool is_spread)
{
	__u32 flags = LB_BE_IN_USE;
	bool any = false;

	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);
		int found;

		if (backend == LB_ROW_NONE)
			break;
		if (is_spread && admit_is_cut_off(f, backend)) {
			flags |= LB_BE_READY;
			continue;
		}
		any = true;
		found = admit_look(f, backend, flags, LB_FLOW_NEW);
		if (found == ADMIT_NONE) {
			int beyond = new_flows_ask(f, backend, !i);

			if (unlikely(beyond < 0))
				return beyond;
			found = beyond || flow_make(&f->entry) ? ADMIT_HAS : ADMIT_REFUSED;
			if (found == ADMIT_HAS)
				new_flows_begin(f);
			if (unlikely(beyond))
				return backend;
		}
		if (found == ADMIT_HAS) {
			if (i)
				row_mark(f->row_index);
			return backend;
		}
		flags |= LB_BE_READY;
	}
	return is_spread && !any ? ADMIT_DROP(LB_DROP_NO_NEXT_HOP)
				 : ADMIT_DROP(LB_DROP_TUPLE_TAKEN);
}

/* The client reset the connection: its tuple may be taken. */
__noinline bool admit_close(const struct flow *f, __u32 backend)
{
	struct lb_backend *be;
	struct lb_flow *way;
	__u64 rest;

	if (!f)
		return false;
	be = backend_slot(backend_index(f->live, backend));
	way = be ? entry_find(f, be, &rest) : NULL;
	if (!way || entry_owner(f, rest) != ENTRY_OURS)
		return false;
	return lb_flow_change(way, rest, lb_rest_with_state(rest, LB_FLOW_CLOSING));
}
