// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The verbs of a peer by themselves: what arrives together, what a changed configuration does to
 * timers that run, and where its randomness comes from.
 */
#include "bgp_peer_script.h"

/* Both messages of the peer in one read, at any offset of a second one. */
static void messages_may_come_in_one_read(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t len = bgp_open_encode(buf, sizeof(buf), &open);

	(void)state;
	len += bgp_keepalive_encode(buf + len, sizeof(buf) - len);
	for (size_t first = 0; first <= len; first++) {
		struct bgp_peer *p = started_peer(&config);

		bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
		bgp_peer_receive(p, NOW, D, buf, first);
		bgp_peer_receive(p, NOW, D, buf + first, len - first);
		assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
		bgp_peer_free(p);
	}
}

/* The interval counts from now; an attempt under way has its time, and a new one none to change. */
static void changed_connect_time_counts_for_an_attempt_to_come(void **state)
{
	const struct bgp_peer_config config = script_config();
	struct bgp_peer_config slow = script_config();
	struct bgp_peer *p = started_peer(&config);
	nsec_t now = NOW + SECONDS(0.1), dialling;

	(void)state;
	slow.connect_s = 40;
	(void)events(p);
	dialling = bgp_peer_deadline(p);
	bgp_peer_reconfigure(p, NOW, &slow);
	assert_int_equal(bgp_peer_deadline(p), dialling);
	bgp_peer_reconfigure(p, NOW, &config);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_in_range(bgp_peer_deadline(p), NOW + SECONDS(0.75), NOW + SECONDS(1));
	bgp_peer_reconfigure(p, now, &slow);
	assert_in_range(bgp_peer_deadline(p), now + SECONDS(30), now + SECONDS(40));
	dialling = bgp_peer_deadline(p);
	bgp_peer_reconfigure(p, now + SECONDS(1), &slow); /* nothing changed */
	assert_int_equal(bgp_peer_deadline(p), dialling);
	bgp_peer_free(p);
}

/* RFC 9687: as long as the kernel takes bytes the peer reads; 8 minutes without, and it does not.
 */
static void what_the_kernel_takes_feeds_the_send_hold_timer(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();

	(void)state;
	for (unsigned takes = 0; takes < 2; takes++) {
		struct bgp_peer *p = started_peer(&config);

		bring_up(p, NOW, D, &open);
		for (nsec_t now = NOW; now <= NOW + SECONDS(900); now += SECONDS(30)) {
			say_keepalive(p, now, D);
			if (takes)
				bgp_peer_notify(p, now, D, BGP_NOTE_SENT);
			bgp_peer_tick(p, now);
		}
		assert_int_equal(bgp_peer_info(p).flaps, takes ? 0 : 1);
		bgp_peer_free(p);
	}
}

/* Routers that start at once must not dial, or say KEEPALIVE, at once for ever (RFC 4271 10). */
static void each_seed_has_its_own_jitter(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	nsec_t retry[10], keepalive[10];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(retry); i++) {
		struct bgp_peer *p;
		struct rng rng;

		rng_seed(&rng, i);
		p = bgp_peer_new(&config, &rng, NULL);
		bgp_peer_notify(p, NOW, D, BGP_NOTE_START);
		bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
		retry[i] = bgp_peer_deadline(p);
		bring_up(p, wait_for_connect(p, NOW), D, &open);
		keepalive[i] = bgp_peer_deadline(p) - bgp_peer_info(p).established_at;
		assert_in_range(keepalive[i], SECONDS(22.5), SECONDS(30));
		for (size_t other = 0; other < i; other++) {
			assert_true(retry[other] != retry[i]);
			assert_true(keepalive[other] != keepalive[i]);
		}
		bgp_peer_free(p);
	}
}

/* Both connections together, over all sessions. */
static void status_adds_up_what_was_sent_and_received(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	const struct bgp_error cease = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_RESET);
	struct bgp_peer *p = started_peer(&config);
	struct bgp_counters n;
	struct bgp_peer_info info;

	(void)state;
	(void)events(p);
	for (unsigned i = 0; i < 3; i++) {
		const enum bgp_slot slot = i == 1 ? A : D;
		const nsec_t now = slot == D ? wait_for_connect(p, NOW) : NOW;

		if (slot == A)
			assert_true(bgp_peer_accept(p, now));
		bring_up(p, now, slot, &open);
		say_error(p, now, slot, &cease);
		(void)events(p);
		bgp_peer_notify(p, now, D, BGP_NOTE_NUDGE);
	}
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
	assert_string_equal(sent(p, NOW, D).s, "OPEN NOTIFICATION 6/2");
	info = bgp_peer_info(p);
	assert_int_equal(info.notifications_received, 3);
	assert_int_equal(info.notifications_sent, 1);
	assert_int_equal(info.flaps, 3);
	n = bgp_peer_counters(p);
	assert_int_equal(n.sent.opens, 4);
	assert_int_equal(n.received.opens, 3);
	assert_int_equal(n.sent.keepalives, 3);
	assert_int_equal(n.received.keepalives, 3);
	assert_int_equal(n.sent.updates, info.updates_sent);
	assert_int_equal(n.received.notifications, 3);
	assert_int_equal(n.received.codes[6], 3);
	assert_int_equal(n.sent.notifications, 1);
	assert_int_equal(n.sent.codes[6], 1);
	bgp_peer_free(p);
}

/* The accepted one from its OPEN on, if the dialled one has not come as far. */
static void status_is_of_the_connection_that_has_come_further(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	(void)events(p);
	assert_true(bgp_peer_accept(p, NOW));
	assert_string_equal(events(p).s, "Idle>Active:A");
	assert_int_equal(bgp_peer_info(p).slot, D);
	bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
	assert_int_equal(bgp_peer_info(p).slot, A);
	assert_int_equal(bgp_peer_info(p).state, BGP_OPEN_SENT);
	bgp_peer_notify(p, wait_for_connect(p, NOW), D, BGP_NOTE_TCP_UP);
	assert_int_equal(bgp_peer_info(p).slot, D);
	say_open(p, NOW + SECONDS(2), A, &open);
	assert_int_equal(bgp_peer_info(p).slot, A);
	bgp_peer_free(p);
}

/* Whether this process restarted is no matter of its configuration. */
static void reconfigure_does_not_end_a_restart(void **state)
{
	struct bgp_peer_config config = script_config();
	struct bgp_peer *p;
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_frame frame;
	struct bgp_error error;
	struct bgp_open open;

	(void)state;
	config.graceful_restart = config.restarted = config.forwarding_preserved = true;
	p = started_peer(&config);
	config.restarted = config.forwarding_preserved = false;
	bgp_peer_reconfigure(p, NOW, &config);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	assert_true(bgp_peer_transmit(p, NOW, D, buf, sizeof(buf)) > 0);
	assert_int_equal(bgp_header_parse(buf, sizeof(buf), sizeof(buf), &frame, &error),
			 BGP_FRAME_MESSAGE);
	assert_true(bgp_open_decode(frame.body, &open, &error));
	assert_true(open.gr.restarting);
	assert_false(bgp_families_is_empty(open.gr.forwarding));
	bgp_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_may_come_in_one_read),
		cmocka_unit_test(changed_connect_time_counts_for_an_attempt_to_come),
		cmocka_unit_test(what_the_kernel_takes_feeds_the_send_hold_timer),
		cmocka_unit_test(each_seed_has_its_own_jitter),
		cmocka_unit_test(status_adds_up_what_was_sent_and_received),
		cmocka_unit_test(status_is_of_the_connection_that_has_come_further),
		cmocka_unit_test(reconfigure_does_not_end_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
