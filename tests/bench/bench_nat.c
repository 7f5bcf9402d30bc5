// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench about backends that answer this node: what goes there, and what comes back,
 * against floors that make the same frames. New flows fill the table, as a flood does: so each of
 * them looks at all its lines, and takes another's place. Answers are left to the kernel, as where
 * it has no neighbour yet: the question for the way, 80 ns, is in neither.
 */
#include "tests/bench/bench_outer.h"
#include "tests/bench/bench_rows.h"

#include "bpf/flow_entry.h"
#include "bpf/flow_hash.h"
#include "bpf/nat_ports.h"
#include "bpf/rig_nodes.h"
#include "bpf/rig_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BAR   1.5
#define FIRST 16384

struct row {
	const char *what;
	enum program floor;
	struct bench_plan plan;
};

/* What the floor is said to do, it does: the frames are the same. */
static void compare(struct bench *b, const struct row *r)
{
	struct series s[] = {{DEFAULT, LB, r->plan, false, 0},
			     {DEFAULT, r->floor, r->plan, false, 0}};
	uint8_t frames[2][2 * BENCH_FRAME];
	size_t len[2];

	for (unsigned i = 0; i < 2; i++)
		len[i] = bench_one_frame(b, &s[i], frames[i], sizeof(frames[i]));
	if (len[0] == BENCH_FRAME && len[1] == len[0] && memcmp(frames[0], frames[1], len[0]) == 0)
		return;
	printf("  the floor makes another frame of it: the row below says nothing\n");
	b->missed = true;
}

static void measure(struct bench *b, const struct row *r, bool compares)
{
	struct series s[] = {{DEFAULT, r->floor, r->plan, false, 0},
			     {DEFAULT, LB, r->plan, false, 0}};
	char what[64];

	if (compares)
		compare(b, r);
	bench_measure(b, s, 2);
	snprintf(what, sizeof(what), "%s: floor", r->what);
	bench_note(what, s[0].ns);
	bench_row(b, r->what, s[1].ns, s[0].ns, BAR);
}

/* --- there ------------------------------------------------------------------------------------ */

static void there(struct bench *b, struct lb_nat_line *lines, uint16_t port)
{
	char what[64];

	for (unsigned i = 1; i < 3; i++) {
		const uint32_t n = bench_n_flows[i];
		struct series syns = {DEFAULT, LB, bench_tcp_plan(port, n, TCP_SYN), false, 0};
		struct row r = {what, FLOOR_THERE, bench_tcp_plan(port, n, TCP_ACK)};

		syns.plan.way = r.plan.way = BENCH_TO_NODE;
		bench_series_window(b, &syns);
		snprintf(what, sizeof(what), "%u flows, there, settled rows", n);
		measure(b, &r, true);
		memset(lines, 0, LB_NAT_LINES * sizeof(*lines));
		rig_forget_flows(b->beds[DEFAULT].rig);
	}
	{
		struct row r = {"new flows, there", FLOOR_THERE, bench_tcp_plan(port, 0, TCP_SYN)};

		r.plan.way = BENCH_TO_NODE;
		r.plan.first = NEWCOMERS;
		measure(b, &r, false);
	}
	memset(lines, 0, LB_NAT_LINES * sizeof(*lines));
	rig_forget_flows(b->beds[DEFAULT].rig);
}

/* --- and back --------------------------------------------------------------------------------- */

/* A flow that leaves by the port of this number, to a backend at the address that the driver's flow
 * of this number comes from. */
static void lay(const struct rig *rig, struct lb_nat_line *lines, uint32_t flow)
{
	static const uint32_t nobody[4];
	uint32_t backend[4] = {0, 0, LB_V4_PREFIX, htonl(0x0b000000 + (flow >> 5))};
	const uint32_t ports = lb_flow_ports(htons((uint16_t)(1024 + (flow & 31))),
					     htons((uint16_t)(FIRST + flow)));
	struct lb_nat n = {
		.client_port = htons(40000), .vip_port = htons(80), .uplink = RIG_IFINDEX};
	uint64_t hash;

	if (bench_is_v6())
		backend[0] = htonl(0x20010db8);
	frame_address((uint8_t *)n.client, 0xcb007107);
	frame_address((uint8_t *)n.vip, VIP);
	frame_address((uint8_t *)n.own, OUTER_HERE);
	hash = bench_is_v6()
		       ? lb_flow_hash(&rig->keys, backend, nobody, ports, lb_nat_proto(IPPROTO_TCP))
		       : lb_flow_hash_v4(&rig->keys, backend[3], 0, ports,
					 lb_nat_proto(IPPROTO_TCP));
	n.sum = lb_nat_sum(&n, hash);
	lines[flow].of[0] = n;
	lines[flow].way[0] = (struct lb_flow){
		.hash = hash, .state = (uint8_t)lb_flow_state(LB_FLOW_ESTABLISHED, false, 0)};
}

static void back(struct bench *b, struct lb_nat_line *lines)
{
	static const uint32_t counts[] = {4000, 16000}; /* of each port one */
	struct rig *rig = b->beds[DEFAULT].rig;
	char what[64];

	rig_set_vip_bit(rig, OUTER_HERE);
	for (unsigned i = 0; i < 2; i++) {
		const uint32_t n = counts[i];
		struct row r = {what, FLOOR_BACK, bench_tcp_plan(FIRST, n, TCP_ACK)};

		r.plan.way = BENCH_TO_NODE;
		r.plan.n_services = (uint16_t)n;
		bench_aim(&r.plan, OUTER_HERE);
		for (uint32_t flow = 0; flow < n; flow++)
			lay(rig, lines, flow);
		snprintf(what, sizeof(what), "%u flows, back", n);
		measure(b, &r, true);
		memset(lines, 0, LB_NAT_LINES * sizeof(*lines));
	}
}

void bench_nat(struct bench *b)
{
	struct bed *bed = &b->beds[DEFAULT];
	struct lb_nat_line *lines;

	rig_set_nat(bed->rig, FIRST, LB_NAT_LINES);
	lines = rig_nat_line(bed->rig, 0);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		frame_use_family(v6 ? AF_INET6 : AF_INET);
		printf("as if from this node, IPv%u\n", v6 ? 6 : 4);
		there(b, lines, bed_add_servers(bed, LB_WAY_NAT).port);
		back(b, lines);
	}
	rig_set_nat_range(bed->rig, FIRST, 0);
	frame_use_family(AF_INET);
}
