// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* When a packet came, and when it is read: what is read late, and what is told of a silence. */
#include "unit/bfd/bfd_script.h"

/*
 * The driver has two sockets, and may read first what came last. What the peer said before is no
 * news, but a Poll of it wants its answer.
 */
static void what_came_before_what_was_read_already_changes_nothing(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config), down = new_session(&config);
	struct bfd_packet old = usual_packet(BFD_DOWN), said;
	char buf[128];

	(void)state;
	hear(&s, NOW + MS(20), BFD_UP);
	old.your_discriminator = 0;
	old.min_tx_us = 10000;
	old.poll = true;
	hear_packet(&s, NOW + MS(20) - 1, &old);
	assert_string_equal(changes(&s, buf), "");
	assert_int_equal(s.remote.state, BFD_UP);
	assert_int_equal(bfd_session_detection(&s), MS(150));
	assert_int_equal(s.heard_at, NOW + MS(20));
	assert_true(say(&s, NOW + MS(20), &said));
	assert_true(said.final);
	/* What came at the same time has no order but that in which it is read. */
	hear_packet(&s, NOW + MS(20), &old);
	assert_string_equal(changes(&s, buf), "Up>Down");

	/* Up of before our Down is no answer to it. */
	hear(&down, NOW + MS(20), BFD_DOWN);
	assert_string_equal(changes(&down, buf), "Down>Init");
	hear(&down, NOW + MS(20) - 1, BFD_UP);
	assert_string_equal(changes(&down, buf), "");
}

/* So it is seen whether the peer was silent, or we were late. */
static void a_change_tells_how_long_the_peer_had_been_silent(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config), never = new_session(&config);
	struct bfd_event e;

	(void)state;
	bfd_session_tick(&s, NOW + MS(170)); /* twenty late */
	assert_true(bfd_session_poll(&s, &e));
	assert_int_equal(e.silence, MS(170));
	hear(&s, NOW + MS(300), BFD_DOWN);
	assert_true(bfd_session_poll(&s, &e));
	assert_int_equal(e.silence, 0);
	/* An arrival may be later than the driver's time. */
	bfd_session_notify(&s, NOW + MS(299), BFD_NOTE_PATH_DOWN);
	assert_true(bfd_session_poll(&s, &e));
	assert_int_equal(e.silence, 0);
	bfd_session_notify(&never, NOW + MS(10), BFD_NOTE_ADMIN_DOWN);
	assert_true(bfd_session_poll(&never, &e));
	assert_int_equal(e.silence, NSEC_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_before_what_was_read_already_changes_nothing),
		cmocka_unit_test(a_change_tells_how_long_the_peer_had_been_silent),
	};

	return cmocka_run_group_tests_name("bfd_arrival", tests, NULL, NULL);
}
