// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* cli/render_migrate: what differs has a line, all else is counted. */
#include "cli/render.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define ROUTE(prefix, result, differs, theirs, ours)                                               \
	"{\"peer\":\"r\",\"prefix\":\"" prefix "\",\"result\":\"" result                           \
	"\",\"differs\":[" differs "],\"theirs\":" theirs ",\"ours\":" ours "}"

static void check(enum cli_format format, const char *json, const char *expected)
{
	const struct cli_args args = {.command = CLI_MIGRATE, .format = format};
	cJSON *body = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(body);
	strbuf_init(&out, 1 << 20);
	render(&args, body, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(body);
}

static const char some[] =
	"{\"node\":\"node-a\",\"compared\":[\"r\"],\"notCompared\":[\"communities\"],\"equal\":1,"
	"\"missing\":1,\"extra\":1,\"different\":2,\"routes\":[" ROUTE(
		"192.0.2.0/32", "equal", "", "{}",
		"{}") "," ROUTE("192.0.2.1/32", "missing", "", "{}",
				"null") "," ROUTE("192.0.2.2/32", "extra", "", "null", "{}") "," //
	ROUTE("192.0.2.3/32", "different", "\"med\",\"communities\"",
	      "{\"med\":5,\"communities\":[]}",
	      "{\"med\":0,\"communities\":[\"64512:1\"]}") "],\"services\":[{\"kind\":\"peers\","
							   "\"service\":\"shop/web\",\"result\":"
							   "\"different\",\"theirs\":[\"r\",\"s\"],"
							   "\"ours\":null}]}";

static void what_differs_has_a_line(void **state)
{
	(void)state;
	check(CLI_TABLE, some,
	      "RESULT      WHAT           PEER   DIFFERENCE\n"
	      "missing     192.0.2.1/32   r      the agent would not announce it\n"
	      "extra       192.0.2.2/32   r      only the agent would announce it\n"
	      "different   192.0.2.3/32   r      med: theirs 5, ours 0; communities: theirs none, "
	      "ours 64512:1\n"
	      "different   shop/web       -      peers: theirs r,s, ours none\n"
	      "1 equal, 1 missing, 1 extra, 2 different: node node-a, BGPPeer r; not in what was "
	      "given: communities\n");
}

static void with_wide_what_is_equal_has_one_too(void **state)
{
	(void)state;
	check(CLI_WIDE,
	      "{\"node\":\"n\",\"compared\":[],\"notCompared\":[],\"equal\":1,\"missing\":0,"
	      "\"extra\":0,\"different\":0,\"routes\":[" ROUTE("192.0.2.0/32", "equal", "", "{}",
							       "{}") "],\"services\":[]}",
	      "RESULT   WHAT           PEER   DIFFERENCE\n"
	      "equal    192.0.2.0/32   r      -\n"
	      "1 equal, 0 missing, 0 extra, 0 different: node n\n");
	check(CLI_TABLE, "{\"node\":\"n\",\"equal\":0,\"missing\":0,\"extra\":0,\"different\":0}",
	      "0 equal, 0 missing, 0 extra, 0 different: node n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_differs_has_a_line),
		cmocka_unit_test(with_wide_what_is_equal_has_one_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
