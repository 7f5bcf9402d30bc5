// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two connections at once (RFC 4271 6.8, RFC 6286) and graceful restart as the restarting speaker
 * (RFC 4724): what the OPEN says, when End-of-RIB goes out, and when a new connection replaces an
 * Established one.
 */
#include "bgp_peer_script.h"

#define V4 BGP_FAMILY_BIT(BGP_IPV4_UNICAST)

/* The OPEN that the next connection of the dialled slot sends. */
static struct bgp_open dialled_open(struct bgp_peer *p, nsec_t now)
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
	return open;
}

static struct bgp_open gr_open(void)
{
	struct bgp_open open = script_open();

	open.gr = (struct bgp_graceful_restart){.present = true, .time_s = 120, .families = {V4}};
	return open;
}

static struct bgp_peer_config gr_config(void)
{
	struct bgp_peer_config config = script_config();

	config.graceful_restart = true;
	return config;
}

static void go_on(struct bgp_peer *p, nsec_t now)
{
	const struct bgp_open open = gr_open();

	say_open(p, now, D, &open);
	say_keepalive(p, now, D);
	(void)events(p);
}

static void open_says_what_happened_to_us(void **state)
{
	static const struct {
		bool configured, restarted, preserved;
	} cases[] = {{false, false, false},
		     {true, false, false},
		     {true, true, false},
		     {true, true, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_peer_config config = gr_config();
		struct bgp_graceful_restart gr;
		struct bgp_peer *p;

		config.graceful_restart = cases[i].configured;
		config.restarted = cases[i].restarted;
		config.forwarding_preserved = cases[i].preserved;
		p = started_peer(&config);
		gr = dialled_open(p, NOW).gr;
		assert_int_equal(gr.present, cases[i].configured);
		assert_int_equal(gr.restarting, cases[i].restarted);
		assert_int_equal(gr.forwarding.bits, cases[i].preserved ? V4 : 0);
		assert_int_equal(gr.families.bits, cases[i].configured ? V4 : 0);
		assert_int_equal(gr.time_s, cases[i].configured ? 120 : 0);
		assert_int_equal(gr.notification, cases[i].configured);
		bgp_peer_free(p);
	}
}

static void r_bit_stays_until_the_first_end_of_rib(void **state)
{
	struct bgp_peer_config config = gr_config();
	struct bgp_peer *p;
	nsec_t now = NOW;

	(void)state;
	config.restarted = config.forwarding_preserved = true;
	p = started_peer(&config);
	for (int i = 0; i < 3; i++) { /* sessions that end before the picture is complete */
		now = wait_for_connect(p, now);
		assert_true(dialled_open(p, now).gr.restarting);
		go_on(p, now);
		assert_string_equal(sent(p, now, D).s, "KEEPALIVE");
		bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	}
	bgp_peer_notify(p, now, D, BGP_NOTE_SYNCED);
	now = wait_for_connect(p, now);
	assert_true(dialled_open(p, now).gr.restarting);
	go_on(p, now);
	assert_string_equal(sent(p, now, D).s, "KEEPALIVE EOR");
	assert_true(bgp_peer_info(p).end_of_rib_sent);
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	now = wait_for_connect(p, now);
	assert_false(dialled_open(p, now).gr.restarting);
	bgp_peer_free(p);
}

static void plain_reconnect_has_f_but_no_r_bit(void **state)
{
	const struct bgp_peer_config config = gr_config();
	struct bgp_peer *p = started_peer(&config);
	struct bgp_graceful_restart gr;

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_SYNCED);
	assert_int_equal(dialled_open(p, NOW).gr.forwarding.bits, 0);
	go_on(p, NOW);
	assert_string_equal(sent(p, NOW, D).s, "KEEPALIVE EOR");
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	gr = dialled_open(p, wait_for_connect(p, NOW)).gr;
	assert_false(gr.restarting);
	assert_int_equal(gr.forwarding.bits, V4);
	bgp_peer_free(p);
}

static void each_session_gets_one_end_of_rib(void **state)
{
	const struct bgp_peer_config config = script_config(); /* GR or not */
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);
	nsec_t now = NOW;

	(void)state;
	script_set(bgp_peer_rib(p), "203.0.113.1/32", 0);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_SYNCED);
	for (int i = 0; i < 2; i++) {
		now = wait_for_connect(p, now);
		bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
		say_open(p, now, D, &open);
		assert_string_equal(sent(p, now, D).s, "OPEN KEEPALIVE");
		say_keepalive(p, now, D);
		assert_string_equal(sent(p, now, D).s, "UPDATE(+1) EOR");
		assert_string_equal(sent(p, now, D).s, "");
		bgp_peer_notify(p, now, D, BGP_NOTE_TCP_FAILED);
	}
	bgp_peer_free(p);
}

/* Both connections in OpenSent; then the OPENs come in, `first` before the other. */
static void collide(struct bgp_peer *p, const struct bgp_open *open, enum bgp_slot first)
{
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	assert_true(bgp_peer_accept(p, NOW));
	bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
	assert_string_equal(sent(p, NOW, D).s, "OPEN");
	assert_string_equal(sent(p, NOW, A).s, "OPEN");
	say_open(p, NOW, first, open);
	assert_string_equal(sent(p, NOW, first).s, "KEEPALIVE");
	say_open(p, NOW, first == D ? A : D, open);
}

static void collision_keeps_the_connection_of_the_higher_identifier(void **state)
{
	static const struct {
		uint32_t remote_id, remote_asn;
		enum bgp_slot keep;
	} cases[] = {{LOCAL_ID + 1, REMOTE_ASN, A},
		     {LOCAL_ID - 1, REMOTE_ASN, D},
		     {0xf0000001, REMOTE_ASN, A},  /* unsigned */
		     {LOCAL_ID, LOCAL_ASN + 1, A}, /* RFC 6286 */
		     {LOCAL_ID, LOCAL_ASN - 1, D}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		enum bgp_slot keep = cases[i / 2].keep, lose = keep == D ? A : D;
		struct bgp_peer_config config = script_config();
		struct bgp_open open = script_open();
		struct bgp_peer *p;

		config.remote_asn = open.asn = cases[i / 2].remote_asn;
		open.router_id = cases[i / 2].remote_id;
		p = started_peer(&config);
		collide(p, &open, i % 2 ? A : D);
		assert_string_equal(sent(p, NOW, lose).s, "NOTIFICATION 6/7");
		(void)sent(p, NOW, keep);
		(void)events(p);
		say_keepalive(p, NOW, keep);
		assert_string_equal(events(p).s, keep == A ? "UP:A" : "UP");
		assert_null(bgp_peer_info(p).last_error); /* a collision is no failure */
		assert_true(bgp_peer_deadline(p) > NOW + SECONDS(20)); /* no dialling */
		bgp_peer_free(p);
	}
}

static void collision_with_established_loses(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open(); /* the peer's identifier is higher */
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	bring_up(p, NOW, D, &open);
	assert_true(bgp_peer_accept(p, NOW));
	bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
	say_open(p, NOW, A, &open);
	assert_string_equal(sent(p, NOW, A).s, "OPEN NOTIFICATION 6/7");
	assert_string_equal(sent(p, NOW, D).s, "");
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	assert_int_equal(bgp_peer_info(p).flaps, 0);
	bgp_peer_free(p);
}

static void with_graceful_restart_a_new_connection_replaces_established(void **state)
{
	const struct bgp_peer_config config = gr_config();
	const struct bgp_open open = gr_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	script_set(bgp_peer_rib(p), "203.0.113.1/32", 0);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	go_on(p, NOW);
	assert_string_equal(sent(p, NOW, D).s, "OPEN KEEPALIVE UPDATE(+1)");
	assert_true(bgp_peer_accept(p, NOW + 1));
	bgp_peer_notify(p, NOW + 1, A, BGP_NOTE_TCP_UP);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED); /* an OPEN has to prove it */
	(void)events(p);
	say_open(p, NOW + 1, A, &open);
	assert_string_equal(sent(p, NOW + 1, D).s, ""); /* no NOTIFICATION */
	assert_non_null(strstr(events(p).s, "CLOSE OpenSent>OpenConfirm:A"));
	say_keepalive(p, NOW + 1, A);
	assert_string_equal(sent(p, NOW + 1, A).s, "OPEN KEEPALIVE UPDATE(+1)");
	bgp_peer_free(p);
}

static void graceful_restart_does_not_turn_a_collision_into_a_restart(void **state)
{
	const struct bgp_peer_config config = gr_config();
	const struct bgp_open open = gr_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	assert_true(bgp_peer_accept(p, NOW)); /* both dialled at the same moment */
	bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
	say_open(p, NOW + 1, D, &open);
	say_keepalive(p, NOW + 1, D);
	say_open(p, NOW + 1, A, &open);
	assert_string_equal(sent(p, NOW + 1, A).s, "OPEN NOTIFICATION 6/7");
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	bgp_peer_free(p);
}

static void taken_accepted_slot_refuses_another_connection(void **state)
{
	const struct bgp_open open = gr_open();

	(void)state;
	for (int gr = 0; gr < 2; gr++) {
		struct bgp_peer_config config = script_config();
		struct bgp_peer *p;

		config.graceful_restart = gr;
		p = started_peer(&config);
		assert_true(bgp_peer_accept(p, NOW));
		bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
		assert_false(bgp_peer_accept(p, NOW));
		say_open(p, NOW, A, &open);
		say_keepalive(p, NOW, A);
		assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
		assert_false(bgp_peer_accept(p, NOW));
		/* RFC 4724 4.2: with GR the dead session makes room, the next attempt gets it. */
		assert_int_equal(bgp_peer_info(p).state == BGP_ESTABLISHED, !gr);
		(void)events(p);
		assert_int_equal(bgp_peer_accept(p, NOW), gr);
		bgp_peer_free(p);
	}
}

/* The driver still has the old socket of the slot: a new one would be closed in its place. */
static void accepted_slot_is_taken_until_its_socket_is_closed(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	const struct bgp_error cease = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_RESET);
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	(void)events(p);
	assert_true(bgp_peer_accept(p, NOW));
	bring_up(p, NOW, A, &open);
	say_error(p, NOW, A, &cease);
	assert_false(bgp_peer_accept(p, NOW));
	assert_non_null(strstr(events(p).s, "CLOSE:A"));
	assert_true(bgp_peer_accept(p, NOW));
	bgp_peer_free(p);
}

static void dialling_ends_when_the_peer_is_reached_and_resumes_when_it_is_lost(void **state)
{
	const struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	(void)events(p);
	assert_true(bgp_peer_accept(p, NOW));
	bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
	say_open(p, NOW, A, &open);
	assert_non_null(strstr(events(p).s, "CLOSE "));
	say_keepalive(p, NOW, A);
	(void)sent(p, NOW, A);
	bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_FAILED);
	assert_in_range(wait_for_connect(p, NOW), NOW + SECONDS(0.75), NOW + SECONDS(1));
	bgp_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_says_what_happened_to_us),
		cmocka_unit_test(r_bit_stays_until_the_first_end_of_rib),
		cmocka_unit_test(plain_reconnect_has_f_but_no_r_bit),
		cmocka_unit_test(each_session_gets_one_end_of_rib),
		cmocka_unit_test(collision_keeps_the_connection_of_the_higher_identifier),
		cmocka_unit_test(collision_with_established_loses),
		cmocka_unit_test(with_graceful_restart_a_new_connection_replaces_established),
		cmocka_unit_test(graceful_restart_does_not_turn_a_collision_into_a_restart),
		cmocka_unit_test(taken_accepted_slot_refuses_another_connection),
		cmocka_unit_test(accepted_slot_is_taken_until_its_socket_is_closed),
		cmocka_unit_test(
			dialling_ends_when_the_peer_is_reached_and_resumes_when_it_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
