// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long a pass over the kernel's routes takes: 10,000 blackholes that come, that are all there,
 * and that go, beside 100,000 routes of others, in a network namespace of its own. Wall time, since
 * the kernel's share counts; the fastest of several counts. Prints value, bar and ratio and exits
 * 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 *
 * And what of a core it takes to hear of 100,000 routes that others change, with the filter of the
 * notifications and, with more addresses than that takes, without.
 */
#include "sys/clock.h"
#include "sys/netlink.h"
#include "sys/nlsock.h"
#include "sys/rtnl.h"

#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

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
	const struct plan_blackholes want = {
		.prefixes = b->prefixes, .n = n, .uplinks = uplinks, .n_uplinks = 1};
	const nsec_t begin = clock_now();

	kernel_pass(&b->state, &b->sink, &want, SIZE_MAX);
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

/* --- a storm --------------------------------------------------------------------------------- */

#define N_STORM 50000 /* that come and go */

static nsec_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (nsec_t)t.tv_sec * NSEC_PER_SEC + (nsec_t)t.tv_nsec;
}

static pid_t begin_storm(const char *batch)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(execlp("ip", "ip", "-batch", batch, (char *)NULL));
	return pid;
}

/* In per cent of a core, of this process, while the storm lasts. */
static double share_of_storm(struct netlink *nl, const char *batch, unsigned *changed)
{
	const nsec_t began = clock_now(), cpu = cpu_now();
	const pid_t pid = begin_storm(batch);
	struct pollfd p = {.fd = netlink_fd(nl), .events = POLLIN};
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0)
		if (poll(&p, 1, 10) == 1)
			*changed |= netlink_receive(nl);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		exit(EXIT_FAILURE);
	return 100.0 * (double)(cpu_now() - cpu) / (double)(clock_now() - began);
}

static void write_storm(const char *path)
{
	FILE *f = fopen(path, "we");

	for (unsigned i = 0; f && i < 2 * N_STORM; i++) {
		const unsigned k = i % N_STORM;

		fprintf(f, "route %s blackhole 173.%u.%u.%u/31\n", i < N_STORM ? "add" : "del",
			k >> 15, k >> 7 & 255, k << 1 & 255);
	}
	if (!f || fclose(f) != 0)
		exit(EXIT_FAILURE);
}

static void storm(struct bench *b)
{
	const char *path = "/tmp/bench-routes-storm";
	const size_t n_asked[] = {4, 300};
	struct netlink_ask asked[300] = {0};
	struct netlink *nl = NULL;
	double share[2];
	unsigned changed = 0;

	write_storm(path);
	for (unsigned i = 0; i < ARRAY_SIZE(asked); i++)
		asked[i].to = ip_addr_from_v4(0xc0a80101 + i);
	for (int i = 0; i < 2; i++) {
		if (netlink_open(&nl) < 0 || netlink_refresh(nl, asked, n_asked[i]) < 0)
			exit(EXIT_FAILURE);
		(void)netlink_receive(nl);
		share[i] = share_of_storm(nl, path, &changed);
		nl = netlink_free(nl);
	}
	(void)unlink(path);
	printf("100,000 changes of routes by others (heard as a change: %s)\n",
	       changed ? "yes" : "no");
	printf("  %-28s %7.2f %%    bar %5.1f %%    ratio %.2f\n", "of a core, filtered", share[0],
	       5.0, share[0] / 5);
	printf("  %-28s %7.2f %%\n", "without the filter", share[1]);
	b->missed |= share[0] > 5;
}

int main(void)
{
	static struct bench b;
	const char *strict = getenv("BENCH_STRICT");
	_cleanup_(nlsock_freep) struct nlsock *r = NULL;

	if (unshare(CLONE_NEWNET) != 0 ||
	    system("ip link set lo up; ip link add up0 type veth peer name far0;"
		   "for i in $(seq 0 390); do for k in $(seq 0 255); do"
		   " echo route add blackhole 172.$((i / 64)).$((i % 64)).$k;"
		   " done; done | ip -batch -") != 0 ||
	    nlsock_open_strict(&r) < 0) {
		printf("bench_routes: SKIPPED: needs root\n");
		return EXIT_SUCCESS;
	}
	b.sink = rtnl_sink(r);
	kernel_state_init(&b.state);
	run(&b);
	storm(&b);
	kernel_state_done(&b.state);
	return b.missed && strict && strict[0] == '1';
}
