/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A new flow that none of its row's candidates can have, since all are on nodes that do not answer:
 * it goes to any backend of its service that is reached.
 */
#pragma once

#include "admit.h"
#include "backend.h"
#include "common.h"
#include "new_flows.h"
#include "node.h"
#include "row.h"
#include "service.h"

/* Backends that are tried for a new flow, from one on that differs by row. */
struct anyone_search {
	struct flow *f;
	__u32 n;
	int found;
};

/* 1 ends the search. */
static long anyone_try(__u32 i, void *ctx)
{
	struct anyone_search *s = ctx;
	const __u32 flags = LB_BE_IN_USE | LB_BE_READY;
	struct flow *f = s->f;
	__u32 backend = s->n ? (i + f->row_in) % s->n : 0;
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	__u64 state = be ? READ_ONCE(be->state) : 0;

	if (!backend_is(state, flags) || !node_takes(state) ||
	    !admit_claim(f, backend, flags, LB_FLOW_NEW))
		return 0;
	s->found = backend;
	return 1;
}

/*
 * All candidates are on nodes that do not answer: whoever else can have the new flow. Its row says
 * that its owner may be none of them.
 */
__noinline int anyone_takes(struct flow *f)
{
	struct anyone_search s = {.f = f, .found = ADMIT_DROP(LB_DROP_NO_NEXT_HOP)};
	const struct lb_service *svc;

	if (!f)
		return ADMIT_DROP(LB_DROP_NO_NEXT_HOP);
	svc = service_at(f->slot);
	s.n = svc ? READ_ONCE(svc->n_backends) : 0;
	s.n = s.n < LB_BEYOND_MAX ? s.n : LB_BEYOND_MAX;
	if (!new_flows_room(f->slot))
		return ADMIT_DROP(LB_DROP_BEYOND);
	bpf_loop(s.n, anyone_try, &s, 0);
	if (s.found < 0)
		return s.found;
	new_flows_begin(f);
	row_mark_beyond(f->row_index);
	return s.found;
}
