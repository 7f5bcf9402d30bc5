// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Makes them as the packet tests do, with no code of the programs.
 */
#include "tests/bench/bench_outer.h"

#include "bpf/tunnel_frame.h"

struct bench_outer bench_outer(uint32_t vip, uint16_t port)
{
	const struct tunnel_spec t = {
		.family = frame_family(), .src = OUTER_THERE, .dst = OUTER_HERE};
	struct frame_spec spec = {.src = 1, .dst = vip, .dport = port, .proto = IPPROTO_TCP};
	struct bench_outer outer;
	struct frame inner, frame;

	spec.payload = (uint16_t)(BENCH_FRAME - FRAME_IP - frame_ip_len() - 20);
	frame_make(&inner, &spec);
	tunnel_make(&frame, &inner, &t);
	memcpy(&outer, frame.bytes, sizeof(outer));
	return outer;
}
