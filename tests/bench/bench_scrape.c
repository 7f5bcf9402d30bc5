// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a scrape of metrics costs with 5,000 Services of ten endpoints, all on this node: how long
 * until all of the text is there, and the longest turn of the agent's loop that it makes. The bars
 * are 20 ms and 1 ms. The real agent runs in namespaces of its own, with its programs on a cable
 * and a session to a router. Each value is the best of some rounds, since noise only adds.
 *
 * Turns of less than a millisecond are not in the log; so is a value of 1.0 or less told. Prints
 * value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "base/mem.h"
#include "base/nsec.h"
#include "bench_agent.h"
#include "sys/clock.h"
#include "turns_net.h"
#include "turns_objects.h"
#include "turns_router.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N_SERVICES 5000
#define N_ROUNDS   9
#define BAR_MS     20.0
#define TURN_MS    1.0
#define PORT       7472
#define START_NS   (60 * NSEC_PER_SEC)
#define TEXT_BYTES (32u << 20)

static void nap(nsec_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
			     .tv_nsec = (long)(ns % NSEC_PER_SEC)};

	(void)nanosleep(&t, NULL);
}

/* The whole answer; 0: there is none. */
static size_t scrape(char *text)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		bench_fail("socket");
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    write(fd, request, sizeof(request) - 1) > 0)
		while ((n = read(fd, text + len, TEXT_BYTES - 1 - len)) > 0)
			len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return len;
}

static bool is_programmed(char *text)
{
	char want[64];

	snprintf(want, sizeof(want), "\nlodestone_services_announced %d\n", N_SERVICES);
	return scrape(text) > 0 && strstr(text, want);
}

/* What the agent has had of a processor. */
static double processor_millis(const struct bench_agent *a)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)a->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		bench_fail(path);
	(void)fclose(f);
	return (double)ns / NSEC_PER_MSEC;
}

/* Of the turns that are in the log since: how long metrics took at most. */
static double longest_turn(FILE *log)
{
	double longest = TURN_MS;
	char line[1024];

	while (fgets(line, sizeof(line), log)) {
		const char *at = strstr(line, " whatMillis=");
		double millis;

		if (at && strstr(line, "what=metrics") &&
		    sscanf(at, " whatMillis=%lf", &millis) == 1 && millis > longest)
			longest = millis;
	}
	clearerr(log);
	return longest;
}

static bool print_row(const char *name, double value, double bar)
{
	const bool ok = value <= bar;

	printf("  %-52s %7.1f ms  ratio %5.2f  bar %5.2f  %s\n", name, value, value / bar, 1.0,
	       ok ? "ok" : "MISSED");
	return ok;
}

static bool measure(const struct bench_agent *a)
{
	_cleanup_(freep) char *text = xcalloc(1, TEXT_BYTES);
	double best = 1e9, turn = 1e9, processor = 1e9;
	size_t len = 0;
	char path[128];
	FILE *log;
	bool ok;

	for (const nsec_t begun = clock_now(); !is_programmed(text);) {
		bench_agent_check(a);
		if (clock_now() - begun > START_NS)
			bench_fail("not all is programmed in time");
		nap(NSEC_PER_SEC);
	}
	snprintf(path, sizeof(path), "%s/log", a->dir);
	log = fopen(path, "re");
	if (!log)
		bench_fail(path);
	for (int i = 0; i < N_ROUNDS; i++) {
		nsec_t begun;
		double millis, longest, had;

		nap(1500 * NSEC_PER_MSEC); /* no text is fresh any more */
		(void)longest_turn(log);
		had = processor_millis(a);
		begun = clock_now();
		len = scrape(text);
		millis = (double)(clock_now() - begun) / NSEC_PER_MSEC;
		had = processor_millis(a) - had;
		nap(100 * NSEC_PER_MSEC);
		longest = longest_turn(log);
		best = millis < best ? millis : best;
		turn = longest < turn ? longest : turn;
		processor = had < processor ? had : processor;
	}
	(void)fclose(log);
	printf("  a text of %zu octets\n", len);
	ok = print_row("a scrape with 5,000 Services of ten endpoints", best, BAR_MS);
	printf("  %-52s %7.1f ms  (reported)\n", "... the agent's processor for it", processor);
	return print_row("... the longest turn that it makes, or 1 ms", turn, TURN_MS) && ok;
}

int main(int argc, char **argv)
{
	struct bench_agent agent = {.pid = -1};
	const char *strict = getenv("BENCH_STRICT");
	bool ok;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_scrape LODESTONED\n");
		return 1;
	}
	printf("a scrape of metrics\n");
	if (!turns_net_enter()) {
		printf("  BPF is refused here (%s): nothing was measured\n", strerror(errno));
		return 0;
	}
	bench_agent_init(&agent);
	turns_put_bgp(&agent, 0);
	for (size_t i = 0; i < N_SERVICES; i++) {
		turns_put_slice(&agent, i, true);
		turns_put_service(&agent, i);
	}
	bench_agent_start(&agent, argv[1], "debug");
	ok = measure(&agent);
	bench_agent_stop(&agent);
	bench_agent_cleanup(&agent, argv[1]);
	turns_net_leave();
	bench_agent_done(&agent);
	return !ok && strict && strict[0] == '1';
}
