// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench about flows: established ones in settled and in unsettled rows, with and while
 * the flow table grows, new ones, a flood of them, and the answers of backends.
 */
#include "tests/bench/bench_rows.h"

#include "bpf/rig_private.h"

#include <stdio.h>

void bench_not_ours(struct bench *b)
{
	struct series s[] = {
		{DEFAULT, FLOOR, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
		{DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0}};

	bench_aim(&s[0].plan, VIP + 1);
	bench_aim(&s[1].plan, VIP + 1);
	bench_measure(b, s, 2);
	printf("packets that are not ours\n");
	bench_note("floor", s[0].ns);
	bench_row(b, "xdp_lb", s[1].ns, s[0].ns, 2.0);
}

void bench_settled_rows(struct bench *b)
{
	struct series s[2 * N_FLOWS];
	char what[64];

	for (unsigned i = 0; i < 2 * N_FLOWS; i++)
		s[i] = (struct series){DEFAULT, i % 2 ? LB : FLOOR,
				       bench_tcp_plan(SETTLED_PORT, bench_n_flows[i / 2], TCP_ACK),
				       false, 0};
	bench_measure(b, s, 2 * N_FLOWS);
	printf("established TCP, settled rows\n");
	for (unsigned i = 0; i < 2 * N_FLOWS; i += 2) {
		snprintf(what, sizeof(what), "%u flows: floor", bench_n_flows[i / 2]);
		bench_note(what, s[i].ns);
		snprintf(what, sizeof(what), "%u flows", bench_n_flows[i / 2]);
		bench_row(b, what, s[i + 1].ns, s[i].ns, 2.0);
	}
	bench_row(b, "512,000 flows against one", s[7].ns, s[1].ns, 2.5);
}

/* The flows' owner is candidate `lead` of their rows: 0 or 1. */
struct unsettled {
	double ns;
	double settled;
	double least; /* for the floor with a read of the first candidate's line */
};

static struct unsettled unsettled_ns(struct bench *b, enum bed_id id, uint32_t flows, unsigned lead)
{
	struct series s[] = {
		{id, LB, bench_tcp_plan(SETTLED_PORT, flows, TCP_ACK), false, 0},
		{id, LB, bench_tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0},
		{id, FLOOR_READS, bench_tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0}};

	rig_set_mixed_rows(b->beds[id].rig, &b->beds[id].unsettled[bench_is_v6()], N_BACKENDS, lead,
			   LB_ROW_UNSETTLED);
	bench_measure(b, s, 3);
	return (struct unsettled){.settled = s[0].ns, .ns = s[1].ns, .least = s[2].ns};
}

void bench_unsettled_rows(struct bench *b, enum bed_id id, unsigned load, const char *table)
{
	struct bed *bed = &b->beds[id];
	char what[64];

	printf("established TCP, unsettled rows, against settled ones; %s, %u %% full\n", table,
	       load);
	for (unsigned i = 0; i < 4; i++) {
		double bar = bench_n_flows[i] <= 4000 ? 3.0 : 5.0;
		struct unsettled u;

		if (bench_n_flows[i] > bench_room(bed) / 2)
			break;
		bench_fill(b, bed, bench_n_flows[i], load);
		u = unsettled_ns(b, id, bench_n_flows[i], 0);
		snprintf(what, sizeof(what), "%u flows: floor and one read of the line",
			 bench_n_flows[i]);
		bench_note(what, u.least);
		snprintf(what, sizeof(what), "%u flows", bench_n_flows[i]);
		bench_row(b, what, u.ns, u.settled, bar);
		u = unsettled_ns(b, id, bench_n_flows[i], 1);
		snprintf(what, sizeof(what), "%u flows, owner is candidate [1]", bench_n_flows[i]);
		bench_note(what, u.ns);
		bench_fill_first(b, bed, bench_n_flows[i], load);
		u = unsettled_ns(b, id, bench_n_flows[i], 0);
		snprintf(what, sizeof(what), "%u flows that came last", bench_n_flows[i]);
		bench_note(what, u.ns);
	}
}

/* A table of 8 MB that is being left for one of 16 MB, whose places follow it. */
#define TABLE(first, n) ((uint64_t)(first) << LB_FLOWS_FIRST_SHIFT | (n))
#define OLD_TABLE       TABLE(0, 8)
#define NEXT_TABLE      TABLE(8, 16)

static void growing_rows(struct bench *b, uint32_t flows, bool copied)
{
	struct bed *bed = &b->beds[LARGE];
	struct unsettled u;
	char what[64];

	rig_set_table(bed->rig, copied ? NEXT_TABLE : OLD_TABLE);
	bench_fill(b, bed, flows, 0);
	rig_set_table(bed->rig, OLD_TABLE << LB_FLOWS_LEFT_SHIFT | NEXT_TABLE);
	u = unsettled_ns(b, LARGE, flows, 0);
	snprintf(what, sizeof(what), "%u flows, %s", flows, copied ? "copied" : "not copied yet");
	bench_row(b, what, u.ns, u.settled, flows <= 4000 ? 3.0 : 5.0);
}

void bench_while_the_table_grows(struct bench *b)
{
	struct bed *bed = &b->beds[LARGE];
	struct series s[] = {{LARGE, FLOOR, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0},
			     {LARGE, LB, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0}};

	printf("while the table grows, from 8 to 16 MB: established TCP, unsettled rows\n");
	for (unsigned i = 0; i < 3; i++) {
		growing_rows(b, bench_n_flows[i], false);
		growing_rows(b, bench_n_flows[i], true);
	}
	s[0].plan.first = s[1].plan.first = NEWCOMERS;
	bench_measure(b, s, 2);
	printf("while the table grows: new flows with their entries\n");
	bench_note("floor", s[0].ns);
	bench_row(b, "xdp_lb", s[1].ns, s[0].ns, 1.5);
	rig_set_table(bed->rig, TABLE(0, LARGE_CHUNKS));
	rig_forget_flows(bed->rig);
}

void bench_new_flows(struct bench *b, enum bed_id id, const char *table)
{
	struct series s[] = {{id, FLOOR, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0},
			     {id, LB, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0},
			     {id, FLOOR_CLAIMS, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0}};

	s[0].plan.first = s[1].plan.first = s[2].plan.first = NEWCOMERS;
	bench_measure(b, s, 3);
	printf("new flows with their entries, each packet a SYN; %s, empty at first\n", table);
	bench_note("floor", s[0].ns);
	bench_note("floor that claims a keyed entry", s[2].ns);
	bench_row(b, "xdp_lb", s[1].ns, s[0].ns, 1.5);
	s[0].fresh = s[1].fresh = false;
	bench_add_flows(b, &b->beds[id], SETTLED_PORT, FILLING, bench_room(&b->beds[id]) / 4);
	for (unsigned i = 0; i < 4 * bench_room(&b->beds[id]) / BENCH_WINDOW_LEN; i++)
		bench_series_window(b, &s[1]);
	bench_measure(b, s, 2);
	printf("a flood of SYNs; the same table, full\n");
	bench_note("floor", s[0].ns);
	bench_row(b, "xdp_lb", s[1].ns, s[0].ns, 1.5);
	rig_forget_flows(b->beds[id].rig);
}

void bench_replies(struct bench *b, enum bed_id id, const char *table)
{
	struct bed *bed = &b->beds[id];
	struct bench_plan plan = bench_tcp_plan(RIG_BACKEND_PORT, 1, TCP_ACK);
	char what[64];

	printf("answers; %s\n", table);
	for (unsigned i = 0; i < 4; i++) {
		struct series s[] = {{id, REPLY_FLOOR, plan, false, 0},
				     {id, REPLY, plan, false, 0}};

		if (bench_n_flows[i] > bench_room(bed) / 2)
			break;
		rig_forget_flows(bed->rig);
		bench_add_flows(b, bed, REPLY_PORT, ANSWERED, bench_n_flows[i]);
		for (unsigned k = 0; k < 2; k++) {
			bench_aim(&s[k].plan, rig_backend_addr(0));
			s[k].plan.first = ANSWERED;
			s[k].plan.n_flows = bench_n_flows[i];
		}
		bench_measure(b, s, 2);
		snprintf(what, sizeof(what), "%u flows: floor", bench_n_flows[i]);
		bench_note(what, s[0].ns);
		snprintf(what, sizeof(what), "%u flows", bench_n_flows[i]);
		bench_row(b, what, s[1].ns, s[0].ns, 2.0);
	}
	plan.n_flows = 4000;
	{
		struct series s[] = {{id, REPLY, plan, false, 0}};

		bench_measure(b, s, 1);
		bench_note("4000 flows that are not ours", s[0].ns);
	}
}
