// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real server's receiver, in the lab: opens IPv4 in IPv4, and in UDP to port 6080 as GUE of
 * variant 1, and passes the rest. It is what Linux does with `ipip` and `fou`, which are modules
 * that not every kernel has.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define GUE_PORT     6080
#define IPPROTO_IPIP 4
#define IPPROTO_UDP  17

/* Octets before the packet inside; 0: there is none. */
static __always_inline int outer_len(const struct iphdr *ip, const void *end)
{
	const struct udphdr *udp = (const void *)(ip + 1);

	if (*(const __u8 *)ip != 0x45)
		return 0;
	if (ip->protocol == IPPROTO_IPIP)
		return sizeof(*ip);
	if (ip->protocol != IPPROTO_UDP || (const void *)(udp + 1) > end ||
	    udp->dest != bpf_htons(GUE_PORT))
		return 0;
	return sizeof(*ip) + sizeof(*udp);
}

SEC("xdp")
int open(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data, old;
	struct iphdr *ip = (void *)(eth + 1);
	int len;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(0x0800))
		return XDP_PASS;
	len = outer_len(ip, end);
	if (!len)
		return XDP_PASS;
	old = *eth;
	if (bpf_xdp_adjust_head(ctx, len))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = old;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
