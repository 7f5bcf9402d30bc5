/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that xdp_lb goes on with by a tail call, so that its own verification knows nothing
 * of them; they may go on with each other.
 */
#pragma once

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#define BESIDE_BFD    0
#define BESIDE_TUNNEL 1
#define BESIDE_INNER  2
#define BESIDE_DSR    3
#define BESIDE_NAT    4
#define BESIDE_ONCE   5
#define BESIDE_OPENED 6

int xdp_bfd(struct xdp_md *ctx);
int xdp_tunnel(struct xdp_md *ctx);
int xdp_inner(struct xdp_md *ctx);
int xdp_dsr(struct xdp_md *ctx);
int xdp_nat(struct xdp_md *ctx);
int xdp_at_once(struct xdp_md *ctx);
int xdp_opened(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 7);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} beside SEC(".maps") = {
	.values = {[BESIDE_BFD] = (void *)&xdp_bfd,
		   [BESIDE_TUNNEL] = (void *)&xdp_tunnel,
		   [BESIDE_INNER] = (void *)&xdp_inner,
		   [BESIDE_DSR] = (void *)&xdp_dsr,
		   [BESIDE_NAT] = (void *)&xdp_nat,
		   [BESIDE_ONCE] = (void *)&xdp_at_once,
		   [BESIDE_OPENED] = (void *)&xdp_opened},
};
