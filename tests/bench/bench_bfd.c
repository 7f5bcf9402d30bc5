// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the thread of BFD costs: two of them, each in a network namespace of its own with a veth
 * between, with one session and with a hundred, 50 ms three times. Their time on the processor is
 * the kernel's count for the thread, which has the way of its packets through the other namespace
 * in it; how late they woke up is their own count. Beside one session runs the floor: threads of
 * the same priority that wake up as often, read and send as much, and do nothing else. Prints
 * values and bars and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "sys/bfd_engine.h"
#include "sys/clock.h"
#include "sys/loop.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MANY       100
#define MEASURE_NS (5 * NSEC_PER_SEC)
#define WARM_UP_NS (3 * NSEC_PER_SEC)
#define UP_NS      (20 * NSEC_PER_SEC)
#define BAR_ONE_US 1000.0 /* of a processor, a second, for one session */

struct bench;
struct side {
	struct bench *bench;
	struct bfd_engine *engine;
	int task; /* the thread's, as the kernel numbers it */
	bool is_up[MANY];
	unsigned downs;
	struct bfd_engine_report how;
	int floor_to, floor_from; /* to the end of the process */
	unsigned long long floor_ns;
};

struct bench {
	struct loop *loop;
	struct side side[2];
	unsigned n;
	nsec_t until;
	bool waits_for_up, missed;
};

static void on_report(void *ctx, const struct bfd_report *r)
{
	struct side *s = ctx;

	if (r->type == BFD_REPORT_ENGINE)
		s->how = r->engine;
	if (r->type != BFD_REPORT_EVENT)
		return;
	s->is_up[r->id] = r->event.to == BFD_UP;
	s->downs += r->event.from == BFD_UP;
}

static bool all_up(const struct bench *b)
{
	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < b->n; i++)
			if (!b->side[side].is_up[i])
				return false;
	return true;
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	if (now >= b->until || (b->waits_for_up && all_up(b)))
		loop_stop(b->loop);
	return b->until;
}

static void run_for(struct bench *b, nsec_t time, bool until_up)
{
	b->until = clock_now() + time;
	b->waits_for_up = until_up;
	if (loop_run(b->loop, step, b) != 0)
		exit(EXIT_FAILURE);
}

/* The newest thread of this process. */
static int newest_task(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	int newest = 0;

	while (dir && (e = readdir(dir))) {
		const int task = (int)strtol(e->d_name, NULL, 10);

		newest = task > newest ? task : newest;
	}
	if (dir)
		(void)closedir(dir);
	return newest;
}

/* ns on the processor. */
static unsigned long long cpu_of(int task)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", task);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		exit(EXIT_FAILURE);
	(void)fclose(f);
	return ns;
}

/*
 * The floor: two threads that do nothing but wake up 23 times a second, as 50 ms are with their
 * jitter, and send; at every second time they read what came. It comes as BFD's packets do, to a
 * socket that is bound to no address and is told the way and the time of each.
 */
#define FLOOR_NS   (43750 * NSEC_PER_USEC)
#define FLOOR_PORT 9

static int floor_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		exit(EXIT_FAILURE);
	return fd;
}

static int floor_receiver(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(FLOOR_PORT)};
	int fd = floor_socket(), on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0)
		exit(EXIT_FAILURE);
	return fd;
}

static int floor_sender(const char *peer)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(FLOOR_PORT)};
	int fd = floor_socket();

	(void)inet_pton(AF_INET, peer, &to.sin_addr);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		exit(EXIT_FAILURE);
	return fd;
}

static void floor_read(int fd)
{
	char packets[4][BFD_PACKET_BYTES], control[4][128];
	struct mmsghdr messages[4];
	struct iovec data[4];

	for (size_t i = 0; i < 4; i++) {
		data[i] = (struct iovec){packets[i], sizeof(packets[i])};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &data[i],
							   .msg_iovlen = 1,
							   .msg_control = control[i],
							   .msg_controllen = sizeof(control[i])}};
	}
	(void)recvmmsg(fd, messages, 4, MSG_DONTWAIT, NULL);
}

static void *floor_thread(void *ctx)
{
	struct side *side = ctx;
	const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	static const char packet[BFD_PACKET_BYTES];
	nsec_t at = clock_now();
	const nsec_t end = at + MEASURE_NS;
	unsigned long long before;
	unsigned n_sent = 0;
	uint64_t n;

	(void)bfd_priority_take();
	before = cpu_of(gettid());
	while ((at += FLOOR_NS) < end) {
		const struct itimerspec spec = {.it_value = {.tv_sec = (time_t)(at / NSEC_PER_SEC),
							     .tv_nsec = (long)(at % NSEC_PER_SEC)}};

		if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL) != 0 ||
		    read(timer, &n, sizeof(n)) < 0)
			exit(EXIT_FAILURE);
		if (send(side->floor_to, packet, sizeof(packet), 0) < 0)
			exit(EXIT_FAILURE);
		if (++n_sent % 2 == 0)
			floor_read(side->floor_from);
	}
	side->floor_ns = cpu_of(gettid()) - before;
	(void)close(timer);
	return NULL;
}

static void add_sessions(struct bench *b, unsigned n)
{
	for (; b->n < n; b->n++)
		for (unsigned side = 0; side < 2; side++) {
			const uint32_t mine = 0x0a000101u + side * 256 + b->n;
			const struct bfd_config c = {
				.id = b->n,
				.local = ip_addr_from_v4(mine),
				.peer = ip_addr_from_v4(mine + 256 - 512 * side),
				.terms = {50000, 50000, 3}};

			while (!bfd_engine_put(b->side[side].engine, &c))
				run_for(b, NSEC_PER_MSEC, false);
		}
}

/* So many wake-ups of a hundred thousand were less late than what is returned, in microseconds. */
static unsigned long later_than(const struct bfd_engine_report *how, uint64_t share)
{
	uint64_t all = 0, seen = 0;

	for (size_t i = 0; i < BFD_LATENESS; i++)
		all += how->lateness[i];
	for (size_t i = 0; i < BFD_LATENESS; i++) {
		seen += how->lateness[i];
		if (seen * 100000 >= all * share)
			return 1ul << i;
	}
	return 0;
}

static double us_a_second(unsigned long long ns_of_both)
{
	return (double)ns_of_both / 2 / 1000 / ((double)MEASURE_NS / NSEC_PER_SEC);
}

static unsigned long long cpu_of_both(const struct bench *b)
{
	return cpu_of(b->side[0].task) + cpu_of(b->side[1].task);
}

/* The floor is taken at the same time as one session, so that both have the same machine. */
static void measure(struct bench *b, unsigned n)
{
	unsigned long long before;
	pthread_t floor[2];
	double us, least;

	add_sessions(b, n);
	run_for(b, UP_NS, true);
	run_for(b, WARM_UP_NS, false);
	for (unsigned i = 0; n == 1 && i < 2; i++)
		if (pthread_create(&floor[i], NULL, floor_thread, &b->side[i]) != 0)
			exit(EXIT_FAILURE);
	before = cpu_of_both(b);
	run_for(b, MEASURE_NS, false);
	us = us_a_second(cpu_of_both(b) - before);
	printf("  %3u sessions: %8.0f us of a processor a second, %6.1f for each", n, us, us / n);
	if (n > 1) {
		printf("\n");
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if (pthread_join(floor[i], NULL) != 0)
			exit(EXIT_FAILURE);
	least = us_a_second(b->side[0].floor_ns + b->side[1].floor_ns);
	printf("   bar %.0f   ratio %.2f\n", BAR_ONE_US, us / BAR_ONE_US);
	printf("  a thread that wakes, reads and sends, at the same time: %.0f us; ours is %.2f times "
	       "that\n",
	       least, us / least);
	b->missed |= us > BAR_ONE_US;
}

static void say_lateness(const struct bench *b)
{
	const struct bfd_engine_report *how = &b->side[0].how;

	printf("  wake-ups (%s): half less than %lu us late, 99 %% %lu us, 99.9 %% %lu us, the latest "
	       "%.0f us\n",
	       bfd_priority_text(how->priority), later_than(how, 50000), later_than(how, 99000),
	       later_than(how, 99900), (double)how->latest / NSEC_PER_USEC);
	printf("  sessions that went down: %u\n", b->side[0].downs + b->side[1].downs);
}

static bool shell(const char *command)
{
	return system(command) == 0;
}

static void start_engine(struct bench *b, unsigned side)
{
	b->side[side].engine = bfd_engine_new(b->loop, 1 + side, on_report, &b->side[side]);
	b->side[side].task = newest_task();
}

/* An engine has the namespace that its maker is in. */
static bool start(struct bench *b)
{
	char command[256];
	int there;

	if (unshare(CLONE_NEWNET) != 0 ||
	    !shell("ip link add va type veth peer name vb && ip link set va up &&"
		   " for i in $(seq 1 100); do echo addr add 10.0.1.$i/16 dev va; done | ip -batch -"))
		return false;
	there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	start_engine(b, 0);
	b->side[0].floor_from = floor_receiver();
	b->side[0].floor_to = floor_sender("10.0.2.1");
	if (there < 0 || unshare(CLONE_NEWNET) != 0)
		return false;
	(void)snprintf(
		command, sizeof(command),
		"nsenter --net=/proc/%d/fd/%d ip link set vb netns %d && ip link set vb up &&"
		" for i in $(seq 1 100); do echo addr add 10.0.2.$i/16 dev vb; done |"
		" ip -batch -",
		getpid(), there, getpid());
	start_engine(b, 1);
	if (!shell(command))
		return false;
	b->side[1].floor_from = floor_receiver();
	b->side[1].floor_to = floor_sender("10.0.1.1");
	return close(there) == 0;
}

int main(void)
{
	static struct bench b;
	const char *strict = getenv("BENCH_STRICT");

	b.loop = loop_new();
	if (!start(&b)) {
		printf("bench_bfd: SKIPPED: needs root\n");
		return EXIT_SUCCESS;
	}
	printf("the thread of BFD, 50 ms three times\n");
	measure(&b, 1);
	measure(&b, MANY);
	say_lateness(&b);
	for (unsigned i = 0; i < 2; i++)
		b.side[i].engine = bfd_engine_free(b.side[i].engine);
	b.loop = loop_free(b.loop);
	return b.missed && strict && strict[0] == '1';
}
