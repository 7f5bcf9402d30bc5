/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose entry of the flow table is this? An entry names its front end by the slot of its service.
 * The agent uses no slot again while an entry names it, so the slot, in use or not, still says what
 * it was. A service may lie in two slots while it moves; it has one id in both.
 *
 * A flow with a backend on another node has one entry, whoever that backend is. Nobody answers it
 * here, so it is kept by its client's packets, and no more than *answered*: whoever sends them need
 * not be there, so such entries are given up before others' are (lb_rest_is_spare()).
 */
#pragma once

#include "flow.h"

#include "backend.h"
#include "scratch.h"
#include "service.h"

enum entry_owner {
	ENTRY_OURS,     /* of the flow's own service */
	ENTRY_SAME_VIP, /* of a service that was at this VIP and port before */
	ENTRY_ANOTHERS,
};

static __always_inline enum entry_owner entry_owner_slow(const struct flow *f, __u64 rest)
{
	const struct lb_service *mine = service_at(f->slot), *its = service_at(lb_rest_slot(rest));

	if (!mine || !its)
		return ENTRY_ANOTHERS;
	if (its->id == f->service_id)
		return ENTRY_OURS;
	return service_key_is(&its->key, &mine->key) ? ENTRY_SAME_VIP : ENTRY_ANOTHERS;
}

static __always_inline enum entry_owner entry_owner(const struct flow *f, __u64 rest)
{
	return likely(lb_rest_slot(rest) == f->slot) ? ENTRY_OURS : entry_owner_slow(f, rest);
}

/* Another's, who may still need it. */
static __always_inline bool entry_is_taken(const struct flow *f, enum entry_owner owner, __u64 rest)
{
	return owner == ENTRY_ANOTHERS && lb_rest_state(rest) != LB_FLOW_CLOSING &&
	       !lb_rest_is_dead(rest, f->age);
}

/* The flow is this backend's, in the generation that its slot has now. */
static __always_inline bool entry_is_of(enum entry_owner owner, __u64 rest, __u32 backend,
					__u64 state)
{
	return owner == ENTRY_OURS && lb_rest_backend(rest) == backend &&
	       lb_rest_is_gen(rest, backend_gen(state));
}

/* A function of its own, since two families inline would be verified again in each of many paths.
 */
__noinline __u64 entry_hash(const struct flow *f, const struct lb_backend *be)
{
	if (!f || !be)
		return LB_FLOW_UNUSED;
	if (unlikely(!backend_is(READ_ONCE(be->state), LB_BE_LOCAL)))
		return flow_hash_words(f->daddr, f->saddr, lb_flow_ports(f->dport, f->sport),
				       lb_remote_proto(f->proto, f->domain));
	return flow_hash(be->addr, be->port, f->saddr, f->sport, f->proto);
}

/* The entry by which this backend's answers to the flow are known. */
static __always_inline struct lb_flow *entry_find(const struct flow *f, const struct lb_backend *be,
						  __u64 *ret_rest)
{
	return lb_flow_find(flow_table(), entry_hash(f, be), ret_rest);
}
