// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What transmit() writes: whole messages, the urgent ones first, UPDATEs packed, End-of-RIB when
 * and only when RFC 4724 4.1 wants it.
 */
#include "bgp_conn_script.h"

#include "base/limits.h"
#include "bgp/bgp_attrs.h"

static void notification_goes_before_everything_but_an_unsent_open(void **state)
{
	struct fixture *f = *state;

	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_START);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_TCP_UP);
	receive_hex(&f->conn, NOW, OPEN); /* a KEEPALIVE is due */
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_STOP);
	assert_string_equal(sent(&f->conn, NOW).s, "OPEN NOTIFICATION 6/2");
	assert_string_equal(sent(&f->conn, NOW).s, "");
}

static void keepalive_goes_before_updates(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	script_set(f->rib, "203.0.113.1/32", 0);
	bgp_conn_tick(&f->conn, NOW + SECONDS(31));
	assert_string_equal(sent(&f->conn, NOW + SECONDS(31)).s, "KEEPALIVE UPDATE(+1)");
}

static void pending_notification_dies_with_its_connection(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_STOP);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_START);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_TCP_UP);
	assert_string_equal(sent(&f->conn, NOW).s, "OPEN");
}

static void many_routes_are_packed_into_full_messages(void **state)
{
	struct fixture *f = *state;
	static uint8_t buf[128 << 10];
	char prefix[32];
	size_t n;

	establish(f, NOW);
	for (unsigned i = 0; i < 8000; i++) {
		(void)snprintf(prefix, sizeof(prefix), "10.1.%u.%u/32", i / 256, i % 256);
		script_set(f->rib, prefix, 0);
	}
	n = bgp_conn_transmit(&f->conn, NOW, buf, sizeof(buf));
	(void)script_text_of(buf, n);
	assert_false(bgp_rib_dirty(f->rib, BGP_IPV4_UNICAST));
	assert_int_equal(f->conn.counters.updates_sent, 10);
	assert_in_range(n, 8000 * 5, 8000 * 5 + 10 * 80);
}

static void small_buffer_gets_whole_messages_until_clean(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[BGP_MESSAGE_MAX];
	char prefix[32];
	size_t n, calls = 0;

	establish(f, NOW);
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(prefix, sizeof(prefix), "10.1.%u.%u/32", i / 256, i % 256);
		script_set(f->rib, prefix, i % 3);
	}
	while ((n = bgp_conn_transmit(&f->conn, NOW, buf, sizeof(buf))) > 0) {
		(void)script_text_of(buf, n);
		calls++;
	}
	assert_int_equal(bgp_rib_n_advertised(f->rib), 3000);
	assert_in_range(calls, 5, 20);
}

static void largest_attribute_set_still_fits_the_smallest_buffer(void **state)
{
	struct fixture *f = *state;
	struct large_community large[LIMIT_COMMUNITIES];
	struct bgp_attrs attrs = {
		.prepend = 255, .has_med = true, .large = large, .n_large = LIMIT_COMMUNITIES};
	uint8_t buf[BGP_MESSAGE_MAX];

	for (uint32_t i = 0; i < LIMIT_COMMUNITIES; i++)
		large[i] = (struct large_community){1, 2, i};
	f->config.local_asn = 4200000000; /* AS4_PATH beside AS_PATH: the largest of all */
	establish_with(f, NOW, OPEN_OLD);
	for (uint32_t i = 0; i < 1000; i++) {
		struct ip_addr a = ip_addr_from_v4(0x0a000000 + i);
		struct ip_prefix p = ip_prefix_of(&a, 32);

		assert_true(bgp_rib_set(f->rib, &p, &attrs));
	}
	while (bgp_rib_dirty(f->rib, BGP_IPV4_UNICAST))
		assert_true(bgp_conn_transmit(&f->conn, NOW, buf, sizeof(buf)) > 0);
	assert_int_equal(bgp_rib_n_advertised(f->rib), 1000);
}

/* A set that leaves little room: each message is full but for the last of the first batch. */
static void each_route_of_a_large_set_goes_out_once_in_full_messages(void **state)
{
	enum { N = 800 + 5 * 348 };
	struct fixture *f = *state;
	struct large_community large[LIMIT_COMMUNITIES];
	const struct bgp_attrs attrs = {
		.prepend = 255, .has_med = true, .large = large, .n_large = LIMIT_COMMUNITIES};
	const struct bgp_update_session session = {.local_asn = REMOTE_ASN};
	uint8_t buf[64 << 10], *at = buf;
	unsigned times[N] = {0};
	struct bgp_frame frame;
	struct bgp_update u;
	struct bgp_error e;
	struct ip_prefix p;
	size_t n_longest = 0;

	for (uint32_t i = 0; i < LIMIT_COMMUNITIES; i++)
		large[i] = (struct large_community){1, 2, i};
	f->config.local_asn = 4200000000;
	establish_with(f, NOW, OPEN_OLD);
	for (uint32_t i = 0; i < N; i++) {
		const struct ip_addr a = ip_addr_from_v4(0x0a000000 + i);

		p = ip_prefix_of(&a, 32);
		assert_true(bgp_rib_set(f->rib, &p, &attrs));
	}
	for (size_t len = bgp_conn_transmit(&f->conn, NOW, buf, sizeof(buf)); len > 0;
	     at += frame.len, len -= frame.len) {
		assert_int_equal(bgp_header_parse(at, len, BGP_MESSAGE_MAX, &frame, &e),
				 BGP_FRAME_MESSAGE);
		assert_int_equal(bgp_update_decode(frame.body, &session, &u, &e), BGP_UPDATE_OK);
		n_longest = u.n_announced > n_longest ? u.n_announced : n_longest;
		while (bgp_nlri_next(&u.nlri, &p))
			times[ip_addr_v4(&p.addr) - 0x0a000000]++;
	}
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(times[i], 1);
	assert_false(bgp_rib_dirty(f->rib, BGP_IPV4_UNICAST));
	assert_int_equal(f->conn.counters.updates_sent, 3 + (N - 800 + n_longest - 1) / n_longest);
}

static void end_of_rib_waits_for_synced_and_for_the_last_route(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	script_set(f->rib, "203.0.113.1/32", 0);
	assert_string_equal(sent(&f->conn, NOW).s, "UPDATE(+1)");
	script_set(f->rib, "203.0.113.2/32", 0);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_SYNCED);
	assert_string_equal(sent(&f->conn, NOW).s, "UPDATE(+1) EOR");
	script_set(f->rib, "203.0.113.3/32", 0);
	assert_string_equal(sent(&f->conn, NOW).s, "UPDATE(+1)");
}

static void end_of_rib_is_sent_for_an_empty_table(void **state)
{
	struct fixture *f = *state;

	establish(f, NOW);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_SYNCED);
	assert_string_equal(sent(&f->conn, NOW).s, "EOR");
	assert_string_equal(sent(&f->conn, NOW).s, "");
}

/* --- two families --------------------------------------------------------------------------- */

#define V4 BGP_FAMILY_BIT(BGP_IPV4_UNICAST)
#define V6 BGP_FAMILY_BIT(BGP_IPV6_UNICAST)
/* OPEN with both families, route refresh and enhanced route refresh; and with IPv4 alone. */
#define OPEN_BOTH                                                                                  \
	"01 04 fbf5 005a 0a000002 18 0216 0104 0001 0001 0104 0002 0001 4104 0000fbf5 0200 4600"
#define OPEN_IPV4    "01 04 fbf5 005a 0a000002 12 0210 0104 0001 0001 4104 0000fbf5 0200 4600"
#define REFRESH_IPV4 "05 0001 00 01"
#define REFRESH_IPV6 "05 0002 00 01"

static void offer_both(struct fixture *f)
{
	f->config.families.bits = V4 | V6;
}

static void each_family_has_an_end_of_rib_of_its_own(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[BGP_MESSAGE_MAX + 100];
	size_t n, calls = 0;

	offer_both(f);
	establish_with(f, NOW, OPEN_BOTH);
	for (uint32_t i = 0; i < 2000; i++) {
		char prefix[32];

		(void)snprintf(prefix, sizeof(prefix), "10.1.%u.%u/32", i / 256, i % 256);
		script_set(f->rib, prefix, 0);
	}
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_SYNCED);
	for (; (n = bgp_conn_transmit(&f->conn, NOW, buf, sizeof(buf))) > 0; calls++) {
		bool more = bgp_rib_dirty(f->rib, BGP_IPV4_UNICAST);

		(void)script_text_of(buf, n);
		/* IPv6 has no routes, so its End-of-RIB waits for none. */
		assert_int_equal(f->conn.end_of_rib_sent.bits, more ? V6 : V4 | V6);
		assert_int_equal(bgp_conn_end_of_rib_sent(&f->conn), !more);
	}
	assert_in_range(calls, 3, 20);
}

static void a_refresh_of_one_family_leaves_the_other(void **state)
{
	struct fixture *f = *state;

	offer_both(f);
	establish_with(f, NOW, OPEN_BOTH);
	script_set(f->rib, "203.0.113.1/32", 0);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_SYNCED);
	assert_string_equal(sent(&f->conn, NOW).s, "UPDATE(+1) EOR EOR");
	receive_hex(&f->conn, NOW, REFRESH_IPV6);
	assert_string_equal(sent(&f->conn, NOW).s, "REFRESH(1) REFRESH(2)");
	receive_hex(&f->conn, NOW, REFRESH_IPV4);
	assert_string_equal(sent(&f->conn, NOW).s, "REFRESH(1) UPDATE(+1) REFRESH(2)");
	receive_hex(&f->conn, NOW, REFRESH_IPV4);
	receive_hex(&f->conn, NOW, REFRESH_IPV6);
	assert_string_equal(sent(&f->conn, NOW).s,
			    "REFRESH(1) REFRESH(1) UPDATE(+1) REFRESH(2) REFRESH(2)");
}

/* A family that only one side lists is none of the session: nothing is sent or answered for it. */
static void assert_ipv6_left_alone(struct fixture *f, unsigned ours, const char *open)
{
	f->config.families.bits = (uint8_t)ours;
	establish_with(f, NOW, open);
	script_set(f->rib, "203.0.113.1/32", 0);
	script_set(f->rib, "2001:db8::/32", 0);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_SYNCED);
	assert_string_equal(sent(&f->conn, NOW).s, "UPDATE(+1) EOR");
	assert_true(bgp_conn_end_of_rib_sent(&f->conn));
	receive_hex(&f->conn, NOW, REFRESH_IPV6);
	assert_string_equal(sent(&f->conn, NOW).s, "");
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_STOP);
	assert_false(bgp_conn_end_of_rib_sent(&f->conn));
}

static void a_family_of_ours_alone_is_left_alone(void **state)
{
	assert_ipv6_left_alone(*state, V4 | V6, OPEN_IPV4);
}

static void a_family_of_the_peer_alone_is_left_alone(void **state)
{
	assert_ipv6_left_alone(*state, V4, OPEN_BOTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notification_goes_before_everything_but_an_unsent_open),
		TEST(keepalive_goes_before_updates),
		TEST(pending_notification_dies_with_its_connection),
		TEST(many_routes_are_packed_into_full_messages),
		TEST(small_buffer_gets_whole_messages_until_clean),
		TEST(largest_attribute_set_still_fits_the_smallest_buffer),
		TEST(each_route_of_a_large_set_goes_out_once_in_full_messages),
		TEST(end_of_rib_waits_for_synced_and_for_the_last_route),
		TEST(end_of_rib_is_sent_for_an_empty_table),
		TEST(each_family_has_an_end_of_rib_of_its_own),
		TEST(a_refresh_of_one_family_leaves_the_other),
		TEST(a_family_of_ours_alone_is_left_alone),
		TEST(a_family_of_the_peer_alone_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
