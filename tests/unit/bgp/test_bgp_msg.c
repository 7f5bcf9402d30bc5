// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The frame of messages (RFC 4271 4.1, 6.1; RFC 8654), KEEPALIVE and ROUTE-REFRESH (RFC 2918,
 * 7313). */
#include "bgp/bgp_msg.h"
#include "unit/bgp/octets.h"

struct frame_case {
	const char *name, *hex;
	enum bgp_frame_status status;
	uint8_t value;    /* type of the message, or subcode of the error */
	const char *data; /* of the error */
};

static const struct frame_case frame_cases[] = {
	{"empty input needs more", "", BGP_FRAME_MORE, 0, ""},
	{"part of a marker needs more", "ffffff", BGP_FRAME_MORE, 0, ""},
	{"bad marker is seen at its octet", "fffe", BGP_FRAME_ERROR, 1, ""},
	{"HTTP is no BGP", "48545450", BGP_FRAME_ERROR, 1, ""},
	{"zero marker", "00", BGP_FRAME_ERROR, 1, ""},
	{"last octet of the marker", "ffffffffffffffffffffffffffffff00", BGP_FRAME_ERROR, 1, ""},
	{"one octet of length", MARKER "00", BGP_FRAME_MORE, 0, ""},
	{"length 0", MARKER "0000", BGP_FRAME_ERROR, 2, "0000"},
	{"length 18", MARKER "0012", BGP_FRAME_ERROR, 2, "0012"},
	{"length 4097", MARKER "1001", BGP_FRAME_ERROR, 2, "1001"},
	{"length 65535", MARKER "ffff", BGP_FRAME_ERROR, 2, "ffff"},
	{"length 4096 waits for the type", MARKER "1000", BGP_FRAME_MORE, 0, ""},
	{"type 0", MARKER "0013 00", BGP_FRAME_ERROR, 3, "00"},
	{"type 6", MARKER "0013 06", BGP_FRAME_ERROR, 3, "06"},
	{"type 255", MARKER "0013 ff", BGP_FRAME_ERROR, 3, "ff"},
	{"KEEPALIVE", MARKER "0013 04", BGP_FRAME_MESSAGE, BGP_KEEPALIVE, ""},
	{"KEEPALIVE of 20", MARKER "0014 04", BGP_FRAME_ERROR, 2, "0014"},
	{"OPEN of 28", MARKER "001c 01", BGP_FRAME_ERROR, 2, "001c"},
	{"OPEN of 29 waits for its body", MARKER "001d 01", BGP_FRAME_MORE, 0, ""},
	{"UPDATE of 22", MARKER "0016 02", BGP_FRAME_ERROR, 2, "0016"},
	{"UPDATE of 23", MARKER "0017 02 0000 0000", BGP_FRAME_MESSAGE, BGP_UPDATE, ""},
	{"NOTIFICATION of 20", MARKER "0014 03", BGP_FRAME_ERROR, 2, "0014"},
	{"NOTIFICATION of 21", MARKER "0015 03 0602", BGP_FRAME_MESSAGE, BGP_NOTIFICATION, ""},
	{"ROUTE-REFRESH", MARKER "0017 05 0001 00 01", BGP_FRAME_MESSAGE, BGP_ROUTE_REFRESH, ""},
	{"a second message behind it is not looked at", MARKER "0013 04 00", BGP_FRAME_MESSAGE,
	 BGP_KEEPALIVE, ""},
};

static void assert_error_data(const struct bgp_error *e, const char *hex)
{
	struct octets want = octets(hex);

	assert_int_equal(e->data_len, want.len);
	assert_memory_equal(e->data, want.b, want.len);
}

static void header_outcomes_are_those_of_rfc_4271_6_1(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frame_cases); i++) {
		const struct frame_case *c = &frame_cases[i];
		struct octets in = octets(c->hex);
		_cleanup_(freep) uint8_t *alone = octets_alone(in.b, in.len);
		struct bgp_frame frame;
		struct bgp_error error;
		enum bgp_frame_status status =
			bgp_header_parse(alone, in.len, BGP_MESSAGE_MAX, &frame, &error);

		if (status != c->status)
			fail_msg("%s: status %d", c->name, status);
		if (status == BGP_FRAME_MESSAGE) {
			assert_int_equal(frame.type, c->value);
			assert_true(frame.len <= in.len);
			assert_int_equal(rcur_left(&frame.body), frame.len - BGP_HEADER_LEN);
		} else if (status == BGP_FRAME_ERROR) {
			assert_int_equal(error.code, BGP_ERROR_HEADER);
			if (error.subcode != c->value)
				fail_msg("%s: subcode %u", c->name, error.subcode);
			assert_error_data(&error, c->data);
		}
	}
}

static void extended_length_is_for_update_only_and_only_when_negotiated(void **state)
{
	static const struct {
		uint8_t type;
		enum bgp_frame_status status;
	} cases[] = {
		{BGP_OPEN, BGP_FRAME_ERROR},         {BGP_UPDATE, BGP_FRAME_MORE},
		{BGP_NOTIFICATION, BGP_FRAME_MORE},  {BGP_KEEPALIVE, BGP_FRAME_ERROR},
		{BGP_ROUTE_REFRESH, BGP_FRAME_MORE},
	};
	struct octets in = octets(MARKER "1001 00");
	struct bgp_frame frame;
	struct bgp_error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		in.b[18] = cases[i].type;
		assert_int_equal(
			bgp_header_parse(in.b, in.len, BGP_MESSAGE_MAX_EXTENDED, &frame, &error),
			cases[i].status);
		assert_int_equal(bgp_header_parse(in.b, in.len, BGP_MESSAGE_MAX, &frame, &error),
				 BGP_FRAME_ERROR);
	}
}

static void every_truncation_of_a_message_needs_more(void **state)
{
	struct octets in = octets(MARKER "0017 02 0000 0000");

	(void)state;
	for (size_t len = 0; len < in.len; len++) {
		_cleanup_(freep) uint8_t *alone = octets_alone(in.b, len);
		struct bgp_frame frame;
		struct bgp_error error;

		assert_int_equal(bgp_header_parse(alone, len, BGP_MESSAGE_MAX, &frame, &error),
				 BGP_FRAME_MORE);
	}
}

static void keepalive_is_a_bare_header(void **state)
{
	struct octets want = octets(MARKER "0013 04");
	uint8_t buf[BGP_HEADER_LEN];

	(void)state;
	assert_int_equal(bgp_keepalive_encode(buf, sizeof(buf)), sizeof(buf));
	assert_memory_equal(buf, want.b, want.len);
	assert_int_equal(bgp_keepalive_encode(buf, sizeof(buf) - 1), 0);
}

static void route_refresh_round_trips(void **state)
{
	struct bgp_route_refresh in = {.afi = 1, .subtype = BGP_REFRESH_BEGIN, .safi = 1}, out;
	struct octets want = octets(MARKER "0017 05 (AFI) 0001 (subtype) 01 (SAFI) 01");
	uint8_t buf[64];
	struct bgp_frame frame;
	struct bgp_error error;
	size_t len = bgp_route_refresh_encode(buf, sizeof(buf), &in);

	(void)state;
	assert_int_equal(len, want.len);
	assert_memory_equal(buf, want.b, want.len);
	assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error),
			 BGP_FRAME_MESSAGE);
	assert_true(bgp_route_refresh_decode(frame.body, &out, &error));
	assert_int_equal(out.afi, in.afi);
	assert_int_equal(out.safi, in.safi);
	assert_int_equal(out.subtype, in.subtype);
	assert_int_equal(bgp_route_refresh_encode(buf, 22, &in), 0);
}

/* RFC 7313 5: 7/1 with the whole message as data; ORF entries of a request are ignored. */
static void route_refresh_of_another_length(void **state)
{
	static const struct {
		const char *body, *data; /* NULL: good */
	} cases[] = {
		{"0001 00 01", NULL},
		{"0001 01 01", NULL},
		{"0001 02 01", NULL},
		{"0001 07 01", NULL},
		{"0001 00 01 02 40 0003 050505", NULL},
		{"", MARKER "0013 05"},
		{"0001", MARKER "0015 05 0001"},
		{"0001 00", MARKER "0016 05 0001 00"},
		{"0001 01", MARKER "0016 05 0001 01"},
		{"0001 01 01 00", MARKER "0018 05 0001 01 01 00"},
		{"0001 02 01 00", MARKER "0018 05 0001 02 01 00"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct octets in = octets(cases[i].body);
		_cleanup_(freep) uint8_t *alone = octets_alone(in.b, in.len);
		struct bgp_route_refresh r;
		struct bgp_error error;
		bool good = bgp_route_refresh_decode(rcur_init(alone, in.len), &r, &error);

		assert_int_equal(good, cases[i].data == NULL);
		if (good)
			continue;
		assert_int_equal(error.code, BGP_ERROR_ROUTE_REFRESH);
		assert_int_equal(error.subcode, BGP_ROUTE_REFRESH_BAD_LENGTH);
		assert_error_data(&error, cases[i].data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_outcomes_are_those_of_rfc_4271_6_1),
		cmocka_unit_test(extended_length_is_for_update_only_and_only_when_negotiated),
		cmocka_unit_test(every_truncation_of_a_message_needs_more),
		cmocka_unit_test(keepalive_is_a_bare_header),
		cmocka_unit_test(route_refresh_round_trips),
		cmocka_unit_test(route_refresh_of_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
