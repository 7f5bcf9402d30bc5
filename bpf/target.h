/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet goes, as far as that is known without looking at its flow: the service and the
 * row. Also for a packet that only an ICMP error speaks of, seen the way its client sent it.
 */
#pragma once

#include "common.h"
#include "flow.h"
#include "parse.h"
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

static __always_inline bool target_service(const struct xdp_md *ctx, const struct packet *p,
					   struct target *t)
{
	struct lb_service_key key;

	t->ifindex = ctx->ingress_ifindex;
	t->domain = service_domain(t->ifindex);
	service_key_v4(&key, p->daddr, t->domain);
	key.port = p->dport;
	key.proto = p->proto;
	t->service = service_find(&key, &t->live);
	return t->service;
}

/* The service's row for this packet; false: it has none, or nothing in it. */
static __always_inline bool target_row(const struct packet *p, struct target *t)
{
	bool sticky = service_flags(t->live) & LB_SVC_AFFINITY;
	__u32 saddr[4];
	__u64 *slot;

	addr_from_v4(saddr, p->saddr);
	if (unlikely(!row_exists(t->live) || service_flags(t->live) & LB_SVC_NO_BACKENDS))
		return false;
	t->row_index =
		row_index(t->live, lb_wire_flow_hash(saddr, sticky ? 0 : p->sport,
						     sticky ? 0 : p->dport, t->service->seed));
	slot = row_slot(t->row_index);
	if (!slot)
		return false;
	t->row = READ_ONCE(*slot);
	return row_candidate(t->row, 0) != LB_ROW_NONE;
}

static __always_inline struct flow target_flow(const struct packet *p, const struct target *t,
					       __u64 hash)
{
	return (struct flow){
		.row = t->row,
		.live = t->live,
		.hash = hash,
		.service_id = t->service->id,
		.row_index = t->row_index,
		.ifindex = t->ifindex,
		.saddr = p->saddr,
		.daddr = p->daddr,
		.sport = p->sport,
		.dport = p->dport,
		.domain = t->domain,
		.age = age_now(),
		.proto = p->proto,
		.tcp_flags = p->tcp_flags,
	};
}
