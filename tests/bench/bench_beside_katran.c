// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench that hold ours against Katran's program: the same frames through the same
 * driver, in turns, window by window. Its table is made large enough for all flows of the bench.
 *
 * Katran encapsulates, so its frame comes back longer. What the driver pays to take that off again
 * is measured by a program that does nothing else, and subtracted from Katran's share. Where ours
 * encapsulates, too, nothing is: the driver of tunnels pays it for all, and subtracts it from all.
 */
#include "tests/bench/bench_rows.h"

#include <stdio.h>
#include <stdlib.h>

#define WARMING 4 /* times at most; a table of this kind may forget some while others come */

/* One of the two calls that a frame needs which gets longer and shorter again. */
static double call_ns(struct bench *b)
{
	struct series s = {DEFAULT, LONGER, bench_tcp_plan(SETTLED_PORT, 1, TCP_ACK), false, 0};

	bench_measure(b, &s, 1);
	return s.ns / 2;
}

/*
 * Katran's table gets these flows, in pieces that it does not take for a flood. True: it knew all
 * of them before.
 */
static bool warm(struct bench *b, uint32_t flows)
{
	uint64_t missed = katran_misses(b->katran);

	struct series s = {DEFAULT, KATRAN, bench_tcp_plan(SETTLED_PORT, 0, TCP_ACK), true, 0};

	for (uint32_t first = 0; first < flows; first += BENCH_WINDOW_LEN) {
		s.plan.first = first;
		s.plan.n_flows =
			flows - first < BENCH_WINDOW_LEN ? flows - first : BENCH_WINDOW_LEN;
		bench_series_window(b, &s);
	}
	return katran_misses(b->katran) == missed;
}

/* In a table of the default size, which is what the agent takes for so few flows. */
static bool is_by_default(const struct bench *b, uint32_t flows)
{
	return flows <= bench_room(&b->beds[DEFAULT]) / 2;
}

static void fill(struct bench *b, enum bed_id id, uint32_t flows)
{
	struct bed *bed = &b->beds[id];

	bench_fill(b, bed, flows, 50);
	rig_set_mixed_rows(bed->rig, &bed->unsettled[0], N_BACKENDS, 0, LB_ROW_UNSETTLED);
}

static void established(struct bench *b, uint32_t flows, double call)
{
	struct series s[] = {
		{LARGE, KATRAN, bench_tcp_plan(SETTLED_PORT, flows, TCP_ACK), false, 0},
		{LARGE, LB, bench_tcp_plan(SETTLED_PORT, flows, TCP_ACK), false, 0},
		{LARGE, LB, bench_tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0},
		{LARGE, FLOOR_READS, bench_tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0},
		{DEFAULT, LB, bench_tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0},
		{DEFAULT, FLOOR_READS, bench_tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0}};
	uint64_t missed;
	char what[64];

	fill(b, LARGE, flows);
	if (is_by_default(b, flows))
		fill(b, DEFAULT, flows);
	for (unsigned i = 0; i < WARMING && !warm(b, flows); i++)
		;
	missed = katran_misses(b->katran);
	bench_measure(b, s, is_by_default(b, flows) ? 6 : 4);
	missed = katran_misses(b->katran) - missed;
	snprintf(what, sizeof(what), "%u flows: Katran", flows);
	bench_note(what, s[0].ns - call);
	if (missed > 0)
		printf("  of which %llu packets met no entry of their flow\n",
		       (unsigned long long)missed);
	bench_row(b, "settled rows", s[1].ns, s[0].ns - call, flows <= 4000 ? 1.0 / 3 : 1.0 / 6);
	bench_row(b, "unsettled rows", s[2].ns, s[0].ns - call, 2.0 / 3);
	bench_note("beside them the floor and one read of the line", s[3].ns);
	if (!is_by_default(b, flows))
		return;
	bench_row(b, "unsettled rows, table of 8 MB", s[4].ns, s[0].ns - call, 2.0 / 3);
	bench_note("beside them the floor and one read of the line", s[5].ns);
}

static void newcomers(struct bench *b, double call)
{
	struct series s[] = {{LARGE, KATRAN, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0},
			     {LARGE, LB, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0}};
	struct series flood = {LARGE, KATRAN, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), false, 0};

	s[0].plan.first = s[1].plan.first = flood.plan.first = NEWCOMERS;
	bench_measure(b, s, 2);
	bench_note("new flows, recorded: Katran", s[0].ns - call);
	bench_row(b, "new flows with their entries", s[1].ns, s[0].ns - call, 1.0 / 3);
	katran_record(b->katran, false);
	bench_measure(b, &flood, 1);
	bench_note("new flows that it does not record: Katran", flood.ns - call);
	rig_forget_flows(b->beds[LARGE].rig);
}

static void rows(struct bench *b)
{
	struct series other = {DEFAULT, KATRAN, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false,
			       0};
	double call = call_ns(b);

	printf("beside Katran's program; our flow table is 50 %% full, of 32 MB where not said\n");
	bench_note("to make the driver's frame shorter again", call);
	for (unsigned i = 0; i < N_FLOWS; i++)
		established(b, bench_n_flows[i], call);
	newcomers(b, call);
	bench_aim(&other.plan, VIP + 1);
	bench_measure(b, &other, 1);
	bench_note("packets that are not ours: Katran", other.ns);
}

/* An object file that a variable of the environment names; false: there is none to measure. */
static bool open_object(struct bench *b, const char *variable)
{
	const char *path = getenv(variable), *why;

	if (!path) {
		printf("beside Katran's program: not measured, %s names no object file\n",
		       variable);
		return false;
	}
	b->katran = katran_open(path, &why);
	if (!b->katran)
		printf("beside Katran's program: not measured, %s: %s\n", path, why);
	return b->katran;
}

void bench_beside_katran(struct bench *b)
{
	if (!open_object(b, "KATRAN_OBJ"))
		return;
	rows(b);
	katran_close(b->katran);
}

/* --- where both encapsulate ------------------------------------------------------------------- */

/* A service of ours, all of whose backends are elsewhere. */
struct ours {
	const char *what;
	uint16_t port;
};

#define MOST_OURS 2

static void tell(const struct series *s, const struct ours *ours, unsigned n, const char *flows)
{
	char line[64];

	snprintf(line, sizeof(line), "%s: Katran", flows);
	bench_note(line, s[0].ns);
	for (unsigned i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "%s, as a share of that %.2f", ours[i].what,
			 s[1 + i].ns / s[0].ns);
		bench_note(line, s[1 + i].ns);
	}
}

/* Established flows; with none, new ones, which all record. */
static void both(struct bench *b, const struct ours *ours, unsigned n, uint32_t flows)
{
	const uint8_t flags = flows ? TCP_ACK : TCP_SYN;
	struct series s[1 + MOST_OURS];
	char what[32] = "new flows";

	for (unsigned i = 0; i <= n; i++) {
		s[i] = (struct series){
			DEFAULT, i ? LB : KATRAN,
			bench_tcp_plan(i ? ours[i - 1].port : SETTLED_PORT, flows, flags), !flows,
			0};
		s[i].plan.way = BENCH_TO_NODE;
		s[i].plan.first = flows ? 0 : NEWCOMERS;
	}
	for (unsigned i = 0; i < WARMING && flows && !warm(b, flows); i++)
		;
	bench_measure(b, s, 1 + n);
	if (flows)
		snprintf(what, sizeof(what), "%u flows", flows);
	tell(s, ours, n, what);
	rig_forget_flows(b->beds[DEFAULT].rig);
}

static void all(struct bench *b, const struct ours *ours, unsigned n)
{
	for (unsigned i = 1; i < 3; i++)
		both(b, ours, n, bench_n_flows[i]);
	both(b, ours, n, 0);
	katran_close(b->katran);
}

void bench_encapsulating(struct bench *b)
{
	static const struct ours in_ip = {"to a real server in IP", SERVER_PORT + LB_WAY_IPIP};
	static const struct ours in_gue[] = {
		{"to a real server in GUE", SERVER_PORT + LB_WAY_GUE},
		{"to a node", REMOTE_PORT},
	};
	struct bed *bed = &b->beds[DEFAULT];

	(void)bed_add_tunnel(bed);
	(void)bed_add_servers(bed, LB_WAY_IPIP);
	(void)bed_add_servers(bed, LB_WAY_GUE);
	if (open_object(b, "KATRAN_OBJ")) {
		printf("in IP, beside Katran's program; settled rows\n");
		all(b, &in_ip, 1);
	}
	if (open_object(b, "KATRAN_GUE_OBJ")) {
		printf("in GUE, beside Katran's program; settled rows\n");
		all(b, in_gue, 2);
	}
}
