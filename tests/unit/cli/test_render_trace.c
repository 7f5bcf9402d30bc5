// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* cli/render_trace: a flow that goes somewhere, and one that does not. */
#include "cli/render.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(const char *json, const char *golden)
{
	const struct cli_args args = {
		.command = CLI_TRACE, .from = "198.51.100.7:40000", .to = "192.0.2.1:80"};
	cJSON *body = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(body);
	strbuf_init(&out, 1u << 16);
	render(&args, body, &out);
	assert_string_equal(out.data, golden);
	strbuf_done(&out);
	cJSON_Delete(body);
}

static void a_flow_with_an_entry(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"namespace\":\"shop\",\"name\":\"web\",\"steps\":["
	      "{\"check\":\"vip\",\"holds\":true,\"message\":\"the address is a VIP\"},"
	      "{\"check\":\"begins\",\"holds\":false,\"message\":\"the Service is paused\"}],"
	      "\"row\":17,\"rows\":2048,\"settled\":false,\"candidates\":["
	      "{\"address\":\"10.0.0.1\",\"port\":8080,\"node\":\"n1\",\"state\":\"ready\",\"entry\":null},"
	      "{\"address\":\"10.0.0.2\",\"port\":8080,\"node\":\"n1\",\"state\":\"draining\","
	      "\"entry\":\"established\"}],\"chosen\":{\"address\":\"10.0.0.2\",\"port\":8080},"
	      "\"reason\":\"the flow table has the flow with this pod\"}",
	      "trace     198.51.100.7:40000 to 192.0.2.1:80, Service shop/web, on node n1\n"
	      "ok        the address is a VIP\n"
	      "no        the Service is paused\n"
	      "row       17 of 2048, not settled\n"
	      "pod       10.0.0.1 port 8080 on n1, ready\n"
	      "pod       10.0.0.2 port 8080 on n1, draining, has the flow: established\n"
	      "goes to   10.0.0.2 port 8080: the flow table has the flow with this pod\n");
}

/* Where it may come in, and how it goes on. */
static void a_flow_across_nodes(void **state)
{
	static const struct {
		const char *node, *enters, *way, *says_enters, *says_way;
	} cases[] = {
		{"n1", "\"n1\",\"n3\"", "\"tunnel\"",
		 "n1,n3: whichever of them the router's hash chooses", ", by the tunnel"},
		{"n2", "\"n1\"", "null", "n1: no other node is known to announce it", ""},
		{"n2", "", "\"nat\"", "no node announces it", ", by nat"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char json[512], text[512];

		snprintf(json, sizeof(json),
			 "{\"node\":\"%s\",\"entersAt\":[%s],\"steps\":[],\"row\":1,\"rows\":2,"
			 "\"settled\":true,\"candidates\":[],\"chosen\":{\"address\":\"10.0.0.2\","
			 "\"port\":80,\"node\":\"n2\",\"forwarding\":%s},\"reason\":\"so it is\"}",
			 cases[i].node, cases[i].enters, cases[i].way);
		snprintf(text, sizeof(text),
			 "trace       198.51.100.7:40000 to 192.0.2.1:80, on node %s\n"
			 "enters at   %s\n"
			 "row         1 of 2, settled\n"
			 "goes to     10.0.0.2 port 80 on n2%s: so it is\n",
			 cases[i].node, cases[i].says_enters, cases[i].says_way);
		check(json, text);
	}
}

/* As what the flow comes there, which is also where its answers come. */
static void a_flow_that_is_translated(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"steps\":[],\"row\":1,\"rows\":2,\"settled\":true,\"candidates\":["
	      "{\"address\":\"10.0.0.2\",\"port\":80,\"state\":\"ready\",\"entry\":\"new\","
	      "\"nat\":{\"address\":\"10.0.0.10\",\"port\":17198,\"entry\":\"established\"}}],"
	      "\"chosen\":null,\"reason\":\"so it is\"}",
	      "trace     198.51.100.7:40000 to 192.0.2.1:80, on node n1\n"
	      "row       1 of 2, settled\n"
	      "pod       10.0.0.2 port 80, ready, has the flow: new, from 10.0.0.10 port 17198 and "
	      "back there: established\n"
	      "goes to   nobody: so it is\n");
}

static void a_packet_that_nobody_gets(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"namespace\":null,\"name\":null,\"steps\":["
	      "{\"check\":\"vip\",\"holds\":false,\"message\":\"the address is no VIP here\"}],"
	      "\"row\":null,\"rows\":null,\"settled\":null,\"candidates\":[],\"chosen\":null,"
	      "\"reason\":null}",
	      "trace   198.51.100.7:40000 to 192.0.2.1:80, on node n1\n"
	      "no      the address is no VIP here\n");
	check("{\"node\":\"n1\",\"steps\":[],\"row\":1,\"rows\":256,\"settled\":true,\"candidates\":[],"
	      "\"chosen\":null,\"reason\":\"nobody gets what begins\"}",
	      "trace     198.51.100.7:40000 to 192.0.2.1:80, on node n1\n"
	      "row       1 of 256, settled\n"
	      "goes to   nobody: nobody gets what begins\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_with_an_entry),
		cmocka_unit_test(a_flow_across_nodes),
		cmocka_unit_test(a_flow_that_is_translated),
		cmocka_unit_test(a_packet_that_nobody_gets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
