// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/scalar: the YAML 1.2 core schema, Go durations, RFC 3339 and base64, table by table.
 */
#include "api/scalar.h"

#include "unit/api/api_test.h"

static void plain_scalars_follow_the_core_schema(void **state)
{
	static const struct {
		const char *text;
		enum api_scalar want;
	} cases[] = {
		{"", API_SCALAR_NULL},         {"~", API_SCALAR_NULL},
		{"null", API_SCALAR_NULL},     {"nUll", API_SCALAR_TEXT},
		{"true", API_SCALAR_BOOL},     {"FALSE", API_SCALAR_BOOL},
		{"yes", API_SCALAR_BOOL},      {"off", API_SCALAR_BOOL},
		{"n", API_SCALAR_BOOL},        {"0", API_SCALAR_INT},
		{"-12", API_SCALAR_INT},       {"+12", API_SCALAR_INT},
		{"010", API_SCALAR_INT},       {"0x1F", API_SCALAR_INT},
		{"0o17", API_SCALAR_INT},      {"0x", API_SCALAR_TEXT},
		{"0o8", API_SCALAR_TEXT},      {"1.5", API_SCALAR_FLOAT},
		{".5", API_SCALAR_FLOAT},      {"1.", API_SCALAR_FLOAT},
		{"1e3", API_SCALAR_FLOAT},     {"1e", API_SCALAR_TEXT},
		{".", API_SCALAR_TEXT},        {"-", API_SCALAR_TEXT},
		{".inf", API_SCALAR_FLOAT},    {".NaN", API_SCALAR_FLOAT},
		{"1234:1", API_SCALAR_TEXT},   {"12:30:45", API_SCALAR_TEXT},
		{"10.0.0.1", API_SCALAR_TEXT}, {"90s", API_SCALAR_TEXT},
		{"1_000", API_SCALAR_TEXT},    {"2024-01-01", API_SCALAR_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (api_scalar_of(cases[i].text) != cases[i].want)
			fail_msg("\"%s\" is %d", cases[i].text, api_scalar_of(cases[i].text));
}

/* The words that kubectl's YAML turns into booleans, and near misses that it leaves alone. */
static void booleans_are_the_words_of_yaml_1_1(void **state)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
					  "y",    "Y",    "on",   "On",  "ON"};
	static const char *const no[] = {"false", "False", "FALSE", "no",  "No", "NO",
					 "n",     "N",     "off",   "Off", "OFF"};
	static const char *const neither[] = {"tRUE", "yES", "oN", "nO", "oFF", "t", "f", "1", ""};
	bool got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		assert_true(api_parse_bool(yes[i], &got) && got);
		assert_true(api_parse_bool(no[i], &got) && !got);
		assert_int_equal(api_scalar_of(no[i]), API_SCALAR_BOOL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		assert_false(api_parse_bool(neither[i], &got));
}

static void integers_are_exact_or_refused(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{"0", 0},   {"-0", 0},    {"42", 42},   {"+7", 7},
		{"-7", -7}, {"0x1F", 31}, {"0o17", 15}, {"9223372036854775807", INT64_MAX},
	};
	static const char *const bad[] = {"", "010", "1.0", "0x", "9223372036854775808", "1 "};
	int64_t got = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(api_parse_int(good[i].text, &got));
		assert_int_equal(got, good[i].want);
	}
	got = 99;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (api_parse_int(bad[i], &got))
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(got, 99);
}

static void durations_are_those_of_go(void **state)
{
	static const int64_t ms = 1000000, s = 1000 * ms;
	const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{"0", 0},
		{"0s", 0},
		{"90s", 90 * s},
		{"1m30s", 90 * s},
		{"1.5h", 5400 * s},
		{".5s", 500 * ms},
		{"2.s", 2 * s},
		{"1h2m3s4ms5us6ns", 3723 * s + 4 * ms + 5006},
		{"1\xc2\xb5s", 1000},
		{"-3s", -3 * s},
		{"+3s", 3 * s},
		{"1.0000000009s", s},
		{"2562047h47m16.854775807s", INT64_MAX},
	};
	static const char *const bad[] = {
		"",
		"s",
		"90",
		"1.5",
		".s",
		"1x",
		"1s 2s",
		"--1s",
		"1m30",
		"- 1s",
		".",
		"1d",
		"2562047h47m16.854775808s",
		"99999999999999999999s",
	};
	int64_t got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!api_parse_duration(good[i].text, &got))
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(got, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (api_parse_duration(bad[i], &got))
			fail_msg("accepted: %s", bad[i]);
}

static void times_are_those_of_rfc_3339(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2000-02-29T12:00:00Z", 951825600},
		{"2024-03-01T00:00:00Z", 1709251200},
		{"2024-02-29T23:59:59.999999Z", 1709251199},
		{"2024-03-01T01:30:00+01:30", 1709251200},
		{"2024-02-29T19:00:00-05:00", 1709251200},
		{"1969-12-31T23:59:59Z", -1},
		{"0000-01-01T00:00:00Z", -62167219200},
		{"9999-12-31T23:59:60Z", 253402300800},
	};
	static const char *const bad[] = {
		"",
		"2024-03-01",
		"2024-03-01T00:00:00",
		"2024-13-01T00:00:00Z",
		"2024-03-01T24:00:00Z",
		"2024-03-01T00:00:00.Z",
		"2024-03-01T00:00:00+0100",
		"2024-03-01 00:00:00Z",
		"2024-03-01T00:00:00Zx",
		"2024-03-0xT00:00:00Z",
	};
	int64_t got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!api_parse_time(good[i].text, &got))
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(got, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (api_parse_time(bad[i], &got))
			fail_msg("accepted: %s", bad[i]);
}

static void base64_is_that_of_rfc_4648(void **state)
{
	/* RFC 4648 10, test vectors, and a broken line. */
	static const struct {
		const char *text, *want;
	} good[] = {
		{"", ""},
		{"Zg==", "f"},
		{"Zm8=", "fo"},
		{"Zm9v", "foo"},
		{"Zm9vYg==", "foob"},
		{"Zm9vYmE=", "fooba"},
		{"Zm9v\nYmFy\n", "foobar"},
	};
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg==Zg==", "====", "Z===", "Zm9*", "=Zg="};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint8_t *got;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(api_parse_base64(arena, good[i].text, &got, &len));
		assert_int_equal(len, strlen(good[i].want));
		assert_memory_equal(got, good[i].want, len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (api_parse_base64(arena, bad[i], &got, &len))
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars_follow_the_core_schema),
		cmocka_unit_test(booleans_are_the_words_of_yaml_1_1),
		cmocka_unit_test(integers_are_exact_or_refused),
		cmocka_unit_test(durations_are_those_of_go),
		cmocka_unit_test(times_are_those_of_rfc_3339),
		cmocka_unit_test(base64_is_that_of_rfc_4648),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
