// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A bed of the bench: programs with maps of their own, and services of both families on one VIP.
 */
#pragma once

#include "bpf/rig.h"

#define VIP            0xc6336401
#define N_BACKENDS     4
#define SETTLED_PORT   80
#define UNSETTLED_PORT 81
#define UDP_PORT       53
#define REPLY_PORT     82
#define RANGES_PORT    83
#define REMOTE_PORT    84
#define OPENED_PORT    85
#define SERVER_PORT    86
#define N_RANGES       10000u
#define BED_NODE       77 /* number of the other node, in IPv4 */

/* Of a bed; behind them those that are there once: Katran's, and one that makes the frame longer.
 */
enum program {
	FLOOR,
	FLOOR_READS,
	FLOOR_CLAIMS,
	LB,
	REPLY_FLOOR,
	REPLY,
	FLOOR_PUSH,
	FLOOR_PUSH_READS,
	FLOOR_PUSH_CLAIMS,
	FLOOR_PULL,
	FLOOR_PULL_READS,
	FLOOR_PULL_CLAIMS,
	FLOOR_L2,
	FLOOR_IPIP,
	FLOOR_GUE,
	FLOOR_THERE,
	FLOOR_BACK,
	N_PROGRAMS,
	KATRAN = N_PROGRAMS,
	LONGER,
	EMPTY
};

struct bed {
	struct rig *rig;
	struct bench_floor_bpf *floor;
	struct bench_reply_floor_bpf *reply_floor;
	struct bench_tunnel_floor_bpf *tunnel_floor;
	struct bench_nat_floor_bpf *nat_floor;
	struct rig_service unsettled[2]; /* by family */
	struct rig_service ranged;       /* IPv4; with N_RANGES source ranges */
};

/* False, with the reason: BPF is refused here. */
bool bed_make(struct bed *bed, unsigned flow_chunks, const char **ret_why);
void bed_free(struct bed *bed);
/* A service of four backends in the family of frame_use_family(), its rows settled. */
struct rig_service bed_add_service(struct bed *bed, uint16_t port, uint8_t proto,
				   uint8_t rows_log2);
/* ... in which every client of the bench is in a range of 256 addresses, one of N_RANGES. */
void bed_add_ranged(struct bed *bed);
/*
 * In the family of frame_use_family(): another node, a service of which all backends are there, and
 * one whose packets come from there, with backend 0 in all rows. Tunnels between the two are of the
 * same family.
 */
struct bed_tunnel {
	struct rig_service remote, opened;
};
struct bed_tunnel bed_add_tunnel(struct bed *bed);
/* In that family, a service of which all backends are real servers, which are reached by `way`. */
struct rig_service bed_add_servers(struct bed *bed, unsigned way);
int bed_program(const struct bed *bed, enum program which);
