// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Encoding UPDATEs: octet by octet against the figures of the RFCs, then random sets and prefixes
 * through the decoder and back, and how many messages a number of prefixes takes.
 */
#include "base/limits.h"
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_update.h"
#include "unit/bgp/update_made.h"

static void assert_encodes(const struct bgp_update_session *s, const struct bgp_attrs *a,
			   const char *hex)
{
	struct ip_prefix prefixes[] = {prefix("192.0.2.0/24"), prefix("198.51.100.7/32")};
	struct bgp_update_batch batch = {.attrs = a, .prefixes = prefixes, .n = 2};
	struct octets want = octets(hex);
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t taken, len = bgp_update_encode(buf, sizeof(buf), s, &batch, &taken);

	assert_int_equal(taken, 2);
	assert_int_equal(len, want.len);
	assert_memory_equal(buf, want.b, want.len);
}

static void external_4_octet(void **state)
{
	static const uint32_t communities[] = {0xfde80064, 0xffffff01};
	static const struct large_community large[] = {{64512, 1, 2}};
	struct bgp_update_session s = session(4200000001, false, true);
	struct bgp_attrs a = {.origin = BGP_ORIGIN_INCOMPLETE,
			      .has_med = true,
			      .med = 42,
			      .has_local_pref = true, /* must not leave the AS */
			      .local_pref = 200,
			      .communities = communities,
			      .n_communities = 2,
			      .large = large,
			      .n_large = 1};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "(length) 0055 (type) 02 (withdrawn) 0000 (attributes) 0035"
			      "(ORIGIN) 40 01 01 02"
			      "(AS_PATH) 40 02 06 02 01 fa56ea01"
			      "(NEXT_HOP) 40 03 04 0a000001"
			      "(MED) 80 04 04 0000002a"
			      "(COMMUNITIES) c0 08 08 fde80064 ffffff01"
			      "(LARGE_COMMUNITY) c0 20 0c 0000fc00 00000001 00000002" NLRI);
}

/* RFC 6793 4.2.2. */
static void external_2_octet_says_as_trans_and_as4_path(void **state)
{
	struct bgp_update_session s = session(4200000001, false, false);
	struct bgp_attrs a = {.prepend = 1};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "0041 02 0000 0021"
			      "(ORIGIN) 40 01 01 00"
			      "(AS_PATH) 40 02 06 02 02 5ba0 5ba0"
			      "(NEXT_HOP) 40 03 04 0a000001"
			      "(AS4_PATH) c0 11 0a 02 02 fa56ea01 fa56ea01" NLRI);
}

/* RFC 4360 2: eight octets each, in the order of types between 8 and 17. */
static void extended_communities_are_written_where_there_are_some(void **state)
{
	static const uint32_t communities[] = {1};
	static const uint64_t extended[] = {UINT64_C(0x0002fde800000064),
					    UINT64_C(0x4004fde84b3ebc20)};
	struct bgp_update_session s = session(4200000001, false, false);
	struct bgp_attrs a = {.communities = communities,
			      .n_communities = 1,
			      .extended = extended,
			      .n_extended = 2};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "0055 02 0000 0035"
			      "(ORIGIN) 40 01 01 00"
			      "(AS_PATH) 40 02 04 02 01 5ba0"
			      "(NEXT_HOP) 40 03 04 0a000001"
			      "(COMMUNITIES) c0 08 04 00000001"
			      "(EXTENDED COMMUNITIES) c0 10 10 0002fde8 00000064 4004fde8 4b3ebc20"
			      "(AS4_PATH) c0 11 06 02 01 fa56ea01" NLRI);
}

/* draft-ietf-idr-link-bandwidth: 3 Gb/s are 375,000,000 octets, 0x4db2d05e as a float. */
static void link_bandwidth_is_an_extended_community_of_the_sessions_as(void **state)
{
	static const uint64_t extended[] = {UINT64_C(0x0002fde800000064)};
	struct bgp_update_session s = session(65000, true, true);
	struct bgp_attrs a = {.bandwidth = 3};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "0040 02 0000 0020"
			      "40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000064"
			      "(EXTENDED COMMUNITIES) c0 10 08 4004fde8 4db2d05e" NLRI);
	s.local_asn = 65535; /* the last one of two octets */
	assert_encodes(&s, &a,
		       MARKER "0040 02 0000 0020"
			      "40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000064"
			      "c0 10 08 4004ffff 4db2d05e" NLRI);
	s.local_asn = 4200000001;
	a.extended = extended;
	a.n_extended = 1;
	assert_encodes(&s, &a,
		       MARKER "0048 02 0000 0028"
			      "40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000064"
			      "c0 10 10 0002fde8 00000064 40045ba0 4db2d05e" NLRI);
}

static void external_2_octet_with_a_small_number_needs_no_as4_path(void **state)
{
	struct bgp_update_session s = session(65000, false, false);
	struct bgp_attrs a = {.next_hop = ip_addr_from_v4(0xc0000263)};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "0032 02 0000 0012"
			      "(ORIGIN) 40 01 01 00"
			      "(AS_PATH) 40 02 04 02 01 fde8"
			      "(NEXT_HOP of the set) 40 03 04 c0000263" NLRI);
}

/* RFC 4271 5.1.2, 5.1.5: empty path; LOCAL_PREF always; prepending has no meaning inside. */
static void internal(void **state)
{
	struct bgp_update_session s = session(65000, true, true);
	struct bgp_attrs a = {.prepend = 3};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "0035 02 0000 0015"
			      "(ORIGIN) 40 01 01 00"
			      "(AS_PATH) 40 02 00"
			      "(NEXT_HOP) 40 03 04 0a000001"
			      "(LOCAL_PREF) 40 05 04 00000064" NLRI);
	a.has_local_pref = true;
	a.local_pref = 0;
	assert_encodes(&s, &a,
		       MARKER "0035 02 0000 0015"
			      "40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000000" NLRI);
}

static void internal_2_octet_has_no_path_to_repeat(void **state)
{
	struct bgp_update_session s = session(4200000001, true, false);
	struct bgp_attrs a = {0};

	(void)state;
	assert_encodes(&s, &a,
		       MARKER "0035 02 0000 0015"
			      "40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000064" NLRI);
}

static void withdrawal(void **state)
{
	struct bgp_update_session s = session(65000, false, true);

	(void)state;
	assert_encodes(&s, NULL, MARKER "0020 02 (withdrawn) 0009" NLRI "(attributes) 0000");
}

static void end_of_rib_is_an_empty_update_or_an_empty_mp_unreach(void **state)
{
	static const char *const text[] = {
		[BGP_IPV4_UNICAST] = MARKER "0017 02 0000 0000",
		[BGP_IPV6_UNICAST] = MARKER "001d 02 0000 0006 80 0f 03 0002 01",
	};
	uint8_t buf[BGP_END_OF_RIB_MAX];

	(void)state;
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		struct octets want = octets(text[f]);

		assert_int_equal(bgp_end_of_rib_encode(buf, sizeof(buf), f), want.len);
		assert_memory_equal(buf, want.b, want.len);
		for (size_t cap = 0; cap < want.len; cap++)
			assert_int_equal(bgp_end_of_rib_encode(buf, cap, f), 0);
	}
}

/* 256 numbers are one more than a segment takes; 1028 octets need the extended length. */
static void the_longest_prepend_takes_two_segments(void **state)
{
	struct bgp_update_session s = session(65001, false, true);
	struct bgp_attrs a = {.prepend = 255};
	struct ip_prefix p = prefix("10.0.0.0/8");
	struct bgp_update_batch batch = {.attrs = &a, .prefixes = &p, .n = 1};
	struct octets want = octets("50 02 0404 02 ff 0000fde9");
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_frame frame;
	struct bgp_error error;
	struct bgp_update u;
	size_t taken, len = bgp_update_encode(buf, sizeof(buf), &s, &batch, &taken);

	(void)state;
	assert_memory_equal(buf + 27, want.b, want.len);
	assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error),
			 BGP_FRAME_MESSAGE);
	assert_int_equal(bgp_update_decode(frame.body, &s, &u, &error), BGP_UPDATE_OK);
	assert_int_equal(u.n_as_path, 256);
	assert_int_equal(u.origin_asn, 65001);
}

/* --- packing --------------------------------------------------------------------------------- */

struct tally {
	size_t n_messages, n_prefixes, longest;
};

static struct tally encode_all(const struct bgp_update_session *s, struct bgp_update_batch batch,
			       size_t cap)
{
	_cleanup_(freep) uint8_t *buf = xmalloc(cap);
	struct tally t = {0};
	size_t taken;

	while (batch.n > 0) {
		size_t len = bgp_update_encode(buf, cap, s, &batch, &taken);

		assert_true(len > 0 && len <= cap && taken > 0 && taken <= batch.n);
		batch.prefixes += taken;
		batch.n -= taken;
		t.n_messages++;
		t.n_prefixes += taken;
		t.longest = len > t.longest ? len : t.longest;
	}
	return t;
}

/*
 * Header, both lengths and ORIGIN, AS_PATH, NEXT_HOP are 23 + 20 octets, a /32 is 5, a /24 4, so
 * 810 and 1013 fit into 4096; of withdrawals 814 and 1018.
 */
static void prefixes_are_packed_to_the_last_octet(void **state)
{
	static const struct {
		uint8_t len;
		bool withdraw;
		size_t n, n_messages, longest;
	} table[] = {
		{32, false, 810, 1, 4093},  {32, false, 811, 2, 4093},  {32, false, 1000, 2, 4093},
		{24, false, 1013, 1, 4095}, {24, false, 1014, 2, 4095}, {32, true, 814, 1, 4093},
		{32, true, 815, 2, 4093},   {24, true, 1018, 1, 4095},  {24, true, 1019, 2, 4095},
	};
	struct bgp_update_session s = session(65000, false, true);
	struct bgp_attrs a = {0};
	struct ip_prefix prefixes[1100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct tally t;

		for (uint32_t k = 0; k < table[i].n; k++) {
			struct ip_addr a4 = ip_addr_from_v4(0x0a000000 + k * 256);

			prefixes[k] = ip_prefix_of(&a4, table[i].len);
		}
		t = encode_all(&s,
			       (struct bgp_update_batch){.attrs = table[i].withdraw ? NULL : &a,
							 .prefixes = prefixes,
							 .n = table[i].n},
			       BGP_MESSAGE_MAX);
		assert_int_equal(t.n_messages, table[i].n_messages);
		assert_int_equal(t.n_prefixes, table[i].n);
		assert_int_equal(t.longest, table[i].longest);
	}
}

static void a_session_with_extended_messages_packs_up_to_65535(void **state)
{
	struct bgp_update_session s = session(65000, false, true);
	struct bgp_attrs a = {0};
	size_t n = 14000;
	_cleanup_(freep) struct ip_prefix *prefixes = xmalloc(n * sizeof(*prefixes));
	struct tally t;

	(void)state;
	for (size_t k = 0; k < n; k++) {
		struct ip_addr a4 = ip_addr_from_v4((uint32_t)(0x0a000000 + k));

		prefixes[k] = ip_prefix_of(&a4, 32);
	}
	t = encode_all(&s, (struct bgp_update_batch){.attrs = &a, .prefixes = prefixes, .n = n},
		       2 * BGP_MESSAGE_MAX_EXTENDED);
	assert_int_equal(t.n_messages, 2); /* (65535 - 43) / 5 = 13098 */
	assert_int_equal(t.longest, 43 + 13098 * 5);
}

/* --- round trip ------------------------------------------------------------------------------ */

struct random_set {
	struct bgp_attrs attrs;
	uint32_t communities[LIMIT_COMMUNITIES];
	struct large_community large[LIMIT_COMMUNITIES];
	uint64_t extended[LIMIT_COMMUNITIES];
};

/* None, or some of what is left of all that a route may have. */
static size_t share(struct rng *rng, size_t *left)
{
	const size_t n = rng_below(rng, 2) ? rng_below(rng, *left + 1) : 0;

	*left -= n;
	return n;
}

static void random_attrs(struct rng *rng, struct random_set *r)
{
	size_t left = LIMIT_COMMUNITIES;

	r->attrs = (struct bgp_attrs){
		.origin = (enum bgp_origin)rng_below(rng, 3),
		.prepend = (uint8_t)(rng_below(rng, 4) ? rng_below(rng, 4) : rng_next(rng)),
		.has_local_pref = rng_below(rng, 2),
		.local_pref = (uint32_t)rng_next(rng),
		.has_med = rng_below(rng, 2),
		.med = (uint32_t)rng_next(rng),
		.communities = r->communities,
		.n_communities = share(rng, &left),
		.large = r->large,
		.n_large = share(rng, &left),
		.bandwidth = (uint32_t)rng_below(rng, 3),
		.extended = r->extended,
		.n_extended = share(rng, &left),
	};
	if (rng_below(rng, 2))
		r->attrs.next_hop =
			rng_below(rng, 2)
				? addr("2001:db8::5")
				: ip_addr_from_v4(0x0a000000 + (uint32_t)rng_below(rng, 1000));
	for (size_t i = 0; i < r->attrs.n_communities; i++)
		r->communities[i] = (uint32_t)rng_next(rng);
	for (size_t i = 0; i < r->attrs.n_large; i++)
		r->large[i] = (struct large_community){(uint32_t)rng_next(rng), (uint32_t)i, 7};
	for (size_t i = 0; i < r->attrs.n_extended; i++)
		r->extended[i] = rng_next(rng);
}

static struct bgp_update_session random_session(struct rng *rng)
{
	struct bgp_update_session s =
		session(1 + (uint32_t)(rng_next(rng) >> rng_below(rng, 32)) % 4000000000,
			rng_below(rng, 2), rng_below(rng, 2));

	s.families.bits = BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1;
	s.extended_next_hop = rng_below(rng, 2);
	s.has_role = rng_below(rng, 2);
	s.role = (uint8_t)rng_below(rng, 5);
	if (s.extended_next_hop && rng_below(rng, 2))
		s.local.ipv4 = (struct ip_addr){0};
	s.local.ipv6 = addr("2001:db8::1");
	if (rng_below(rng, 2))
		s.local.ipv6_link_local = addr("fe80::1");
	return s;
}

static void assert_lists_equal(struct bgp_update *u, const struct bgp_attrs *a)
{
	assert_int_equal(rcur_left(&u->communities), a->n_communities * 4);
	for (size_t i = 0; i < a->n_communities; i++)
		assert_int_equal(rcur_u32(&u->communities), a->communities[i]);
	assert_int_equal(rcur_left(&u->large_communities), a->n_large * 12);
	for (size_t i = 0; i < a->n_large; i++) {
		assert_int_equal(rcur_u32(&u->large_communities), a->large[i].global);
		assert_int_equal(rcur_u32(&u->large_communities), a->large[i].local1);
		assert_int_equal(rcur_u32(&u->large_communities), a->large[i].local2);
	}
}

static void assert_next_hop(const struct bgp_update *u, const struct bgp_attrs *a,
			    const struct bgp_update_session *s, enum bgp_family f)
{
	const struct ip_addr said = bgp_update_next_hop(s, f, a);
	struct ip_addr want = a->next_hop;

	if (ip_addr_is_none(&want) || bgp_family_of_addr(&want) != f)
		want = f == BGP_IPV4_UNICAST && !ip_addr_is_none(&s->local.ipv4) ? s->local.ipv4
										 : s->local.ipv6;
	assert_true(ip_addr_equal(&said, &want));
	assert_int_equal(u->has_next_hop, ip_addr_is_v4(&want));
	assert_true(ip_addr_equal(ip_addr_is_v4(&want) ? &u->next_hop : &u->mp_next_hop, &want));
}

static void assert_attrs_equal(struct bgp_update *u, const struct bgp_attrs *a,
			       const struct bgp_update_session *s)
{
	bool mappable = s->as4 || s->local_asn <= UINT16_MAX;

	assert_true(u->has_origin && u->has_as_path);
	assert_int_equal(u->origin, a->origin);
	assert_int_equal(u->n_as_path, s->is_ibgp ? 0 : 1 + a->prepend);
	assert_int_equal(u->origin_asn, s->is_ibgp ? 0 : mappable ? s->local_asn : BGP_AS_TRANS);
	assert_int_equal(u->has_med, a->has_med);
	if (a->has_med)
		assert_int_equal(u->med, a->med);
	assert_int_equal(u->has_local_pref, s->is_ibgp);
	if (s->is_ibgp)
		assert_int_equal(u->local_pref, a->has_local_pref ? a->local_pref : 100);
	assert_lists_equal(u, a);
	assert_int_equal(rcur_left(&u->ext_communities), (a->n_extended + (a->bandwidth > 0)) * 8);
}

static void assert_prefixes_equal(struct rcur c, enum bgp_family f,
				  const struct ip_prefix *prefixes, size_t n)
{
	struct ip_prefix p;

	for (size_t i = 0; i < n; i++) {
		assert_true(bgp_nlri_next(&c, f, &p));
		assert_int_equal(ip_prefix_cmp(&p, &prefixes[i]), 0);
	}
	assert_false(bgp_nlri_next(&c, f, &p));
}

/* Where the prefixes of one message are. */
static struct rcur prefixes_of(const struct bgp_update *u, bool withdraw)
{
	const struct rcur *field = withdraw ? &u->withdrawn : &u->nlri;
	const struct bgp_update_mp *mp = withdraw ? &u->mp_unreach : &u->mp_reach;

	assert_true(rcur_left(field) == 0 || mp->n == 0);
	return mp->n > 0 ? mp->nlri : *field;
}

/* Attributes must be in ascending order of their types (RFC 4271 5), but for MP_REACH, the first.
 */
static void assert_ascending(const uint8_t *buf)
{
	size_t len = (size_t)buf[21] << 8 | buf[22], at = 23, value;
	uint8_t last = 0;

	while (at < 23 + len) {
		assert_true(buf[at + 1] > last);
		last = buf[at + 1] == BGP_ATTR_MP_REACH && at == 23 ? 0 : buf[at + 1];
		value = buf[at] & BGP_ATTR_EXTENDED ? 2u + (buf[at + 2] << 8 | buf[at + 3])
						    : 1u + buf[at + 2];
		at += 2 + value;
	}
	assert_int_equal(at, 23 + len);
}

static void what_is_encoded_decodes_to_itself(void **state)
{
	struct rng rng = octets_rng(__func__);
	struct random_set r;
	struct ip_prefix prefixes[1500];
	uint8_t buf[BGP_MESSAGE_MAX];

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		struct bgp_update_session s = random_session(&rng);
		bool withdraw = rng_below(&rng, 4) == 0;
		struct bgp_update_batch b = {.family = (enum bgp_family)rng_below(&rng, 2),
					     .prefixes = prefixes,
					     .n = 1 + rng_below(&rng, 1500)};
		struct bgp_frame frame;
		struct bgp_error error;
		struct bgp_update u;
		size_t taken, len;

		random_attrs(&rng, &r);
		b.attrs = withdraw ? NULL : &r.attrs;
		for (size_t i = 0; i < b.n; i++) {
			struct ip_addr a = ip_addr_from_v4((uint32_t)rng_next(&rng));

			if (b.family == BGP_IPV6_UNICAST)
				a.b[0] = 0x20;
			prefixes[i] =
				ip_prefix_of(&a, (uint8_t)rng_below(&rng, ip_addr_bits(&a) + 1u));
		}
		len = bgp_update_encode(buf, sizeof(buf), &s, &b, &taken);
		assert_true(len <= BGP_MESSAGE_MAX && taken >= 1 && taken <= b.n);
		assert_true(taken == b.n || len > BGP_MESSAGE_MAX - BGP_NLRI_MAX);
		assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error),
				 BGP_FRAME_MESSAGE);
		assert_int_equal(frame.len, len);
		assert_int_equal(bgp_update_decode(frame.body, &s, &u, &error), BGP_UPDATE_OK);
		assert_int_equal(u.n_withdrawn, withdraw ? taken : 0);
		assert_int_equal(u.n_announced, withdraw ? 0 : taken);
		assert_prefixes_equal(prefixes_of(&u, withdraw), b.family, prefixes, taken);
		if (withdraw)
			continue;
		assert_ascending(buf);
		assert_next_hop(&u, &r.attrs, &s, b.family);
		assert_attrs_equal(&u, &r.attrs, &s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(external_4_octet),
		cmocka_unit_test(external_2_octet_says_as_trans_and_as4_path),
		cmocka_unit_test(extended_communities_are_written_where_there_are_some),
		cmocka_unit_test(link_bandwidth_is_an_extended_community_of_the_sessions_as),
		cmocka_unit_test(external_2_octet_with_a_small_number_needs_no_as4_path),
		cmocka_unit_test(internal),
		cmocka_unit_test(internal_2_octet_has_no_path_to_repeat),
		cmocka_unit_test(withdrawal),
		cmocka_unit_test(end_of_rib_is_an_empty_update_or_an_empty_mp_unreach),
		cmocka_unit_test(the_longest_prepend_takes_two_segments),
		cmocka_unit_test(prefixes_are_packed_to_the_last_octet),
		cmocka_unit_test(a_session_with_extended_messages_packs_up_to_65535),
		cmocka_unit_test(what_is_encoded_decodes_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
