/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments to a VIP. The first, which has the ports, is served like a whole packet, and its
 * backend is entered for those that follow: they get the address and nothing else, since port and
 * checksum came with the first. What is the kernel's by the VIP's policy stays so to the last
 * fragment. A later one whose first was not seen is dropped: nothing in it says whose it is.
 *
 * Identifications stay as the client chose them; the backend puts the packet together.
 */
#pragma once

#include "backend.h"
#include "fragment.h"
#include "patch.h"
#include "rewrite.h"
#include "scratch.h"
#include "service.h"
#include "stats.h"

/* What IPv4's header says of it. */
static __always_inline void vip_fragment_note_v4(struct cold_packet *p, const struct iphdr *ip)
{
	if (!(ip->frag_off & bpf_htons(IP_FRAGMENT)))
		return;
	p->fragment_id = ip->id;
	p->fragment = ip->frag_off & bpf_htons(IP_OFFSET) ? FRAGMENT_LATER : FRAGMENT_FIRST;
}

static __always_inline bool vip_fragment_look_v4(struct xdp_md *ctx, struct cold_packet *p)
{
	const struct iphdr *direct = lb_bytes_at(ctx, p->ip_off, sizeof(*direct));
	struct iphdr ip;

	if (likely(direct)) {
		vip_fragment_note_v4(p, direct);
		return true;
	}
	if (!lb_bytes_read(ctx, p->ip_off, &ip, sizeof(ip)))
		return false;
	vip_fragment_note_v4(p, &ip);
	return true;
}

/* What the walk through IPv6's headers said of it. */
static __always_inline void vip_fragment_note_v6(struct cold_packet *p, const struct lb_ext *e)
{
	p->fragment_id = e->frag_id;
	if (e->frag_word)
		p->fragment = lb_ext_is_later(e) ? FRAGMENT_LATER : FRAGMENT_FIRST;
}

static __always_inline void vip_fragment_key(const struct lb_scratch *s, struct fragment_key *key)
{
	const struct cold_packet *p = &s->packet;

	addr_copy(key->saddr, p->saddr);
	addr_copy(key->daddr, p->daddr);
	key->id = p->fragment_id;
	key->word = FRAGMENT_WORD(p->family, p->proto, s->flow.domain);
}

/* The first fragment was given to this backend slot, or passed: LB_FRAGMENT_PASS. */
__noinline bool vip_fragment_enter(const struct lb_scratch *s, __u32 index)
{
	struct fragment_key key = {};
	struct lb_backend *be;

	if (!s || scratch_is_test(s))
		return false;
	be = backend_slot(index);
	vip_fragment_key(s, &key);
	return fragment_enter(&key, index, be ? backend_gen(READ_ONCE(be->state)) : 0);
}

#define VIP_FRAGMENT_REMOTE (-1) /* s->backend, to whom it goes, is on another node */

/* Gives a later fragment to whom the first went; else why not. */
__noinline int vip_fragment_follow(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct fragment_key key = {};
	const struct cold_packet *p;
	struct packet direct = {};
	struct lb_backend *be;
	__u64 rest = 0, state;
	__u32 index;

	if (!s)
		return LB_DROP_FRAGMENT;
	p = &s->packet;
	vip_fragment_key(s, &key);
	if (!fragment_find(&key, &rest))
		return LB_DROP_FRAGMENT;
	index = lb_fragment_target(rest);
	if (index == LB_FRAGMENT_PASS)
		return LB_DROP_NONE;
	be = backend_slot(index);
	state = be ? READ_ONCE(be->state) : 0;
	if (!backend_is(state, LB_BE_IN_USE) || backend_gen(state) != lb_fragment_gen(rest))
		return LB_DROP_NO_BACKEND;
	if (unlikely(!backend_is(state, LB_BE_LOCAL))) {
		s->backend = index;
		s->what = TUNNEL_BACKEND;
		return VIP_FRAGMENT_REMOTE;
	}
	direct.family = p->family;
	direct.ip = lb_bytes_at(ctx, p->ip_off, sizeof(struct ipv6hdr));
	if (likely(direct.ip))
		rewrite_address(&direct, be);
	else
		patch_address(ctx, p->ip_off, p->family, PATCH_DESTINATION, be->addr, be->l3_delta);
	stats_delivered(index, p->end - p->ip_off);
	return LB_DROP_NONE;
}
