// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long it takes from a change in the kernel to the plan that knows it: the real agent, an
 * address, the way to the peer, a rule and the uplink taken away and put back, and the log at
 * level debug read until there is another plan. Time begins when this process's own socket has the
 * notification. The bar is 10 ms for the median and the 99th percentile. Prints values and exits 0;
 * with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "base/mem.h"
#include "bench_agent.h"
#include "bench_sort.h"
#include "sys/clock.h"
#include "turns_net.h"
#include "turns_router.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_CHANGES  100
#define BAR_MS     10.0
#define TIMEOUT_NS (10 * NSEC_PER_SEC)
#define PAUSE_MS   100 /* in which the agent comes to rest: it reads the node at most every 50 ms */
#define EXTRA      "192.0.2.77"

static const struct {
	const char *name, *away, *back; /* ip's words */
} changes[] = {
	{"address", "addr del " EXTRA "/32 dev lo", "addr add " EXTRA "/32 dev lo"},
	{"route", "route add " TURNS_ROUTER " dev extra0", "route del " TURNS_ROUTER " dev extra0"},
	{"rule", "rule add pref 9 to " TURNS_ROUTER " unreachable",
	 "rule del pref 9 to " TURNS_ROUTER " unreachable"},
	{"link", "link add extra1 type veth peer name extra2", "link del extra1"},
	{"carrier", "link set extra3 down", "link set extra3 up"},
};

/* --- the agent's log -------------------------------------------------------------------------- */

static int log_open(const struct bench_agent *a)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/log", a->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		bench_fail(path);
	return fd;
}

/* What has been written since the last time says that there is a plan. */
static bool has_planned(int log)
{
	static char text[1 << 20];
	const ssize_t n = read(log, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "plan: computed") != NULL;
}

static void nap(void)
{
	const struct timespec t = {.tv_nsec = 100000};

	(void)nanosleep(&t, NULL);
}

static nsec_t await_plan(const struct bench_agent *a, int log, const char *words)
{
	const nsec_t deadline = nsec_add(clock_now(), TIMEOUT_NS);

	while (!has_planned(log)) {
		if (clock_now() > deadline) {
			fprintf(stderr,
				"bench_notify: no plan follows \"ip %s\"; the log is in %s\n",
				words, a->dir);
			exit(1);
		}
		nap();
	}
	return clock_now();
}

/* --- a change --------------------------------------------------------------------------------- */

static int notifications(void)
{
	static const unsigned groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
					  RTNLGRP_IPV4_RULE};
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0)
		bench_fail("notifications");
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) != 0)
			bench_fail("notifications");
	return fd;
}

static void forget(int fd)
{
	char buf[8192];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

static pid_t ip_begin(const char *words)
{
	pid_t child = fork();

	if (child == 0) {
		turns_net_ip(words);
		_exit(0);
	}
	return child;
}

static double change(const struct bench_agent *a, int fd, int log, const char *words)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	pid_t child;
	nsec_t begun;

	(void)poll(NULL, 0, PAUSE_MS);
	forget(fd);
	(void)has_planned(log);
	child = ip_begin(words);
	if (child < 0 || poll(&p, 1, 5000) != 1)
		bench_fail(words);
	begun = clock_now();
	begun = await_plan(a, log, words) - begun;
	(void)waitpid(child, NULL, 0);
	return (double)begun / NSEC_PER_MSEC;
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool print_row(const char *name, const char *what, double ms)
{
	printf("  %-8s to the plan, %-4s %7.2f ms  ratio %5.2f  bar %5.2f  %s\n", name, what, ms,
	       ms / BAR_MS, 1.0, ms < BAR_MS ? "ok" : "MISSED");
	(void)fflush(stdout);
	return ms >= BAR_MS;
}

static bool row(const struct bench_agent *a, size_t i)
{
	double ms[N_CHANGES];
	const int fd = notifications(), log = log_open(a);
	bool missed;

	for (size_t k = 0; k < N_CHANGES; k++)
		ms[k] = change(a, fd, log, k % 2 ? changes[i].back : changes[i].away);
	close(log);
	close(fd);
	bench_sort(ms, N_CHANGES);
	missed = print_row(changes[i].name, "p50", ms[N_CHANGES / 2]);
	return print_row(changes[i].name, "p99", ms[N_CHANGES * 99 / 100]) || missed;
}

static void put_all(const struct bench_agent *a)
{
	bench_agent_put(a, "bgp",
			"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
			"metadata: {name: tor, namespace: metallb-system}\n"
			"spec: {myASN: 64512, peerASN: 64513, peerAddress: " TURNS_ROUTER "}\n"
			"---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
			"metadata: {name: pool, namespace: metallb-system}\n"
			"spec: {addresses: [198.18.0.0/15]}\n");
}

int main(int argc, char **argv)
{
	const char *strict = getenv("BENCH_STRICT");
	struct bench_agent a;
	bool missed = false;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_notify AGENT\n");
		return 1;
	}
	printf("from a change in the kernel to the plan that knows it\n");
	if (!turns_net_enter()) {
		printf("  BPF is refused here (%s): nothing was measured\n", strerror(errno));
		return 0;
	}
	bench_hurry();
	turns_net_ip("link set lo up");
	turns_net_ip("addr add " EXTRA "/32 dev lo");
	turns_net_ip("link add extra0 type veth peer name extra3");
	turns_net_ip("link set extra0 up");
	turns_net_ip("link set extra3 up");
	bench_agent_init(&a);
	put_all(&a);
	bench_agent_start(&a, argv[1], "debug");
	(void)poll(NULL, 0, 3000); /* it has come to rest */
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		missed |= row(&a, i);
	bench_agent_stop(&a);
	bench_agent_cleanup(&a, argv[1]);
	bench_agent_done(&a);
	turns_net_leave();
	return missed && strict && strict[0] == '1';
}
