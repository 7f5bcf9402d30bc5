// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Blackholes that the operator asks for: what he is answered, what is kept, and when it ends. */
#include "agent/discards.h"

#include "base/strbuf.h"
#include "sys/clock.h"
#include "sys/unix_server.h"

#include "agent/show.h"
#include "agent_rig.h"

/* The answer's first line, which says whether it was done; `more` as the handler. */
static bool ask(struct agent_rig *rig, uid_t uid, const char *json, char error[256])
{
	struct unix_request r = {.uid = uid};
	struct strbuf reply;
	cJSON *request = cJSON_Parse(json), *first;
	bool ok;

	strbuf_init(&reply, 1 << 16);
	assert_non_null(request);
	ok = discards_ask(&rig->agent, request, &r, &reply);
	first = cJSON_ParseWithLength(reply.data ? reply.data : "{}",
				      reply.data ? strcspn(reply.data, "\n") : 2);
	ok |= cJSON_IsTrue(cJSON_GetObjectItem(first, "ok"));
	error[0] = '\0';
	if (cJSON_GetObjectItem(first, "error"))
		(void)snprintf(error, 256, "%s",
			       cJSON_GetStringValue(cJSON_GetObjectItem(first, "error")));
	cJSON_Delete(first);
	cJSON_Delete(request);
	strbuf_done(&reply);
	free(r.more);
	return ok;
}

static size_t n_orders(const struct agent_rig *rig)
{
	return rig->agent.settings.n_discards;
}

#define ADD(prefix, more)                                                                          \
	"{\"command\":\"blackhole\",\"action\":\"add\",\"prefix\":\"" prefix "\"" more "}"
#define REMOVE(prefix) "{\"command\":\"blackhole\",\"action\":\"remove\",\"prefix\":\"" prefix "\"}"

static void what_is_asked_for_wrongly_is_refused(void **state)
{
	static const struct {
		const char *json, *error;
		uid_t uid;
	} cases[] = {
		{ADD("192.0.2.7", ""), "only root", 1000},
		{ADD("nonsense", ""), "no prefix", 0},
		{ADD("192.0.2.7/24", ""), "bits behind its length", 0},
		{ADD("203.0.113.0/24", ""), "in no range of an IPAddressPool", 0},
		{ADD("192.0.2.7", ",\"seconds\":0"), "one second to ten years", 0},
		{ADD("192.0.2.7", ",\"seconds\":1e12"), "one second to ten years", 0},
		{REMOVE("192.0.2.7"), "no blackhole by command", 0},
		{"{\"command\":\"blackhole\",\"action\":\"add\"}", "which prefix", 0},
		{"{\"command\":\"blackhole\",\"prefix\":\"192.0.2.7\"}", "can be added and removed",
		 0},
		{"{\"command\":\"blackhole\",\"action\":7,\"prefix\":[1]}", "which prefix", 0},
	};
	struct agent_rig *rig = rig_new();
	char error[256];

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_false(ask(rig, cases[i].uid, cases[i].json, error));
		if (!strstr(error, cases[i].error))
			fail_msg("case %zu: %s", i, error);
	}
	assert_int_equal(n_orders(rig), 0);
	rig_free(rig);
}

static bool plans_both(const struct agent_rig *rig)
{
	return rig->agent.current->plan.n_discards == 2;
}

/* An order without an end has none, and one with an end has what is left of it. */
static void when_an_order_ends_is_shown(void **state)
{
	const struct show_filter all = {.name = NULL};
	struct agent_rig *rig = rig_new();
	char error[256];
	cJSON *rows;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_true(ask(rig, 0, ADD("192.0.2.7", ""), error));
	assert_true(ask(rig, 0, ADD("192.0.2.9", ",\"seconds\":300"), error));
	RIG_WAIT(rig, plans_both);
	rows = show_blackholes(&rig->agent, &all);
	assert_int_equal(cJSON_GetArraySize(rows), 2);
	for (int i = 0; i < 2; i++) {
		const cJSON *row = cJSON_GetArrayItem(rows, i);
		const cJSON *ends = cJSON_GetObjectItem(row, "endsInSeconds");

		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(row, "prefix")),
				    i == 0 ? "192.0.2.7/32" : "192.0.2.9/32");
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(row, "by")),
				    "command");
		if (i == 0)
			assert_true(cJSON_IsNull(ends));
		else
			assert_in_range((unsigned)cJSON_GetNumberValue(ends), 250, 300);
	}
	cJSON_Delete(rows);
	rig_free(rig);
}

/* The answer that is due, as the loop asks for it: false, and nothing yet. */
static bool is_answered(struct agent_rig *rig, const cJSON *request, struct unix_request *r,
			struct strbuf *reply)
{
	return !discards_ask(&rig->agent, request, r, reply);
}

static nsec_t over_at;
static bool time_is_over(const struct agent_rig *rig)
{
	return clock_now() >= over_at && rig->agent.current->plan.n_discards == 0;
}

/* Its range is of no pool any more when a plan could take it up: it waits its time for another. */
static void an_order_that_no_plan_takes_up_is_told_to_be_none_yet(void **state)
{
	cJSON *request = cJSON_Parse(ADD("192.0.2.7", ""));
	struct agent_rig *rig = rig_new();
	struct unix_request r = {.uid = 0};
	struct strbuf reply;

	(void)state;
	strbuf_init(&reply, 1 << 16);
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_false(is_answered(rig, request, &r, &reply));
	assert_int_equal(n_orders(rig), 1);
	assert_false(is_answered(rig, request, &r, &reply));
	assert_int_equal(reply.len, 0);
	rig_remove(rig, "pool.yaml");
	over_at = clock_now() + 2 * NSEC_PER_SEC;
	RIG_WAIT(rig, time_is_over);
	assert_true(is_answered(rig, request, &r, &reply));
	assert_non_null(strstr(reply.data, "noted, but not in force yet"));
	cJSON_Delete(request);
	strbuf_done(&reply);
	free(r.more);
	rig_free(rig);
}

static void restart(struct agent_rig *rig)
{
	worker_finish(rig->agent.disk);
	rig_crash(rig);
	rig_start(rig);
}

static void orders_outlive_the_agent_and_end(void **state)
{
	struct agent_rig *rig = rig_new();
	nsec_t now, next;
	char error[256];

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_true(ask(rig, 0, ADD("192.0.2.7", ""), error));
	assert_true(ask(rig, 0, ADD("192.0.2.4/30", ",\"seconds\":600"), error));
	assert_true(ask(rig, 0, ADD("192.0.2.9", ",\"seconds\":5"), error));
	assert_true(ask(rig, 0, ADD("192.0.2.9", ",\"seconds\":300"), error)); /* longer */
	assert_int_equal(n_orders(rig), 3);
	restart(rig);
	assert_int_equal(n_orders(rig), 3);
	now = clock_now();
	next = discards_tick(&rig->agent, now);
	assert_in_range(next, now + 250 * NSEC_PER_SEC, now + 301 * NSEC_PER_SEC);
	next = discards_tick(&rig->agent, next);
	assert_int_equal(n_orders(rig), 2);
	assert_in_range(next, now + 500 * NSEC_PER_SEC, now + 601 * NSEC_PER_SEC);
	assert_int_equal(discards_tick(&rig->agent, next), NSEC_NEVER);
	assert_int_equal(n_orders(rig), 1);
	RIG_WAIT(rig, rig_announces);
	assert_true(ask(rig, 0, REMOVE("192.0.2.7/32"), error));
	restart(rig);
	assert_int_equal(n_orders(rig), 0);
	rig_free(rig);
}

/* What somebody wrote there costs itself, and no clock makes an order longer. */
static void a_damaged_file_costs_what_is_damaged(void **state)
{
	static const char text[] =
		"[{\"prefix\":\"192.0.2.7/32\"},{\"prefix\":\"x\"},7,"
		"{\"prefix\":\"192.0.2.7/32\"},"
		"{\"prefix\":\"192.0.2.8/32\",\"seconds\":\"9\"},"
		"{\"prefix\":\"192.0.2.9/32\",\"seconds\":60,\"endsAt\":1},"
		"{\"prefix\":\"192.0.2.11/32\",\"seconds\":60},"
		"{\"prefix\":\"192.0.2.12/32\",\"seconds\":60,\"endsAt\":\"99999999999\"},"
		"{\"prefix\":\"192.0.2.13/32\",\"seconds\":0,\"endsAt\":99999999999},"
		"{\"prefix\":\"192.0.2.14/32\",\"seconds\":4e9,\"endsAt\":99999999999},"
		"{\"prefix\":\"192.0.2.10/32\",\"seconds\":60,\"endsAt\":99999999999}]";
	struct agent_rig *rig = rig_new();
	nsec_t now;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	worker_finish(rig->agent.disk);
	rig_crash(rig);
	rig_write_to(rig->state, "blackholes.yaml", text);
	rig_start(rig);
	assert_int_equal(n_orders(rig), 2);
	now = clock_now();
	assert_in_range(discards_tick(&rig->agent, now), now + 1, now + 61 * NSEC_PER_SEC);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_wrongly_is_refused),
		cmocka_unit_test(when_an_order_ends_is_shown),
		cmocka_unit_test(an_order_that_no_plan_takes_up_is_told_to_be_none_yet),
		cmocka_unit_test(orders_outlive_the_agent_and_end),
		cmocka_unit_test(a_damaged_file_costs_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
