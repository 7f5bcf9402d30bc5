// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is told of a session to who looks after it, and what it hears from there. */
#include "bfd/bfd_carry.h"

#include "unit/bfd/bfd_script.h"

static void an_up_session_tells_the_peers_packet_as_it_came(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet p = usual_packet(BFD_UP);
	uint8_t want[BFD_PACKET_BYTES];
	struct bfd_carry c;

	(void)state;
	p.diag = BFD_DIAG_PATH_DOWN;
	p.independent = true;
	p.demand = true;
	p.min_echo_rx_us = 7;
	hear_packet(&s, NOW, &p);
	assert_true(bfd_session_carry(&s, &c));
	bfd_packet_encode(want, &p, 0);
	assert_memory_equal(c.heard, want, sizeof(want));
	assert_int_equal(c.detection, MS(150));
}

static void others_tell_nothing(void **state)
{
	const struct bfd_config config_without_key = usual_config();
	struct bfd_config config = config_without_key;
	struct bfd_session s = new_session(&config);
	struct bfd_carry c;

	(void)state;
	assert_false(bfd_session_carry(&s, &c));
	hear(&s, NOW, BFD_DOWN);
	assert_false(bfd_session_carry(&s, &c));
	hear(&s, NOW, BFD_INIT); /* Up, but the peer does not know yet */
	assert_int_equal(s.state, BFD_UP);
	assert_false(bfd_session_carry(&s, &c));
	hear(&s, NOW, BFD_UP);
	assert_true(bfd_session_carry(&s, &c));
	hear(&s, NOW, BFD_DOWN);
	assert_false(bfd_session_carry(&s, &c));
	s = up_session(&config);
	bfd_session_notify(&s, NOW, BFD_NOTE_ADMIN_DOWN);
	assert_false(bfd_session_carry(&s, &c));
	s = up_session(&config);
	s.config.is_multihop = true;
	assert_false(bfd_session_carry(&s, &c));
	s = up_session(&config);
	config.auth = (struct bfd_auth_key){.type = BFD_AUTH_SHA1, .len = 1};
	bfd_session_reconfigure(&s, NOW, &config);
	assert_false(bfd_session_carry(&s, &c));
	/* Nor while the peer still signs. */
	s = up_session(&config_without_key);
	s.key_is_due = true;
	assert_false(bfd_session_carry(&s, &c));
}

/* Ours is what the next packet of the schedule would be, but for C, which such a session has. */
static void what_we_say_is_what_would_be_sent(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s;
	uint8_t buf[BFD_PACKET_MAX];
	struct bfd_carry c;

	(void)state;
	config.min_echo_rx_us = 9;
	s = up_session(&config);
	bfd_session_carried(&s, &(struct bfd_carried){.is_carried = true, .is_reflecting = true});
	assert_true(bfd_session_carry(&s, &c));
	assert_int_equal(bfd_session_transmit(&s, NOW + MS(100), buf), BFD_PACKET_BYTES);
	assert_memory_equal(c.said, buf, BFD_PACKET_BYTES);
	assert_int_equal(c.said[1], 0xc8); /* Up, C */
	assert_int_equal(c.said[BFD_PACKET_BYTES - 1], 9);
	assert_int_equal(c.interval, MS(50));
	/* C and echo are said only while it is so. */
	bfd_session_carried(&s, &(struct bfd_carried){.is_carried = false});
	assert_int_equal(bfd_session_transmit(&s, NOW + MS(150), buf), BFD_PACKET_BYTES);
	assert_int_equal(buf[1], 0xc0);
	assert_int_equal(buf[BFD_PACKET_BYTES - 1], 0);
}

static bool may_answer(const struct bfd_session *s)
{
	struct bfd_carry c;

	assert_true(bfd_session_carry(s, &c));
	return c.may_answer;
}

static void the_peers_packets_are_a_clock_only_if_they_come_as_often_as_ours_are_due(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet p = usual_packet(BFD_UP);

	(void)state;
	assert_true(may_answer(&s));
	p.min_tx_us = 50001; /* its own are further apart */
	hear_packet(&s, NOW, &p);
	assert_false(may_answer(&s));
	p.min_rx_us = 50001; /* but so are those that it wants */
	hear_packet(&s, NOW, &p);
	assert_true(may_answer(&s));
	p.min_rx_us = 0;
	hear_packet(&s, NOW, &p);
	assert_false(may_answer(&s));
	p = usual_packet(BFD_UP);
	p.demand = true;
	hear_packet(&s, NOW, &p);
	assert_false(may_answer(&s));
	hear(&s, NOW, BFD_UP);
	assert_true(may_answer(&s));
	/* Our own Poll is to be sent until it is answered. */
	config.terms.min_rx_us = 20000;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_true(s.is_polling);
	assert_false(may_answer(&s));
	/* What is heard half as often as it is said must not be all that is waited for. */
	config = usual_config();
	config.terms.detect_mult = 1;
	s = up_session(&config);
	assert_false(may_answer(&s));
}

static void echo_is_reflected_where_the_config_says_so(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_carry c;

	(void)state;
	assert_true(bfd_session_carry(&s, &c));
	assert_false(c.may_reflect);
	config.min_echo_rx_us = 50000;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_false(s.is_polling); /* RFC 5880 6.8.3 knows two intervals */
	assert_true(bfd_session_carry(&s, &c));
	assert_true(c.may_reflect);
}

static void seen(struct bfd_session *s, nsec_t at)
{
	bfd_session_carried(s, &(struct bfd_carried){.heard_at = at});
}

static void what_was_seen_counts_as_heard_and_never_goes_back(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);

	(void)state;
	seen(&s, NOW + MS(100));
	seen(&s, NOW + MS(90));
	assert_false(bfd_session_is_silent(&s, NOW + MS(249)));
	assert_true(bfd_session_is_silent(&s, NOW + MS(250)));
	bfd_session_tick(&s, NOW + MS(250));
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(s.diag, BFD_DIAG_EXPIRED);
	/* It is over, whatever is seen of it. */
	seen(&s, NOW + MS(300));
	assert_int_equal(s.heard_at, NOW + MS(100));
}

/* An answer that was sent for us takes the place of ours, and the jitter begins there. */
static void what_was_answered_counts_as_sent(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	uint8_t buf[BFD_PACKET_MAX];
	uint64_t sent = s.counters.sent, received = s.counters.received;
	struct bfd_carried c = {.heard_at = NOW + MS(40), .answered_at = NOW + MS(40)};

	(void)state;
	c.n_answered = 1;
	bfd_session_carried(&s, &c);
	assert_int_equal(bfd_session_transmit(&s, NOW + MS(50), buf), 0);
	assert_in_range(bfd_session_deadline(&s), NOW + MS(40) + MS(50) * 3 / 4, NOW + MS(90));
	assert_int_not_equal(bfd_session_transmit(&s, NOW + MS(90), buf), 0);
	c.n_answered = 5;
	bfd_session_carried(&s, &c);
	bfd_session_carried(&s, &c);
	assert_int_equal(s.counters.sent, sent + 6);
	assert_int_equal(s.counters.received, received + 5);
	/* By the peer's clock: ours is for what it leaves out twice. */
	c.is_carried = true;
	c.answered_at = NOW + MS(130);
	bfd_session_carried(&s, &c);
	s.heard_at = c.answered_at;
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(230));
	/* Or once, if the peer's clock may be ours, or two that are lost are too many. */
	s.remote.is_independent = true;
	c.answered_at++;
	bfd_session_carried(&s, &c);
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(180) + 1);
	s.remote.is_independent = false;
	s.offered.detect_mult = s.config.terms.detect_mult = 2;
	c.answered_at++;
	bfd_session_carried(&s, &c);
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(180) + 2);
	/* Counted anew. */
	c.n_answered = 2;
	bfd_session_carried(&s, &c);
	assert_int_equal(s.counters.received, received + 7);
}

/* ---- resume ---------------------------------------------------------------------------------- */

/* What a session leaves, as who looks after it keeps it. */
static void leave(const struct bfd_session *s, struct bfd_carry *c, struct bfd_left *ret)
{
	assert_true(bfd_session_carry(s, c));
	*ret = (struct bfd_left){.heard_at = s->heard_at, .n_answered = 4};
	assert_int_equal(bfd_packet_parse(c->said, BFD_PACKET_BYTES, &ret->said), BFD_ACCEPTED);
	assert_int_equal(bfd_packet_parse(c->heard, BFD_PACKET_BYTES, &ret->heard), BFD_ACCEPTED);
}

static void another_session_goes_on_where_one_has_left(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session before = up_session(&config), s = new_session(&config);
	struct bfd_carry c, again;
	struct bfd_packet said;
	struct bfd_left left;
	char buf[128];

	(void)state;
	leave(&before, &c, &left);
	bfd_session_resume(&s, NOW + MS(100), &left);
	assert_string_equal(changes(&s, buf), "Down>Up");
	assert_false(s.is_polling);
	bfd_session_carried(&s, &(struct bfd_carried){.n_answered = 4, .is_carried = true});
	assert_true(bfd_session_carry(&s, &again));
	assert_memory_equal(again.said, c.said, sizeof(c.said));
	assert_memory_equal(again.heard, c.heard, sizeof(c.heard));
	assert_true(again.may_answer);
	assert_int_equal(s.counters.received, 0);
	assert_true(say(&s, NOW + MS(100), &said));
	assert_int_equal(said.state, BFD_UP);
	assert_int_equal(said.my_discriminator, OURS);
	assert_int_equal(said.your_discriminator, THEIRS);
	/* It is silent when the other one would have found it so. */
	assert_false(bfd_session_is_silent(&s, NOW + MS(149)));
	bfd_session_tick(&s, NOW + MS(150));
	assert_string_equal(changes(&s, buf), "Up>Down");
}

/* Who wakes the driver knows when a packet is missing; what else is due is due as ever. */
static void what_somebody_else_times_is_not_waited_for(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_carried c = {.is_carried = true, .is_timed = true};
	struct bfd_carry told;

	(void)state;
	assert_int_not_equal(bfd_session_deadline(&s), NSEC_NEVER);
	bfd_session_carried(&s, &c);
	assert_int_equal(bfd_session_deadline(&s), NSEC_NEVER);
	assert_true(bfd_session_carry(&s, &told));
	assert_true(told.is_patient);
	/* One that is not carried sends itself. */
	c.is_carried = false;
	bfd_session_carried(&s, &c);
	assert_int_not_equal(bfd_session_deadline(&s), NSEC_NEVER);
	/* Nor is it timed any more when it is Down. */
	c.is_carried = true;
	bfd_session_carried(&s, &c);
	bfd_session_notify(&s, NOW + MS(1), BFD_NOTE_PATH_DOWN);
	assert_true(bfd_session_deadline(&s) <= NOW + MS(1));
	/* With a multiplier of 2 none may be left out. */
	config.terms.detect_mult = 2;
	s = up_session(&config);
	assert_true(bfd_session_carry(&s, &told));
	assert_true(told.may_answer && !told.is_patient);
}

/* The profile was changed while nobody was there: what is in force goes on until the Final. */
static void other_terms_than_those_left_are_a_poll_sequence(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session before = up_session(&config), s;
	struct bfd_packet said;
	struct bfd_carry c;
	struct bfd_left left;

	(void)state;
	leave(&before, &c, &left);
	config.terms = (struct bfd_terms){100000, 20000, 5};
	s = new_session(&config);
	bfd_session_resume(&s, NOW, &left);
	assert_true(s.is_polling);
	assert_int_equal(bfd_session_interval(&s), MS(50));
	assert_int_equal(bfd_session_detection(&s), MS(150));
	assert_true(say(&s, NOW, &said));
	assert_true(said.poll);
	assert_int_equal(said.min_tx_us, 100000);
	assert_int_equal(said.min_rx_us, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_up_session_tells_the_peers_packet_as_it_came),
		cmocka_unit_test(others_tell_nothing),
		cmocka_unit_test(what_we_say_is_what_would_be_sent),
		cmocka_unit_test(
			the_peers_packets_are_a_clock_only_if_they_come_as_often_as_ours_are_due),
		cmocka_unit_test(echo_is_reflected_where_the_config_says_so),
		cmocka_unit_test(what_was_answered_counts_as_sent),
		cmocka_unit_test(another_session_goes_on_where_one_has_left),
		cmocka_unit_test(what_somebody_else_times_is_not_waited_for),
		cmocka_unit_test(other_terms_than_those_left_are_a_poll_sequence),
		cmocka_unit_test(what_was_seen_counts_as_heard_and_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
