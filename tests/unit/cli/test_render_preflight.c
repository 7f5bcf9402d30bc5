// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/render_preflight: what is wrong stands first, whatever the agent's order, and nothing is
 * lost.
 */
#include "cli/render.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(const char *json, const char *expected)
{
	cJSON *body = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(body);
	strbuf_init(&out, 1 << 20);
	render_preflight(&(struct cli_args){.command = CLI_PREFLIGHT}, body, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(body);
}

static void what_is_wrong_stands_first(void **state)
{
	(void)state;
	check("[{\"feature\":\"kernel\",\"device\":null,\"state\":\"ok\",\"message\":\"Linux 6.1\","
	      "\"remedy\":null},"
	      "{\"feature\":\"mtu\",\"device\":\"eth0\",\"state\":\"warning\",\"message\":\"1400\","
	      "\"remedy\":\"ip link set eth0 mtu 1500\"},"
	      "{\"feature\":\"btf\",\"device\":null,\"state\":\"problem\",\"message\":\"none\","
	      "\"remedy\":\"boot\"}]",
	      "STATE     FEATURE   DEVICE   MESSAGE\n"
	      "problem   btf       -        none; boot\n"
	      "warning   mtu       eth0     1400; ip link set eth0 mtu 1500\n"
	      "ok        kernel    -        Linux 6.1\n");
}

static void an_answer_of_another_shape_is_an_empty_table(void **state)
{
	(void)state;
	check("{}", "STATE   FEATURE   DEVICE   MESSAGE\n");
	check("[1, {}]", "STATE   FEATURE   DEVICE   MESSAGE\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_stands_first),
		cmocka_unit_test(an_answer_of_another_shape_is_an_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
