// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long a pass over the kernel's routes takes: 10,000 blackholes that come, that are all there,
 * and that go, beside 100,000 routes of others, in a network namespace of its own. Wall time, since
 * the kernel's share counts; the fastest of several counts. Prints value, bar and ratio and exits
 * 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "sys/clock.h"
#include "sys/rtnl.h"

#include <sched.h>

#define N_ROUTES 10000u
#define N_RUNS   5
#define BAR      (200 * NSEC_PER_MSEC)

struct bench {
	struct kernel_sink sink;
	struct kernel_state state;
	struct ip_prefix prefixes[N_ROUTES];
	bool missed;
};

static nsec_t pass(struct bench *b, size_t n, size_t done)
{
	const char *const uplinks[] = {"up0"};
	const struct plan_blackholes want = {b->prefixes, n, uplinks, 1};
	const nsec_t begin = clock_now();

	kernel_pass(&b->state, &b->sink, &want);
	if (b->state.error || b->state.n_failed || b->state.n_done != done) {
		fprintf(stderr, "bench_routes: a pass did not do what it was to do\n");
		exit(EXIT_FAILURE);
	}
	return clock_now() - begin;
}

static void row(struct bench *b, const char *what, nsec_t took)
{
	printf("  %-28s %7.1f ms   bar %5.1f ms   ratio %.2f\n", what, (double)took / NSEC_PER_MSEC,
	       (double)BAR / NSEC_PER_MSEC, (double)took / (double)BAR);
	b->missed |= took > BAR;
}

static void run(struct bench *b)
{
	nsec_t put = NSEC_NEVER, same = NSEC_NEVER, del = NSEC_NEVER;

	for (unsigned i = 0; i < N_ROUTES; i++) {
		const struct ip_addr a = ip_addr_from_v4(0x0a000000 + (i << 8));

		b->prefixes[i] = ip_prefix_of(&a, 24);
	}
	for (int i = 0; i < N_RUNS; i++) {
		put = nsec_min(put, pass(b, N_ROUTES, N_ROUTES + 2));
		same = nsec_min(same, pass(b, N_ROUTES, 0));
		del = nsec_min(del, pass(b, 0, N_ROUTES + 2));
	}
	printf("10,000 blackholes beside 100,000 routes of others\n");
	row(b, "all are put", put);
	row(b, "all are there", same);
	row(b, "all are deleted", del);
}

int main(void)
{
	static struct bench b;
	const char *strict = getenv("BENCH_STRICT");
	_cleanup_(rtnl_freep) struct rtnl *r = NULL;

	if (unshare(CLONE_NEWNET) != 0 ||
	    system("ip link set lo up; ip link add up0 type veth peer name far0;"
		   "for i in $(seq 0 390); do for k in $(seq 0 255); do"
		   " echo route add blackhole 172.$((i / 64)).$((i % 64)).$k;"
		   " done; done | ip -batch -") != 0 ||
	    rtnl_open(&r) < 0) {
		printf("bench_routes: SKIPPED: needs root\n");
		return EXIT_SUCCESS;
	}
	b.sink = rtnl_sink(r);
	kernel_state_init(&b.state);
	run(&b);
	kernel_state_done(&b.state);
	return b.missed && strict && strict[0] == '1';
}
