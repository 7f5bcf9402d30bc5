/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reply entries: from a reply's own tuple, as tc_reply sees it leave, to the VIP it must carry.
 * First packets write `reply_new`, a small LRU; the second packet moves the entry to `reply`. So a
 * flood of first packets evicts first packets, never the replies of established connections.
 *
 * The key does not name the VIP. Two front ends that share a backend may therefore meet on one
 * client port, and the second connection would kill the first. Whoever wants a key has to claim it:
 * a key that a living flow of another VIP holds is refused, and the caller tries the row's next
 * candidate.
 */
#pragma once

#include "maps.h"

#include "backend.h"
#include "common.h"
#include "flow.h"

static __always_inline void reply_key(struct lb_reply_key *key, const struct flow *f,
				      const struct lb_backend *be)
{
	__builtin_memcpy(key->backend, be->addr, sizeof(key->backend));
	addr_from_v4(key->client, f->saddr);
	key->backend_port = be->port;
	key->client_port = f->sport;
	key->proto = f->proto;
	key->zero[0] = 0;
	key->zero[1] = 0;
	key->zero[2] = 0;
}

static __always_inline void reply_fill(struct lb_reply *r, const struct flow *f, __u32 backend,
				       __u8 gen)
{
	__builtin_memset(r, 0, sizeof(*r));
	addr_from_v4(r->vip, f->daddr);
	r->vip_port = f->dport;
	r->domain = f->domain;
	r->service_id = f->service->id;
	r->ifindex = f->ifindex;
	r->backend = (__u16)backend;
	r->age = f->age;
	r->gen = gen;
}

/* The entry belongs to this packet's VIP. */
static __always_inline bool reply_is_ours(const struct lb_reply *r, const struct flow *f)
{
	return r->vip[3] == f->daddr && r->vip[2] == V4_PREFIX && r->vip_port == f->dport &&
	       r->domain == f->domain;
}

static __always_inline bool reply_is_alive(const struct lb_reply *r, __u8 proto, __u16 now)
{
	__u16 silent = now - r->age;

	return !(r->flags & LB_REPLY_CLOSED) &&
	       silent <= (proto == IPPROTO_TCP ? LB_AGES_TCP : LB_AGES_UDP);
}

static __always_inline struct lb_reply *reply_find(const struct lb_reply_key *key)
{
	struct lb_reply *r = bpf_map_lookup_elem(&reply, key);

	return r ? r : bpf_map_lookup_elem(&reply_new, key);
}

/*
 * Takes the reply's key for this flow: fresh, again, or from a flow that is over. False: a living
 * flow of another VIP holds it, or there was no room. A reader of an entry that is taken over may
 * see half of it; the flow it belonged to is dead.
 */
static __noinline bool reply_claim(const struct flow *f, const struct lb_backend *be, __u32 backend)
{
	struct lb_reply_key key;
	struct lb_reply fresh, *held;
	__u8 gen = backend_gen(READ_ONCE(be->state));

	reply_key(&key, f, be);
	reply_fill(&fresh, f, backend, gen);
	held = reply_find(&key);
	if (!held)
		return !bpf_map_update_elem(&reply_new, &key, &fresh, BPF_NOEXIST);
	if (!reply_is_ours(held, f) && reply_is_alive(held, f->proto, f->age))
		return false;
	*held = fresh;
	return true;
}

/* Sees to it that an established flow's entry is in `reply`: moves it there, or makes it anew. */
static __noinline void reply_establish(const struct flow *f, const struct lb_backend *be,
				       __u32 backend)
{
	struct lb_reply_key key;
	struct lb_reply fresh, *held;

	reply_key(&key, f, be);
	held = bpf_map_lookup_elem(&reply, &key);
	if (held) {
		if (reply_is_ours(held, f))
			held->age = f->age;
		return;
	}
	held = bpf_map_lookup_elem(&reply_new, &key);
	if (held && !reply_is_ours(held, f))
		return;
	reply_fill(&fresh, f, backend, backend_gen(READ_ONCE(be->state)));
	if (held)
		fresh.flags = held->flags;
	if (!bpf_map_update_elem(&reply, &key, &fresh, BPF_NOEXIST) && held)
		bpf_map_delete_elem(&reply_new, &key);
}

/* The client reset the connection: its key may be taken. */
static __noinline void reply_close(const struct flow *f, const struct lb_backend *be)
{
	struct lb_reply_key key;
	struct lb_reply *held;

	reply_key(&key, f, be);
	held = reply_find(&key);
	if (held && reply_is_ours(held, f))
		held->flags |= LB_REPLY_CLOSED;
}
