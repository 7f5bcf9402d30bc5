// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/community: literals, well-known names, what is refused and as what, and the way back to
 * text.
 */
#include "base/community.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void standard_literals_parse(void **state)
{
	static const struct {
		const char *text;
		uint32_t value;
	} cases[] = {
		{"64512:100", UINT32_C(64512) << 16 | 100},
		{"0:0", 0},
		{"65535:65535", UINT32_MAX},
		{"65535:65281", COMMUNITY_NO_EXPORT},
		{"1234:1", UINT32_C(1234) << 16 | 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct community c;

		assert_int_equal(community_parse(cases[i].text, &c), COMMUNITY_OK);
		assert_int_equal(c.type, COMMUNITY_STANDARD);
		assert_int_equal(c.standard, cases[i].value);
	}
}

static void route_targets_and_sites_of_origin_parse_and_print(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{"rt:64512:100", UINT64_C(0x0002fc0000000064)},
		{"soo:64512:100", UINT64_C(0x0003fc0000000064)},
		{"rt:65535:4294967295", UINT64_C(0x0002ffffffffffff)},
		{"rt:65536:65535", UINT64_C(0x020200010000ffff)},
		{"soo:4294967295:0", UINT64_C(0x0203ffffffff0000)},
		{"rt:192.0.2.1:7", UINT64_C(0x0102c00002010007)},
		{"soo:0.0.0.0:65535", UINT64_C(0x010300000000ffff)},
		{"rt:0:0", UINT64_C(0x0002000000000000)},
		/* 10 Gb/s and 1 Mb/s in octets a second, single precision */
		{"lb:64512:10000", UINT64_C(0x4004fc004e9502f9)},
		{"lb:0:1", UINT64_C(0x4004000047f42400)},
		{"lb:65535:4000000", UINT64_C(0x4004ffff52e8d4a5)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[COMMUNITY_TEXT];
		struct community c;

		assert_int_equal(community_parse_extended(cases[i].text, &c), COMMUNITY_OK);
		assert_int_equal(c.type, COMMUNITY_EXTENDED);
		assert_true(c.extended == cases[i].value);
		assert_string_equal(route_community_text(c.extended, text), cases[i].text);
		assert_int_equal(community_parse(cases[i].text, &c), COMMUNITY_NOT_A_VALUE);
		assert_int_equal(community_cmp(&c, &c), 0);
	}
}

static void what_is_no_extended_community_is_judged(void **state)
{
	static const struct {
		const char *text;
		enum community_parse want;
	} cases[] = {
		{"rt:65535:4294967296", COMMUNITY_OUT_OF_RANGE},
		{"rt:65536:65536", COMMUNITY_OUT_OF_RANGE},
		{"rt:4294967296:1", COMMUNITY_OUT_OF_RANGE},
		{"soo:192.0.2.1:65536", COMMUNITY_OUT_OF_RANGE},
		{"rt:64512", COMMUNITY_NOT_A_VALUE},
		{"rt:64512:1:2", COMMUNITY_NOT_A_VALUE},
		{"rt:192.0.2.1:", COMMUNITY_NOT_A_VALUE},
		{"rt:192.0.2.1:x", COMMUNITY_NOT_A_VALUE},
		{"rt:192.0.2:1", COMMUNITY_NOT_A_VALUE},
		{"rt:2001:db8::1:1", COMMUNITY_NOT_A_VALUE},
		{"rt:", COMMUNITY_NOT_A_VALUE},
		{"lb:64512", COMMUNITY_NOT_A_VALUE},
		{"lb:64512:1:2", COMMUNITY_NOT_A_VALUE},
		{"lb:192.0.2.1:7", COMMUNITY_NOT_A_VALUE},
		{"lb:65536:1", COMMUNITY_OUT_OF_RANGE},
		{"lb:64512:0", COMMUNITY_OUT_OF_RANGE},
		{"lb:64512:4000001", COMMUNITY_OUT_OF_RANGE},
		{"64512:100", COMMUNITY_NOT_A_VALUE},
	};
	struct community c;
	char text[COMMUNITY_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(community_parse_extended(cases[i].text, &c), cases[i].want);
	assert_string_equal(route_community_text(UINT64_C(0x4302fc0000000064), text), "");
}

/* The format has 24 bits: as far as figures are taken, each has one of its own. */
static void bandwidths_are_told_from_the_next(void **state)
{
	(void)state;
	for (unsigned mbits = 1; mbits < 4000000; mbits += mbits < 3999000 ? 977 : 1) {
		char text[COMMUNITY_TEXT], back[COMMUNITY_TEXT];
		struct community c;

		(void)snprintf(text, sizeof(text), "lb:64512:%u", mbits);
		assert_int_equal(community_parse_extended(text, &c), COMMUNITY_OK);
		assert_true(community_is_bandwidth(c.extended));
		assert_string_equal(route_community_text(c.extended, back), text);
	}
	assert_false(community_is_bandwidth(UINT64_C(0x0004fc004e9502f9)));
}

static void large_literals_parse(void **state)
{
	struct community c;

	(void)state;
	assert_int_equal(community_parse("large:4294967295:0:100", &c), COMMUNITY_OK);
	assert_int_equal(c.type, COMMUNITY_LARGE);
	assert_true(c.large.global == UINT32_MAX && c.large.local1 == 0 && c.large.local2 == 100);
}

static void the_four_values_of_the_troubleshooting_guide_are_judged_as_it_says(void **state)
{
	struct community c;

	(void)state;
	assert_int_equal(community_parse("64512:100", &c), COMMUNITY_OK);
	assert_int_equal(community_parse("large:4200000001:1:100", &c), COMMUNITY_OK);
	assert_int_equal(community_parse("64512-100", &c), COMMUNITY_NOT_A_VALUE);
	assert_int_equal(community_parse("4200000001:1:100", &c), COMMUNITY_LARGE_BARE);
}

static void refusals_name_their_cause_and_leave_the_output(void **state)
{
	static const struct {
		const char *text;
		enum community_parse result;
	} cases[] = {
		{"", COMMUNITY_NOT_A_VALUE},
		{":", COMMUNITY_NOT_A_VALUE},
		{"64512", COMMUNITY_NOT_A_VALUE},
		{"64512:", COMMUNITY_NOT_A_VALUE},
		{":100", COMMUNITY_NOT_A_VALUE},
		{"64512: 100", COMMUNITY_NOT_A_VALUE},
		{" 64512:100", COMMUNITY_NOT_A_VALUE},
		{"64512:100 ", COMMUNITY_NOT_A_VALUE},
		{"+64512:100", COMMUNITY_NOT_A_VALUE},
		{"64512:-1", COMMUNITY_NOT_A_VALUE},
		{"0x10:1", COMMUNITY_NOT_A_VALUE},
		{"1:2:3:4", COMMUNITY_NOT_A_VALUE},
		{"large:1:2", COMMUNITY_NOT_A_VALUE},
		{"large:1:2:3:4", COMMUNITY_NOT_A_VALUE},
		{"large:", COMMUNITY_NOT_A_VALUE},
		{"production-communities", COMMUNITY_NOT_A_VALUE},
		{"no-export-", COMMUNITY_NOT_A_VALUE},
		{"no", COMMUNITY_NOT_A_VALUE},
		{"65536:1", COMMUNITY_OUT_OF_RANGE},
		{"1:65536", COMMUNITY_OUT_OF_RANGE},
		{"99999999999999999999999999:1", COMMUNITY_OUT_OF_RANGE},
		{"large:4294967296:1:1", COMMUNITY_OUT_OF_RANGE},
		{"large:1:1:18446744073709551617", COMMUNITY_OUT_OF_RANGE},
		{"4294967296:1:1", COMMUNITY_OUT_OF_RANGE},
		{"1:2:3", COMMUNITY_LARGE_BARE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct community c = {.standard = 42};

		if (community_parse(cases[i].text, &c) != cases[i].result)
			fail_msg("\"%s\"", cases[i].text);
		assert_int_equal(c.standard, 42);
	}
}

static void well_known_names_parse_in_any_spelling(void **state)
{
	static const struct {
		const char *text;
		unsigned low; /* of 65535:x */
	} cases[] = {
		{"no-export", 65281},
		{"NO_EXPORT", 65281},
		{"No-Export", 65281},
		{"no-advertise", 65282},
		{"NO_ADVERTISE", 65282},
		{"local-as", 65283},
		{"no-export-subconfed", 65283},
		{"no_export_subconfed", 65283},
		{"no-peer", 65284},
		{"blackhole", 666},
		{"graceful-shutdown", 0},
		{"GRACEFUL_SHUTDOWN", 0},
		{"accept-own", 1},
		{"llgr-stale", 6},
		{"no-llgr", 7},
	};
	struct community c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(community_parse(cases[i].text, &c), COMMUNITY_OK);
		assert_int_equal(c.type, COMMUNITY_STANDARD);
		assert_int_equal(c.standard, UINT32_C(0xffff0000) | cases[i].low);
	}
	assert_int_equal(community_parse("internet", &c), COMMUNITY_OK);
	assert_int_equal(c.standard, 0);
}

static void text_is_the_number_form(void **state)
{
	struct large_community large = {4200000001, 1, 100};
	char buf[COMMUNITY_TEXT];

	(void)state;
	assert_string_equal(community_text(COMMUNITY_NO_EXPORT, buf), "65535:65281");
	assert_string_equal(community_text(UINT32_C(64512) << 16 | 100, buf), "64512:100");
	assert_string_equal(large_community_text(&large, buf), "4200000001:1:100");
	large = (struct large_community){UINT32_MAX, UINT32_MAX, UINT32_MAX};
	assert_string_equal(large_community_text(&large, buf), "4294967295:4294967295:4294967295");
}

static void any_value_survives_text_and_back(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (int i = 0; i < 10000; i++) {
		uint32_t value = (uint32_t)rng_next(&rng);
		struct large_community large = {(uint32_t)rng_next(&rng), (uint32_t)rng_next(&rng),
						(uint32_t)rng_next(&rng)};
		char text[COMMUNITY_TEXT], prefixed[COMMUNITY_TEXT + 8];
		struct community c;

		assert_int_equal(community_parse(community_text(value, text), &c), COMMUNITY_OK);
		assert_int_equal(c.standard, value);
		(void)snprintf(prefixed, sizeof(prefixed), "large:%s",
			       large_community_text(&large, text));
		assert_int_equal(community_parse(prefixed, &c), COMMUNITY_OK);
		assert_int_equal(large_community_cmp(&c.large, &large), 0);
	}
}

static void names_and_propagation_limits(void **state)
{
	(void)state;
	assert_string_equal(community_name(COMMUNITY_NO_EXPORT), "no-export");
	assert_string_equal(community_name(UINT32_C(0xffffff03)), "no-export-subconfed");
	assert_null(community_name(UINT32_C(64512) << 16 | 100));
	assert_true(community_limits_propagation(COMMUNITY_NO_EXPORT));
	assert_true(community_limits_propagation(COMMUNITY_NO_ADVERTISE));
	assert_true(community_limits_propagation(UINT32_C(0xffffff03)));
	assert_true(community_limits_propagation(UINT32_C(0xffffff04)));
	assert_false(community_limits_propagation(UINT32_C(0xffff029a)));
	assert_false(community_limits_propagation(COMMUNITY_GRACEFUL_SHUTDOWN));
	assert_false(community_limits_propagation(0));
}

static void communities_order_by_type_then_value(void **state)
{
	static const struct community sorted[] = {
		{.type = COMMUNITY_STANDARD, .standard = 1},
		{.type = COMMUNITY_STANDARD, .standard = UINT32_MAX},
		{.type = COMMUNITY_LARGE, .large = {1, 2, 3}},
		{.type = COMMUNITY_LARGE, .large = {1, 2, 4}},
		{.type = COMMUNITY_LARGE, .large = {1, 3, 0}},
		{.type = COMMUNITY_LARGE, .large = {UINT32_MAX, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			int order = community_cmp(&sorted[i], &sorted[k]);

			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_literals_parse),
		cmocka_unit_test(route_targets_and_sites_of_origin_parse_and_print),
		cmocka_unit_test(what_is_no_extended_community_is_judged),
		cmocka_unit_test(bandwidths_are_told_from_the_next),
		cmocka_unit_test(large_literals_parse),
		cmocka_unit_test(
			the_four_values_of_the_troubleshooting_guide_are_judged_as_it_says),
		cmocka_unit_test(refusals_name_their_cause_and_leave_the_output),
		cmocka_unit_test(well_known_names_parse_in_any_spelling),
		cmocka_unit_test(text_is_the_number_form),
		cmocka_unit_test(any_value_survives_text_and_back),
		cmocka_unit_test(names_and_propagation_limits),
		cmocka_unit_test(communities_order_by_type_then_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
