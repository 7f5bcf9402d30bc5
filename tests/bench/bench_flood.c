// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench about floods of SYNs: what a SYN beyond its service's rate costs, and what a
 * flood on another processor costs an established flow. That is held against the same flow beside
 * as many packets of established flows, since processors share more than our maps; and it is the
 * median that counts, for the flood must not have rested in the window that does.
 */
#include "tests/bench/bench_rows.h"

#include "bpf/rig_private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bench_driver.skel.h"
#include "bench_sort.h"
#pragma GCC diagnostic pop

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS      41
#define FLOOD_LEN   20000u
#define ANY_NUMBER  0u
#define BEYOND_RATE 1u

static const struct rig_service settled = {.vip = VIP, .port = SETTLED_PORT, .proto = IPPROTO_TCP};

/* --- the other processor --------------------------------------------------------------------- */

enum mode { CALM, FLOOD, N_MODES, END };

struct other {
	pthread_t thread;
	struct bench_driver_bpf *driver; /* owned: its plan is its own */
	int program;
	_Atomic int wanted, doing;
	_Atomic unsigned n_floods; /* windows */
	struct bench_plan plans[N_MODES];
};

static void pin_to(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *send_for_ever(void *arg)
{
	static uint8_t frame[BENCH_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = FLOOD_LEN);
	struct other *o = arg;
	const uint32_t zero = 0;
	int mode;

	pin_to(1);
	rig_must(bpf_map_update_elem(bpf_map__fd(o->driver->maps.under_test), &zero, &o->program,
				     BPF_ANY),
		 "aim the driver");
	while ((mode = atomic_load(&o->wanted)) != END) {
		struct bench_plan *plan = &o->plans[mode];

		rig_must(bpf_map_update_elem(bpf_map__fd(o->driver->maps.plan), &zero, plan,
					     BPF_ANY),
			 "write the plan");
		atomic_store(&o->doing, mode);
		rig_must(bpf_prog_test_run_opts(bpf_program__fd(o->driver->progs.bench_driver),
						&opts),
			 "test run");
		if (mode == FLOOD) {
			plan->first += FLOOD_LEN;
			o->n_floods++;
		}
	}
	return NULL;
}

static void set_mode(struct other *o, enum mode mode)
{
	atomic_store(&o->wanted, mode);
	while (atomic_load(&o->doing) != (int)mode)
		sched_yield();
}

static bool other_begin(struct other *o, const struct bench *b)
{
	o->driver = bench_driver_bpf__open_and_load();
	if (!o->driver)
		return false;
	o->program = bed_program(&b->beds[DEFAULT], LB);
	o->plans[CALM] = bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK);
	o->plans[CALM].first = ANSWERED;
	o->plans[FLOOD] = bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN);
	o->plans[FLOOD].first = NEWCOMERS;
	o->doing = END;
	return pthread_create(&o->thread, NULL, send_for_ever, o) == 0;
}

static void other_end(struct other *o)
{
	atomic_store(&o->wanted, END);
	pthread_join(o->thread, NULL);
	bench_driver_bpf__destroy(o->driver);
}

/* --- rows ------------------------------------------------------------------------------------ */

static double median(double *all, size_t n)
{
	bench_sort(all, n);
	return all[n / 2];
}

/* The laying of the frame is part of both: a packet costs more than that before it comes to us. */
static void beside(struct bench *b, struct other *o, uint16_t port, const char *what)
{
	struct series s = {DEFAULT, LB, bench_tcp_plan(port, 4000, TCP_ACK), false, 0};
	const unsigned n_before = o->n_floods;
	double ns[N_MODES][ROUNDS];

	for (unsigned round = 0; round < ROUNDS; round++)
		for (enum mode mode = CALM; mode < N_MODES; mode++) {
			set_mode(o, mode);
			ns[mode][round] = bench_series_window(b, &s);
		}
	bench_row(b, what, median(ns[FLOOD], ROUNDS), median(ns[CALM], ROUNDS), 1.05);
	printf("  (beside %.1f million SYNs, %u million packets here)\n",
	       (o->n_floods - n_before) * (FLOOD_LEN / 1e6), ROUNDS * BENCH_WINDOW_LEN / 1000000);
}

void bench_floods(struct bench *b)
{
	struct rig *rig = b->beds[DEFAULT].rig;
	struct other o = {};
	cpu_set_t before;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
	    sched_getaffinity(0, sizeof(before), &before) != 0) {
		printf("established TCP beside a flood: not measured on one processor\n");
		return;
	}
	bench_fill(b, &b->beds[DEFAULT], 4000, 30);
	rig_set_mixed_rows(rig, &b->beds[DEFAULT].unsettled[0], N_BACKENDS, 0, LB_ROW_UNSETTLED);
	pin_to(0);
	if (other_begin(&o, b)) {
		printf("established TCP beside a flood of SYNs on another processor\n");
		rig_set_limit(rig, &settled, BEYOND_RATE);
		beside(b, &o, SETTLED_PORT, "on one VIP and port, beyond its rate");
		rig_set_limit(rig, &settled, ANY_NUMBER);
		beside(b, &o, SETTLED_PORT, "the same, each with an entry");
		beside(b, &o, UNSETTLED_PORT, "the same, established in unsettled rows");
		other_end(&o);
	}
	(void)sched_setaffinity(0, sizeof(before), &before);
	rig_forget_flows(rig);
}

/* Against established packets of the same service. */
void bench_beyond_the_rate(struct bench *b)
{
	struct rig *rig = b->beds[DEFAULT].rig;
	struct series s[] = {{DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 4000, TCP_ACK), false, 0},
			     {DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 0, TCP_SYN), false, 0}};

	s[1].plan.first = NEWCOMERS;
	printf("SYNs beyond the rate of their service\n");
	rig_set_limit(rig, &settled, BEYOND_RATE);
	bench_measure(b, s, 2);
	bench_note("established", s[0].ns);
	bench_note("a SYN without an entry", s[1].ns);
	rig_set_limit(rig, &settled, BEYOND_RATE | LB_LIMIT_CHECK);
	bench_measure(b, s, 2);
	bench_note("a SYN whose source is asked", s[1].ns);
	rig_set_limit(rig, &settled, ANY_NUMBER);
	rig_forget_flows(rig);
}
