// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * ns per packet of xdp_lb, net of an empty program, held against the bars of DESIGN 7.4. A driver
 * program lays a fresh frame before each repetition and tail-calls the program under test; the same
 * with an empty program is subtracted; the smallest of several windows counts, since noise only
 * adds. All bars are ratios, most of them to bench_floor, so that the machine matters little.
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

#define VIP        0xc6336401
#define N_BACKENDS 4
#define N_SERVICES 5000
#define FIRST_PORT 2000 /* of the 5,000; the service alone has port 80 */
#define WINDOWS    7
#define WINDOW_LEN 200000
#define FLOW_BITS  14 /* what the agent takes by default on two CPUs */
#define FLOWS_MAX  512000

struct bench {
	struct rig *rig;
	struct bench_driver_bpf *driver;
	struct bench_floor_bpf *floor;
	struct bench_noreply_bpf *noreply;
	struct rig_service alone;
	bool missed;
};

enum program { EMPTY, FLOOR, LB, NOREPLY };

/* --- setting up ----------------------------------------------------------------------------------
 */

/* Another object works on the rig's maps, and with the rig's constants. */
static void share_maps(const struct bench *b, struct bpf_object *obj)
{
	struct bpf_map *map, *mine;

	bpf_object__for_each_map(map, obj)
	{
		mine = bpf_object__find_map_by_name(b->rig->xdp->obj, bpf_map__name(map));
		if (mine && !bpf_map__is_internal(map))
			rig_must(bpf_map__reuse_fd(map, bpf_map__fd(mine)), "share map");
	}
}

static void load_programs(struct bench *b)
{
	b->driver = bench_driver_bpf__open_and_load();
	b->floor = bench_floor_bpf__open();
	b->noreply = bench_noreply_bpf__open();
	if (!b->driver || !b->floor || !b->noreply)
		abort();
	b->floor->rodata->flow_bits = FLOW_BITS;
	b->noreply->rodata->flow_bits = FLOW_BITS;
	share_maps(b, b->floor->obj);
	share_maps(b, b->noreply->obj);
	rig_must(bench_floor_bpf__load(b->floor), "load bench_floor");
	rig_must(bench_noreply_bpf__load(b->noreply), "load bench_noreply");
}

static void add_service(struct bench *b, struct rig_service *s, uint16_t port, uint8_t rows_log2)
{
	*s = (struct rig_service){
		.vip = VIP, .port = port, .proto = IPPROTO_TCP, .rows_log2 = rows_log2};
	rig_add_service(b->rig, s);
	for (unsigned i = 0; i < N_BACKENDS; i++)
		rig_add_backend(b->rig, s, i);
	rig_set_mixed_rows(b->rig, s, N_BACKENDS, 0);
}

static int program_fd(const struct bench *b, enum program which)
{
	const struct bpf_program *programs[] = {
		[EMPTY] = b->driver->progs.bench_empty,
		[FLOOR] = b->floor->progs.bench_floor,
		[LB] = b->rig->xdp->progs.xdp_lb,
		[NOREPLY] = b->noreply->progs.xdp_lb,
	};

	return bpf_program__fd(programs[which]);
}

/* --- measuring -----------------------------------------------------------------------------------
 */

static struct bench_plan tcp_plan(uint32_t n_flows, uint8_t flags)
{
	return (struct bench_plan){.n_flows = n_flows,
				   .daddr = htonl(VIP),
				   .dport = 80,
				   .proto = IPPROTO_TCP,
				   .tcp_flags = flags};
}

static void put_plan(struct bench *b, const struct bench_plan *plan)
{
	uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(b->driver->maps.plan), &zero, plan, BPF_ANY),
		 "write the plan");
}

/* ns per packet of one window, everything included. */
static double window(struct bench *b, enum program which, uint32_t packets)
{
	static uint8_t frame[BENCH_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets);
	int fd = program_fd(b, which);
	struct timespec from, to;
	uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(b->driver->maps.under_test), &zero, &fd, BPF_ANY),
		 "aim the driver");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	rig_must(bpf_prog_test_run_opts(bpf_program__fd(b->driver->progs.bench_driver), &opts),
		 "test run");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       packets;
}

/*
 * Best window of each program, net of the best empty one. Programs take turns within a round, so
 * that a slow second of the machine hits all of them.
 */
struct result {
	double ns[4];
};

static struct result measure(struct bench *b, const struct bench_plan *plan, unsigned programs)
{
	uint32_t packets = plan->n_flows > WINDOW_LEN ? plan->n_flows : WINDOW_LEN;
	struct result r = {{1e9, 1e9, 1e9, 1e9}};

	programs |= 1u << EMPTY;
	put_plan(b, plan);
	for (int i = -1; i < WINDOWS; i++)
		for (unsigned which = EMPTY; which <= NOREPLY; which++) {
			double ns;

			if (!(programs >> which & 1))
				continue;
			ns = window(b, which, packets);
			if (i >= 0 && ns < r.ns[which]) /* the first round warms up */
				r.ns[which] = ns;
		}
	for (unsigned which = FLOOR; which <= NOREPLY; which++)
		r.ns[which] -= r.ns[EMPTY];
	return r;
}

/* --- reporting -----------------------------------------------------------------------------------
 */

static void row(struct bench *b, const char *what, double ns, double ratio, double bar)
{
	const char *verdict = ratio <= bar ? "ok" : "MISSED";

	printf("%-46s %8.1f ns  ratio %5.2f  bar %5.2f  %s\n", what, ns, ratio, bar, verdict);
	b->missed |= ratio > bar;
}

static void note(const char *what, double ns)
{
	printf("%-46s %8.1f ns\n", what, ns);
}

static void established(struct bench *b)
{
	static const uint32_t flows[] = {1, 4000, 64000, FLOWS_MAX};
	double settled[4], unsettled;
	char what[64];

	for (int i = 0; i < 4; i++) {
		const struct bench_plan plan = tcp_plan(flows[i], 0x10);
		struct result r = measure(b, &plan, 1u << FLOOR | 1u << LB);

		settled[i] = r.ns[LB];
		snprintf(what, sizeof(what), "established, %u flows: floor", flows[i]);
		note(what, r.ns[FLOOR]);
		snprintf(what, sizeof(what), "established, %u flows, settled rows", flows[i]);
		row(b, what, r.ns[LB], r.ns[LB] / r.ns[FLOOR], 2.0);
	}
	row(b, "512,000 flows against one", settled[3], settled[3] / settled[0], 2.5);
	rig_set_mixed_rows(b->rig, &b->alone, N_BACKENDS, LB_ROW_UNSETTLED);
	for (int i = 0; i < 4; i++) {
		const struct bench_plan plan = tcp_plan(flows[i], 0x10);

		put_plan(b, &plan);
		window(b, LB, 2 * flows[i]); /* the cache learns the flows */
		unsettled = measure(b, &plan, 1u << LB).ns[LB];
		snprintf(what, sizeof(what), "established, %u flows, unsettled rows", flows[i]);
		row(b, what, unsettled, unsettled / settled[i], 3.0);
	}
	rig_set_mixed_rows(b->rig, &b->alone, N_BACKENDS, 0);
}

static void new_flows(struct bench *b)
{
	const struct bench_plan plan = tcp_plan(0, 0x02);
	struct result r = measure(b, &plan, 1u << FLOOR | 1u << LB | 1u << NOREPLY);

	note("new flow, each packet a SYN: floor", r.ns[FLOOR]);
	row(b, "new flow, without its reply entry", r.ns[NOREPLY], r.ns[NOREPLY] / r.ns[FLOOR],
	    1.5);
	note("new flow, whole", r.ns[LB]);
	note("reply entry alone", r.ns[LB] - r.ns[NOREPLY]);
}

static void not_ours(struct bench *b)
{
	struct bench_plan plan = tcp_plan(4000, 0x10);
	struct result r;

	plan.daddr = htonl(VIP + 1);
	r = measure(b, &plan, 1u << FLOOR | 1u << LB);
	note("not for us: floor", r.ns[FLOOR]);
	row(b, "not for us", r.ns[LB], r.ns[LB] / r.ns[FLOOR], 2.0);
}

static void many_services(struct bench *b)
{
	struct bench_plan plan = tcp_plan(4000, 0x10);
	double before = measure(b, &plan, 1u << LB).ns[LB], after;
	struct rig_service s;

	for (uint16_t i = 0; i < N_SERVICES; i++)
		add_service(b, &s, (uint16_t)(FIRST_PORT + i), LB_ROWS_LOG2_MIN);
	after = measure(b, &plan, 1u << LB).ns[LB];
	note("one service, 4000 flows", before);
	row(b, "5,000 services loaded, traffic to one", after, after / before, 1.1);
	plan.dport = FIRST_PORT;
	plan.n_services = N_SERVICES;
	note("5,000 services, traffic to all", measure(b, &plan, 1u << LB).ns[LB]);
}

int main(void)
{
	const struct rig_sizes sizes = {
		.flow_bits = FLOW_BITS, .replies = 600000, .new_replies = 8192};
	const char *strict = getenv("BENCH_STRICT"), *why;
	struct bench b = {0};

	b.rig = rig_new_sized(&sizes, &why);
	if (!b.rig) {
		printf("BPF is refused here (%s): nothing was measured\n", why);
		return 0;
	}
	load_programs(&b);
	rig_add_vip(b.rig, VIP, 0);
	add_service(&b, &b.alone, 80, 11);
	not_ours(&b);
	established(&b);
	new_flows(&b);
	many_services(&b);
	bench_noreply_bpf__destroy(b.noreply);
	bench_floor_bpf__destroy(b.floor);
	bench_driver_bpf__destroy(b.driver);
	rig_free(b.rig);
	return b.missed && strict && strict[0] == '1';
}
