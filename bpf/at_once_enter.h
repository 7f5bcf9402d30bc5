/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry of a flow that begins, or of datagrams, found or made at once where at_once.h looks. */
#pragma once

#include "at_once.h"
#include "at_once_rest.h"
#include "new_flows.h"

/* The service takes one more new flow, which counts if it has a limit; NULL: it does not. */
static __always_inline struct lb_new_flows *at_once_begins(const struct target *t)
{
	return service_flags(t->live) & (LB_SVC_CLOSED | LB_SVC_PAUSED) ? NULL
									: new_flows_room(t->slot);
}

/* Who is aimed at has the flow, or is given it; `renews`: an entry that is there is kept young. */
static __always_inline int at_once_enter(const struct packet *p, const struct target *t,
					 struct at_once *x, bool renews)
{
	flow_table_t table = flow_table(), left = flow_table_left(table);
	enum at_once_found found;
	struct lb_new_flows *n;
	struct lb_flow *room;
	__u64 fresh, seen;
	__u8 state;

	if (unlikely(left) && lb_flow_place(left, x->hash))
		return OWNER_NOBODY;
	found = at_once_look(t, table, x);
	if (found == AT_ONCE_ITS && renews) {
		fresh = lb_rest_with_age(x->rest, age_now());
		if (fresh != x->rest)
			(void)lb_flow_change(x->entry, x->rest, fresh);
		return (int)x->backend;
	}
	if (found != AT_ONCE_NONE)
		return OWNER_NOBODY;
	seen = READ_ONCE(x->be->state);
	n = backend_is(seen, LB_BE_IN_USE) ? at_once_begins(t) : NULL;
	if (!n)
		return OWNER_NOBODY;
	state = lb_flow_state(LB_FLOW_NEW, p->proto == IPPROTO_UDP, backend_gen(seen));
	fresh = lb_rest((__u16)t->slot, at_once_row(t), (__u16)x->backend, state, age_now());
	room = lb_flow_room(x->line, &seen);
	if (!room || !lb_flow_claim(room, seen, x->hash, fresh))
		return OWNER_NOBODY;
	new_flows_count(n);
	return (int)x->backend;
}

/*
 * A datagram or a SYN of a settled row: the first candidate has the flow, or is given it. What a
 * SYN makes of an entry that is there has more rules.
 */
static __always_inline int at_once_admit(const struct packet *p, const struct target *t)
{
	struct at_once x;

	if (!at_once_aim(p, t, 0, &x))
		return OWNER_NOBODY;
	return at_once_enter(p, t, &x, p->proto == IPPROTO_UDP);
}
