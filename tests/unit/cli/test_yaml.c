// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/yaml: the shapes of nesting, and quotes round every string that would not read back as one.
 */
#include "cli/yaml.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(const char *json, const char *expected)
{
	cJSON *value = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(value);
	strbuf_init(&out, 1 << 20);
	yaml_print(value, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(value);
}

static void nesting_is_block_style(void **state)
{
	(void)state;
	check("[{\"name\":\"tor-1\",\"asPath\":[64512,64513],\"empty\":[],\"none\":{},"
	      "\"inner\":{\"up\":true,\"med\":null}},{\"name\":\"b\"}]",
	      "- name: tor-1\n"
	      "  asPath:\n"
	      "    - 64512\n"
	      "    - 64513\n"
	      "  empty: []\n"
	      "  none: {}\n"
	      "  inner:\n"
	      "    up: true\n"
	      "    med: null\n"
	      "- name: b\n");
	check("[[1,2],[{\"a\":1,\"b\":2}]]", "- - 1\n"
					     "  - 2\n"
					     "- - a: 1\n"
					     "    b: 2\n");
}

static void a_document_may_be_a_scalar_or_empty(void **state)
{
	(void)state;
	check("[]", "[]\n");
	check("{}", "{}\n");
	check("\"x\"", "x\n");
	check("4294967295", "4294967295\n");
	check("1000000000000000", "1000000000000000\n");
	check("-5", "-5\n");
	check("1e21", "1.0000000000000000e+21\n");
	check("0.5", "5.0000000000000000e-01\n");
}

static void plain_strings_are_words(void **state)
{
	(void)state;
	check("\"Established\"", "Established\n");
	check("\"hold timer expired\"", "hold timer expired\n");
	check("\"metallb-system/web_1.x\"", "metallb-system/web_1.x\n");
	check("\"nothing\"", "nothing\n");
}

static void strings_that_look_like_something_else_are_quoted(void **state)
{
	static const char *const texts[] = {
		"",    "null", "Null", "TRUE",       "false",    "yes",   "No",   "on",
		"OFF", "y",    "N",    "~",          "1",        "-1",    "1e3",  "0x1f",
		".5",  ".inf", "1:30", "64512:100",  "10.0",     "- a",   "a: b", "a #b",
		"#a",  "[a]",  "{a}",  "a,b",        "&a",       "*a",    "!a",   "%a",
		"@a",  "`a",   "?",    "2026-01-31", "10.0.0.1", " a",    "a ",   "a:",
		"'a'", "|",    ">",    "=",          "::1",      "größe",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cJSON *value = cJSON_CreateString(texts[i]);
		char expected[64];
		struct strbuf out;

		(void)snprintf(expected, sizeof(expected), "\"%s\"\n", texts[i]);
		strbuf_init(&out, 100);
		yaml_print(value, &out);
		assert_string_equal(out.data, expected);
		strbuf_done(&out);
		cJSON_Delete(value);
	}
}

static void quotes_and_controls_are_escaped(void **state)
{
	(void)state;
	check("\"say \\\"no\\\" \\\\ \\n\\u001b\"", "\"say \\\"no\\\" \\\\ \\x0a\\x1b\"\n");
	check("{\"64512:1\":1,\"on\":2}", "\"64512:1\": 1\n\"on\": 2\n");
}

static void what_is_nested_too_deeply_becomes_json(void **state)
{
	enum { DEPTH = LIMIT_YAML_DEPTH + 3 };
	char json[2 * DEPTH + 2] = {0};
	cJSON *value;
	struct strbuf out;

	(void)state;
	memset(json, '[', DEPTH);
	json[DEPTH] = '7';
	memset(json + DEPTH + 1, ']', DEPTH);
	value = cJSON_Parse(json);
	assert_non_null(value);
	strbuf_init(&out, 1 << 20);
	yaml_print(value, &out);
	assert_int_equal(out.len, 2 * LIMIT_YAML_DEPTH + strlen("[[[7]]]\n"));
	assert_string_equal(out.data + out.len - strlen("- [[[7]]]\n"), "- [[[7]]]\n");
	strbuf_done(&out);
	cJSON_Delete(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_is_block_style),
		cmocka_unit_test(a_document_may_be_a_scalar_or_empty),
		cmocka_unit_test(plain_strings_are_words),
		cmocka_unit_test(strings_that_look_like_something_else_are_quoted),
		cmocka_unit_test(quotes_and_controls_are_escaped),
		cmocka_unit_test(what_is_nested_too_deeply_becomes_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
