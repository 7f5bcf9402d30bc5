// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor of the way back: the bit, one line of the flow table, the service slot, and the
 * kernel's helpers that rewrite. The line is found by two multiplications and its first way is
 * taken for the flow's; no keyed hash, no second line, no states, no VLANs, no fragments.
 */
#include "vmlinux.h"

#include "common.h"
#include "flow.h"
#include "maps.h"
#include "service.h"

char LICENSE[] SEC("license") = "GPL";

#define L3 sizeof(struct ethhdr)
#define L4 (L3 + sizeof(struct iphdr))

static __always_inline const struct lb_service *floor_find(const struct iphdr *ip,
							   const struct tcphdr *tcp)
{
	__u64 hash = lb_wire_mix((__u64)ip->saddr << 32 | ip->daddr,
				 (__u64)tcp->source << 16 | tcp->dest);
	flow_table_t t = flow_table();
	struct lb_flow_line *line = flow_line_at(t, (__u32)hash & (flow_table_lines(t) - 1));
	const struct lb_service *svc;

	svc = line ? service_at(line->way[0].slot) : NULL;
	return svc && line->way[0].hash != hash ? svc : NULL;
}

static __always_inline void floor_rewrite(struct __sk_buff *skb, __be32 from, __be16 from_port,
					  __be32 vip, __be16 port)
{
	__u32 check = L4 + __builtin_offsetof(struct tcphdr, check);

	bpf_l4_csum_replace(skb, check, from, vip, BPF_F_PSEUDO_HDR | sizeof(vip));
	bpf_l4_csum_replace(skb, check, from_port, port, sizeof(port));
	bpf_l3_csum_replace(skb, L3 + __builtin_offsetof(struct iphdr, check), from, vip,
			    sizeof(vip));
	bpf_skb_store_bytes(skb, L3 + __builtin_offsetof(struct iphdr, saddr), &vip, sizeof(vip),
			    0);
	bpf_skb_store_bytes(skb, L4, &port, sizeof(port), 0);
}

SEC("tc")
int bench_reply_floor(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	const struct lb_service *svc;
	__u32 addr[4], bit, word;
	__u64 *bits;

	if ((void *)(tcp + 1) > (void *)(long)skb->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TCX_NEXT;
	addr_from_v4(addr, ip->saddr);
	bit = lb_backend_bit(addr, tcp->source, ip->protocol);
	word = bit >> 6;
	bits = bpf_map_lookup_elem(&backend_bits, &word);
	if (!bits || !(*bits >> (bit & 63) & 1))
		return TCX_NEXT;
	svc = floor_find(ip, tcp);
	if (svc)
		floor_rewrite(skb, ip->saddr, tcp->source, svc->key.addr[3], svc->key.port);
	return TCX_NEXT;
}
