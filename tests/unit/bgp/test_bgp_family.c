// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Families: their numbers and names, sets of them, and which address is whose next hop. */
#include "bgp/bgp_family.h"
#include "unit/bgp/octets.h"

#define ALL ((uint8_t)(BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1))

static void each_family_has_numbers_of_its_own(void **state)
{
	(void)state;
	for (unsigned afi = 0; afi < 4; afi++) {
		for (unsigned safi = 0; safi < 256; safi++) {
			enum bgp_family f = BGP_N_FAMILIES;
			bool ours = safi == 1 && (afi == 1 || afi == 2);

			assert_int_equal(bgp_family_of((uint16_t)afi, (uint8_t)safi, &f), ours);
			if (!ours) {
				assert_int_equal(f, BGP_N_FAMILIES);
				continue;
			}
			assert_int_equal(f, afi == 1 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST);
			assert_int_equal(bgp_family_afi(f), afi);
			assert_int_equal(bgp_family_safi(f), safi);
		}
	}
}

static void a_set_is_what_was_put_into_it(void **state)
{
	(void)state;
	for (uint8_t bits = 0; bits <= ALL; bits++) {
		for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
			struct bgp_families set = {bits}, with = set, without = set;

			bgp_families_put(&with, f, true);
			bgp_families_put(&without, f, false);
			for (enum bgp_family g = 0; g < BGP_N_FAMILIES; g++) {
				bool had = bgp_families_has(set, g);

				assert_int_equal(bgp_families_has(with, g), had || g == f);
				assert_int_equal(bgp_families_has(without, g), had && g != f);
			}
			assert_true(bgp_families_equal(with, without) == false);
			assert_true(
				bgp_families_equal(bgp_families_common(with, without), without));
		}
		assert_int_equal(bgp_families_is_empty((struct bgp_families){bits}), bits == 0);
	}
}

static void a_set_has_a_text(void **state)
{
	static const char *const want[] = {"", "IPv4 unicast", "IPv6 unicast",
					   "IPv4 unicast, IPv6 unicast"};
	char buf[BGP_FAMILIES_TEXT];

	(void)state;
	for (uint8_t bits = 0; bits <= ALL; bits++)
		assert_string_equal(bgp_families_text((struct bgp_families){bits}, buf),
				    want[bits]);
}

static void an_address_is_next_hop_of_its_kind_only(void **state)
{
	static const struct {
		const char *text;
		int kind; /* 0 IPv4, 1 IPv6, 2 link-local */
	} table[] = {
		{"192.0.2.1", 0}, {"169.254.0.1", 0}, {"2001:db8::1", 1},
		{"fd00::1", 1},   {"fe7f::1", 1},     {"fe80::1", 2},
		{"febf::1", 2},   {"fec0::1", 1},     {"2002:fe80::1", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bgp_next_hops hops;
		struct ip_addr a;
		const struct ip_addr *const by_kind[] = {&hops.ipv4, &hops.ipv6,
							 &hops.ipv6_link_local};

		assert_true(ip_addr_parse(table[i].text, &a));
		assert_int_equal(bgp_family_of_addr(&a),
				 table[i].kind ? BGP_IPV6_UNICAST : BGP_IPV4_UNICAST);
		hops = bgp_next_hops_of(&a);
		for (int k = 0; k < 3; k++) {
			if (k == table[i].kind)
				assert_true(ip_addr_equal(by_kind[k], &a));
			else
				assert_true(ip_addr_is_none(by_kind[k]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_has_numbers_of_its_own),
		cmocka_unit_test(a_set_is_what_was_put_into_it),
		cmocka_unit_test(a_set_has_a_text),
		cmocka_unit_test(an_address_is_next_hop_of_its_kind_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
