/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows that the kernel has, beside ours: a packet of a flow that we have rewritten never comes to
 * the kernel as it is, nor the other way round, for either resets the connection (DESIGN 7.2, "one
 * owner for life"). Nearly always nothing is shared, and a flag of the service, which was read
 * anyway, says so. Else:
 *
 *   kernel flows   a table names the flows that are the kernel's, all others are ours
 *   taking over    we have just begun and the table may lack some: ours is what begins now, and
 *                  what has an entry in the flow table since it began. All else is the kernel's
 *   handing back   we are about to end: ours is what has an entry. All else is the kernel's, and
 *                  stays so since it gets none
 *
 * Where the table has gone, as by an upgrade to another format of it, "kernel flows" is as good as
 * taking over: what it named has no entry.
 */
#pragma once

#include "common.h"
#include "entry.h"
#include "kernel_flow_state.h"
#include "owner.h"
#include "scratch.h"
#include "select.h"
#include "service.h"
#include "target.h"

static __always_inline bool kernel_flow_asks(__u64 live)
{
	return service_flags(live) & LB_SVC_SHARED;
}

static __always_inline void *kernel_flow_table(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&kernel_flows, &zero);
}

/* The table names the flow. Of it the target need not be filled in. */
__noinline bool kernel_flow_is_named(const struct flow *f)
{
	struct lb_kernel_flow key = {};
	void *table = kernel_flow_table();
	__u32 *state, now, next;

	if (!f || !table)
		return false;
	addr_copy(key.client, f->saddr);
	addr_copy(key.vip, f->daddr);
	key.client_port = f->sport;
	key.port = f->dport;
	key.proto = f->proto;
	state = bpf_map_lookup_elem(table, &key);
	if (!state)
		return false;
	now = READ_ONCE(*state);
	next = lb_kernel_flow_next(now, new_flows_is_first(f), f->tcp_flags & (TCP_FIN | TCP_RST));
	if (next != now)
		WRITE_ONCE(*state, next);
	return next != LB_KERNEL_FLOW_OVER;
}

/* What is left of the connection that had the ports before would claim the kernel's next one. */
__noinline bool kernel_flow_forget(const struct flow *f, __u32 backend)
{
	struct lb_backend *be = f ? backend_slot(backend_index(f->live, backend)) : NULL;
	struct lb_flow *way;
	__u64 rest;

	if (!be)
		return false;
	way = entry_find(f, be, &rest);
	if (!way || entry_owner(f, rest) != ENTRY_OURS)
		return false;
	return lb_flow_free(way, entry_hash(f, be), rest);
}

/* A service that is handed back: whether what begins is the kernel's. */
static __always_inline bool kernel_flow_begins(const struct flow *f)
{
	if (owner_by_any_entry(f, OWNER_OF_NEW) != OWNER_NOBODY)
		return false;
	for (__u32 i = 0; i < LB_CANDIDATES; i++)
		if (row_candidate(f->row, i) != LB_ROW_NONE)
			(void)kernel_flow_forget(f, row_candidate(f->row, i));
	return true;
}

static __always_inline bool kernel_flow_has(const struct flow *f)
{
	__u32 flags = service_flags(f->live);

	if (flags & (LB_SVC_KERNEL_FLOWS | LB_SVC_TAKING_OVER) && kernel_flow_is_named(f))
		return true;
	if (flags & LB_SVC_KERNEL_FLOWS && !kernel_flow_table())
		flags |= LB_SVC_TAKING_OVER;
	if (!(flags & (LB_SVC_TAKING_OVER | LB_SVC_HANDING_BACK)))
		return false;
	if (new_flows_is_first(f))
		return flags & LB_SVC_HANDING_BACK && kernel_flow_begins(f);
	return owner_by_any_entry(f, OWNER_OF_QUOTE) == OWNER_NOBODY;
}

/* Whether the kernel has the flow, whose target was found, if only its service. Under a blackhole
 * nobody has. */
__noinline bool kernel_flow_takes(const struct flow *f)
{
	return f && kernel_flow_asks(f->live) && !(service_flags(f->live) & LB_SVC_BLACKHOLE) &&
	       kernel_flow_has(f);
}
