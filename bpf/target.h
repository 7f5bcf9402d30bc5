/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet goes, as far as that is known without looking at its flow: the service and the
 * row. Also for a packet that only an ICMP error quotes, seen the way its client sent it.
 */
#pragma once

#include "common.h"
#include "row.h"
#include "scratch.h"
#include "service.h"

struct target {
	struct lb_service *service;
	__u64 live;
	__u64 row;
	__u64 uplink; /* of the common case: the word of `uplinks` at the place of its device */
	__u32 slot;
	__u32 row_index;
};

static __always_inline bool target_service(const struct lb_service_key *key, struct target *t)
{
	t->service = service_find(key, &t->slot, &t->live);
	return t->service;
}

/* The service's row for this client; false: it has none, or nothing in it. */
static __always_inline bool target_row(const __u32 saddr[4], __be16 sport, __be16 dport,
				       struct target *t)
{
	bool sticky = service_flags(t->live) & LB_SVC_AFFINITY;
	__u64 *slot;

	if (unlikely(!row_exists(t->live) || service_flags(t->live) & LB_SVC_NO_BACKENDS))
		return false;
	t->row_index = row_index(t->live, lb_wire_flow_hash(saddr, sticky ? 0 : sport,
							    sticky ? 0 : dport, t->service->seed));
	slot = row_slot(t->row_index);
	if (!slot)
		return false;
	t->row = READ_ONCE(*slot);
	return row_candidate(t->row, 0) != LB_ROW_NONE;
}

/* What of a flow is known by its target. */
static __always_inline void target_fill(struct flow *f, const struct target *t)
{
	f->row = t->row;
	f->live = t->live;
	f->service_id = t->service->id;
	f->slot = (__u16)t->slot;
	f->row_index = t->row_index;
	f->row_in = (__u16)(t->row_index - row_index(t->live, 0));
	f->age = age_now();
	f->zero = 0;
}

/*
 * Service and row of a flow of which domain, addresses, ports and protocol are filled in:
 * LB_DROP_NONE, and so is the rest. LB_DROP_NO_BACKEND: the same, with an empty row.
 * LB_DROP_UNKNOWN_PORT: there is no service.
 */
__noinline int target_find(struct flow *f)
{
	struct lb_service_key key = {};
	struct target t = {};
	int odd = LB_DROP_NONE;

	if (!f)
		return LB_DROP_UNKNOWN_PORT;
	addr_copy(key.addr, f->daddr);
	key.domain = f->domain;
	key.port = f->dport;
	key.proto = f->proto;
	if (!target_service(&key, &t))
		return LB_DROP_UNKNOWN_PORT;
	if (!target_row(f->saddr, f->sport, f->dport, &t)) {
		t.row = LB_ROW_EMPTY;
		odd = LB_DROP_NO_BACKEND;
	}
	target_fill(f, &t);
	return odd;
}
