// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * GRACEFUL_SHUTDOWN (RFC 8326): all routes are sent again with the community, on iBGP with
 * LOCAL_PREF 0, and once more without when it is taken back; the session stays.
 */
#include "bgp_peer_script.h"

#include "base/cursor.h"

#define ROOM (16 * BGP_MESSAGE_MAX)

static const uint8_t community[] = {0xff, 0xff, 0, 0};
static const uint8_t local_pref_0[] = {0x40, 5, 4, 0, 0, 0, 0};

struct told {
	size_t n_routes;
	bool has_community, has_local_pref_0;
};

static struct told hear(struct bgp_peer *p)
{
	static uint8_t buf[ROOM];
	const struct bgp_update_session session = {.local_asn = REMOTE_ASN,
						   .as4 = true,
						   .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
	struct told told = {0};
	size_t n = bgp_peer_transmit(p, NOW, D, buf, sizeof(buf)), at = 0;
	struct bgp_update u;
	struct bgp_frame f;
	struct bgp_error e;

	while (at < n) {
		assert_int_equal(bgp_header_parse(buf + at, n - at, BGP_MESSAGE_MAX, &f, &e),
				 BGP_FRAME_MESSAGE);
		if (f.type == BGP_UPDATE) {
			assert_true(bgp_update_decode(f.body, &session, &u, &e) <=
				    BGP_UPDATE_ATTRIBUTE_DISCARD);
			told.n_routes += u.n_announced;
		}
		at += f.len;
	}
	told.has_community = memmem(buf, n, community, sizeof(community));
	told.has_local_pref_0 = memmem(buf, n, local_pref_0, sizeof(local_pref_0));
	return told;
}

static void set_routes(struct bgp_peer *p)
{
	static const uint32_t communities[] = {0xfbf40064, 0xffff0000};
	const struct bgp_attrs plain = {.has_local_pref = true, .local_pref = 200};
	const struct bgp_attrs has = {.communities = communities, .n_communities = 2};
	const struct ip_prefix a = script_prefix("198.51.100.0/24");
	const struct ip_prefix b = script_prefix("203.0.113.0/24");

	assert_true(bgp_rib_set(bgp_peer_rib(p), &a, &plain));
	assert_true(bgp_rib_set(bgp_peer_rib(p), &b, &has));
}

static void all_routes_say_that_the_node_leaves_and_that_it_stays(void **state)
{
	(void)state;
	for (int ibgp = 0; ibgp < 2; ibgp++) {
		struct bgp_peer_config config = script_config();
		struct bgp_open open = script_open();
		struct told told;
		struct bgp_peer *p;

		if (ibgp)
			config.remote_asn = open.asn = LOCAL_ASN;
		p = started_peer(&config);
		bring_up(p, NOW, D, &open);
		set_routes(p);
		told = hear(p);
		assert_int_equal(told.n_routes, 2);
		assert_false(told.has_local_pref_0);
		config.graceful_shutdown = true;
		bgp_peer_reconfigure(p, NOW, &config);
		told = hear(p);
		assert_int_equal(told.n_routes, 2);
		assert_true(told.has_community);
		assert_int_equal(told.has_local_pref_0, ibgp);
		assert_int_equal(hear(p).n_routes, 0); /* once */
		bgp_peer_reconfigure(p, NOW, &config);
		assert_int_equal(hear(p).n_routes, 0);
		config.graceful_shutdown = false;
		bgp_peer_reconfigure(p, NOW, &config);
		told = hear(p);
		assert_int_equal(told.n_routes, 2);
		assert_false(told.has_local_pref_0);
		assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
		assert_int_equal(bgp_peer_info(p).routes_advertised, 2);
		bgp_peer_free(p);
	}
}

/* Without a session it is part of what the next one is told first. */
static void a_new_session_is_told_at_once(void **state)
{
	struct bgp_peer_config config = script_config();
	const struct bgp_open open = script_open();
	struct bgp_peer *p = started_peer(&config);

	(void)state;
	script_set(bgp_peer_rib(p), "198.51.100.0/24", 100);
	config.graceful_shutdown = true;
	bgp_peer_reconfigure(p, NOW, &config);
	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	say_open(p, NOW, D, &open);
	say_keepalive(p, NOW, D);
	assert_true(hear(p).has_community);
	bgp_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_routes_say_that_the_node_leaves_and_that_it_stays),
		cmocka_unit_test(a_new_session_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
