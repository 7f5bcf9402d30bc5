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

/* The entry says that this backend, in this generation, has the flow. */
static __always_inline bool witness_entry(const struct lb_reply *r, const struct flow *f,
					  __u32 backend, __u8 gen)
{
	return r && reply_is_ours(r, f) && r->service_id == f->service_id &&
	       r->backend == backend && r->gen == gen;
}

/*
 * An established flow's entry lies in `reply`, so that is asked first; what is found there is kept
 * young, what is found among the first packets is moved there.
 */
static __always_inline bool witness_reply(const struct flow *f, const struct lb_backend *be,
					  __u32 backend, __u8 gen)
{
	struct lb_reply_key key;
	struct lb_reply *r;

	reply_key(&key, f, be);
	r = bpf_map_lookup_elem(&reply, &key);
	if (r) {
		if (!witness_entry(r, f, backend, gen))
			return false;
		if (r->age != f->age)
			r->age = f->age;
		return true;
	}
	if (!witness_entry(bpf_map_lookup_elem(&reply_new, &key), f, backend, gen))
		return false;
	if (flow_goes_on(f))
		reply_establish(f, be, backend);
	return true;
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
	tuple.ipv4.saddr = f->saddr[3];
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

/* Whether a backend, an index within the service, knows this flow: its generation, or 0. */
__noinline int witness_ask(struct xdp_md *ctx, const struct flow *f, __u32 backend)
{
	struct lb_backend *be;
	__u64 state;

	if (!f)
		return 0;
	be = backend_slot(backend_index(f->live, backend));
	if (!be)
		return 0;
	state = READ_ONCE(be->state);
	if (!backend_is(state, LB_BE_IN_USE))
		return 0;
	if (witness_reply(f, be, backend, backend_gen(state)))
		return backend_gen(state);
	if (f->proto != IPPROTO_TCP || !witness_socket(ctx, f, be, backend_nsid(state)))
		return 0;
	reply_establish(f, be, backend);
	return backend_gen(state);
}

/* The same for a packet that is not the flow's own: only the reply tables, and nothing changes. */
__noinline bool witness_recalls(const struct flow *f, __u32 backend)
{
	struct lb_reply_key key;
	struct lb_backend *be;
	__u64 state;

	if (!f)
		return false;
	be = backend_slot(backend_index(f->live, backend));
	if (!be)
		return false;
	state = READ_ONCE(be->state);
	reply_key(&key, f, be);
	return backend_is(state, LB_BE_IN_USE) &&
	       witness_entry(reply_find(&key), f, backend, backend_gen(state));
}
