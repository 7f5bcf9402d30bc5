// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows of the lab that live: an echo server, and a client whose every flow sends and compares.
 *
 *   flows serve PORT [ADDRESS]           echoes TCP and UDP
 *   flows keep ADDRESS PORT TCP UDP DIR  opens so many flows of each; each sends random octets four
 *                                        times a second and wants them back within ten seconds,
 *                                        until DIR/stop exists (120 s at most)
 *
 * `keep` makes DIR/ready when every flow has had its first answer, and ends with one JSON object:
 * flows, exchanges, failed (a list of [flow, exchanges, error]). Nothing is ever opened anew or
 * sent twice.
 */
#include "lab/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define MS       1000000ULL
#define SEC      (1000 * MS)
#define PAUSE    (250 * MS)
#define PATIENCE (10 * SEC)
#define LONGEST  (120 * SEC)
#define TICK_MS  20
#define OCTETS   700

enum state { OPENING, RESTING, ASKED, DONE };

struct flow {
	enum state state;
	int fd;
	bool is_tcp;
	unsigned number, exchanges;
	uint64_t due; /* RESTING: when to ask; else: until when to wait */
	size_t have;
	const char *error; /* NULL: none */
	char sent[OCTETS], back[OCTETS + 1];
};

struct client {
	struct flow *flows;
	size_t n;
	const char *dir;
	uint64_t begun;
	bool is_ending;
	int epoll;
};

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec;
}

static void end(struct flow *f, const char *error)
{
	f->error = error, f->state = DONE;
	(void)close(f->fd);
}

static void ask(struct flow *f)
{
	if (getrandom(f->sent, sizeof(f->sent), 0) != sizeof(f->sent))
		flows_die("getrandom");
	f->have = 0, f->state = ASKED, f->due = now() + PATIENCE;
	if (send(f->fd, f->sent, sizeof(f->sent), MSG_NOSIGNAL) != sizeof(f->sent))
		end(f, strerrorname_np(errno));
}

/* Each has its own time in a pause: what happens to all at once would be seen by all or by none. */
static void rest(const struct client *c, struct flow *f)
{
	f->state = RESTING;
	f->due = now() + PAUSE * (uint64_t)(f - c->flows) / c->n;
}

/* The first octets go when the connection is there; a flow of UDP is there at once. */
static void open_flow(struct client *c, struct flow *f, const struct sockaddr_storage *to,
		      socklen_t len)
{
	f->fd = socket(to->ss_family,
		       (f->is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	f->state = OPENING, f->due = now() + PATIENCE;
	if (f->fd < 0)
		flows_die("socket");
	if (connect(f->fd, (const struct sockaddr *)to, len) != 0 && errno != EINPROGRESS) {
		end(f, strerrorname_np(errno));
		return;
	}
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, f->fd,
		      &(struct epoll_event){.events = f->is_tcp ? EPOLLOUT : EPOLLIN,
					    .data.ptr = f}) != 0)
		flows_die("epoll_ctl");
	if (!f->is_tcp)
		rest(c, f);
}

static void on_open(struct client *c, struct flow *f)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		end(f, strerrorname_np(error ? error : errno));
		return;
	}
	if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, f->fd,
		      &(struct epoll_event){.events = EPOLLIN, .data.ptr = f}) != 0)
		flows_die("epoll_ctl");
	rest(c, f);
}

/* What comes unasked is another answer as well. */
static void on_octets(struct client *c, struct flow *f)
{
	const size_t room = sizeof(f->back) - f->have;
	const ssize_t n = recv(f->fd, f->back + f->have, room, 0);

	if (n < 0 || (n == 0 && f->is_tcp)) {
		end(f, n == 0 ? "closed" : strerrorname_np(errno));
		return;
	}
	f->have += (size_t)n;
	if (f->state == ASKED && f->is_tcp && f->have < OCTETS)
		return;
	if (f->state != ASKED || f->have != OCTETS || memcmp(f->sent, f->back, OCTETS) != 0) {
		end(f, "another answer");
		return;
	}
	f->exchanges++;
	f->state = RESTING, f->due = now() + PAUSE;
	if (c->is_ending)
		end(f, NULL);
}

/* What is due. Returns how many have not come to their end. */
static size_t look(struct client *c)
{
	const uint64_t t = now();
	size_t at_work = 0;

	for (struct flow *f = c->flows; f < c->flows + c->n; f++) {
		if (f->state == RESTING && c->is_ending)
			end(f, NULL);
		else if (f->state == RESTING && f->due <= t)
			ask(f);
		else if ((f->state == OPENING || f->state == ASKED) && f->due <= t)
			end(f, "no answer");
		at_work += f->state != DONE;
	}
	return at_work;
}

static void look_at_files(struct client *c, bool *is_ready)
{
	char path[256];
	int fd;

	for (size_t i = 0; !*is_ready && i <= c->n; i++) {
		if (i < c->n && !c->flows[i].exchanges && !c->flows[i].error)
			break;
		if (i < c->n)
			continue;
		(void)snprintf(path, sizeof(path), "%s/ready", c->dir);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || close(fd) != 0)
			flows_die(path);
		*is_ready = true;
	}
	(void)snprintf(path, sizeof(path), "%s/stop", c->dir);
	c->is_ending = c->is_ending || access(path, F_OK) == 0 || now() > c->begun + LONGEST;
}

static void tell(const struct client *c)
{
	unsigned exchanges = 0;
	const char *between = "";

	for (size_t i = 0; i < c->n; i++)
		exchanges += c->flows[i].exchanges;
	(void)printf("{\"flows\": %zu, \"exchanges\": %u, \"failed\": [", c->n, exchanges);
	for (const struct flow *f = c->flows; f < c->flows + c->n; f++) {
		if (!f->error)
			continue;
		(void)printf("%s[\"%s %u\", %u, \"%s\"]", between, f->is_tcp ? "tcp" : "udp",
			     f->number, f->exchanges, f->error);
		between = ", ";
	}
	(void)printf("]}\n");
}

static int keep(const struct sockaddr_storage *to, socklen_t len, unsigned n_tcp, unsigned n_udp,
		const char *dir)
{
	struct client c = {.n = n_tcp + n_udp, .dir = dir, .begun = now()};
	struct epoll_event e[128];
	bool is_ready = false;

	c.epoll = epoll_create1(EPOLL_CLOEXEC);
	c.flows = calloc(c.n, sizeof(*c.flows));
	if (c.epoll < 0 || !c.flows)
		flows_die("a client");
	for (unsigned i = 0; i < c.n; i++) {
		c.flows[i].is_tcp = i < n_tcp;
		c.flows[i].number = i < n_tcp ? i : i - n_tcp;
		open_flow(&c, &c.flows[i], to, len);
	}
	while (look(&c)) {
		const int n = epoll_wait(c.epoll, e, 128, TICK_MS);

		for (int i = 0; i < n; i++) {
			struct flow *f = e[i].data.ptr;

			if (f->state == OPENING)
				on_open(&c, f);
			else
				on_octets(&c, f);
		}
		look_at_files(&c, &is_ready);
	}
	tell(&c);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage at;
	socklen_t len;

	if ((argc == 3 || argc == 4) && strcmp(argv[1], "serve") == 0 &&
	    flows_address(argc == 4 ? argv[3] : "0.0.0.0", argv[2], &at, &len))
		return flows_serve(&at, len);
	if (argc == 7 && strcmp(argv[1], "keep") == 0 && flows_address(argv[2], argv[3], &at, &len))
		return keep(&at, len, (unsigned)strtoul(argv[4], NULL, 10),
			    (unsigned)strtoul(argv[5], NULL, 10), argv[6]);
	(void)fprintf(stderr,
		      "usage: flows serve PORT [ADDRESS] | keep ADDRESS PORT TCP UDP DIR\n");
	return EXIT_FAILURE;
}
