// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sets up the beds of bench.c.
 */
#include "tests/bench/bench_bed.h"
#include "tests/bench/bench_outer.h"

#include "bpf/rig_nodes.h"
#include "bpf/rig_private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bench_floor.skel.h"
#include "bench_nat_floor.skel.h"
#include "bench_reply_floor.skel.h"
#include "bench_tunnel_floor.skel.h"
#pragma GCC diagnostic pop

#include <netinet/in.h>
#include <stdlib.h>

/* Another object works on the rig's maps, and with the rig's constants. */
static void share_maps(const struct rig *rig, struct bpf_object *obj)
{
	struct bpf_map *map, *mine;

	bpf_object__for_each_map(map, obj)
	{
		mine = bpf_object__find_map_by_name(rig->xdp->obj, bpf_map__name(map));
		if (mine && !bpf_map__is_internal(map))
			rig_must(bpf_map__reuse_fd(map, bpf_map__fd(mine)), "share map");
	}
}

static void load_programs(struct bed *bed)
{
	bed->floor = bench_floor_bpf__open();
	bed->reply_floor = bench_reply_floor_bpf__open();
	bed->tunnel_floor = bench_tunnel_floor_bpf__open();
	bed->nat_floor = bench_nat_floor_bpf__open();
	if (!bed->floor || !bed->reply_floor || !bed->tunnel_floor || !bed->nat_floor)
		abort();
	bed->floor->rodata->flow_keys = bed->rig->xdp->rodata->flow_keys;
	bed->tunnel_floor->rodata->flow_keys = bed->rig->xdp->rodata->flow_keys;
	bed->nat_floor->rodata->flow_keys = bed->rig->xdp->rodata->flow_keys;
	share_maps(bed->rig, bed->floor->obj);
	share_maps(bed->rig, bed->reply_floor->obj);
	share_maps(bed->rig, bed->tunnel_floor->obj);
	share_maps(bed->rig, bed->nat_floor->obj);
	rig_must(bench_floor_bpf__load(bed->floor), "load bench_floor");
	rig_must(bench_reply_floor_bpf__load(bed->reply_floor), "load bench_reply_floor");
	rig_must(bench_tunnel_floor_bpf__load(bed->tunnel_floor), "load bench_tunnel_floor");
	rig_must(bench_nat_floor_bpf__load(bed->nat_floor), "load bench_nat_floor");
}

struct rig_service bed_add_service(struct bed *bed, uint16_t port, uint8_t proto, uint8_t rows_log2)
{
	struct rig_service s = {.vip = VIP, .port = port, .proto = proto, .rows_log2 = rows_log2};

	rig_add_service(bed->rig, &s);
	for (unsigned i = 0; i < N_BACKENDS; i++)
		rig_add_backend(bed->rig, &s, i);
	rig_set_mixed_rows(bed->rig, &s, N_BACKENDS, 0, 0);
	return s;
}

void bed_add_ranged(struct bed *bed)
{
	bed->ranged = bed_add_service(bed, RANGES_PORT, IPPROTO_TCP, 11);
	for (uint32_t i = 0; i < N_RANGES; i++)
		rig_add_range(bed->rig, 1, 0x0b000000 + (i << 8), 24); /* bench_client() */
	rig_set_ranges(bed->rig, &bed->ranged, 1);
	rig_set_flags(bed->rig, &bed->ranged, LB_SVC_RANGES);
}

struct bed_tunnel bed_add_tunnel(struct bed *bed)
{
	const int family = frame_family();
	const uint32_t number = family == AF_INET ? BED_NODE : BED_NODE + 1;
	struct rig_hop hop = {.uplink = RIG_IFINDEX, .ifindex = RIG_IFINDEX, .mtu = 1500};
	struct bed_tunnel t;

	rig_node_address(hop.source, family, OUTER_HERE);
	rig_add_node(bed->rig, number, family, OUTER_THERE, 0);
	rig_set_hop(bed->rig, number, 0, &hop);
	rig_add_tunnel_end(bed->rig, family, OUTER_HERE);
	t.remote = bed_add_service(bed, REMOTE_PORT, IPPROTO_TCP, 11);
	for (unsigned i = 0; i < N_BACKENDS; i++)
		rig_set_remote(bed->rig, &t.remote, i, number);
	rig_set_flags(bed->rig, &t.remote, LB_SVC_REMOTE);
	t.opened = bed_add_service(bed, OPENED_PORT, IPPROTO_TCP, 11);
	rig_set_mixed_rows(bed->rig, &t.opened, 1, 0, 0);
	return t;
}

struct rig_service bed_add_servers(struct bed *bed, unsigned way)
{
	const int family = frame_family();
	const uint32_t number = (family == AF_INET ? 80 : 90) + way;
	struct rig_hop hop = {
		.uplink = RIG_IFINDEX, .ifindex = RIG_IFINDEX, .mtu = 1500, .is_on_link = true};
	struct rig_service s = bed_add_service(bed, (uint16_t)(SERVER_PORT + way), IPPROTO_TCP, 11);

	rig_node_address(hop.source, family, OUTER_HERE);
	rig_add_node(bed->rig, number, family, OUTER_THERE + 0x100 + way, 0);
	rig_set_node_state(bed->rig, number, LB_NODE_IN_USE);
	rig_set_hop(bed->rig, number, 0, &hop);
	for (unsigned i = 0; i < N_BACKENDS; i++)
		rig_set_server(bed->rig, &s, i, number, way);
	rig_set_flags(bed->rig, &s, LB_SVC_REMOTE);
	return s;
}

static void add_family(struct bed *bed, unsigned v6)
{
	struct rig_service reply;

	frame_use_family(v6 ? AF_INET6 : AF_INET);
	rig_add_vip(bed->rig, VIP, 0);
	bed_add_service(bed, SETTLED_PORT, IPPROTO_TCP, 11);
	bed->unsettled[v6] = bed_add_service(bed, UNSETTLED_PORT, IPPROTO_TCP, 11);
	bed_add_service(bed, UDP_PORT, IPPROTO_UDP, 11);
	reply = bed_add_service(bed, REPLY_PORT, IPPROTO_TCP, 11);
	rig_set_mixed_rows(bed->rig, &reply, 1, 0, 0);
}

bool bed_make(struct bed *bed, unsigned flow_chunks, const char **ret_why)
{
	bed->rig = rig_new_sized(flow_chunks, ret_why);
	if (!bed->rig)
		return false;
	load_programs(bed);
	for (unsigned v6 = 0; v6 < 2; v6++)
		add_family(bed, v6);
	frame_use_family(AF_INET);
	return true;
}

void bed_free(struct bed *bed)
{
	bench_nat_floor_bpf__destroy(bed->nat_floor);
	bench_tunnel_floor_bpf__destroy(bed->tunnel_floor);
	bench_reply_floor_bpf__destroy(bed->reply_floor);
	bench_floor_bpf__destroy(bed->floor);
	rig_free(bed->rig);
}

int bed_program(const struct bed *bed, enum program which)
{
	const struct bpf_program *programs[N_PROGRAMS] = {
		[FLOOR] = bed->floor->progs.bench_floor,
		[FLOOR_READS] = bed->floor->progs.bench_floor_reads,
		[FLOOR_CLAIMS] = bed->floor->progs.bench_floor_claims,
		[LB] = bed->rig->xdp->progs.xdp_lb,
		[REPLY_FLOOR] = bed->reply_floor->progs.bench_reply_floor,
		[REPLY] = bed->rig->tc->progs.tc_reply,
		[FLOOR_PUSH] = bed->tunnel_floor->progs.bench_floor_push,
		[FLOOR_PUSH_READS] = bed->tunnel_floor->progs.bench_floor_push_reads,
		[FLOOR_PUSH_CLAIMS] = bed->tunnel_floor->progs.bench_floor_push_claims,
		[FLOOR_PULL] = bed->tunnel_floor->progs.bench_floor_pull,
		[FLOOR_PULL_READS] = bed->tunnel_floor->progs.bench_floor_pull_reads,
		[FLOOR_PULL_CLAIMS] = bed->tunnel_floor->progs.bench_floor_pull_claims,
		[FLOOR_L2] = bed->tunnel_floor->progs.bench_floor_l2,
		[FLOOR_IPIP] = bed->tunnel_floor->progs.bench_floor_ipip,
		[FLOOR_GUE] = bed->tunnel_floor->progs.bench_floor_gue,
		[FLOOR_THERE] = bed->nat_floor->progs.bench_floor_there,
		[FLOOR_BACK] = bed->nat_floor->progs.bench_floor_back,
	};

	return bpf_program__fd(programs[which]);
}
