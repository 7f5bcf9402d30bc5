// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/render_status: the table of `status`, for a healthy agent, a failing one and an empty answer.
 */
#include "base/arena.h"
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
	render_status(&(struct cli_args){.command = CLI_STATUS}, body, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(body);
}

/* Only what is not well has a colour, and what is well one word. */
static void a_terminal_sees_what_is_not_well(void **state)
{
	const struct cli_args args = {.command = CLI_STATUS, .has_colour = true};
	cJSON *body = cJSON_Parse(
		"{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":1,\"state\":\"degraded\","
		"\"peers\":{\"total\":2,\"established\":1},\"services\":{\"total\":1,\"announced\":1},"
		"\"dataplane\":{\"mode\":\"xdp\",\"devices\":[],\"failure\":\"no BPF\"},\"drops\":{},"
		"\"problems\":{\"error\":0,\"warning\":1,\"info\":2}}");
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1 << 20);
	render_status(&args, body, &out);
	assert_string_equal(out.data,
			    "Node         \033[1;31mn1: degraded, up 1s, version 0.1.0\033[0m\n"
			    "Peers        \033[33m1 of 2 established\033[0m\n"
			    "Services     1 of 1 announced\n"
			    "Data plane   \033[1;31mxdp; no BPF\033[0m\n"
			    "Problems     \033[33m0 error, 1 warning, 2 info\033[0m\n");
	strbuf_done(&out);
	cJSON_Delete(body);
}

static void a_healthy_agent_in_few_lines(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":312,\"state\":\"ok\","
	      "\"peers\":{\"total\":2,\"established\":2},\"services\":{\"total\":3,\"announced\":3},"
	      "\"routes\":{\"advertised\":57,\"received\":2},\"bfdSessions\":{\"total\":2,\"up\":1},"
	      "\"maps\":{\"rows\":{\"used\":1,\"max\":8},\"backends\":{\"used\":0,\"max\":9}},"
	      "\"dataplane\":{\"mode\":\"xdp\",\"devices\":[{\"name\":\"eth0\",\"xdp\":true,"
	      "\"tc\":true,\"nat\":true,\"mode\":\"native\",\"failure\":null}],\"programsAdopted\":false,"
	      "\"flowTable\":{\"size\":262144,\"flows\":4711,\"established\":17,"
	      "\"growing\":false},\"denied\":{\"prefixes\":0,\"wanted\":0},"
	      "\"failure\":null},\"drops\":{\"ttl\":0},"
	      "\"problems\":{\"error\":0,\"warning\":1,\"info\":2},\"foreignObjects\":0,"
	      "\"stale\":false}",
	      "Node          n1: ok, up 5m12s, version 0.1.0\n"
	      "Peers         2 of 2 established\n"
	      "BFD           1 of 2 up\n"
	      "Routes        57 advertised, 2 received\n"
	      "Services      3 of 3 announced\n"
	      "Data plane    xdp\n"
	      "Device        eth0: XDP yes (native), tc yes, nat yes\n"
	      "Flows         4711, 17 of them established, of 262144\n"
	      "Tables full   rows 12.5 %, backends 0.0 %\n"
	      "Problems      0 error, 1 warning, 2 info\n");
}

/* Who is woken sees which peer, which Services and what is wrong, and what to ask next. */
static void what_is_not_well_is_named(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":1,\"state\":\"degraded\","
	      "\"peers\":{\"total\":2,\"established\":1},\"services\":{\"total\":9,\"announced\":6},"
	      "\"unwell\":{\"peers\":[{\"name\":\"tor-b\",\"vrf\":\"red\",\"state\":\"Connect\","
	      "\"lastError\":\"no answer\"}],\"morePeers\":2,"
	      "\"services\":[{\"reason\":\"noEndpoints\",\"meaning\":\"nobody is ready\","
	      "\"ports\":2,\"namespace\":\"shop\",\"name\":\"web\"},{\"reason\":\"noSession\","
	      "\"meaning\":\"there is none\",\"ports\":1,\"namespace\":\"shop\",\"name\":\"db\"}],"
	      "\"moreReasons\":0,\"problems\":[{\"severity\":\"error\",\"kind\":\"BGPPeer\","
	      "\"namespace\":\"m\",\"name\":\"tor-b\",\"field\":\"spec.vrf\",\"message\":\"no such "
	      "VRF\",\"remedy\":\"make it\"}]},"
	      "\"dataplane\":{\"mode\":\"off\",\"devices\":[]},\"drops\":{},"
	      "\"problems\":{\"error\":1,\"warning\":0,\"info\":0}}",
	      "Node         n1: degraded, up 1s, version 0.1.0\n"
	      "Peers        1 of 2 established\n"
	      "Peer         tor-b in VRF red: Connect; no answer\n"
	      "Peer         2 more\n"
	      "Services     6 of 9 announced\n"
	      "Withheld     2 noEndpoints: nobody is ready; such as shop/web\n"
	      "Withheld     1 noSession: there is none; shop/db\n"
	      "Data plane   off\n"
	      "Problems     1 error, 0 warning, 0 info\n"
	      "Error        BGPPeer m/tor-b: spec.vrf: no such VRF; make it\n"
	      "Next         lodectl explain peer tor-b; lodectl explain service shop/web; "
	      "lodectl show problems\n");
}

/* Services that are announced by other nodes are no reason to ask further. */
static void a_healthy_agent_says_of_what_it_does_not_announce(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"1\",\"uptimeSeconds\":1,\"state\":\"ok\","
	      "\"peers\":{\"total\":1,\"established\":1},\"services\":{\"total\":1,\"announced\":0},"
	      "\"unwell\":{\"peers\":[],\"services\":[{\"reason\":\"noLocalEndpoints\",\"meaning\":"
	      "\"no endpoint is ready on this node\",\"ports\":1,\"namespace\":\"shop\",\"name\":\"web\"}],"
	      "\"problems\":[]},\"dataplane\":{\"mode\":\"off\",\"devices\":[]},"
	      "\"problems\":{\"error\":0,\"warning\":0,\"info\":0}}",
	      "Node         n1: ok, up 1s, version 1\n"
	      "Peers        1 of 1 established\n"
	      "Services     0 of 1 announced\n"
	      "Withheld     1 noLocalEndpoints: no endpoint is ready on this node; shop/web\n"
	      "Data plane   off\n"
	      "Problems     0 error, 0 warning, 0 info\n");
}

static void received_routes_and_repairs_have_a_line_each(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":1,\"state\":\"ok\","
	      "\"peers\":{\"total\":1,\"established\":1},"
	      "\"otherNodes\":{\"total\":7,\"answering\":6},"
	      "\"services\":{\"total\":0,\"announced\":0},"
	      "\"dataplane\":{\"mode\":\"off\",\"devices\":[],\"programsAdopted\":false,"
	      "\"flowTable\":null,\"denied\":null,\"failure\":null},\"drops\":{},"
	      "\"kernelRoutes\":{\"received\":{\"total\":12,\"installed\":10,\"failed\":1,"
	      "\"inTheWay\":1,\"repaired\":3},\"blackholes\":{\"repaired\":2}},"
	      "\"problems\":{\"error\":0,\"warning\":0,\"info\":0},\"foreignObjects\":0,"
	      "\"stale\":false}",
	      "Node         n1: ok, up 1s, version 0.1.0\n"
	      "Peers        1 of 1 established\n"
	      "Tunnels      6 of 7 answering\n"
	      "Services     0 of 0 announced\n"
	      "Data plane   off\n"
	      "Received     10 of 12 installed\n"
	      "Repaired     3 received routes, 2 blackholes and rules: somebody took them away, and "
	      "they were put again\n"
	      "Problems     0 error, 0 warning, 0 info\n");
}

/* A state, and nothing that is wrong. */
static void a_drain_is_said_in_a_line(void **state)
{
	static const struct {
		const char *drain, *line;
	} cases[] = {
		{"{\"state\":\"draining\",\"byCommand\":true,\"byNode\":false,\"drainSeconds\":41}",
		 "Drain        draining by lodectl, 41s left at most\n"},
		{"{\"state\":\"drained\",\"byCommand\":false,\"byNode\":true,\"drainSeconds\":null}",
		 "Drain        drained by its Node\n"},
		{"{\"state\":\"drained\",\"byCommand\":true,\"byNode\":true,\"drainSeconds\":null}",
		 "Drain        drained by lodectl and by its Node\n"},
		{"null", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		check(arena_printf(
			      arena,
			      "{\"node\":\"n1\",\"version\":\"1\",\"uptimeSeconds\":5,\"state\":\"ok\","
			      "\"peers\":{\"total\":1,\"established\":1},"
			      "\"services\":{\"total\":1,\"announced\":0},"
			      "\"dataplane\":{\"mode\":\"off\",\"devices\":[]},\"drain\":%s,"
			      "\"problems\":{\"error\":0,\"warning\":0,\"info\":1}}",
			      cases[i].drain),
		      arena_printf(arena,
				   "Node         n1: ok, up 5s, version 1\n"
				   "Peers        1 of 1 established\n"
				   "Services     0 of 1 announced\n"
				   "Data plane   off\n%s"
				   "Problems     0 error, 0 warning, 1 info\n",
				   cases[i].line));
	}
}

static void what_a_drain_answers_is_a_sentence(void **state)
{
	static const struct {
		const char *body, *text;
	} cases[] = {
		{"{\"byCommand\":true,\"byNode\":true}", "this node leaves the network; "
							 "\"lodectl status\" says how far it is\n"},
		{"{\"byCommand\":false,\"byNode\":true}",
		 "the annotation lodestone.io/drain, or a taint, of the Node still drains it\n"},
		{"{\"byCommand\":false,\"byNode\":false}",
		 "this node serves and announces again\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct cli_args args = {.command = i ? CLI_UNDRAIN : CLI_DRAIN};
		cJSON *body = cJSON_Parse(cases[i].body);
		struct strbuf out;

		strbuf_init(&out, 1 << 10);
		render(&args, body, &out);
		assert_string_equal(out.data, cases[i].text);
		strbuf_done(&out);
		cJSON_Delete(body);
	}
}

static void everything_that_is_wrong_is_said(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":5,\"state\":\"degraded\","
	      "\"peers\":{\"total\":2,\"established\":1},\"services\":{\"total\":3,\"announced\":0},"
	      "\"dataplane\":{\"mode\":\"off\",\"devices\":[{\"name\":\"eth0\",\"xdp\":false,"
	      "\"tc\":false,\"mode\":null,\"failure\":\"busy\"}],\"programsAdopted\":true,"
	      "\"flowTable\":{\"size\":524288,\"flows\":3,\"established\":1,"
	      "\"growing\":true},\"denied\":{\"prefixes\":7,\"wanted\":100000},"
	      "\"failure\":\"no BTF\"},\"drops\":{\"ttl\":3,\"none\":0,\"tuple_taken\":1},"
	      "\"passed\":{\"reply_miss\":7,\"reply_fragment\":0,\"new\":1},"
	      "\"meanings\":{\"ttl\":\"would loop\",\"reply_miss\":\"no answer\"},"
	      "\"problems\":{\"error\":1,\"warning\":0,\"info\":0},\"foreignObjects\":4,"
	      "\"stale\":true,\"staleObjects\":7,\"staleSources\":2}",
	      "Node         n1: degraded, up 5s, version 0.1.0; 7 objects of 2 files are those of the "
	      "last run\n"
	      "Peers        1 of 2 established\n"
	      "Services     0 of 3 announced\n"
	      "Data plane   off, adopted from the run before; no BTF\n"
	      "Device       eth0: XDP no, tc no; busy\n"
	      "Flows        3, 1 of them established, of 524288; the table is growing\n"
	      "Denied       7 prefixes, to be 100000\n"
	      "Drops        ttl 3, tuple_taken 1\n"
	      "Passed       reply_miss 7: no answer\n"
	      "Passed       new 1: ?\n"
	      "Problems     1 error, 0 warning, 0 info\n"
	      "Objects      4 of kinds that are not ours, ignored\n");
}

static void keys_that_are_missing_are_question_marks(void **state)
{
	(void)state;
	check("{}", "Node         ?: ?, up ?, version ?\n"
		    "Peers        ? of ? established\n"
		    "Services     ? of ? announced\n"
		    "Data plane   ?\n"
		    "Problems     ? error, ? warning, ? info\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_sees_what_is_not_well),
		cmocka_unit_test(a_healthy_agent_in_few_lines),
		cmocka_unit_test(what_is_not_well_is_named),
		cmocka_unit_test(a_healthy_agent_says_of_what_it_does_not_announce),
		cmocka_unit_test(received_routes_and_repairs_have_a_line_each),
		cmocka_unit_test(a_drain_is_said_in_a_line),
		cmocka_unit_test(what_a_drain_answers_is_a_sentence),
		cmocka_unit_test(everything_that_is_wrong_is_said),
		cmocka_unit_test(keys_that_are_missing_are_question_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
