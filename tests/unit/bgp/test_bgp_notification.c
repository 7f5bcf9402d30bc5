// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* NOTIFICATION (RFC 4271 4.5), its texts, and the shutdown communication (RFC 9003). */
#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "unit/bgp/octets.h"

static void notification_is_code_subcode_data(void **state)
{
	struct octets want = octets(MARKER "0017 03 (code) 02 (subcode) 01 (largest version) 0004");
	struct bgp_error in = bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_VERSION,
					     (uint8_t[]){0, 4}, 2),
			 out, error;
	struct bgp_frame frame;
	uint8_t buf[64];
	size_t len = bgp_notification_encode(buf, sizeof(buf), &in);

	(void)state;
	assert_int_equal(len, want.len);
	assert_memory_equal(buf, want.b, want.len);
	assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error),
			 BGP_FRAME_MESSAGE);
	assert_true(bgp_notification_decode(frame.body, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(bgp_notification_encode(buf, len - 1, &in), 0);
}

static void data_longer_than_the_room_is_cut(void **state)
{
	static const uint8_t data[1000];
	struct bgp_error e = bgp_error_with(3, 2, data, sizeof(data)), got;

	(void)state;
	assert_int_equal(e.data_len, BGP_ERROR_DATA_MAX);
	assert_true(bgp_notification_decode(rcur_init(data, sizeof(data)), &got));
	assert_int_equal(got.data_len, BGP_ERROR_DATA_MAX);
}

static void a_body_shorter_than_two_octets_is_refused(void **state)
{
	struct bgp_error e;

	(void)state;
	assert_false(bgp_notification_decode(rcur_init("\6", 1), &e));
	assert_false(bgp_notification_decode(rcur_init("", 0), &e));
	assert_true(bgp_notification_decode(rcur_init("\6\2", 2), &e));
	assert_int_equal(e.data_len, 0);
}

static void codes_have_the_names_of_their_rfcs(void **state)
{
	static const struct {
		uint8_t code, subcode;
		const char *text;
	} cases[] = {
		{1, 1, "Message Header Error/Connection Not Synchronized"},
		{2, 2, "OPEN Message Error/Bad Peer AS"},
		{2, 6, "OPEN Message Error/Unacceptable Hold Time"},
		{2, 7, "OPEN Message Error/Unsupported Capability"},
		{2, 11, "OPEN Message Error/Role Mismatch"},
		{3, 10, "UPDATE Message Error/Invalid Network Field"},
		{4, 0, "Hold Timer Expired"},
		{5, 3, "Finite State Machine Error/Unexpected Message in Established"},
		{6, 2, "Cease/Administrative Shutdown"},
		{6, 7, "Cease/Connection Collision Resolution"},
		{6, 9, "Cease/Hard Reset"},
		{6, 10, "Cease/BFD Down"},
		{7, 1, "ROUTE-REFRESH Message Error/Invalid Message Length"},
		{8, 0, "Send Hold Timer Expired"},
		{6, 0, "Cease"},
		{6, 200, "Cease"},
		{4, 9, "Hold Timer Expired"},
		{0, 0, "Unknown"},
		{99, 1, "Unknown"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(bgp_notification_text(cases[i].code, cases[i].subcode),
				    cases[i].text);
}

static void shutdown_communication_is_length_and_text(void **state)
{
	struct bgp_error e = bgp_error_shutdown(BGP_CEASE_SHUTDOWN, "maintenance");
	char text[BGP_SHUTDOWN_TEXT];

	(void)state;
	assert_int_equal(e.code, 6);
	assert_int_equal(e.subcode, 2);
	assert_int_equal(e.data_len, 12);
	assert_int_equal(e.data[0], 11);
	assert_memory_equal(e.data + 1, "maintenance", 11);
	assert_string_equal(bgp_shutdown_text(&e, text), "maintenance");

	e = bgp_error_shutdown(BGP_CEASE_RESET, NULL);
	assert_int_equal(e.data_len, 1);
	assert_int_equal(e.data[0], 0);
	assert_null(bgp_shutdown_text(&e, text));
}

/* 254 letters and a two-octet one: it does not fit, and half of it must not be sent. */
static void long_text_is_cut_between_characters(void **state)
{
	char text[BGP_SHUTDOWN_TEXT], in[300] = "";
	struct bgp_error e;

	(void)state;
	memset(in, 'a', 254);
	memcpy(in + 254, "\xc3\xa9z", 4);
	e = bgp_error_shutdown(BGP_CEASE_SHUTDOWN, in);
	assert_int_equal(e.data[0], 254);
	in[253] = '\xc3';
	in[254] = '\xa9';
	in[255] = 'z';
	e = bgp_error_shutdown(BGP_CEASE_SHUTDOWN, in);
	assert_int_equal(e.data[0], 255);
	assert_int_equal(e.data_len, 256);
	assert_int_equal(strlen(bgp_shutdown_text(&e, text)), 255);
}

static void received_text_is_kept_printable(void **state)
{
	static const struct {
		const char *data, *text; /* hex with the length octet; NULL: none */
	} cases[] = {
		{"02 6f6b", "ok"},
		{"03 c3a9 21", "\xc3\xa9!"},             /* e acute */
		{"04 f09f9880", "\xf0\x9f\x98\x80"},     /* outside the BMP */
		{"04 1b5b306d", "\\x1b[0m"},             /* terminal control */
		{"03 610a62", "a\\x0ab"},                /* a faked second line */
		{"02 c285", "\\xc2\\x85"},               /* C1 */
		{"02 c080", "\\xc0\\x80"},               /* overlong NUL */
		{"02 c1a1", "\\xc1\\xa1"},               /* overlong letter */
		{"03 eda080", "\\xed\\xa0\\x80"},        /* surrogate */
		{"04 f4908080", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
		{"03 e280ae", "\\xe2\\x80\\xae"},        /* right-to-left override */
		{"02 61c3", "a\\xc3"},                   /* cut off */
		{"02 ff61", "\\xffa"},
		{"", NULL},
		{"00", NULL},
		{"03 6f6b", NULL}, /* length beyond the data */
		{"ff 6f6b", NULL},
		{"01 6f6b", "o"}, /* more data than length */
	};
	char text[BGP_SHUTDOWN_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct octets data = octets(cases[i].data);
		struct bgp_error e = bgp_error_with(6, 2, data.b, data.len);
		const char *got = bgp_shutdown_text(&e, text);

		if (cases[i].text)
			assert_string_equal(got, cases[i].text);
		else
			assert_null(got);
		e.subcode = 3;
		assert_null(bgp_shutdown_text(&e, text));
	}
}

static void text_of_any_octets_fits_and_is_printable(void **state)
{
	struct rng rng = octets_rng(__func__);
	char text[BGP_SHUTDOWN_TEXT];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t data[256];
		struct bgp_error e;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)rng_next(&rng);
		data[0] = (uint8_t)(round < 256 ? round : 255);
		e = bgp_error_with(6, 4, data, sizeof(data));
		if (!bgp_shutdown_text(&e, text))
			continue;
		for (const char *p = text; *p; p++)
			assert_true((uint8_t)*p >= 0x20 && *p != 0x7f);
	}
}

/* As RFC 3629 3 writes it, in so many octets, be that too many or the number too large. */
static size_t utf8_encode(uint32_t cp, size_t n, uint8_t *ret)
{
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; cp >>= 6)
		ret[i] = 0x80 | (cp & 0x3f);
	ret[0] = (uint8_t)(lead[n] | cp);
	return n;
}

static bool is_printable(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} not_printable[] = {{0, 0x1f},           {0x7f, 0x9f},     {0xd800, 0xdfff},
			     {0x200e, 0x200f},    {0x2028, 0x202e}, {0x2066, 0x2069},
			     {0x110000, 0x1fffff}};

	for (size_t i = 0; i < ARRAY_SIZE(not_printable); i++)
		if (cp >= not_printable[i].first && cp <= not_printable[i].last)
			return false;
	return true;
}

static void assert_shown(const uint8_t *octets, size_t n, bool as_it_is)
{
	struct bgp_error e = {.code = 6, .subcode = 2, .data_len = (uint16_t)(n + 1)};
	char text[BGP_SHUTDOWN_TEXT], escaped[4 * 4 + 1];

	e.data[0] = (uint8_t)n;
	memcpy(e.data + 1, octets, n);
	assert_non_null(bgp_shutdown_text(&e, text));
	for (size_t i = 0; i < n; i++)
		(void)snprintf(escaped + 4 * i, 5, "\\x%02x", octets[i]);
	if (as_it_is)
		assert_memory_equal(text, octets, n);
	else if (strcmp(text, escaped) != 0)
		fail_msg("\"%s\", expected \"%s\"", text, escaped);
}

/* Each number in each length that can hold it: only the shortest form of what prints is kept. */
static void each_code_point_is_kept_or_escaped(void **state)
{
	static const uint32_t end[] = {0, 0x80, 0x800, 0x10000, 0x200000};
	uint8_t octets[5];

	(void)state;
	for (uint32_t cp = 0x20; cp < 0x200000; cp += cp < 0x3000 ? 1 : cp < 0x10000 ? 61 : 4093) {
		for (size_t n = 1; n <= 4; n++)
			if (cp < end[n])
				assert_shown(octets, utf8_encode(cp, n, octets),
					     is_printable(cp) && cp >= end[n - 1]);
	}
	for (uint32_t cp = 0x10fff0; cp < 0x110010; cp++)
		assert_shown(octets, utf8_encode(cp, 4, octets), is_printable(cp));
	memcpy(octets, "\xf8\x90\x80\x80", 4); /* what began a sequence of five once */
	assert_shown(octets, 4, false);
}

/* Each that an OPEN of ours may have, so that whoever looks at it sees them all. */
static void every_capability_of_an_open_is_listed(void **state)
{
	const struct bgp_open none = {.plain = true}, all = {.route_refresh = true,
							     .enhanced_refresh = true,
							     .extended_message = true,
							     .extended_next_hop = true,
							     .has_role = true,
							     .has_as4 = true,
							     .gr = {.present = true},
							     .llgr = {.present = true},
							     .bfd_strict = true};
	static const char *const wanted[] = {
		"route refresh",          "extended next hop",
		"extended messages",      "role",
		"graceful restart",       "4-octet AS number",
		"enhanced route refresh", "long-lived graceful restart",
		"BFD strict mode"};
	const char *names[BGP_CAPABILITIES_MAX];

	(void)state;
	assert_int_equal(bgp_capabilities_of(&none, names), 0);
	assert_int_equal(bgp_capabilities_of(&all, names), ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(names[i], wanted[i]);
}

static void unsupported_capability_names_it_and_the_side(void **state)
{
	static const struct bgp_open ours = {.families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
					     .route_refresh = true,
					     .has_as4 = true};
	static const struct {
		const char *data; /* hex */
		const char *from_peer, *own;
	} cases[] = {
		{"01 04 0001 00 01", "IPv4 unicast: not taken by the peer",
		 "IPv4 unicast: not offered by the peer"},
		{"01 04 0002 00 01", "IPv6 unicast: not offered by this node",
		 "IPv6 unicast: not offered by the peer"},
		{"01 04 0001 00 02", "IPv4 multicast: not offered by this node",
		 "IPv4 multicast: not offered by the peer"},
		{"01 04 0019 00 46 02 00",
		 "EVPN: not offered by this node; route refresh: not taken by the peer",
		 "EVPN: not offered by the peer; route refresh: not offered by the peer"},
		{"01 04 4004 00 47", "AFI 16388 SAFI 71: not offered by this node",
		 "AFI 16388 SAFI 71: not offered by the peer"},
		{"41 04 0000fbf5", "4-octet AS number: not taken by the peer",
		 "4-octet AS number: not offered by the peer"},
		{"40 02 4078", "graceful restart: not offered by this node",
		 "graceful restart: not offered by the peer"},
		{"49 01 00", "capability 73: not offered by this node",
		 "capability 73: not offered by the peer"},
		{"01 02 0001", "AFI 1 SAFI 0: not offered by this node",
		 "AFI 1 SAFI 0: not offered by the peer"},
		{"", NULL, NULL},
		{"01", NULL, NULL},
		{"01 05 0001 00 01", NULL, NULL},
	};
	char buf[BGP_CAPABILITIES_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct octets data = octets(cases[i].data);
		struct bgp_error e = bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY,
						    data.b, data.len);

		if (cases[i].own) {
			assert_string_equal(bgp_capabilities_text(&e, &ours, buf),
					    cases[i].from_peer);
			assert_string_equal(bgp_capabilities_text(&e, NULL, buf), cases[i].own);
		} else {
			assert_null(bgp_capabilities_text(&e, &ours, buf));
		}
		e.subcode = BGP_OPEN_BAD_PEER_AS;
		assert_null(bgp_capabilities_text(&e, &ours, buf));
	}
}

static void family_that_was_offered_too_was_not_taken(void **state)
{
	static const uint8_t ipv6[] = {BGP_CAP_MULTIPROTOCOL, 4, 0, 2, 0, 1};
	static const struct bgp_open ours = {
		.families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST) | BGP_FAMILY_BIT(BGP_IPV6_UNICAST)}};
	const struct bgp_error e =
		bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY, ipv6, sizeof(ipv6));
	char buf[BGP_CAPABILITIES_TEXT];

	(void)state;
	assert_string_equal(bgp_capabilities_text(&e, &ours, buf),
			    "IPv6 unicast: not taken by the peer");
}

static void more_capabilities_than_fit_end_in_dots(void **state)
{
	struct bgp_error e = bgp_error_make(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY);
	char buf[BGP_CAPABILITIES_TEXT];

	(void)state;
	for (e.data_len = 2; e.data_len <= BGP_ERROR_DATA_MAX; e.data_len += 2) {
		const char *text;

		memset(e.data, 0, sizeof(e.data)); /* capability 0 of length 0, and again */
		text = bgp_capabilities_text(&e, NULL, buf);
		assert_in_range(strlen(text), 1, sizeof(buf) - 1);
		if (e.data_len == BGP_ERROR_DATA_MAX)
			assert_string_equal(text + strlen(text) - 5, "; ...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notification_is_code_subcode_data),
		cmocka_unit_test(data_longer_than_the_room_is_cut),
		cmocka_unit_test(a_body_shorter_than_two_octets_is_refused),
		cmocka_unit_test(codes_have_the_names_of_their_rfcs),
		cmocka_unit_test(shutdown_communication_is_length_and_text),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(received_text_is_kept_printable),
		cmocka_unit_test(text_of_any_octets_fits_and_is_printable),
		cmocka_unit_test(each_code_point_is_kept_or_escaped),
		cmocka_unit_test(every_capability_of_an_open_is_listed),
		cmocka_unit_test(unsupported_capability_names_it_and_the_side),
		cmocka_unit_test(family_that_was_offered_too_was_not_taken),
		cmocka_unit_test(more_capabilities_than_fit_end_in_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
