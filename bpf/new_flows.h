/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many flows of a service may get an entry: so many in a window of about a second. Windows are
 * counted by jiffies, which cost nothing, and while none is left nobody writes, so that all CPUs
 * may ask for the same service at a time.
 *
 * A flow beyond that is let in without an entry (unrecorded.h): its packets go to the first of its
 * row, as ever, and the answers find back by what is remembered. Its entry is made by its backend's
 * first packet that is more than a SYN-ACK (reply_unrecorded.h), so a flow that lives has one.
 *
 * Before that its source is looked at (sources.h). Those that have proven themselves may have as
 * many entries again.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "scratch.h"
#include "sources.h"
#include "stats.h"
#include "unrecorded.h"

#define NEW_FLOWS_MOST 16000000u /* in a window: what is counted must not reach its number */

/* One of `most` entries in this window; false: they are used up. */
static __always_inline bool new_flows_take(struct lb_new_flows *n, __u32 most)
{
	__u32 begin = sources_window() << LB_SPENT_SHIFT, spent = READ_ONCE(n->spent);

	if (unlikely((spent ^ begin) >> LB_SPENT_SHIFT)) {
		if (__sync_val_compare_and_swap(&n->spent, spent, begin + 1) == spent)
			return true;
		spent = READ_ONCE(n->spent); /* who comes second takes his from the new one */
	}
	if ((spent & LB_LIMIT_FLOWS_MASK) >= most)
		return false;
	__sync_fetch_and_add(&n->spent, 1);
	return true;
}

/* The service of this slot has room for one more within its rate, of which that takes a part; NULL:
 * not. */
static __always_inline struct lb_new_flows *new_flows_room(__u32 slot)
{
	struct lb_new_flows *n = bpf_map_lookup_elem(&new_flows, &slot);
	__u32 most = n ? READ_ONCE(n->limit) & LB_LIMIT_FLOWS_MASK : 0;

	return n && (!most || new_flows_take(n, most)) ? n : NULL;
}

/*
 * One flow more has begun. Not by processor: `spent`, in the same line, is one word for all of
 * them, too, and a word for each would be half a megabyte for each.
 */
static __always_inline void new_flows_count(struct lb_new_flows *n)
{
	__sync_fetch_and_add(&n->begun, 1);
}

/* The same where the service's word is not at hand. */
static __always_inline void new_flows_begin(const struct flow *f)
{
	__u32 slot = f->slot;
	struct lb_new_flows *n = bpf_map_lookup_elem(&new_flows, &slot);

	if (n)
		new_flows_count(n);
}

/* A SYN, or what stands for one. */
static __always_inline bool new_flows_is_first(const struct flow *f)
{
	return (f->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Lets the flow go to the backend without an entry; an enum lb_drop says why not. */
static __always_inline enum lb_drop new_flows_let(const struct flow *f, const struct lb_backend *be)
{
	__u64 backend = unrecorded_backend(be->addr, be->port, f->proto);
	__u16 turn = unrecorded_turn();
	__u64 *owner = unrecorded_owner_word(backend);
	__u64 *word = unrecorded_word(f->entry.hash, turn);

	if (!owner || !word)
		return LB_DROP_BEYOND;
	if (!lb_unrecorded_claim(owner,
				 lb_unrecorded_owner(backend, f->slot, (__u8)f->service_id, turn)))
		return LB_DROP_BEYOND;
	if (!lb_unrecorded_mark(word, f->entry.hash, turn))
		return LB_DROP_BEYOND;
	stats_drop(LB_DROP_UNRECORDED);
	return LB_DROP_NONE;
}

/* The flow is let in without an entry. */
#define NEW_FLOWS_UNRECORDED 1

/*
 * Whether the flow, which has none with this backend, gets an entry: 0. Or NEW_FLOWS_UNRECORDED, or
 * an enum lb_drop, negative. `is_first`: the backend is its row's first, where its packets would go
 * without an entry.
 */
__noinline int new_flows_ask(const struct flow *f, __u32 backend, bool is_first)
{
	struct lb_new_flows *n;
	struct lb_backend *be;
	enum lb_drop reason;
	__u32 slot, limit, most;

	if (!f)
		return 0;
	slot = f->slot;
	n = bpf_map_lookup_elem(&new_flows, &slot);
	limit = n ? READ_ONCE(n->limit) : 0;
	most = limit & LB_LIMIT_FLOWS_MASK;
	if (!most || new_flows_take(n, most))
		return 0;
	if (new_flows_is_first(f)) {
		reason = sources_ask(f, limit);
		if (reason)
			return -(int)reason;
		if (limit & LB_LIMIT_CHECK && f->proto == IPPROTO_TCP &&
		    new_flows_take(n, most < NEW_FLOWS_MOST / 2 ? 2 * most : NEW_FLOWS_MOST))
			return 0;
	}
	be = backend_slot(backend_index(f->live, backend));
	if (!be || !is_first)
		return -LB_DROP_BEYOND;
	if (!backend_is(READ_ONCE(be->state), LB_BE_LOCAL)) /* its node looks after its answers */
		return NEW_FLOWS_UNRECORDED;
	reason = new_flows_let(f, be);
	return reason ? -(int)reason : NEW_FLOWS_UNRECORDED;
}
