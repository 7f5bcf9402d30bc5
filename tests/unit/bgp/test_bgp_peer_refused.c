// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A peer that refuses: with less offered there is a session at once (RFC 5492 3), and what it says
 * is told in words; how a session is ended so that a peer forgets the routes (RFC 8538), and
 * messages of up to 65,535 octets (RFC 8654).
 */
#include "bgp_peer_script.h"

#include "bgp/bgp_conn.h"

static struct bgp_open our_open(struct bgp_peer *p, nsec_t now)
{
	struct bgp_open open;
	struct bgp_error e;
	struct bgp_frame f;
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t n;

	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
	n = bgp_peer_transmit(p, now, D, buf, sizeof(buf));
	assert_int_equal(bgp_header_parse(buf, n, sizeof(buf), &f, &e), BGP_FRAME_MESSAGE);
	assert_true(bgp_open_decode(f.body, &open, &e));
	return open;
}

static struct bgp_open old_open(void)
{
	struct bgp_open open = script_open();

	open.plain = true;
	return open;
}

static void a_peer_without_capabilities_gets_bare_bgp_4_at_once(void **state)
{
	const struct bgp_error refusal = bgp_error_make(2, BGP_OPEN_UNSUPPORTED_PARAMETER);
	struct bgp_peer_config config = script_config();
	static const uint8_t as_path[] = {0x40, 2, 4, 2, 1, LOCAL_ASN >> 8, LOCAL_ASN & 255};
	const struct bgp_open open = old_open();
	uint8_t buf[2 * BGP_MESSAGE_MAX] = {0};
	struct bgp_peer *p;

	(void)state;
	config.graceful_restart = true;
	p = started_peer(&config);
	script_set(bgp_peer_rib(p), "198.51.100.0/24", 100);
	assert_true(our_open(p, NOW).gr.present);
	say_error(p, NOW, D, &refusal);
	assert_non_null(
		strstr(bgp_peer_info(p).last_error,
		       "Unsupported Optional Parameter; tried again without any capability"));
	assert_int_equal(bgp_peer_deadline(p), NOW); /* not after a pause */
	bgp_peer_tick(p, NOW);
	assert_non_null(strstr(events(p).s, "CONNECT"));
	assert_false(our_open(p, NOW).has_as4);
	say_open(p, NOW, D, &open);
	say_keepalive(p, NOW, D);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	assert_true(bgp_peer_transmit(p, NOW, D, buf, sizeof(buf)) > BGP_HEADER_LEN);
	/* AS_PATH: a sequence of one AS in two octets (RFC 6793 4.2.2). */
	assert_non_null(memmem(buf, sizeof(buf), as_path, sizeof(as_path)));
	assert_int_equal(bgp_peer_info(p).routes_advertised, 1);
	/* It may have learned until the next time. */
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_true(our_open(p, wait_for_connect(p, NOW)).has_as4);
	bgp_peer_free(p);
}

static void a_refused_capability_is_left_out_and_the_rest_stays(void **state)
{
	static const uint8_t list[] = {BGP_CAP_ENHANCED_REFRESH, 0};
	const struct bgp_error refusal = bgp_error_with(2, 7, list, sizeof(list));
	struct bgp_peer_config config = script_config();
	struct bgp_open open;
	struct bgp_peer *p;

	(void)state;
	config.graceful_restart = true;
	p = started_peer(&config);
	assert_true(our_open(p, NOW).enhanced_refresh);
	say_error(p, NOW, D, &refusal);
	(void)events(p);
	bgp_peer_tick(p, NOW);
	open = our_open(p, NOW);
	assert_true(!open.enhanced_refresh && open.route_refresh && open.extended_message);
	/* Refused for the same again: nothing is gained by more attempts at once. */
	say_error(p, NOW, D, &refusal);
	assert_true(bgp_peer_deadline(p) > NOW);
	bgp_peer_free(p);
}

static void what_a_peer_expects_is_told_in_words(void **state)
{
	static const struct {
		uint8_t code, subcode, data[8], len;
		const char *says;
	} cases[] = {
		{2, 2, {0}, 0, "Bad Peer AS: this node says it is AS 64500, the peer expects"},
		{2, 3, {0}, 0, "Bad BGP Identifier: this node's router id is 10.0.0.1"},
		{6, 9, {6, 4, 2, 'h', 'i'}, 5, "Hard Reset for Cease/Administrative Reset: hi"},
		{6, 9, {6}, 1, "received NOTIFICATION Cease/Hard Reset"},
		{6, 2, {3, 'b', 'y', 'e'}, 4, "Administrative Shutdown: bye"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bgp_error e = bgp_error_with(cases[i].code, cases[i].subcode,
							  cases[i].data, cases[i].len);
		const struct bgp_peer_config config = script_config();
		struct bgp_peer *p = started_peer(&config);

		(void)our_open(p, NOW);
		assert_null(bgp_peer_info(p).heard);
		say_error(p, NOW, D, &e);
		if (!strstr(bgp_peer_info(p).last_error, cases[i].says))
			fail_msg("%s", bgp_peer_info(p).last_error);
		assert_int_equal(bgp_peer_info(p).heard->at, NOW);
		assert_int_equal(bgp_peer_info(p).heard->error.subcode, cases[i].subcode);
		bgp_peer_free(p);
	}
}

/* A peer that keeps routes over a NOTIFICATION is told to forget them where it is to. */
static void an_end_for_good_is_a_hard_reset_where_routes_would_stay(void **state)
{
	static const struct {
		enum bgp_note note;
		uint8_t subcode;
		bool hard;
		const char *text;
	} cases[] = {
		{BGP_NOTE_STOP, BGP_CEASE_SHUTDOWN, true, "stopped"},
		{BGP_NOTE_DRAINED, BGP_CEASE_SHUTDOWN, true, "drained"},
		{BGP_NOTE_DECONFIGURED, BGP_CEASE_DECONFIGURED, true, NULL},
		{BGP_NOTE_BFD_DOWN, BGP_CEASE_BFD_DOWN, true, NULL},
		{BGP_NOTE_RECONFIGURED, BGP_CEASE_CONFIG_CHANGE, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const bool keeps = i & 1;
		struct bgp_peer_config config = script_config();
		struct bgp_open open = script_open();
		const struct bgp_error *e;
		struct bgp_peer *p;
		size_t inner;

		config.graceful_restart = true;
		open.gr = (struct bgp_graceful_restart){
			.present = true, .notification = keeps, .families = config.families};
		p = started_peer(&config);
		bring_up(p, NOW, D, &open);
		bgp_peer_notify(p, NOW, D, cases[i / 2].note);
		(void)sent(p, NOW, D);
		e = &bgp_peer_info(p).said->error;
		assert_int_equal(e->code, BGP_ERROR_CEASE);
		inner = keeps && cases[i / 2].hard ? 2 : 0;
		if (inner) {
			assert_int_equal(e->subcode, BGP_CEASE_HARD_RESET);
			assert_int_equal(e->data[0], BGP_ERROR_CEASE);
			assert_int_equal(e->data[1], cases[i / 2].subcode);
		} else {
			assert_int_equal(e->subcode, cases[i / 2].subcode);
		}
		if (cases[i / 2].text) {
			assert_int_equal(e->data[inner], e->data_len - inner - 1);
			assert_non_null(
				strstr((const char *)e->data + inner + 1, cases[i / 2].text));
		}
		bgp_peer_free(p);
	}
}

/* An UPDATE that withdraws 1,500 prefixes: 7,523 octets. */
static size_t long_update(uint8_t *buf, size_t cap)
{
	struct wcur w = wcur_init(buf, cap);
	size_t at;

	bgp_message_start(&w, BGP_UPDATE);
	at = wcur_len(&w);
	wcur_u16(&w, 0);
	for (unsigned i = 0; i < 1500; i++) {
		wcur_u8(&w, 32);
		wcur_u32(&w, 0x0a000000 + i);
	}
	wcur_patch_u16(&w, at, (uint16_t)(wcur_len(&w) - at - 2));
	wcur_u16(&w, 0);
	return bgp_message_end(&w);
}

static void messages_are_long_only_where_both_have_said_so(void **state)
{
	static uint8_t buf[BGP_MESSAGE_MAX_EXTENDED];
	const size_t len = long_update(buf, sizeof(buf));

	(void)state;
	assert_true(len > BGP_MESSAGE_MAX);
	for (int extended = 0; extended < 2; extended++) {
		const struct bgp_peer_config config = script_config();
		struct bgp_peer *p = started_peer(&config);
		struct bgp_open open = script_open();

		open.extended_message = extended;
		bring_up(p, NOW, D, &open);
		for (size_t at = 0; at < len; at += 1000)
			bgp_peer_receive(p, NOW, D, buf + at, len - at < 1000 ? len - at : 1000);
		assert_int_equal(bgp_peer_info(p).updates_received, extended);
		assert_int_equal(bgp_peer_info(p).state, extended ? BGP_ESTABLISHED : BGP_IDLE);
		if (!extended)
			assert_string_equal(sent(p, NOW, D).s, "NOTIFICATION 1/2");
		bgp_peer_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_without_capabilities_gets_bare_bgp_4_at_once),
		cmocka_unit_test(a_refused_capability_is_left_out_and_the_rest_stays),
		cmocka_unit_test(what_a_peer_expects_is_told_in_words),
		cmocka_unit_test(an_end_for_good_is_a_hard_reset_where_routes_would_stay),
		cmocka_unit_test(messages_are_long_only_where_both_have_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
