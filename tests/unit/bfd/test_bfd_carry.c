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
	struct bfd_config config = usual_config();
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
}

static void what_was_seen_counts_as_heard_and_never_goes_back(void **state)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);

	(void)state;
	bfd_session_seen(&s, NOW + MS(100));
	bfd_session_seen(&s, NOW + MS(90));
	assert_false(bfd_session_is_silent(&s, NOW + MS(249)));
	assert_true(bfd_session_is_silent(&s, NOW + MS(250)));
	bfd_session_tick(&s, NOW + MS(250));
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(s.diag, BFD_DIAG_EXPIRED);
	/* It is over, whatever is seen of it. */
	bfd_session_seen(&s, NOW + MS(300));
	assert_int_equal(s.heard_at, NOW + MS(100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_up_session_tells_the_peers_packet_as_it_came),
		cmocka_unit_test(others_tell_nothing),
		cmocka_unit_test(what_was_seen_counts_as_heard_and_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
