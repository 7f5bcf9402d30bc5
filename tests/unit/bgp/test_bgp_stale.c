// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What becomes of a peer's routes when its session ends, in whatever way, and comes again (RFC 4724
 * 4.2, RFC 8538 4); and that routes are asked for when there is a reason to (RFC 2918, RFC 7313).
 */
#include "bgp_peer_script.h"

#define V4 BGP_FAMILY_BIT(BGP_IPV4_UNICAST)

static const struct bgp_import all = {.all = true, .max_prefixes = 100};

static struct bgp_open gr_open(bool notification, bool forwarding)
{
	struct bgp_open open = script_open();

	open.enhanced_refresh = true;
	open.gr = (struct bgp_graceful_restart){.present = true,
						.time_s = 60,
						.notification = notification,
						.families = {V4},
						.forwarding = {forwarding ? V4 : 0}};
	return open;
}

static void say_route(struct bgp_peer *p, nsec_t now, const char *text, bool announce)
{
	const struct bgp_update_session s = {.local_asn = REMOTE_ASN,
					     .as4 = true,
					     .families = {V4},
					     .local = {.ipv4 = ip_addr_from_v4(0xc0000202)}};
	const struct bgp_attrs attrs = {.origin = BGP_ORIGIN_IGP};
	struct ip_prefix prefix;
	const struct bgp_update_batch batch = {.family = BGP_IPV4_UNICAST,
					       .attrs = announce ? &attrs : NULL,
					       .prefixes = &prefix,
					       .n = 1};
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t taken;

	assert_true(ip_prefix_parse(text, &prefix));
	bgp_peer_receive(p, now, D, buf, bgp_update_encode(buf, sizeof(buf), &s, &batch, &taken));
}

static void say_end_of_rib(struct bgp_peer *p, nsec_t now)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_receive(p, now, D, buf, bgp_end_of_rib_encode(buf, sizeof(buf), BGP_IPV4_UNICAST));
}

static size_t accepted(struct bgp_peer *p)
{
	return bgp_rib_in_counts(bgp_peer_rib_in(p)).n_accepted;
}

/* A session whose peer has sent two routes and End-of-RIB. */
static struct bgp_peer *with_routes(const struct bgp_open *open, bool gr)
{
	struct bgp_peer_config config = script_config();
	struct bgp_peer *p;

	config.graceful_restart = gr;
	p = started_peer(&config);
	assert_true(bgp_peer_set_import(p, &all));
	bring_up(p, NOW, D, open);
	say_route(p, NOW, "203.0.113.0/24", true);
	say_route(p, NOW, "198.51.100.0/24", true);
	assert_false(bgp_peer_info(p).end_of_rib_received);
	say_end_of_rib(p, NOW);
	assert_true(bgp_peer_info(p).end_of_rib_received);
	assert_int_equal(accepted(p), 2);
	return p;
}

static void routes_go_with_a_session_without_graceful_restart(void **state)
{
	const struct bgp_open open = script_open(), theirs = gr_open(true, true);
	struct bgp_peer *p = with_routes(&open, true);

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_int_equal(accepted(p), 0);
	bgp_peer_free(p);
	p = with_routes(&theirs, false); /* which we have not offered */
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_int_equal(accepted(p), 0);
	bgp_peer_free(p);
}

static void they_stay_over_a_restart_and_are_swept_at_end_of_rib(void **state)
{
	const struct bgp_open open = gr_open(false, true);
	struct bgp_peer *p = with_routes(&open, true);
	nsec_t now;

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	assert_int_equal(accepted(p), 2);
	assert_int_equal(bgp_peer_info(p).stale_until, NOW + SECONDS(60));
	now = wait_for_connect(p, NOW);
	bring_up(p, now, D, &open);
	say_route(p, now, "203.0.113.0/24", true);
	assert_int_equal(accepted(p), 2);
	say_end_of_rib(p, now);
	assert_int_equal(accepted(p), 1);
	assert_int_equal(bgp_peer_info(p).stale_until, NSEC_NEVER);
	bgp_peer_free(p);
}

static void they_go_when_the_peer_does_not_come_back_in_time(void **state)
{
	const struct bgp_open open = gr_open(false, true);
	struct bgp_peer *p = with_routes(&open, true);
	nsec_t now = NOW;

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	while (now < NOW + SECONDS(60)) {
		assert_int_equal(accepted(p), 2);
		now = bgp_peer_deadline(p);
		bgp_peer_tick(p, now);
		(void)events(p);
	}
	assert_int_equal(now, NOW + SECONDS(60));
	assert_int_equal(accepted(p), 0);
	bgp_peer_free(p);
}

static void they_go_when_it_has_lost_its_forwarding(void **state)
{
	const struct bgp_open open = gr_open(false, true), lost = gr_open(false, false),
			      without = script_open();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bgp_peer *p = with_routes(&open, true);
		nsec_t now;

		bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
		now = wait_for_connect(p, NOW);
		bring_up(p, now, D, i ? &lost : &without);
		assert_int_equal(accepted(p), 0);
		bgp_peer_free(p);
	}
}

static void end_of_rib_that_never_comes_is_not_waited_for(void **state)
{
	const struct bgp_open open = gr_open(false, true);
	struct bgp_peer *p = with_routes(&open, true);
	nsec_t now, end;

	(void)state;
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	now = wait_for_connect(p, NOW);
	bring_up(p, now, D, &open);
	end = now + SECONDS(360);
	while (now < end) {
		assert_int_equal(accepted(p), 2);
		say_keepalive(p, now, D);
		now = bgp_peer_deadline(p);
		bgp_peer_tick(p, now);
	}
	assert_int_equal(accepted(p), 0);
	bgp_peer_free(p);
}

/* Which ends keep routes: {the peer says N, what happens} -> whether they stay. */
static void the_way_it_ends_decides(void **state)
{
	enum { TCP, CEASE, HARD_RESET, HOLD, STOP, BFD, AGAIN };
	static const struct {
		bool notification;
		int how;
		bool keeps;
	} cases[] = {{false, TCP, true},  {true, TCP, true},         {false, CEASE, false},
		     {true, CEASE, true}, {true, HARD_RESET, false}, {false, HOLD, false},
		     {true, HOLD, true},  {true, STOP, false},       {true, BFD, false},
		     {false, AGAIN, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bgp_open open = gr_open(cases[i].notification, true);
		struct bgp_peer *p = with_routes(&open, true);
		struct bgp_error e = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_RESET);

		switch (cases[i].how) {
		case TCP:
			bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
			break;
		case HARD_RESET:
			e = bgp_error_hard_reset(&e);
			say_error(p, NOW, D, &e);
			break;
		case CEASE:
			say_error(p, NOW, D, &e);
			break;
		case HOLD:
			bgp_peer_tick(p, NOW + SECONDS(91));
			break;
		case STOP:
			bgp_peer_notify(p, NOW, D, BGP_NOTE_STOP);
			break;
		case BFD:
			bgp_peer_notify(p, NOW, D, BGP_NOTE_BFD_DOWN);
			break;
		default:
			bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_FAILED);
			if (bgp_peer_accept(p, NOW)) {
				bgp_peer_notify(p, NOW, A, BGP_NOTE_TCP_UP);
				say_open(p, NOW, A, &open);
			}
			break;
		}
		assert_int_equal(bgp_peer_info(p).state == BGP_ESTABLISHED, false);
		if (accepted(p) != (cases[i].keeps ? 2 : 0))
			fail_msg("case %zu: %zu routes", i, accepted(p));
		bgp_peer_free(p);
	}
}

static void routes_are_asked_for_when_the_policy_opens(void **state)
{
	struct bgp_peer_config config = script_config();
	struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);
	const struct bgp_import nothing = {.max_prefixes = 0};

	(void)state;
	bring_up(p, NOW, D, &open);
	say_route(p, NOW, "203.0.113.0/24", true);
	assert_int_equal(accepted(p), 0);
	assert_true(bgp_peer_set_import(p, &all));
	assert_string_equal(sent(p, NOW, D).s, "REFRESH(0)");
	assert_string_equal(sent(p, NOW, D).s, "");
	say_route(p, NOW, "203.0.113.0/24", true);
	assert_int_equal(accepted(p), 1);
	assert_true(bgp_peer_set_import(p, &nothing));
	assert_int_equal(accepted(p), 0);
	assert_string_equal(sent(p, NOW, D).s, "");
	bgp_peer_free(p);
	/* One that does not take such requests. */
	open.route_refresh = false;
	p = started_peer(&config);
	bring_up(p, NOW, D, &open);
	assert_false(bgp_peer_set_import(p, &all));
	assert_string_equal(sent(p, NOW, D).s, "");
	bgp_peer_free(p);
}

static void what_a_refresh_does_not_bring_is_gone(void **state)
{
	struct bgp_open open = gr_open(false, true);
	struct bgp_peer *p = with_routes(&open, true);

	(void)state;
	say_refresh_mark(p, NOW, D, BGP_REFRESH_BEGIN);
	assert_int_equal(accepted(p), 2);
	say_route(p, NOW, "198.51.100.0/24", true);
	say_refresh_mark(p, NOW, D, BGP_REFRESH_END);
	assert_int_equal(accepted(p), 1);
	bgp_peer_free(p);
	/* Where one of both has not offered it such marks mean nothing. */
	for (int ours = 0; ours < 2; ours++) {
		open.enhanced_refresh = !ours;
		p = with_routes(&open, ours);
		say_refresh_mark(p, NOW, D, BGP_REFRESH_BEGIN);
		say_refresh_mark(p, NOW, D, BGP_REFRESH_END);
		assert_int_equal(accepted(p), 2);
		bgp_peer_free(p);
	}
}

static void a_withdraw_and_a_malformed_update_take_routes_away(void **state)
{
	const struct bgp_open open = script_open();
	struct bgp_peer *p = with_routes(&open, false);
	/* ORIGIN 9: treated as withdraw (RFC 7606 7.1) */
	static const uint8_t bad[] = {0,    0, 0, 0x14, 0x40, 1,    1,    9,    0x40, 2,
				      6,    2, 1, 0,    0,    0xfb, 0xf5, 0x40, 3,    4,
				      0xc0, 0, 2, 2,    24,   198,  51,   100};
	uint8_t buf[BGP_MESSAGE_MAX];
	struct wcur w = wcur_init(buf, sizeof(buf));

	(void)state;
	say_route(p, NOW, "203.0.113.0/24", false);
	assert_int_equal(accepted(p), 1);
	bgp_message_start(&w, BGP_UPDATE);
	wcur_bytes(&w, bad, sizeof(bad));
	bgp_peer_receive(p, NOW, D, buf, bgp_message_end(&w));
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	assert_int_equal(accepted(p), 0);
	bgp_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_go_with_a_session_without_graceful_restart),
		cmocka_unit_test(they_stay_over_a_restart_and_are_swept_at_end_of_rib),
		cmocka_unit_test(they_go_when_the_peer_does_not_come_back_in_time),
		cmocka_unit_test(they_go_when_it_has_lost_its_forwarding),
		cmocka_unit_test(end_of_rib_that_never_comes_is_not_waited_for),
		cmocka_unit_test(the_way_it_ends_decides),
		cmocka_unit_test(routes_are_asked_for_when_the_policy_opens),
		cmocka_unit_test(what_a_refresh_does_not_bring_is_gone),
		cmocka_unit_test(a_withdraw_and_a_malformed_update_take_routes_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
