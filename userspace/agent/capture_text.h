// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a captured frame is said to be: the flow that it belongs to, read from its octets, and the
 * comment that goes with it. Pure.
 */
#pragma once

#include "base/strbuf.h"
#include "sys/bpf_capture.h"

#include <stdbool.h>

/* A packet's ends. */
struct capture_flow {
	struct ip_addr from, to;
	uint16_t from_port, to_port; /* host order; 0: it has none that can be seen */
	uint8_t protocol;
};
/* Of the packet whose IP header lies at frame->ip_off. False: it is not all there. */
bool capture_flow_read(const struct bpf_captured *frame, struct capture_flow *ret) must_check;

/* The packet lies in a tunnel: it came from another node. */
bool capture_is_in_tunnel(const struct bpf_captured *frame);
/*
 * The same as if it had come by itself: its Ethernet header (the
 * frame's addresses) and what is kept of it, to `ret`, which has room for frame->kept octets.
 * Returns how many these are; *ret_len: of how many.
 */
uint32_t capture_take_out(const struct bpf_captured *frame, uint8_t *ret, uint32_t *ret_len);

/* Where a request goes. */
struct capture_where {
	const char *node; /* of the backend; NULL: nothing is known of it */
	int candidate;    /* its place in the row; -1: it is none, or nothing is known */
};
/*
 * "to backend 10.1.1.2:80 on node-b, candidate 0", "drop: source, from a source outside ...",
 * "passed to the kernel", or what else became of it.
 */
void capture_comment(struct strbuf *to, const struct bpf_captured *frame,
		     const struct capture_where *where);
