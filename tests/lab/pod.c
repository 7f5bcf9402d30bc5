// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A pod of the lab: a server that tells who it is and whom it sees, by HTTP and by UDP, in both
 * families.
 *
 *   pod NAME PORT
 *
 * GET /                     one JSON line {"pod": NAME, "client": ADDRESS}
 * GET /download?seconds=S   the same line, then S seconds of numbered lines, ten a second, and a
 *                           last line "done"; so a client knows its pod at once and a cut shows
 * GET /big?bytes=N          the same line, then N bytes and a last line "done", as fast as they go
 * any datagram              that JSON line, as an answer to each, and the datagram behind it
 * "segments"                the datagram: twenty of the line, handed to the kernel as one
 *                           (UDP_SEGMENT)
 *
 * One process answers what is answered at once; a download has a process of its own, which ends
 * with this one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG  256
#define SEGMENTS 20
#define LINE     2000 /* octets of a numbered line, without its number */
/*
 * A datagram of 20,000 octets in fragments counts as 64,512 (IPv6, by `ss -m`): the kernel's
 * 212,992 do not hold four of them, which is how many a client sends at a time. SO_RCVBUFFORCE:
 * past rmem_max.
 */
#define ROOM (1 << 20)

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "pod: %s: %m\n", what);
	exit(EXIT_FAILURE);
}

static size_t write_who(char *ret, size_t room, const char *name, const struct sockaddr_in6 *client)
{
	char text[INET6_ADDRSTRLEN];
	int n;

	(void)inet_ntop(AF_INET6, &client->sin6_addr, text, sizeof(text));
	n = snprintf(ret, room, "{\"pod\": \"%s\", \"client\": \"%s\"}\n", name,
		     IN6_IS_ADDR_V4MAPPED(&client->sin6_addr) ? strrchr(text, ':') + 1 : text);
	return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

/* All of it, however long the other end takes. */
static bool send_all(int fd, const char *data, size_t n)
{
	while (n) {
		const ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		data += sent, n -= (size_t)sent;
	}
	return true;
}

static void send_lines(int fd, unsigned n)
{
	char line[LINE + 32];

	for (unsigned i = 0; i < n; i++) {
		const int head = snprintf(line, sizeof(line), "%u ", i);

		memset(line + head, 'x', LINE);
		line[head + LINE] = '\n';
		(void)usleep(100000);
		if (!send_all(fd, line, (size_t)head + LINE + 1))
			return;
	}
	(void)send_all(fd, "done\n", 5);
}

static void send_octets(int fd, unsigned long n)
{
	static char some[1 << 16];

	memset(some, 'x', sizeof(some));
	for (unsigned long left = n; left;) {
		const size_t part = left < sizeof(some) ? left : sizeof(some);

		if (!send_all(fd, some, part))
			return;
		left -= part;
	}
	(void)send_all(fd, "\ndone\n", 6);
}

/* What takes its time, in a process of its own. */
static void send_more(int fd, const char *request)
{
	static const char download[] = "GET /download?seconds=", big[] = "GET /big?bytes=";
	const bool is_download = strncmp(request, download, sizeof(download) - 1) == 0;
	const pid_t parent = getpid();

	if (!is_download && strncmp(request, big, sizeof(big) - 1) != 0)
		return;
	switch (fork()) {
	case -1:
		die("fork");
	case 0:
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
			_exit(EXIT_FAILURE);
		if (is_download)
			send_lines(fd,
				   (unsigned)(strtod(request + sizeof(download) - 1, NULL) * 10));
		else
			send_octets(fd, strtoul(request + sizeof(big) - 1, NULL, 10));
		_exit(EXIT_SUCCESS);
	default:
		break;
	}
}

/*
 * The request stays in the socket until there is all of it, so nothing is kept of a connection;
 * each part that arrives is told once. Returns whether the connection has come to its end here.
 */
static bool on_request(int fd, const char *name)
{
	static const char ok[] = "HTTP/1.0 200 OK\r\n\r\n";
	struct sockaddr_in6 client;
	socklen_t len = sizeof(client);
	char request[4096], answer[256];
	const ssize_t n = recv(fd, request, sizeof(request) - 1, MSG_PEEK | MSG_DONTWAIT);
	size_t said;

	if (n <= 0)
		return n == 0 || errno != EAGAIN;
	request[n] = '\0';
	if (!strstr(request, "\r\n\r\n"))
		return n == sizeof(request) - 1;
	/* A socket that is closed before it is read is reset. */
	(void)recv(fd, request, (size_t)n, MSG_DONTWAIT);
	if (getpeername(fd, (struct sockaddr *)&client, &len) != 0)
		return true;
	memcpy(answer, ok, sizeof(ok) - 1);
	said = write_who(answer + sizeof(ok) - 1, sizeof(answer) - sizeof(ok) + 1, name, &client);
	if (send_all(fd, answer, sizeof(ok) - 1 + said))
		send_more(fd, request);
	return true;
}

static void on_datagram(int fd, const char *name)
{
	static char data[1 << 16], answer[SEGMENTS * 512];
	struct sockaddr_in6 client;
	socklen_t len = sizeof(client);
	const ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&client, &len);
	char line[256];
	struct iovec parts[] = {{line, 0}, {data, n > 0 ? (size_t)n : 0}};
	struct msghdr m = {
		.msg_name = &client, .msg_namelen = len, .msg_iov = parts, .msg_iovlen = 2};

	if (n < 0)
		return;
	parts[0].iov_len = write_who(line, sizeof(line), name, &client);
	if (n == 8 && memcmp(data, "segments", 8) == 0) {
		const size_t one = parts[0].iov_len + 8;
		const uint16_t size = (uint16_t)one;
		union {
			struct cmsghdr header;
			char room[CMSG_SPACE(sizeof(size))];
		} control = {.header = {CMSG_LEN(sizeof(size)), IPPROTO_UDP, UDP_SEGMENT}};

		memcpy(CMSG_DATA(&control.header), &size, sizeof(size));
		for (size_t i = 0; i < SEGMENTS; i++) {
			memcpy(answer + i * one, line, parts[0].iov_len);
			memcpy(answer + i * one + parts[0].iov_len, data, 8);
		}
		parts[0] = (struct iovec){answer, SEGMENTS * one};
		m.msg_iovlen = 1, m.msg_control = &control, m.msg_controllen = sizeof(control);
		(void)sendmsg(fd, &m, 0);
		return;
	}
	(void)sendmsg(fd, &m, 0);
}

static int open_at(int type, uint16_t port)
{
	const struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	else
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ROOM}, sizeof(int));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) != 0))
		die("bind");
	return fd;
}

static void watch(int epoll, int fd, uint32_t events)
{
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd,
		      &(struct epoll_event){.events = events, .data.fd = fd}) != 0)
		die("epoll_ctl");
}

int main(int argc, char **argv)
{
	const uint16_t port = argc == 3 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e[64];
	int listener, datagrams;

	if (!port) {
		(void)fprintf(stderr, "usage: pod NAME PORT\n");
		return EXIT_FAILURE;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	listener = open_at(SOCK_STREAM, port), datagrams = open_at(SOCK_DGRAM, port);
	watch(epoll, listener, EPOLLIN), watch(epoll, datagrams, EPOLLIN);
	for (;;) {
		const int n = epoll_wait(epoll, e, 64, -1);

		for (int i = 0; i < n; i++) {
			const int fd = e[i].data.fd;

			if (fd == datagrams) {
				on_datagram(fd, argv[1]);
			} else if (fd == listener) {
				const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

				if (client >= 0)
					watch(epoll, client, EPOLLIN | EPOLLRDHUP | EPOLLET);
			} else if (on_request(fd, argv[1]) ||
				   e[i].events & (EPOLLRDHUP | EPOLLHUP)) {
				(void)close(fd);
			}
		}
	}
}
