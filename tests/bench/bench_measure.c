// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How the rows of the bench are measured: windows of BPF_PROG_TEST_RUN through a driver that lays a
 * fresh frame each time, net of the same with an empty program; and how a table is filled before.
 */
#include "tests/bench/bench_measure.h"

#include "bpf/rig_private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bench_driver.skel.h"
#include "bench_reply_driver.skel.h"
#pragma GCC diagnostic pop

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 31

const uint32_t bench_n_flows[N_FLOWS] = {1, 4000, 64000, 512000};

bool bench_is_v6(void)
{
	return frame_family() == AF_INET6;
}

void bench_aim(struct bench_plan *plan, uint32_t addr)
{
	frame_address((uint8_t *)plan->daddr, addr);
}

/* In the family of frame_use_family(). */
struct bench_plan bench_tcp_plan(uint16_t port, uint32_t flows, uint8_t flags)
{
	struct bench_plan plan = {.n_flows = flows,
				  .dport = port,
				  .proto = IPPROTO_TCP,
				  .tcp_flags = flags,
				  .v6 = bench_is_v6()};

	bench_aim(&plan, VIP);
	return plan;
}

static uint32_t window_packets(const struct bench_plan *plan)
{
	return plan->n_flows > BENCH_WINDOW_LEN ? plan->n_flows : BENCH_WINDOW_LEN;
}

/* A driver: its program, its maps, and what it costs by itself. */
struct driver {
	const struct bpf_program *run, *empty;
	const struct bpf_map *plan, *under_test;
};

static struct driver driver_for(const struct bench *b, enum program program, enum bench_way way)
{
	if (way != BENCH_HERE)
		return (struct driver){b->driver->progs.bench_tunnel_driver,
				       b->driver->progs.bench_empty, b->driver->maps.plan,
				       b->driver->maps.under_test};
	if (program == REPLY || program == REPLY_FLOOR)
		return (struct driver){b->reply_driver->progs.bench_reply_driver,
				       b->reply_driver->progs.bench_reply_empty,
				       b->reply_driver->maps.plan,
				       b->reply_driver->maps.under_test};
	return (struct driver){b->driver->progs.bench_driver, b->driver->progs.bench_empty,
			       b->driver->maps.plan, b->driver->maps.under_test};
}

/* ns per packet of one window, everything included. */
static double run(const struct driver *d, int fd, const struct bench_plan *plan,
		  struct bpf_test_run_opts *opts)
{
	struct timespec from, to;
	uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(d->plan), &zero, plan, BPF_ANY), "write the plan");
	rig_must(bpf_map_update_elem(bpf_map__fd(d->under_test), &zero, &fd, BPF_ANY),
		 "aim the driver");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	rig_must(bpf_prog_test_run_opts(bpf_program__fd(d->run), opts), "test run");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       opts->repeat;
}

static double window(const struct driver *d, int fd, const struct bench_plan *plan,
		     uint32_t packets)
{
	static uint8_t frame[BENCH_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets);

	return run(d, fd, plan, &opts);
}

static int program_of(const struct bench *b, const struct series *s)
{
	if (s->program == KATRAN)
		return katran_program(b->katran);
	if (s->program == LONGER)
		return bpf_program__fd(b->driver->progs.bench_longer);
	if (s->program == EMPTY)
		return bpf_program__fd(b->driver->progs.bench_empty);
	return bed_program(&b->beds[s->bed], s->program);
}

static void freshen(const struct bench *b, const struct series *s)
{
	if (s->program == KATRAN)
		katran_record(b->katran, true);
	else
		rig_forget_flows(b->beds[s->bed].rig);
}

/* A window of a series; a plan without an end goes on where it was. */
double bench_series_window(struct bench *b, struct series *s)
{
	const struct driver d = driver_for(b, s->program, s->plan.way);
	uint32_t packets = window_packets(&s->plan);
	double ns;

	if (s->fresh)
		freshen(b, s);
	ns = window(&d, program_of(b, s), &s->plan, packets);
	if (!s->plan.n_flows)
		s->plan.first += packets;
	return ns;
}

double bench_live_window(struct bench *b, const struct series *s, uint32_t ifindex,
			 uint32_t packets)
{
	const struct driver d = driver_for(b, s->program, s->plan.way);
	static uint8_t frame[BENCH_FRAME];
	struct xdp_md ctx = {.data_end = sizeof(frame), .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)packets,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return run(&d, program_of(b, s), &s->plan, &opts);
}

void bench_set_outer(struct bench *b, const struct bench_outer *outer)
{
	b->driver->bss->outers[bench_is_v6()] = *outer;
}

size_t bench_one_frame(struct bench *b, const struct series *s, uint8_t *ret, size_t room)
{
	const struct driver d = driver_for(b, s->program, s->plan.way);
	static uint8_t frame[BENCH_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .data_out = ret, .data_size_out = (uint32_t)room, .repeat = 1);

	(void)run(&d, program_of(b, s), &s->plan, &opts);
	return opts.data_size_out;
}

/* Best window of each series, net of the best empty one. They take turns, round by round. */
void bench_measure(struct bench *b, struct series *series, unsigned n)
{
	struct bench_plan plain = bench_tcp_plan(SETTLED_PORT, 1, TCP_ACK);
	const struct driver d = driver_for(b, series[0].program, series[0].plan.way);
	double empty[2] = {1e9, 1e9}; /* by family: their frames take different times to lay */

	plain.way = series[0].plan.way;
	for (unsigned i = 0; i < n; i++) {
		series[i].ns = 1e9;
		bench_series_window(b, &series[i]); /* warms up */
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		double ns;

		for (plain.v6 = 0; plain.v6 < 2; plain.v6++) {
			ns = window(&d, bpf_program__fd(d.empty), &plain, BENCH_WINDOW_LEN);
			empty[plain.v6] = ns < empty[plain.v6] ? ns : empty[plain.v6];
		}
		for (unsigned i = 0; i < n; i++) {
			ns = bench_series_window(b, &series[i]);
			if (ns < series[i].ns)
				series[i].ns = ns;
		}
	}
	for (unsigned i = 0; i < n; i++)
		series[i].ns -= empty[series[i].plan.v6];
}

uint32_t bench_room(const struct bed *bed)
{
	return rig_n_lines(bed->rig) * LB_FLOW_WAYS;
}

/* So many flows from the first on send a SYN, and all that the table holds is established. */
void bench_add_flows(struct bench *b, struct bed *bed, uint16_t port, uint32_t first, uint32_t n)
{
	const struct driver d = driver_for(b, LB, BENCH_HERE);
	struct bench_plan plan = bench_tcp_plan(port, n, TCP_SYN);

	plan.first = first;
	if (n > 0)
		window(&d, bed_program(bed, LB), &plan, n);
	for (unsigned i = 0; i < rig_n_lines(bed->rig); i++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++)
			rig_line(bed->rig, i)->way[way].state |= LB_FLOW_ESTABLISHED;
}

/* Flows that began first lie in the first ways of their first lines, those that came last anywhere.
 */
static void fill(struct bench *b, struct bed *bed, uint32_t flows, unsigned load, bool came_last)
{
	uint32_t all = (uint32_t)((uint64_t)bench_room(bed) * load / 100);
	uint32_t others = all > flows ? all - flows : 0;

	rig_forget_flows(bed->rig);
	rig_set_mixed_rows(bed->rig, &bed->unsettled[bench_is_v6()], N_BACKENDS, 0, 0);
	if (came_last)
		bench_add_flows(b, bed, SETTLED_PORT, FILLING, others);
	bench_add_flows(b, bed, UNSETTLED_PORT, 0, flows);
	if (!came_last)
		bench_add_flows(b, bed, SETTLED_PORT, FILLING, others);
}

void bench_fill(struct bench *b, struct bed *bed, uint32_t flows, unsigned load)
{
	fill(b, bed, flows, load, false);
}

void bench_fill_first(struct bench *b, struct bed *bed, uint32_t flows, unsigned load)
{
	fill(b, bed, flows, load, true);
}

/* A busy machine can make a difference of two small numbers come out as nothing: that decides
 * nothing. */
void bench_row(struct bench *b, const char *what, double ns, double base, double bar)
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

void bench_note(const char *what, double ns)
{
	printf("  %-44s %8.1f ns\n", what, ns);
}

bool bench_open(struct bench *b)
{
	b->driver = bench_driver_bpf__open_and_load();
	b->reply_driver = bench_reply_driver_bpf__open_and_load();
	return b->driver && b->reply_driver;
}

int bench_drop_program(const struct bench *b)
{
	return bpf_program__fd(b->driver->progs.bench_drop);
}

uint64_t bench_n_dropped(const struct bench *b)
{
	return b->driver->bss->n_dropped;
}

void bench_close(struct bench *b)
{
	bench_driver_bpf__destroy(b->driver);
	bench_reply_driver_bpf__destroy(b->reply_driver);
}
