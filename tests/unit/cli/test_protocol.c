// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/protocol: the line that asks, and what is made of good, refusing and broken answers.
 */
#include "cli/protocol.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void the_request_is_one_line_of_the_contract(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct cli_args status = {.command = CLI_STATUS};
	struct cli_args peers = {.command = CLI_SHOW, .what = CLI_PEERS};
	struct cli_args routes = {.command = CLI_SHOW,
				  .what = CLI_ROUTES,
				  .name = "10.0.0.0/24",
				  .ns = "a\"b",
				  .peer = "tor-1"};

	(void)state;
	assert_string_equal(protocol_request(arena, &status), "{\"command\":\"status\"}\n");
	status.command = CLI_DROPS;
	assert_string_equal(protocol_request(arena, &status), "{\"command\":\"status\"}\n");
	status.command = CLI_LOG_LEVEL;
	assert_string_equal(protocol_request(arena, &status), "{\"command\":\"log-level\"}\n");
	status.name = "debug";
	assert_string_equal(protocol_request(arena, &status),
			    "{\"command\":\"log-level\",\"level\":\"debug\"}\n");
	assert_string_equal(protocol_request(arena, &peers),
			    "{\"command\":\"show\",\"what\":\"peers\",\"name\":null,"
			    "\"namespace\":null,\"peer\":null}\n");
	assert_string_equal(protocol_request(arena, &routes),
			    "{\"command\":\"show\",\"what\":\"routes\",\"name\":\"10.0.0.0/24\","
			    "\"namespace\":\"a\\\"b\",\"peer\":\"tor-1\"}\n");
}

static void the_namespace_stands_before_the_name(void **state)
{
	static const struct {
		struct cli_args args;
		const char *line;
	} rows[] = {
		{{.explained = "service", .name = "a/b"},
		 "{\"command\":\"explain\",\"what\":\"service\",\"name\":\"b\",\"namespace\":\"a\"}\n"},
		{{.explained = "service", .name = "b", .ns = "c"},
		 "{\"command\":\"explain\",\"what\":\"service\",\"name\":\"b\",\"namespace\":\"c\"}\n"},
		{{.explained = "peer", .name = "a/b"},
		 "{\"command\":\"explain\",\"what\":\"peer\",\"name\":\"a/b\",\"namespace\":null}\n"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cli_args args = rows[i].args;

		args.command = CLI_EXPLAIN;
		assert_string_equal(protocol_request(arena, &args), rows[i].line);
	}
}

static void filters_are_asked_of_the_agent(void **state)
{
	static const struct {
		struct cli_args args;
		const char *line;
	} rows[] = {
		{{.what = CLI_ROUTES, .service = "a/b", .prefix = "10.0.0.0/8", .vrf = "red"},
		 "{\"command\":\"show\",\"what\":\"routes\",\"name\":null,\"namespace\":\"a\","
		 "\"service\":\"b\",\"peer\":null,\"vrf\":\"red\",\"prefix\":\"10.0.0.0/8\"}\n"},
		{{.what = CLI_ROUTES, .service = "b", .ns = "c"},
		 "{\"command\":\"show\",\"what\":\"routes\",\"name\":null,\"namespace\":\"c\","
		 "\"service\":\"b\",\"peer\":null}\n"},
		{{.what = CLI_SERVICES, .name = "a/b"},
		 "{\"command\":\"show\",\"what\":\"services\",\"name\":\"b\",\"namespace\":\"a\","
		 "\"peer\":null}\n"},
		{{.what = CLI_PEERS, .name = "a/b"},
		 "{\"command\":\"show\",\"what\":\"peers\",\"name\":\"a/b\",\"namespace\":null,"
		 "\"peer\":null}\n"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cli_args args = rows[i].args;

		args.command = CLI_SHOW;
		assert_string_equal(protocol_request(arena, &args), rows[i].line);
	}
}

static void a_trace_asks_for_a_flow(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct cli_args args = {
		.command = CLI_TRACE, .from = "[2001:db8::9]:4000", .to = "[2001:db8::1]:53/udp"};

	(void)state;
	assert_string_equal(protocol_request(arena, &args),
			    "{\"command\":\"trace\",\"client\":\"2001:db8::9\",\"clientPort\":4000,"
			    "\"vip\":\"2001:db8::1\",\"port\":53,\"protocol\":\"UDP\"}\n");
	args.from = "192.0.2.9";
	args.to = "192.0.2.1:80";
	assert_string_equal(protocol_request(arena, &args),
			    "{\"command\":\"trace\",\"client\":\"192.0.2.9\","
			    "\"vip\":\"192.0.2.1\",\"port\":80,\"protocol\":\"TCP\"}\n");
}

static void a_capture_asks_for_what_is_given(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct cli_args args = {.command = CLI_CAPTURE};

	(void)state;
	assert_string_equal(
		protocol_request(arena, &args),
		"{\"command\":\"capture\",\"service\":null,\"namespace\":null,"
		"\"client\":null,\"direction\":null,\"dropped\":false,\"reason\":null}\n");
	args.service = "shop/web";
	args.vip = "[2001:db8::1]:80";
	args.from = "2001:db8::/64";
	args.direction = "in";
	args.dropped = true;
	args.reason = "source";
	args.packets = 5;
	args.seconds = 6;
	args.snaplen = 70;
	assert_string_equal(
		protocol_request(arena, &args),
		"{\"command\":\"capture\",\"service\":\"web\",\"namespace\":\"shop\","
		"\"vip\":\"2001:db8::1\",\"port\":80,\"client\":\"2001:db8::/64\","
		"\"direction\":\"in\",\"dropped\":true,\"reason\":\"source\",\"packets\":5,"
		"\"seconds\":6,\"snaplen\":70}\n");
}

static void the_body_of_a_good_reply_is_its_second_line(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *error;
	cJSON *body = protocol_body(
		arena, "{\"protocol\":\"lodestone/1\",\"ok\":true}\n[{\"name\":\"x\"}]\n", &error);

	(void)state;
	assert_non_null(body);
	assert_null(error);
	assert_int_equal(cJSON_GetArraySize(body), 1);
	cJSON_Delete(body);
}

static void other_replies_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *reply, *error;
	} cases[] = {
		{"", "the reply is not that of lodestoned"},
		{"HTTP/1.1 400 Bad Request\r\n\r\n", "the reply is not that of lodestoned"},
		{"[]\n[]\n", "the reply is not that of lodestoned"},
		{"{\"protocol\":\"lodestone/2\",\"ok\":true}\n[]\n",
		 "the agent speaks lodestone/2, not lodestone/1"},
		{"{\"protocol\":\"lodestone/1\",\"ok\":false,\"error\":\"no\"}\n",
		 "the agent refuses: no"},
		{"{\"protocol\":\"lodestone/1\"}\n[]\n", "the agent refuses: no reason given"},
		{"{\"protocol\":\"lodestone/1\",\"ok\":true}",
		 "the reply ends before its body does"},
		{"{\"protocol\":\"lodestone/1\",\"ok\":true}\n[{\"name\":",
		 "the reply ends before its body does"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *error;

		assert_null(protocol_body(arena, cases[i].reply, &error));
		assert_string_equal(error, cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_one_line_of_the_contract),
		cmocka_unit_test(the_namespace_stands_before_the_name),
		cmocka_unit_test(filters_are_asked_of_the_agent),
		cmocka_unit_test(a_trace_asks_for_a_flow),
		cmocka_unit_test(a_capture_asks_for_what_is_given),
		cmocka_unit_test(the_body_of_a_good_reply_is_its_second_line),
		cmocka_unit_test(other_replies_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
