// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "sys/echo_socket.h"

#include "sys/files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#define UDP_NO_CHECK6_RX 102
#endif

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(const struct ip_addr *a, uint16_t port, union address *ret)
{
	*ret = (union address){.any = {0}};
	if (ip_addr_is_v4(a)) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		ret->v4.sin_addr.s_addr = htonl(ip_addr_v4(a));
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	memcpy(&ret->v6.sin6_addr, a->b, sizeof(a->b));
	return sizeof(ret->v6);
}

static int set_option(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0 ? 0 : -errno;
}

static int without_checksums(int fd, bool is_v4)
{
	int err;

	if (is_v4)
		return set_option(fd, SOL_SOCKET, SO_NO_CHECK);
	err = set_option(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX);
	return err ? err : set_option(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX);
}

int echo_socket_open(const struct ip_addr *own, uint16_t port)
{
	const bool is_v4 = ip_addr_is_v4(own);
	_cleanup_(fd_closep) int fd =
		socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union address at;
	const socklen_t len = make_address(own, port, &at);
	int err;

	if (fd < 0)
		return -errno;
	err = without_checksums(fd, is_v4);
	if (err == 0 && bind(fd, &at.any, len) != 0)
		err = -errno;
	return err < 0 ? err : TAKE_FD(fd);
}

int echo_socket_send(int fd, const struct ip_addr *to, uint16_t port, const void *data, size_t len)
{
	union address at;
	const socklen_t at_len = make_address(to, port, &at);
	ssize_t put;

	do
		put = sendto(fd, data, len, MSG_DONTWAIT, &at.any, at_len);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : 0;
}

/* False: it is of another port. */
static bool read_address(const union address *from, uint16_t port, struct ip_addr *ret)
{
	if (from->any.sa_family == AF_INET) {
		*ret = ip_addr_from_v4(ntohl(from->v4.sin_addr.s_addr));
		return ntohs(from->v4.sin_port) == port;
	}
	memcpy(ret->b, &from->v6.sin6_addr, sizeof(ret->b));
	return ntohs(from->v6.sin6_port) == port;
}

ssize_t echo_socket_receive(int fd, uint16_t port, void *buf, size_t cap, struct ip_addr *ret_from)
{
	for (;;) {
		union address from = {.any = {0}};
		socklen_t len = sizeof(from);
		const ssize_t got = recvfrom(fd, buf, cap, MSG_DONTWAIT, &from.any, &len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (read_address(&from, port, ret_from))
			return got;
	}
}
