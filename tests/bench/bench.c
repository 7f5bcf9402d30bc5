// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * ns per packet of xdp_lb, net of an empty program, held against the bars of DESIGN 7.4. A driver
 * program lays a fresh frame before each repetition and tail-calls the program under test; the same
 * with an empty program is subtracted. All bars are ratios, most of them to bench_floor, so that
 * the machine matters little: what is compared takes turns window by window, and the smallest
 * window of each counts, since noise only adds.
 *
 * Three beds, each with its own programs and maps: one with a flow cache of the size that the agent
 * takes by default, one with 16 MB of lines a CPU, one with 5,000 services. Flows whose rows are
 * unsettled were established before, by a SYN and an ACK each, as they would have been.
 *
 * Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bench_driver.skel.h"
#include "bench_floor.skel.h"
#include "bench_noreply.skel.h"
#pragma GCC diagnostic pop

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/bench.h"

#define VIP            0xc6336401
#define N_BACKENDS     4
#define N_SERVICES     5000
#define FIRST_PORT     2000 /* of the 5,000 */
#define SETTLED_PORT   80
#define UNSETTLED_PORT 81
#define UDP_PORT       53
#define ROUNDS         31
#define WINDOW_LEN     100000
#define DEFAULT_BITS   14 /* what the agent takes by default on two CPUs */
#define LARGE_BITS     18
#define REPLIES        600000
#define BATCH          4000 /* flows in their handshake at a time: well below reply_new's size */
#define SERIES_MAX     8

enum program { FLOOR, LB, NOREPLY, N_PROGRAMS };
enum bed_id { DEFAULT, LARGE, CROWD, N_BEDS };
enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

struct bed {
	struct rig *rig;
	struct bench_floor_bpf *floor;
	struct bench_noreply_bpf *noreply;
	struct rig_service settled, unsettled, udp;
};

struct bench {
	struct bench_driver_bpf *driver;
	struct bed beds[N_BEDS];
	bool missed;
};

/* What is measured: one program of one bed under one plan. */
struct series {
	enum bed_id bed;
	enum program program;
	struct bench_plan plan;
	double ns; /* result */
};

static const uint32_t n_flows[] = {1, 4000, 64000, 512000};

/* --- setting up ----------------------------------------------------------------------------------
 */

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
	bed->noreply = bench_noreply_bpf__open();
	if (!bed->floor || !bed->noreply)
		abort();
	bed->floor->rodata->flow_bits = bed->rig->sizes.flow_bits;
	bed->noreply->rodata->flow_bits = bed->rig->sizes.flow_bits;
	share_maps(bed->rig, bed->floor->obj);
	share_maps(bed->rig, bed->noreply->obj);
	rig_must(bench_floor_bpf__load(bed->floor), "load bench_floor");
	rig_must(bench_noreply_bpf__load(bed->noreply), "load bench_noreply");
}

static struct rig_service add_service(struct bed *bed, uint16_t port, uint8_t proto,
				      uint8_t rows_log2)
{
	struct rig_service s = {.vip = VIP, .port = port, .proto = proto, .rows_log2 = rows_log2};

	rig_add_service(bed->rig, &s);
	for (unsigned i = 0; i < N_BACKENDS; i++)
		rig_add_backend(bed->rig, &s, i);
	rig_set_mixed_rows(bed->rig, &s, N_BACKENDS, 0);
	return s;
}

/* False, with the reason: BPF is refused here. */
static bool make_bed(struct bed *bed, unsigned flow_bits, unsigned replies, const char **ret_why)
{
	const struct rig_sizes sizes = {
		.flow_bits = flow_bits, .replies = replies, .new_replies = 2 * BATCH};

	bed->rig = rig_new_sized(&sizes, ret_why);
	if (!bed->rig)
		return false;
	load_programs(bed);
	rig_add_vip(bed->rig, VIP, 0);
	bed->settled = add_service(bed, SETTLED_PORT, IPPROTO_TCP, 11);
	bed->unsettled = add_service(bed, UNSETTLED_PORT, IPPROTO_TCP, 11);
	bed->udp = add_service(bed, UDP_PORT, IPPROTO_UDP, 11);
	return true;
}

static void free_bed(struct bed *bed)
{
	bench_noreply_bpf__destroy(bed->noreply);
	bench_floor_bpf__destroy(bed->floor);
	rig_free(bed->rig);
}

static int program_fd(const struct bed *bed, enum program which)
{
	const struct bpf_program *programs[N_PROGRAMS] = {
		[FLOOR] = bed->floor->progs.bench_floor,
		[LB] = bed->rig->xdp->progs.xdp_lb,
		[NOREPLY] = bed->noreply->progs.xdp_lb,
	};

	return bpf_program__fd(programs[which]);
}

/* --- measuring -----------------------------------------------------------------------------------
 */

static struct bench_plan tcp_plan(uint16_t port, uint32_t flows, uint8_t flags)
{
	return (struct bench_plan){.n_flows = flows,
				   .daddr = htonl(VIP),
				   .dport = port,
				   .proto = IPPROTO_TCP,
				   .tcp_flags = flags};
}

static uint32_t window_packets(const struct bench_plan *plan)
{
	return plan->n_flows > WINDOW_LEN ? plan->n_flows : WINDOW_LEN;
}

/* ns per packet of one window, everything included. */
static double window(struct bench *b, int fd, const struct bench_plan *plan, uint32_t packets)
{
	static uint8_t frame[BENCH_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets);
	struct timespec from, to;
	uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(b->driver->maps.plan), &zero, plan, BPF_ANY),
		 "write the plan");
	rig_must(bpf_map_update_elem(bpf_map__fd(b->driver->maps.under_test), &zero, &fd, BPF_ANY),
		 "aim the driver");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	rig_must(bpf_prog_test_run_opts(bpf_program__fd(b->driver->progs.bench_driver), &opts),
		 "test run");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       packets;
}

/* A window of a series; a plan without an end goes on where it was. */
static double series_window(struct bench *b, struct series *s)
{
	uint32_t packets = window_packets(&s->plan);
	double ns = window(b, program_fd(&b->beds[s->bed], s->program), &s->plan, packets);

	if (!s->plan.n_flows)
		s->plan.first += packets;
	return ns;
}

/* Best window of each series, net of the best empty one. They take turns, round by round. */
static void measure(struct bench *b, struct series *series, unsigned n)
{
	const struct bench_plan plain = tcp_plan(SETTLED_PORT, 1, TCP_ACK);
	double empty = 1e9;

	for (unsigned i = 0; i < n; i++) {
		series[i].ns = 1e9;
		series_window(b, &series[i]); /* warms up */
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		double ns = window(b, bpf_program__fd(b->driver->progs.bench_empty), &plain,
				   WINDOW_LEN);

		empty = ns < empty ? ns : empty;
		for (unsigned i = 0; i < n; i++) {
			ns = series_window(b, &series[i]);
			if (ns < series[i].ns)
				series[i].ns = ns;
		}
	}
	for (unsigned i = 0; i < n; i++)
		series[i].ns -= empty;
}

/* All flows of the plan shake hands, batch by batch, and are then spoken of in unsettled rows. */
static void establish(struct bench *b, enum bed_id id, uint32_t flows)
{
	struct bed *bed = &b->beds[id];
	int fd = program_fd(bed, LB);

	rig_set_mixed_rows(bed->rig, &bed->unsettled, N_BACKENDS, 0);
	for (uint32_t first = 0; first < flows; first += BATCH) {
		uint32_t n = flows - first < BATCH ? flows - first : BATCH;
		struct bench_plan plan = tcp_plan(UNSETTLED_PORT, n, TCP_SYN);

		plan.first = first;
		window(b, fd, &plan, n);
		plan.tcp_flags = TCP_ACK;
		window(b, fd, &plan, n);
	}
	rig_set_mixed_rows(bed->rig, &bed->unsettled, N_BACKENDS, LB_ROW_UNSETTLED);
}

/* Percent of so many flows of the unsettled service that the flow cache holds. */
static double percent_cached(const struct bed *bed, uint32_t flows)
{
	const struct lb_flow4_line *lines = rig_lines(bed->rig);
	uint32_t n = 0;

	for (unsigned i = 0; i < rig_n_lines(bed->rig); i++)
		for (unsigned way = 0; way < LB_FLOW4_WAYS; way++)
			n += lines[i].way[way].age &&
			     lines[i].way[way].service_id == bed->unsettled.id;
	return 100.0 * (n < flows ? n : flows) / flows;
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
	struct series s[] = {{DEFAULT, FLOOR, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), 0},
			     {DEFAULT, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), 0}};

	s[0].plan.daddr = s[1].plan.daddr = htonl(VIP + 1);
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
				       tcp_plan(SETTLED_PORT, n_flows[i / 2], TCP_ACK), 0};
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

static void unsettled_rows(struct bench *b, enum bed_id bed, const char *cache)
{
	char what[64];

	printf("established TCP, unsettled rows, against settled ones; %s;\n", cache);
	printf("  a flow that is not cached asks the reply table, of %u entries\n", REPLIES);
	for (unsigned i = 0; i < 4; i++) {
		struct series s[] = {
			{bed, LB, tcp_plan(SETTLED_PORT, n_flows[i], TCP_ACK), 0},
			{bed, LB, tcp_plan(UNSETTLED_PORT, n_flows[i], TCP_ACK), 0},
		};

		establish(b, bed, n_flows[i]);
		measure(b, s, 2);
		snprintf(what, sizeof(what), "%u flows, %.0f %% of them cached", n_flows[i],
			 percent_cached(&b->beds[bed], n_flows[i]));
		row(b, what, s[1].ns, s[0].ns, 3.0);
	}
}

static void new_flows(struct bench *b, enum bed_id bed, const char *cache)
{
	struct series s[] = {{bed, FLOOR, tcp_plan(SETTLED_PORT, 0, TCP_SYN), 0},
			     {bed, NOREPLY, tcp_plan(SETTLED_PORT, 0, TCP_SYN), 0},
			     {bed, LB, tcp_plan(SETTLED_PORT, 0, TCP_SYN), 0}};

	measure(b, s, 3);
	printf("new flows, each packet a SYN; %s\n", cache);
	note("floor", s[0].ns);
	row(b, "without the reply entry", s[1].ns, s[0].ns, 1.5);
	note("whole", s[2].ns);
	note("the reply entry alone", s[2].ns - s[1].ns);
}

static void udp_flows(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, tcp_plan(UDP_PORT, 4000, 0), 0}};

	s[0].plan.proto = IPPROTO_UDP;
	measure(b, s, 1);
	printf("established UDP, settled rows: the flow cache is read\n");
	note("4000 flows", s[0].ns);
}

static void many_services(struct bench *b)
{
	struct series s[] = {{DEFAULT, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), 0},
			     {CROWD, LB, tcp_plan(SETTLED_PORT, 4000, TCP_ACK), 0},
			     {CROWD, LB, tcp_plan(FIRST_PORT, 4000, TCP_ACK), 0}};

	for (uint16_t i = 0; i < N_SERVICES; i++)
		add_service(&b->beds[CROWD], (uint16_t)(FIRST_PORT + i), IPPROTO_TCP,
			    LB_ROWS_LOG2_MIN);
	s[2].plan.n_services = N_SERVICES;
	measure(b, s, 3);
	printf("5,000 services loaded, 4000 flows\n");
	note("without them", s[0].ns);
	row(b, "traffic to one", s[1].ns, s[0].ns, 1.1);
	note("traffic to all", s[2].ns);
}

static void run(struct bench *b)
{
	static const char by_default[] = "flow cache of 1 MB a CPU (the default)";
	static const char large[] = "flow cache of 16 MB a CPU";

	not_ours(b);
	settled_rows(b);
	unsettled_rows(b, DEFAULT, by_default);
	unsettled_rows(b, LARGE, large);
	new_flows(b, DEFAULT, by_default);
	new_flows(b, LARGE, large);
	udp_flows(b);
	many_services(b);
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT"), *why;
	struct bench b = {.driver = bench_driver_bpf__open_and_load()};

	if (!b.driver || !make_bed(&b.beds[DEFAULT], DEFAULT_BITS, REPLIES, &why) ||
	    !make_bed(&b.beds[LARGE], LARGE_BITS, REPLIES, &why) ||
	    !make_bed(&b.beds[CROWD], DEFAULT_BITS, 4 * BATCH, &why)) {
		printf("BPF is refused here: nothing was measured\n");
		return 0;
	}
	run(&b);
	for (unsigned i = 0; i < N_BEDS; i++)
		free_bed(&b.beds[i]);
	bench_driver_bpf__destroy(b.driver);
	return b.missed && strict && strict[0] == '1';
}
