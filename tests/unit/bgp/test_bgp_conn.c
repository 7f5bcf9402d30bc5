// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The verbs of one connection: whole conversations as a table, any split of the byte stream, the
 * timers with their bounds, and what a note makes of a connection.
 */
#include "bgp_conn_script.h"

struct conversation {
	const char *name;
	const char *say[4]; /* message type and body; "raw ..." is sent as it is */
	enum bgp_state state;
	const char *answer;
	const char *reason;
};

#define MARKER "ffffffff ffffffff ffffffff ffffffff"

static const struct conversation conversations[] = {
	{"session", {OPEN, KEEPALIVE}, BGP_ESTABLISHED, "OPEN KEEPALIVE", ""},
	{"route", {OPEN, KEEPALIVE, ROUTE}, BGP_ESTABLISHED, "OPEN KEEPALIVE", ""},
	{"version 3",
	 {"01 03 fbf5 005a 0a000002 00"},
	 BGP_IDLE,
	 "OPEN NOTIFICATION 2/1",
	 "sent NOTIFICATION OPEN Message Error/Unsupported Version Number"},
	{"wrong AS",
	 {"01 04 fbf6 005a 0a000002 00"},
	 BGP_IDLE,
	 "OPEN NOTIFICATION 2/2",
	 "sent NOTIFICATION OPEN Message Error/Bad Peer AS: the peer says it is AS 64502, "
	 "and AS 64501 is configured"},
	{"AS 0", {"01 04 0000 005a 0a000002 00"}, BGP_IDLE, "OPEN NOTIFICATION 2/2", NULL},
	{"id 0", {"01 04 fbf5 005a 00000000 00"}, BGP_IDLE, "OPEN NOTIFICATION 2/3", NULL},
	{"unknown parameter",
	 {"01 04 fbf5 005a 0a000002 03 090100"},
	 BGP_IDLE,
	 "OPEN NOTIFICATION 2/4",
	 NULL},
	{"hold 2", {"01 04 fbf5 0002 0a000002 00"}, BGP_IDLE, "OPEN NOTIFICATION 2/6", NULL},
	{"hold 0 is legal",
	 {"01 04 fbf5 0000 0a000002 00", KEEPALIVE},
	 BGP_ESTABLISHED,
	 "OPEN KEEPALIVE",
	 ""},
	{"marker", {"raw fffffffe"}, BGP_IDLE, "OPEN NOTIFICATION 1/1", NULL},
	{"length 18", {"raw " MARKER "0012 04"}, BGP_IDLE, "OPEN NOTIFICATION 1/2", NULL},
	{"length 4097", {"raw " MARKER "1001 02"}, BGP_IDLE, "OPEN NOTIFICATION 1/2", NULL},
	{"KEEPALIVE of 20", {OPEN, "04 00"}, BGP_IDLE, "OPEN KEEPALIVE NOTIFICATION 1/2", NULL},
	{"type 0", {"00"}, BGP_IDLE, "OPEN NOTIFICATION 1/3", NULL},
	{"type 6", {OPEN, KEEPALIVE, "06"}, BGP_IDLE, "OPEN KEEPALIVE NOTIFICATION 1/3", NULL},
	{"KEEPALIVE first", {KEEPALIVE}, BGP_IDLE, "OPEN NOTIFICATION 5/1", NULL},
	{"UPDATE first", {ROUTE}, BGP_IDLE, "OPEN NOTIFICATION 5/1", NULL},
	{"UPDATE in OpenConfirm", {OPEN, ROUTE}, BGP_IDLE, "OPEN KEEPALIVE NOTIFICATION 5/2", NULL},
	{"second OPEN", {OPEN, OPEN}, BGP_IDLE, "OPEN KEEPALIVE NOTIFICATION 5/2", NULL},
	{"third OPEN", {OPEN, KEEPALIVE, OPEN}, BGP_IDLE, "OPEN KEEPALIVE NOTIFICATION 5/3", NULL},
	{"nothing after an error is looked at",
	 {ROUTE, OPEN, KEEPALIVE},
	 BGP_IDLE,
	 "OPEN NOTIFICATION 5/1",
	 NULL},
	{"attributes overrun the message",
	 {OPEN, KEEPALIVE, "02 0000 ffff"},
	 BGP_IDLE,
	 "OPEN KEEPALIVE NOTIFICATION 3/1",
	 NULL},
	{"bad ORIGIN is a withdraw (RFC 7606)",
	 {OPEN, KEEPALIVE, "02 0000 0014 40010109 4002 06 02010000fbf5 400304 c0000202 18c63364"},
	 BGP_ESTABLISHED,
	 "OPEN KEEPALIVE",
	 ""},
	{"malformed AGGREGATOR is discarded (RFC 7606)",
	 {OPEN, KEEPALIVE,
	  "02 0000 0018 40010100 4002 06 02010000fbf5 400304 c0000202 c0070100 18c63364"},
	 BGP_ESTABLISHED,
	 "OPEN KEEPALIVE",
	 ""},
	{"refresh of a wrong length",
	 {OPEN, KEEPALIVE, "05 0001 01 01 00"},
	 BGP_IDLE,
	 "OPEN KEEPALIVE NOTIFICATION 7/1",
	 NULL},
	{"Cease with a text (RFC 9003)",
	 {OPEN, KEEPALIVE, "03 0602 07 7570677261 6465"},
	 BGP_IDLE,
	 "OPEN KEEPALIVE",
	 "received NOTIFICATION Cease/Administrative Shutdown: upgrade"},
	{"Cease with a lying text length",
	 {OPEN, KEEPALIVE, "03 0602 ff 757067"},
	 BGP_IDLE,
	 "OPEN KEEPALIVE",
	 "received NOTIFICATION Cease/Administrative Shutdown"},
	{"NOTIFICATION in OpenSent is not answered",
	 {"03 0602"},
	 BGP_IDLE,
	 "OPEN",
	 "received NOTIFICATION Cease/Administrative Shutdown"},
	{"version refused",
	 {"03 0201 0003"},
	 BGP_IDLE,
	 "OPEN",
	 "received NOTIFICATION OPEN Message Error/Unsupported Version Number"},
};

static void hold_conversation(struct bgp_conn *c, const struct conversation *v)
{
	uint8_t buf[BGP_MESSAGE_MAX];
	struct script_text out = {.s = ""}, more;

	bgp_conn_notify(c, NOW, BGP_NOTE_START);
	bgp_conn_notify(c, NOW, BGP_NOTE_TCP_UP);
	text_add(&out, sent(c, NOW).s);
	for (size_t i = 0; i < ARRAY_SIZE(v->say) && v->say[i]; i++) {
		const char *say = v->say[i];
		size_t n =
			strncmp(say, "raw ", 4) == 0 ? hex_bytes(say + 4, buf) : message(buf, say);

		receive(c, NOW, buf, n);
		more = sent(c, NOW);
		if (more.s[0] != '\0')
			text_add(&out, more.s);
	}
	if (c->state != v->state || strcmp(out.s, v->answer) != 0)
		fail_msg("%s: %s [%s], expected %s [%s]", v->name, bgp_state_text(c->state), out.s,
			 bgp_state_text(v->state), v->answer);
	if (v->reason)
		assert_string_equal(c->reason, v->reason);
}

static void conversations_end_as_the_rfcs_say(void **state)
{
	(void)state;
	/* The same whoever has dialled. */
	for (size_t i = 0; i < 2 * ARRAY_SIZE(conversations); i++) {
		void *f = NULL;

		setup(&f);
		((struct fixture *)f)->conn.is_passive = i & 1;
		hold_conversation(&((struct fixture *)f)->conn, &conversations[i / 2]);
		teardown(&f);
	}
}

/* A stream of some valid messages, sometimes with one octet changed. */
static size_t random_stream(struct rng *rng, uint8_t *buf, size_t cap)
{
	static const char *const words[] = {KEEPALIVE, ROUTE,          "05 0001 00 01",
					    ROUTE,     "02 0000 0000", "03 0602"};
	size_t n = message(buf, OPEN);

	n += message(buf + n, KEEPALIVE);
	while (n + 200 < cap && rng_below(rng, 12) > 0)
		n += message(buf + n, words[rng_below(rng, ARRAY_SIZE(words) - 1)]);
	n += message(buf + n, words[rng_below(rng, ARRAY_SIZE(words))]);
	if (rng_below(rng, 2))
		buf[rng_below(rng, n)] ^= (uint8_t)(1u << rng_below(rng, 8));
	return n;
}

static void receive_split(struct rng *rng, struct bgp_conn *c, const uint8_t *data, size_t len)
{
	size_t most = 1 + rng_below(rng, 30), n;

	for (; len > 0; data += n, len -= n) {
		n = 1 + rng_below(rng, most);
		n = n < len ? n : len;
		receive(c, NOW, data, n);
	}
}

static void assert_same(struct bgp_conn *a, struct bgp_conn *b)
{
	uint8_t out_a[BGP_MESSAGE_MAX], out_b[BGP_MESSAGE_MAX];
	size_t n = bgp_conn_transmit(a, NOW, out_a, sizeof(out_a));

	assert_int_equal(a->state, b->state);
	assert_int_equal(n, bgp_conn_transmit(b, NOW, out_b, sizeof(out_b)));
	assert_memory_equal(out_a, out_b, n);
	assert_string_equal(a->reason, b->reason);
	assert_int_equal(a->routes_received, b->routes_received);
	assert_memory_equal(&a->counters, &b->counters, sizeof(a->counters));
	assert_int_equal(bgp_conn_deadline(a), bgp_conn_deadline(b));
}

static void any_split_of_the_stream_gives_the_same_behaviour(void **state)
{
	struct rng rng;
	uint8_t buf[2048];

	(void)state;
	rng_seed(&rng, 42);
	for (int round = 0; round < 2000; round++) {
		size_t n = random_stream(&rng, buf, sizeof(buf));
		void *whole = NULL, *split = NULL;

		setup(&whole);
		setup(&split);
		struct bgp_conn *a = &((struct fixture *)whole)->conn;
		struct bgp_conn *b = &((struct fixture *)split)->conn;

		for (int i = 0; i < 2; i++) {
			bgp_conn_notify(i ? a : b, NOW, BGP_NOTE_START);
			bgp_conn_notify(i ? a : b, NOW, BGP_NOTE_TCP_UP);
		}
		receive(a, NOW, buf, n);
		receive_split(&rng, b, buf, n);
		assert_same(a, b);
		teardown(&whole);
		teardown(&split);
	}
}

static void hold_time_is_the_lesser_and_keepalive_a_third_of_it(void **state)
{
	static const struct {
		uint16_t ours, theirs, configured, hold, keepalive;
	} cases[] = {{90, 180, 30, 90, 30}, {90, 9, 30, 9, 3},   {9, 90, 3, 9, 3},
		     {90, 90, 10, 90, 10},  {90, 90, 0, 90, 30}, {3, 90, 30, 3, 1},
		     {90, 0, 30, 0, 0},     {0, 90, 30, 0, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char open[64];
		void *p = NULL;
		struct fixture *f;

		setup(&p);
		f = p;
		f->config.hold_s = cases[i].ours;
		f->config.keepalive_s = cases[i].configured;
		(void)snprintf(open, sizeof(open), "01 04 fbf5 %04x 0a000002 00", cases[i].theirs);
		bgp_conn_notify(&f->conn, NOW, BGP_NOTE_START);
		bgp_conn_notify(&f->conn, NOW, BGP_NOTE_TCP_UP);
		receive_hex(&f->conn, NOW, open);
		receive_hex(&f->conn, NOW, KEEPALIVE);
		assert_int_equal(f->conn.hold_s, cases[i].hold);
		assert_int_equal(f->conn.keepalive_s, cases[i].keepalive);
		assert_int_equal(bgp_conn_deadline(&f->conn) == NSEC_NEVER, cases[i].hold == 0);
		teardown(&p);
	}
}

static void hold_timer_expiry_sends_notification_4_0_exactly_then(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	f->conn.keepalive_at = NSEC_NEVER; /* another test's matter */
	bgp_conn_tick(&f->conn, NOW + SECONDS(90) - 1);
	assert_int_equal(f->conn.state, BGP_ESTABLISHED);
	bgp_conn_tick(&f->conn, NOW + SECONDS(90));
	assert_int_equal(f->conn.state, BGP_IDLE);
	assert_string_equal(sent(&f->conn, NOW).s, "NOTIFICATION 4/0");
	assert_string_equal(f->conn.reason, "hold timer expired");
}

/* From the OPEN on it is the agreed time, no longer that of OpenSent. */
static void silent_peer_leaves_open_confirm_when_the_hold_time_is_over(void **state)
{
	struct fixture *f = *state;

	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_START);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_TCP_UP);
	receive_hex(&f->conn, NOW + SECONDS(3), OPEN);
	assert_int_equal(f->conn.state, BGP_OPEN_CONFIRM);
	bgp_conn_tick(&f->conn, NOW + SECONDS(93) - 1);
	assert_int_equal(f->conn.state, BGP_OPEN_CONFIRM);
	bgp_conn_tick(&f->conn, NOW + SECONDS(93));
	assert_int_equal(f->conn.state, BGP_IDLE);
}

/* Hold time 0 (RFC 4271 4.2) is for Established: a peer that says no KEEPALIVE keeps no slot. */
static void silent_peer_without_a_hold_time_leaves_open_confirm(void **state)
{
	struct fixture *f = *state;

	f->config.hold_s = 0;
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_START);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_TCP_UP);
	receive_hex(&f->conn, NOW, OPEN);
	assert_int_equal(f->conn.state, BGP_OPEN_CONFIRM);
	assert_int_equal(bgp_conn_deadline(&f->conn), NOW + SECONDS(BGP_OPEN_HOLD_S));
	(void)sent(&f->conn, NOW);
	bgp_conn_tick(&f->conn, NOW + SECONDS(BGP_OPEN_HOLD_S));
	assert_int_equal(f->conn.state, BGP_IDLE);
	assert_string_equal(sent(&f->conn, NOW).s, "NOTIFICATION 4/0");
}

static void keepalives_come_at_three_quarters_to_all_of_the_interval(void **state)
{
	struct fixture *f = *state;
	nsec_t now = NOW, least = NSEC_NEVER, most = 0;

	establish(f, NOW);
	for (int i = 0; i < 500; i++) {
		nsec_t gap = f->conn.keepalive_at - now;

		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
		now += gap;
		receive_hex(&f->conn, now, KEEPALIVE);
		bgp_conn_notify(&f->conn, now, BGP_NOTE_SENT);
		bgp_conn_tick(&f->conn, now);
		assert_string_equal(sent(&f->conn, now).s, "KEEPALIVE");
		assert_string_equal(sent(&f->conn, now).s, "");
	}
	assert_in_range(least, SECONDS(22.5), SECONDS(23));
	assert_in_range(most, SECONDS(29.5), SECONDS(30));
}

static void an_update_sent_restarts_the_keepalive_timer(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	script_set(f->rib, "203.0.113.1/32", 0);
	assert_string_equal(sent(&f->conn, NOW + SECONDS(20)).s, "UPDATE(+1)");
	assert_true(f->conn.keepalive_at >= NOW + SECONDS(42.5));
}

static void send_hold_expiry_closes_without_a_notification(void **state)
{
	struct fixture *f = *state;
	nsec_t now = NOW;

	establish(f, NOW);
	for (; now < NOW + SECONDS(600); now += SECONDS(10)) {
		receive_hex(&f->conn, now, KEEPALIVE);
		bgp_conn_tick(&f->conn, now);
		if (now == NOW + SECONDS(100))
			bgp_conn_notify(&f->conn, now, BGP_NOTE_SENT);
		if (f->conn.state != BGP_ESTABLISHED)
			break;
	}
	assert_int_equal(now, NOW + SECONDS(100 + 480));
	assert_true(f->conn.want_close);
	assert_string_equal(sent(&f->conn, now).s, "");
	assert_non_null(strstr(f->conn.reason, "send hold timer"));
}

static void malformed_routes_are_withdrawn(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	receive_hex(&f->conn, NOW, ROUTE);
	assert_int_equal(f->conn.routes_received, 1);
	receive_hex(&f->conn, NOW,
		    "02 0000 0014 40010109 4002 06 02010000fbf5 400304 c0000202 18c63364");
	assert_int_equal(f->conn.routes_received, 0);
	assert_int_equal(f->conn.counters.updates_received, 2);
	assert_int_equal(f->conn.state, BGP_ESTABLISHED);
}

static void cease_subcodes_follow_the_note(void **state)
{
	static const struct {
		enum bgp_note note;
		const char *sent;
	} cases[] = {{BGP_NOTE_STOP, "NOTIFICATION 6/2"},
		     {BGP_NOTE_DECONFIGURED, "NOTIFICATION 6/3"},
		     {BGP_NOTE_RECONFIGURED, "NOTIFICATION 6/6"},
		     {BGP_NOTE_BFD_DOWN, "NOTIFICATION 6/10"},
		     {BGP_NOTE_RESTARTING, ""},
		     {BGP_NOTE_TCP_FAILED, ""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		void *p = NULL;
		struct fixture *f;

		setup(&p);
		f = p;
		establish(f, NOW);
		bgp_conn_notify(&f->conn, NOW, cases[i].note);
		assert_int_equal(f->conn.state, BGP_IDLE);
		assert_true(f->conn.want_close);
		assert_string_equal(sent(&f->conn, NOW).s, cases[i].sent);
		teardown(&p);
	}
}

static void dial_that_hangs_is_given_up_and_tried_again(void **state)
{
	struct fixture *f = *state;
	enum bgp_event_type type;

	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_START);
	assert_true(bgp_conn_poll(&f->conn, &type));
	assert_int_equal(type, BGP_EVENT_CONNECT);
	assert_int_equal(bgp_conn_deadline(&f->conn), NOW + SECONDS(10));
	bgp_conn_tick(&f->conn, NOW + SECONDS(10));
	assert_true(bgp_conn_poll(&f->conn, &type));
	assert_int_equal(type, BGP_EVENT_CLOSE);
	assert_true(bgp_conn_poll(&f->conn, &type));
	assert_int_equal(type, BGP_EVENT_CONNECT);
	assert_false(bgp_conn_poll(&f->conn, &type));
}

static void end_of_rib_counts_for_the_sessions_own_families_only(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW); /* IPv4 unicast */
	receive_hex(&f->conn, NOW, "02 0000 0007 900f 0003 0002 01");
	receive_hex(&f->conn, NOW, "02 0000 0007 900f 0003 0001 80"); /* VPN-IPv4: not ours */
	receive_hex(&f->conn, NOW, "02 0000 0007 900f 0003 0019 46");
	assert_int_equal(f->conn.state, BGP_ESTABLISHED);
	assert_int_equal(f->conn.end_of_rib_received.bits, 0);
	receive_hex(&f->conn, NOW, "02 0000 0000");
	assert_int_equal(f->conn.end_of_rib_received.bits, BGP_FAMILY_BIT(BGP_IPV4_UNICAST));
}

/* RFC 9234 5: from a customer, with Only to Customer. What is announced counts, each time. */
static void leaked_routes_are_counted(void **state)
{
	struct fixture *f = *state;

	f->config.has_role = true;
	f->config.role = BGP_ROLE_PROVIDER;
	establish(f, NOW);
	receive_hex(&f->conn, NOW, ROUTE);
	assert_int_equal(f->conn.counters.leaks_received, 0);
	for (unsigned i = 1; i <= 2; i++) {
		receive_hex(&f->conn, NOW,
			    "02 0000 001b 40010100 400206 02010000fbf5 400304 c0000202"
			    " c02304 0000fbf5 18c63364 18c63365");
		assert_int_equal(f->conn.counters.leaks_received, 2 * i);
	}
	assert_int_equal(f->conn.state, BGP_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations_end_as_the_rfcs_say),
		cmocka_unit_test(any_split_of_the_stream_gives_the_same_behaviour),
		cmocka_unit_test(hold_time_is_the_lesser_and_keepalive_a_third_of_it),
		TEST(hold_timer_expiry_sends_notification_4_0_exactly_then),
		TEST(silent_peer_leaves_open_confirm_when_the_hold_time_is_over),
		TEST(silent_peer_without_a_hold_time_leaves_open_confirm),
		TEST(keepalives_come_at_three_quarters_to_all_of_the_interval),
		TEST(an_update_sent_restarts_the_keepalive_timer),
		TEST(send_hold_expiry_closes_without_a_notification),
		TEST(malformed_routes_are_withdrawn),
		cmocka_unit_test(cease_subcodes_follow_the_note),
		TEST(dial_that_hangs_is_given_up_and_tried_again),
		TEST(end_of_rib_counts_for_the_sessions_own_families_only),
		TEST(leaked_routes_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
