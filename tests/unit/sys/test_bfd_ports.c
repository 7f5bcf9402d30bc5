// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ports of BFD: which are open for which sessions, what comes by which, and that what is quiet
 * wakes nobody and is not forgotten. A device that is no VRF stands for one: to a socket it is all
 * the same.
 */
#include "sys/bfd_ports.h"

#include "sys/clock.h"

#include "sys_test.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct bed {
	struct bfd_ports ports;
	struct bfd_set *set;
	int epoll_fd;
	unsigned n_seen;
	struct bfd_datagram seen; /* the last */
};

static struct bed *bed_new(void)
{
	struct bed *b = xcalloc(1, sizeof(*b));
	struct rng rng;

	netns_enter();
	rng_seed(&rng, 3);
	b->set = bfd_set_new(32, &rng);
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	bfd_ports_init(&b->ports);
	return b;
}

static void bed_free(struct bed *b)
{
	bfd_ports_close(&b->ports);
	b->set = bfd_set_free(b->set);
	(void)close(b->epoll_fd);
	free(b);
}

/* A session with ourselves; n tells it from others. */
static struct bfd_session *add(struct bed *b, unsigned n, uint32_t vrf)
{
	const struct bfd_config c = {.peer = ip_addr_from_v4(0x7f000001),
				     .local = ip_addr_from_v4(0x7f000001 + n),
				     .vrf = vrf,
				     .terms = {50000, 50000, 3}};
	struct bfd_session *s = bfd_set_add(b->set, clock_now(), &c);

	assert_non_null(s);
	bfd_ports_open(&b->ports, b->epoll_fd, b->set);
	return s;
}

static void packet_of(const struct bfd_session *s, enum bfd_state state,
		      uint8_t buf[BFD_PACKET_BYTES])
{
	const struct bfd_packet p = {.state = state,
				     .detect_mult = 3,
				     .my_discriminator = 99,
				     .your_discriminator = s->discriminator,
				     .min_tx_us = 50000,
				     .min_rx_us = 50000};

	bfd_packet_encode(buf, &p, 0);
}

static void bring_up(struct bed *b, struct bfd_session *s)
{
	const struct bfd_arrival a = {
		.at = clock_now(), .source = s->config.peer, .vrf = s->config.vrf, .ttl = 255};
	uint8_t buf[BFD_PACKET_BYTES];
	struct bfd_session *got;

	packet_of(s, BFD_INIT, buf);
	assert_int_equal(bfd_set_receive(b->set, &a, buf, sizeof(buf), &got), BFD_ACCEPTED);
	assert_int_equal(s->state, BFD_UP);
	bfd_ports_steer(&b->ports, b->set);
}

/* A packet for the session goes to its port. */
static void say(const struct bfd_session *s, enum bfd_state state)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(BFD_PORT),
				 .sin_addr.s_addr = htonl(0x7f000001)};
	uint8_t buf[BFD_PACKET_BYTES];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	packet_of(s, state, buf);
	assert_int_equal(sendto(fd, buf, sizeof(buf), 0, (struct sockaddr *)&to, sizeof(to)),
			 sizeof(buf));
	(void)close(fd);
}

/* The event by which the thread would be woken now; -1: none. */
static int woken_by(const struct bed *b)
{
	struct epoll_event e;

	return epoll_wait(b->epoll_fd, &e, 1, 0) == 1 ? (int)e.data.u64 : -1;
}

static void on_datagram(void *ctx, const struct bfd_datagram *d, nsec_t now)
{
	struct bed *b = ctx;

	(void)now;
	assert_true(d->arrival.at <= clock_now());
	b->n_seen++;
	b->seen = *d;
}

static size_t n_open(const struct bed *b, size_t world)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(b->ports.worlds[world].fds); i++)
		n += b->ports.worlds[world].fds[i] >= 0;
	return n;
}

static void what_is_quiet_wakes_nobody_and_is_read_with_the_rest(void **state)
{
	struct bed *b = bed_new();
	struct bfd_session *s = add(b, 0, 0);
	nsec_t before;

	(void)state;
	assert_int_equal(n_open(b, 0), 2 * BFD_PORTS);
	bfd_ports_read_quiet(&b->ports, on_datagram, b);
	assert_int_equal(bfd_ports_deadline(&b->ports), NSEC_NEVER);
	say(s, BFD_UP); /* which is news while it is Down */
	assert_int_equal(woken_by(b), 0);
	bfd_ports_read(&b->ports, 0, on_datagram, b);
	assert_int_equal(b->n_seen, 1);
	assert_int_equal(woken_by(b), -1);
	bring_up(b, s);
	say(s, BFD_UP);
	assert_int_equal(woken_by(b), -1);
	bfd_ports_read(&b->ports, 0, on_datagram, b);
	assert_int_equal(b->n_seen, 1);
	before = clock_now();
	bfd_ports_read_quiet(&b->ports, on_datagram, b);
	assert_int_equal(b->n_seen, 2);
	assert_in_range(bfd_ports_deadline(&b->ports), before + NSEC_PER_SEC,
			clock_now() + 2 * NSEC_PER_SEC);
	say(s, BFD_DOWN);
	assert_int_equal(woken_by(b), 0);
	say(s, BFD_UP);
	bfd_ports_read_all(&b->ports, on_datagram, b);
	assert_int_equal(b->n_seen, 4);
	/* Down again: each packet is news. */
	bfd_session_notify(s, clock_now(), BFD_NOTE_PATH_DOWN);
	bfd_ports_steer(&b->ports, b->set);
	assert_int_equal(bfd_ports_deadline(&b->ports), NSEC_NEVER);
	say(s, BFD_UP);
	assert_int_equal(woken_by(b), 0);
	bed_free(b);
}

/*
 * The kernel chooses between the two sockets by itself until it is told how. What it puts aside
 * then is read before anything else, and not when a session is Up that it would end.
 */
static void what_went_astray_while_a_port_was_opened_is_read_at_once(void **state)
{
	struct bed *b = bed_new();
	struct bfd_session *s = add(b, 0, 0);

	(void)state;
	assert_int_equal(bfd_socket_steer(b->ports.worlds[0].fds[0], &s->discriminator, 1), 0);
	say(s, BFD_UP);
	assert_int_equal(woken_by(b), -1);
	assert_in_range(bfd_ports_deadline(&b->ports), 1, clock_now());
	bfd_ports_read_quiet(&b->ports, on_datagram, b);
	assert_int_equal(b->n_seen, 1);
	assert_int_equal(bfd_ports_deadline(&b->ports), NSEC_NEVER);
	bed_free(b);
}

/* More sessions fill the quiet socket sooner. */
static void it_is_looked_at_the_sooner_the_more_are_quiet(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		bring_up(b, add(b, i, 0));
	bfd_ports_read_quiet(&b->ports, on_datagram, b);
	assert_in_range(bfd_ports_deadline(&b->ports), clock_now(),
			clock_now() + 2 * NSEC_PER_SEC / 4);
	bed_free(b);
}

/* More than is read at once, and none twice. */
static void all_that_waits_is_read_in_its_order(void **state)
{
	struct bed *b = bed_new();
	struct bfd_session *s = add(b, 0, 0);

	(void)state;
	for (unsigned i = 0; i < 3 * BFD_BATCH; i++)
		say(s, BFD_UP);
	say(s, BFD_DOWN);
	bfd_ports_read(&b->ports, 0, on_datagram, b);
	assert_int_equal(b->n_seen, 3 * BFD_BATCH + 1);
	assert_int_equal(b->seen.data[1], BFD_DOWN << 6);
	bfd_ports_read(&b->ports, 0, on_datagram, b);
	assert_int_equal(b->n_seen, 3 * BFD_BATCH + 1);
	bed_free(b);
}

static void a_vrf_has_ports_of_its_own_as_long_as_it_has_sessions(void **state)
{
	struct bed *b = bed_new();
	const uint32_t vrf = if_nametoindex("lo");
	struct bfd_session *s = add(b, 0, 0), *other = add(b, 0, vrf), *third;

	(void)state;
	assert_int_equal(n_open(b, 1), 2 * BFD_PORTS);
	assert_int_equal(b->ports.worlds[1].vrf, vrf);
	say(other, BFD_UP);
	assert_int_equal(woken_by(b), BFD_PORTS);
	bfd_ports_read(&b->ports, BFD_PORTS, on_datagram, b);
	assert_int_equal(b->seen.arrival.vrf, vrf);
	/* Quiet is what is Up in that VRF, not what has its number elsewhere. */
	bring_up(b, s);
	say(other, BFD_UP);
	assert_int_equal(woken_by(b), BFD_PORTS);
	bfd_ports_read_all(&b->ports, on_datagram, b);
	assert_int_equal(b->n_seen, 2);
	bring_up(b, other);
	say(other, BFD_UP);
	assert_int_equal(woken_by(b), -1);
	bfd_ports_read_quiet(&b->ports, on_datagram, b);
	assert_int_equal(b->n_seen, 3);
	/* A second one needs no more; the last one takes them along. */
	third = add(b, 1, vrf);
	assert_int_equal(n_open(b, 2), 0);
	bfd_set_remove(b->set, other);
	bfd_ports_steer(&b->ports, b->set);
	assert_int_equal(n_open(b, 1), 2 * BFD_PORTS);
	bfd_set_remove(b->set, third);
	bfd_ports_steer(&b->ports, b->set);
	assert_int_equal(n_open(b, 1), 0);
	assert_int_equal(n_open(b, 0), 2 * BFD_PORTS);
	(void)add(b, 2, vrf);
	assert_int_equal(n_open(b, 1), 2 * BFD_PORTS);
	bed_free(b);
}

static void vrfs_beyond_what_there_is_room_for_get_none(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	for (unsigned i = 0; i < BFD_WORLDS; i++) {
		char name[IF_NAMESIZE];

		(void)snprintf(name, sizeof(name), "d%u", i);
		if (i % 2 == 0)
			run("ip link add d%u type veth peer name d%u", i, i + 1);
		(void)add(b, 0, if_nametoindex(name));
	}
	for (unsigned i = 1; i < BFD_WORLDS; i++)
		assert_int_equal(n_open(b, i), 2 * BFD_PORTS);
	assert_int_equal(bfd_ports_error(&b->ports, 0), 0);
	bed_free(b);
}

static void a_port_that_cannot_be_had_is_told_and_the_others_are_open(void **state)
{
	const struct bfd_port taken = {.family = IP_V6, .is_multihop = true};
	struct bed *b = bed_new();
	int fd = bfd_socket_listen(&taken);

	(void)state;
	assert_true(fd >= 0);
	(void)add(b, 0, 0);
	for (size_t i = 0; i < BFD_PORTS; i++)
		assert_int_equal(bfd_ports_error(&b->ports, i), i == 3 ? -EADDRINUSE : 0);
	assert_int_equal(n_open(b, 0), 2 * BFD_PORTS - 2);
	(void)close(fd);
	bfd_ports_open(&b->ports, b->epoll_fd, b->set);
	assert_int_equal(bfd_ports_error(&b->ports, 3), 0);
	assert_int_equal(n_open(b, 0), 2 * BFD_PORTS);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_quiet_wakes_nobody_and_is_read_with_the_rest),
		cmocka_unit_test(what_went_astray_while_a_port_was_opened_is_read_at_once),
		cmocka_unit_test(it_is_looked_at_the_sooner_the_more_are_quiet),
		cmocka_unit_test(all_that_waits_is_read_in_its_order),
		cmocka_unit_test(a_vrf_has_ports_of_its_own_as_long_as_it_has_sessions),
		cmocka_unit_test(vrfs_beyond_what_there_is_room_for_get_none),
		cmocka_unit_test(a_port_that_cannot_be_had_is_told_and_the_others_are_open),
	};

	return cmocka_run_group_tests_name("bfd_ports", tests, NULL, NULL);
}
