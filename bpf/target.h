/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet goes, as far as that is known without looking at its flow: the service and the
 * row. Also for a packet that only an ICMP error quotes, seen the way its client sent it.
 */
#pragma once

#include "common.h"
#include "flow.h"
#include "row.h"
#include "service.h"

struct target {
	struct lb_service *service;
	__u64 live;
	__u64 row;
	__u32 row_index;
	__u32 ifindex;
	__u16 domain;
};

/* The service of a key that has all but the domain. */
static __always_inline bool target_service(const struct xdp_md *ctx, struct lb_service_key *key,
					   struct target *t)
{
	t->ifindex = ctx->ingress_ifindex;
	t->domain = service_domain(t->ifindex);
	key->domain = t->domain;
	t->service = service_find(key, &t->live);
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
static __always_inline void target_fill(struct flow *f, const struct target *t, __u64 hash)
{
	f->row = t->row;
	f->live = t->live;
	f->hash = hash;
	f->service_id = t->service->id;
	f->row_index = t->row_index;
	f->ifindex = t->ifindex;
	f->domain = t->domain;
	f->age = age_now();
	f->zero = 0;
}
