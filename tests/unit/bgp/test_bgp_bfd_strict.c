// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFD strict mode (draft-ietf-idr-bgp-bfd-strict-mode): a session waits for BFD between the OPENs
 * and its KEEPALIVE, and no longer than the hold time.
 */
#include "bgp_peer_script.h"

static struct bgp_peer_config strict_config(void)
{
	struct bgp_peer_config config = script_config();

	config.bfd_strict = true;
	return config;
}

/* TCP is up on the slot and the OPENs are exchanged; what was sent. */
static struct script_text exchange_opens(struct bgp_peer *p, enum bgp_slot slot)
{
	const struct bgp_open open = script_open();

	bgp_peer_notify(p, NOW, slot, BGP_NOTE_TCP_UP);
	say_open(p, NOW, slot, &open);
	(void)events(p);
	return sent(p, NOW, slot);
}

static struct bgp_peer *waiting_peer(const struct bgp_peer_config *config)
{
	struct bgp_peer *p = started_peer(config);

	assert_string_equal(exchange_opens(p, D).s, "OPEN");
	assert_int_equal(bgp_peer_info(p).state, BGP_OPEN_CONFIRM);
	return p;
}

static void the_open_says_it(void **state)
{
	struct bgp_peer_config config = strict_config();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	(void)exchange_opens(p, D);
	assert_true(bgp_peer_info(p).ours->bfd_strict);
	bgp_peer_free(p);
	config.bfd_strict = false;
	p = started_peer(&config);
	assert_string_equal(exchange_opens(p, D).s, "OPEN KEEPALIVE");
	assert_false(bgp_peer_info(p).ours->bfd_strict);
	bgp_peer_free(p);
}

static void the_keepalive_waits_for_bfd(void **state)
{
	const struct bgp_peer_config config = strict_config();
	struct bgp_peer *p = waiting_peer(&config);

	(void)state;
	assert_string_equal(bgp_peer_info(p).last_error, "waits for its BFD session (bfd-strict)");
	/* Nor does time bring it. */
	bgp_peer_tick(p, NOW + SECONDS(60));
	assert_string_equal(sent(p, NOW + SECONDS(60), D).s, "");
	bgp_peer_set_bfd(p, NOW + SECONDS(60), true);
	assert_string_equal(sent(p, NOW + SECONDS(60), D).s, "KEEPALIVE");
	assert_int_equal(bgp_peer_info(p).state, BGP_OPEN_CONFIRM);
	say_keepalive(p, NOW + SECONDS(61), D);
	assert_string_equal(events(p).s, "UP");
	bgp_peer_free(p);
}

static void a_keepalive_that_came_meanwhile_is_not_forgotten(void **state)
{
	const struct bgp_peer_config config = strict_config();
	struct bgp_peer *p = waiting_peer(&config);

	(void)state;
	for (unsigned s = 30; s <= 180; s += 30)
		say_keepalive(p, NOW + SECONDS(s), D);
	bgp_peer_tick(p, NOW + SECONDS(200)); /* each has begun the hold time anew */
	assert_int_equal(bgp_peer_info(p).state, BGP_OPEN_CONFIRM);
	assert_string_equal(events(p).s, "");
	bgp_peer_set_bfd(p, NOW + SECONDS(200), true);
	assert_string_equal(events(p).s, "UP");
	assert_string_equal(sent(p, NOW + SECONDS(200), D).s, "KEEPALIVE");
	bgp_peer_free(p);
}

static void bfd_that_is_up_already_costs_nothing(void **state)
{
	const struct bgp_peer_config config = strict_config();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	bgp_peer_set_bfd(p, NOW, true);
	assert_string_equal(exchange_opens(p, D).s, "OPEN KEEPALIVE");
	bgp_peer_free(p);
}

static void without_strict_nobody_waits(void **state)
{
	const struct bgp_peer_config config = script_config();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	bgp_peer_set_bfd(p, NOW, false);
	assert_string_equal(exchange_opens(p, D).s, "OPEN KEEPALIVE");
	bgp_peer_free(p);
}

static void the_wait_ends_with_the_hold_time_and_6_10(void **state)
{
	static const struct {
		uint16_t hold_s;
		unsigned most_s;
	} cases[] = {{90, 90}, {9, 9}, {0, 30}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const nsec_t end = NOW + SECONDS(cases[i].most_s);
		struct bgp_peer_config config = strict_config();
		struct bgp_peer *p;

		config.hold_s = cases[i].hold_s;
		config.keepalive_s = config.hold_s / 3;
		p = waiting_peer(&config);
		assert_int_equal(bgp_peer_deadline(p), end);
		bgp_peer_tick(p, end);
		assert_string_equal(sent(p, end, D).s, "NOTIFICATION 6/10");
		assert_string_equal(bgp_peer_info(p).last_error,
				    "the BFD session did not come up (bfd-strict)");
		(void)wait_for_connect(p, end);
		bgp_peer_free(p);
	}
}

static void a_session_that_bfd_ended_waits_for_it(void **state)
{
	const struct bgp_peer_config config = strict_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);
	nsec_t now;

	(void)state;
	bgp_peer_set_bfd(p, NOW, true);
	bring_up(p, NOW, D, &open);
	bgp_peer_set_bfd(p, NOW, false);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_BFD_DOWN);
	assert_string_equal(sent(p, NOW, D).s, "NOTIFICATION 6/10");
	now = wait_for_connect(p, NOW);
	bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
	say_open(p, now, D, &open);
	assert_string_equal(sent(p, now, D).s, "OPEN");
	/* Down again while it waits is no end of the attempt's hope, but of the attempt. */
	bgp_peer_notify(p, now, D, BGP_NOTE_BFD_DOWN);
	assert_string_equal(sent(p, now, D).s, "NOTIFICATION 6/10");
	assert_int_equal(bgp_peer_info(p).state, BGP_IDLE);
	bgp_peer_free(p);
}

static void a_configuration_without_strict_ends_the_wait(void **state)
{
	struct bgp_peer_config config = strict_config();
	struct bgp_peer *p = waiting_peer(&config);

	(void)state;
	config.keepalive_s = 5;
	bgp_peer_reconfigure(p, NOW, &config);
	assert_string_equal(sent(p, NOW + SECONDS(10), D).s, "");
	config.bfd_strict = false;
	bgp_peer_reconfigure(p, NOW, &config);
	assert_string_equal(sent(p, NOW, D).s, "KEEPALIVE");
	assert_true(bgp_peer_deadline(p) <= NOW + SECONDS(5));
	bgp_peer_free(p);
}

static void of_two_connections_that_wait_one_is_left(void **state)
{
	const struct bgp_peer_config config = strict_config();
	struct bgp_peer *p = waiting_peer(&config);

	(void)state;
	assert_true(bgp_peer_accept(p, NOW));
	(void)exchange_opens(p, A);
	/* The other side has the higher identifier: its connection stays (RFC 4271 6.8). */
	assert_string_equal(sent(p, NOW, D).s, "NOTIFICATION 6/7");
	say_keepalive(p, NOW, A);
	bgp_peer_set_bfd(p, NOW, true);
	assert_string_equal(sent(p, NOW, A).s, "KEEPALIVE");
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	bgp_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_open_says_it),
		cmocka_unit_test(the_keepalive_waits_for_bfd),
		cmocka_unit_test(a_keepalive_that_came_meanwhile_is_not_forgotten),
		cmocka_unit_test(bfd_that_is_up_already_costs_nothing),
		cmocka_unit_test(without_strict_nobody_waits),
		cmocka_unit_test(the_wait_ends_with_the_hold_time_and_6_10),
		cmocka_unit_test(a_session_that_bfd_ended_waits_for_it),
		cmocka_unit_test(a_configuration_without_strict_ends_the_wait),
		cmocka_unit_test(of_two_connections_that_wait_one_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
