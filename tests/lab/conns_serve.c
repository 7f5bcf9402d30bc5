// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The pod of tests/lab/conns.h: one process, one loop, both families. */
#include "lab/conns.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS 65536

struct served {
	char client[48];
	size_t have;
	struct conns_record r;
};

struct pod {
	int epoll, listener, signals;
	const char *name;
	struct served *of[FDS]; /* by descriptor */
};

_Noreturn void conns_die(const char *what)
{
	(void)fprintf(stderr, "conns: %s: %m\n", what);
	exit(EXIT_FAILURE);
}

static void watch(struct pod *p, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		conns_die("epoll_ctl");
}

static void drop(struct pod *p, int fd)
{
	free(p->of[fd]);
	p->of[fd] = NULL;
	(void)close(fd);
}

/* A record finds room: no more than one of each direction is under way. */
static void say(struct pod *p, int fd, struct conns_record *r)
{
	(void)snprintf(r->pod, sizeof(r->pod), "%s", p->name);
	memcpy(r->client, p->of[fd]->client, sizeof(r->client));
	if (send(fd, r, sizeof(*r), MSG_NOSIGNAL) != sizeof(*r))
		drop(p, fd);
}

static void on_client(struct pod *p)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	const int fd =
		accept4(p->listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	char text[INET6_ADDRSTRLEN];

	if (fd < 0)
		return;
	if (fd >= FDS || !(p->of[fd] = calloc(1, sizeof(*p->of[fd])))) {
		(void)close(fd);
		return;
	}
	(void)inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text));
	(void)snprintf(p->of[fd]->client, sizeof(p->of[fd]->client), "%s",
		       IN6_IS_ADDR_V4MAPPED(&from.sin6_addr) ? strrchr(text, ':') + 1 : text);
	watch(p, fd);
	say(p, fd, &(struct conns_record){.serial = CONNS_HELLO});
}

static void on_words(struct pod *p, int fd)
{
	struct served *s = p->of[fd];
	const ssize_t n = recv(fd, (char *)&s->r + s->have, sizeof(s->r) - s->have, 0);

	if (n <= 0) {
		drop(p, fd);
		return;
	}
	s->have += (size_t)n;
	if (s->have < sizeof(s->r))
		return;
	s->have = 0;
	say(p, fd, &s->r);
}

static void listen_at(struct pod *p, const char *port)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)strtoul(port, NULL, 10))};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC);
	p->listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(p->listener, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
	(void)setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(p->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(p->listener, 4096) != 0)
		conns_die("listen");
	watch(p, p->listener);
	watch(p, p->signals);
}

int conns_serve(const char *name, const char *port)
{
	static struct pod p;
	struct epoll_event e[64];
	int n;

	p.name = name;
	(void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){FDS, FDS});
	listen_at(&p, port);
	for (;;) {
		n = epoll_wait(p.epoll, e, 64, -1);
		for (int i = 0; i < n; i++) {
			if (e[i].data.fd == p.listener)
				on_client(&p);
			else if (e[i].data.fd != p.signals)
				on_words(&p, e[i].data.fd);
			else
				goto bye;
		}
	}
bye:
	for (int fd = 0; fd < FDS; fd++)
		if (p.of[fd])
			say(&p, fd, &(struct conns_record){.serial = CONNS_BYE});
	return EXIT_SUCCESS;
}
