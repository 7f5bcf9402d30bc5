// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* sys/echo_socket: both families over the loopback of a fresh network namespace. */
#include "sys/echo_socket.h"

#include "sys_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define PORT 6080

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

/* Who is asked: a socket at the port, which turns round what comes. */
static int answering(const char *at)
{
	const struct ip_addr a = addr(at);
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	const bool is_v4 = ip_addr_is_v4(&a);
	const int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	assert_true(fd >= 0);
	if (is_v4)
		v4.sin_addr.s_addr = htonl(ip_addr_v4(&a));
	memcpy(&v6.sin6_addr, a.b, sizeof(a.b));
	if (!is_v4)
		assert_int_equal(setsockopt(fd, IPPROTO_UDP, 102, &on, sizeof(on)), 0);
	assert_int_equal(
		bind(fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof(v4) : sizeof(v6)), 0);
	return fd;
}

static void turn_round(int fd, const struct ip_addr *expected)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char data[64];
	struct ip_addr source;
	const ssize_t n = recvfrom(fd, data, sizeof(data), 0, (void *)&from, &len);

	assert_true(n > 0);
	if (from.ss_family == AF_INET)
		source = ip_addr_from_v4(
			ntohl(((const struct sockaddr_in *)&from)->sin_addr.s_addr));
	else
		memcpy(source.b, &((const struct sockaddr_in6 *)&from)->sin6_addr, 16);
	assert_true(ip_addr_equal(&source, expected));
	data[0] ^= 1;
	assert_int_equal(sendto(fd, data, (size_t)n, 0, (void *)&from, len), n);
}

static bool comes(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 200) == 1;
}

/*
 * Until the answer is there. The kernel's queue of what goes over a loopback is a processor's and
 * not a namespace's, so a flood elsewhere can cost a packet here.
 */
static void ask(int fd, const struct ip_addr *own, const struct ip_addr *node, int there)
{
	for (int i = 0; i < 25; i++) {
		assert_int_equal(echo_socket_send(fd, node, PORT, "ask", 3), 0);
		if (!comes(there))
			continue;
		turn_round(there, own);
		if (comes(fd))
			return;
	}
	fail_msg("no answer");
}

static void what_is_asked_comes_back(void **state)
{
	static const struct {
		const char *own, *node;
	} cases[] = {{"127.0.0.5", "127.0.0.6"}, {"fd00::5", "fd00::6"}};

	(void)state;
	netns_enter();
	run("ip addr add fd00::5/128 dev lo nodad && ip addr add fd00::6/128 dev lo nodad");
	for (size_t i = 0; i < 2; i++) {
		const struct ip_addr own = addr(cases[i].own), node = addr(cases[i].node);
		const int there = answering(cases[i].node), fd = echo_socket_open(&own, 0);
		struct ip_addr from;
		char data[64];

		assert_true(fd >= 0);
		assert_int_equal(echo_socket_receive(fd, PORT, data, sizeof(data), &from), -EAGAIN);
		ask(fd, &own, &node, there);
		assert_int_equal(echo_socket_receive(fd, PORT, data, sizeof(data), &from), 3);
		assert_memory_equal(data, "`sk", 3);
		assert_true(ip_addr_equal(&from, &node));
		/* Of another port it is nobody's answer. */
		ask(fd, &own, &node, there);
		assert_int_equal(echo_socket_receive(fd, PORT + 1, data, sizeof(data), &from),
				 -EAGAIN);
		close(fd);
		close(there);
	}
}

static void an_address_of_others_cannot_be_asked_from(void **state)
{
	const struct ip_addr own = addr("192.0.2.1"), far = addr("198.51.100.1");
	const struct ip_addr here = addr("127.0.0.1");
	struct ip_addr from;
	char data[8];
	int fd;

	(void)state;
	netns_enter();
	assert_int_equal(echo_socket_open(&own, 0), -EADDRNOTAVAIL);
	fd = echo_socket_open(&here, 0);
	assert_true(fd >= 0);
	assert_int_equal(echo_socket_send(fd, &far, PORT, "ask", 3), -ENETUNREACH);
	/* Nobody listens there: the kernel's word comes as an error, and the next is asked on. */
	assert_int_equal(echo_socket_send(fd, &here, PORT, "ask", 3), 0);
	assert_int_equal(echo_socket_receive(fd, PORT, data, sizeof(data), &from), -EAGAIN);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_comes_back),
		cmocka_unit_test(an_address_of_others_cannot_be_asked_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
