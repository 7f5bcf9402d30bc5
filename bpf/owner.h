/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns a flow of an unsettled row? Two witnesses are asked. The flow table knows what passed
 * through this node, by each candidate's tuple. For TCP the sockets of a backend's own network
 * namespace know every connection that lives, also one that came by way of another node before. A
 * listener is no witness: it would take anything.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "entry.h"
#include "row.h"

enum owner_question {
	OWNER_OF_PACKET, /* of a flow that sends; its entry is kept as it is known now */
	OWNER_OF_NEW,    /* whose connection may begin: the backend must be ready */
	OWNER_OF_QUOTE,  /* that somebody else speaks of: nothing changes */
};

#define OWNER_NOBODY (-1)

/*
 * What the packet makes of the rest of its flow's entry, whose backend has this state. The row may
 * have another number since, the slot too. UDP is kept young by its client, too, and what is on
 * another node by nobody else (entry.h). A function of its own, for the verifier.
 */
__noinline __u64 owner_heard(const struct flow *f, __u64 rest, __u64 state)
{
	bool is_remote = !backend_is(state, LB_BE_LOCAL);

	if (!f)
		return rest;
	if (is_remote && f->tcp_flags & (TCP_FIN | TCP_RST))
		rest = lb_rest_with_state(rest, LB_FLOW_CLOSING);
	else if (is_remote && lb_rest_state(rest) == LB_FLOW_NEW)
		rest = lb_rest_with_state(rest, LB_FLOW_ANSWERED);
	return lb_rest(f->slot, f->row_in, lb_rest_backend(rest), (__u8)(rest >> 48),
		       is_remote || f->proto == IPPROTO_UDP ? f->age : lb_rest_age(rest));
}

static __always_inline void owner_keep(const struct flow *f, struct lb_flow *way, __u64 rest,
				       __u64 state)
{
	__u64 now = owner_heard(f, rest, state);

	if (now != rest)
		(void)lb_flow_change(way, rest, now);
}

/* State of the flow's entry with this backend, an index within the service; 0: it has none. */
static __always_inline __u32 owner_state(const struct flow *f, __u32 backend,
					 enum owner_question what)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	__u32 flags = LB_BE_IN_USE | (what == OWNER_OF_NEW ? LB_BE_READY : 0);
	struct lb_flow *way;
	__u64 state, rest;

	if (!be)
		return 0;
	state = READ_ONCE(be->state);
	if (!backend_is(state, flags))
		return 0;
	way = entry_find(f, be, &rest);
	if (!way || !entry_is_of(entry_owner(f, rest), rest, backend, state))
		return 0;
	if (what == OWNER_OF_PACKET)
		owner_keep(f, way, rest, state);
	return lb_rest_state(rest);
}

/*
 * The candidate that has an entry for the flow, an index within the service, or OWNER_NOBODY. One
 * whose connection has ended is the owner only if no other is, and never of a new one.
 */
__noinline int owner_by_entry(const struct flow *f, enum owner_question what)
{
	int closing = OWNER_NOBODY;

	if (!f)
		return OWNER_NOBODY;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i), state;

		if (backend == LB_ROW_NONE)
			break;
		state = owner_state(f, backend, what);
		if (state && state != LB_FLOW_CLOSING)
			return backend;
		if (state && closing == OWNER_NOBODY)
			closing = backend;
	}
	return what == OWNER_OF_NEW ? OWNER_NOBODY : closing;
}

/* Whether a socket of this backend, an index within the service, knows the flow. */
__noinline bool owner_by_socket(struct xdp_md *ctx, const struct flow *f, __u32 backend)
{
	struct bpf_sock_tuple tuple = {};
	struct lb_backend *be;
	struct bpf_sock *sk;
	__u64 state, netns;
	__u32 nsid;
	bool knows;

	if (!f)
		return false;
	be = backend_slot(backend_index(f->live, backend));
	if (!be)
		return false;
	state = READ_ONCE(be->state);
	nsid = backend_nsid(state);
	if (!backend_is(state, LB_BE_IN_USE) || !nsid)
		return false;
	netns = nsid == LB_BE_NSID_SELF ? (__u64)BPF_F_CURRENT_NETNS : nsid - 1;
	if (addr_is_v4(be->addr)) {
		tuple.ipv4.saddr = f->saddr[3];
		tuple.ipv4.daddr = be->addr[3];
		tuple.ipv4.sport = f->sport;
		tuple.ipv4.dport = be->port;
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), netns, 0);
	} else {
		addr_copy(tuple.ipv6.saddr, f->saddr);
		addr_copy(tuple.ipv6.daddr, be->addr);
		tuple.ipv6.sport = f->sport;
		tuple.ipv6.dport = be->port;
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), netns, 0);
	}
	if (!sk)
		return false;
	knows = sk->state != BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return knows;
}
