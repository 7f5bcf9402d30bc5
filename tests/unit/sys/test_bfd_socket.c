// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sockets of BFD on a loopback of their own, both families: what is known of a packet's way and
 * of the time at which it came, and from where ours leave.
 */
#include "sys/bfd_socket.h"

#include "sys/clock.h"

#include "sys_test.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const struct bfd_port ports[] = {{.family = IP_V4},
					{.family = IP_V6},
					{.family = IP_V4, .is_multihop = true},
					{.family = IP_V6, .is_multihop = true}};

static struct bfd_config config_for(const struct bfd_port *port)
{
	struct bfd_config c = {.is_multihop = port->is_multihop};

	assert_true(ip_addr_parse(port->family == IP_V4 ? "127.0.0.1" : "::1", &c.peer));
	c.local = c.peer;
	return c;
}

static int listen_on(const struct bfd_port *port)
{
	int fd = bfd_socket_listen(port);

	assert_true(fd >= 0);
	return fd;
}

static int connect_to(const struct bfd_port *port, uint16_t *source)
{
	const struct bfd_config config = config_for(port);
	struct rng rng = {0};
	struct ip_addr local;
	int fd;

	rng_seed(&rng, 1);
	fd = bfd_socket_connect(&config, &rng, source, &local);
	assert_true(fd >= 0);
	assert_true(ip_addr_equal(&local, &config.peer));
	return fd;
}

static void send_and_wait(int from, nsec_t *ret_before, nsec_t *ret_after)
{
	*ret_before = clock_now();
	assert_int_equal(send(from, "three", 5, 0), 5);
	*ret_after = clock_now();
	(void)poll(NULL, 0, 20);
}

/*
 * The thread may look much later; the loopback delivers before send() returns. The kernel begins to
 * stamp a while after the first socket that asks; until then it says when it was read.
 */
static void an_arrival_has_the_time_at_which_the_kernel_had_it(void **state)
{
	(void)state;
	netns_enter();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct bfd_datagram got[BFD_BATCH];
		const struct bfd_config config = config_for(&ports[i]);
		uint16_t source = 0;
		int to = listen_on(&ports[i]), from = connect_to(&ports[i], &source);
		nsec_t before, after, end = clock_now() + 10 * NSEC_PER_SEC;

		do {
			send_and_wait(from, &before, &after);
			assert_int_equal(bfd_socket_read(to, &ports[i], before, got), 1);
		} while (got[0].arrival.at > after + NSEC_PER_MSEC && clock_now() < end);
		assert_in_range(got[0].arrival.at, before, after + NSEC_PER_MSEC);
		assert_int_equal(got[0].len, 5);
		assert_memory_equal(got[0].data, "three", 5);
		assert_int_equal(got[0].arrival.ttl, 255);
		assert_int_equal(got[0].arrival.ifindex, 1);
		assert_int_equal(got[0].arrival.is_multihop, ports[i].is_multihop);
		assert_true(ip_addr_equal(&got[0].arrival.source, &config.peer));
		assert_true(ip_addr_equal(&got[0].arrival.destination, &config.peer));
		assert_int_equal(bfd_socket_read(to, &ports[i], before, got), 0);
		(void)close(from);
		(void)close(to);
	}
}

/* As if the wall clock had been set on meanwhile. */
static void no_arrival_is_before_the_last_look(void **state)
{
	struct bfd_datagram got[BFD_BATCH];
	uint16_t source = 0;
	nsec_t before, after, since, end = clock_now() + 10 * NSEC_PER_SEC;
	int to, from;

	(void)state;
	netns_enter();
	to = listen_on(&ports[0]);
	from = connect_to(&ports[0], &source);
	do {
		send_and_wait(from, &before, &after);
		since = clock_now();
		assert_int_equal(bfd_socket_read(to, &ports[0], since, got), 1);
	} while (got[0].arrival.at != since && clock_now() < end);
	assert_int_equal(got[0].arrival.at, since);
	(void)close(from);
	(void)close(to);
}

/* What all sessions are sent at the least interval in a tenth of a second. */
static void what_comes_while_the_thread_has_no_processor_is_kept(void **state)
{
	(void)state;
	netns_enter();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct bfd_datagram got[BFD_BATCH];
		uint16_t source = 0;
		const int to = listen_on(&ports[i]), from = connect_to(&ports[i], &source);
		size_t n, sum = 0;

		for (unsigned k = 0; k < 2560; k++)
			assert_int_equal(send(from, "three", 5, 0), 5);
		while ((n = bfd_socket_read(to, &ports[i], 0, got)) > 0)
			sum += n;
		assert_int_equal(sum, 2560);
		(void)close(from);
		(void)close(to);
	}
}

static void what_waits_is_read_in_batches(void **state)
{
	struct bfd_datagram got[BFD_BATCH];
	uint16_t source = 0;
	int to, from;

	(void)state;
	netns_enter();
	to = listen_on(&ports[1]);
	from = connect_to(&ports[1], &source);
	for (uint8_t i = 0; i < BFD_BATCH + 3; i++)
		assert_int_equal(send(from, &i, 1, 0), 1);
	assert_int_equal(bfd_socket_read(to, &ports[1], 0, got), BFD_BATCH);
	assert_int_equal(got[BFD_BATCH - 1].data[0], BFD_BATCH - 1);
	assert_int_equal(bfd_socket_read(to, &ports[1], 0, got), 3);
	assert_int_equal(got[2].data[0], BFD_BATCH + 2);
	(void)close(from);
	(void)close(to);
}

/* RFC 5881 4. */
static void a_session_keeps_its_port_and_no_two_share_one(void **state)
{
	uint16_t first = 0, second, again;
	int a, b, c, to;

	(void)state;
	netns_enter();
	a = connect_to(&ports[0], &first);
	assert_in_range(first, 49152, 65535);
	second = first;
	b = connect_to(&ports[0], &second);
	assert_in_range(second, 49152, 65535);
	assert_int_not_equal(second, first);
	(void)close(a);
	again = first;
	a = connect_to(&ports[0], &again);
	assert_int_equal(again, first);
	/* Another has taken it meanwhile. */
	c = connect_to(&ports[0], &again);
	assert_in_range(again, 49152, 65535);
	assert_int_not_equal(again, first);
	(void)close(c);
	to = listen_on(&ports[0]);
	assert_int_equal(bfd_socket_listen(&ports[0]), -EADDRINUSE);
	(void)close(to);
	(void)close(a);
	(void)close(b);
}

static void an_address_that_is_not_ours_sends_nothing(void **state)
{
	struct bfd_config config = config_for(&ports[0]);
	struct ip_addr local;
	struct rng rng = {0};
	uint16_t port = 0;

	(void)state;
	netns_enter();
	assert_true(ip_addr_parse("192.0.2.1", &config.local));
	assert_int_equal(bfd_socket_connect(&config, &rng, &port, &local), -EADDRNOTAVAIL);
}

static void say_packet(int fd, enum bfd_state state, bool poll, uint32_t discriminator)
{
	const struct bfd_packet p = {.state = state,
				     .poll = poll,
				     .detect_mult = 3,
				     .my_discriminator = 99,
				     .your_discriminator = discriminator};
	uint8_t buf[BFD_PACKET_BYTES];

	bfd_packet_encode(buf, &p, 0);
	assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
}

static size_t count(int fd, const struct bfd_port *port)
{
	struct bfd_datagram got[BFD_BATCH];

	return bfd_socket_read(fd, port, 0, got);
}

static void only_what_says_nothing_new_comes_to_the_second_socket(void **state)
{
	static const uint32_t ours[] = {7, 0x80000001};

	(void)state;
	netns_enter();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		const struct bfd_port *port = &ports[i];
		uint16_t source = 0;
		int first = listen_on(port), from = connect_to(port, &source);
		int second = bfd_socket_listen_beside(first, port);

		assert_true(second >= 0);
		say_packet(from, BFD_UP, false, 7); /* nobody has that yet */
		assert_int_equal(count(first, port), 1);
		assert_int_equal(bfd_socket_steer(first, ours, ARRAY_SIZE(ours)), 0);
		say_packet(from, BFD_UP, false, 7);
		say_packet(from, BFD_UP, false, 0x80000001);
		assert_int_equal(count(first, port), 0);
		assert_int_equal(count(second, port), 2);
		say_packet(from, BFD_UP, true, 7);
		say_packet(from, BFD_DOWN, false, 7);
		say_packet(from, BFD_INIT, false, 7);
		say_packet(from, BFD_ADMIN_DOWN, false, 7);
		say_packet(from, BFD_UP, false, 8);
		assert_int_equal(send(from, "", 0, 0), 0);
		assert_int_equal(send(from, "\x20\xc0", 2, 0), 2);
		assert_int_equal(count(second, port), 0);
		assert_int_equal(count(first, port), 7);
		(void)close(first);
		(void)close(second);
		(void)close(from);
	}
}

static void as_many_sessions_as_there_can_be_are_told_apart(void **state)
{
	const struct bfd_port *port = &ports[0];
	uint32_t ours[BFD_STEERED];
	uint16_t source = 0;
	int first, second, from;

	(void)state;
	netns_enter();
	first = listen_on(port);
	second = bfd_socket_listen_beside(first, port);
	from = connect_to(port, &source);
	for (uint32_t i = 0; i < BFD_STEERED; i++)
		ours[i] = 1000 + i;
	assert_int_equal(bfd_socket_steer(first, ours, BFD_STEERED), 0);
	say_packet(from, BFD_UP, false, 1000);
	say_packet(from, BFD_UP, false, 1000 + BFD_STEERED - 1);
	say_packet(from, BFD_UP, false, 1000 + BFD_STEERED);
	assert_int_equal(count(second, port), 2);
	assert_int_equal(count(first, port), 1);
	(void)close(first);
	(void)close(second);
	(void)close(from);
}

/* That is how a BFD daemon on the node is noticed. */
static void a_port_with_two_sockets_is_still_nobody_elses(void **state)
{
	(void)state;
	netns_enter();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		int first = listen_on(&ports[i]);
		int second = bfd_socket_listen_beside(first, &ports[i]);

		assert_true(second >= 0);
		assert_int_equal(bfd_socket_listen(&ports[i]), -EADDRINUSE);
		(void)close(first);
		(void)close(second);
	}
}

/*
 * Whoever loses the processor between the two clocks would take packets for younger than they are,
 * by as long as it waits: a peer that speaks would have been silent, or a dead one alive.
 */
static void both_clocks_are_read_at_one_time_beside_another_that_wants_the_processor(void **state)
{
	const nsec_t until = clock_now() + NSEC_PER_SEC;
	cpu_set_t all, one;
	nsec_t least = 0, most = 0;
	pid_t busy;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	busy = fork();
	while (busy == 0) /* beside which it is, half of the time */
		if (clock_now() > until)
			_exit(0);
	while (clock_now() < until) {
		const struct bfd_clocks c = bfd_clocks_read();
		const nsec_t apart = c.wall - c.now;

		least = least == 0 ? apart : nsec_min(least, apart);
		most = apart > most ? apart : most;
	}
	assert_int_equal(waitpid(busy, NULL, 0), busy);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	print_message("the clocks were %.3f us apart at most\n", (double)(most - least) / 1000);
	assert_true(most - least < NSEC_PER_MSEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_says_nothing_new_comes_to_the_second_socket),
		cmocka_unit_test(as_many_sessions_as_there_can_be_are_told_apart),
		cmocka_unit_test(a_port_with_two_sockets_is_still_nobody_elses),
		cmocka_unit_test(an_arrival_has_the_time_at_which_the_kernel_had_it),
		cmocka_unit_test(no_arrival_is_before_the_last_look),
		cmocka_unit_test(what_waits_is_read_in_batches),
		cmocka_unit_test(what_comes_while_the_thread_has_no_processor_is_kept),
		cmocka_unit_test(a_session_keeps_its_port_and_no_two_share_one),
		cmocka_unit_test(an_address_that_is_not_ours_sends_nothing),
		cmocka_unit_test(
			both_clocks_are_read_at_one_time_beside_another_that_wants_the_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
