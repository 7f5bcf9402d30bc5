/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes entries of the flow table, as the programs do it: with what flow_insert.h asks for, and
 * with the count of living flows that lost theirs.
 */
#pragma once

#include "common.h"
#include "flow.h"
#include "row.h"
#include "service.h"
#include "stats.h"

/* The row is not to settle by a walk that may have missed one of its flows. */
static __always_inline void flow_moved(__u64 rest)
{
	const struct lb_service *svc = service_at(lb_rest_slot(rest));
	__u64 live = svc ? READ_ONCE(svc->live) : 0, *row;

	row = row_slot(row_index(live, 0) + lb_rest_row(rest));
	if (live && row && (READ_ONCE(*row) & LB_ROW_UNSETTLED))
		__sync_fetch_and_or(row, LB_ROW_MARKED);
}

#include "flow_insert.h"

/* Apart from the looking because of the stack: 512 bytes must do for a whole chain of calls. */
__noinline bool flow_make(const struct lb_flow_new *entry)
{
	int made;

	if (!entry)
		return false;
	made = lb_flow_insert(flow_table(), entry);
	if (unlikely(made == LB_FLOW_MADE_BY_EVICTION))
		stats_drop(LB_DROP_FLOW_EVICTED);
	return made >= LB_FLOW_MADE;
}
