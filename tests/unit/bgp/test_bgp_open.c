// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* OPEN: decoding, validation, encoding (RFC 4271 4.2, 6.2; 5492; 6793; 4724; 9072). */
#include "bgp/bgp_msg.h"
#include "bgp/bgp_open.h"
#include "unit/bgp/octets.h"

#define V4  BGP_FAMILY_BIT(BGP_IPV4_UNICAST)
#define V6  BGP_FAMILY_BIT(BGP_IPV6_UNICAST)
#define ALL (V4 | V6)

#define FIXED "(version) 04 (My AS) fde8 (hold) 005a (id) 0a000001 "

static bool decode(const char *hex, struct bgp_open *open, struct bgp_error *error)
{
	struct octets in = octets(hex);
	_cleanup_(freep) uint8_t *alone = octets_alone(in.b, in.len);

	return bgp_open_decode(rcur_init(alone, in.len), open, error);
}

static struct bgp_open decode_good(const char *hex)
{
	struct bgp_open open;
	struct bgp_error error;

	if (!decode(hex, &open, &error))
		fail_msg("%s: refused with %u/%u", hex, error.code, error.subcode);
	return open;
}

static void an_open_without_capabilities_is_plain_bgp_4(void **state)
{
	struct bgp_open o = decode_good(FIXED "00");

	(void)state;
	assert_int_equal(o.asn, 65000);
	assert_int_equal(o.my_as, 65000);
	assert_int_equal(o.hold_s, 90);
	assert_int_equal(o.router_id, 0x0a000001);
	assert_int_equal(o.families.bits, V4);
	assert_false(o.has_multiprotocol || o.has_as4 || o.route_refresh || o.gr.present);
}

static void assert_all_capabilities(const struct bgp_open *o)
{
	assert_true(o->families.bits == ALL && o->has_multiprotocol);
	assert_true(o->route_refresh && o->enhanced_refresh && o->extended_message);
	assert_true(o->has_as4);
	assert_int_equal(o->asn, 4200000001);
	assert_true(o->has_role);
	assert_int_equal(o->role, 3);
	assert_true(o->gr.present && o->gr.restarting && !o->gr.notification);
	assert_int_equal(o->gr.time_s, 120);
	assert_true(o->gr.families.bits == V4 && o->gr.forwarding.bits == V4);
}

/* RFC 5492 4: all capabilities in one parameter (most speakers), or one each (Junos). */
static void capabilities_count_in_one_parameter_or_in_many(void **state)
{
	struct bgp_open one =
		decode_good(FIXED "27 02 25 0104 0001 00 01  0104 0002 00 01  0200  0600  0901 03 "
				  "4006 8078 0001 01 80  4104 fa56ea01  4600  4700");
	struct bgp_open many = decode_good(
		FIXED "33 0206 0104 0001 00 01  0206 0104 0002 00 01  0202 8000  0202 0600 "
		      "0203 0901 03  0208 4006 8078 0001 01 80  0206 4104 fa56ea01  0202 4600");

	(void)state;
	assert_all_capabilities(&one);
	assert_all_capabilities(&many);
}

static void extended_parameters_are_read_as_rfc_9072_says(void **state)
{
	struct bgp_open o = decode_good(FIXED "ff ff 0009 (type) 02 (len) 0006 4104 00010000");
	char big[4000] = FIXED "ff ff 012f 02 012c ";

	(void)state;
	assert_int_equal(o.asn, 65536);
	/* RFC 9072 2: the first length may be anything but 0. */
	o = decode_good(FIXED "0b ff 0009 02 0006 4104 00010000");
	assert_int_equal(o.asn, 65536);
	/* 300 octets: unknown capability of 254, then ours, then padding of unknown ones. */
	for (int i = 0; i < 150; i++)
		memcpy(big + strlen(big), "c800 ", 6);
	o = decode_good(big);
	assert_false(o.has_as4);
}

struct bad_case {
	const char *name, *hex;
	uint8_t subcode;
};

static const struct bad_case bad_cases[] = {
	{"version 3", "03 fde8 005a 0a000001 00", BGP_OPEN_UNSUPPORTED_VERSION},
	{"version 5 of another layout", "05", BGP_OPEN_UNSUPPORTED_VERSION},
	{"empty", "", BGP_OPEN_UNSPECIFIC},
	{"no parameter length", FIXED, BGP_OPEN_UNSPECIFIC},
	{"parameters beyond the message", FIXED "08 0206 4104 000100", BGP_OPEN_UNSPECIFIC},
	{"octets behind the parameters", FIXED "00 00", BGP_OPEN_UNSPECIFIC},
	{"parameter of one octet", FIXED "01 02", BGP_OPEN_UNSPECIFIC},
	{"parameter overruns", FIXED "02 02 01", BGP_OPEN_UNSPECIFIC},
	{"parameter overruns by much", FIXED "02 02 ff", BGP_OPEN_UNSPECIFIC},
	{"unknown parameter", FIXED "02 03 00", BGP_OPEN_UNSUPPORTED_PARAMETER},
	{"authentication, withdrawn by RFC 4271", FIXED "03 01 01 00",
	 BGP_OPEN_UNSUPPORTED_PARAMETER},
	{"capability of one octet", FIXED "03 02 01 41", BGP_OPEN_UNSPECIFIC},
	{"capability overruns its parameter", FIXED "08 0206 4105 00010000", BGP_OPEN_UNSPECIFIC},
	{"capability overruns into the next parameter", FIXED "0a 0202 4104 0204 4102 0000",
	 BGP_OPEN_UNSPECIFIC},
	{"unknown capability overruns", FIXED "04 0202 c8ff", BGP_OPEN_UNSPECIFIC},
	/* GoBGP CVE-2026-41642: length 0 of capability 65 must not read the next one. */
	{"AS4 of length 0 before another", FIXED "0a 0208 4100 0104 00010001", BGP_OPEN_UNSPECIFIC},
	{"AS4 of length 3", FIXED "07 0205 4103 000100", BGP_OPEN_UNSPECIFIC},
	{"AS4 of length 5", FIXED "09 0207 4105 0001000000", BGP_OPEN_UNSPECIFIC},
	{"no parameters, but their mark", FIXED "00 ff 0000", BGP_OPEN_UNSPECIFIC},
	{"extended: no length", FIXED "ff ff", BGP_OPEN_UNSPECIFIC},
	{"extended: beyond the message", FIXED "ff ff 0009 02 0006 4104 000100",
	 BGP_OPEN_UNSPECIFIC},
	{"extended: parameter overruns", FIXED "ff ff 0003 02 0001", BGP_OPEN_UNSPECIFIC},
	{"extended: octets behind", FIXED "ff ff 0000 00", BGP_OPEN_UNSPECIFIC},
	{"extended within extended", FIXED "ff ff 0003 ff 0000", BGP_OPEN_UNSUPPORTED_PARAMETER},
	{"ordinary parameter of type 255 behind another", FIXED "04 0200 ff00",
	 BGP_OPEN_UNSUPPORTED_PARAMETER},
};

static void malformed_opens_get_the_subcode_of_rfc_4271_6_2(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		struct bgp_open open = {.asn = 77};
		struct bgp_error error;

		if (decode(c->hex, &open, &error))
			fail_msg("%s: accepted", c->name);
		assert_int_equal(error.code, BGP_ERROR_OPEN);
		if (error.subcode != c->subcode)
			fail_msg("%s: subcode %u", c->name, error.subcode);
		assert_int_equal(open.asn, 77);
		assert_int_equal(error.data_len,
				 c->subcode == BGP_OPEN_UNSUPPORTED_VERSION ? 2 : 0);
	}
}

static void version_error_carries_our_version(void **state)
{
	struct bgp_open open;
	struct bgp_error error;

	(void)state;
	assert_false(decode("03 fde8 005a 0a000001 00", &open, &error));
	assert_memory_equal(error.data, "\0\4", 2);
}

/* What FRR, BIRD and others send in lengths nobody expects: not sent, rather than a lost session.
 */
static void capabilities_of_impossible_length_are_taken_as_not_sent(void **state)
{
	struct bgp_open o = decode_good(
		FIXED "2c 02 2a 0500  0700  4900  49 01 ff  0903 000000  0103 000100  4001 80 "
		      "4007 0078 0001 01 80 00  02 01 00  80 01 00  0600  46 01 00");

	(void)state;
	assert_true(o.extended_message);
	assert_false(o.extended_next_hop || o.has_role || o.has_multiprotocol || o.gr.present ||
		     o.route_refresh || o.enhanced_refresh);
	assert_int_equal(o.families.bits, V4);
}

static void extended_next_hop_is_seen_among_other_families(void **state)
{
	struct bgp_open o = decode_good(FIXED "10 020e 050c 0002 0001 0001  0001 0001 0002");

	(void)state;
	assert_true(o.extended_next_hop);
	o = decode_good(FIXED "0a 0208 0506 0001 0080 0002");
	assert_false(o.extended_next_hop);
	o = decode_good(FIXED "0a 0208 0506 0001 0001 0001");
	assert_false(o.extended_next_hop);
	o = decode_good(FIXED "0b 0209 0507 0001 0001 0002 00");
	assert_false(o.extended_next_hop);
}

static void the_last_graceful_restart_capability_counts(void **state)
{
	struct bgp_open o = decode_good(FIXED "12 0210 4006 8078 0001 01 80  4006 700a 0002 01 80");

	(void)state;
	assert_true(o.gr.present && !o.gr.restarting && o.gr.notification);
	assert_int_equal(o.gr.time_s, 10);
	assert_true(o.gr.families.bits == V6 && o.gr.forwarding.bits == V6);
}

static void forwarding_state_is_told_by_family(void **state)
{
	static const struct {
		const char *hex;
		unsigned families, forwarding;
	} table[] = {
		{"4002 0078", 0, 0},
		{"4006 0078 0001 01 00", V4, 0},
		{"400a 0078 0001 01 80 0002 01 00", ALL, V4},
		{"400a 0078 0001 01 00 0002 01 80", ALL, V6},
		{"400a 0078 0001 80 80 0002 01 7f", V6, 0}, /* VPN is none of ours */
		{"400a 0078 0001 01 80 0001 01 00", V4, 0}, /* twice: the last counts */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct octets capability = octets(table[i].hex);
		char hex[128];
		struct bgp_open o;

		(void)snprintf(hex, sizeof(hex), FIXED "%02zx 02 %02zx %s", capability.len + 2,
			       capability.len, table[i].hex);
		o = decode_good(hex);
		assert_int_equal(o.gr.families.bits, table[i].families);
		assert_int_equal(o.gr.forwarding.bits, table[i].forwarding);
	}
}

static const struct bgp_open good_open = {
	.asn = 65001, .my_as = 65001, .hold_s = 90, .router_id = 2, .families = {V4}};
static const struct bgp_open_expect good_expect = {
	.local_asn = 65000, .local_router_id = 1, .remote_asn = 65001, .families = {V4}};

/* 0: accepted, else the subcode of the refusal. */
static int validate(const struct bgp_open *o, const struct bgp_open_expect *e)
{
	struct bgp_error error;

	if (bgp_open_validate(o, e, &error))
		return 0;
	assert_int_equal(error.code, BGP_ERROR_OPEN);
	return error.subcode;
}

static void peer_as_is_checked_with_the_4_octet_number(void **state)
{
	static const struct {
		uint32_t asn;
		uint16_t my_as;
		uint32_t remote_asn;
		int subcode;
	} cases[] = {
		{65001, 65001, 65001, 0},
		{65002, 65002, 65001, BGP_OPEN_BAD_PEER_AS},
		{0, 0, 65001, BGP_OPEN_BAD_PEER_AS},
		{0, 23456, 65001, BGP_OPEN_BAD_PEER_AS},     /* capability with AS 0 */
		{65001, 0, 65001, BGP_OPEN_BAD_PEER_AS},     /* field 0 */
		{23456, 23456, 23456, BGP_OPEN_BAD_PEER_AS}, /* AS_TRANS is nobody */
		{4200000001, 23456, 4200000001, 0},
		{4200000001, 23456, 4200000002, BGP_OPEN_BAD_PEER_AS},
		{4200000001, 65001, 4200000001, BGP_OPEN_BAD_PEER_AS}, /* field contradicts */
		{65001, 65002, 65001, BGP_OPEN_BAD_PEER_AS},
		{65001, 23456, 65001, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_open o = good_open;
		struct bgp_open_expect e = good_expect;

		o.asn = cases[i].asn;
		o.my_as = cases[i].my_as;
		e.remote_asn = cases[i].remote_asn;
		if (validate(&o, &e) != cases[i].subcode)
			fail_msg("case %zu: %d", i, validate(&o, &e));
	}
}

static void any_external_and_any_internal_compare_with_our_own_as(void **state)
{
	struct bgp_open inside = good_open;
	struct bgp_open_expect external = good_expect, internal = good_expect;

	(void)state;
	inside.asn = inside.my_as = 65000;
	external.remote_asn = internal.remote_asn = 0;
	external.any_external = internal.any_internal = true;
	assert_int_equal(validate(&good_open, &external), 0);
	assert_int_equal(validate(&inside, &external), BGP_OPEN_BAD_PEER_AS);
	assert_int_equal(validate(&good_open, &internal), BGP_OPEN_BAD_PEER_AS);
	assert_int_equal(validate(&inside, &internal), 0);
}

static void identifier_and_hold_time_are_checked(void **state)
{
	struct bgp_open o = good_open;
	struct bgp_open_expect e = good_expect;

	(void)state;
	o.router_id = 0;
	assert_int_equal(validate(&o, &e), BGP_OPEN_BAD_BGP_ID);
	o.router_id = 1; /* RFC 6286: equal ids are allowed between different AS */
	assert_int_equal(validate(&o, &e), 0);
	o.asn = e.remote_asn = e.local_asn;
	o.my_as = BGP_AS_TRANS;
	assert_int_equal(validate(&o, &e), BGP_OPEN_BAD_BGP_ID);

	for (uint16_t hold = 0; hold < 6; hold++) {
		o = good_open;
		o.hold_s = hold;
		assert_int_equal(validate(&o, &good_expect),
				 hold == 1 || hold == 2 ? BGP_OPEN_UNACCEPTABLE_HOLD_TIME : 0);
	}
}

static void a_peer_without_a_common_family_is_told_what_is_missing(void **state)
{
	static const char *const data[] = {
		[V4] = "01 04 0001 00 01",
		[V6] = "01 04 0002 00 01",
		[ALL] = "01 04 0001 00 01 01 04 0002 00 01",
	};

	(void)state;
	for (uint8_t wanted = 1; wanted <= ALL; wanted++) {
		for (uint8_t offered = 0; offered <= ALL; offered++) {
			struct octets want = octets(data[wanted]);
			struct bgp_open o = good_open;
			struct bgp_open_expect e = good_expect;
			struct bgp_error error;

			o.families.bits = offered;
			e.families.bits = wanted;
			if (bgp_open_validate(&o, &e, &error)) {
				assert_true(wanted & offered);
				continue;
			}
			assert_false(wanted & offered);
			assert_int_equal(error.subcode, BGP_OPEN_UNSUPPORTED_CAPABILITY);
			assert_int_equal(error.data_len, want.len);
			assert_memory_equal(error.data, want.b, want.len);
		}
	}
}

/* RFC 9234 4.2, table 2. */
static void only_roles_that_go_together_make_a_session(void **state)
{
	static const uint8_t goes_with[] = {3, 2, 1, 0, 4};

	(void)state;
	for (unsigned ours = 0; ours < ARRAY_SIZE(goes_with); ours++) {
		for (unsigned theirs = 0; theirs < 256; theirs++) {
			struct bgp_open o = {.asn = 65001,
					     .my_as = 65001,
					     .router_id = 1,
					     .families = {V4},
					     .has_role = true,
					     .role = (uint8_t)theirs};
			struct bgp_open_expect e = {.local_asn = 65000,
						    .local_router_id = 2,
						    .remote_asn = 65001,
						    .families = {V4},
						    .has_role = true,
						    .role = (uint8_t)ours};
			struct bgp_error error;

			assert_int_equal(bgp_open_validate(&o, &e, &error),
					 theirs == goes_with[ours]);
			if (theirs != goes_with[ours])
				assert_true(error.code == 2 && error.subcode == 11);
			o.has_role = false; /* one that says nothing has any */
			assert_true(bgp_open_validate(&o, &e, &error));
			o.has_role = true;
			e.has_role = false;
			assert_true(bgp_open_validate(&o, &e, &error));
			e.has_role = true;
			/* iBGP: roles mean nothing */
			o.asn = e.remote_asn = e.local_asn;
			o.my_as = (uint16_t)e.local_asn;
			assert_true(bgp_open_validate(&o, &e, &error));
		}
	}
}

static void bare_bgp_4_has_no_parameters(void **state)
{
	const struct octets want = octets(MARKER "001d 01 04 fde8 005a 0a000001 00");
	const struct bgp_open o = {.plain = true,
				   .asn = 65000,
				   .hold_s = 90,
				   .router_id = 0x0a000001,
				   .families = {V4},
				   .has_as4 = true,
				   .route_refresh = true};
	uint8_t buf[BGP_MESSAGE_MAX];

	(void)state;
	assert_int_equal(bgp_open_encode(buf, sizeof(buf), &o), want.len);
	assert_memory_equal(buf, want.b, want.len);
}

static void open_is_encoded_as_the_figures_say(void **state)
{
	struct bgp_open o = {
		.asn = 4200000001,
		.hold_s = 90,
		.router_id = 0x0a000001,
		.families = {V4},
		.route_refresh = true,
		.gr = {.present = true,
		       .restarting = true,
		       .time_s = 120,
		       .families = {V4},
		       .forwarding = {V4}},
	};
	struct octets want = octets(
		MARKER "(length) 0035 (type) 01 (version) 04 (My AS: AS_TRANS) 5ba0 (hold) 005a"
		       "(id) 0a000001 (parameters) 18 (type) 02 (length) 16"
		       "(multiprotocol) 01 04 0001 00 01 (refresh) 02 00"
		       "(graceful restart: R, 120 s, IPv4 unicast, F) 40 06 8078 0001 01 80"
		       "(AS4) 41 04 fa56ea01");
	uint8_t buf[BGP_MESSAGE_MAX];

	(void)state;
	assert_int_equal(bgp_open_encode(buf, sizeof(buf), &o), want.len);
	assert_memory_equal(buf, want.b, want.len);
	for (size_t cap = 0; cap < want.len; cap++)
		assert_int_equal(bgp_open_encode(buf, cap, &o), 0);
}

static void the_field_says_as_trans_from_65536_on(void **state)
{
	struct bgp_open o = {.asn = 65535};
	uint8_t buf[BGP_MESSAGE_MAX];

	(void)state;
	assert_true(bgp_open_encode(buf, sizeof(buf), &o) > 0);
	assert_memory_equal(buf + 20, "\xff\xff", 2);
	o.asn = 65536;
	assert_true(bgp_open_encode(buf, sizeof(buf), &o) > 0);
	assert_memory_equal(buf + 20, "\x5b\xa0", 2);
}

static struct bgp_open random_open(struct rng *rng)
{
	struct bgp_open o = {
		.asn = (uint32_t)rng_next(rng) >> rng_below(rng, 32),
		.hold_s = (uint16_t)rng_next(rng),
		.router_id = (uint32_t)rng_next(rng),
		.has_as4 = true,
		.has_multiprotocol = true,
		.families = {(uint8_t)(1 + rng_below(rng, ALL))},
		.route_refresh = rng_below(rng, 2),
		.enhanced_refresh = rng_below(rng, 2),
		.extended_message = rng_below(rng, 2),
		.has_role = rng_below(rng, 2),
		.gr.present = rng_below(rng, 2),
		.bfd_strict = rng_below(rng, 2),
	};

	o.my_as = o.asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)o.asn;
	o.role = o.has_role ? (uint8_t)rng_below(rng, 5) : 0;
	o.llgr.present = rng_below(rng, 2);
	if (o.llgr.present) {
		o.llgr.families.bits = (uint8_t)(1 + rng_below(rng, 3));
		o.llgr.forwarding.bits = o.llgr.families.bits & (uint8_t)rng_below(rng, 4);
		o.llgr.time_s = (uint32_t)rng_below(rng, 1 << 24);
	}
	if (!o.gr.present)
		return o;
	o.gr.restarting = rng_below(rng, 2);
	o.gr.notification = rng_below(rng, 2);
	o.gr.time_s = (uint16_t)rng_below(rng, 4096);
	o.gr.families.bits = (uint8_t)rng_below(rng, ALL + 1);
	o.gr.forwarding.bits = o.gr.families.bits & (uint8_t)rng_next(rng);
	return o;
}

static void assert_open_equal(const struct bgp_open *a, const struct bgp_open *b)
{
	assert_int_equal(a->asn, b->asn);
	assert_int_equal(a->my_as, b->my_as);
	assert_int_equal(a->hold_s, b->hold_s);
	assert_int_equal(a->router_id, b->router_id);
	assert_int_equal(a->has_as4, b->has_as4);
	assert_int_equal(a->families.bits, b->families.bits);
	assert_int_equal(a->route_refresh, b->route_refresh);
	assert_int_equal(a->enhanced_refresh, b->enhanced_refresh);
	assert_int_equal(a->extended_message, b->extended_message);
	assert_int_equal(a->has_role, b->has_role);
	assert_int_equal(a->bfd_strict, b->bfd_strict);
	assert_int_equal(a->role, b->role);
	assert_int_equal(a->llgr.present, b->llgr.present);
	assert_int_equal(a->llgr.time_s, b->llgr.time_s);
	assert_int_equal(a->llgr.families.bits, b->llgr.families.bits);
	assert_int_equal(a->llgr.forwarding.bits, b->llgr.forwarding.bits);
	assert_int_equal(a->gr.present, b->gr.present);
	assert_int_equal(a->gr.restarting, b->gr.restarting);
	assert_int_equal(a->gr.notification, b->gr.notification);
	assert_int_equal(a->gr.time_s, b->gr.time_s);
	assert_int_equal(a->gr.families.bits, b->gr.families.bits);
	assert_int_equal(a->gr.forwarding.bits, b->gr.forwarding.bits);
}

static void what_is_encoded_decodes_to_itself_and_no_truncation_of_it_does(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct bgp_open in = random_open(&rng), out;
		uint8_t buf[BGP_MESSAGE_MAX];
		size_t len = bgp_open_encode(buf, sizeof(buf), &in);
		struct bgp_frame frame;
		struct bgp_error error;

		assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error),
				 BGP_FRAME_MESSAGE);
		assert_true(bgp_open_decode(frame.body, &out, &error));
		assert_open_equal(&in, &out);
		for (size_t cut = 0; cut < rcur_left(&frame.body); cut++) {
			_cleanup_(freep) uint8_t *alone = octets_alone(frame.body.at, cut);

			assert_false(bgp_open_decode(rcur_init(alone, cut), &out, &error));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_without_capabilities_is_plain_bgp_4),
		cmocka_unit_test(capabilities_count_in_one_parameter_or_in_many),
		cmocka_unit_test(extended_parameters_are_read_as_rfc_9072_says),
		cmocka_unit_test(malformed_opens_get_the_subcode_of_rfc_4271_6_2),
		cmocka_unit_test(version_error_carries_our_version),
		cmocka_unit_test(capabilities_of_impossible_length_are_taken_as_not_sent),
		cmocka_unit_test(extended_next_hop_is_seen_among_other_families),
		cmocka_unit_test(the_last_graceful_restart_capability_counts),
		cmocka_unit_test(forwarding_state_is_told_by_family),
		cmocka_unit_test(peer_as_is_checked_with_the_4_octet_number),
		cmocka_unit_test(any_external_and_any_internal_compare_with_our_own_as),
		cmocka_unit_test(identifier_and_hold_time_are_checked),
		cmocka_unit_test(a_peer_without_a_common_family_is_told_what_is_missing),
		cmocka_unit_test(only_roles_that_go_together_make_a_session),
		cmocka_unit_test(bare_bgp_4_has_no_parameters),
		cmocka_unit_test(open_is_encoded_as_the_figures_say),
		cmocka_unit_test(the_field_says_as_trans_from_65536_on),
		cmocka_unit_test(what_is_encoded_decodes_to_itself_and_no_truncation_of_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
