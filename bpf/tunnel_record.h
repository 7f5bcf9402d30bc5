/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is written down of a flow where its backend is, for packets that another node sent here: the
 * entry by which answers find back, and who has the flow where there is no room for that one.
 */
#pragma once

#include "admit.h"
#include "owner.h"
#include "select.h"

/* The entry by which the answers of this backend, which is here, find back; else why not. */
__noinline int inner_record(struct flow *f, __u32 backend)
{
	enum lb_drop closed;
	int found, beyond;

	if (!f)
		return LB_DROP_TUNNEL_TARGET;
	found = admit_look(f, backend, LB_BE_IN_USE, LB_FLOW_NEW);
	if (found == ADMIT_REFUSED)
		return LB_DROP_TUPLE_TAKEN;
	if (found == ADMIT_HAS)
		return LB_DROP_NONE;
	closed = new_flows_is_first(f) ? select_closed(f) : LB_DROP_NONE;
	if (closed)
		return closed;
	beyond = new_flows_ask(f, backend, true);
	if (beyond < 0)
		return -beyond;
	if (!beyond && !flow_make(&f->entry))
		return LB_DROP_TUPLE_TAKEN;
	new_flows_begin(f);
	if (beyond)
		return LB_DROP_NONE;
	if (row_candidate(f->row, 0) != backend)
		row_mark(f->row_index);
	return LB_DROP_NONE;
}

/* This backend, if it is here, has the flow, or takes it if it begins. */
__noinline bool inner_has(struct flow *f, __u32 backend)
{
	struct lb_backend *be;
	bool begins;

	if (!f)
		return false;
	begins = new_flows_is_first(f) || f->proto == IPPROTO_UDP;
	be = backend_slot(backend_index(f->live, backend));
	if (!be || !backend_is(READ_ONCE(be->state), LB_BE_IN_USE | LB_BE_LOCAL))
		return false;
	if (!begins)
		return owner_state(f, backend, OWNER_OF_PACKET) != 0;
	return backend_is(READ_ONCE(be->state), LB_BE_READY) && !inner_record(f, backend);
}

/*
 * Who has the flow where the tuple at the backend that was named is another front end's: another
 * candidate that is here, since this is where all packets of the flow come. An index, or why not.
 */
__noinline int inner_other(struct flow *f, __u32 named)
{
	if (!f)
		return -LB_DROP_TUNNEL_TARGET;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);

		if (backend == LB_ROW_NONE)
			break;
		if (backend != named && inner_has(f, backend)) {
			row_mark(f->row_index);
			return backend;
		}
	}
	return -LB_DROP_TUPLE_TAKEN;
}
