// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long it takes from the edit of a file to the UPDATE that follows from it at the router, with
 * 10, 1,000 and 5,000 Services: the real agent, its configuration a folder of files, a veth cable
 * and a router at its end that notes when it read what. A Service's only endpoint is made unready
 * (the route is withdrawn) and ready again (it is announced), by turns, each time another one's,
 * after a pause in which the agent comes to rest. Without XDP and with it: then an announcement
 * comes after the VIP was programmed and tested, so that its way is longer. The folder is in
 * memory: on a disk its file system would be measured, too (ext4 begins to write a file out before
 * it renames it over another, which takes a millisecond or more, and tells of it only then). The
 * agent's state is on disk.
 *
 * With all Services in one file an edit is the whole file written anew: one of 3 MB with 5,000.
 * What that costs is said without a bar, and with its writing, which is the editor's.
 *
 * The bars are 0.8 ms for the median and 4 ms for the 99th percentile of all edits, and 1.5 ms of
 * the processor's time for an edit, its aftermath included. Prints values, bars and ratios and
 * exits 0; with BENCH_STRICT=1 a bar that is missed fails the run. On a machine with other work the
 * percentiles say more of that than of the agent; the processor's time does not. Agent and router
 * therefore run before all others, as far as that is allowed: a router that waits 4 ms for a
 * processor has its UPDATE 4 ms late.
 */
#include "base/mem.h"
#include "bench_agent.h"
#include "bench_sort.h"
#include "bench_texts.h"
#include "sys/clock.h"
#include "turns_net.h"
#include "turns_router.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#define N_EDITS    100
#define PAUSE_NS   (40 * NSEC_PER_MSEC)
#define TIMEOUT_MS 10000
#define QUIET_MS   3000
#define BAR_P50_MS 0.8
#define BAR_P99_MS 4.0
#define BAR_CPU_MS 1.5

struct bench {
	struct bench_agent agent;
	const char *program;
	size_t n; /* Services */
	bool xdp;
	char *file; /* owned; NULL: each object in a file of its own */
	double ms[N_EDITS];
	bool missed;
};

static void nap(nsec_t ns)
{
	const struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				   .tv_nsec = (long)(ns % NSEC_PER_SEC)};

	(void)nanosleep(&t, NULL);
}

/* --- objects --------------------------------------------------------------------------------- */

static void slice_text(char text[static BENCH_TEXT], size_t i, bool ready)
{
	char endpoints[128];

	snprintf(endpoints, sizeof(endpoints),
		 "- {addresses: [172.16.%zu.%zu], nodeName: bench, conditions: {ready: %s}}",
		 i >> 8, i & 255, ready ? "true" : "false");
	bench_slice_text(text, i, endpoints);
}

/* Names and addresses are not in the same order; 7919 has no divisor with any number of them. */
static void service_text(const struct bench *b, char text[static BENCH_TEXT], size_t i)
{
	bench_service_text(text, i, 0xc6120000u + (unsigned)(i * 7919 % b->n));
}

static void put_slice(const struct bench *b, size_t i, bool ready)
{
	char name[64], text[BENCH_TEXT];

	snprintf(name, sizeof(name), "slice-%05zu", i);
	slice_text(text, i, ready);
	bench_agent_put(&b->agent, name, text);
}

static void put_service(const struct bench *b, size_t i)
{
	char name[64], text[BENCH_TEXT];

	snprintf(name, sizeof(name), "service-%05zu", i);
	service_text(b, text, i);
	bench_agent_put(&b->agent, name, text);
}

/* All Services and their slices, of which one is unready at most. */
static void write_file(const struct bench *b, size_t unready)
{
	char *to = b->file;

	for (size_t i = 0; i < b->n; i++) {
		slice_text(to, i, i != unready);
		to = stpcpy(to + strlen(to), "---\n");
		service_text(b, to, i);
		to = stpcpy(to + strlen(to), "---\n");
	}
}

static void put_all(const struct bench *b)
{
	bench_agent_put(&b->agent, "bgp",
			"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
			"metadata: {name: tor, namespace: metallb-system}\n"
			"spec: {myASN: 64512, peerASN: 64513, peerAddress: " TURNS_ROUTER "}\n"
			"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
			"metadata: {name: all, namespace: metallb-system}\n"
			"---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
			"metadata: {name: pool, namespace: metallb-system}\n"
			"spec: {addresses: [198.18.0.0/15]}\n");
	if (!b->xdp)
		bench_agent_put(&b->agent, "off",
				"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\n"
				"metadata: {name: default}\nspec: {dataplane: {mode: 'off'}}\n");
	for (size_t i = 0; !b->file && i < b->n; i++) {
		put_slice(b, i, true);
		put_service(b, i);
	}
	if (b->file) {
		write_file(b, SIZE_MAX);
		bench_agent_put(&b->agent, "all", b->file);
	}
}

/* --- an edit --------------------------------------------------------------------------------- */

/* All routes are out, and nothing more comes. */
static void await_all(const struct bench *b)
{
	struct turns_update u;
	size_t n = 0;

	while (turns_router_update(&u, n < b->n ? 6 * TIMEOUT_MS : QUIET_MS)) {
		bench_agent_check(&b->agent);
		n += u.n_announced;
		n -= u.n_withdrawn;
	}
	if (n != b->n) {
		fprintf(stderr, "bench_wire: %zu of %zu routes came; the log is in %s\n", n, b->n,
			b->agent.dir);
		exit(1);
	}
}

static double edit_once(const struct bench *b, size_t edit)
{
	const size_t i = edit / 2 * 4099 % b->n;
	const bool ready = edit % 2;
	struct turns_update u;
	nsec_t begun;

	if (b->file)
		write_file(b, ready ? SIZE_MAX : i);
	nap(PAUSE_NS);
	begun = clock_now();
	if (b->file)
		bench_agent_put(&b->agent, "all", b->file);
	else
		put_slice(b, i, ready);
	if (!turns_router_update(&u, TIMEOUT_MS) || u.n_announced != ready ||
	    u.n_withdrawn != !ready) {
		fprintf(stderr, "bench_wire: not the UPDATE of the edit; the log is in %s\n",
			b->agent.dir);
		exit(1);
	}
	return (double)(u.at - begun) / NSEC_PER_MSEC;
}

static double cpu_ms(const struct bench *b)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(b->agent.pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		bench_fail("clock of the agent");
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / NSEC_PER_MSEC;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void print_row(struct bench *b, const char *what, double ms, double bar)
{
	if (b->file) {
		printf("  %5zu Services, one file, %-26s %7.2f ms\n", b->n, what, ms);
		(void)fflush(stdout);
		return;
	}
	printf("  %5zu Services, %-4s %-31s %7.2f ms  ratio %5.2f  bar %5.2f  %s\n", b->n,
	       b->xdp ? "XDP" : "off", what, ms, ms / bar, 1.0, ms < bar ? "ok" : "MISSED");
	(void)fflush(stdout);
	b->missed |= ms >= bar;
}

/* What the agent does by itself meanwhile is not the edits' doing. */
static double idle_cpu_ms(const struct bench *b, nsec_t ns)
{
	const double before = cpu_ms(b);

	nap(ns);
	return cpu_ms(b) - before;
}

static void measure(struct bench *b)
{
	const nsec_t idle_ns = 2 * NSEC_PER_SEC;
	const double idle = idle_cpu_ms(b, idle_ns);
	const nsec_t begun = clock_now();
	const double before = cpu_ms(b);
	double used;

	for (size_t i = 0; i < N_EDITS; i++)
		b->ms[i] = edit_once(b, i);
	nap(PAUSE_NS);
	used = cpu_ms(b) - before - idle * (double)(clock_now() - begun) / (double)idle_ns;
	bench_sort(b->ms, N_EDITS);
	print_row(b, "to the UPDATE, p50", b->ms[N_EDITS / 2], BAR_P50_MS);
	print_row(b, "to the UPDATE, p99", b->ms[N_EDITS * 99 / 100], BAR_P99_MS);
	print_row(b, "the processor's time of an edit", used / N_EDITS, BAR_CPU_MS);
}

static void config_path(const struct bench *b, char path[static 128])
{
	snprintf(path, 128, "%s/config", b->agent.dir);
}

static void begin(struct bench *b)
{
	char path[128];

	bench_agent_init(&b->agent);
	config_path(b, path);
	if (mount("config", path, "tmpfs", 0, NULL) != 0)
		bench_fail(path);
}

static void end(struct bench *b)
{
	char path[128];

	config_path(b, path);
	if (umount(path) != 0)
		bench_fail(path);
	bench_agent_done(&b->agent);
}

static void row(struct bench *b, size_t n, bool xdp, bool one_file)
{
	b->n = n;
	b->xdp = xdp;
	b->file = one_file ? xmalloc(2 * n * (BENCH_TEXT + sizeof("---\n"))) : NULL;
	begin(b);
	put_all(b);
	bench_agent_start(&b->agent, b->program, "info");
	await_all(b);
	measure(b);
	bench_agent_stop(&b->agent);
	bench_agent_cleanup(&b->agent, b->program);
	end(b);
	free(b->file);
}

int main(int argc, char **argv)
{
	static const size_t numbers[] = {10, 1000, 5000};
	const char *strict = getenv("BENCH_STRICT");
	struct bench b = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: bench_wire AGENT\n");
		return 1;
	}
	b.program = argv[1];
	printf("from an edit to its UPDATE\n");
	if (!turns_net_enter()) {
		printf("  BPF is refused here (%s): nothing was measured\n", strerror(errno));
		return 0;
	}
	bench_hurry();
	for (int xdp = 0; xdp < 2; xdp++)
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			row(&b, numbers[i], xdp, false);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		row(&b, numbers[i], false, true);
	turns_net_leave();
	return b.missed && strict && strict[0] == '1';
}
