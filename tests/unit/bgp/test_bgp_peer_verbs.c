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
		p = bgp_peer_new(&config, &rng, NOW);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_may_come_in_one_read),
		cmocka_unit_test(changed_connect_time_counts_for_an_attempt_to_come),
		cmocka_unit_test(each_seed_has_its_own_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
