/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner of a flow may be none of its row's candidates, as too many younger backends came before
 * it. Of the few rows where that may be so the agent says so (LB_ROW_BEYOND), and there all
 * backends of the service are asked for the flow's entry before it counts as unknown.
 */
#pragma once

#include "owner.h"

/* Those that are asked, one after the other, beside the row's candidates. */
struct owner_search {
	const struct flow *f;
	__u32 what; /* enum owner_question */
	int found, closing;
};

/* 1 ends the search. */
static long owner_ask(__u32 backend, void *ctx)
{
	struct owner_search *s = ctx;
	__u32 state = owner_state(s->f, backend, s->what);

	if (!state)
		return 0;
	if (state == LB_FLOW_CLOSING) {
		s->closing = backend;
		return 0;
	}
	s->found = backend;
	return 1;
}

/* The backend that has an entry for the flow, whatever its row says. */
__noinline int owner_beyond(const struct flow *f, enum owner_question what)
{
	struct owner_search s = {
		.f = f, .what = what, .found = OWNER_NOBODY, .closing = OWNER_NOBODY};
	const struct lb_service *svc;
	__u32 n;

	if (!f) /* the older verifiers would look into the loop with it */
		return OWNER_NOBODY;
	svc = service_at(f->slot);
	n = svc ? READ_ONCE(svc->n_backends) : 0;
	bpf_loop(n < LB_BEYOND_MAX ? n : LB_BEYOND_MAX, owner_ask, &s, 0);
	return s.found == OWNER_NOBODY ? s.closing : s.found;
}

/* By the candidates' entries, and in rows that need it by all entries. */
static __always_inline int owner_by_any_entry(const struct flow *f, enum owner_question what)
{
	int owner = owner_by_entry(f, what);

	if (owner == OWNER_NOBODY && unlikely(f->row & LB_ROW_BEYOND))
		owner = owner_beyond(f, what);
	return owner;
}
