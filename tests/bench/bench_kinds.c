// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench about what is not plain TCP to one plain service: UDP, fragments, SCTP, VLAN
 * tags, source ranges, many services, and services that are shared with the kernel.
 */
#include "tests/bench/bench_rows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define N_SERVICES   5000
#define FIRST_PORT   2000 /* of the 5,000 */
#define SCTP_PORT    3868
#define KERNEL_FLOWS 10000u

void bench_udp_flows(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, bench_tcp_plan(UDP_PORT, 4000, 0), false, 0}};

	s[0].plan.proto = IPPROTO_UDP;
	bench_measure(b, s, 1);
	printf("established UDP, settled rows: the flow's line is read\n");
	bench_note("4000 flows", s[0].ns);
}

/* With ranges every packet pays for a look into their trie; without, for a bit of the live word. */
void bench_source_ranges(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 1, TCP_ACK), false, 0},
			     {DEFAULT, LB, bench_tcp_plan(RANGES_PORT, 1, TCP_ACK), false, 0},
			     {DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 64000, TCP_ACK), false, 0},
			     {DEFAULT, LB, bench_tcp_plan(RANGES_PORT, 64000, TCP_ACK), false, 0}};

	bed_add_ranged(&b->beds[DEFAULT]);
	bench_measure(b, s, 4);
	printf("established TCP, settled rows, 10,000 source ranges\n");
	bench_note("without ranges, 1 flow", s[0].ns);
	bench_note("with them", s[1].ns);
	bench_note("without ranges, 64000 flows", s[2].ns);
	bench_note("with them", s[3].ns);
}

void bench_many_services(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
			     {CROWD, LB, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
			     {CROWD, LB, bench_tcp_plan(FIRST_PORT, 4000, TCP_ACK), false, 0}};

	for (uint16_t i = 0; i < N_SERVICES; i++)
		bed_add_service(&b->beds[CROWD], (uint16_t)(FIRST_PORT + i), IPPROTO_TCP,
				LB_ROWS_LOG2_MIN);
	s[2].plan.n_services = N_SERVICES;
	bench_measure(b, s, 3);
	printf("5,000 services loaded, 4000 flows\n");
	bench_note("without them", s[0].ns);
	bench_row(b, "traffic to one", s[1].ns, s[0].ns, 1.1);
	bench_note("traffic to all", s[2].ns);
}

/* Ours, of a service of which the kernel has flows, too: its table is asked, and does not have it.
 */
void bench_shared_with_the_kernel(struct bench *b)
{
	struct series alone = {DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0};
	struct series shared = alone;
	struct rig *rig = b->beds[DEFAULT].rig;
	const struct rig_service svc = {.vip = VIP, .port = SETTLED_PORT, .proto = IPPROTO_TCP};
	struct frame_spec flow = {
		.src = 1, .dst = VIP, .dport = SETTLED_PORT, .proto = IPPROTO_TCP};

	for (uint32_t i = 0; i < KERNEL_FLOWS; i++) {
		flow.sport = (uint16_t)i;
		rig_add_kernel_flow(rig, &flow);
	}
	bench_measure(b, &alone, 1);
	rig_set_flags(rig, &svc, LB_SVC_KERNEL_FLOWS);
	bench_measure(b, &shared, 1);
	rig_set_flags(rig, &svc, 0);
	printf("settled rows, 4000 flows, while the kernel has %u flows\n", KERNEL_FLOWS);
	bench_note("of another service", alone.ns);
	bench_note("of the same service", shared.ns);
}

void bench_tagged(struct bench *b)
{
	struct series s[3];

	for (unsigned i = 0; i < 3; i++)
		s[i] = (struct series){DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK),
				       false, 0};
	s[1].plan.n_tags = 1;
	s[2].plan.n_tags = 2;
	bench_measure(b, s, 3);
	printf("VLAN tags against none, established TCP, 4000 flows\n");
	bench_note("none", s[0].ns);
	bench_row(b, "one", s[1].ns, s[0].ns, 1.3);
	bench_row(b, "two", s[2].ns, s[0].ns, 1.3);
}

void bench_odd_packets(struct bench *b)
{
	struct series s[4];

	for (unsigned i = 0; i < 4; i++) {
		s[i] = (struct series){DEFAULT, LB, bench_tcp_plan(UDP_PORT, 1000, 0), false, 0};
		s[i].plan.proto = IPPROTO_UDP;
	}
	s[1].plan.frag = htons(0x2000);
	s[2].plan.frag = htons(185);
	(void)bed_add_service(&b->beds[DEFAULT], SCTP_PORT, IPPROTO_SCTP, LB_ROWS_LOG2_MIN);
	s[3].plan.proto = IPPROTO_SCTP;
	s[3].plan.dport = SCTP_PORT;
	bench_measure(b, s, 4);
	printf("fragments and SCTP against UDP, whose entry is read as well, 1000 flows\n");
	bench_note("established UDP", s[0].ns);
	bench_row(b, "first fragments, each entered", s[1].ns, s[0].ns, 3.0);
	bench_row(b, "later fragments", s[2].ns, s[0].ns, 2.0);
	bench_row(b, "SCTP whose port changes", s[3].ns, s[0].ns, 4.0);
	rig_forget_flows(b->beds[DEFAULT].rig);
}
