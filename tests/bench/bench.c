// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * ns per packet of xdp_lb and tc_reply, net of an empty program, held against the bars of
 * DESIGN 7.4. A driver program lays a fresh frame before each repetition and tail-calls the program
 * under test; the same with an empty program is subtracted. All bars are ratios, most of them to a
 * floor program, so that the machine matters little: what is compared takes turns window by window,
 * and the smallest window of each counts, since noise only adds.
 *
 * Three beds, each with its own programs and maps: one with a flow table of the size that the agent
 * takes by default (8 MB), one of 32 MB, one with 5,000 services. A bed's table is filled to a load
 * with established flows, of which some are the ones that speak.
 *
 * Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bench_driver.skel.h"
#include "bench_reply_driver.skel.h"
#pragma GCC diagnostic pop

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/bench.h"
#include "tests/bench/bench_bed.h"

#define N_SERVICES     5000
#define FIRST_PORT     2000 /* of the 5,000 */
#define SCTP_PORT      3868
#define ROUNDS         31
#define WINDOW_LEN     100000
#define DEFAULT_CHUNKS 8 /* what the agent takes by default: 262,144 flows at half load */
#define LARGE_CHUNKS   32
#define SERIES_MAX     8
#define KERNEL_FLOWS   10000u
#define FILLING        0x04000000u /* first of the flows that fill a table */
#define NEWCOMERS      0x08000000u /* first of those that begin */
#define ANSWERED       0x02000000u /* first of those that backend 0 answers */

enum bed_id { DEFAULT, LARGE, CROWD, N_BEDS };
enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

struct bench {
	struct bench_driver_bpf *driver;
	struct bench_reply_driver_bpf *reply_driver;
	struct bed beds[N_BEDS];
	bool missed;
};

/* What is measured: one program of one bed under one plan. */
struct series {
	enum bed_id bed;
	enum program program;
	struct bench_plan plan;
	bool fresh; /* with an empty table for each window */
	double ns;  /* result */
};

static const uint32_t n_flows[] = {1, 4000, 64000, 512000};

/* --- measuring -----------------------------------------------------------------------------------
 */

static bool is_v6(void)
{
	return frame_family() == AF_INET6;
}

static void aim(struct bench_plan *plan, uint32_t addr)
{
	frame_address((uint8_t *)plan->daddr, addr);
}

/* In the family of frame_use_family(). */
static struct bench_plan tcp_plan(uint16_t port, uint32_t flows, uint8_t flags)
{
	struct bench_plan plan = {.n_flows = flows,
				  .dport = port,
				  .proto = IPPROTO_TCP,
				  .tcp_flags = flags,
				  .v6 = is_v6()};

	aim(&plan, VIP);
	return plan;
}

static uint32_t window_packets(const struct bench_plan *plan)
{
	return plan->n_flows > WINDOW_LEN ? plan->n_flows : WINDOW_LEN;
}

/* A driver: its program, its maps, and what it costs by itself. */
struct driver {
	const struct bpf_program *run, *empty;
	const struct bpf_map *plan, *under_test;
};

static struct driver driver_for(const struct bench *b, enum program program)
{
	if (program == REPLY || program == REPLY_FLOOR)
		return (struct driver){b->reply_driver->progs.bench_reply_driver,
				       b->reply_driver->progs.bench_reply_empty,
				       b->reply_driver->maps.plan,
				       b->reply_driver->maps.under_test};
	return (struct driver){b->driver->progs.bench_driver, b->driver->progs.bench_empty,
			       b->driver->maps.plan, b->driver->maps.under_test};
}

/* ns per packet of one window, everything included. */
static double window(const struct driver *d, int fd, const struct bench_plan *plan,
		     uint32_t packets)
{
	static uint8_t frame[BENCH_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets);
	struct timespec from, to;
	uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(d->plan), &zero, plan, BPF_ANY), "write the plan");
	rig_must(bpf_map_update_elem(bpf_map__fd(d->under_test), &zero, &fd, BPF_ANY),
		 "aim the driver");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	rig_must(bpf_prog_test_run_opts(bpf_program__fd(d->run), &opts), "test run");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       packets;
}

/* A window of a series; a plan without an end goes on where it was. */
static double series_window(struct bench *b, struct series *s)
{
	const struct driver d = driver_for(b, s->program);
	uint32_t packets = window_packets(&s->plan);
	double ns;

	if (s->fresh)
		rig_forget_flows(b->beds[s->bed].rig);
	ns = window(&d, bed_program(&b->beds[s->bed], s->program), &s->plan, packets);
	if (!s->plan.n_flows)
		s->plan.first += packets;
	return ns;
}

/* Best window of each series, net of the best empty one. They take turns, round by round. */
static void measure(struct bench *b, struct series *series, unsigned n)
{
	struct bench_plan plain = tcp_plan(SETTLED_PORT, 1, TCP_ACK);
	const struct driver d = driver_for(b, series[0].program);
	double empty[2] = {1e9, 1e9}; /* by family: their frames take different times to lay */

	for (unsigned i = 0; i < n; i++) {
		series[i].ns = 1e9;
		series_window(b, &series[i]); /* warms up */
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		double ns;

		for (plain.v6 = 0; plain.v6 < 2; plain.v6++) {
			ns = window(&d, bpf_program__fd(d.empty), &plain, WINDOW_LEN);
			empty[plain.v6] = ns < empty[plain.v6] ? ns : empty[plain.v6];
		}
		for (unsigned i = 0; i < n; i++) {
			ns = series_window(b, &series[i]);
			if (ns < series[i].ns)
				series[i].ns = ns;
		}
	}
	for (unsigned i = 0; i < n; i++)
		series[i].ns -= empty[series[i].plan.v6];
}

/* --- filling the table ---------------------------------------------------------------------------
 */

static uint32_t room(const struct bed *bed)
{
	return rig_n_lines(bed->rig) * LB_FLOW_WAYS;
}

/* So many flows from the first on send a SYN, and all that the table holds is established. */
static void add_flows(struct bench *b, struct bed *bed, uint16_t port, uint32_t first, uint32_t n)
{
	const struct driver d = driver_for(b, LB);
	struct bench_plan plan = tcp_plan(port, n, TCP_SYN);

	plan.first = first;
	if (n > 0)
		window(&d, bed_program(bed, LB), &plan, n);
	for (unsigned i = 0; i < rig_n_lines(bed->rig); i++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++)
			rig_line(bed->rig, i)->way[way].state |= LB_FLOW_ESTABLISHED;
}

/* A table of this load, in percent, in which so many flows of the unsettled service are. */
static void fill(struct bench *b, struct bed *bed, uint32_t flows, unsigned load)
{
	uint32_t all = (uint32_t)((uint64_t)room(bed) * load / 100);

	rig_forget_flows(bed->rig);
	rig_set_mixed_rows(bed->rig, &bed->unsettled[is_v6()], N_BACKENDS, 0, 0);
	add_flows(b, bed, UNSETTLED_PORT, 0, flows);
	add_flows(b, bed, SETTLED_PORT, FILLING, all > flows ? all - flows : 0);
}

/* --- reporting -----------------------------------------------------------------------------------
 */

/* A busy machine can make a difference of two small numbers come out as nothing: that decides
 * nothing. */
static void row(struct bench *b, const char *what, double ns, double base, double bar)
{
	bool decided = ns > 0 && base > 0;
	bool kept = decided && ns <= base * bar;

	printf("  %-44s %8.1f ns  ratio %5.2f  bar %5.2f  %s\n", what, ns,
	       decided ? ns / base : 0.0, bar,
	       kept      ? "ok"
	       : decided ? "MISSED"
			 : "UNDECIDED (noise)");
	b->missed |= !kept;
}

static void note(const char *what, double ns)
{
	printf("  %-44s %8.1f ns\n", what, ns);
}

static void not_ours(struct bench *b)
{
	struct series s[] = {{DEFAULT, FLOOR, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
			     {DEFAULT, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0}};

	aim(&s[0].plan, VIP + 1);
	aim(&s[1].plan, VIP + 1);
	measure(b, s, 2);
	printf("packets that are not ours\n");
	note("floor", s[0].ns);
	row(b, "xdp_lb", s[1].ns, s[0].ns, 2.0);
}

static void settled_rows(struct bench *b)
{
	struct series s[SERIES_MAX];
	char what[64];

	for (unsigned i = 0; i < SERIES_MAX; i++)
		s[i] = (struct series){DEFAULT, i % 2 ? LB : FLOOR,
				       tcp_plan(SETTLED_PORT, n_flows[i / 2], TCP_ACK), false, 0};
	measure(b, s, SERIES_MAX);
	printf("established TCP, settled rows\n");
	for (unsigned i = 0; i < SERIES_MAX; i += 2) {
		snprintf(what, sizeof(what), "%u flows: floor", n_flows[i / 2]);
		note(what, s[i].ns);
		snprintf(what, sizeof(what), "%u flows", n_flows[i / 2]);
		row(b, what, s[i + 1].ns, s[i].ns, 2.0);
	}
	row(b, "512,000 flows against one", s[7].ns, s[1].ns, 2.5);
}

/* The flows' owner is candidate `lead` of their rows: 0 or 1. */
static double unsettled_ns(struct bench *b, enum bed_id id, uint32_t flows, unsigned lead,
			   double *ret_settled)
{
	struct series s[] = {{id, LB, tcp_plan(SETTLED_PORT, flows, TCP_ACK), false, 0},
			     {id, LB, tcp_plan(UNSETTLED_PORT, flows, TCP_ACK), false, 0}};

	rig_set_mixed_rows(b->beds[id].rig, &b->beds[id].unsettled[is_v6()], N_BACKENDS, lead,
			   LB_ROW_UNSETTLED);
	measure(b, s, 2);
	*ret_settled = s[0].ns;
	return s[1].ns;
}

static void unsettled_rows(struct bench *b, enum bed_id id, unsigned load, const char *table)
{
	struct bed *bed = &b->beds[id];
	char what[64];

	printf("established TCP, unsettled rows, against settled ones; %s, %u %% full\n", table,
	       load);
	for (unsigned i = 0; i < 4; i++) {
		double ns, settled, bar = n_flows[i] <= 4000 ? 3.0 : 5.0;

		if (n_flows[i] > room(bed) / 2)
			break;
		fill(b, bed, n_flows[i], load);
		ns = unsettled_ns(b, id, n_flows[i], 0, &settled);
		snprintf(what, sizeof(what), "%u flows", n_flows[i]);
		row(b, what, ns, settled, bar);
		ns = unsettled_ns(b, id, n_flows[i], 1, &settled);
		snprintf(what, sizeof(what), "%u flows, owner is candidate [1]", n_flows[i]);
		note(what, ns);
	}
}

/* A table of 8 MB that is being left for one of 16 MB, whose places follow it. */
#define TABLE(first, n) ((uint64_t)(first) << LB_FLOWS_FIRST_SHIFT | (n))
#define OLD_TABLE       TABLE(0, 8)
#define NEXT_TABLE      TABLE(8, 16)

static void growing_rows(struct bench *b, uint32_t flows, bool copied)
{
	struct bed *bed = &b->beds[LARGE];
	double ns, settled;
	char what[64];

	rig_set_table(bed->rig, copied ? NEXT_TABLE : OLD_TABLE);
	fill(b, bed, flows, 0);
	rig_set_table(bed->rig, OLD_TABLE << LB_FLOWS_LEFT_SHIFT | NEXT_TABLE);
	ns = unsettled_ns(b, LARGE, flows, 0, &settled);
	snprintf(what, sizeof(what), "%u flows, %s", flows, copied ? "copied" : "not copied yet");
	row(b, what, ns, settled, flows <= 4000 ? 3.0 : 5.0);
}

static void while_the_table_grows(struct bench *b)
{
	struct bed *bed = &b->beds[LARGE];
	struct series s[] = {{LARGE, FLOOR, tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0},
			     {LARGE, LB, tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0}};

	printf("while the table grows, from 8 to 16 MB: established TCP, unsettled rows\n");
	for (unsigned i = 0; i < 3; i++) {
		growing_rows(b, n_flows[i], false);
		growing_rows(b, n_flows[i], true);
	}
	s[0].plan.first = s[1].plan.first = NEWCOMERS;
	measure(b, s, 2);
	printf("while the table grows: new flows with their entries\n");
	note("floor", s[0].ns);
	row(b, "xdp_lb", s[1].ns, s[0].ns, 1.5);
	rig_set_table(bed->rig, TABLE(0, LARGE_CHUNKS));
	rig_forget_flows(bed->rig);
}

static void new_flows(struct bench *b, enum bed_id id, const char *table)
{
	struct series s[] = {{id, FLOOR, tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0},
			     {id, LB, tcp_plan(SETTLED_PORT, 0, TCP_SYN), true, 0}};

	s[0].plan.first = s[1].plan.first = NEWCOMERS;
	measure(b, s, 2);
	printf("new flows with their entries, each packet a SYN; %s, empty at first\n", table);
	note("floor", s[0].ns);
	row(b, "xdp_lb", s[1].ns, s[0].ns, 1.5);
	s[0].fresh = s[1].fresh = false;
	add_flows(b, &b->beds[id], SETTLED_PORT, FILLING, room(&b->beds[id]) / 4);
	for (unsigned i = 0; i < 4 * room(&b->beds[id]) / WINDOW_LEN; i++)
		series_window(b, &s[1]);
	measure(b, s, 2);
	printf("a flood of SYNs; the same table, full\n");
	note("floor", s[0].ns);
	row(b, "xdp_lb", s[1].ns, s[0].ns, 1.5);
	rig_forget_flows(b->beds[id].rig);
}

static void replies(struct bench *b, enum bed_id id, const char *table)
{
	struct bed *bed = &b->beds[id];
	struct bench_plan plan = tcp_plan(RIG_BACKEND_PORT, 1, TCP_ACK);
	char what[64];

	printf("answers; %s\n", table);
	for (unsigned i = 0; i < 4; i++) {
		struct series s[] = {{id, REPLY_FLOOR, plan, false, 0},
				     {id, REPLY, plan, false, 0}};

		if (n_flows[i] > room(bed) / 2)
			break;
		rig_forget_flows(bed->rig);
		add_flows(b, bed, REPLY_PORT, ANSWERED, n_flows[i]);
		for (unsigned k = 0; k < 2; k++) {
			aim(&s[k].plan, rig_backend_addr(0));
			s[k].plan.first = ANSWERED;
			s[k].plan.n_flows = n_flows[i];
		}
		measure(b, s, 2);
		snprintf(what, sizeof(what), "%u flows: floor", n_flows[i]);
		note(what, s[0].ns);
		snprintf(what, sizeof(what), "%u flows", n_flows[i]);
		row(b, what, s[1].ns, s[0].ns, 2.0);
	}
	plan.n_flows = 4000;
	{
		struct series s[] = {{id, REPLY, plan, false, 0}};

		measure(b, s, 1);
		note("4000 flows that are not ours", s[0].ns);
	}
}

static void udp_flows(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, tcp_plan(UDP_PORT, 4000, 0), false, 0}};

	s[0].plan.proto = IPPROTO_UDP;
	measure(b, s, 1);
	printf("established UDP, settled rows: the flow's line is read\n");
	note("4000 flows", s[0].ns);
}

/* With ranges every packet pays for a look into their trie; without, for a bit of the live word. */
static void source_ranges(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, tcp_plan(SETTLED_PORT, 1, TCP_ACK), false, 0},
			     {DEFAULT, LB, tcp_plan(RANGES_PORT, 1, TCP_ACK), false, 0},
			     {DEFAULT, LB, tcp_plan(SETTLED_PORT, 64000, TCP_ACK), false, 0},
			     {DEFAULT, LB, tcp_plan(RANGES_PORT, 64000, TCP_ACK), false, 0}};

	bed_add_ranged(&b->beds[DEFAULT]);
	measure(b, s, 4);
	printf("established TCP, settled rows, 10,000 source ranges\n");
	note("without ranges, 1 flow", s[0].ns);
	note("with them", s[1].ns);
	note("without ranges, 64000 flows", s[2].ns);
	note("with them", s[3].ns);
}

static void many_services(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
			     {CROWD, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
			     {CROWD, LB, tcp_plan(FIRST_PORT, 4000, TCP_ACK), false, 0}};

	for (uint16_t i = 0; i < N_SERVICES; i++)
		bed_add_service(&b->beds[CROWD], (uint16_t)(FIRST_PORT + i), IPPROTO_TCP,
				LB_ROWS_LOG2_MIN);
	s[2].plan.n_services = N_SERVICES;
	measure(b, s, 3);
	printf("5,000 services loaded, 4000 flows\n");
	note("without them", s[0].ns);
	row(b, "traffic to one", s[1].ns, s[0].ns, 1.1);
	note("traffic to all", s[2].ns);
}

/* Ours, of a service of which the kernel has flows, too: its table is asked, and does not have it.
 */
static void shared_with_the_kernel(struct bench *b)
{
	struct series alone = {DEFAULT, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0};
	struct series shared = alone;
	struct rig *rig = b->beds[DEFAULT].rig;
	const struct rig_service svc = {.vip = VIP, .port = SETTLED_PORT, .proto = IPPROTO_TCP};
	struct frame_spec flow = {
		.src = 1, .dst = VIP, .dport = SETTLED_PORT, .proto = IPPROTO_TCP};

	for (uint32_t i = 0; i < KERNEL_FLOWS; i++) {
		flow.sport = (uint16_t)i;
		rig_add_kernel_flow(rig, &flow);
	}
	measure(b, &alone, 1);
	rig_set_flags(rig, &svc, LB_SVC_KERNEL_FLOWS);
	measure(b, &shared, 1);
	rig_set_flags(rig, &svc, 0);
	printf("settled rows, 4000 flows, while the kernel has %u flows\n", KERNEL_FLOWS);
	note("of another service", alone.ns);
	note("of the same service", shared.ns);
}

static void tagged(struct bench *b)
{
	struct series s[3];

	for (unsigned i = 0; i < 3; i++)
		s[i] = (struct series){DEFAULT, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false,
				       0};
	s[1].plan.n_tags = 1;
	s[2].plan.n_tags = 2;
	measure(b, s, 3);
	printf("VLAN tags against none, established TCP, 4000 flows\n");
	note("none", s[0].ns);
	row(b, "one", s[1].ns, s[0].ns, 1.3);
	row(b, "two", s[2].ns, s[0].ns, 1.3);
}

static void odd_packets(struct bench *b)
{
	struct series s[4];

	for (unsigned i = 0; i < 4; i++) {
		s[i] = (struct series){DEFAULT, LB, tcp_plan(UDP_PORT, 1000, 0), false, 0};
		s[i].plan.proto = IPPROTO_UDP;
	}
	s[1].plan.frag = htons(0x2000);
	s[2].plan.frag = htons(185);
	(void)bed_add_service(&b->beds[DEFAULT], SCTP_PORT, IPPROTO_SCTP, LB_ROWS_LOG2_MIN);
	s[3].plan.proto = IPPROTO_SCTP;
	s[3].plan.dport = SCTP_PORT;
	measure(b, s, 4);
	printf("fragments and SCTP against UDP, whose entry is read as well, 1000 flows\n");
	note("established UDP", s[0].ns);
	row(b, "first fragments, each entered", s[1].ns, s[0].ns, 3.0);
	row(b, "later fragments", s[2].ns, s[0].ns, 2.0);
	row(b, "SCTP whose port changes", s[3].ns, s[0].ns, 4.0);
	rig_forget_flows(b->beds[DEFAULT].rig);
}

/* --- IPv6 against IPv4 ---------------------------------------------------------------------------
 */

/* Two series that differ in the family alone. */
static void versus(struct bench *b, enum program program, uint16_t port, uint32_t flows,
		   uint8_t flags, const char *what)
{
	struct series s[2];

	for (unsigned v6 = 0; v6 < 2; v6++) {
		frame_use_family(v6 ? AF_INET6 : AF_INET);
		s[v6] = (struct series){DEFAULT, program, tcp_plan(port, flows, flags), !flows, 0};
		s[v6].plan.first = program == REPLY ? ANSWERED : flows ? 0 : NEWCOMERS;
		if (program == REPLY)
			aim(&s[v6].plan, rig_backend_addr(0));
	}
	frame_use_family(AF_INET);
	measure(b, s, 2);
	printf("  %s, %u flows: IPv4 %.1f ns\n", what, flows, s[0].ns);
	row(b, "IPv6", s[1].ns, s[0].ns, 1.3);
}

/* So many flows of each family in the unsettled services, whose owner is candidate `lead`. */
static void fill_both(struct bench *b, uint32_t flows, unsigned lead)
{
	struct bed *bed = &b->beds[DEFAULT];

	rig_forget_flows(bed->rig);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		frame_use_family(v6 ? AF_INET6 : AF_INET);
		rig_set_mixed_rows(bed->rig, &bed->unsettled[v6], N_BACKENDS, 0, 0);
		add_flows(b, bed, UNSETTLED_PORT, 0, flows);
		add_flows(b, bed, REPLY_PORT, ANSWERED, flows);
		rig_set_mixed_rows(bed->rig, &bed->unsettled[v6], N_BACKENDS, lead,
				   LB_ROW_UNSETTLED);
	}
	frame_use_family(AF_INET);
}

static void families(struct bench *b)
{
	printf("IPv6 against IPv4\n");
	for (unsigned i = 0; i < 4; i++)
		versus(b, LB, SETTLED_PORT, n_flows[i], TCP_ACK, "settled rows");
	for (unsigned i = 0; i < 6; i++) {
		fill_both(b, n_flows[i / 2], i % 2);
		versus(b, LB, UNSETTLED_PORT, n_flows[i / 2], TCP_ACK,
		       i % 2 ? "unsettled rows, owner is candidate [1]" : "unsettled rows");
		if (i % 2)
			versus(b, REPLY, RIG_BACKEND_PORT, n_flows[i / 2], TCP_ACK, "answers");
	}
	versus(b, LB, SETTLED_PORT, 0, TCP_SYN, "new flows");
}

static void run(struct bench *b)
{
	static const char by_default[] = "flow table of 8 MB (the default)";
	static const char large[] = "flow table of 32 MB";

	not_ours(b);
	settled_rows(b);
	for (unsigned load = 10; load <= 50; load += 20)
		unsettled_rows(b, DEFAULT, load, by_default);
	for (unsigned load = 10; load <= 50; load += 20)
		unsettled_rows(b, LARGE, load, large);
	new_flows(b, DEFAULT, by_default);
	new_flows(b, LARGE, large);
	while_the_table_grows(b);
	replies(b, LARGE, large);
	udp_flows(b);
	source_ranges(b);
	tagged(b);
	odd_packets(b);
	many_services(b);
	shared_with_the_kernel(b);
	families(b);
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT"), *why;
	struct bench b = {.driver = bench_driver_bpf__open_and_load(),
			  .reply_driver = bench_reply_driver_bpf__open_and_load()};

	if (!b.driver || !b.reply_driver || !bed_make(&b.beds[DEFAULT], DEFAULT_CHUNKS, &why) ||
	    !bed_make(&b.beds[LARGE], LARGE_CHUNKS, &why) || !bed_make(&b.beds[CROWD], 1, &why)) {
		printf("BPF is refused here: nothing was measured\n");
		return 0;
	}
	run(&b);
	for (unsigned i = 0; i < N_BEDS; i++)
		bed_free(&b.beds[i]);
	bench_driver_bpf__destroy(b.driver);
	bench_reply_driver_bpf__destroy(b.reply_driver);
	return b.missed && strict && strict[0] == '1';
}
