/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who of a tunnel's candidates has a flow that none of those who could be asked knows.
 */
#pragma once

#include "new_flows.h"
#include "tunnel_choose.h"
#include "tunnel_named.h"

static __always_inline bool inner_is_ready(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));

	return be && backend_is(READ_ONCE(be->state), LB_BE_READY);
}

/* Of those named the first on a node that could not be asked; OWNER_NOBODY: all could. */
static __always_inline int inner_silent(const struct lb_scratch *s)
{
	for (__u32 i = 0; i < LB_TUNNEL_CANDIDATES; i++) {
		int backend = inner_find(&s->flow, &s->tunnel.candidates[i]);

		if (backend >= 0 && choose_is_silent(&s->flow, backend))
			return backend;
	}
	return OWNER_NOBODY;
}

/* Who of those named has a flow that nobody knows: the first, if a new one may begin there; of one
 * that goes on who could not say so. */
static __always_inline int inner_taker(const struct lb_scratch *s)
{
	const struct flow *f = &s->flow;
	int first = inner_find(f, &s->tunnel.candidates[0]), backend;

	if (first >= 0 && !new_flows_is_first(f)) {
		backend = inner_silent(s);
		return backend == OWNER_NOBODY ? first : backend;
	}
	if (first < 0 || choose_is_local(f, first) || choose_may_ask(f, first))
		return first;
	for (__u32 i = 1; i < LB_TUNNEL_CANDIDATES; i++) {
		backend = inner_find(f, &s->tunnel.candidates[i]);
		if (backend >= 0 && inner_is_ready(f, backend) &&
		    (choose_is_local(f, backend) || choose_may_ask(f, backend)))
			return backend;
	}
	return first;
}
