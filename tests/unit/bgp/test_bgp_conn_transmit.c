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
	assert_int_equal(f->conn.counters.messages.sent.updates, 10);
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
	const struct bgp_update_session session = {.local_asn = REMOTE_ASN,
						   .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
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
		while (bgp_nlri_next(&u.nlri, BGP_IPV4_UNICAST, &p))
			times[ip_addr_v4(&p.addr) - 0x0a000000]++;
	}
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(times[i], 1);
	assert_false(bgp_rib_dirty(f->rib, BGP_IPV4_UNICAST));
	assert_int_equal(f->conn.counters.messages.sent.updates,
			 3 + (N - 800 + n_longest - 1) / n_longest);
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
	f->conn.gr.present = true; /* with which marks are offered */
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

static void set_v6(struct fixture *f, unsigned n)
{
	char text[32];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8::%x/128", i);
		script_set(f->rib, text, 0);
	}
}

/* Prefixes and next hops of the UPDATEs that it sends now. */
struct heard {
	size_t n_announced, n_withdrawn, n_messages;
	struct ip_addr next_hop; /* of the last with MP_REACH */
};

static struct heard hear(struct bgp_conn *c)
{
	const struct bgp_update_session session = {
		.local_asn = REMOTE_ASN, .as4 = true, .families = {V4 | V6}};
	static uint8_t buf[128 << 10];
	struct heard h = {0};
	struct bgp_frame frame;
	struct bgp_update u;
	struct bgp_error e;
	uint8_t *at = buf;

	for (size_t len = bgp_conn_transmit(c, NOW, buf, sizeof(buf)); len > 0;
	     at += frame.len, len -= frame.len) {
		assert_int_equal(bgp_header_parse(at, len, BGP_MESSAGE_MAX, &frame, &e),
				 BGP_FRAME_MESSAGE);
		assert_int_equal(bgp_update_decode(frame.body, &session, &u, &e), BGP_UPDATE_OK);
		h.n_announced += u.n_announced;
		h.n_withdrawn += u.n_withdrawn;
		h.n_messages++;
		if (u.mp_reach.n)
			h.next_hop = u.mp_next_hop;
	}
	return h;
}

static void both_families_go_out_in_full_messages(void **state)
{
	struct fixture *f = *state;
	struct heard h;

	offer_both(f);
	f->conn.local.ipv6 = (struct ip_addr){.b = {0xfd, [15] = 1}};
	establish_with(f, NOW, OPEN_BOTH);
	set_v6(f, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "10.1.%u.%u/32", i / 256, i % 256);
		script_set(f->rib, text, 0);
	}
	h = hear(&f->conn);
	assert_int_equal(h.n_announced, 2000);
	assert_int_equal(h.n_messages, 2 + 5);
	assert_true(ip_addr_equal(&h.next_hop, &f->conn.local.ipv6));
}

/* Without a next hop nothing of the family is announced; what was, can be withdrawn. */
static void a_family_without_a_next_hop_is_only_withdrawn(void **state)
{
	const struct bgp_next_hops none = {.ipv4 = ip_addr_from_v4(0xc0000201)};
	struct bgp_next_hops local = none;
	struct fixture *f = *state;
	struct ip_prefix p;
	struct heard h;

	offer_both(f);
	establish_with(f, NOW, OPEN_BOTH);
	assert_int_equal(bgp_conn_announced_families(&f->conn).bits, V4);
	set_v6(f, 3);
	bgp_conn_notify(&f->conn, NOW, BGP_NOTE_SYNCED);
	assert_string_equal(sent(&f->conn, NOW).s, "EOR");
	local.ipv6 = (struct ip_addr){.b = {0xfd, [15] = 1}};
	bgp_conn_set_local(&f->conn, &local);
	assert_int_equal(bgp_conn_announced_families(&f->conn).bits, V4 | V6);
	h = hear(&f->conn);
	assert_int_equal(h.n_announced, 3);
	assert_true(bgp_conn_end_of_rib_sent(&f->conn));

	bgp_conn_set_local(&f->conn, &none);
	p = script_prefix("2001:db8::1/128");
	bgp_rib_del(f->rib, &p);
	h = hear(&f->conn);
	assert_int_equal(h.n_announced, 0);
	assert_int_equal(h.n_withdrawn, 1);
}

static void another_next_hop_sends_its_family_again(void **state)
{
	struct bgp_next_hops local = {.ipv4 = ip_addr_from_v4(0xc0000201),
				      .ipv6 = {.b = {0xfd, [15] = 1}}};
	struct fixture *f = *state;
	struct heard h;

	offer_both(f);
	bgp_conn_set_local(&f->conn, &local);
	establish_with(f, NOW, OPEN_BOTH);
	script_set(f->rib, "203.0.113.1/32", 0);
	set_v6(f, 3);
	h = hear(&f->conn);
	assert_int_equal(h.n_announced, 4);
	bgp_conn_set_local(&f->conn, &local);
	assert_int_equal(hear(&f->conn).n_messages, 0);
	local.ipv6.b[15] = 2;
	bgp_conn_set_local(&f->conn, &local);
	h = hear(&f->conn);
	assert_int_equal(h.n_announced, 3);
	assert_true(ip_addr_equal(&h.next_hop, &local.ipv6));
	local.ipv6_link_local = (struct ip_addr){.b = {0xfe, 0x80, [15] = 1}};
	bgp_conn_set_local(&f->conn, &local);
	assert_int_equal(hear(&f->conn).n_announced, 3);
	local.ipv4 = ip_addr_from_v4(0xc0000202);
	bgp_conn_set_local(&f->conn, &local);
	assert_int_equal(hear(&f->conn).n_announced, 1);
}

/* RFC 8950: both sides have to say it. */
static void ipv4_routes_take_an_ipv6_next_hop_where_that_is_agreed(void **state)
{
	static const char open[] = "01 04 fbf5 005a 0a000002 20 021e 0104 0001 0001 0104 0002 0001"
				   "0506 0001 0001 0002 4104 0000fbf5 0200 4600";
	const struct bgp_next_hops local = {.ipv6 = {.b = {0xfd, [15] = 1}}};
	struct fixture *f = *state;
	struct heard h;

	offer_both(f);
	bgp_conn_set_local(&f->conn, &local);
	establish_with(f, NOW, open);
	assert_int_equal(bgp_conn_announced_families(&f->conn).bits, V6);
	bgp_conn_abandon(&f->conn, NOW, "again");
	f->config.extended_next_hop = true;
	establish_with(f, NOW, open);
	assert_int_equal(bgp_conn_announced_families(&f->conn).bits, V4 | V6);
	script_set(f->rib, "203.0.113.1/32", 0);
	h = hear(&f->conn);
	assert_int_equal(h.n_announced, 1);
	assert_true(ip_addr_equal(&h.next_hop, &local.ipv6));
}

static void the_largest_set_of_ipv6_fits_the_smallest_buffer(void **state)
{
	struct fixture *f = *state;
	struct large_community large[LIMIT_COMMUNITIES];
	struct bgp_attrs attrs = {
		.prepend = 255, .has_med = true, .large = large, .n_large = LIMIT_COMMUNITIES};
	uint8_t buf[BGP_MESSAGE_MAX];

	for (uint32_t i = 0; i < LIMIT_COMMUNITIES; i++)
		large[i] = (struct large_community){1, 2, i};
	f->config.local_asn = 4200000000;
	offer_both(f);
	f->conn.local.ipv6 = (struct ip_addr){.b = {0xfd, [15] = 1}};
	f->conn.local.ipv6_link_local = (struct ip_addr){.b = {0xfe, 0x80, [15] = 1}};
	establish_with(f, NOW, "01 04 fbf5 005a 0a000002 0e 020c 0104 0001 0001 0104 0002 0001");
	for (uint32_t i = 0; i < 500; i++) {
		struct ip_addr a = {.b = {0xfd, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};
		struct ip_prefix p = ip_prefix_of(&a, 128);

		assert_true(bgp_rib_set(f->rib, &p, &attrs));
	}
	while (bgp_rib_dirty(f->rib, BGP_IPV6_UNICAST))
		assert_true(bgp_conn_transmit(&f->conn, NOW, buf, sizeof(buf)) > 0);
	assert_int_equal(bgp_rib_n_advertised(f->rib), 500);
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
		TEST(both_families_go_out_in_full_messages),
		TEST(a_family_without_a_next_hop_is_only_withdrawn),
		TEST(another_next_hop_sends_its_family_again),
		TEST(ipv4_routes_take_an_ipv6_next_hop_where_that_is_agreed),
		TEST(the_largest_set_of_ipv6_fits_the_smallest_buffer),
		TEST(a_family_of_ours_alone_is_left_alone),
		TEST(a_family_of_the_peer_alone_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
