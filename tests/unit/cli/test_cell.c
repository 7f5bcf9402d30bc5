// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/cell: one value, one text; what has no meaning for a formatter adds nothing.
 */
#include "cli/cell.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(cell_fn *cell, const char *json, const char *key, const char *expected)
{
	cJSON *row = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(row);
	strbuf_init(&out, 1000);
	strbuf_add(&out, "");
	cell(&out, row, key);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(row);
}

static void values_are_shown_by_type(void **state)
{
	(void)state;
	check(cell_value, "{\"a\":\"x y\"}", "a", "x y");
	check(cell_value, "{\"a\":4294967295}", "a", "4294967295");
	check(cell_value, "{\"a\":281474976710656}", "a", "281474976710656");
	check(cell_value, "{\"a\":9007199254740991}", "a", "9007199254740991");
	check(cell_value, "{\"a\":true,\"A\":false}", "a", "yes");
	check(cell_value, "{\"a\":false}", "a", "no");
	check(cell_value, "{\"a\":[\"64512:100\",7]}", "a", "64512:100,7");
	check(cell_value, "{\"a\":null}", "a", "");
	check(cell_value, "{}", "a", "");
	check(cell_value, "[1]", "a", "");
}

static void durations_have_two_units(void **state)
{
	static const char *const cases[][2] = {
		{"0", "0s"},       {"59", "59s"},      {"60", "1m0s"},
		{"312", "5m12s"},  {"3600", "1h0m"},   {"86399", "23h59m"},
		{"86400", "1d0h"}, {"277200", "3d5h"}, {"864000000", "10000d0h"},
		{"null", ""},      {"-1", ""},         {"\"5\"", ""},
		{"1e300", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char json[64];

		(void)snprintf(json, sizeof(json), "{\"t\":%s}", cases[i][0]);
		check(cell_duration, json, "t", cases[i][1]);
	}
}

static void times_are_utc(void **state)
{
	(void)state;
	check(cell_time, "{\"t\":1769860800}", "t", "2026-01-31T12:00:00Z");
	check(cell_time, "{\"t\":0}", "t", "");
	check(cell_time, "{\"t\":null}", "t", "");
}

static void backends_are_ready_of_all(void **state)
{
	(void)state;
	check(cell_backends,
	      "{\"b\":[{\"state\":\"ready\"},{\"state\":\"draining\"},{\"state\":\"ready\"},{}]}",
	      "b", "2/4");
	check(cell_backends, "{\"b\":[]}", "b", "0/0");
	check(cell_backends, "{\"b\":null}", "b", "");
}

static void a_state_is_with_the_time_that_is_left(void **state)
{
	(void)state;
	check(cell_state, "{\"state\":\"draining\",\"drainSeconds\":41}", "state",
	      "draining, 41s left");
	check(cell_state, "{\"state\":\"ready\",\"drainSeconds\":null}", "state", "ready");
	check(cell_state, "{\"state\":\"ready\"}", "state", "ready");
}

static void an_object_is_kind_namespace_name(void **state)
{
	(void)state;
	check(cell_object, "{\"kind\":\"BGPPeer\",\"namespace\":\"ns\",\"name\":\"n\"}", "",
	      "BGPPeer/ns/n");
	check(cell_object, "{\"kind\":\"Node\",\"namespace\":null,\"name\":\"n\"}", "", "Node/n");
	check(cell_object, "{\"kind\":\"File\",\"namespace\":null,\"name\":\"/etc/a.yaml\"}", "",
	      "File/etc/a.yaml");
	check(cell_object, "{\"kind\":\"File\",\"name\":\"a.yaml\"}", "", "File/a.yaml");
	check(cell_object, "{}", "", "");
}

static void advice_is_message_and_remedy(void **state)
{
	(void)state;
	check(cell_advice, "{\"message\":\"m\",\"remedy\":\"r\"}", "message", "m; r");
	check(cell_advice, "{\"message\":\"m\",\"remedy\":null}", "message", "m");
	check(cell_advice, "{\"remedy\":\"r\"}", "message", "");
}

static void an_address_of_one_link_only_names_it(void **state)
{
	(void)state;
	check(cell_address, "{\"a\":\"fe80::1\",\"interface\":\"eth0\"}", "a", "fe80::1%eth0");
	check(cell_address, "{\"a\":null,\"interface\":\"eth0\"}", "a", "eth0");
	check(cell_address, "{\"a\":\"10.0.0.1\",\"interface\":null}", "a", "10.0.0.1");
	check(cell_address, "{}", "a", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_of_one_link_only_names_it),
		cmocka_unit_test(values_are_shown_by_type),
		cmocka_unit_test(durations_have_two_units),
		cmocka_unit_test(times_are_utc),
		cmocka_unit_test(backends_are_ready_of_all),
		cmocka_unit_test(a_state_is_with_the_time_that_is_left),
		cmocka_unit_test(an_object_is_kind_namespace_name),
		cmocka_unit_test(advice_is_message_and_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
