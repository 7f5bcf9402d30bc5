// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The echo server of tests/lab/flows.h: one process, one loop. */
#include "lab/flows.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BACKLOG 512

/* What came and has not gone back: nothing more is read before it has. */
struct echo {
	int fd;
	size_t at, n;
	char octets[1 << 16];
};

_Noreturn void flows_die(const char *what)
{
	(void)fprintf(stderr, "flows: %s: %m\n", what);
	exit(EXIT_FAILURE);
}

bool flows_address(const char *address, const char *port, struct sockaddr_storage *ret,
		   socklen_t *ret_len)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	if (getaddrinfo(address, port, &hints, &found) != 0)
		return false;
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static void watch(int epoll, int how, struct echo *e)
{
	struct epoll_event event = {.events = e->n ? EPOLLOUT : EPOLLIN, .data.ptr = e};

	if (epoll_ctl(epoll, how, e->fd, &event) != 0)
		flows_die("epoll_ctl");
}

static int open_at(int type, const struct sockaddr_storage *at, socklen_t len)
{
	const int fd = socket(at->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (const struct sockaddr *)at, len) != 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) != 0))
		flows_die("bind");
	return fd;
}

static void on_client(int epoll, int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct echo *e;

	if (fd < 0)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		flows_die("calloc");
	e->fd = fd;
	watch(epoll, EPOLL_CTL_ADD, e);
}

static void on_datagram(int fd)
{
	static char data[1 << 16];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	const ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

	if (n >= 0)
		(void)sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, len);
}

static void on_octets(int epoll, struct echo *e)
{
	const bool waited = e->n > 0;
	ssize_t n;

	if (!waited) {
		n = recv(e->fd, e->octets, sizeof(e->octets), 0);
		if (n <= 0)
			goto close;
		e->at = 0, e->n = (size_t)n;
	}
	n = send(e->fd, e->octets + e->at, e->n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN)
		goto close;
	if (n > 0)
		e->at += (size_t)n, e->n -= (size_t)n;
	if (waited != (e->n > 0))
		watch(epoll, EPOLL_CTL_MOD, e);
	return;
close:
	(void)close(e->fd);
	free(e);
}

int flows_serve(const struct sockaddr_storage *at, socklen_t len)
{
	struct echo listener = {.fd = open_at(SOCK_STREAM, at, len)};
	struct echo datagrams = {.fd = open_at(SOCK_DGRAM, at, len)};
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e[64];

	watch(epoll, EPOLL_CTL_ADD, &listener);
	watch(epoll, EPOLL_CTL_ADD, &datagrams);
	for (;;) {
		const int n = epoll_wait(epoll, e, 64, -1);

		for (int i = 0; i < n; i++) {
			if (e[i].data.ptr == &listener)
				on_client(epoll, listener.fd);
			else if (e[i].data.ptr == &datagrams)
				on_datagram(datagrams.fd);
			else
				on_octets(epoll, e[i].data.ptr);
		}
	}
}
