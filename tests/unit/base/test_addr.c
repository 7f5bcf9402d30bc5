// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/addr: text against the C library, prefixes and ranges against a naive model that walks every
 * address of a /22.
 */
#include "base/addr.h"
#include "base/rng.h"

#include <arpa/inet.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	if (!ip_prefix_parse(text, &p))
		fail_msg("%s is not a prefix", text);
	return p;
}

static struct ip_range range(const char *text)
{
	struct ip_range r;

	if (!ip_range_parse(text, &r))
		fail_msg("%s is not a range", text);
	return r;
}

static void random_ipv4_round_trips_as_inet_ntop_prints_it(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4);
	for (int i = 0; i < 20000; i++) {
		uint32_t value = (uint32_t)rng_next(&rng);
		struct in_addr in = {.s_addr = htonl(value)};
		char expected[INET_ADDRSTRLEN], text[IP_ADDR_TEXT];
		struct ip_addr a = ip_addr_from_v4(value), back;

		assert_non_null(inet_ntop(AF_INET, &in, expected, sizeof(expected)));
		assert_string_equal(ip_addr_text(&a, text), expected);
		assert_true(ip_addr_parse(text, &back));
		assert_true(ip_addr_equal(&a, &back));
		assert_true(ip_addr_is_v4(&back));
		assert_int_equal(ip_addr_v4(&back), value);
	}
}

static void random_ipv6_round_trips_as_inet_ntop_prints_it(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 6);
	for (int i = 0; i < 20000; i++) {
		char expected[INET6_ADDRSTRLEN], text[IP_ADDR_TEXT];
		struct ip_addr a, back;

		/* Many zero groups, so that "::" is exercised at every place. */
		for (size_t k = 0; k < sizeof(a.b); k++)
			a.b[k] = rng_below(&rng, 3) ? 0 : (uint8_t)rng_next(&rng);
		a.b[0] = 0x20;
		assert_non_null(inet_ntop(AF_INET6, a.b, expected, sizeof(expected)));
		assert_string_equal(ip_addr_text(&a, text), expected);
		assert_true(ip_addr_parse(text, &back));
		assert_true(ip_addr_equal(&a, &back));
		assert_false(ip_addr_is_v4(&back));
	}
}

static void ipv6_text_is_rfc_5952(void **state)
{
	static const char *const cases[][2] = {
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:0db8:0:0:0:0:2:1", "2001:db8::2:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_addr a = addr(cases[i][0]);
		char text[IP_ADDR_TEXT];

		assert_string_equal(ip_addr_text(&a, text), cases[i][1]);
	}
}

static void bad_addresses_are_refused_and_leave_the_output(void **state)
{
	static const char *const bad[] = {
		"",           " ",        "1.2.3",    "1.2.3.4.5",     "256.1.1.1",
		"01.2.3.4",   "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/32",    "0x7f.1.1.1",
		"fe80::1%lo", "1::2::3",  "12345::",  ":::",           "router.example",
		"+1.2.3.4",   "1.2.3.-4", "[::1]",    "1:2:3:4:5:6:7", "::1.2.3.4.5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ip_addr a = ip_addr_from_v4(42);

		if (ip_addr_parse(bad[i], &a))
			fail_msg("accepted \"%s\"", bad[i]);
		assert_int_equal(ip_addr_v4(&a), 42);
	}
}

static void zero_ipv4_is_an_address_and_zero_bytes_are_none(void **state)
{
	static const struct ip_addr none;
	struct ip_addr zero = addr("0.0.0.0");

	(void)state;
	assert_false(ip_addr_is_none(&zero));
	assert_true(ip_addr_is_none(&none));
	assert_false(ip_addr_is_v4(&none));
}

static void some_addresses_are_no_hosts(void **state)
{
	static const char *const hosts[] = {"1.0.0.0",   "223.255.255.255", "240.0.0.0",
					    "127.0.0.1", "255.255.255.254", "::1",
					    "fe80::1",   "feff::",          "::2"};
	static const char *const others[] = {
		"0.0.0.0", "0.255.255.255",   "224.0.0.0", "239.255.255.255",
		"::",      "255.255.255.255", "ff00::",    "ffff::1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_true(ip_addr_is_unicast(&(struct ip_addr[]){addr(hosts[i])}[0]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(ip_addr_is_unicast(&(struct ip_addr[]){addr(others[i])}[0]));
}

static void next_carries(void **state)
{
	struct ip_addr a = addr("10.0.255.255"), n = ip_addr_next(&a), expected = addr("10.1.0.0");
	struct ip_addr top = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
		       wrapped = ip_addr_next(&top), back = ip_addr_before(&n);

	(void)state;
	assert_true(ip_addr_equal(&n, &expected));
	assert_true(ip_addr_is_none(&wrapped));
	assert_true(ip_addr_equal(&back, &a));
	back = ip_addr_before(&wrapped);
	assert_true(ip_addr_equal(&back, &top));
}

static void addresses_order_by_family_then_value(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0",   "9.255.0.0",       "10.0.0.2", "10.0.0.10",
		"192.0.2.1", "255.255.255.255", "::",       "::fffe:ffff:ffff",
		"::1:0:0:0", "0:0:0:1::",       "1::",      "2001:db8::1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			struct ip_addr a = addr(sorted[i]), b = addr(sorted[k]);

			assert_int_equal(ip_addr_cmp(&a, &b), (i > k) - (i < k));
			assert_int_equal(ip_addr_equal(&a, &b), i == k);
		}
}

static void prefixes_clear_host_bits_and_print(void **state)
{
	static const char *const cases[][2] = {
		{"10.0.0.1/24", "10.0.0.0/24"},
		{"10.255.255.255/9", "10.128.0.0/9"},
		{"1.2.3.4/0", "0.0.0.0/0"},
		{"1.2.3.4/32", "1.2.3.4/32"},
		{"2001:db8::ff/121", "2001:db8::80/121"},
		{"2001:db8::1/0", "::/0"},
		{"2001:db8::1/128", "2001:db8::1/128"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_prefix p = prefix(cases[i][0]);
		char text[IP_PREFIX_TEXT];

		assert_string_equal(ip_prefix_text(&p, text), cases[i][1]);
	}
}

static void bad_prefixes_are_refused_and_leave_the_output(void **state)
{
	static const char *const bad[] = {
		"",
		"10.0.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"/24",
		"10.0.0.0/+8",
		"10.0.0/8",
		"10.0.0.0/8/8",
		"10.0.0.0/08",
		"::/129",
		"::/1000",
		"10.0.0.0 /8",
		"10.0.0.0/8 ",
		"::ffff:10.0.0.0/104",
		"::/4294967296",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ip_prefix p = {.len = 77};

		if (ip_prefix_parse(bad[i], &p))
			fail_msg("accepted \"%s\"", bad[i]);
		assert_int_equal(p.len, 77);
	}
}

static void prefix_length_is_capped_at_the_family(void **state)
{
	struct ip_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");

	(void)state;
	assert_int_equal(ip_prefix_of(&v4, 128).len, 32);
	assert_int_equal(ip_prefix_of(&v6, 255).len, 128);
}

static void a_prefix_holds_exactly_what_its_mask_says(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (int i = 0; i < 20000; i++) {
		uint32_t net = (uint32_t)rng_next(&rng);
		uint8_t len = (uint8_t)rng_below(&rng, 33);
		uint32_t mask = len ? ~UINT32_C(0) << (32 - len) : 0;
		/* Differs from the network in one bit, which may be inside or outside of the mask.
		 */
		uint32_t other = net ^ UINT32_C(1) << rng_below(&rng, 32);
		struct ip_addr a = ip_addr_from_v4(net), b = ip_addr_from_v4(other);
		struct ip_prefix p = ip_prefix_of(&a, len);

		assert_int_equal(ip_addr_v4(&p.addr), net & mask);
		assert_true(ip_prefix_has(&p, &a));
		assert_int_equal(ip_prefix_has(&p, &b), (other & mask) == (net & mask));
	}
}

static void families_do_not_contain_each_other(void **state)
{
	struct ip_prefix all4 = prefix("0.0.0.0/0"), all6 = prefix("::/0");
	struct ip_range r6 = range("::-ffff::"), r4 = range("0.0.0.0/0");
	struct ip_addr v4 = addr("192.0.2.1"), v6 = addr("2001:db8::1");

	(void)state;
	assert_true(ip_prefix_has(&all4, &v4));
	assert_true(ip_prefix_has(&all6, &v6));
	assert_false(ip_prefix_has(&all4, &v6));
	assert_false(ip_prefix_has(&all6, &v4));
	assert_false(ip_range_has(&r6, &v4));
	assert_false(ip_range_overlaps(&r6, &r4));
}

static void prefixes_order_by_address_then_length(void **state)
{
	static const char *const sorted[] = {"9.0.0.0/8",   "10.0.0.0/8", "10.0.0.0/24",
					     "10.0.1.0/24", "::/0",       "2001:db8::/32"};

	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(sorted); i++) {
		struct ip_prefix a = prefix(sorted[i]), b = prefix(sorted[i + 1]);

		assert_true(ip_prefix_cmp(&a, &b) < 0);
		assert_true(ip_prefix_cmp(&b, &a) > 0);
		assert_int_equal(ip_prefix_cmp(&a, &a), 0);
	}
}

static void ranges_parse_as_in_a_pool(void **state)
{
	static const struct {
		const char *text, *first, *last;
		uint64_t count;
	} cases[] = {
		{"10.0.0.0/24", "10.0.0.0", "10.0.0.255", 256},
		{"10.0.0.7/32", "10.0.0.7", "10.0.0.7", 1},
		{"10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9", 9},
		{"10.0.0.1 - 10.0.0.9", "10.0.0.1", "10.0.0.9", 9},
		{"10.0.0.1-10.0.0.1", "10.0.0.1", "10.0.0.1", 1},
		{"0.0.0.0/0", "0.0.0.0", "255.255.255.255", UINT64_C(1) << 32},
		{"2001:db8::/120", "2001:db8::", "2001:db8::ff", 256},
		{"2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", UINT64_MAX},
		{"2001:db8::1-2001:db8::ffff", "2001:db8::1", "2001:db8::ffff", 65535},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_range r = range(cases[i].text);
		struct ip_addr first = addr(cases[i].first), last = addr(cases[i].last);

		assert_true(ip_addr_equal(&r.first, &first));
		assert_true(ip_addr_equal(&r.last, &last));
		assert_true(ip_range_count(&r) == cases[i].count);
	}
}

static void bad_ranges_are_refused(void **state)
{
	static const char *const bad[] = {
		"",           "10.0.0.1",  "10.0.0.9-10.0.0.1",           "10.0.0.1-2001:db8::1",
		"10.0.0.1-",  "-10.0.0.1", "10.0.0.1-10.0.0.9-10.0.0.10", "10.0.0.0/24-10.0.1.0/24",
		"10.0.0.1-9", "::/80", /* whose last address is an IPv4 one, mapped */
	};
	struct ip_range r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (ip_range_parse(bad[i], &r))
			fail_msg("accepted \"%s\"", bad[i]);
}

static void ranges_know_members_and_overlap(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 8);
	for (int i = 0; i < 20000; i++) {
		uint32_t a = (uint32_t)rng_below(&rng, 50), b = a + (uint32_t)rng_below(&rng, 20);
		uint32_t c = (uint32_t)rng_below(&rng, 50), d = c + (uint32_t)rng_below(&rng, 20);
		struct ip_range p = {ip_addr_from_v4(a), ip_addr_from_v4(b)};
		struct ip_range q = {ip_addr_from_v4(c), ip_addr_from_v4(d)};

		assert_int_equal(ip_range_has(&p, &q.first), a <= c && c <= b);
		assert_int_equal(ip_range_overlaps(&p, &q), a <= d && c <= b);
	}
}

/* The widest block by trying all of them: for each length every aligned block of the /22. */
static uint8_t naive_shortest_cidr(uint32_t first, uint32_t last)
{
	for (uint8_t len = 22; len < 32; len++) {
		uint32_t size = UINT32_C(1) << (32 - len);

		for (uint32_t at = 0; at < 1024; at += size)
			if (at >= first && at + size - 1 <= last)
				return len;
	}
	return 32;
}

static void shortest_cidr_of_a_range_is_that_of_the_naive_model(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 9);
	for (int i = 0; i < 20000; i++) {
		uint32_t first = (uint32_t)rng_below(&rng, 1024);
		uint32_t last = first + (uint32_t)rng_below(&rng, 1024 - first);
		struct ip_range r = {ip_addr_from_v4(0x0a000000 + first),
				     ip_addr_from_v4(0x0a000000 + last)};

		assert_int_equal(ip_range_shortest_cidr(&r), naive_shortest_cidr(first, last));
	}
}

static void shortest_cidr_reaches_the_ends_of_both_families(void **state)
{
	static const struct {
		const char *text;
		uint8_t len;
	} cases[] = {
		{"0.0.0.0/0", 0},
		{"255.255.255.255/32", 32},
		{"0.0.0.1-255.255.255.254", 2},
		{"2000::/3", 3},
		{"2001:db8::1-2001:db8::3", 127},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 127},
		{"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_range r = range(cases[i].text);

		assert_int_equal(ip_range_shortest_cidr(&r), cases[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ipv4_round_trips_as_inet_ntop_prints_it),
		cmocka_unit_test(random_ipv6_round_trips_as_inet_ntop_prints_it),
		cmocka_unit_test(ipv6_text_is_rfc_5952),
		cmocka_unit_test(bad_addresses_are_refused_and_leave_the_output),
		cmocka_unit_test(zero_ipv4_is_an_address_and_zero_bytes_are_none),
		cmocka_unit_test(some_addresses_are_no_hosts),
		cmocka_unit_test(next_carries),
		cmocka_unit_test(addresses_order_by_family_then_value),
		cmocka_unit_test(prefixes_clear_host_bits_and_print),
		cmocka_unit_test(bad_prefixes_are_refused_and_leave_the_output),
		cmocka_unit_test(prefix_length_is_capped_at_the_family),
		cmocka_unit_test(a_prefix_holds_exactly_what_its_mask_says),
		cmocka_unit_test(families_do_not_contain_each_other),
		cmocka_unit_test(prefixes_order_by_address_then_length),
		cmocka_unit_test(ranges_parse_as_in_a_pool),
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(ranges_know_members_and_overlap),
		cmocka_unit_test(shortest_cidr_of_a_range_is_that_of_the_naive_model),
		cmocka_unit_test(shortest_cidr_reaches_the_ends_of_both_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
