/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What nodes tell each other of a flow's owner, by the packet that is asked about: it goes on to
 * who is asked, back to who asks, and then, for good, to the owner, whom who asked remembers. Else
 * that node would ask with each packet, and would lose the flow once four younger backends stand
 * above its owner.
 */
#pragma once

#include "admit.h"
#include "select.h"
#include "tunnel_choose.h"
#include "tunnel_named.h"

#define INNER_ON   (-LB_N_DROPS)     /* s->tunnel goes on to the node of s->backend */
#define INNER_BACK (-LB_N_DROPS - 1) /* or back to the node that it came from */

/* It goes to this backend, which is on another node. */
static __always_inline int inner_send_on(struct lb_scratch *s, __u32 backend, __u32 flags, __u32 at)
{
	if (s->tunnel.hops >= LB_TUNNEL_HOPS_MAX)
		return -LB_DROP_TUNNEL_TARGET;
	s->tunnel.hops++;
	s->tunnel.flags = (__u8)flags;
	s->tunnel.at = (__u8)at;
	s->backend = backend_index(s->flow.live, backend);
	return INNER_ON;
}

/* It goes back to who asks. False: it has been on its way for too long. */
static __always_inline bool inner_send_back(struct lb_scratch *s, __u32 flags, __u32 at)
{
	if (s->tunnel.hops >= LB_TUNNEL_HOPS_MAX)
		return false;
	s->tunnel.hops++;
	s->tunnel.flags = (__u8)flags;
	s->tunnel.at = (__u8)at;
	return true;
}

/* This backend, which is here, has the flow: who asks is told. */
__noinline int inner_tell(struct lb_scratch *s, __u32 backend)
{
	struct lb_backend *be;

	be = s ? backend_slot(backend_index(s->flow.live, backend)) : NULL;
	if (!be)
		return -LB_DROP_TUNNEL_TARGET;
	if (s->what == TUNNEL_ERROR || s->packet.fragment || !select_goes_on(&s->flow) ||
	    !inner_may_hop() || !inner_send_back(s, LB_TUNNEL_TOLD, 0))
		return backend;
	tunnel_name(&s->tunnel.candidates[0], be);
	return INNER_BACK;
}

/*
 * Whose the flow is that was asked for from here. It gets no more than a SYN would have had: a new
 * entry if there is none, so whoever forges this gains nothing.
 */
__noinline int inner_learn(struct lb_scratch *s)
{
	struct lb_backend *be;
	struct flow *f;
	int backend;
	__u64 rest;

	if (!s)
		return -LB_DROP_TUNNEL_TARGET;
	f = &s->flow;
	backend = inner_find(f, &s->tunnel.candidates[0]);
	be = backend < 0 ? NULL : backend_slot(backend_index(f->live, backend));
	if (!be || s->what == TUNNEL_ERROR || choose_is_local(f, backend))
		return -LB_DROP_TUNNEL_TARGET;
	if (select_goes_on(f) && !select_is_settled(f) && !entry_find(f, be, &rest) &&
	    admit_claim(f, backend, LB_BE_IN_USE, LB_FLOW_NEW) &&
	    (int)row_candidate(f->row, 0) != backend)
		row_mark(f->row_index);
	return inner_send_on(s, backend, 0, 0);
}
