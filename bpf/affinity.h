/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Affinity: a client's new flows go where its last one went, as long as that backend takes new
 * flows and the service's time is not over since. The row is the same for all ports of a client, so
 * mostly its first candidate is that backend. Where backends have changed since, the flow table
 * tells: beside the flows' entries it has *affine* ones, a backend's client each (reply_affinity.h
 * makes them), which unsettle the row like flows do, and are asked here before the row is.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "flow.h"
#include "owner.h"
#include "row.h"
#include "scratch.h"
#include "service.h"

/* Backends that are asked, one after the other. */
struct affinity_search {
	const struct flow *f;
	__u32 silence; /* less than this; that of who was found */
	int found;
	__u16 affinity; /* of the service */
	__u16 now;
	__u32 zero;
};

/* A function of its own for the reason of entry_hash(). */
__noinline __u64 affinity_hash(const struct flow *f, const struct lb_backend *be)
{
	if (!f || !be)
		return LB_FLOW_UNUSED;
	return flow_hash_words(be->addr, f->saddr, lb_affine_ports(be->port, f->service_id),
			       lb_affine_proto(f->proto, f->service_id));
}

/* Whose entry was noted last is the client's. Who takes no new flow has lost it for good. */
static __always_inline void affinity_judge(struct affinity_search *s, __u32 backend)
{
	const struct lb_backend *be = backend_slot(backend_index(s->f->live, backend));
	__u64 hash, rest, state;
	struct lb_flow *way;
	__u32 silence;

	if (!be)
		return;
	hash = affinity_hash(s->f, be);
	way = lb_flow_find(flow_table(), hash, &rest);
	state = READ_ONCE(be->state);
	if (!way || lb_rest_backend(rest) != backend || !lb_rest_is_gen(rest, backend_gen(state)))
		return;
	if (!backend_is(state, LB_BE_IN_USE | LB_BE_READY)) {
		(void)lb_flow_free(way, hash, rest);
		return;
	}
	silence = lb_affine_silence(rest, (__u8)s->now);
	if (!lb_affine_holds(rest, s->affinity, (__u8)s->now) || silence >= s->silence)
		return;
	s->silence = silence;
	s->found = backend;
}

/* False: the flow's service is gone. */
static __always_inline bool affinity_begin(struct affinity_search *s)
{
	const struct lb_service *svc = service_at(s->f->slot);

	if (!svc)
		return false;
	s->affinity = READ_ONCE(svc->affinity);
	s->now = s->affinity & LB_AFFINITY_LONG ? age_now_long() : s->f->age;
	return true;
}

/* 1 ends the search. */
static long affinity_ask(__u32 i, void *ctx)
{
	struct affinity_search *s = ctx;
	__u64 row = s->f->row;
	__u32 backend = row & LB_ROW_BEYOND ? i : row_candidate(row, i);

	if (backend == LB_ROW_NONE)
		return 1;
	affinity_judge(s, backend);
	return 0;
}

/* The backend that the client keeps, whatever its row says; OWNER_NOBODY: none. */
__noinline int affinity_owner(const struct flow *f)
{
	struct affinity_search s = {.f = f, .silence = 256, .found = OWNER_NOBODY};
	const struct lb_service *svc;
	__u32 n = LB_CANDIDATES;

	if (!f)
		return OWNER_NOBODY;
	svc = service_at(f->slot);
	if (!svc || !affinity_begin(&s))
		return OWNER_NOBODY;
	if (f->row & LB_ROW_BEYOND)
		n = READ_ONCE(svc->n_backends);
	bpf_loop(n < LB_BEYOND_MAX ? n : LB_BEYOND_MAX, affinity_ask, &s, 0);
	return s.found;
}

/* The flow's client keeps this backend, an index within the service. */
static __always_inline bool affinity_keeps(const struct flow *f, __u32 backend)
{
	struct affinity_search s = {.f = f, .silence = 256, .found = OWNER_NOBODY};

	if (!(service_flags(f->live) & LB_SVC_AFFINITY) || !affinity_begin(&s))
		return false;
	affinity_judge(&s, backend);
	return s.found != OWNER_NOBODY;
}

/* In a settled row every client's backend is [0]. */
static __always_inline bool affinity_asks(const struct flow *f)
{
	return service_flags(f->live) & LB_SVC_AFFINITY && f->row & LB_ROW_UNSETTLED;
}
