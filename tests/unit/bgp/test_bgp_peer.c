// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The peer above its connections: when it dials, what a session that ends leaves behind, route
 * refresh, configuration changes and what status shows. Collisions and graceful restart have a file
 * of their own.
 */
#include "bgp_peer_script.h"

static void start_dials_at_once_and_reports_each_state(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	assert_string_equal(events(p).s, "CONNECT Idle>Connect");
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	say_open(p, NOW, D, &open);
	say_keepalive(p, NOW, D);
	assert_string_equal(events(p).s, "Connect>OpenSent OpenSent>OpenConfirm UP");
	bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
	assert_string_equal(events(p).s, "CLOSE DOWN");
	bgp_peer_free(p);
}

static void refused_dials_back_off_from_1_s_to_30_s(void **state)
{
	static const double base[] = {1, 2, 4, 8, 16, 30, 30, 30};
	const struct bgp_peer_config config = script_config();
	struct bgp_peer *p = started_peer(&config);
	nsec_t now = NOW, next;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(base); i++) {
		now = wait_for_connect(p, now);
		bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
		assert_int_equal(bgp_peer_info(p).state, BGP_ACTIVE);
		next = bgp_peer_deadline(p);
		assert_in_range(next - now, SECONDS(0.75 * base[i]), SECONDS(base[i]));
	}
	bgp_peer_free(p);
}

static void configured_connect_time_is_a_fixed_interval(void **state)
{
	struct bgp_peer_config config = script_config();
	struct bgp_peer *p;
	nsec_t now = NOW;

	(void)state;
	config.connect_s = 20;
	p = started_peer(&config);
	for (int i = 0; i < 6; i++) {
		now = wait_for_connect(p, now);
		bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
		assert_in_range(bgp_peer_deadline(p) - now, SECONDS(15), SECONDS(20));
	}
	bgp_peer_free(p);
}

/* Sessions that are reset `after` seconds: the delay before the n-th new attempt. */
static nsec_t delay_after_resets(double after, int n)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	const struct bgp_error cease = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_RESET);
	struct bgp_peer *p = started_peer(&config);
	nsec_t now = NOW, delay = 0;

	for (int i = 0; i < n; i++) {
		now = wait_for_connect(p, now);
		bring_up(p, now, D, &open);
		now += SECONDS(after);
		say_error(p, now, D, &cease);
		delay = bgp_peer_deadline(p) - now;
	}
	bgp_peer_free(p);
	return delay;
}

static void peer_that_resets_each_session_is_damped(void **state)
{
	(void)state;
	assert_in_range(delay_after_resets(59, 8), SECONDS(22.5), SECONDS(30));
}

static void stable_session_is_retried_after_a_second(void **state)
{
	(void)state;
	assert_in_range(delay_after_resets(60, 8), SECONDS(0.75), SECONDS(1));
}

static void nudge_dials_at_once(void **state)
{
	const struct bgp_peer_config config = script_config();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	for (int i = 0; i < 6; i++) {
		(void)events(p);
		bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
		assert_true(bgp_peer_deadline(p) > NOW);
		bgp_peer_notify(p, NOW, D, BGP_NOTE_NUDGE);
		assert_non_null(strstr(events(p).s, "CONNECT"));
	}
	bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
	(void)events(p);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_NUDGE);
	assert_string_equal(events(p).s, "");
	bgp_peer_free(p);
}

static void stopped_peer_stays_down_until_it_is_started(void **state)
{
	static const struct {
		enum bgp_note note;
		const char *sent;
	} cases[] = {{BGP_NOTE_STOP, "NOTIFICATION 6/2"},
		     {BGP_NOTE_DECONFIGURED, "NOTIFICATION 6/3"},
		     {BGP_NOTE_RECONFIGURED, "NOTIFICATION 6/6"},
		     {BGP_NOTE_RESTARTING, ""}};
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_peer *p = started_peer(&config);

		bring_up(p, NOW, D, &open);
		bgp_peer_notify(p, NOW, D, cases[i].note);
		assert_string_equal(events(p).s, "CLOSE DOWN");
		assert_string_equal(sent(p, NOW, D).s, cases[i].sent);
		assert_int_equal(bgp_peer_deadline(p), NSEC_NEVER);
		assert_false(bgp_peer_accept(p, NOW));
		bgp_peer_notify(p, NOW, D, BGP_NOTE_START);
		assert_string_equal(events(p).s, "CONNECT Idle>Connect");
		bgp_peer_free(p);
	}
}

static void bfd_down_closes_with_6_10_and_tries_again(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	bring_up(p, NOW, D, &open);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_BFD_DOWN);
	assert_string_equal(sent(p, NOW, D).s, "NOTIFICATION 6/10");
	assert_string_equal(bgp_peer_info(p).last_error, "BFD session down");
	assert_in_range(wait_for_connect(p, NOW), NOW + SECONDS(0.75), NOW + SECONDS(1));
	bgp_peer_free(p);
}

static void connection_that_comes_up_after_stop_is_closed(void **state)
{
	const struct bgp_peer_config config = script_config();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	(void)events(p);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
	(void)events(p);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	assert_string_equal(events(p).s, "CLOSE");
	assert_string_equal(sent(p, NOW, D).s, "");
	bgp_peer_free(p);
}

static void new_session_gets_all_desired_routes(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	script_set(bgp_peer_rib(p), "203.0.113.1/32", 0);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	assert_string_equal(sent(p, NOW, D).s, "OPEN");
	say_open(p, NOW, D, &open);
	assert_string_equal(sent(p, NOW, D).s, "KEEPALIVE"); /* no route before Established */
	say_keepalive(p, NOW, D);
	assert_string_equal(sent(p, NOW, D).s, "UPDATE(+1)");
	assert_int_equal(bgp_peer_info(p).routes_advertised, 1);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_int_equal(bgp_peer_info(p).routes_advertised, 0);
	script_set(bgp_peer_rib(p), "203.0.113.2/32", 0);
	bgp_peer_notify(p, wait_for_connect(p, NOW), D, BGP_NOTE_TCP_UP);
	say_open(p, NOW + SECONDS(1), D, &open);
	say_keepalive(p, NOW + SECONDS(1), D);
	assert_string_equal(sent(p, NOW + SECONDS(1), D).s, "OPEN KEEPALIVE UPDATE(+2)");
	assert_int_equal(bgp_peer_info(p).updates_sent, 2); /* over all sessions */
	bgp_peer_free(p);
}

static void route_refresh_sends_everything_again(void **state)
{
	struct bgp_peer_config config = script_config();
	struct bgp_open open = script_open();

	(void)state;
	/* 1: the peer alone knows marks, which it takes for requests if we have not offered them */
	for (int i = 0; i < 4; i++) {
		const bool enhanced = i == 3;
		struct bgp_peer *p;

		config.graceful_restart = i & 2;
		open.enhanced_refresh = i & 1;
		p = started_peer(&config);
		bring_up(p, NOW, D, &open);
		script_set(bgp_peer_rib(p), "203.0.113.1/32", 0);
		script_set(bgp_peer_rib(p), "203.0.113.2/32", 0);
		assert_string_equal(sent(p, NOW, D).s, "UPDATE(+2)");
		say_refresh(p, NOW, D); /* RFC 7313 4: no BoRR before End-of-RIB */
		assert_string_equal(sent(p, NOW, D).s, "UPDATE(+2)");
		bgp_peer_notify(p, NOW, D, BGP_NOTE_SYNCED);
		assert_string_equal(sent(p, NOW, D).s, "EOR");
		say_refresh(p, NOW, D);
		assert_string_equal(sent(p, NOW, D).s,
				    enhanced ? "REFRESH(1) UPDATE(+2) REFRESH(2)" : "UPDATE(+2)");
		assert_string_equal(sent(p, NOW, D).s, "");
		assert_int_equal(bgp_peer_counters(p).received.refreshes, 2);
		assert_int_equal(bgp_peer_counters(p).sent.refreshes, enhanced ? 2 : 0);
		bgp_peer_free(p);
	}
}

/* BoRR and EoRR of the peer are about its own routes (RFC 7313 4). */
static void marks_of_the_peers_refresh_are_no_request(void **state)
{
	struct bgp_peer_config config = script_config();
	struct bgp_open open = script_open();
	struct bgp_peer *p;

	(void)state;
	config.graceful_restart = true;
	p = started_peer(&config);
	open.enhanced_refresh = true;
	bring_up(p, NOW, D, &open);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_SYNCED);
	script_set(bgp_peer_rib(p), "203.0.113.1/32", 0);
	assert_string_equal(sent(p, NOW, D).s, "UPDATE(+1) EOR");
	for (uint8_t subtype = BGP_REFRESH_BEGIN; subtype <= BGP_REFRESH_END; subtype++) {
		say_refresh_mark(p, NOW, D, subtype);
		assert_string_equal(sent(p, NOW, D).s, "");
		assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	}
	say_refresh(p, NOW, D);
	assert_string_equal(sent(p, NOW, D).s, "REFRESH(1) UPDATE(+1) REFRESH(2)");
	bgp_peer_free(p);
}

static void last_error_says_what_happened(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	const struct bgp_error cease = bgp_error_shutdown(BGP_CEASE_SHUTDOWN, "maintenance");
	struct bgp_peer *p = started_peer(&config);
	nsec_t now = NOW;

	(void)state;
	assert_null(bgp_peer_info(p).last_error);
	bgp_peer_set_error(p, "connection refused");
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	assert_string_equal(bgp_peer_info(p).last_error, "connection refused");
	now = wait_for_connect(p, now);
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	assert_string_equal(bgp_peer_info(p).last_error, "TCP connection failed");
	now = wait_for_connect(p, now);
	bring_up(p, now, D, &open);
	assert_null(bgp_peer_info(p).last_error); /* what is over is over */
	say_error(p, now, D, &cease);
	assert_string_equal(bgp_peer_info(p).last_error,
			    "received NOTIFICATION Cease/Administrative Shutdown: maintenance");
	now = wait_for_connect(p, now);
	bring_up(p, now, D, &open);
	bgp_peer_tick(p, now + SECONDS(90));
	assert_string_equal(bgp_peer_info(p).last_error, "hold timer expired");
	assert_int_equal(bgp_peer_info(p).flaps, 2);
	bgp_peer_set_error(p, "reset by peer"); /* of the connection that was given up already */
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	assert_string_equal(bgp_peer_info(p).last_error, "hold timer expired");
	now = wait_for_connect(p, now);
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	assert_string_equal(bgp_peer_info(p).last_error, "TCP connection failed");
	bgp_peer_free(p);
}

/* No route could be carried, so there is no session; who has to change what is said. */
static void session_without_a_common_family_says_which_and_whose(void **state)
{
	static const uint8_t ipv4[] = {BGP_CAP_MULTIPROTOCOL, 4, 0, 1, 0, 1};
	const struct bgp_peer_config config = script_config();
	const struct bgp_error refused =
		bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY, ipv4, sizeof(ipv4));
	const struct bgp_error mute =
		bgp_error_make(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY);
	struct bgp_peer *p = started_peer(&config);
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_open open = script_open();
	nsec_t now = NOW;
	size_t len;

	(void)state;
	bgp_families_put(&open.families, BGP_IPV6_UNICAST, true);
	len = bgp_open_encode(buf, sizeof(buf), &open);
	for (size_t i = 0; i + sizeof(ipv4) <= len; i++)
		if (memcmp(buf + i, ipv4, sizeof(ipv4)) == 0)
			buf[i + 5] = 2; /* multicast: IPv4 unicast is not offered */
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
	bgp_peer_receive(p, now, D, buf, len);
	assert_string_equal(sent(p, now, D).s, "OPEN NOTIFICATION 2/7");
	assert_string_equal(bgp_peer_info(p).last_error,
			    "sent NOTIFICATION OPEN Message Error/Unsupported Capability: "
			    "IPv4 unicast: not offered by the peer");
	now = wait_for_connect(p, now);
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
	say_error(p, now, D, &refused);
	assert_string_equal(bgp_peer_info(p).last_error,
			    "received NOTIFICATION OPEN Message Error/Unsupported Capability: "
			    "IPv4 unicast: not taken by the peer");
	now = wait_for_connect(p, now);
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
	say_error(p, now, D, &mute);
	assert_non_null(strstr(bgp_peer_info(p).last_error, "IPv4 unicast"));
	bgp_peer_free(p);
}

static void dial_without_an_answer_is_told(void **state)
{
	const struct bgp_peer_config config = script_config();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	(void)events(p);
	bgp_peer_tick(p, bgp_peer_deadline(p));
	assert_string_equal(events(p).s, "CLOSE CONNECT");
	assert_string_equal(bgp_peer_info(p).last_error, "no answer to the TCP connection attempt");
	bgp_peer_free(p);
}

/* The kernel knows more of the silence than that it is one. */
static void what_the_driver_knows_of_an_attempt_is_shown_at_once(void **state)
{
	struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p;

	(void)state;
	config.connect_s = 60;
	p = started_peer(&config);
	(void)events(p);
	bgp_peer_set_error(p, "silence");
	assert_string_equal(bgp_peer_info(p).last_error, "silence");
	bgp_peer_tick(p, NOW + SECONDS(60));
	assert_string_equal(events(p).s, "CLOSE CONNECT");
	assert_string_equal(bgp_peer_info(p).last_error, "silence");
	bgp_peer_tick(p, NOW + SECONDS(120)); /* it was of that attempt alone */
	assert_string_equal(bgp_peer_info(p).last_error, "no answer to the TCP connection attempt");
	bgp_peer_set_error(p, "silence");
	bring_up(p, NOW + SECONDS(121), D, &open);
	bgp_peer_notify(p, NOW + SECONDS(122), D, BGP_NOTE_TCP_FAILED);
	assert_string_equal(bgp_peer_info(p).last_error, "TCP connection lost");
	bgp_peer_free(p);
}

static void attempt_beside_an_accepted_session_is_no_error(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	assert_true(bgp_peer_accept(p, NOW));
	bring_up(p, NOW, A, &open);
	assert_int_equal(bgp_peer_info(p).slot, A);
	bgp_peer_set_error(p, "silence");
	assert_null(bgp_peer_info(p).last_error);
	bgp_peer_free(p);
}

static void reconfigure_keeps_the_session_and_takes_the_timers(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);
	struct bgp_peer_config c = config;

	(void)state;
	bring_up(p, NOW, D, &open);
	c.hold_s = 30;
	c.keepalive_s = 5;
	c.connect_s = 7;
	c.restart_time_s = 60;
	bgp_peer_reconfigure(p, NOW, &c);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	assert_int_equal(bgp_peer_info(p).slot, D);
	assert_int_equal(bgp_peer_info(p).hold_s, 90);     /* agreed upon with the OPENs */
	assert_int_equal(bgp_peer_info(p).keepalive_s, 5); /* ours alone */
	assert_in_range(bgp_peer_deadline(p), NOW + SECONDS(3.75), NOW + SECONDS(5));
	assert_string_equal(events(p).s, "");
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_in_range(bgp_peer_deadline(p) - NOW, SECONDS(5.25), SECONDS(7));
	bring_up(p, wait_for_connect(p, NOW), D, &open);
	assert_int_equal(bgp_peer_info(p).hold_s, 30);
	bgp_peer_free(p);
}

/* The identifier that an OPEN of the dialled slot says. */
static uint32_t next_id(struct bgp_peer *p, nsec_t now)
{
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_frame frame;
	struct bgp_error error;
	struct bgp_open open;

	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
	assert_true(bgp_peer_transmit(p, now, D, buf, sizeof(buf)) > 0);
	assert_int_equal(bgp_header_parse(buf, sizeof(buf), sizeof(buf), &frame, &error),
			 BGP_FRAME_MESSAGE);
	assert_true(bgp_open_decode(frame.body, &open, &error));
	return open.router_id;
}

/* No session is worth an identifier. */
static void changed_router_id_is_said_by_the_next_open(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);
	struct bgp_peer_config c = config;

	(void)state;
	bring_up(p, NOW, D, &open);
	c.router_id = LOCAL_ID + 9;
	bgp_peer_reconfigure(p, NOW, &c);
	assert_string_equal(events(p).s, "");
	assert_string_equal(sent(p, NOW, D).s, "");
	assert_int_equal(bgp_peer_info(p).local_router_id, LOCAL_ID);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_int_equal(next_id(p, wait_for_connect(p, NOW)), LOCAL_ID + 9);
	assert_int_equal(bgp_peer_info(p).local_router_id, LOCAL_ID + 9);
	bgp_peer_free(p);
}

/* What the OPEN on the wire said counts, for both sides: RFC 6286 2.2 and RFC 4271 6.8. */
static void router_id_changed_under_way_does_not_judge_an_open(void **state)
{
	struct bgp_peer_config config = script_config();
	struct bgp_open open = script_open();

	(void)state;
	for (int same = 0; same < 2; same++) {
		struct bgp_peer *p;
		struct bgp_peer_config c;

		config.remote_asn = open.asn = LOCAL_ASN;
		p = started_peer(&config);
		c = config;
		c.router_id = REMOTE_ID;
		bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
		bgp_peer_reconfigure(p, NOW, &c);
		open.router_id = same ? LOCAL_ID : REMOTE_ID;
		say_open(p, NOW, D, &open);
		assert_string_equal(sent(p, NOW, D).s,
				    same ? "OPEN NOTIFICATION 2/3" : "OPEN KEEPALIVE");
		bgp_peer_free(p);
	}
}

static void requests_to_the_driver_are_never_lost_when_nobody_polls(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);
	struct bgp_event e;
	int n = 0, closes = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
		say_open(p, NOW, D, &open);
		say_keepalive(p, NOW, D);
		bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
		bgp_peer_notify(p, NOW, D, BGP_NOTE_START);
	}
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
	while (bgp_peer_poll(p, &e)) {
		closes += e.type == BGP_EVENT_CLOSE;
		n++;
	}
	assert_true(closes >= 1);
	assert_true(n <= 66);
	bgp_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_dials_at_once_and_reports_each_state),
		cmocka_unit_test(refused_dials_back_off_from_1_s_to_30_s),
		cmocka_unit_test(configured_connect_time_is_a_fixed_interval),
		cmocka_unit_test(peer_that_resets_each_session_is_damped),
		cmocka_unit_test(stable_session_is_retried_after_a_second),
		cmocka_unit_test(nudge_dials_at_once),
		cmocka_unit_test(stopped_peer_stays_down_until_it_is_started),
		cmocka_unit_test(bfd_down_closes_with_6_10_and_tries_again),
		cmocka_unit_test(connection_that_comes_up_after_stop_is_closed),
		cmocka_unit_test(new_session_gets_all_desired_routes),
		cmocka_unit_test(route_refresh_sends_everything_again),
		cmocka_unit_test(marks_of_the_peers_refresh_are_no_request),
		cmocka_unit_test(last_error_says_what_happened),
		cmocka_unit_test(session_without_a_common_family_says_which_and_whose),
		cmocka_unit_test(dial_without_an_answer_is_told),
		cmocka_unit_test(what_the_driver_knows_of_an_attempt_is_shown_at_once),
		cmocka_unit_test(attempt_beside_an_accepted_session_is_no_error),
		cmocka_unit_test(reconfigure_keeps_the_session_and_takes_the_timers),
		cmocka_unit_test(changed_router_id_is_said_by_the_next_open),
		cmocka_unit_test(router_id_changed_under_way_does_not_judge_an_open),
		cmocka_unit_test(requests_to_the_driver_are_never_lost_when_nobody_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
