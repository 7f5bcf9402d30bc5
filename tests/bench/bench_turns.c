// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The longest turn of the agent's loop, by what makes it long: nobody is served while a turn goes
 * on, no keepalive is sent and no session's end is noticed. The bar is 20 ms
 * (docs/architecture.md). The real agent runs in namespaces of its own, with its programs on a
 * cable and a session to a router; things are done to it from outside, and its log says how long
 * each turn was and at what it was longest.
 *
 * Time is the clock's, for what the kernel lets the agent wait counts as well; so that others on
 * this machine count less, the agent runs before them (SCHED_RR, or nice -20). Beside it stands the
 * most of the processor's time that a turn took. Each row but the start and the restart is the best
 * of three, since noise only adds. A second argument measures a part alone: `services`; `node`, the
 * rows of what the kernel has besides; or `received`, those of received routes, without Services.
 * Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "base/mem.h"
#include "base/nsec.h"
#include "bench_agent.h"
#include "sys/clock.h"
#include "turns_net.h"
#include "turns_objects.h"
#include "turns_router.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define N_SERVICES 5000
#define N_EDITS    100
#define N_MORE     150 /* more than fit into what was added for the first ones */
#define N_ROUTES   100000
#define N_LINKS    1000
#define N_ADDRS    10000
#define N_RULES    2000
#define N_FLOWS    200000
#define N_HUGE     10000
#define N_DENIED   100000
#define N_RECEIVED 100000
#define N_ROUNDS   3
#define BAR_MS     20.0
#define QUIET_NS   (1500 * NSEC_PER_MSEC) /* so long without a turn of a millisecond: it is over */
#define GIVE_UP_NS (120 * NSEC_PER_SEC)
#define RESYNC_NS  (32 * NSEC_PER_SEC)

struct bench {
	struct bench_agent agent;
	int log; /* read from */
	char rest[8192];
	size_t n_rest; /* of a line that is not whole yet */
	size_t n_services;
	bool asks; /* turns that answer who asks by the control socket count, too */
	bool missed;
};

struct longest {
	double millis;
	double cpu; /* of the turn that took most of it */
	char what[64];
	double part; /* the longest of that turn, which is `what` */
	size_t n;    /* turns of a millisecond and more */
	nsec_t last_at, programmed_at;
};

static void nap(nsec_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
			     .tv_nsec = (long)(ns % NSEC_PER_SEC)};

	(void)nanosleep(&t, NULL);
}

/* --- objects --------------------------------------------------------------------------------- */

static void put_service(struct bench *b)
{
	const size_t i = b->n_services++;

	turns_put_slice(&b->agent, i, true);
	turns_put_service(&b->agent, i);
}

static void put_config(struct bench *b)
{
	turns_put_bgp(&b->agent, 0);
	while (b->n_services < N_SERVICES)
		put_service(b);
}

/* --- the agent ------------------------------------------------------------------------------- */

static void start_agent(struct bench *b, const char *program)
{
	char log[128];

	snprintf(log, sizeof(log), "%s/log", b->agent.dir);
	if (b->log < 0)
		b->log = open(log, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	if (b->log < 0)
		bench_fail(log);
	bench_agent_start(&b->agent, program, "debug");
}

/* --- the log --------------------------------------------------------------------------------- */

static void read_line(const struct bench *b, const char *line, struct longest *l)
{
	const char *at = strstr(line, " millis=");
	const char *cpu_at = strstr(line, " cpuMillis=");
	const char *part_at = strstr(line, " whatMillis=");
	double millis, cpu, part;
	char what[64];

	if (strstr(line, "dataplane: programmed"))
		l->programmed_at = clock_now();
	if (!strstr(line, "msg=\"loop: a ") || !at || !cpu_at || !part_at)
		return;
	if (sscanf(at, " millis=%lf what=%63[^=]", &millis, what) != 2 ||
	    sscanf(cpu_at, " cpuMillis=%lf", &cpu) != 1 ||
	    sscanf(part_at, " whatMillis=%lf", &part) != 1)
		return;
	what[strcspn(what, what[0] == '"' ? "=" : " ")] = '\0';
	if (strstr(what, "control") && !b->asks) /* ask_agent()'s own */
		return;
	l->n++;
	if (cpu > l->cpu)
		l->cpu = cpu;
	l->last_at = clock_now();
	if (millis <= l->millis)
		return;
	l->millis = millis;
	l->part = part;
	memcpy(l->what, what, sizeof(what));
}

static void read_log(struct bench *b, struct longest *l)
{
	ssize_t n;

	while ((n = read(b->log, b->rest + b->n_rest, sizeof(b->rest) - 1 - b->n_rest)) > 0) {
		char *line = b->rest, *end;

		b->n_rest += (size_t)n;
		b->rest[b->n_rest] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			read_line(b, line, l);
			line = end + 1;
		}
		b->n_rest -= (size_t)(line - b->rest);
		memmove(b->rest, line, b->n_rest);
	}
}

static void ask(const struct bench *b, const char *request)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[65536];

	if (fd < 0)
		bench_fail("socket");
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", b->agent.dir);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    write(fd, request, strlen(request)) > 0)
		while (read(fd, answer, sizeof(answer)) > 0)
			;
	close(fd);
}

/* Its answer comes from a turn of its own: those before it are over, and told in the log. */
static void ask_agent(const struct bench *b)
{
	ask(b, "{\"command\":\"status\"}\n");
}

/* What happens from now until it is quiet, or for `least` if that is longer. */
static struct longest watch_turns(struct bench *b, nsec_t least)
{
	const nsec_t begun = clock_now();
	struct longest l = {.last_at = begun};

	for (;;) {
		const nsec_t now = clock_now();

		if (now - begun >= least && now - l.last_at >= QUIET_NS)
			ask_agent(b);
		read_log(b, &l);
		bench_agent_check(&b->agent);
		if (now - begun >= GIVE_UP_NS ||
		    (now - begun >= least && now - l.last_at >= QUIET_NS))
			return l;
		nap(20 * NSEC_PER_MSEC);
	}
}

/* --- rows ------------------------------------------------------------------------------------ */

static void print_row(struct bench *b, const char *name, const struct longest *l)
{
	const bool ok = l->millis < BAR_MS;

	printf("  %-52s %7.1f ms  cpu %6.1f ms  ratio %5.2f  bar %5.2f  %-6s  %s %.1f\n", name,
	       l->millis, l->cpu, l->millis / BAR_MS, 1.0, ok ? "ok" : "MISSED",
	       l->n > 0 ? l->what : "-", l->part);
	(void)fflush(stdout);
	b->missed |= !ok;
}

static void edit_one(struct bench *b, unsigned round)
{
	turns_put_slice(&b->agent, 17 + round, false);
}

static void edit_many(struct bench *b, unsigned round)
{
	for (size_t i = 0; i < N_EDITS; i++)
		turns_put_slice(&b->agent, 100 + round * N_EDITS + i, false);
}

static void add_services(struct bench *b, unsigned round)
{
	(void)round;
	for (size_t i = 0; i < N_MORE; i++) {
		put_service(b);
		nap(20 * NSEC_PER_MSEC);
	}
}

static void add_one_service(struct bench *b, unsigned round)
{
	(void)round;
	put_service(b);
}

static void change_a_link(struct bench *b, unsigned round)
{
	static unsigned n;
	char command[64];

	(void)b;
	(void)round;
	snprintf(command, sizeof(command), "link add more%u type veth peer name most%u", n, n);
	turns_net_ip(command);
	n++;
}

static void change_a_rule(struct bench *b, unsigned round)
{
	char command[64];

	(void)b;
	snprintf(command, sizeof(command), "rule add from 203.0.113.%u lookup main", round);
	turns_net_ip(command);
}

/* As a set of EndpointSlices of a hundred each, in one file. */
static void add_huge_service(struct bench *b, unsigned round)
{
	turns_put_huge(&b->agent, round, N_HUGE, N_HUGE);
}

static void edit_huge_service(struct bench *b, unsigned round)
{
	turns_put_huge(&b->agent, 0, N_HUGE, N_HUGE - 1 - round);
}

static void change_policy(struct bench *b, unsigned round)
{
	turns_put_bgp(&b->agent, round + 1);
}

static void put_long_document(struct bench *b, unsigned round)
{
	turns_put_document(&b->agent, round);
}

static void put_denied(struct bench *b, unsigned round)
{
	turns_put_denied(&b->agent, N_DENIED, round);
}

static void show_routes(struct bench *b, unsigned round)
{
	(void)round;
	ask(b, "{\"command\":\"show\",\"what\":\"routes\"}\n");
}

static void show_services(struct bench *b, unsigned round)
{
	(void)round;
	ask(b, "{\"command\":\"show\",\"what\":\"services\"}\n");
}

static void show_received(struct bench *b, unsigned round)
{
	(void)round;
	ask(b, "{\"command\":\"show\",\"what\":\"routes\",\"received\":true}\n");
}

static void do_row(struct bench *b, const char *name, void (*act)(struct bench *b, unsigned round))
{
	struct longest best = {.millis = 1e9};

	for (unsigned round = 0; round < N_ROUNDS; round++) {
		struct longest l;

		(void)watch_turns(b, 0);
		act(b, round);
		l = watch_turns(b, QUIET_NS);
		if (l.millis < best.millis)
			best = l;
	}
	print_row(b, name, &best);
}

static void start_row(struct bench *b, const char *name, const char *program)
{
	const nsec_t begun = clock_now();
	struct longest l;

	start_agent(b, program);
	l = watch_turns(b, 5 * NSEC_PER_SEC);
	print_row(b, name, &l);
	if (l.programmed_at > begun)
		printf("  %-52s %7.1f ms\n",
		       "... from the start of the program until all is programmed",
		       (double)(l.programmed_at - begun) / NSEC_PER_MSEC);
}

/* --- received routes ------------------------------------------------------------------------- */

#define ALL      "mode: all"
#define NONE     "mode: filtered, prefixes: [{prefix: 203.0.113.0/24}]"
#define N_AT_ALL (2 * N_RECEIVED)

static const size_t n_received[] = {N_RECEIVED / 10, N_RECEIVED};

/* What is done to a peer with n received routes, and how many are left then. */
struct received_row {
	const char *name;
	bool restarts; /* the peer takes part in graceful restart */
	bool from_none, to_none;
	void (*act)(struct bench *b, size_t n);
};

static void let_them_come(struct bench *b, size_t n)
{
	(void)b;
	turns_router_feed(n, false);
}

static void lose_session(struct bench *b, size_t n)
{
	(void)b;
	(void)n;
	turns_router_feed(0, false);
}

static void restart_router(struct bench *b, size_t n)
{
	(void)b;
	(void)n;
	turns_router_feed(0, true);
}

static void accept_none(struct bench *b, size_t n)
{
	(void)n;
	turns_put_received(&b->agent, NONE, N_AT_ALL);
}

static void accept_all(struct bench *b, size_t n)
{
	(void)n;
	turns_put_received(&b->agent, ALL, N_AT_ALL);
}

static void accept_one(struct bench *b, size_t n)
{
	(void)n;
	turns_put_received(&b->agent, ALL, 1);
}

static void remove_peer(struct bench *b, size_t n)
{
	(void)n;
	turns_put_received(&b->agent, NULL, 0);
}

static const struct received_row received_rows[] = {
	{"come", .from_none = true, .act = let_them_come},
	{"go with their session", .to_none = true, .act = lose_session},
	{"are swept at End-of-RIB", .restarts = true, .to_none = true, .act = restart_router},
	{"are not accepted any more", .to_none = true, .act = accept_none},
	{"are accepted again", .from_none = true, .act = accept_all},
	{"are all but one over the limit", .to_none = true, .act = accept_one},
	{"go with their peer", .to_none = true, .act = remove_peer},
};

static size_t count_received(void)
{
	FILE *ip = popen("ip -4 route show table 19800 2>/dev/null | wc -l", "r");
	size_t n = 0;

	if (!ip || fscanf(ip, "%zu", &n) != 1 || pclose(ip) < 0)
		bench_fail("ip route show");
	return n;
}

static void merge(struct longest *to, const struct longest *l)
{
	const double cpu = to->cpu > l->cpu ? to->cpu : l->cpu;

	if (l->millis > to->millis)
		*to = *l;
	to->cpu = cpu;
}

/* Until the kernel has so many, and then until it is quiet. */
static struct longest watch_received(struct bench *b, size_t n)
{
	const nsec_t begun = clock_now();
	struct longest all = {0}, l;

	do {
		l = watch_turns(b, QUIET_NS);
		merge(&all, &l);
		if (clock_now() - begun < GIVE_UP_NS)
			continue;
		fprintf(stderr, "bench_turns: the kernel has %zu received routes, not %zu\n",
			count_received(), n);
		exit(1);
	} while (count_received() != n);
	return all;
}

static void do_received(struct bench *b, size_t n, const struct received_row *row)
{
	const bool is_limited = row->act == accept_one, is_closed = row->act == accept_all;
	struct longest best = {.millis = 1e9};
	char name[64];

	for (unsigned round = 0; round < N_ROUNDS; round++) {
		struct longest l;

		turns_put_received(&b->agent, is_closed ? NONE : ALL, N_AT_ALL);
		turns_router_feed(row->act == let_them_come ? 0 : n, row->restarts);
		(void)watch_received(b, row->from_none ? 0 : n);
		row->act(b, n);
		l = watch_received(b, row->to_none ? is_limited : n);
		if (l.millis < best.millis)
			best = l;
	}
	snprintf(name, sizeof(name), "%zu,000 received routes %s", n / 1000, row->name);
	print_row(b, name, &best);
}

/* Leaves all of them there. */
static void rows_of_received(struct bench *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(n_received); i++)
		for (size_t k = 0; k < ARRAY_SIZE(received_rows); k++)
			do_received(b, n_received[i], &received_rows[k]);
	turns_put_received(&b->agent, ALL, N_AT_ALL);
	(void)watch_received(b, N_RECEIVED);
	b->asks = true;
	do_row(b, "lodectl show routes --received, of 100,000", show_received);
	b->asks = false;
}

/* --- all ------------------------------------------------------------------------------------- */

/* Nobody is served any more by then, so this is no turn; a supervisor waits for it. */
static void print_end(struct bench *b, const char *program)
{
	nsec_t at = clock_now();

	bench_agent_stop(&b->agent);
	printf("  %-52s %7.1f ms\n", "... from SIGTERM until it has ended",
	       (double)(clock_now() - at) / NSEC_PER_MSEC);
	at = clock_now();
	bench_agent_cleanup(&b->agent, program);
	printf("  %-52s %7.1f ms\n", "... --cleanup", (double)(clock_now() - at) / NSEC_PER_MSEC);
}

static void rows_of_services(struct bench *b)
{
	struct longest l;

	do_row(b, "an edit of one of them", edit_one);
	do_row(b, "100 edits at once", edit_many);
	do_row(b, "150 Services more, one by one: maps grow", add_services);
	l = watch_turns(b, RESYNC_NS);
	print_row(b, "nothing happens for 32 s (resync)", &l);
	do_row(b, "a Service of 10,000 endpoints comes", add_huge_service);
	do_row(b, "one of its endpoints is not ready", edit_huge_service);
	do_row(b, "a community on 5,500 routes to 4 peers", change_policy);
	do_row(b, "a YAML document of 4 MB", put_long_document);
	bench_agent_put(&b->agent, "document", "# or each start would read it\n");
	do_row(b, "100,000 other denied prefixes, in one object", put_denied);
	b->asks = true;
	do_row(b, "lodectl show routes, of 5,500 to 4 peers", show_routes);
	do_row(b, "lodectl show services, of 5,500", show_services);
	b->asks = false;
}

static void rows_of_node(struct bench *b)
{
	const int error = turns_net_add_flows(N_FLOWS);

	for (unsigned i = 0; i < N_ROUNDS; i++) /* as the rows of Services leave them */
		add_huge_service(b, i);
	if (error == 0)
		do_row(b, "a new VIP beside 200,000 tracked flows", add_one_service);
	else
		printf("  %-52s %s\n", "a new VIP beside tracked flows: not measured here",
		       strerror(-error));
	turns_net_add_routes(N_ROUTES);
	do_row(b, "a link comes beside 100,000 routes", change_a_link);
	turns_net_add_links(N_LINKS, N_ADDRS);
	do_row(b, "... and beside 1,000 links with 10,000 addresses", change_a_link);
	turns_net_add_rules(N_RULES);
	do_row(b, "a rule comes beside 2,000 of each family", change_a_rule);
}

static void restart(struct bench *b, const char *program)
{
	bench_agent_stop(&b->agent);
	start_row(b, "restart with all of this", program);
}

static bool is_part(const char *part, const char *name)
{
	return !part || strcmp(part, name) == 0;
}

static void rows(struct bench *b, const char *program, const char *part)
{
	if (part && strcmp(part, "received") == 0) {
		turns_put_bgp(&b->agent, 0);
		start_row(b, "start", program);
	} else {
		put_config(b);
		start_row(b, "start: 5,000 Services, 10,000 files", program);
	}
	if (is_part(part, "services"))
		rows_of_services(b);
	if (is_part(part, "node"))
		rows_of_node(b);
	if (is_part(part, "received"))
		rows_of_received(b);
	restart(b, program);
	print_end(b, program);
}

int main(int argc, char **argv)
{
	const char *strict = getenv("BENCH_STRICT");
	const char *part = argc == 3 ? argv[2] : NULL;
	struct bench b = {.log = -1};

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: bench_turns AGENT [services|node|received]\n");
		return 1;
	}
	printf("longest turn of the loop\n");
	if (!turns_net_enter()) {
		printf("  BPF is refused here (%s): nothing was measured\n", strerror(errno));
		return 0;
	}
	bench_agent_init(&b.agent);
	rows(&b, argv[1], part);
	turns_net_leave();
	bench_agent_done(&b.agent);
	return b.missed && strict && strict[0] == '1';
}
