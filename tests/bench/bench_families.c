// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench that hold IPv6 against IPv4.
 */
#include "tests/bench/bench_rows.h"

#include <stdio.h>
#include <sys/socket.h>

/* Two series that differ in the family alone. */
static void versus(struct bench *b, enum program program, uint16_t port, uint32_t flows,
		   uint8_t flags, const char *what)
{
	struct series s[2];

	for (unsigned v6 = 0; v6 < 2; v6++) {
		frame_use_family(v6 ? AF_INET6 : AF_INET);
		s[v6] = (struct series){DEFAULT, program, bench_tcp_plan(port, flows, flags),
					!flows, 0};
		s[v6].plan.first = program == REPLY ? ANSWERED : flows ? 0 : NEWCOMERS;
		if (program == REPLY)
			bench_aim(&s[v6].plan, rig_backend_addr(0));
	}
	frame_use_family(AF_INET);
	bench_measure(b, s, 2);
	printf("  %s, %u flows: IPv4 %.1f ns\n", what, flows, s[0].ns);
	bench_row(b, "IPv6", s[1].ns, s[0].ns, 1.3);
}

/* So many flows of each family in the unsettled services, whose owner is candidate `lead`. */
static void fill_both(struct bench *b, uint32_t flows, unsigned lead)
{
	struct bed *bed = &b->beds[DEFAULT];

	rig_forget_flows(bed->rig);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		frame_use_family(v6 ? AF_INET6 : AF_INET);
		rig_set_mixed_rows(bed->rig, &bed->unsettled[v6], N_BACKENDS, 0, 0);
		bench_add_flows(b, bed, UNSETTLED_PORT, 0, flows);
		bench_add_flows(b, bed, REPLY_PORT, ANSWERED, flows);
		rig_set_mixed_rows(bed->rig, &bed->unsettled[v6], N_BACKENDS, lead,
				   LB_ROW_UNSETTLED);
	}
	frame_use_family(AF_INET);
}

void bench_families(struct bench *b)
{
	printf("IPv6 against IPv4\n");
	for (unsigned i = 0; i < 4; i++)
		versus(b, LB, SETTLED_PORT, bench_n_flows[i], TCP_ACK, "settled rows");
	for (unsigned i = 0; i < 6; i++) {
		fill_both(b, bench_n_flows[i / 2], i % 2);
		versus(b, LB, UNSETTLED_PORT, bench_n_flows[i / 2], TCP_ACK,
		       i % 2 ? "unsettled rows, owner is candidate [1]" : "unsettled rows");
		if (i % 2)
			versus(b, REPLY, RIG_BACKEND_PORT, bench_n_flows[i / 2], TCP_ACK,
			       "answers");
	}
	versus(b, LB, SETTLED_PORT, 0, TCP_SYN, "new flows");
}
