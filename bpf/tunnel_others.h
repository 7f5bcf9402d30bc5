/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner of an established flow that four younger backends outrank is no candidate of its row
 * (owner_beyond.h), and may be on a node that none of them is on. Most such owners drain. So where
 * the last candidate's node does not know the flow either, another node with a draining backend of
 * the service is asked, as far as a packet has hops left. It is named in the last one's place, and
 * who asks is that node: the one that the client's packets come to is not told, and asks again.
 */
#pragma once

#include "tunnel_told.h"

#define OTHERS_AT       (LB_TUNNEL_CANDIDATES - 1)
#define OTHERS_HOPS_MAX (LB_TUNNEL_HOPS_MAX - 1) /* from there it can still go to the first */

struct others_search {
	const struct flow *f;
	__u32 asked[LB_TUNNEL_CANDIDATES]; /* nodes of those who are named; 0 is this one */
	int found;
	__u32 zero;
};

static __always_inline __u64 others_state(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));

	return be ? READ_ONCE(be->state) : 0;
}

/* 1 ends the search. */
static long others_look(__u32 backend, void *ctx)
{
	struct others_search *s = ctx;
	__u64 state = others_state(s->f, backend);
	__u32 node = node_of(state);

	if (!backend_is(state, LB_BE_IN_USE) || backend_is(state, LB_BE_READY) || node == 0 ||
	    node == s->asked[0] || node == s->asked[1] || node == s->asked[2] ||
	    node == s->asked[3] || node_way(state))
		return 0;
	s->found = (int)backend;
	return 1;
}

/* A backend that drains on a node that was not asked yet; INNER_NOBODY: there is none, or no hop.
 */
__noinline int others_find(struct lb_scratch *s)
{
	struct others_search o = {.found = INNER_NOBODY};
	const struct lb_service *svc;
	int named;
	__u32 n;

	if (!s)
		return INNER_NOBODY;
	o.f = &s->flow;
	if (o.f->proto != IPPROTO_TCP || o.f->tcp_flags & (TCP_SYN | TCP_RST) ||
	    s->what == TUNNEL_ERROR || s->tunnel.hops >= OTHERS_HOPS_MAX)
		return INNER_NOBODY;
	for (__u32 i = 0; i < LB_TUNNEL_CANDIDATES; i++) {
		named = inner_find(o.f, &s->tunnel.candidates[i]);
		o.asked[i] = named < 0 ? 0 : node_of(others_state(o.f, named));
	}
	svc = service_at(o.f->slot);
	n = svc ? READ_ONCE(svc->n_backends) : 0;
	bpf_loop(n < LB_BEYOND_MAX ? n : LB_BEYOND_MAX, others_look, &o, 0);
	return o.found;
}

/* It is asked there. */
static __always_inline int others_ask(struct lb_scratch *s, int backend)
{
	struct lb_backend *be = backend_slot(backend_index(s->flow.live, backend));

	if (!be)
		return -LB_DROP_TUNNEL_TARGET;
	tunnel_name(&s->tunnel.candidates[OTHERS_AT], be);
	return inner_send_on(s, backend, LB_TUNNEL_ASK, OTHERS_AT);
}
