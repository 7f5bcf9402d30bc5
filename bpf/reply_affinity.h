/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of a service with affinity has a flow that is established: the flow's backend is noted
 * as the client's (affinity.h). Only then, so that a flood of first packets makes no more entries
 * than flows; and only where a place is free, so that no flow loses its own for it.
 */
#pragma once

#include "answer.h"
#include "common.h"
#include "flow.h"
#include "service.h"

/* This packet of the backend has established the flow. */
static __always_inline bool reply_affinity_begins(__u64 before, __u64 after)
{
	return lb_rest_state(before) < LB_FLOW_ESTABLISHED &&
	       lb_rest_state(after) == LB_FLOW_ESTABLISHED;
}

/* By the flow's entry. False: there is nothing to note, or no place. */
__noinline bool reply_affinity_note(const struct answer *a, __u64 rest)
{
	const struct lb_service *svc = service_at(lb_rest_slot(rest));
	struct lb_flow_new n;
	struct lb_flow *way;
	__u16 affinity;
	__u64 old;

	if (!a || !svc || !(service_flags(READ_ONCE(svc->live)) & LB_SVC_AFFINITY))
		return false;
	affinity = READ_ONCE(svc->affinity);
	n.now = affinity & LB_AFFINITY_LONG ? age_now_long() : age_now();
	n.hash = flow_hash_words(a->backend, a->client, lb_affine_ports(a->backend_port, svc->id),
				 lb_affine_proto(a->proto, svc->id));
	n.rest = lb_rest(lb_rest_slot(rest), lb_rest_row(rest), lb_rest_backend(rest),
			 lb_affine_state(affinity, rest >> 52 & 15), (__u8)n.now);
	way = lb_flow_find(flow_table(), n.hash, &old);
	if (way)
		return lb_flow_change(way, old, n.rest);
	return lb_flow_insert_free(flow_table(), &n) == LB_FLOW_MADE;
}
