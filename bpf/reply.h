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
	addr_copy(key->client, f->saddr);
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
	addr_copy(r->vip, f->daddr);
	r->vip_port = f->dport;
	r->domain = f->domain;
	r->service_id = f->service_id;
	r->ifindex = f->ifindex;
	r->backend = (__u16)backend;
	r->age = f->age;
	r->gen = gen;
}

/* The entry belongs to this packet's VIP. */
static __always_inline bool reply_is_ours(const struct lb_reply *r, const struct flow *f)
{
	return addr_is(r->vip, f->daddr) && r->vip_port == f->dport && r->domain == f->domain;
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

/* Sees to it that an established flow's entry is in `reply`: moves it there, or makes it anew. */
__noinline bool reply_establish(const struct flow *f, const struct lb_backend *be, __u32 backend)
{
	struct lb_reply_key key;
	struct lb_reply fresh, *held;

	if (!f || !be)
		return false;
	reply_key(&key, f, be);
	held = bpf_map_lookup_elem(&reply, &key);
	if (held) {
		if (reply_is_ours(held, f))
			held->age = f->age;
		return true;
	}
	held = bpf_map_lookup_elem(&reply_new, &key);
	if (held && !reply_is_ours(held, f))
		return false;
	reply_fill(&fresh, f, backend, backend_gen(READ_ONCE(be->state)));
	if (held)
		fresh.flags = held->flags;
	if (!bpf_map_update_elem(&reply, &key, &fresh, BPF_NOEXIST) && held)
		bpf_map_delete_elem(&reply_new, &key);
	return true;
}

enum reply_claimed {
	REPLY_REFUSED, /* a living flow of another VIP holds the key, or there was no room */
	REPLY_FRESH,
	REPLY_AGAIN, /* the flow had it already */
};

/*
 * Takes the reply's key for this flow: fresh, again, or from a flow that is over. A reader of an
 * entry that is taken over may see half of it; the flow it belonged to is dead.
 */
__noinline int reply_claim(const struct flow *f, const struct lb_backend *be, __u32 backend)
{
	struct lb_reply_key key;
	struct lb_reply fresh, *held;
	bool ours;

	if (!f || !be)
		return REPLY_REFUSED;
	reply_key(&key, f, be);
	reply_fill(&fresh, f, backend, backend_gen(READ_ONCE(be->state)));
	held = bpf_map_lookup_elem(&reply, &key);
	if (!held) { /* most flows are new: trying costs less than asking first */
		if (!bpf_map_update_elem(&reply_new, &key, &fresh, BPF_NOEXIST))
			return REPLY_FRESH;
		held = bpf_map_lookup_elem(&reply_new, &key);
	}
	if (!held)
		return REPLY_REFUSED;
	ours = reply_is_ours(held, f);
	if (!ours && reply_is_alive(held, f->proto, f->age))
		return REPLY_REFUSED;
	*held = fresh;
	return ours ? REPLY_AGAIN : REPLY_FRESH;
}

/* The client reset the connection: its key may be taken. */
__noinline bool reply_close(const struct flow *f, const struct lb_backend *be)
{
	struct lb_reply_key key;
	struct lb_reply *held;

	if (!f || !be)
		return false;
	reply_key(&key, f, be);
	held = reply_find(&key);
	if (!held || !reply_is_ours(held, f))
		return false;
	held->flags |= LB_REPLY_CLOSED;
	return true;
}
