// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The whole way from a write at a real kube-apiserver to the UPDATE at the router: the agent with
 * XDP, its feeder, which holds the Lease, and a router that notes when it read what. Times begin
 * when the API server has answered the write (0: the UPDATE was there before), and those that are
 * made of many writes say what the writes took. In brackets is what MetalLB 0.16 took on a machine
 * of the same kind (native mode); with BENCH_METALLB=1 its own speaker and controller are measured
 * behind ours, in the same run.
 *
 *   a Service is created       it gets an address, which is written and read back, and announced
 *   its endpoint is not ready  the route is withdrawn
 *   an alias changes           each route is announced anew; the first UPDATE counts
 *   a start                    agent and feeder from nothing, until all routes are there; of
 *                              three the second longest, processor, and the lists alone
 *   900 Services at once       until the last of their routes, beside the writes
 *   memory, processor          of both, the latter while one endpoint in a hundred changes a second
 *
 * Prints values, bars and ratios and exits 0; with BENCH_STRICT=1 a bar that is missed fails the
 * run. BENCH_ONLY=latency, starts or churn measures a part alone. Agent, feeder, router and the API
 * server run before all others, as far as that is allowed.
 */
#include "base/mem.h"
#include "bench_api.h"
#include "bench_sort.h"
#include "bench_who.h"
#include "sys/clock.h"
#include "turns_net.h"
#include "turns_router.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_TIMES    100
#define N_AT_ONCE  900
#define N_STARTS   3
#define PAUSE_NS   (50 * NSEC_PER_MSEC)
#define TIMEOUT_MS 30000
#define QUIET_MS   2000
#define CHURN_S    10
#define REST_S     600
#define REST_MS    8 /* of the processor in two seconds: the Lease, and little else */

struct bench {
	struct bench_who who;
	pid_t kube;
	size_t n;           /* Services */
	size_t n_writing;   /* where the next calls begin */
	size_t n_endpoints; /* of each Service that comes */
	size_t n_all;       /* endpoints */
	bool missed;
};

static void nap(nsec_t ns)
{
	const struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				   .tv_nsec = (long)(ns % NSEC_PER_SEC)};

	(void)nanosleep(&t, NULL);
}

static noreturn void give_up(const struct bench *b, const char *what)
{
	fprintf(stderr, "bench_kube: %s; the logs are in %s\n", what, b->who.agent.dir);
	exit(1);
}

static void start_kube(struct bench *b, char **argv)
{
	char dir[128], log[160], ready[160];
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/kube", b->who.agent.dir);
	snprintf(log, sizeof(log), "%s/kube.log", b->who.agent.dir);
	snprintf(ready, sizeof(ready), "%s/ready", dir);
	b->kube = bench_who_run(log, (const char *[]){argv[0], dir, argv[1], argv[2], NULL});
	for (unsigned i = 0; stat(ready, &st) != 0; i++) {
		if (i == 1200 || waitpid(b->kube, NULL, WNOHANG) != 0)
			give_up(b, "no API server");
		nap(NSEC_PER_SEC / 10);
	}
}

static double cpu_ms(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		bench_fail("clock of a process");
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / NSEC_PER_MSEC;
}

/* Of its own, without what is mapped from files. */
static double rss_mb(pid_t pid, const char *field)
{
	char path[64], line[128];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtod(line + strlen(field), NULL);
	if (f)
		(void)fclose(f);
	return kib / 1024;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void make_slice(void *ctx, size_t i, char path[static 256], char **ret_body)
{
	const struct bench *b = ctx;
	const size_t number = b->n_writing + i, cap = 512 + b->n_endpoints * 128;
	char *body = xcalloc(cap, 1);
	size_t len;

	snprintf(path, 256, BENCH_SLICES);
	len = (size_t)snprintf(
		body, cap,
		"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
		"\"metadata\":{\"name\":\"s%05zu-x\",\"labels\":"
		"{\"kubernetes.io/service-name\":\"s%05zu\"}},\"addressType\":\"IPv4\","
		"\"ports\":[{\"name\":\"\",\"port\":8080,\"protocol\":\"TCP\"}],"
		"\"endpoints\":[",
		number, number);
	/* One on this node, the others on others. */
	for (size_t k = 0; k < b->n_endpoints; k++)
		len += (size_t)snprintf(
			body + len, cap - len,
			"%s{\"addresses\":[\"172.%zu.%zu.%zu\"],\"nodeName\":\"%s\","
			"\"conditions\":{\"ready\":true}}",
			k ? "," : "", 16 + k, number >> 8, number & 255, k ? "other" : "bench");
	snprintf(body + len, cap - len, "]}");
	*ret_body = body;
}

static void make_service(void *ctx, size_t i, char path[static 256], char **ret_body)
{
	const struct bench *b = ctx;
	char *body = xcalloc(1, 512);

	snprintf(path, 256, BENCH_NS "/services");
	snprintf(body, 512,
		 "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s%05zu\"},"
		 "\"spec\":{\"type\":\"LoadBalancer\",\"allocateLoadBalancerNodePorts\":false,"
		 "\"ports\":[{\"port\":80,\"targetPort\":8080}]}}",
		 b->n_writing + i);
	*ret_body = body;
}

static void make_delete_service(void *ctx, size_t i, char path[static 256], char **ret_body)
{
	const struct bench *b = ctx;

	(void)ret_body;
	snprintf(path, 256, BENCH_NS "/services/s%05zu", b->n_writing + i);
}

static void make_delete_slice(void *ctx, size_t i, char path[static 256], char **ret_body)
{
	const struct bench *b = ctx;

	(void)ret_body;
	snprintf(path, 256, BENCH_SLICES "/s%05zu-x", b->n_writing + i);
}

static void send_all(struct bench *b, const char *method,
		     void (*make)(void *, size_t, char[static 256], char **), size_t from, size_t n)
{
	b->n_writing = from;
	bench_api_send_all(&(struct bench_api_calls){method, make, b}, n);
}

static nsec_t make_ready(size_t i, bool ready)
{
	char path[256], body[256];

	snprintf(path, sizeof(path), BENCH_SLICES "/s%05zu-x", i);
	snprintf(body, sizeof(body),
		 "{\"endpoints\":[{\"addresses\":[\"172.16.%zu.%zu\"],\"nodeName\":\"bench\","
		 "\"conditions\":{\"ready\":%s}}]}",
		 i >> 8, i & 255, ready ? "true" : "false");
	return bench_api_send("PATCH", path, body);
}

static nsec_t set_alias(size_t value)
{
	char body[128];

	snprintf(body, sizeof(body),
		 "{\"spec\":{\"communities\":[{\"name\":\"alias\",\"value\":\"64512:%zu\"}]}}",
		 value);
	return bench_api_send(
		"PATCH", "/apis/metallb.io/v1beta1/namespaces/metallb-system/communities/aliases",
		body);
}

/* --- routes ----------------------------------------------------------------------------------- */

/* When the router had so many routes more. */
static nsec_t await_routes(const struct bench *b, size_t n)
{
	struct turns_update u = {0};
	size_t got = 0;

	while (got < n) {
		if (!turns_router_update(&u, TIMEOUT_MS))
			give_up(b, "routes did not come");
		got += u.n_announced;
	}
	return u.at;
}

static void await_quiet(int ms)
{
	struct turns_update u;

	while (turns_router_update(&u, ms))
		;
}

static nsec_t await_update(const struct bench *b, bool withdrawn)
{
	struct turns_update u;

	do {
		if (!turns_router_update(&u, TIMEOUT_MS))
			give_up(b, "an UPDATE did not come");
	} while (!(withdrawn ? u.n_withdrawn : u.n_announced));
	return u.at;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void row(struct bench *b, const char *what, double value, const char *unit, double bar,
		const char *beside)
{
	if (b->who.is_metallb)
		printf("  %-58s %8.2f %-3s %s\n", what, value, unit, beside);
	else
		printf("  %-58s %8.2f %-3s ratio %6.2f  bar %6.2f  %-7s %s\n", what, value, unit,
		       value / bar, bar, value < bar ? "ok" : "MISSED", beside);
	(void)fflush(stdout);
	b->missed |= !b->who.is_metallb && value >= bar;
}

static void percentiles(struct bench *b, const char *what, double *ms, double p50, double p99,
			const char *beside)
{
	char text[128];

	bench_sort(ms, N_TIMES);
	snprintf(text, sizeof(text), "%s, p50", what);
	row(b, text, ms[N_TIMES / 2], "ms", p50, beside);
	snprintf(text, sizeof(text), "%s, p99", what);
	row(b, text, ms[N_TIMES * 99 / 100], "ms", p99, "");
}

static double ms_between(nsec_t from, nsec_t to)
{
	return to > from ? (double)(to - from) / NSEC_PER_MSEC : 0;
}

static void services_are_created(struct bench *b)
{
	double ms[N_TIMES];

	send_all(b, "POST", make_slice, b->n, N_TIMES);
	nap(10 * PAUSE_NS);
	for (size_t i = 0; i < N_TIMES; i++) {
		char path[256], *body;
		nsec_t at;

		nap(PAUSE_NS);
		await_quiet(0);
		b->n_writing = b->n++;
		make_service(b, 0, path, &body);
		at = bench_api_send("POST", path, body);
		free(body);
		ms[i] = ms_between(at, await_update(b, false));
	}
	percentiles(b, "a Service is created, until its UPDATE", ms, 3, 10,
		    "[MetalLB 7.1 and 14.6, with FRR 3,490 and 8,680]");
}

static void endpoints_fail(struct bench *b)
{
	double ms[N_TIMES];

	for (size_t i = 0; i < N_TIMES; i++) {
		nsec_t at;

		nap(PAUSE_NS);
		await_quiet(0);
		at = make_ready(i, false);
		ms[i] = ms_between(at, await_update(b, true));
		(void)make_ready(i, true);
		(void)await_update(b, false);
	}
	percentiles(b, "the last endpoint here is not ready, until it is withdrawn", ms, 0.4, 1.5,
		    "[0.42 and 1.5]");
}

static void an_alias_changes(struct bench *b)
{
	double ms[N_TIMES];

	for (size_t i = 0; i < N_TIMES; i++) {
		nsec_t at;

		nap(PAUSE_NS);
		await_quiet(100);
		at = set_alias(200 + i);
		ms[i] = ms_between(at, await_update(b, false));
	}
	percentiles(b, "an alias changes, until the first UPDATE", ms, 1, 4, "[1.7 and 5.4]");
}

static void many_at_once(struct bench *b)
{
	nsec_t begun, written, all;
	char beside[96];

	send_all(b, "POST", make_slice, b->n, N_AT_ONCE);
	await_quiet(QUIET_MS);
	begun = clock_now();
	send_all(b, "POST", make_service, b->n, N_AT_ONCE);
	written = clock_now();
	all = await_routes(b, N_AT_ONCE);
	snprintf(beside, sizeof(beside), "writes %.0f ms, all %.0f ms", ms_between(begun, written),
		 ms_between(begun, all));
	row(b, "900 Services at once, routes behind the last write", ms_between(written, all), "ms",
	    100, beside);
	b->n += N_AT_ONCE;
	await_quiet(QUIET_MS);
}

/* More Services, each with its address, and the endpoints of all. */
static void grow(struct bench *b, size_t n)
{
	const size_t more = n - b->n;

	send_all(b, "POST", make_slice, b->n, more);
	send_all(b, "POST", make_service, b->n, more);
	(void)await_routes(b, more);
	b->n = n;
	await_quiet(QUIET_MS);
}

/* What one start took: until all routes were there, and of the processor so far. */
struct start {
	double s, agent_ms, feeder_ms;
};

/* From nothing: what was saved and what is pinned has gone. */
static struct start start_once(struct bench *b)
{
	struct start ret;
	nsec_t begun;

	bench_who_stop(&b->who);
	bench_who_forget(&b->who);
	await_quiet(QUIET_MS);
	begun = clock_now();
	bench_who_start(&b->who);
	ret.s = ms_between(begun, await_routes(b, b->n)) / 1e3;
	ret.agent_ms = cpu_ms(b->who.agent.pid);
	ret.feeder_ms = cpu_ms(b->who.feeder);
	await_quiet(QUIET_MS);
	return ret;
}

static void starts(struct bench *b, double bar, const char *beside)
{
	double s[N_STARTS], agent[N_STARTS], feeder[N_STARTS], lists[N_STARTS];
	char text[128], cpu[160];

	for (size_t i = 0; i < N_STARTS; i++) {
		const struct start one = start_once(b);

		s[i] = one.s;
		agent[i] = one.agent_ms;
		feeder[i] = one.feeder_ms;
		lists[i] = (double)bench_api_read_all() / NSEC_PER_SEC;
	}
	bench_sort(s, N_STARTS);
	bench_sort(agent, N_STARTS);
	bench_sort(feeder, N_STARTS);
	bench_sort(lists, N_STARTS);
	snprintf(text, sizeof(text), "a start with %zu Services, until all routes are there", b->n);
	snprintf(cpu, sizeof(cpu), "%s lists alone %.2f s; processor: %s %.0f ms, %s %.0f ms",
		 beside, lists[N_STARTS / 2], b->who.agents, agent[N_STARTS / 2], b->who.feeders,
		 feeder[N_STARTS / 2]);
	row(b, text, s[N_STARTS / 2], "s", bar, cpu);
}

static void memory(struct bench *b, double bar_agent, double bar_feeder)
{
	char text[128];

	snprintf(text, sizeof(text), "the %s's memory with %zu Services, %zu endpoints",
		 b->who.feeders, b->n, b->n_all);
	row(b, text, rss_mb(b->who.feeder, "RssAnon:"), "MB", bar_feeder, "without mapped files");
	printf("  %-58s %8.2f MB  with mapped files\n", "", rss_mb(b->who.feeder, "VmRSS:"));
	snprintf(text, sizeof(text), "the %s's memory, without its maps", b->who.agents);
	row(b, text, rss_mb(b->who.agent.pid, "RssAnon:"), "MB", bar_agent, "without mapped files");
	printf("  %-58s %8.2f MB  with maps and mapped files\n", "",
	       rss_mb(b->who.agent.pid, "VmRSS:"));
}

/* What a start tells, an object and an event for each Service, takes minutes, ten a second. */
static void await_rest(const struct bench *b)
{
	double before = cpu_ms(b->who.feeder), now;

	for (unsigned i = 0; i < REST_S; i += 2) {
		nap(2 * NSEC_PER_SEC);
		now = cpu_ms(b->who.feeder);
		if (now - before < REST_MS)
			return;
		before = now;
	}
	give_up(b, "the feeder did not come to rest");
}

/* One endpoint in a hundred changes, each second: a Service's only one here, to and fro. */
static void churn(struct bench *b)
{
	const size_t a_second = b->n / 100;
	const double agent = cpu_ms(b->who.agent.pid), feeder = cpu_ms(b->who.feeder);
	const nsec_t begun = clock_now();
	double share;
	char beside[96];

	for (size_t i = 0; i < a_second * CHURN_S; i++) {
		const nsec_t due = begun + i * NSEC_PER_SEC / a_second, now = clock_now();

		if (due > now)
			nap(due - now);
		(void)make_ready(i / 2 % b->n, i % 2);
	}
	share = 100 * NSEC_PER_MSEC / (double)(clock_now() - begun);
	snprintf(beside, sizeof(beside), "agent %.2f %%, feeder %.2f %%, of a core",
		 (cpu_ms(b->who.agent.pid) - agent) * share,
		 (cpu_ms(b->who.feeder) - feeder) * share);
	row(b, "the processor while 1 % of the endpoints change a second",
	    (cpu_ms(b->who.agent.pid) - agent + cpu_ms(b->who.feeder) - feeder) * share, "%", 2,
	    beside);
	await_quiet(QUIET_MS);
}

static void latency(struct bench *b)
{
	services_are_created(b);
	endpoints_fail(b);
	an_alias_changes(b);
	many_at_once(b);
}

static void thousand(struct bench *b)
{
	if (b->n < 1000)
		grow(b, 1000);
	send_all(b, "DELETE", make_delete_service, 1000, b->n - 1000);
	send_all(b, "DELETE", make_delete_slice, 1000, b->n - 1000);
	b->n = b->n_all = 1000;
	await_quiet(QUIET_MS);
}

/* 100,000 endpoints of the 4,000 that come. */
static void five_thousand(struct bench *b)
{
	thousand(b);
	b->n_endpoints = 25;
	b->n_all += 4000 * b->n_endpoints;
	grow(b, 5000);
}

static void few_starts(struct bench *b)
{
	thousand(b);
	starts(b, 0.3, "[6.8]");
	memory(b, 10, 15);
}

static void few_churn(struct bench *b)
{
	if (b->who.is_metallb)
		return;
	thousand(b);
	await_rest(b);
	churn(b);
}

static void many_starts(struct bench *b)
{
	five_thousand(b);
	starts(b, 1, "[88]");
	memory(b, 10, 40);
}

static void measure(struct bench *b, const char *only)
{
	static const struct {
		const char *name;
		void (*run)(struct bench *b);
	} parts[] = {{"latency", latency},
		     {"starts", few_starts},
		     {"churn", few_churn},
		     {"starts", many_starts}};

	b->n_endpoints = 1;
	grow(b, 1); /* the Lease is held */
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!only || strcmp(only, parts[i].name) == 0)
			parts[i].run(b);
}

int main(int argc, char **argv)
{
	const char *strict = getenv("BENCH_STRICT");
	struct bench b = {.n = 0};

	if (argc != 6 && argc != 7) {
		fprintf(stderr,
			"usage: bench_kube agent|metallb AGENT FEEDER KUBE-UP BIN [CRDS]\n");
		return 1;
	}
	bench_who_init(&b.who, strcmp(argv[1], "metallb") == 0, argv[2], argv[3]);
	printf("from a write at the API server to its UPDATE, by the %s and its %s\n", b.who.agents,
	       b.who.feeders);
	if (!turns_net_enter()) {
		printf("  BPF is refused here (%s): nothing was measured\n", strerror(errno));
		return 0;
	}
	start_kube(&b, argv + 4);
	bench_api_begin();
	bench_hurry();
	bench_who_start(&b.who);
	measure(&b, getenv("BENCH_ONLY"));
	bench_who_stop(&b.who);
	bench_api_end();
	(void)kill(b.kube, SIGTERM);
	(void)waitpid(b.kube, NULL, 0);
	bench_who_done(&b.who);
	turns_net_leave();
	return b.missed && strict && strict[0] == '1';
}
