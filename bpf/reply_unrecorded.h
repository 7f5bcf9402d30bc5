/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers to flows that have no entry, since they began while their service was beyond its rate
 * (new_flows.h). A SYN-ACK or a reset is turned and no more; anything else says that the flow
 * lives, and makes its entry.
 *
 * The row says which backend of the service it is. If its row does not name it any more, the flow
 * gets no entry and is turned by what is remembered for some seconds.
 */
#pragma once

#include "answer.h"
#include "backend.h"
#include "common.h"
#include "flow_make.h"
#include "reply_affinity.h"
#include "row.h"
#include "service.h"
#include "unrecorded.h"

#define REPLY_NOBODY (-1)

/* The answer says that a connection lives, or that it did: it is no SYN-ACK and no reset. */
static __always_inline bool reply_is_of_living(const struct answer *a)
{
	return a->proto == IPPROTO_UDP || !(a->tcp_flags & (TCP_SYN | TCP_RST));
}

static __always_inline bool reply_is_from(const struct answer *a, const struct lb_backend *be)
{
	return be->port == a->backend_port && addr_is(be->addr, a->backend) &&
	       backend_is(READ_ONCE(be->state), LB_BE_IN_USE);
}

/* Which of its row's candidates has sent this; LB_CANDIDATES: none. Global for 6.1's sake. */
__noinline int reply_candidate(const struct answer *a, __u64 live, __u64 row)
{
	if (!a)
		return LB_CANDIDATES;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(row, i);
		struct lb_backend *be = backend_slot(backend_index(live, backend));

		if (backend == LB_ROW_NONE || !be)
			break;
		if (reply_is_from(a, be))
			return i;
	}
	return LB_CANDIDATES;
}

/* Makes the entry of a flow to the service in this slot. Not by who finds the slot: the stack of
 * all that are called ends at 512 bytes, also as newer compilers fill it. */
__noinline bool reply_record(const struct answer *a, __u32 slot)
{
	struct lb_flow_new entry = {};
	struct lb_service *svc = service_at(slot);
	struct lb_backend *be;
	__u64 live, row, *word;
	bool sticky;
	__u32 index, i, backend;

	if (!a || !svc)
		return false;
	live = READ_ONCE(svc->live);
	if (!row_exists(live))
		return false;
	sticky = service_flags(live) & LB_SVC_AFFINITY;
	index = row_index(live, lb_wire_flow_hash(a->client, sticky ? 0 : a->client_port,
						  sticky ? 0 : svc->key.port, svc->seed));
	word = row_slot(index);
	if (!word)
		return false;
	row = READ_ONCE(*word);
	i = reply_candidate(a, live, row);
	if (i >= LB_CANDIDATES)
		return false;
	backend = row_candidate(row, i);
	be = backend_slot(backend_index(live, backend));
	if (!be)
		return false;
	entry.now = age_now();
	entry.hash = flow_hash(a->backend, a->backend_port, a->client, a->client_port, a->proto);
	entry.rest = lb_rest_after_answer(
		lb_rest((__u16)slot, (__u16)(index - row_index(live, 0)), (__u16)backend,
			lb_flow_state(LB_FLOW_NEW, a->proto == IPPROTO_UDP,
				      backend_gen(READ_ONCE(be->state))),
			entry.now),
		a->tcp_flags & TCP_FIN, false, false, entry.now);
	if (!flow_make(&entry))
		return false;
	if (i)
		row_mark(index);
	if (lb_rest_state(entry.rest) == LB_FLOW_ESTABLISHED)
		(void)reply_affinity_note(a, entry.rest);
	return true;
}

/* The slot of the service that such an answer is of, or REPLY_NOBODY. */
__noinline int reply_unrecorded(const struct answer *a)
{
	__u16 turn = unrecorded_turn();
	struct lb_service *svc;
	__u64 backend, hash, owner, *at, *now, *before;

	if (!a)
		return REPLY_NOBODY;
	backend = unrecorded_backend(a->backend, a->backend_port, a->proto);
	at = unrecorded_owner_word(backend);
	owner = at ? READ_ONCE(*at) : 0;
	if (likely(!lb_unrecorded_is_of(owner, backend, turn)))
		return REPLY_NOBODY;
	hash = flow_hash(a->backend, a->backend_port, a->client, a->client_port, a->proto);
	now = unrecorded_word(hash, turn);
	before = unrecorded_word(hash, turn - 1);
	if (!now || !before ||
	    !(lb_unrecorded_has(now, hash, turn) || lb_unrecorded_has(before, hash, turn - 1)))
		return REPLY_NOBODY;
	svc = service_at(lb_unrecorded_slot(owner));
	if (!svc || (__u8)svc->id != lb_unrecorded_id(owner))
		return REPLY_NOBODY;
	return lb_unrecorded_slot(owner);
}
