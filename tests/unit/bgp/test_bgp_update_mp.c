// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * UPDATEs whose prefixes are in MP_REACH_NLRI and MP_UNREACH_NLRI, octet by octet: IPv6 (RFC 4760,
 * RFC 2545) and IPv4 with an IPv6 next hop (RFC 8950).
 */
#include "bgp/bgp_attrs.h"
#include "unit/bgp/update_made.h"

static void assert_mp_encodes(const struct bgp_update_session *s, const struct bgp_attrs *a,
			      const char *const prefixes[2], const char *hex)
{
	struct ip_prefix list[] = {prefix(prefixes[0]), prefix(prefixes[1])};
	struct bgp_update_batch batch = {
		.family = bgp_family_of_addr(&list[0].addr), .attrs = a, .prefixes = list, .n = 2};
	struct octets want = octets(hex);
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t taken, len = bgp_update_encode(buf, sizeof(buf), s, &batch, &taken);

	assert_int_equal(taken, 2);
	assert_int_equal(len, want.len);
	assert_memory_equal(buf, want.b, want.len);
}

static const char *const two_v6[] = {"2001:db8:1::/48", "2001:db8::7/128"};
#define NLRI6 "30 20010db80001  80 20010db8000000000000000000000007"

/* RFC 4760 3; MP_REACH first (RFC 7606 5.1), no NEXT_HOP. */
static void ipv6_is_announced_in_mp_reach(void **state)
{
	struct bgp_update_session s = session(65000, false, true);
	struct bgp_attrs a = {.has_med = true, .med = 7};

	(void)state;
	s.local.ipv6 = addr("2001:db8::1");
	assert_true(bgp_update_has_next_hop(&s, BGP_IPV6_UNICAST));
	assert_mp_encodes(&s, &a, two_v6,
			  MARKER "005c 02 (withdrawn) 0000 (attributes) 0045"
				 "(MP_REACH) 90 0e 002d 0002 01"
				 "(next hop) 10 20010db8000000000000000000000001 00" NLRI6
				 "(ORIGIN) 40 01 01 00"
				 "(AS_PATH) 40 02 06 02 01 0000fde8"
				 "(MED) 80 04 04 00000007");
}

/* RFC 2545 3: on a shared link the link-local address behind the global one. */
static void a_shared_link_has_a_next_hop_of_two_addresses(void **state)
{
	struct bgp_update_session s = session(65000, true, true);
	struct bgp_attrs a = {0};

	(void)state;
	s.local.ipv6 = addr("2001:db8::1");
	s.local.ipv6_link_local = addr("fe80::1");
	assert_mp_encodes(&s, &a, two_v6,
			  MARKER "0066 02 0000 004f"
				 "(MP_REACH) 90 0e 003d 0002 01"
				 "(next hops) 20 20010db8000000000000000000000001"
				 "fe800000000000000000000000000001 00" NLRI6
				 "(ORIGIN) 40 01 01 00 (AS_PATH) 40 02 00"
				 "(LOCAL_PREF) 40 05 04 00000064");
	a.next_hop = addr("2001:db8::9"); /* the set's own is somebody else's: no link-local */
	assert_mp_encodes(&s, &a, two_v6,
			  MARKER "0056 02 0000 003f"
				 "90 0e 002d 0002 01 10 20010db8000000000000000000000009 00" NLRI6
				 "40 01 01 00 40 02 00 40 05 04 00000064");
}

static void ipv6_is_withdrawn_in_mp_unreach(void **state)
{
	struct bgp_update_session s = session(65000, false, true); /* needs no next hop */

	(void)state;
	assert_mp_encodes(&s, NULL, two_v6,
			  MARKER "0036 02 (withdrawn) 0000 (attributes) 001f"
				 "(MP_UNREACH) 90 0f 001b 0002 01" NLRI6);
}

/* RFC 8950 3: AFI and SAFI of IPv4 unicast, next hop of 16 octets. */
static void ipv4_with_an_ipv6_next_hop(void **state)
{
	static const char *const two_v4[] = {"192.0.2.0/24", "198.51.100.7/32"};
	struct bgp_update_session s = session(65000, true, true);
	struct bgp_attrs a = {0};

	(void)state;
	s.local = (struct bgp_next_hops){.ipv6_link_local = addr("fe80::1")};
	assert_false(bgp_update_has_next_hop(&s, BGP_IPV4_UNICAST));
	s.extended_next_hop = true;
	assert_true(bgp_update_has_next_hop(&s, BGP_IPV4_UNICAST));
	assert_mp_encodes(&s, &a, two_v4,
			  MARKER "0047 02 0000 0030"
				 "(MP_REACH) 90 0e 001e 0001 01"
				 "(next hop) 10 fe800000000000000000000000000001 00" NLRI
				 "40 01 01 00 40 02 00 40 05 04 00000064");
	assert_mp_encodes(&s, NULL, two_v4, MARKER "0020 02 0009" NLRI "0000");
	s.local.ipv4 = addr("10.0.0.1"); /* of one's own family is better */
	assert_mp_encodes(&s, &a, two_v4,
			  MARKER "0035 02 0000 0015"
				 "40 01 01 00 40 02 00 40 03 04 0a000001"
				 "40 05 04 00000064" NLRI);
}

/* 19 + 4 octets, MP_REACH's 25, ORIGIN and AS_PATH 13: 17 each leave room for 237. */
static void ipv6_prefixes_are_packed_to_the_last_octet(void **state)
{
	struct bgp_update_session s = session(65000, false, true);
	struct bgp_attrs a = {0};
	struct bgp_update_batch b = {.family = BGP_IPV6_UNICAST, .attrs = &a, .n = 300};
	struct ip_prefix prefixes[300];
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t taken;

	(void)state;
	s.local.ipv6 = addr("2001:db8::1");
	for (size_t i = 0; i < b.n; i++) {
		prefixes[i] = prefix("2001:db8::/128");
		prefixes[i].addr.b[14] = (uint8_t)(i >> 8);
		prefixes[i].addr.b[15] = (uint8_t)i;
	}
	b.prefixes = prefixes;
	assert_int_equal(bgp_update_encode(buf, sizeof(buf), &s, &b, &taken), 61 + 237 * 17);
	assert_int_equal(taken, 237);
	b.attrs = NULL;
	assert_int_equal(bgp_update_encode(buf, sizeof(buf), &s, &b, &taken), 30 + 239 * 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv6_is_announced_in_mp_reach),
		cmocka_unit_test(a_shared_link_has_a_next_hop_of_two_addresses),
		cmocka_unit_test(ipv6_is_withdrawn_in_mp_unreach),
		cmocka_unit_test(ipv4_with_an_ipv6_next_hop),
		cmocka_unit_test(ipv6_prefixes_are_packed_to_the_last_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
