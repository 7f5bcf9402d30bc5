// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Decoding UPDATE: the classes of RFC 7606 as a table of messages, one line a case. Each case is a
 * withdrawn field, an attribute list and an NLRI field in hex; lengths are put in by the test. The
 * generated cases are in test_bgp_update_mutants.c.
 */
#include "bgp/bgp_msg.h"
#include "bgp/bgp_update.h"
#include "unit/bgp/octets.h"

/* Attributes as they should be. */
#define ORIGIN     "(ORIGIN) 40 01 01 00 "
#define AS_PATH    "(AS_PATH) 40 02 06 02 01 0000fde9 "
#define AS_PATH_2  "(AS_PATH, 2 octets) 40 02 04 02 01 fde9 "
#define NEXT_HOP   "(NEXT_HOP) 40 03 04 0a000002 "
#define LOCAL_PREF "(LOCAL_PREF) 40 05 04 00000064 "
#define EXTERNAL   ORIGIN AS_PATH NEXT_HOP
#define MP_REACH   "(MP_REACH) 80 0e 1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8 "
#define NLRI       "18 0a0102"

static const struct bgp_update_session external = {
	.local_asn = 65000, .as4 = true, .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
static const struct bgp_update_session internal = {.local_asn = 65000,
						   .as4 = true,
						   .is_ibgp = true,
						   .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
static const struct bgp_update_session external_2 = {
	.local_asn = 65000, .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};

enum session { E, I, E2 }; /* external, internal, external with 2-octet AS numbers */

static const struct bgp_update_session *const sessions[] = {
	[E] = &external, [I] = &internal, [E2] = &external_2};

static void append(struct octets *to, const struct octets *from)
{
	memcpy(to->b + to->len, from->b, from->len);
	to->len += from->len;
}

static void append_field(struct octets *to, const char *hex)
{
	struct octets field = octets(hex);

	to->b[to->len++] = (uint8_t)(field.len >> 8);
	to->b[to->len++] = (uint8_t)field.len;
	append(to, &field);
}

static struct octets body_of(const char *withdrawn, const char *attrs, const char *nlri)
{
	struct octets body = {.len = 0}, tail = octets(nlri);

	append_field(&body, withdrawn);
	append_field(&body, attrs);
	append(&body, &tail);
	return body;
}

static const struct update_case {
	const char *name;
	enum session session;
	const char *withdrawn, *attrs, *nlri;
	enum bgp_update_result result;
	uint8_t subcode; /* of a reset */
} cases[] = {
	{"a good UPDATE", E, "", EXTERNAL, NLRI, BGP_UPDATE_OK, 0},
	{"2-octet AS numbers", E2, "", ORIGIN AS_PATH_2 NEXT_HOP, NLRI, BGP_UPDATE_OK, 0},
	{"an internal one", I, "", ORIGIN "40 02 00" NEXT_HOP LOCAL_PREF, NLRI, BGP_UPDATE_OK, 0},
	{"withdrawals only", E, "18 0a0102 08 0a", "", "", BGP_UPDATE_OK, 0},
	{"withdrawals with good attributes and no NLRI", E, NLRI, EXTERNAL, "", BGP_UPDATE_OK, 0},
	{"default route", E, "", EXTERNAL, "00", BGP_UPDATE_OK, 0},
	{"MP_REACH of IPv6 alone needs no NEXT_HOP", E, "", MP_REACH ORIGIN AS_PATH, "",
	 BGP_UPDATE_OK, 0},
	{"MP_REACH with IPv4 prefixes and an IPv6 next hop", E, "",
	 "80 0e 17 0001 01 10 20010db8000000000000000000000001 00 08 0a" ORIGIN AS_PATH, "",
	 BGP_UPDATE_OK, 0},
	{"unknown family is not looked into", E, "",
	 "80 0e 09 0019 46 00 00 ff ff ff ff" ORIGIN AS_PATH, "", BGP_UPDATE_OK, 0},
	{"MP_UNREACH with prefixes", E, "", "80 0f 08 0002 01 20 20010db8", "", BGP_UPDATE_OK, 0},
	{"attributes in any order", E, "", NEXT_HOP AS_PATH ORIGIN, NLRI, BGP_UPDATE_OK, 0},
	{"extended length of a short attribute", E, "", "50 01 0001 00" AS_PATH NEXT_HOP, NLRI,
	 BGP_UPDATE_OK, 0},
	{"partial bit of an optional attribute", E, "", EXTERNAL "e0 08 04 fde90001", NLRI,
	 BGP_UPDATE_OK, 0},

	/* RFC 4271 6.3, RFC 7606 3b, 5.3: prefixes cannot be found */
	{"prefix of 33 bits", E, "", EXTERNAL, "21 0a01020300", BGP_UPDATE_RESET, 10},
	{"prefix of 255 bits", E, "", EXTERNAL, "ff", BGP_UPDATE_RESET, 10},
	{"prefix cut off", E, "", EXTERNAL, "18 0a01", BGP_UPDATE_RESET, 10},
	{"second prefix cut off", E, "", EXTERNAL, NLRI "10 0a", BGP_UPDATE_RESET, 10},
	{"withdrawn prefix of 33 bits", E, "21 0a01020300", "", "", BGP_UPDATE_RESET, 10},
	{"withdrawn prefix cut off", E, "18 0a", EXTERNAL, NLRI, BGP_UPDATE_RESET, 10},

	/* RFC 7606 3c: flags */
	{"ORIGIN optional", E, "", "c0 01 01 00" AS_PATH NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"ORIGIN not transitive", E, "", "00 01 01 00" AS_PATH NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"MED transitive", E, "", EXTERNAL "c0 04 04 00000001", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW,
	 0},
	{"COMMUNITIES not transitive", E, "", EXTERNAL "80 08 04 00000001", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"MP_REACH transitive", E, "",
	 "c0 0e 1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8" ORIGIN AS_PATH, "",
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},

	/* RFC 7606 3d: mandatory attributes */
	{"no ORIGIN", E, "", AS_PATH NEXT_HOP, NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"no AS_PATH", E, "", ORIGIN NEXT_HOP, NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"no NEXT_HOP", E, "", ORIGIN AS_PATH, NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"no attribute at all (CVE-2023-46753)", E, "", "", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"no LOCAL_PREF on an internal session", I, "", EXTERNAL, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"MP_REACH without ORIGIN", E, "", MP_REACH AS_PATH, "", BGP_UPDATE_TREAT_AS_WITHDRAW, 0},

	/* RFC 7606 3g: repeated */
	{"ORIGIN twice, the second malformed", E, "", EXTERNAL "40 01 01 09", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"unknown optional attribute twice", E, "", EXTERNAL "c0 63 00 c0 63 00", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"MP_REACH twice", E, "", MP_REACH MP_REACH ORIGIN AS_PATH, "", BGP_UPDATE_RESET, 1},
	{"MP_UNREACH twice", E, "", "80 0f 03 0002 01 80 0f 03 0001 01", "", BGP_UPDATE_RESET, 1},

	/* RFC 7606 4: the list */
	{"one octet of an attribute left", E, "", EXTERNAL "40", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW,
	 0},
	{"two octets left", E, "", EXTERNAL "c0 63", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"half an extended length left", E, "", EXTERNAL "d0 63 00", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"value beyond the list", E, "", EXTERNAL "c0 63 01", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW,
	 0},
	{"extended length of 65535", E, "", EXTERNAL "d0 63 ffff", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"nothing but a fragment", E, "", "40", "", BGP_UPDATE_RESET, 1},
	{"overrun, nothing to withdraw", E, "", EXTERNAL "c0 63 01", "", BGP_UPDATE_RESET, 1},

	/* RFC 7606 5.2: an error and no reachable prefix */
	{"bad ORIGIN without NLRI", E, "", "40 01 01 05" AS_PATH NEXT_HOP, "", BGP_UPDATE_RESET, 6},
	{"bad ORIGIN with withdrawals only", E, NLRI, "40 01 01 05", "", BGP_UPDATE_RESET, 6},
	{"discarded attribute without NLRI", E, "", EXTERNAL "40 06 01 00", "",
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"bad flags of a lone MP_UNREACH", E, "", "c0 0f 08 0002 01 20 20010db8", "",
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},

	/* RFC 4271 6.3: unknown well-known attributes (CVE-2026-37461 of GoBGP) */
	{"unknown well-known attribute", E, "", EXTERNAL "40 63 01 00", NLRI, BGP_UPDATE_RESET, 2},
	{"attribute of type 0, well-known", E, "", EXTERNAL "40 00 00", NLRI, BGP_UPDATE_RESET, 2},
	{"attribute of type 255, optional", E, "", EXTERNAL "80 ff 00", NLRI, BGP_UPDATE_OK, 0},

	/* RFC 7606 7.1 - 7.5 */
	{"ORIGIN of 3", E, "", "40 01 01 03" AS_PATH NEXT_HOP, NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW,
	 0},
	{"ORIGIN of length 0", E, "", "40 01 00" AS_PATH NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"ORIGIN of length 2", E, "", "40 01 02 0000" AS_PATH NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS_PATH segment overruns", E, "", ORIGIN "40 02 06 02 02 0000fde9" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS_PATH with one octet left", E, "", ORIGIN "40 02 07 02 01 0000fde9 02" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS_PATH segment of length 0", E, "", ORIGIN "40 02 02 02 00" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS_PATH segment of type 0", E, "", ORIGIN "40 02 06 00 01 0000fde9" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS_PATH segment of type 5", E, "", ORIGIN "40 02 06 05 01 0000fde9" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"2-octet path on a 4-octet session", E, "", ORIGIN AS_PATH_2 NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS_SET (RFC 9774)", E, "", ORIGIN "40 02 0c 02 01 0000fde9 01 01 0000fdea" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"AS 0 (RFC 7607)", E, "", ORIGIN "40 02 0a 02 02 0000fde9 00000000" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"confederation from outside", E, "", ORIGIN "40 02 06 03 01 0000fde9" NEXT_HOP, NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"confederation inside", I, "", ORIGIN "40 02 06 03 01 0000fde9" NEXT_HOP LOCAL_PREF, NLRI,
	 BGP_UPDATE_OK, 0},
	{"NEXT_HOP of length 3 (CVE-2025-43971)", E, "", ORIGIN AS_PATH "40 03 03 0a0000", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"NEXT_HOP of length 0", E, "", ORIGIN AS_PATH "40 03 00", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"NEXT_HOP of length 16", E, "", ORIGIN AS_PATH "40 03 10 20010db8000000000000000000000001",
	 NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"NEXT_HOP 0.0.0.0", E, "", ORIGIN AS_PATH "40 03 04 00000000", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"NEXT_HOP loopback", E, "", ORIGIN AS_PATH "40 03 04 7f000001", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"NEXT_HOP multicast", E, "", ORIGIN AS_PATH "40 03 04 e0000001", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"NEXT_HOP broadcast", E, "", ORIGIN AS_PATH "40 03 04 ffffffff", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"MED of length 3", E, "", EXTERNAL "80 04 03 000000", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW,
	 0},
	{"LOCAL_PREF of length 5 inside", I, "", EXTERNAL "40 05 05 0000000000", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"LOCAL_PREF from outside", E, "", EXTERNAL LOCAL_PREF, NLRI, BGP_UPDATE_ATTRIBUTE_DISCARD,
	 0},
	{"malformed LOCAL_PREF from outside", E, "", EXTERNAL "c0 05 01 00", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},

	/* RFC 7606 7.6 - 7.14, RFC 8092 */
	{"ATOMIC_AGGREGATE", E, "", EXTERNAL "40 06 00", NLRI, BGP_UPDATE_OK, 0},
	{"ATOMIC_AGGREGATE of length 1", E, "", EXTERNAL "40 06 01 00", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"AGGREGATOR", E, "", EXTERNAL "c0 07 08 0000fde9 0a000001", NLRI, BGP_UPDATE_OK, 0},
	{"AGGREGATOR of 2-octet form on a 4-octet session", E, "",
	 EXTERNAL "c0 07 06 fde9 0a000001", NLRI, BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"AGGREGATOR on a 2-octet session", E2, "",
	 ORIGIN AS_PATH_2 NEXT_HOP "c0 07 06 fde9 0a000001", NLRI, BGP_UPDATE_OK, 0},
	{"AGGREGATOR of 4-octet form on a 2-octet session", E2, "",
	 ORIGIN AS_PATH_2 NEXT_HOP "c0 07 08 0000fde9 0a000001", NLRI, BGP_UPDATE_ATTRIBUTE_DISCARD,
	 0},
	{"AGGREGATOR of length 0", E, "", EXTERNAL "c0 07 00", NLRI, BGP_UPDATE_ATTRIBUTE_DISCARD,
	 0},
	{"AGGREGATOR with AS 0", E, "", EXTERNAL "c0 07 08 00000000 0a000001", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"COMMUNITIES of length 0", E, "", EXTERNAL "c0 08 00", NLRI, BGP_UPDATE_TREAT_AS_WITHDRAW,
	 0},
	{"COMMUNITIES of length 5", E, "", EXTERNAL "c0 08 05 0000000100", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"ORIGINATOR_ID from outside", E, "", EXTERNAL "80 09 04 0a000001", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"ORIGINATOR_ID of length 3 inside", I, "", EXTERNAL LOCAL_PREF "80 09 03 0a0000", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"CLUSTER_LIST from outside", E, "", EXTERNAL "80 0a 04 0a000001", NLRI,
	 BGP_UPDATE_ATTRIBUTE_DISCARD, 0},
	{"CLUSTER_LIST of length 0 inside", I, "", EXTERNAL LOCAL_PREF "80 0a 00", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"extended communities of length 7", E, "", EXTERNAL "c0 10 07 00000000000000", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"large communities of length 11", E, "", EXTERNAL "c0 20 0b 0000000000000000000000", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},
	{"large communities of length 0", E, "", EXTERNAL "c0 20 00", NLRI,
	 BGP_UPDATE_TREAT_AS_WITHDRAW, 0},

	/* RFC 7606 7.11, 7.12; CVE-2023-46752, CVE-2023-47234, CVE-2018-16230 */
	{"MP_REACH of length 0", E, "", "80 0e 00" ORIGIN AS_PATH, "", BGP_UPDATE_RESET, 9},
	{"MP_REACH of length 4", E, "", "80 0e 04 0002 01 00" ORIGIN AS_PATH, "", BGP_UPDATE_RESET,
	 9},
	{"MP_REACH next hop beyond it", E, "", "80 0e 06 0002 01 ff 00 00" ORIGIN AS_PATH, "",
	 BGP_UPDATE_RESET, 9},
	{"MP_REACH next hop of length 0", E, "", "80 0e 05 0002 01 00 00" ORIGIN AS_PATH, "",
	 BGP_UPDATE_RESET, 9},
	{"MP_REACH next hop of length 15", E, "",
	 "80 0e 14 0002 01 0f 20010db80000000000000000000000 00" ORIGIN AS_PATH, "",
	 BGP_UPDATE_RESET, 9},
	{"MP_REACH of IPv6 with an IPv4 next hop", E, "",
	 "80 0e 0e 0002 01 04 0a000002 00 20 20010db8" ORIGIN AS_PATH, "", BGP_UPDATE_RESET, 9},
	{"MP_REACH prefix of 129 bits", E, "",
	 "80 0e 27 0002 01 10 20010db8000000000000000000000001 00 81"
	 "0000000000000000000000000000000000" ORIGIN AS_PATH,
	 "", BGP_UPDATE_RESET, 9},
	{"MP_REACH prefix cut off, behind good NLRI", E, "",
	 "80 0e 16 0002 01 10 20010db8000000000000000000000001 00 20" EXTERNAL, NLRI,
	 BGP_UPDATE_RESET, 9},
	{"MP_UNREACH of length 2", E, "", "80 0f 02 0002", "", BGP_UPDATE_RESET, 9},
	{"MP_UNREACH prefix cut off", E, "", "80 0f 05 0002 01 20 20", "", BGP_UPDATE_RESET, 9},

	/* What others crashed on and we do not look into (VU#347067, CVE-2023-38802, -41358) */
	{"tunnel encapsulation with garbage", E, "", EXTERNAL "c0 17 04 ffffffff", NLRI,
	 BGP_UPDATE_OK, 0},
	{"attribute set of length 0", E, "", EXTERNAL "c0 80 00", NLRI, BGP_UPDATE_OK, 0},
	{"prefix SID with a length beyond it", E, "", EXTERNAL "c0 28 03 01 ff ff", NLRI,
	 BGP_UPDATE_OK, 0},
	{"AIGP of length 1", E, "", EXTERNAL "80 1a 01 01", NLRI, BGP_UPDATE_OK, 0},
	{"AS4_AGGREGATOR of an old speaker", E2, "",
	 ORIGIN AS_PATH_2 NEXT_HOP "c0 12 08 fa56ea00 0a000002", NLRI, BGP_UPDATE_OK, 0},
	{"AS4_PATH before AS_PATH, with garbage (CVE-2026-41643)", E2, "",
	 "c0 11 03 02 ff 00" ORIGIN AS_PATH_2 NEXT_HOP, NLRI, BGP_UPDATE_OK, 0},
};

static enum bgp_update_result decode(const struct octets *body, const struct bgp_update_session *s,
				     struct bgp_update *u, struct bgp_error *error)
{
	_cleanup_(freep) uint8_t *alone = octets_alone(body->b, body->len);
	enum bgp_update_result r = bgp_update_decode(rcur_init(alone, body->len), s, u, error);

	/* The views die with the copy. */
	u->nlri = u->withdrawn = (struct rcur){0};
	u->as_path = u->communities = u->large_communities = (struct rcur){0};
	return r;
}

static void each_error_has_its_class_of_rfc_7606(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct update_case *c = &cases[i];
		struct octets body = body_of(c->withdrawn, c->attrs, c->nlri);
		struct bgp_update u;
		struct bgp_error error = {0};
		enum bgp_update_result r = decode(&body, sessions[c->session], &u, &error);

		if (r != c->result)
			fail_msg("%s: class %d, not %d (%s)", c->name, r, c->result,
				 u.reason ? u.reason : "");
		if (error.subcode != c->subcode)
			fail_msg("%s: subcode %u, not %u", c->name, error.subcode, c->subcode);
		assert_int_equal(error.code, r == BGP_UPDATE_RESET ? BGP_ERROR_UPDATE : 0);
		assert_int_equal(u.reason == NULL, r == BGP_UPDATE_OK);
		if ((u.n_discarded > 0) != (r == BGP_UPDATE_ATTRIBUTE_DISCARD))
			fail_msg("%s: %u discarded", c->name, u.n_discarded);
		assert_false(u.is_end_of_rib);
	}
}

static void lengths_beyond_the_message_reset(void **state)
{
	static const char *const bodies[] = {
		"",
		"00",
		"0000",
		"0000 00",
		"0001",
		"0001 0000",
		"ffff 0000",
		"0000 0001",
		"0000 ffff 40010100",
		"0004 180a0102 0001",
		"0005 180a0102 0000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct octets body = octets(bodies[i]);
		struct bgp_update u;
		struct bgp_error error;

		if (decode(&body, &external, &u, &error) != BGP_UPDATE_RESET)
			fail_msg("%s is not refused", bodies[i]);
		assert_int_equal(error.subcode, BGP_UPDATE_MALFORMED_ATTRIBUTE_LIST);
		assert_int_equal(u.n_announced + u.n_withdrawn, 0);
	}
}

static void the_notification_carries_the_attribute(void **state)
{
	struct octets body = body_of("", EXTERNAL "40 63 02 abcd", NLRI);
	struct octets want = octets("40 63 02 abcd");
	struct bgp_update u;
	struct bgp_error error;

	(void)state;
	assert_int_equal(decode(&body, &external, &u, &error), BGP_UPDATE_RESET);
	assert_int_equal(u.bad_attr, 0x63);
	assert_int_equal(error.data_len, want.len);
	assert_memory_equal(error.data, want.b, want.len);
}

static void the_worst_of_several_errors_counts(void **state)
{
	struct octets body = body_of(
		"", EXTERNAL LOCAL_PREF "40 06 01 00 c0 08 01 00 80 04 01 00 40 63 00", NLRI);
	struct bgp_update u;
	struct bgp_error error;

	(void)state;
	assert_int_equal(decode(&body, &external, &u, &error), BGP_UPDATE_RESET);
	assert_int_equal(error.subcode, BGP_UPDATE_UNRECOGNIZED_WELL_KNOWN);
	assert_int_equal(u.n_discarded, 2);

	body = body_of("", EXTERNAL "40 06 01 00 c0 08 01 00 80 04 01 00", NLRI);
	assert_int_equal(decode(&body, &external, &u, &error), BGP_UPDATE_TREAT_AS_WITHDRAW);
	assert_int_equal(u.bad_attr, BGP_ATTR_COMMUNITIES); /* the first of equals */
	assert_int_equal(u.n_discarded, 1);
}

static void attributes_are_decoded(void **state)
{
	struct octets body =
		body_of("08 0a",
			"40 01 01 02  40 02 0e 02 03 0000fde9 0000fdea fa56ea01  40 03 04 c0000201"
			"80 04 04 0000002a  40 05 04 000000c8  c0 08 08 fde90064 ffffff01"
			"c0 20 0c 00000001 00000002 00000003",
			"18 0a0102 14 0a0150 00");
	struct bgp_update u;
	struct bgp_error error;
	struct ip_prefix p;
	char text[IP_PREFIX_TEXT];

	(void)state;
	assert_int_equal(bgp_update_decode(rcur_init(body.b, body.len), &internal, &u, &error),
			 BGP_UPDATE_OK);
	assert_true(u.has_origin && u.has_as_path && u.has_next_hop && u.has_med);
	assert_int_equal(u.origin, 2);
	assert_int_equal(u.n_as_path, 3);
	assert_int_equal(rcur_left(&u.as_path), 2 + 3 * 4);
	assert_int_equal(u.origin_asn, 4200000001);
	assert_int_equal(ip_addr_v4(&u.next_hop), 0xc0000201);
	assert_int_equal(u.med, 42);
	assert_true(u.has_local_pref);
	assert_int_equal(u.local_pref, 200);
	assert_int_equal(rcur_u32(&u.communities), 0xfde90064);
	assert_int_equal(rcur_u32(&u.communities), 0xffffff01);
	assert_int_equal(rcur_left(&u.communities), 0);
	assert_int_equal(rcur_left(&u.large_communities), 12);
	assert_int_equal(u.n_announced, 3);
	assert_int_equal(u.n_withdrawn, 1);
	assert_true(bgp_nlri_next(&u.nlri, BGP_IPV4_UNICAST, &p));
	assert_string_equal(ip_prefix_text(&p, text), "10.1.2.0/24");
	/* RFC 4271 4.3: host bits do not matter */
	assert_true(bgp_nlri_next(&u.nlri, BGP_IPV4_UNICAST, &p));
	assert_string_equal(ip_prefix_text(&p, text), "10.1.80.0/20");
	assert_true(bgp_nlri_next(&u.nlri, BGP_IPV4_UNICAST, &p));
	assert_string_equal(ip_prefix_text(&p, text), "0.0.0.0/0");
	assert_false(bgp_nlri_next(&u.nlri, BGP_IPV4_UNICAST, &p));
	assert_true(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, &p));
	assert_string_equal(ip_prefix_text(&p, text), "10.0.0.0/8");
	assert_false(bgp_nlri_next(&u.withdrawn, BGP_IPV4_UNICAST, &p));
}

/* RFC 5065 5.3: confederation segments do not count for the length. */
static void a_confederation_does_not_lengthen_the_path(void **state)
{
	struct octets body = body_of(
		"", ORIGIN "40 02 0c 03 01 0000fde9 02 01 0000fdea" NEXT_HOP LOCAL_PREF, NLRI);
	struct bgp_update u;
	struct bgp_error error;

	(void)state;
	assert_int_equal(decode(&body, &internal, &u, &error), BGP_UPDATE_OK);
	assert_int_equal(u.n_as_path, 1);
	assert_int_equal(u.origin_asn, 65002);
}

static void host_bits_of_a_prefix_are_cleared(void **state)
{
	struct rcur c = rcur_init("\x0c\x0a\xff\x21\x0a\x01\x02\x03\x00", 9);
	char text[IP_PREFIX_TEXT];
	struct ip_prefix p;

	(void)state;
	assert_true(bgp_nlri_next(&c, BGP_IPV4_UNICAST, &p));
	assert_string_equal(ip_prefix_text(&p, text), "10.240.0.0/12");
	assert_false(bgp_nlri_next(&c, BGP_IPV4_UNICAST, &p)); /* 33 bits */
}

/* RFC 4724 2; CVE-2023-47235: a malformed one is no End-of-RIB. */
static void end_of_rib_is_told_from_an_update(void **state)
{
	static const struct {
		const char *withdrawn, *attrs, *nlri;
		bool is_eor;
		uint16_t afi;
		uint8_t safi;
	} table[] = {
		{"", "", "", true, BGP_AFI_IPV4, 1},
		{"", "80 0f 03 0002 01", "", true, BGP_AFI_IPV6, 1},
		{"", "90 0f 0003 0001 01", "", true, BGP_AFI_IPV4, 1},
		{"", "80 0f 03 0019 46", "", true, 25, 70},
		{"08 0a", "", "", false, 0, 0},
		{"08 0a", "80 0f 03 0002 01", "", false, 0, 0},
		{"", "80 0f 08 0002 01 20 20010db8", "", false, 0, 0},
		{"", "80 0f 03 0002 01 c0 63 00", "", false, 0, 0},
		{"", EXTERNAL, "", false, 0, 0},
		{"", EXTERNAL "80 0f 03 0002 01", NLRI, false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct octets body = body_of(table[i].withdrawn, table[i].attrs, table[i].nlri);
		struct bgp_update u;
		struct bgp_error error;

		assert_int_equal(decode(&body, &external, &u, &error), BGP_UPDATE_OK);
		if (u.is_end_of_rib != table[i].is_eor)
			fail_msg("case %zu", i);
		if (!u.is_end_of_rib)
			continue;
		assert_int_equal(u.eor_afi, table[i].afi);
		assert_int_equal(u.eor_safi, table[i].safi);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_error_has_its_class_of_rfc_7606),
		cmocka_unit_test(lengths_beyond_the_message_reset),
		cmocka_unit_test(the_notification_carries_the_attribute),
		cmocka_unit_test(the_worst_of_several_errors_counts),
		cmocka_unit_test(attributes_are_decoded),
		cmocka_unit_test(a_confederation_does_not_lengthen_the_path),
		cmocka_unit_test(host_bits_of_a_prefix_are_cleared),
		cmocka_unit_test(end_of_rib_is_told_from_an_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
