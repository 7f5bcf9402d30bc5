/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control packets (RFC 5880, 5881): one of a session that says what its last one said is noted, so
 * that the agent knows that the peer is alive though it gets no processor to read its socket; and
 * answered in its place, if our next packet is due.
 *
 * Nothing is taken for a session's but what comes from its peer's address to ours, by its
 * interface, with both discriminators, and equal in all but P and F. What the peer says anew is the
 * agent's to learn first, and what is not answered is the agent's to read.
 *
 * An answer takes the peer's clock for ours. Were both ends to do so and nothing else, each packet
 * would beget the next one, and two dead agents would keep each other alive. So nothing is answered
 * within three quarters of the interval after our last packet, which is when an answer to it comes;
 * and nothing at all before the peer has sent some packets that were no answers.
 */
#pragma once

#include "bfd_timer.h"

#define BFD_YOURS    2                      /* the word of Your Discriminator */
#define BFD_POLL     bpf_htonl(0x20u << 16) /* in the first word */
#define BFD_FINAL    bpf_htonl(0x10u << 16)
#define BFD_L4_BYTES (sizeof(struct udphdr) + BFD_BYTES)

/* The UDP header of a control packet without authentication; NULL: it is something else. */
static __always_inline struct udphdr *bfd_control(const struct packet *p)
{
	const struct ipv6hdr *v6 = p->ip;
	const struct iphdr *v4 = p->ip;
	struct udphdr *udp = bfd_udp(p, BFD_BYTES);

	if (!udp || udp->dest != bpf_htons(LB_BFD_PORT) || udp->len != bpf_htons(BFD_L4_BYTES))
		return NULL;
	if (p->family == FAMILY_V4)
		return v4->tot_len == bpf_htons(sizeof(*v4) + BFD_L4_BYTES) ? udp : NULL;
	return v6->payload_len == bpf_htons(BFD_L4_BYTES) ? udp : NULL;
}

static __always_inline bool bfd_is_heard(const struct lb_bfd *e, const __u32 *words)
{
	__u32 differs = (words[0] & ~(BFD_POLL | BFD_FINAL)) ^ e->told.heard[0];

	for (int i = 1; i < LB_BFD_WORDS; i++)
		differs |= words[i] ^ e->told.heard[i];
	return !differs;
}

/* A session that has been silent for too long stays so until the agent has seen to it. */
static __always_inline bool bfd_is_alive(const struct lb_bfd *e, __u64 now)
{
	__u64 seen_at = READ_ONCE(e->seen_at);

	return now < READ_ONCE(e->valid_until) &&
	       (now < seen_at || now - seen_at < e->told.detection_ns);
}

/* What is to be said, and from which port; read whole before anything is done by it. */
struct bfd_answer {
	__u64 interval;
	__u32 words[LB_BFD_WORDS];
	__be16 source_port;
	__u16 flags;
};

static __always_inline void bfd_answer_read(struct bfd_answer *a, const struct lb_bfd *e,
					    const __u32 *words)
{
	a->interval = e->told.interval_ns;
	for (int i = 0; i < LB_BFD_WORDS; i++)
		a->words[i] = e->told.answer[i];
	if (words[0] & BFD_POLL)
		a->words[0] |= BFD_FINAL;
	a->source_port = e->told.source_port;
	a->flags = e->told.flags;
}

/* An answer is due; who asks has sent it then, and nobody else. */
static __always_inline bool bfd_answer_is_due(struct lb_bfd *e, __u64 interval, __u64 now)
{
	__u64 answered_at = READ_ONCE(e->answered_at), last = READ_ONCE(e->sent_at), quiet;
	bool is_proven = READ_ONCE(e->n_proofs) >= LB_BFD_PROOF;

	last = last > answered_at ? last : answered_at;
	quiet = now > last ? now - last : 0;
	if (!is_proven && quiet >= interval / 4)
		__sync_fetch_and_add(&e->n_proofs, 1);
	return is_proven && quiet >= interval / 4 * 3 &&
	       __sync_val_compare_and_swap(&e->answered_at, answered_at, now) == answered_at;
}

static __always_inline __u16 bfd_answer_check(const struct packet *p, const struct bfd_answer *a)
{
	__u64 sum = a->source_port + bpf_htons(LB_BFD_PORT) + 2 * bpf_htons(BFD_L4_BYTES) +
		    bpf_htons(IPPROTO_UDP);
	__u32 saddr[4], daddr[4];
	__u16 check;

	parse_saddr(p, saddr);
	parse_daddr(p, daddr);
	sum += (__u64)saddr[3] + daddr[3];
	if (p->family == FAMILY_V6)
		for (int i = 0; i < 3; i++)
			sum += (__u64)saddr[i] + daddr[i];
	for (int i = 0; i < LB_BFD_WORDS; i++)
		sum += a->words[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	check = (__u16) ~((sum & 0xffff) + (sum >> 16));
	return check ? check : 0xffff;
}

/* The packet becomes the answer; it has as many octets, and as many hops before it. */
static __always_inline int bfd_answer_send(struct xdp_md *ctx, const struct packet *p,
					   struct udphdr *udp, const struct bfd_answer *a)
{
	__u32 *words = (void *)(udp + 1);

	if (!bfd_turn_frame(ctx))
		return XDP_PASS;
	udp->check = bfd_answer_check(p, a);
	bfd_turn_ip(p);
	udp->source = a->source_port;
	for (int i = 0; i < LB_BFD_WORDS; i++)
		words[i] = a->words[i];
	return XDP_TX;
}

static __always_inline int bfd_hear(struct xdp_md *ctx, const struct packet *p, struct udphdr *udp)
{
	const __u32 *words = (const void *)(udp + 1);
	__u32 place = bpf_ntohl(words[BFD_YOURS]) & ((1u << LB_BFD_BITS) - 1);
	struct lb_bfd *e = bfd_at(place);
	struct bfd_answer a;
	__u64 version, now;

	if (!e)
		return XDP_PASS;
	version = bfd_version(e);
	if (version & 1 || !bfd_is_heard(e, words) || !bfd_is_from_peer(e, ctx, p) ||
	    !bfd_is_to(e->told.local, p))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	bfd_answer_read(&a, e, words);
	if (!bfd_is_alive(e, now) || bfd_version(e) != version)
		return XDP_PASS;
	WRITE_ONCE(e->seen_at, now);
	__sync_fetch_and_add(&e->n_seen, 1);
	if (!(a.flags & LB_BFD_ANSWERS) || words[0] & BFD_FINAL ||
	    !bfd_answer_is_due(e, a.interval, now))
		return XDP_PASS;
	__sync_fetch_and_add(&e->n_answered, 1);
	bfd_timer_put_off(e, place, now);
	return bfd_answer_send(ctx, p, udp, &a);
}
