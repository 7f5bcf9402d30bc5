// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* sys/icmp6: router discovery over a cable with both ends in a fresh network namespace. */
#include "sys/icmp6.h"

#include "sys/loop.h"
#include "sys/worker.h"
#include "sys_test.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static const uint8_t solicitation[8] = {133}, advertisement[16] = {134};
static const uint8_t echo[8] = {128};

/* a0 and b0, with fe80::a and fe80::b. */
struct cable {
	int a, b; /* sockets that join there */
	int at_a, at_b;
};

static const struct ip_addr from_a = {.b = {0xfe, 0x80, [15] = 0xa}};

/* Again, and with another socket that is closed before the helper comes to it. */
static void join_by_helper(const struct cable *c)
{
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	const int other = icmp6_open();

	assert_true(other >= 0);
	icmp6_join_by(worker, c->b, c->at_b);
	icmp6_join_by(worker, other, c->at_b);
	icmp6_close_by(worker, other);
	worker_finish(worker);
	assert_int_equal(fcntl(other, F_GETFD), -1);
	worker_free(worker);
	loop_free(loop);
}

static struct cable cable_new(void)
{
	struct cable c;

	netns_enter();
	run("ip link add a0 type veth peer name b0 && ip addr add fe80::a/64 dev a0 nodad &&"
	    " ip addr add fe80::b/64 dev b0 nodad && ip link set a0 up && ip link set b0 up");
	/* The kernel sees the carrier a moment later. */
	run("for d in a0 b0; do for i in $(seq 200); do"
	    " ip -6 route get ff02::1 oif $d >/dev/null 2>&1 && break; sleep 0.02; done; done");
	c.at_a = (int)if_nametoindex("a0");
	c.at_b = (int)if_nametoindex("b0");
	c.a = icmp6_open();
	c.b = icmp6_open();
	assert_true(c.a >= 0 && c.b >= 0);
	icmp6_join(c.b, c.at_b);
	join_by_helper(&c);
	return c;
}

static void cable_free(const struct cable *c)
{
	close(c->a);
	close(c->b);
}

/* The next message that comes to b0 within so long; 0: none. */
static size_t next(const struct cable *c, int millis, uint8_t buf[64], struct icmp6_from *from)
{
	struct pollfd p = {.fd = c->b, .events = POLLIN};
	ssize_t n;

	while (poll(&p, 1, millis) > 0) {
		n = icmp6_receive(c->b, buf, 64, from);
		assert_true(n > 0 || n == -EAGAIN);
		if (n > 0 && from->ifindex == c->at_b)
			return (size_t)n;
	}
	assert_int_equal(icmp6_receive(c->b, buf, 64, from), -EAGAIN);
	return 0;
}

static void what_is_sent_comes_with_its_sender_link_and_hop_limit(void **state)
{
	const struct cable c = cable_new();
	struct icmp6_from from;
	uint8_t buf[64];

	(void)state;
	assert_int_equal(icmp6_send(c.a, c.at_a, &from_a, ICMP6_ALL_NODES, advertisement,
				    sizeof(advertisement)),
			 0);
	assert_int_equal(next(&c, 2000, buf, &from), sizeof(advertisement));
	assert_int_equal(buf[0], 134);
	assert_int_not_equal(buf[2] << 8 | buf[3], 0); /* the kernel's checksum */
	assert_true(ip_addr_equal(&from.addr, &from_a));
	assert_int_equal(from.hop_limit, 255);
	assert_int_equal(icmp6_send(c.a, c.at_a, &from_a, ICMP6_ALL_ROUTERS, solicitation,
				    sizeof(solicitation)),
			 0);
	assert_int_equal(next(&c, 2000, buf, &from), sizeof(solicitation));
	assert_int_equal(buf[0], 133);
	cable_free(&c);
}

static void other_messages_are_not_even_heard(void **state)
{
	const struct cable c = cable_new();
	struct icmp6_from from;
	uint8_t buf[64];

	(void)state;
	assert_int_equal(icmp6_send(c.a, c.at_a, &from_a, ICMP6_ALL_NODES, echo, sizeof(echo)), 0);
	while (next(&c, 200, buf, &from) > 0) /* the kernel may be soliciting on its new link */
		assert_int_equal(buf[0], solicitation[0]);
	cable_free(&c);
}

static void a_message_that_was_forwarded_shows_it(void **state)
{
	const struct cable c = cable_new();
	struct icmp6_from from;
	uint8_t buf[64];
	int hops = 64;

	(void)state;
	assert_int_equal(setsockopt(c.a, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)),
			 0);
	assert_int_equal(icmp6_send(c.a, c.at_a, &from_a, ICMP6_ALL_NODES, advertisement,
				    sizeof(advertisement)),
			 0);
	assert_int_equal(next(&c, 2000, buf, &from), sizeof(advertisement));
	assert_int_equal(from.hop_limit, 64);
	cable_free(&c);
}

static void what_cannot_be_sent_is_an_errno(void **state)
{
	const struct cable c = cable_new();
	const struct ip_addr stranger = {.b = {0xfe, 0x80, [15] = 0xc}};

	(void)state;
	assert_true(icmp6_send(c.a, c.at_a, &stranger, ICMP6_ALL_NODES, advertisement,
			       sizeof(advertisement)) < 0);
	assert_true(icmp6_send(c.a, 4711, &from_a, ICMP6_ALL_NODES, advertisement,
			       sizeof(advertisement)) < 0);
	icmp6_join(c.a, 4711);
	run("ip link set a0 down");
	assert_true(icmp6_send(c.a, c.at_a, &from_a, ICMP6_ALL_NODES, advertisement,
			       sizeof(advertisement)) < 0);
	cable_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_comes_with_its_sender_link_and_hop_limit),
		cmocka_unit_test(other_messages_are_not_even_heard),
		cmocka_unit_test(a_message_that_was_forwarded_shows_it),
		cmocka_unit_test(what_cannot_be_sent_is_an_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
