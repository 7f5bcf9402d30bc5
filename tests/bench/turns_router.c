// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "turns_router.h"

#include "base/mem.h"
#include "bench_agent.h"
#include "sys/clock.h"
#include "turns_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPALIVE_MS 10000
#define LOOK_MS      20  /* that a feeding session is to end is noticed by then */
#define NLRI_MAX     900 /* of four octets, in one message */

/* What the feeder is to do; shared with the sessions' processes. */
struct feed {
	_Atomic size_t n;
	atomic_bool restarts;
	atomic_uint generation;
};

static struct feed *feed;
static pid_t router = -1;
static int updates = -1;

/* --- messages -------------------------------------------------------------------------------- */

/* RFC 4271 4.2: AS 64513, hold time 90 s; RFC 5492 and 6793: four octets for AS numbers. */
static const uint8_t open_message[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0,    43,   1,    4,    0xfc, 0x01, 0,    90,   192,  0,    2,    1,    14,   2,
	12,   1,    4,    0,    1,    0,    1,    65,   4,    0,    0,    0xfc, 0x01,
};
static const uint8_t keepalive_message[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    19,   4,
};

/* How many prefixes; RFC 4271 4.3. */
static uint16_t count(const uint8_t *data, size_t len)
{
	uint16_t n = 0;

	for (size_t i = 0; i < len; i += 1 + (data[i] + 7u) / 8)
		n++;
	return n;
}

/* Tells who asked of an UPDATE with this body, which was read at that time. */
static void tell_update(int tell, const uint8_t *body, size_t len, nsec_t at)
{
	struct turns_update u = {.at = at};
	size_t withdrawn = (size_t)body[0] << 8 | body[1], attrs;

	attrs = (size_t)body[2 + withdrawn] << 8 | body[3 + withdrawn];
	u.n_withdrawn = count(body + 2, withdrawn);
	u.n_announced = count(body + 4 + withdrawn + attrs, len - 4 - withdrawn - attrs);
	if (u.n_announced + u.n_withdrawn > 0)
		(void)!write(tell, &u, sizeof(u)); /* full: nobody reads */
}

/* The agent's own messages are well formed: its tests say so. Returns what is left. */
static size_t read_messages(uint8_t *data, size_t n, int tell)
{
	const nsec_t at = clock_now();
	size_t i = 0;

	while (n - i >= sizeof(keepalive_message)) {
		const size_t len = (size_t)data[i + 16] << 8 | data[i + 17];

		if (n - i < len)
			break;
		if (data[i + 18] == 2)
			tell_update(tell, data + i + 19, len - 19, at);
		i += len;
	}
	memmove(data, data + i, n - i);
	return n - i;
}

/* --- sessions -------------------------------------------------------------------------------- */

/* RFC 4724 3: restart time 120 s, IPv4 unicast, whose forwarding state was kept. */
static const uint8_t restart_parameter[] = {2, 8, 64, 6, 0, 120, 0, 1, 1, 0x80};

static bool say_hello(int fd, bool restarts)
{
	uint8_t message[sizeof(open_message) + sizeof(restart_parameter)];
	size_t len = sizeof(open_message);

	memcpy(message, open_message, len);
	if (restarts) {
		memcpy(message + len, restart_parameter, sizeof(restart_parameter));
		len += sizeof(restart_parameter);
		message[17] = (uint8_t)len;
		message[28] = (uint8_t)(message[28] + sizeof(restart_parameter));
	}
	return write(fd, message, len) == (ssize_t)len;
}

/* Attributes: IGP, the path 64513, the feeder as next hop. */
static const uint8_t feed_attributes[] = {
	0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0x01, 0x40, 3, 4, 192, 0, 2, 6,
};

static bool say_routes(int fd, size_t first, size_t n)
{
	uint8_t message[23 + sizeof(feed_attributes) + NLRI_MAX * 4] = {[18] = 2};
	size_t len = 23;

	memset(message, 0xff, 16);
	if (n > 0) { /* none is End-of-RIB */
		message[22] = sizeof(feed_attributes);
		memcpy(message + len, feed_attributes, sizeof(feed_attributes));
		len += sizeof(feed_attributes);
	}
	for (size_t i = first; i < first + n; i++) {
		const uint8_t nlri[] = {24, (uint8_t)(11 + (i >> 16)), (uint8_t)(i >> 8),
					(uint8_t)i};

		memcpy(message + len, nlri, sizeof(nlri));
		len += sizeof(nlri);
	}
	message[16] = (uint8_t)(len >> 8);
	message[17] = (uint8_t)len;
	return write(fd, message, len) == (ssize_t)len;
}

static bool say_feed(int fd)
{
	const size_t n = feed->n;

	for (size_t i = 0; i < n; i += NLRI_MAX)
		if (!say_routes(fd, i, n - i < NLRI_MAX ? n - i : NLRI_MAX))
			return false;
	return say_routes(fd, 0, 0);
}

static bool say_keepalive(int fd)
{
	return write(fd, keepalive_message, sizeof(keepalive_message)) > 0;
}

static bool is_feeder(int fd)
{
	struct sockaddr_in local = {.sin_family = AF_INET}, wanted = local;
	socklen_t len = sizeof(local);

	return getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	       inet_pton(AF_INET, TURNS_FEEDER, &wanted.sin_addr) == 1 &&
	       local.sin_addr.s_addr == wanted.sin_addr.s_addr;
}

static void serve(int fd, int tell)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const unsigned generation = feed->generation;
	const bool feeds = is_feeder(fd);
	uint8_t data[65536];
	nsec_t due = 0;
	size_t n = 0;

	if (!say_hello(fd, feeds && feed->restarts) || !say_keepalive(fd) ||
	    (feeds && !say_feed(fd)))
		return;
	while (!feeds || feed->generation == generation) {
		ssize_t r;

		if (clock_now() >= due) {
			if (!say_keepalive(fd))
				return;
			due = clock_now() + KEEPALIVE_MS * NSEC_PER_MSEC;
		}
		if (poll(&p, 1, feeds ? LOOK_MS : KEEPALIVE_MS) <= 0)
			continue;
		r = read(fd, data + n, sizeof(data) - n);
		if (r <= 0)
			return;
		n = read_messages(data, n + (size_t)r, tell);
	}
}

static void serve_beside(int fd, int tell)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid < 0)
		bench_fail("fork");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
			serve(fd, tell);
		_exit(0);
	}
	close(fd);
}

/* --- the router ------------------------------------------------------------------------------ */

static int listen_at_bgp(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(179)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 ||
	    listen(fd, 4) != 0)
		bench_fail("router");
	return fd;
}

/* Says over the pipe that its namespace is there, and hears that the cable is in it. */
static void run_router(int told, int tell, int tell_updates)
{
	char go;
	int fd;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || unshare(CLONE_NEWNET) != 0)
		bench_fail("router");
	if (write(tell, "n", 1) != 1 || read(told, &go, 1) != 1)
		bench_fail("router");
	turns_net_ip("addr add " TURNS_ROUTER "/24 dev eth1");
	turns_net_ip("addr add " TURNS_ROUTER_2 "/24 dev eth1");
	turns_net_ip("addr add " TURNS_ROUTER_3 "/24 dev eth1");
	turns_net_ip("addr add " TURNS_ROUTER_4 "/24 dev eth1");
	turns_net_ip("addr add " TURNS_FEEDER "/24 dev eth1");
	turns_net_ip("link set eth1 up");
	fd = listen_at_bgp();
	(void)setpriority(PRIO_PROCESS, 0, -20); /* refused: there is more noise */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int session = accept(fd, NULL, NULL);

		if (session >= 0)
			serve_beside(session, tell_updates);
	}
}

void turns_router_start(void)
{
	int to[2], from[2], told[2];
	char ready, command[64];

	/* Who does not read of updates stops nobody: what does not fit is not told. */
	if (pipe(to) != 0 || pipe(from) != 0 || pipe2(told, O_NONBLOCK | O_CLOEXEC) != 0)
		bench_fail("pipe");
	updates = told[0];
	feed = mmap(NULL, sizeof(*feed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (feed == MAP_FAILED)
		bench_fail("mmap");
	router = fork();
	if (router < 0)
		bench_fail("fork");
	if (router == 0)
		run_router(to[0], from[1], told[1]);
	if (read(from[0], &ready, 1) != 1)
		bench_fail("router");
	snprintf(command, sizeof(command), "link set eth1 netns %d", (int)router);
	turns_net_ip(command);
	if (write(to[1], "g", 1) != 1)
		bench_fail("router");
}

void turns_router_stop(void)
{
	if (router > 0 && kill(router, SIGKILL) == 0)
		(void)waitpid(router, NULL, 0);
}

bool turns_router_update(struct turns_update *ret, int timeout_ms)
{
	struct pollfd p = {.fd = updates, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0 && read(updates, ret, sizeof(*ret)) == sizeof(*ret);
}

void turns_router_feed(size_t n, bool restarts)
{
	feed->n = n;
	feed->restarts = restarts;
	feed->generation++;
}
