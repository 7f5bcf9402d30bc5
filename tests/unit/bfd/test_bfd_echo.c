// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Echo packets of a session: when they are sent, what is taken for one, what their loss means. */
#include "bfd_script.h"

#include "bfd/bfd_carry.h"

#define ECHO_MS 20

static struct bfd_config echo_config(void)
{
	struct bfd_config c = usual_config();

	c.echo_tx_us = ECHO_MS * 1000;
	return c;
}

static struct bfd_packet echo_packet(enum bfd_state state, uint32_t min_echo_us)
{
	struct bfd_packet p = usual_packet(state);

	p.min_echo_rx_us = min_echo_us;
	return p;
}

/* Up, and the peer takes echo packets; its poll sequence is answered. */
static struct bfd_session echo_session(const struct bfd_config *config)
{
	struct bfd_session s = up_session(config);
	struct bfd_packet p = echo_packet(BFD_UP, 10000);

	hear_packet(&s, NOW, &p);
	(void)say_all(&s, NOW + MS(50));
	p.final = true;
	hear_packet(&s, NOW + MS(50), &p);
	return s;
}

/* One that is due is sent at that time, and comes back. */
static void echo_once(struct bfd_session *s, nsec_t at)
{
	uint8_t b[BFD_ECHO_BYTES];

	assert_true(bfd_session_transmit_echo(s, at, b));
	assert_true(bfd_session_receive_echo(s, at, b, sizeof(b)));
}

static struct bfd_session proven_session(void)
{
	const struct bfd_config config = echo_config();
	struct bfd_session s = echo_session(&config);

	echo_once(&s, NOW + MS(50));
	assert_true(s.echo.is_proven);
	return s;
}

static bool may_echo(const struct bfd_config *config, enum bfd_state heard, uint32_t min_echo_us)
{
	struct bfd_session s = up_session(config);
	struct bfd_packet p = echo_packet(heard, min_echo_us);
	uint8_t b[BFD_ECHO_BYTES];

	hear_packet(&s, NOW, &p);
	return bfd_session_transmit_echo(&s, NOW + MS(10000), b);
}

/* RFC 5880 6.8.9, RFC 5883 4 */
static void echo_needs_leave(void **state)
{
	struct bfd_config config = echo_config(), none = usual_config();

	(void)state;
	assert_true(may_echo(&config, BFD_UP, 1));
	assert_false(may_echo(&config, BFD_UP, 0));
	assert_false(may_echo(&config, BFD_DOWN, 1));
	assert_false(may_echo(&config, BFD_ADMIN_DOWN, 1));
	assert_false(may_echo(&none, BFD_UP, 1));
}

static void several_hops_have_no_echo(void **state)
{
	struct bfd_config config = echo_config();
	struct bfd_arrival a = usual_arrival(NOW);
	struct bfd_packet p = echo_packet(BFD_DOWN, 1);
	uint8_t b[BFD_ECHO_BYTES];
	struct bfd_session s;

	(void)state;
	config.is_multihop = a.is_multihop = true;
	s = new_session(&config);
	assert_int_equal(bfd_session_receive(&s, &a, &p), BFD_ACCEPTED);
	p.state = BFD_UP;
	assert_int_equal(bfd_session_receive(&s, &a, &p), BFD_ACCEPTED);
	assert_int_equal(s.state, BFD_UP);
	assert_false(bfd_session_transmit_echo(&s, NOW + MS(5000), b));
}

/* What never came back is tried once a second, and is not missed; control packets detect. */
static void what_never_came_back_is_not_missed(void **state)
{
	const struct bfd_config config = echo_config();
	struct bfd_session s = echo_session(&config);
	const struct bfd_packet p = echo_packet(BFD_UP, 10000);
	uint8_t b[BFD_ECHO_BYTES];
	unsigned n = 0;

	(void)state;
	for (nsec_t at = NOW + MS(50); at < NOW + MS(10050); at += MS(10)) {
		hear_packet(&s, at, &p);
		bfd_session_tick(&s, at);
		n += bfd_session_transmit_echo(&s, at, b);
	}
	assert_int_equal(s.state, BFD_UP);
	assert_in_range(n, 10, 14);
	assert_int_equal(s.rx_us, 50000);
}

static void the_interval_is_the_slower_of_ours_and_what_the_peer_takes(void **state)
{
	static const struct {
		uint32_t ours, theirs, ms;
	} table[] = {{20000, 10000, 20}, {20000, 70000, 70}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bfd_config config = echo_config();
		struct bfd_session s;
		struct bfd_packet p = echo_packet(BFD_UP, table[i].theirs);
		nsec_t last = NOW + MS(50), least = NSEC_NEVER, most = 0;
		uint8_t b[BFD_ECHO_BYTES];

		config.echo_tx_us = table[i].ours;
		s = echo_session(&config);
		hear_packet(&s, NOW + MS(50), &p);
		echo_once(&s, last);
		for (nsec_t at = last; at < NOW + MS(20000); at += 100 * NSEC_PER_USEC) {
			if (!bfd_session_transmit_echo(&s, at, b))
				continue;
			assert_true(bfd_session_receive_echo(&s, at, b, sizeof(b)));
			least = nsec_min(least, at - last);
			most = at - last > most ? at - last : most;
			last = at;
		}
		assert_in_range(least, MS(table[i].ms) / 4 * 3, MS(table[i].ms) / 100 * 77);
		assert_in_range(most, MS(table[i].ms) / 100 * 88, MS(table[i].ms) / 100 * 91);
	}
}

/* RFC 5880 6.8.3: slower at once, by a poll sequence; and back by one when echo ends. */
static void control_packets_are_slow_while_echo_detects(void **state)
{
	struct bfd_session s = proven_session();
	struct bfd_packet said, p = echo_packet(BFD_UP, 10000);
	const nsec_t at = NOW + MS(200);

	(void)state;
	bfd_session_tick(&s, at);
	assert_true(say(&s, at, &said));
	assert_true(said.poll);
	assert_int_equal(said.min_rx_us, BFD_SLOW_US);
	assert_int_equal(said.min_tx_us, 50000);
	assert_int_equal(bfd_session_detection(&s), MS(3000));
	p.final = true;
	hear_packet(&s, at, &p);
	/* The peer takes no more. */
	p = echo_packet(BFD_UP, 0);
	hear_packet(&s, at + MS(100), &p);
	assert_int_equal(s.echo.interval, 0);
	bfd_session_tick(&s, at + MS(200));
	assert_true(say(&s, at + MS(200), &said));
	assert_true(said.poll);
	assert_int_equal(said.min_rx_us, 50000);
	assert_int_equal(bfd_session_detection(&s), MS(3000));
	p.final = true;
	hear_packet(&s, at + MS(201), &p);
	assert_int_equal(bfd_session_detection(&s), MS(150));
}

/* Sends what is due at every millisecond, which is lost; when the session goes Down. */
static nsec_t down_after(struct bfd_session *s, nsec_t from)
{
	uint8_t b[BFD_ECHO_BYTES];

	for (nsec_t at = from; at < from + MS(2000); at += MS(1)) {
		bfd_session_tick(s, at);
		if (s->state != BFD_UP)
			return at;
		(void)bfd_session_transmit_echo(s, at, b);
	}
	return NSEC_NEVER;
}

static void echo_that_stops_is_down_with_its_diagnostic(void **state)
{
	const struct bfd_packet control = echo_packet(BFD_UP, 10000);
	struct bfd_session s = proven_session();
	uint8_t b[BFD_ECHO_BYTES];
	struct bfd_packet said;

	(void)state;
	/* A control packet is no echo packet. */
	assert_true(bfd_session_transmit_echo(&s, NOW + MS(70), b));
	hear_packet(&s, NOW + MS(80), &control);
	assert_int_equal(down_after(&s, NOW + MS(80)), NOW + MS(50) + 3 * MS(ECHO_MS));
	assert_int_equal(s.diag, BFD_DIAG_ECHO_FAILED);
	assert_true(say(&s, NOW + MS(200), &said));
	assert_int_equal(said.diag, BFD_DIAG_ECHO_FAILED);
	assert_int_equal(said.state, BFD_DOWN);
	assert_int_equal(said.min_rx_us, 50000);
	assert_int_equal(s.echo.interval, 0);
}

/* It sent nothing meanwhile, so nothing can have come back; what it sends then has its time. */
static void an_end_that_slept_has_missed_nothing(void **state)
{
	struct bfd_session s = proven_session();
	const nsec_t woke = NOW + MS(2000);
	uint8_t b[BFD_ECHO_BYTES];

	(void)state;
	assert_true(bfd_session_transmit_echo(&s, NOW + MS(70), b)); /* lost */
	assert_false(bfd_session_is_silent(&s, woke));
	bfd_session_tick(&s, woke);
	assert_int_equal(s.state, BFD_UP);
	assert_true(bfd_session_transmit_echo(&s, woke, b));
	assert_true(bfd_echo_deadline(&s.echo, 3) > woke);
	assert_in_range(down_after(&s, woke + 1), woke + MS(ECHO_MS), woke + 3 * MS(ECHO_MS));
}

static void only_what_is_newer_and_ours_came_back(void **state)
{
	struct bfd_session s = proven_session();
	uint8_t first[BFD_ECHO_BYTES], second[BFD_ECHO_BYTES], other[BFD_ECHO_BYTES];

	(void)state;
	assert_true(bfd_session_transmit_echo(&s, NOW + MS(100), first));
	assert_true(bfd_session_transmit_echo(&s, NOW + MS(200), second));
	for (size_t i = 0; i < sizeof(other); i++) { /* each octet counts */
		memcpy(other, second, sizeof(other));
		other[i] ^= 0x80;
		assert_false(bfd_session_receive_echo(&s, NOW + MS(201), other, sizeof(other)));
	}
	memcpy(other, second, sizeof(other));
	other[7]++; /* the number of the one that is next to be sent */
	assert_false(bfd_session_receive_echo(&s, NOW + MS(201), other, sizeof(other)));
	for (size_t len = 0; len < sizeof(second); len++)
		assert_false(bfd_session_receive_echo(&s, NOW + MS(201), second, len));
	assert_int_equal(s.counters.echo_returned, 1);
	assert_true(bfd_session_receive_echo(&s, NOW + MS(201), second, sizeof(second)));
	assert_false(bfd_session_receive_echo(&s, NOW + MS(202), second, sizeof(second)));
	assert_false(bfd_session_receive_echo(&s, NOW + MS(202), first, sizeof(first)));
	assert_int_equal(s.counters.echo_returned, 2);
	assert_int_equal(s.counters.echo_sent, 3);
}

/* The Final comes by the way of the peer's packets, though a program keeps the others. */
static void echo_begins_with_a_poll(void **state)
{
	const struct bfd_config config = echo_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet said, p = echo_packet(BFD_UP, 10000);

	(void)state;
	hear_packet(&s, NOW, &p);
	assert_true(say(&s, NOW + MS(50), &said));
	assert_true(said.poll);
}

/* A session that goes on from another's has heard nothing itself, and asks. */
static void a_session_that_goes_on_learns_where_the_peer_is(void **state)
{
	const struct bfd_config config = echo_config();
	struct bfd_session s = new_session(&config);
	struct bfd_packet said, final = echo_packet(BFD_UP, 10000);
	struct bfd_left left = {.heard = final, .heard_at = NOW};
	uint8_t b[BFD_ECHO_BYTES];

	(void)state;
	left.said = usual_packet(BFD_UP);
	left.said.my_discriminator = OURS;
	left.said.your_discriminator = THEIRS;
	bfd_session_resume(&s, NOW, &left);
	assert_false(bfd_session_transmit_echo(&s, NOW, b));
	assert_true(say(&s, NOW + MS(50), &said));
	assert_true(said.poll);
	final.final = true;
	hear_packet(&s, NOW + MS(51), &final);
	assert_true(say(&s, NOW + MS(101), &said));
	assert_true(said.poll);
	assert_true(bfd_session_transmit_echo(&s, NOW + MS(101), b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_needs_leave),
		cmocka_unit_test(several_hops_have_no_echo),
		cmocka_unit_test(what_never_came_back_is_not_missed),
		cmocka_unit_test(the_interval_is_the_slower_of_ours_and_what_the_peer_takes),
		cmocka_unit_test(control_packets_are_slow_while_echo_detects),
		cmocka_unit_test(echo_that_stops_is_down_with_its_diagnostic),
		cmocka_unit_test(an_end_that_slept_has_missed_nothing),
		cmocka_unit_test(only_what_is_newer_and_ours_came_back),
		cmocka_unit_test(echo_begins_with_a_poll),
		cmocka_unit_test(a_session_that_goes_on_learns_where_the_peer_is),
	};

	return cmocka_run_group_tests_name("bfd_echo", tests, NULL, NULL);
}
