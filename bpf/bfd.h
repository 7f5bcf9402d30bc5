/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BFD (RFC 5880, 5881): packets of single-hop sessions that the agent has told of, in a program of
 * its own that xdp_lb calls for what is no VIP's and came with all the hops it could have. A
 * session's packet that says what its last one said is noted, so that the agent knows it is alive
 * though it gets no processor to read its socket. All others, and these as well, are the agent's.
 *
 * Nothing is taken for a session's but what comes from its peer's address to ours, by its
 * interface, with both discriminators, and equal in all but P and F. What the peer says anew is the
 * agent's to learn first.
 */
#pragma once

#include "vmlinux.h"

#include "common.h"
#include "parse.h"

#include <bpf/bpf_helpers.h>

#define BFD_BYTES    (LB_BFD_WORDS * sizeof(__u32))
#define BFD_YOURS    2                      /* the word of Your Discriminator */
#define BFD_QUESTION bpf_htonl(0x30u << 16) /* P and F, in the first word */
#define BFD_HOPS     0xff                   /* TTL of who sends it (RFC 5881 5) */
#define BFD_L4_BYTES (sizeof(struct udphdr) + BFD_BYTES)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_BFD_SESSIONS);
	__type(key, __u32);
	__type(value, struct lb_bfd);
} bfd_sessions SEC(".maps");

/* It may be BFD: UDP over no hop at all. Both lie in 16 bits of either header, which is read. */
static __always_inline bool bfd_may_be(const struct packet *p)
{
	const __u8 *ip = p->ip;

	if (p->family == FAMILY_V4) /* TTL, protocol */
		return unlikely(*(const __u16 *)(ip + 8) == bpf_htons(BFD_HOPS << 8 | IPPROTO_UDP));
	return unlikely(*(const __u16 *)(ip + 6) == bpf_htons(IPPROTO_UDP << 8 | BFD_HOPS));
}

static __always_inline bool bfd_is_whole_v4(const struct iphdr *ip)
{
	return *(const __u8 *)ip == IP_FIRST_LEAST && !(ip->frag_off & bpf_htons(IP_FRAGMENT)) &&
	       ip->tot_len == bpf_htons(sizeof(*ip) + BFD_L4_BYTES);
}

static __always_inline bool bfd_is_whole_v6(const struct ipv6hdr *ip)
{
	return *(const __u8 *)ip >> 4 == 6 && ip->payload_len == bpf_htons(BFD_L4_BYTES);
}

/* The UDP header of a control packet without authentication; NULL: it is something else. */
static __always_inline struct udphdr *bfd_control(const struct packet *p)
{
	struct udphdr *udp =
		p->ip + (p->family == FAMILY_V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	if ((void *)udp + BFD_L4_BYTES > p->end || !bfd_may_be(p))
		return NULL;
	if (p->family == FAMILY_V4 ? !bfd_is_whole_v4(p->ip) : !bfd_is_whole_v6(p->ip))
		return NULL;
	return udp->dest == bpf_htons(LB_BFD_PORT) && udp->len == bpf_htons(BFD_L4_BYTES) ? udp
											  : NULL;
}

/* A barrier on both sides, so that what is read between two of these is of that version. */
static __always_inline __u64 bfd_version(struct lb_bfd *e)
{
	return __sync_fetch_and_add(&e->version, 0);
}

static __always_inline bool bfd_is_heard(const struct lb_bfd *e, const __u32 *words)
{
	__u32 differs = (words[0] & ~BFD_QUESTION) ^ e->told.heard[0];

	for (int i = 1; i < LB_BFD_WORDS; i++)
		differs |= words[i] ^ e->told.heard[i];
	return !differs;
}

/* It came the session's way, and says what the agent knows. */
static __always_inline bool bfd_is_its(const struct lb_bfd *e, const struct xdp_md *ctx,
				       const struct packet *p, const __u32 *words)
{
	__u32 saddr[4], daddr[4];

	parse_saddr(p, saddr);
	parse_daddr(p, daddr);
	return bfd_is_heard(e, words) && addr_is(saddr, e->told.peer) &&
	       addr_is(daddr, e->told.local) &&
	       (!e->told.ifindex || e->told.ifindex == ctx->ingress_ifindex);
}

/* A session that has been silent for too long stays so until the agent has seen to it. */
static __always_inline bool bfd_is_alive(const struct lb_bfd *e, __u64 now)
{
	__u64 seen_at = READ_ONCE(e->seen_at);

	return now < READ_ONCE(e->valid_until) &&
	       (now < seen_at || now - seen_at < e->told.detection_ns);
}

static __always_inline int bfd_hear(struct xdp_md *ctx, const struct packet *p,
				    const struct udphdr *udp)
{
	const __u32 *words = (const void *)(udp + 1);
	__u32 place = bpf_ntohl(words[BFD_YOURS]) & ((1u << LB_BFD_BITS) - 1);
	struct lb_bfd *e = bpf_map_lookup_elem(&bfd_sessions, &place);
	__u64 version, now;

	if (!e)
		return XDP_PASS;
	version = bfd_version(e);
	if (version & 1 || !bfd_is_its(e, ctx, p, words))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	if (!bfd_is_alive(e, now) || bfd_version(e) != version)
		return XDP_PASS;
	WRITE_ONCE(e->seen_at, now);
	__sync_fetch_and_add(&e->n_seen, 1);
	return XDP_PASS;
}

static __always_inline int bfd_serve(struct xdp_md *ctx, struct packet *p, enum family family)
{
	struct udphdr *udp;

	if (!parse_ip(p, family))
		return XDP_PASS;
	udp = bfd_control(p);
	return udp ? bfd_hear(ctx, p, udp) : XDP_PASS;
}

/* Frames with a tag are of another device than this one, as far as BFD is concerned. */
SEC("xdp.frags")
int xdp_bfd(struct xdp_md *ctx)
{
	struct packet p = {};
	__be16 proto = parse_ethernet(ctx, &p);

	if (proto == bpf_htons(ETH_P_IP))
		return bfd_serve(ctx, &p, FAMILY_V4);
	if (proto == bpf_htons(ETH_P_IPV6))
		return bfd_serve(ctx, &p, FAMILY_V6);
	return XDP_PASS;
}

/* What xdp_lb goes on with by a tail call, so that its own verification knows nothing of it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} beside SEC(".maps") = {
	.values = {[0] = (void *)&xdp_bfd},
};
