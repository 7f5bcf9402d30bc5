// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back: at the egress of every device by which a reply can leave, gives a backend's packet
 * the VIP and port that the client spoke to. A bit says whether the source may be a backend of ours
 * at all; the entry of the flow table that xdp_lb made is found by the packet's own tuple, and
 * names the front end. It is also kept here: by what backends send entries stay young, become
 * established, and close; with affinity an established flow's backend is noted as its client's
 * (reply_affinity.h). A miss may be of a flow that was let in without an entry
 * (reply_unrecorded.h). Else it is nobody's concern of ours and leaves the packet alone; if it
 * comes from an address and port of a backend it is counted, since its entry may have been lost.
 *
 * Attached as tcx at the head of the list, or as clsact classifier where the kernel has no tcx. It
 * answers -1 (TCX_NEXT, the same as TC_ACT_UNSPEC): what others do with the packet is theirs. Only
 * an answer to a client in a VRF that is on its way out of another world is sent back into it
 * (reply_way.h).
 *
 * IPv6 extension headers are walked by helper calls, apart from the rest (ext.h).
 *
 * A SYN-ACK of a Service that may be tunnelled gets an MSS that fits (reply_clamp.h).
 *
 * An answer in IP fragments, which the kernel makes before the packet comes here, is turned piece
 * by piece (reply_fragment.h).
 *
 * ICMP errors that quote a packet as the backend got it are turned back likewise (reply_error.h).
 *
 * Checksums go by the kernel's helpers, because here they may be unfinished (CHECKSUM_PARTIAL) and
 * segmentation may be still to come.
 */
#include "vmlinux.h"

#include "answer.h"
#include "bytes_skb.h"
#include "capture_skb.h"
#include "common.h"
#include "ext.h"
#include "flow.h"
#include "maps.h"
#include "nat_skb.h"
#include "reply_affinity.h"
#include "reply_clamp.h"
#include "reply_error.h"
#include "reply_fragment.h"
#include "reply_sctp.h"
#include "reply_unrecorded.h"
#include "reply_way.h"
#include "service.h"
#include "stats.h"
#include "vlan.h"

char LICENSE[] SEC("license") = "GPL";

/* Ethernet, two VLAN tags, the longest IPv4 header, TCP without options. */
#define HEADERS_MAX (14 + VLAN_TAGS_BYTES + 60 + 20)

enum parsed {
	PARSED_ANSWER,    /* TCP or UDP that may be one */
	PARSED_ICMP,      /* l3_off is filled in, l4_off and end, too, if it is IPv6 */
	PARSED_LATER,     /* a fragment without ports; the key of its packet is filled in */
	PARSED_EXTENSION, /* IPv6: proto and l4_off are the first extension header's */
	PARSED_SCTP,      /* proto and l4_off are filled in */
	PARSED_OTHER,     /* nobody's concern of ours */
	PARSED_SHORT,     /* more of the packet must be seen */
};

static __always_inline enum parsed parse_v4(struct iphdr *ip, void *end, struct answer *a)
{
	if ((void *)(ip + 1) > end)
		return PARSED_SHORT;
	a->family = FAMILY_V4;
	a->proto = ip->protocol;
	a->l4_off = a->l3_off + ((*(__u8 *)ip & 0x0f) << 2);
	addr_from_v4(a->backend, ip->saddr);
	addr_from_v4(a->client, ip->daddr);
	if (unlikely(ip->frag_off & bpf_htons(IP_FRAGMENT))) {
		a->is_fragment = 1;
		a->fragment_id = ip->id;
		if (ip->frag_off & bpf_htons(IP_OFFSET))
			return PARSED_LATER;
	}
	return ip->protocol == IPPROTO_ICMP ? PARSED_ICMP : PARSED_ANSWER;
}

static __always_inline enum parsed parse_v6(struct ipv6hdr *ip, void *end, struct answer *a)
{
	if ((void *)(ip + 1) > end)
		return PARSED_SHORT;
	a->family = FAMILY_V6;
	a->proto = ip->nexthdr;
	a->l4_off = a->l3_off + sizeof(*ip);
	a->end = a->l4_off + bpf_ntohs(ip->payload_len);
	addr_copy(a->backend, ip->saddr.in6_u.u6_addr32);
	addr_copy(a->client, ip->daddr.in6_u.u6_addr32);
	if (unlikely(addr_is_v4(a->backend))) /* whose key would be another's */
		return PARSED_OTHER;
	if (unlikely(lb_ext_is(ip->nexthdr)))
		return PARSED_EXTENSION;
	return ip->nexthdr == IPPROTO_ICMPV6 ? PARSED_ICMP : PARSED_ANSWER;
}

static __always_inline enum parsed parse_l4(void *at, void *end, struct answer *a)
{
	struct udphdr *l4 = at;

	if ((void *)(l4 + 1) > end)
		return PARSED_SHORT;
	if (a->proto == IPPROTO_TCP) {
		if (at + sizeof(struct tcphdr) > end)
			return PARSED_SHORT;
		a->tcp_flags = ((__u8 *)at)[TCP_FLAGS];
	}
	a->backend_port = l4->source;
	a->client_port = l4->dest;
	return PARSED_ANSWER;
}

static __always_inline enum parsed parse(struct __sk_buff *skb, struct answer *a)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	enum parsed parsed;
	__be16 proto;

	if (data + sizeof(*eth) + VLAN_TAGS_BYTES > end)
		return PARSED_SHORT;
	proto = eth->h_proto;
	a->l3_off = sizeof(*eth);
	if (unlikely(vlan_is_tag(proto)))
		proto = vlan_skip((struct vlan_hdr *)(eth + 1), &a->l3_off);
	if (proto == bpf_htons(ETH_P_IP))
		parsed = parse_v4(data + a->l3_off, end, a);
	else if (proto == bpf_htons(ETH_P_IPV6))
		parsed = parse_v6(data + a->l3_off, end, a);
	else
		return PARSED_OTHER;
	if (parsed != PARSED_ANSWER)
		return parsed;
	if (a->proto != IPPROTO_TCP && a->proto != IPPROTO_UDP)
		return a->proto == IPPROTO_SCTP ? PARSED_SCTP : PARSED_OTHER;
	return parse_l4(data + a->l4_off, end, a);
}

/* What lies behind extension headers, and where. */
__noinline int parse_extension(struct __sk_buff *skb, struct answer *a)
{
	struct lb_ext e = {};
	struct udphdr l4;

	if (!a)
		return PARSED_OTHER;
	e.off = a->l4_off;
	e.proto = a->proto;
	if (lb_ext_walk(skb, a->end, &e))
		return PARSED_OTHER;
	a->l4_off = e.off;
	a->proto = e.proto;
	a->is_fragment = !!e.frag_word;
	a->fragment_id = e.frag_id;
	if (lb_ext_is_later(&e))
		return PARSED_LATER;
	if (e.proto == IPPROTO_SCTP)
		return PARSED_SCTP;
	if (e.proto != IPPROTO_TCP && e.proto != IPPROTO_UDP)
		return e.proto == IPPROTO_ICMPV6 && !e.frag_word ? PARSED_ICMP : PARSED_OTHER;
	if (!lb_bytes_read(skb, e.off, &l4, sizeof(l4)))
		return PARSED_OTHER;
	if (e.proto == IPPROTO_TCP &&
	    !lb_bytes_read(skb, e.off + TCP_FLAGS, &a->tcp_flags, sizeof(a->tcp_flags)))
		return PARSED_OTHER;
	a->backend_port = l4.source;
	a->client_port = l4.dest;
	return PARSED_ANSWER;
}

/* Only the linear part can be read; headers that lie elsewhere are pulled into it. */
static __always_inline enum parsed pull_and_parse(struct __sk_buff *skb, struct answer *a)
{
	__u32 linear = skb->data_end - skb->data;
	enum parsed parsed = parse(skb, a);

	if (likely(parsed != PARSED_SHORT) || linear >= HEADERS_MAX || linear >= skb->len)
		return parsed;
	if (bpf_skb_pull_data(skb, skb->len < HEADERS_MAX ? skb->len : HEADERS_MAX))
		return PARSED_OTHER;
	return parse(skb, a);
}

static __always_inline bool may_be_ours(const struct answer *a)
{
	__u32 bit = lb_backend_bit(a->backend, a->backend_port, a->proto), word = bit >> 6;
	__u64 *bits = bpf_map_lookup_elem(&backend_bits, &word);

	return bits && READ_ONCE(*bits) >> (bit & 63) & 1;
}

static __always_inline void count_miss(const struct answer *a)
{
	struct lb_backend_port port = {
		.port = a->backend_port,
		.proto = a->proto,
	};

	addr_copy(port.addr, a->backend);
	if (bpf_map_lookup_elem(&backend_ports, &port))
		stats_drop(LB_DROP_REPLY_MISS);
}

/* The front end of a flow that has no entry. */
static __always_inline const struct lb_service *find_unrecorded(const struct answer *a,
								__u32 *ret_slot)
{
	int slot = reply_unrecorded(a);

	if (slot < 0) {
		count_miss(a);
		return NULL;
	}
	*ret_slot = (__u32)slot;
	if (reply_is_of_living(a))
		(void)reply_record(a, *ret_slot);
	return service_at(*ret_slot);
}

/* The front end that the packet answers for, its entry brought up to date; NULL: none. */
static __always_inline const struct lb_service *find(const struct answer *a, __u32 *ret_slot)
{
	__u64 rest, now;
	struct lb_flow *way = lb_flow_find(
		flow_table(),
		flow_hash(a->backend, a->backend_port, a->client, a->client_port, a->proto), &rest);

	if (!way)
		return NULL;
	now = lb_rest_after_answer(rest, a->tcp_flags & TCP_FIN, a->tcp_flags & TCP_SYN,
				   a->tcp_flags & TCP_RST, age_now());
	if (now != rest)
		(void)lb_flow_change(way, rest, now);
	if (unlikely(reply_affinity_begins(rest, now)))
		(void)reply_affinity_note(a, now);
	*ret_slot = lb_rest_slot(rest);
	return service_at(*ret_slot);
}

/*
 * Source address and port become the VIP's. Helpers fail only on what parse() excluded. A UDP
 * checksum that is not there stays so, also in IPv6, where the client is the one to judge it.
 */
static __always_inline void rewrite(struct __sk_buff *skb, const struct answer *a,
				    const struct lb_service *vip)
{
	__u32 check =
		a->l4_off + (a->proto == IPPROTO_TCP ? __builtin_offsetof(struct tcphdr, check)
						     : __builtin_offsetof(struct udphdr, check));
	__u64 flags = a->proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__be16 port = vip->key.port;

	bpf_l4_csum_replace(skb, check, 0, lb_l3_delta(a->backend, vip->key.addr),
			    flags | BPF_F_PSEUDO_HDR);
	bpf_l4_csum_replace(skb, check, a->backend_port, port, flags | sizeof(port));
	answer_rewrite_l3(skb, a, vip);
	bpf_skb_store_bytes(skb, a->l4_off, &port, sizeof(port), 0);
}

static __always_inline int serve(struct __sk_buff *skb)
{
	const struct lb_service *vip;
	struct answer a = {};
	enum parsed parsed;
	__u32 slot = 0;

	parsed = pull_and_parse(skb, &a);
	if (unlikely(parsed == PARSED_EXTENSION))
		parsed = parse_extension(skb, &a);
	if (unlikely(parsed == PARSED_SCTP))
		parsed = reply_sctp_parse(skb, &a) ? PARSED_ANSWER : PARSED_OTHER;
	if (parsed == PARSED_ICMP)
		return reply_error(skb, a.family, a.l3_off, a.l4_off);
	if (unlikely(parsed == PARSED_LATER))
		return reply_fragment_follow(skb, &a);
	if (parsed != PARSED_ANSWER || likely(!may_be_ours(&a)))
		return TCX_NEXT;
	vip = find(&a, &slot);
	if (unlikely(!vip))
		vip = find_unrecorded(&a, &slot);
	if (!vip)
		return TCX_NEXT;
	if (likely(a.proto != IPPROTO_SCTP))
		rewrite(skb, &a, vip);
	else if (!reply_sctp_rewrite(skb, &a, vip))
		return TCX_NEXT;
	if (unlikely(a.is_fragment))
		reply_fragment_enter(&a, slot, vip->id);
	if (clamp_asks(&a, vip))
		reply_clamp(skb, &a);
	if (unlikely(reply_strays(skb, vip)))
		return reply_way(skb, &a, vip->key.domain);
	return TCX_NEXT;
}

SEC("tc")
int tc_reply(struct __sk_buff *skb)
{
	capture_begin(skb);
	return capture_end(skb, serve(skb));
}

/* Who captures has its own tc_reply, and this one as it is. */
#ifndef LB_CAPTURE
SEC("tc")
int tc_nat(struct __sk_buff *skb)
{
	const __u32 told = nat_skb_told(skb);
	struct answer a = {};
	enum parsed parsed;

	if (told)
		return nat_skb_there(skb, told);
	if (!lb_nat_count(nat_range()))
		return TCX_NEXT;
	parsed = pull_and_parse(skb, &a);
	if (parsed == PARSED_ICMP)
		return nat_skb_error(skb, &a);
	if (parsed != PARSED_ANSWER || a.is_fragment || !nat_is_port(nat_range(), a.client_port))
		return TCX_NEXT;
	return nat_skb_answer(skb, &a);
}
#endif
