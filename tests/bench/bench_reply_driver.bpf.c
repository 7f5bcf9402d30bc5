// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same as bench_driver for the way back: lays a fresh answer of a backend before each
 * repetition and tail-calls the program under test. Of the plan, daddr and dport are the backend's;
 * flows are those of bench_driver under the same numbers, answered by backend 0.
 */
#include "vmlinux.h"

#include "tests/bench/bench_frame.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline void lay(struct ethhdr *eth, const struct bench_plan *p, __u32 flow)
{
	struct bench_ends ends = {
		.sport = bpf_htons(p->dport),
		.dport = bench_client_port(flow),
	};

	addr_copy(ends.saddr, p->daddr);
	bench_client(ends.daddr, p, flow);
	bench_lay(eth, p, &ends);
}

SEC("tc")
int bench_reply_driver(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	__u32 zero = 0, flow;
	struct bench_plan *p = bpf_map_lookup_elem(&plan, &zero);

	if (!p || (void *)eth + BENCH_FRAME > (void *)(long)skb->data_end)
		return TCX_NEXT;
	flow = p->first + p->next++;
	if (p->next == p->n_flows)
		p->next = 0;
	lay(eth, p, flow);
	bpf_tail_call(skb, &under_test, 0);
	return TCX_NEXT;
}

SEC("tc")
int bench_reply_empty(struct __sk_buff *skb)
{
	return TCX_NEXT;
}
