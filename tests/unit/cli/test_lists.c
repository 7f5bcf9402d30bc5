// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/lists: drops with their rates, flows in their order, and the tables of both.
 */
#include "cli/lists.h"

#include "cli/render.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void expect(cJSON *rows, struct cli_args args, const char *golden)
{
	struct strbuf out;

	strbuf_init(&out, 1u << 16);
	render(&args, rows, &out);
	assert_string_equal(out.data, golden);
	strbuf_done(&out);
	cJSON_Delete(rows);
}

static const char status_at_1[] =
	"{\"monotonicMillis\":1000,\"drops\":{\"ttl\":5,\"fragment\":100,\"deny\":0},"
	"\"passed\":{\"reply_miss\":7},\"meanings\":{\"ttl\":\"it was over\",\"fragment\":"
	"\"a piece without its first\",\"deny\":\"denied\",\"reply_miss\":\"nobody's answer\"}}";
static const char status_at_3[] =
	"{\"monotonicMillis\":3000,\"drops\":{\"ttl\":8,\"fragment\":100,\"deny\":0},"
	"\"passed\":{\"reply_miss\":5007},\"meanings\":{\"ttl\":\"it was over\",\"fragment\":"
	"\"a piece without its first\",\"deny\":\"denied\",\"reply_miss\":\"nobody's answer\"}}";

static void drops_of_one_answer_have_no_rate(void **state)
{
	const struct cli_args table = {.command = CLI_DROPS, .what = CLI_DROP_REASONS};
	struct cli_args json = table;
	cJSON *status = cJSON_Parse(status_at_1);

	(void)state;
	expect(list_drops(status, NULL), table,
	       "REASON       LOST   PACKETS   PER SECOND   MEANING\n"
	       "fragment     yes    100       -            a piece without its first\n"
	       "ttl          yes    5         -            it was over\n"
	       "reply_miss   no     7         -            nobody's answer\n");
	json.format = CLI_YAML;
	expect(list_drops(status, NULL), json,
	       "- reason: fragment\n  lost: true\n  packets: 100\n  perSecond: null\n"
	       "  meaning: a piece without its first\n"
	       "- reason: ttl\n  lost: true\n  packets: 5\n  perSecond: null\n"
	       "  meaning: it was over\n"
	       "- reason: deny\n  lost: true\n  packets: 0\n  perSecond: null\n"
	       "  meaning: denied\n"
	       "- reason: reply_miss\n  lost: false\n  packets: 7\n  perSecond: null\n"
	       "  meaning: \"nobody's answer\"\n");
	cJSON_Delete(status);
}

static void of_two_answers_the_fastest_comes_first(void **state)
{
	const struct cli_args wide = {
		.command = CLI_DROPS, .what = CLI_DROP_REASONS, .format = CLI_WIDE};
	cJSON *before = cJSON_Parse(status_at_1), *now = cJSON_Parse(status_at_3);

	(void)state;
	expect(list_drops(now, before), wide,
	       "REASON       LOST   PACKETS   PER SECOND   MEANING\n"
	       "ttl          yes    8         1.5          it was over\n"
	       "fragment     yes    100       0.0          a piece without its first\n"
	       "deny         yes    0         0.0          denied\n"
	       "reply_miss   no     5007      2500         nobody's answer\n");
	cJSON_Delete(before);
	cJSON_Delete(now);
}

static void a_restart_has_no_rate(void **state)
{
	cJSON *early = cJSON_Parse(status_at_1), *late = cJSON_Parse(status_at_3);

	(void)state;
	assert_true(isnan(list_rate(8, 5, early, late)));
	assert_true(isnan(list_rate(8, 5, late, late)));
	assert_true(isnan(list_rate(5, 8, late, early)));
	assert_true(isnan(list_rate(8, NAN, late, early)));
	assert_true(isnan(list_rate(8, 5, late, NULL)));
	assert_true(list_rate(8, 5, late, early) > 1.49 && list_rate(8, 5, late, early) < 1.51);
	cJSON_Delete(early);
	cJSON_Delete(late);
}

#define BACKEND(vip, address, flows, state)                                                        \
	"{\"namespace\":\"a\",\"name\":\"web\",\"vip\":\"" vip                                     \
	"\",\"port\":80,\"protocol\":\"TCP\",\"address\":\"" address                               \
	"\",\"backendPort\":8080,\"node\":\"n1\",\"state\":\"" state                               \
	"\",\"drainSeconds\":null,\"packets\":9,\"bytes\":9,\"flows\":" flows "}"

static void flows_by_backend_most_first(void **state)
{
	cJSON *backends = cJSON_Parse("[" BACKEND("10.0.0.1", "10.1.0.1", "1", "ready") "," BACKEND(
		"10.0.0.1", "10.1.0.2", "0",
		"ready") "," BACKEND("10.0.0.1", "10.1.0.3", "7",
				     "draining") "," BACKEND("10.0.0.2", "10.1.0.1", "7",
							     "ready") "," BACKEND("10.0.0.2",
										  "10.1.0.2",
										  "null",
										  "ready") "]");

	(void)state;
	expect(list_flows(backends),
	       (struct cli_args){.command = CLI_FLOWS, .what = CLI_LIVING_FLOWS},
	       "NAMESPACE   NAME   VIP        PORT   PROTOCOL   BACKEND    PORT   FLOWS   PERCENT   STATE\n"
	       "a           web    10.0.0.1   80     TCP        10.1.0.3   8080   7       87.5      draining\n"
	       "a           web    10.0.0.2   80     TCP        10.1.0.1   8080   7       100       ready\n"
	       "a           web    10.0.0.1   80     TCP        10.1.0.1   8080   1       12.5      ready\n"
	       "\n"
	       "whose flows these are is not told: entries hold hashes of addresses and ports; "
	       "\"lodectl trace\" looks for one\n");
	cJSON_Delete(backends);
	expect(list_flows(NULL), (struct cli_args){.command = CLI_FLOWS, .what = CLI_LIVING_FLOWS},
	       "no flows\n");
}

static void check_entries(const char *explained, const char *expected)
{
	cJSON *trace = cJSON_CreateObject(), *e = explained ? cJSON_Parse(explained) : NULL;
	char *text;

	list_entries(trace, e);
	text = cJSON_PrintUnformatted(trace);
	assert_string_equal(text, expected);
	cJSON_free(text);
	cJSON_Delete(trace);
	cJSON_Delete(e);
}

static void a_flow_enters_where_its_service_is_announced(void **state)
{
	(void)state;
	check_entries(NULL, "{\"entersAt\":null}");
	check_entries("{\"node\":\"a\",\"addresses\":[{\"announced\":false},{\"announced\":true}],"
		      "\"otherNodes\":[{\"node\":\"b\",\"announces\":true},{\"node\":\"c\","
		      "\"announces\":false}]}",
		      "{\"entersAt\":[\"a\",\"b\"]}");
	check_entries("{\"node\":\"a\",\"addresses\":[{\"announced\":false}],\"otherNodes\":[]}",
		      "{\"entersAt\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_enters_where_its_service_is_announced),
		cmocka_unit_test(drops_of_one_answer_have_no_rate),
		cmocka_unit_test(of_two_answers_the_fastest_comes_first),
		cmocka_unit_test(a_restart_has_no_rate),
		cmocka_unit_test(flows_by_backend_most_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
