// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Prefixes on the wire: what is written is read again, of either family and any length; what is too
 * long or cut off is seen; and prefixes that are IPv4's own are no IPv6 routes.
 */
#include "bgp/bgp_nlri.h"
#include "unit/bgp/octets.h"

static struct ip_prefix random_prefix(struct rng *rng, enum bgp_family f)
{
	struct ip_addr a = ip_addr_from_v4((uint32_t)rng_next(rng));

	if (f == BGP_IPV6_UNICAST)
		for (size_t i = 0; i < sizeof(a.b); i++)
			a.b[i] = (uint8_t)(i ? rng_next(rng) : 0x20);
	return ip_prefix_of(&a, (uint8_t)rng_below(rng, ip_addr_bits(&a) + 1u));
}

static void what_is_written_is_read_again(void **state)
{
	struct rng rng = octets_rng(__func__);
	struct ip_prefix in[200], out;
	uint8_t buf[4096];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		enum bgp_family f = (enum bgp_family)rng_below(&rng, BGP_N_FAMILIES);
		size_t reserve = rng_below(&rng, 100), n = 1 + rng_below(&rng, ARRAY_SIZE(in)), k;
		struct wcur w = wcur_init(buf, 1000);
		struct rcur c;

		for (size_t i = 0; i < n; i++)
			in[i] = random_prefix(&rng, f);
		k = bgp_nlri_write(&w, f, in, n, reserve);
		assert_true(k <= n && wcur_room(&w) >= reserve && !w.failed);
		assert_true(k == n || wcur_room(&w) < reserve + BGP_NLRI_MAX);
		c = rcur_init(buf, wcur_len(&w));
		assert_true(bgp_nlri_count(c, f, &n));
		assert_int_equal(n, k);
		for (size_t i = 0; i < k; i++) {
			assert_true(bgp_nlri_next(&c, f, &out));
			assert_int_equal(ip_prefix_cmp(&in[i], &out), 0);
		}
		assert_false(bgp_nlri_next(&c, f, &out));
	}
}

static void a_prefix_that_is_too_long_or_cut_off_is_seen(void **state)
{
	static const struct {
		enum bgp_family family;
		const char *hex;
	} bad[] = {
		{BGP_IPV4_UNICAST, "21 0a01020380"},
		{BGP_IPV4_UNICAST, "18 0a01"},
		{BGP_IPV4_UNICAST, "08 0a 18 0a"},
		{BGP_IPV6_UNICAST, "81 20010db800000000000000000000000180"},
		{BGP_IPV6_UNICAST, "20 20010d"},
		{BGP_IPV6_UNICAST, "80 20010db8 00000000 00000000 000000"},
	};
	struct ip_prefix p;
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct octets o = octets(bad[i].hex);
		struct rcur c = rcur_init(o.b, o.len);

		assert_false(bgp_nlri_count(c, bad[i].family, &n));
		assert_int_equal(n, 7);
		while (bgp_nlri_next(&c, bad[i].family, &p))
			assert_int_equal(p.len, 8);
	}
}

static void ipv4_mapped_prefixes_are_no_ipv6_routes(void **state)
{
	struct octets o = octets("60 00000000 00000000 0000ffff  20 20010db8"
				 "80 00000000 00000000 0000ffff 0a000001"
				 "5f 00000000 00000000 0000fffe");
	struct rcur c = rcur_init(o.b, o.len);
	struct ip_prefix p;
	size_t n;

	(void)state;
	assert_true(bgp_nlri_count(c, BGP_IPV6_UNICAST, &n));
	assert_int_equal(n, 2);
	assert_true(bgp_nlri_next(&c, BGP_IPV6_UNICAST, &p));
	assert_int_equal(p.len, 32);
	assert_true(bgp_nlri_next(&c, BGP_IPV6_UNICAST, &p));
	assert_int_equal(p.len, 95);
	assert_false(bgp_nlri_next(&c, BGP_IPV6_UNICAST, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_prefix_that_is_too_long_or_cut_off_is_seen),
		cmocka_unit_test(ipv4_mapped_prefixes_are_no_ipv6_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
