/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns a flow that the flow cache does not know? A per-CPU cache cannot tell: after a rehash at
 * the routers or in the NIC the flow arrives elsewhere. Two witnesses are asked, both of the whole
 * node: the reply table, and for TCP the sockets of the backend's own network namespace, which know
 * every connection that lives. A listener is no witness: it would take anything.
 */
#pragma once

#include "maps.h"

#include "backend.h"
#include "common.h"
#include "reply.h"

static __always_inline bool witness_reply(const struct flow *f, const struct lb_backend *be,
					  __u32 backend, __u8 gen)
{
	struct lb_reply_key key;
	struct lb_reply *r;

	reply_key(&key, f, be);
	r = reply_find(&key);
	return r && reply_is_ours(r, f) && r->service_id == f->service->id &&
	       r->backend == backend && r->gen == gen;
}

static __always_inline bool witness_socket(struct xdp_md *ctx, const struct flow *f,
					   const struct lb_backend *be, __u32 nsid)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	__u64 netns = nsid == LB_BE_NSID_SELF ? (__u64)BPF_F_CURRENT_NETNS : nsid - 1;
	bool knows;

	if (!nsid)
		return false;
	tuple.ipv4.saddr = f->saddr;
	tuple.ipv4.daddr = be->addr[3];
	tuple.ipv4.sport = f->sport;
	tuple.ipv4.dport = be->port;
	sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), netns, 0);
	if (!sk)
		return false;
	knows = sk->state != BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return knows;
}

/* Whether a backend, an index within the service, knows this flow. */
static __noinline bool witness_knows(struct xdp_md *ctx, const struct flow *f, __u32 backend)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	__u64 state;

	if (!be)
		return false;
	state = READ_ONCE(be->state);
	if (!backend_is(state, LB_BE_IN_USE))
		return false;
	if (witness_reply(f, be, backend, backend_gen(state)))
		return true;
	if (f->proto != IPPROTO_TCP || !witness_socket(ctx, f, be, backend_nsid(state)))
		return false;
	reply_establish(f, be, backend);
	return true;
}
