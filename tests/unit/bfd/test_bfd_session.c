// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One BFD session: state machine (RFC 5880 6.8.6), timers (6.8.2 to 6.8.4), transmission (6.8.7).
 */
#include "unit/bfd/bfd_script.h"

/* ---- state machine --------------------------------------------------------------------------- */

static struct bfd_session session_in(enum bfd_state state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = new_session(&config);
	char buf[128];

	if (state == BFD_ADMIN_DOWN)
		bfd_session_notify(&s, NOW, BFD_NOTE_ADMIN_DOWN);
	if (state == BFD_INIT || state == BFD_UP)
		hear(&s, NOW, BFD_DOWN);
	if (state == BFD_UP)
		hear(&s, NOW, BFD_INIT);
	assert_int_equal(s.state, state);
	(void)changes(&s, buf);
	return s;
}

static void states_follow_the_table_of_rfc_5880_6_8_6(void **state)
{
	/* What is heard: AdminDown, Down, Init, Up. */
	static const enum bfd_state after[][4] = {
		[BFD_DOWN] = {BFD_DOWN, BFD_INIT, BFD_UP, BFD_DOWN},
		[BFD_INIT] = {BFD_DOWN, BFD_INIT, BFD_UP, BFD_UP},
		[BFD_UP] = {BFD_DOWN, BFD_DOWN, BFD_UP, BFD_UP},
	};

	(void)state;
	for (enum bfd_state from = BFD_DOWN; from <= BFD_UP; from++)
		for (enum bfd_state heard = BFD_ADMIN_DOWN; heard <= BFD_UP; heard++) {
			struct bfd_session s = session_in(from);
			struct bfd_event e;

			hear(&s, NOW, heard);
			assert_int_equal(s.state, after[from][heard]);
			assert_int_equal(bfd_session_poll(&s, &e), s.state != from);
			if (s.state == from)
				continue;
			assert_int_equal(e.from, from);
			assert_int_equal(e.to, s.state);
			assert_int_equal(e.diag, s.state == BFD_DOWN ? BFD_DIAG_NEIGHBOUR_DOWN
								     : BFD_DIAG_NONE);
			assert_false(bfd_session_poll(&s, &e));
		}
}

static void admin_down_is_said_and_heeds_nobody_until_it_ends(void **state)
{
	const struct bfd_arrival a = usual_arrival(NOW);
	struct bfd_packet p = usual_packet(BFD_DOWN), said;
	struct bfd_session s = session_in(BFD_UP);
	char buf[128];

	(void)state;
	p.poll = true;
	hear(&s, NOW, BFD_UP);
	bfd_session_notify(&s, NOW, BFD_NOTE_ADMIN_DOWN);
	assert_string_equal(changes(&s, buf), "Up>AdminDown");
	assert_true(say(&s, NOW, &said));
	assert_int_equal(said.state, BFD_ADMIN_DOWN);
	assert_int_equal(said.diag, BFD_DIAG_ADMIN_DOWN);
	assert_int_equal(said.min_tx_us, BFD_SLOW_US);
	assert_int_equal(bfd_session_receive(&s, &a, &p), BFD_REJECT_ADMIN_DOWN);
	bfd_session_notify(&s, NOW, BFD_NOTE_PATH_DOWN);
	assert_int_equal(s.state, BFD_ADMIN_DOWN);
	bfd_session_notify(&s, NOW, BFD_NOTE_ADMIN_DOWN);
	assert_string_equal(changes(&s, buf), "");
	bfd_session_notify(&s, NOW, BFD_NOTE_ADMIN_UP);
	bfd_session_notify(&s, NOW, BFD_NOTE_ADMIN_UP);
	assert_string_equal(changes(&s, buf), "AdminDown>Down");
	hear(&s, NOW, BFD_DOWN);
	assert_int_equal(s.state, BFD_INIT);
}

static void a_path_that_is_gone_is_down_with_its_diagnostic(void **state)
{
	struct bfd_session s = session_in(BFD_UP), down = session_in(BFD_DOWN);
	struct bfd_packet p;
	char buf[128];

	(void)state;
	bfd_session_notify(&s, NOW, BFD_NOTE_PATH_DOWN);
	assert_string_equal(changes(&s, buf), "Up>Down");
	assert_true(say(&s, NOW, &p));
	assert_int_equal(p.diag, BFD_DIAG_PATH_DOWN);
	bfd_session_notify(&down, NOW, BFD_NOTE_PATH_DOWN);
	assert_string_equal(changes(&down, buf), "");
}

/* Whatever nobody asked for is forgotten, the oldest first. */
static void changes_that_nobody_polls_keep_the_newest(void **state)
{
	struct bfd_session s = session_in(BFD_DOWN);
	struct bfd_event e;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		hear(&s, NOW + i, i % 2 ? BFD_DOWN : BFD_INIT);
	for (unsigned i = 2; i < 6; i++) {
		assert_true(bfd_session_poll(&s, &e));
		assert_int_equal(e.at, NOW + i);
		assert_int_equal(e.to, i % 2 ? BFD_DOWN : BFD_UP);
	}
	assert_false(bfd_session_poll(&s, &e));
	assert_int_equal(s.counters.flaps, 3);
}

/* ---- detection ------------------------------------------------------------------------------- */

static void silence_is_down_at_the_detection_time_and_not_before(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet p;

	(void)state;
	assert_int_equal(bfd_session_detection(&s), MS(150));
	bfd_session_tick(&s, NOW + MS(150) - 1);
	assert_int_equal(s.state, BFD_UP);
	(void)say_all(&s, NOW + MS(149));
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(150));
	bfd_session_tick(&s, NOW + MS(150));
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(s.counters.expired, 1);
	assert_true(say(&s, NOW + MS(150), &p));
	assert_int_equal(p.state, BFD_DOWN);
	assert_int_equal(p.diag, BFD_DIAG_EXPIRED);
	/* 6.8.1: a peer that is not heard has no discriminator any more. */
	assert_int_equal(p.your_discriminator, 0);
	assert_false(say(&s, NOW + MS(150), &p));
}

static void detection_counts_the_peers_multiplier_and_the_slower_interval(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_packet p = usual_packet(BFD_UP);
	struct bfd_session s;

	(void)state;
	config.terms = (struct bfd_terms){20000, 40000, 9};
	s = up_session(&config);
	p.detect_mult = 2;
	p.min_tx_us = 30000;
	hear_packet(&s, NOW, &p);
	assert_int_equal(bfd_session_detection(&s), MS(80));
	p.min_tx_us = 70000;
	hear_packet(&s, NOW, &p);
	assert_int_equal(bfd_session_detection(&s), MS(140));
}

/* The other end of a late wake-up: what waited was in time, or it was not. */
static void arrival_decides_not_the_time_of_reading(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session in_time = up_session(&config), late = in_time;
	char buf[128];

	(void)state;
	hear(&in_time, NOW + MS(140), BFD_UP);
	bfd_session_tick(&in_time, NOW + MS(280));
	assert_string_equal(changes(&in_time, buf), "");
	bfd_session_tick(&in_time, NOW + MS(290));
	assert_string_equal(changes(&in_time, buf), "Up>Down");
	hear(&late, NOW + MS(150), BFD_UP);
	assert_string_equal(changes(&late, buf), "Up>Down");
	assert_int_equal(late.diag, BFD_DIAG_EXPIRED);
	assert_int_equal(late.remote.discriminator, THEIRS);
}

static void an_arrival_before_the_last_one_does_not_shorten_the_time(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);

	(void)state;
	hear(&s, NOW + MS(100), BFD_UP);
	hear(&s, NOW + MS(90), BFD_UP);
	bfd_session_tick(&s, NOW + MS(249));
	assert_int_equal(s.state, BFD_UP);
}

static void a_session_that_is_not_up_forgets_the_peer_too(void **state)
{
	struct bfd_session s = session_in(BFD_INIT);
	struct bfd_packet p;

	(void)state;
	(void)say_all(&s, NOW);
	bfd_session_tick(&s, NOW + MS(150));
	assert_int_equal(s.state, BFD_DOWN);
	hear(&s, NOW + MS(200), BFD_ADMIN_DOWN);
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(s.remote.discriminator, THEIRS);
	bfd_session_tick(&s, NOW + MS(350));
	assert_int_equal(s.remote.discriminator, 0);
	assert_int_equal(bfd_session_detection(&s), NSEC_NEVER);
	assert_true(say(&s, NOW + MS(2000), &p));
	assert_int_equal(p.diag, BFD_DIAG_EXPIRED);
}

/* ---- transmission ---------------------------------------------------------------------------- */

static void packets_are_slow_until_up_and_then_as_agreed(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = new_session(&config);
	struct bfd_packet p;

	(void)state;
	assert_true(say(&s, NOW, &p));
	assert_int_equal(p.state, BFD_DOWN);
	assert_int_equal(p.min_tx_us, BFD_SLOW_US);
	assert_int_equal(p.min_rx_us, 50000);
	assert_int_equal(p.my_discriminator, OURS);
	assert_int_equal(p.your_discriminator, 0);
	assert_int_equal(p.detect_mult, 3);
	assert_false(p.poll || p.final || p.demand || p.independent || p.has_auth);
	assert_int_equal(bfd_session_interval(&s), MS(1000));
	assert_true(bfd_session_deadline(&s) >= NOW + MS(750));
	assert_true(bfd_session_deadline(&s) <= NOW + MS(1000));
	hear(&s, NOW, BFD_INIT);
	assert_true(say(&s, NOW, &p));
	assert_int_equal(p.state, BFD_UP);
	assert_int_equal(p.min_tx_us, 50000);
	assert_true(p.poll);
	assert_int_equal(bfd_session_interval(&s), MS(50));
}

static void the_interval_is_the_slower_of_ours_and_what_the_peer_takes(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_packet p = usual_packet(BFD_UP);
	struct bfd_session s = up_session(&config);

	(void)state;
	p.min_rx_us = 80000;
	hear_packet(&s, NOW, &p);
	assert_int_equal(bfd_session_interval(&s), MS(80));
	p.min_rx_us = 20000;
	hear_packet(&s, NOW, &p);
	assert_int_equal(bfd_session_interval(&s), MS(50));
}

/* A thousand intervals: the least and the most that occur. */
static void measure_gaps(uint8_t mult, nsec_t *ret_least, nsec_t *ret_most)
{
	struct bfd_config config = usual_config();
	struct bfd_session s;
	nsec_t now = NOW, least = NSEC_NEVER, most = 0;

	config.terms.detect_mult = mult;
	s = up_session(&config);
	for (unsigned i = 0; i < 1000; i++) {
		nsec_t next;

		hear(&s, now, BFD_UP);
		next = bfd_session_deadline(&s);
		assert_int_equal(say_all(&s, next - 1), 0);
		assert_int_equal(say_all(&s, next), 1);
		if (i > 0) {
			least = nsec_min(least, next - now);
			most = next - now > most ? next - now : most;
		}
		now = next;
	}
	*ret_least = least;
	*ret_most = most;
}

static void jitter_takes_up_to_a_quarter_and_a_tenth_at_least_from_multiplier_1(void **state)
{
	nsec_t least, most;

	(void)state;
	measure_gaps(3, &least, &most);
	assert_in_range(least, MS(75) / 2, MS(38));
	assert_in_range(most, MS(99) / 2, MS(50));
	measure_gaps(1, &least, &most);
	assert_in_range(least, MS(75) / 2, MS(38));
	assert_in_range(most, MS(44), MS(45));
}

static void a_peer_that_takes_nothing_gets_nothing_but_changes(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_packet p = usual_packet(BFD_UP);
	struct bfd_session s = up_session(&config);

	(void)state;
	p.min_rx_us = 0;
	hear_packet(&s, NOW, &p);
	assert_int_equal(bfd_session_interval(&s), NSEC_NEVER);
	assert_int_equal(say_all(&s, NOW + MS(100)), 0);
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(150));
	p.poll = true;
	hear_packet(&s, NOW + MS(100), &p);
	assert_int_equal(say_all(&s, NOW + MS(100)), 1);
	bfd_session_tick(&s, NOW + MS(250));
	assert_int_equal(say_all(&s, NOW + MS(250)), 1);
	/* It is forgotten, and what it said with it. */
	assert_int_equal(bfd_session_interval(&s), MS(1000));
}

static void a_passive_session_is_silent_until_it_hears(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s;

	(void)state;
	config.is_passive = true;
	s = new_session(&config);
	assert_int_equal(say_all(&s, NOW), 0);
	assert_int_equal(bfd_session_deadline(&s), NSEC_NEVER);
	hear(&s, NOW, BFD_DOWN);
	assert_int_equal(bfd_session_deadline(&s), 0);
	assert_int_equal(say_all(&s, NOW), 1);
	bfd_session_tick(&s, NOW + MS(150));
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(say_all(&s, NOW + MS(150)), 0);
	assert_int_equal(bfd_session_deadline(&s), NSEC_NEVER);
	/* The change that could not be told is not told later. */
	config.is_passive = false;
	bfd_session_reconfigure(&s, NOW + MS(200), &config);
	assert_int_equal(say_all(&s, NOW + MS(200)), 0);
	assert_int_equal(say_all(&s, NOW + MS(1000)), 1);
}

static void a_peer_in_demand_mode_is_left_in_peace_while_both_are_up(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_packet p = usual_packet(BFD_UP), said;
	struct bfd_session s = up_session(&config);

	(void)state;
	p.demand = true;
	hear_packet(&s, NOW, &p);
	assert_int_equal(say_all(&s, NOW + MS(100)), 0);
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(150));
	/* Its polls are answered, and ours are sent. */
	p.poll = true;
	hear_packet(&s, NOW + MS(100), &p);
	assert_true(say(&s, NOW + MS(100), &said));
	assert_true(said.final);
	config.terms.min_rx_us = 90000;
	bfd_session_reconfigure(&s, NOW + MS(110), &config);
	assert_true(say(&s, NOW + MS(110), &said));
	assert_true(said.poll);
	assert_true(say(&s, NOW + MS(160), &said));
	p.poll = false;
	p.final = true;
	hear_packet(&s, NOW + MS(170), &p);
	assert_int_equal(say_all(&s, NOW + MS(230)), 0);
	/* Not while either side is anything but Up. */
	p.final = false;
	p.state = BFD_INIT;
	hear_packet(&s, NOW + MS(230), &p);
	assert_int_equal(say_all(&s, NOW + MS(230)), 1);
}

/* ---- poll sequences -------------------------------------------------------------------------- */

static struct bfd_packet final_packet(void)
{
	struct bfd_packet p = usual_packet(BFD_UP);

	p.final = true;
	return p;
}

static void a_poll_is_answered_at_once_beside_the_schedule(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_packet p = usual_packet(BFD_UP), said;
	struct bfd_session s = up_session(&config);
	nsec_t next = bfd_session_deadline(&s);

	(void)state;
	p.poll = true;
	hear_packet(&s, NOW + MS(1), &p);
	assert_int_equal(bfd_session_deadline(&s), 0);
	assert_true(say(&s, NOW + MS(1), &said));
	assert_true(said.final && !said.poll);
	assert_false(say(&s, NOW + MS(1), &said));
	assert_int_equal(bfd_session_deadline(&s), next);
}

static void a_final_and_a_poll_are_two_packets(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_packet p = usual_packet(BFD_UP), said;
	struct bfd_session s = up_session(&config);

	(void)state;
	config.terms.min_tx_us = 90000;
	bfd_session_reconfigure(&s, NOW, &config);
	p.poll = true;
	hear_packet(&s, NOW + MS(60), &p);
	assert_true(say(&s, NOW + MS(60), &said));
	assert_true(said.final && !said.poll);
	assert_true(say(&s, NOW + MS(60), &said));
	assert_true(said.poll && !said.final);
	assert_false(say(&s, NOW + MS(60), &said));
}

static void slower_sending_and_faster_receiving_wait_for_the_final(void **state)
{
	const struct bfd_packet final = final_packet();
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet said;

	(void)state;
	config.terms = (struct bfd_terms){90000, 20000, 3};
	bfd_session_reconfigure(&s, NOW, &config);
	assert_true(say(&s, NOW + MS(50), &said));
	assert_true(said.poll);
	assert_int_equal(said.min_tx_us, 90000);
	assert_int_equal(said.min_rx_us, 20000);
	assert_int_equal(bfd_session_interval(&s), MS(50));
	hear(&s, NOW + MS(51), BFD_UP);
	assert_int_equal(bfd_session_detection(&s), MS(150));
	hear_packet(&s, NOW + MS(52), &final);
	assert_int_equal(bfd_session_interval(&s), MS(90));
	assert_int_equal(bfd_session_detection(&s), MS(150)); /* the peer sends every 50 ms */
	assert_int_equal(s.rx_us, 20000);
	assert_true(say(&s, NOW + MS(150), &said));
	assert_false(said.poll);
}

static void faster_sending_and_slower_receiving_act_at_once(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet p = usual_packet(BFD_UP), said;

	(void)state;
	p.min_rx_us = 10000;
	hear_packet(&s, NOW, &p);
	config.terms = (struct bfd_terms){20000, 90000, 5};
	bfd_session_reconfigure(&s, NOW, &config);
	assert_int_equal(bfd_session_detection(&s), MS(270));
	assert_true(bfd_session_deadline(&s) <= NOW + MS(20));
	assert_true(say(&s, NOW + MS(20), &said));
	assert_true(said.poll);
	assert_int_equal(said.detect_mult, 5);
	assert_int_equal(bfd_session_interval(&s), MS(20));
}

static void a_change_during_a_poll_waits_for_its_end_and_as_long_again(void **state)
{
	const struct bfd_packet final = final_packet();
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet said;

	(void)state;
	config.terms.min_tx_us = 90000;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_true(say(&s, NOW + MS(50), &said));
	config.terms.min_tx_us = 300000;
	bfd_session_reconfigure(&s, NOW + MS(55), &config);
	assert_true(say(&s, NOW + MS(100), &said));
	assert_int_equal(said.min_tx_us, 90000);
	hear_packet(&s, NOW + MS(110), &final);
	assert_int_equal(bfd_session_interval(&s), MS(90));
	/* 60 ms it took, so the answer to the second Poll may come until then. */
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(170));
	bfd_session_tick(&s, NOW + MS(169));
	assert_false(s.is_polling);
	bfd_session_tick(&s, NOW + MS(170));
	assert_true(s.is_polling);
	hear_packet(&s, NOW + MS(171), &final); /* nothing was asked yet */
	assert_true(say(&s, NOW + MS(190), &said));
	assert_true(said.poll);
	assert_int_equal(said.min_tx_us, 300000);
	assert_int_equal(bfd_session_interval(&s), MS(90));
	hear_packet(&s, NOW + MS(191), &final);
	assert_int_equal(bfd_session_interval(&s), MS(300));
	assert_int_equal(s.state, BFD_UP);
}

static void terms_that_change_while_down_need_no_poll(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s = new_session(&config);
	struct bfd_packet said;

	(void)state;
	config.terms = (struct bfd_terms){2000000, 20000, 7};
	bfd_session_reconfigure(&s, NOW, &config);
	assert_true(say(&s, NOW, &said));
	assert_false(said.poll);
	assert_int_equal(said.min_tx_us, 2000000);
	assert_int_equal(said.min_rx_us, 20000);
	assert_int_equal(said.detect_mult, 7);
	assert_int_equal(bfd_session_interval(&s), MS(2000));
	hear(&s, NOW, BFD_DOWN);
	assert_int_equal(s.rx_us, 20000);
	assert_int_equal(bfd_session_detection(&s), MS(150));
}

static void a_session_that_goes_down_ends_its_poll(void **state)
{
	const struct bfd_packet final = final_packet();
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);
	struct bfd_packet said;

	(void)state;
	config.terms.min_tx_us = 90000;
	bfd_session_reconfigure(&s, NOW, &config);
	bfd_session_tick(&s, NOW + MS(150));
	assert_true(say(&s, NOW + MS(150), &said));
	assert_false(said.poll);
	hear_packet(&s, NOW + MS(160), &final);
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(s.tx_us, 90000);
}

static void minimum_ttl_and_role_change_without_a_poll(void **state)
{
	struct bfd_config config = usual_config();
	struct bfd_session s;
	struct bfd_arrival a = usual_arrival(NOW);
	const struct bfd_packet p = usual_packet(BFD_DOWN);

	(void)state;
	config.is_multihop = true;
	config.minimum_ttl = 254;
	a.is_multihop = true;
	a.ttl = 250;
	s = new_session(&config);
	assert_int_equal(bfd_session_receive(&s, &a, &p), BFD_REJECT_TTL);
	config.minimum_ttl = 250;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_int_equal(bfd_session_receive(&s, &a, &p), BFD_ACCEPTED);
	assert_false(s.is_polling);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_follow_the_table_of_rfc_5880_6_8_6),
		cmocka_unit_test(admin_down_is_said_and_heeds_nobody_until_it_ends),
		cmocka_unit_test(a_path_that_is_gone_is_down_with_its_diagnostic),
		cmocka_unit_test(changes_that_nobody_polls_keep_the_newest),
		cmocka_unit_test(silence_is_down_at_the_detection_time_and_not_before),
		cmocka_unit_test(detection_counts_the_peers_multiplier_and_the_slower_interval),
		cmocka_unit_test(arrival_decides_not_the_time_of_reading),
		cmocka_unit_test(an_arrival_before_the_last_one_does_not_shorten_the_time),
		cmocka_unit_test(a_session_that_is_not_up_forgets_the_peer_too),
		cmocka_unit_test(packets_are_slow_until_up_and_then_as_agreed),
		cmocka_unit_test(the_interval_is_the_slower_of_ours_and_what_the_peer_takes),
		cmocka_unit_test(
			jitter_takes_up_to_a_quarter_and_a_tenth_at_least_from_multiplier_1),
		cmocka_unit_test(a_peer_that_takes_nothing_gets_nothing_but_changes),
		cmocka_unit_test(a_passive_session_is_silent_until_it_hears),
		cmocka_unit_test(a_peer_in_demand_mode_is_left_in_peace_while_both_are_up),
		cmocka_unit_test(a_poll_is_answered_at_once_beside_the_schedule),
		cmocka_unit_test(a_final_and_a_poll_are_two_packets),
		cmocka_unit_test(slower_sending_and_faster_receiving_wait_for_the_final),
		cmocka_unit_test(faster_sending_and_slower_receiving_act_at_once),
		cmocka_unit_test(a_change_during_a_poll_waits_for_its_end_and_as_long_again),
		cmocka_unit_test(terms_that_change_while_down_need_no_poll),
		cmocka_unit_test(a_session_that_goes_down_ends_its_poll),
		cmocka_unit_test(minimum_ttl_and_role_change_without_a_poll),
	};

	return cmocka_run_group_tests_name("bfd_session", tests, NULL, NULL);
}
