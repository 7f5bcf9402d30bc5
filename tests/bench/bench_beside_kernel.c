// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench on live frames, with which the kernel goes on: the way of a packet to its
 * backend by nftables' verdict map and conntrack, and by xdp_lb, each less what the kernel needs to
 * forward a packet that goes to the backend's address of itself. They take turns, window by window.
 * And the way from one node to another: the first one's program sends the frame out by the uplink,
 * at whose other end the second one's opens it and leaves it to the kernel there.
 */
#include "tests/bench/bench_kernel_net.h"
#include "tests/bench/bench_outer.h"
#include "tests/bench/bench_rows.h"

#include "bpf/rig_nodes.h"
#include "bpf/rig_private.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define ROUNDS     9
#define WINDOW     20000
#define NEW_WINDOW 5000 /* so that those of all rounds have room in the kernel's table */

struct way {
	enum program program;
	uint32_t to;
	uint16_t port;
	enum program opens; /* of the bed LARGE, at the uplink's other end; FLOOR: none is needed */
	double ns;
	int64_t lost; /* packets of all windows that did not come to the end */
};

/* Established flows; or, with none, packets of which each begins one, and no two rows the same. */
static void measure(struct bench *b, struct way *ways, unsigned n, uint32_t flows)
{
	const uint32_t room = flows > WINDOW ? flows : WINDOW, packets = flows ? room : NEW_WINDOW;
	const uint8_t flags = flows ? TCP_ACK : TCP_SYN;
	static uint32_t newcomer = NEWCOMERS;

	for (unsigned round = 0; round <= ROUNDS; round++) {
		for (unsigned i = 0; i < n; i++) {
			struct series s = {DEFAULT, ways[i].program,
					   bench_tcp_plan(ways[i].port, flows, flags), false, 0};
			uint64_t before = bench_n_dropped(b);
			double ns;

			s.plan.for_real = 1;
			s.plan.n_hosts = ways[i].to == VIP ? 0 : N_BACKENDS;
			s.plan.first = flows ? 0 : newcomer;
			bench_aim(&s.plan, ways[i].to);
			if (ways[i].opens)
				kernel_net_serve(bed_program(&b->beds[LARGE], ways[i].opens));
			ns = bench_live_window(b, &s, KERNEL_NET_IFINDEX, packets);
			ways[i].lost += (int64_t)(packets - (bench_n_dropped(b) - before));
			if (round == 1 ||
			    (round > 1 && ns < ways[i].ns)) /* the first one warms up */
				ways[i].ns = ns;
		}
		newcomer += packets;
	}
}

/* What did not come to a backend was not carried, whatever it cost; a few are always on their way.
 */
static void say(struct bench *b, uint32_t flows, const char *what, const struct way *w, double less)
{
	char line[64];

	if (flows)
		snprintf(line, sizeof(line), "%u flows: %s", flows, what);
	else
		snprintf(line, sizeof(line), "new flows: %s", what);
	bench_note(line, w->ns - less);
	if (w->lost > NEW_WINDOW / 2) {
		printf("  MISSED: %lld packets of it were lost\n", (long long)w->lost);
		b->missed = true;
	}
}

/* What each way costs beyond the kernel's forwarding alone. */
static bool rows(struct bench *b, uint32_t flows, unsigned n_services)
{
	struct way plain[] = {{.program = EMPTY, .to = rig_backend_addr(0), .port = SETTLED_PORT},
			      {.program = LB, .to = VIP, .port = SETTLED_PORT}};
	struct way ruled[] = {{.program = EMPTY, .to = VIP, .port = SETTLED_PORT},
			      {.program = LB, .to = VIP, .port = SETTLED_PORT}};

	rig_forget_flows(b->beds[DEFAULT].rig);
	if (!kernel_net_rules(0))
		return false;
	measure(b, plain, 2, flows);
	if (!kernel_net_rules(n_services))
		return false;
	measure(b, ruled, 2, flows);
	say(b, flows, "forwarded, and dropped at the end", &plain[0], 0);
	say(b, flows, "nftables and conntrack, more", &ruled[0], plain[0].ns);
	say(b, flows, "xdp_lb, more", &plain[1], plain[0].ns);
	say(b, flows, "xdp_lb, and conntrack for others, more", &ruled[1], plain[0].ns);
	return true;
}

static bool all_rows(struct bench *b)
{
	static const unsigned n_services[] = {1, 5000};

	for (unsigned i = 0; i < 2; i++) {
		printf("beside the kernel, on live frames; its verdict map has %u services\n",
		       n_services[i]);
		for (unsigned k = 0; k < 3; k++)
			if (!rows(b, bench_n_flows[k], n_services[i]))
				return false;
		if (!rows(b, 0, n_services[i]))
			return false;
	}
	return true;
}

void bench_beside_kernel(struct bench *b)
{
	struct rig *rig = b->beds[DEFAULT].rig;
	const char *why;

	if (!kernel_net_enter(bench_drop_program(b), &why)) {
		printf("beside the kernel: not measured, %s\n", why);
		return;
	}
	rig_set_uplink(rig, KERNEL_NET_IFINDEX,
		       lb_uplink_hash(KERNEL_NET_IFINDEX) - lb_uplink_hash(RIG_IFINDEX), 0);
	if (!all_rows(b))
		printf("beside the kernel: not measured to the end, nftables refuses\n");
}

/* --- from node to node ------------------------------------------------------------------------ */

/* The bed DEFAULT is the node that the packets come to, LARGE the one where the backends are. */
static void make_nodes(struct bench *b)
{
	struct rig *here = b->beds[DEFAULT].rig, *there = b->beds[LARGE].rig;
	struct rig_hop hop = {
		.uplink = KERNEL_NET_IFINDEX, .ifindex = KERNEL_NET_IFINDEX, .mtu = 1500};

	(void)bed_add_tunnel(&b->beds[DEFAULT]);
	rig_node_address(hop.source, AF_INET, OUTER_HERE);
	rig_set_hop(here, BED_NODE, 0, &hop);
	rig_add_node(there, BED_NODE, AF_INET, OUTER_HERE, 0);
	rig_add_tunnel_end(there, AF_INET, OUTER_THERE);
	(void)bed_add_service(&b->beds[LARGE], REMOTE_PORT, IPPROTO_TCP, 11);
}

static void node_to_node(struct bench *b, uint32_t flows)
{
	struct way ways[] = {
		{.program = EMPTY, .to = rig_backend_addr(0), .port = REMOTE_PORT},
		{.program = FLOOR_PUSH, .to = VIP, .port = REMOTE_PORT, .opens = FLOOR_PULL},
		{.program = LB, .to = VIP, .port = REMOTE_PORT, .opens = LB},
	};

	rig_forget_flows(b->beds[DEFAULT].rig);
	rig_forget_flows(b->beds[LARGE].rig);
	measure(b, ways, 3, flows);
	say(b, flows, "forwarded, and dropped at the end", &ways[0], 0);
	say(b, flows, "by way of a node, the floors, more", &ways[1], ways[0].ns);
	say(b, flows, "by way of a node, xdp_lb on both, more", &ways[2], ways[0].ns);
}

void bench_node_to_node(struct bench *b)
{
	const char *why;

	if (!kernel_net_enter(bench_drop_program(b), &why)) {
		printf("from node to node: not measured, %s\n", why);
		return;
	}
	make_nodes(b);
	printf("from node to node, on live frames\n");
	for (unsigned i = 1; i < 3; i++)
		node_to_node(b, bench_n_flows[i]);
	node_to_node(b, 0);
}
