// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A drain that the operator asks for: it outlives the agent, and is taken back by him alone. */
#include "agent/drain.h"

#include "agent/show.h"
#include "bgp/bgp_notification.h"

#include "agent_rig.h"

#define NODE(annotation)                                                                           \
	"apiVersion: v1\nkind: Node\nmetadata: {name: node, annotations: "                         \
	"{lodestone.io/drain: \"" annotation "\"}}\n"

static bool has_withdrawn(const struct agent_rig *rig)
{
	return rig->router->withdrawn > 0;
}

static bool has_end_of_rib(const struct agent_rig *rig)
{
	return rig->router->end_of_ribs > 0;
}

static void ask(struct agent_rig *rig, bool drained)
{
	cJSON *body = drain_ask(&rig->agent, drained);

	assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(body, "byCommand")), drained);
	cJSON_Delete(body);
}

static bool was_told(const struct agent_rig *rig)
{
	return rig->router->notification.code == BGP_ERROR_CEASE && rig->router->fd < 0;
}

static bool has_rested(const struct agent_rig *rig)
{
	return rig->turns > 3000;
}

/* RFC 9003, and RFC 8538 where routes would outlive it: the session ends with what it was for. */
static void a_drained_node_says_so_and_is_quiet(void **state)
{
	struct agent_rig *rig = rig_new();
	char text[BGP_SHUTDOWN_TEXT];
	const struct bgp_error *said = &rig->router->notification;
	cJSON *status;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	ask(rig, true);
	RIG_WAIT(rig, was_told);
	assert_int_equal(rig->router->withdrawn, 1); /* before it was told */
	assert_int_equal(said->subcode, BGP_CEASE_SHUTDOWN);
	assert_string_equal(bgp_shutdown_text(said, text), "the node is drained");

	/* That there is no session is no fault, and nobody dials. */
	rig->turns = 0;
	RIG_WAIT(rig, has_rested);
	assert_int_equal(rig->router->connections, 1);
	assert_null(rig_problem(rig, "PeerNotEstablished"));
	status = show_status(&rig->agent);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(status, "state")), "ok");
	cJSON_Delete(status);

	rig->router->announced = 0;
	ask(rig, false);
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->connections, 2);
	rig_free(rig);
}

static void restart(struct agent_rig *rig)
{
	worker_finish(rig->agent.disk);
	rig_crash(rig);
	rig->router->announced = rig->router->withdrawn = rig->router->end_of_ribs = 0;
	rig->router->notification = (struct bgp_error){0};
	rig_start(rig);
}

static void a_drain_outlives_the_agent(void **state)
{
	struct agent_rig *rig = rig_new();
	char *text;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	ask(rig, true);
	RIG_WAIT(rig, has_withdrawn);
	text = rig_read_state(rig, "drain.yaml");
	assert_string_equal(text, "drained: true\n");
	free(text);
	RIG_WAIT(rig, was_told);

	restart(rig); /* whether the router holds routes of the last process is not known */
	assert_null(rig->agent.current);
	(void)drain_tick(&rig->agent, clock_now()); /* a turn before there is a plan */
	assert_true(rig->agent.settings.drain_told);
	RIG_WAIT(rig, has_end_of_rib);
	RIG_WAIT(rig, was_told);
	assert_int_equal(rig->router->announced, 0);
	assert_true(rig->agent.current->plan.drained);
	assert_non_null(rig_problem(rig, "NodeDrained"));

	ask(rig, false);
	RIG_WAIT(rig, rig_announces);
	assert_null(rig_read_state(rig, "drain.yaml"));
	restart(rig);
	RIG_WAIT(rig, rig_announces);
	rig_free(rig);
}

/* Written by an agent of tomorrow, say. */
static void a_file_that_says_something_else_drains_nothing(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	assert_int_equal(mkdir(rig->state, 0700), 0);
	rig_write_to(rig->state, "drain.yaml", "drained: perhaps\n");
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	rig_free(rig);
}

static void an_annotation_of_the_node_drains_it(void **state)
{
	struct agent_rig *rig = rig_new();
	cJSON *status = cJSON_CreateObject(), *body, *drain;

	(void)state;
	rig_write(rig, "node.yaml", NODE("false"));
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	rig_write(rig, "node.yaml", NODE("true"));
	RIG_WAIT(rig, has_withdrawn);
	drain_show(&rig->agent, status);
	drain = cJSON_GetObjectItem(status, "drain");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(drain, "state")), "drained");
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(drain, "byCommand")));
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(drain, "byNode")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(drain, "drainSeconds")));
	cJSON_Delete(status);

	body = drain_ask(&rig->agent, false);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(body, "byNode")));
	cJSON_Delete(body);
	rig->router->announced = 0;
	rig_remove(rig, "node.yaml");
	RIG_WAIT(rig, rig_announces);
	rig_free(rig);
}

/* While routers hold a route nobody knows how long it takes; then the last one counts. */
static void the_time_that_is_left_is_told(void **state)
{
	struct agent_rig *rig = rig_new();
	struct plan_leaving leaving[] = {{.unheld_since = NSEC_NEVER}, {.unheld_since = 1}};
	struct plan *plan;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	plan = &rig->agent.current->plan;
	plan->leaves = plan->drained = plan->leaving = true;
	rig->agent.ledger.leaving = leaving;
	rig->agent.ledger.n_leaving = 2;
	for (int held = 1; held >= 0; held--) {
		cJSON *status = cJSON_CreateObject(), *drain, *left;

		drain_show(&rig->agent, status);
		drain = cJSON_GetObjectItem(status, "drain");
		left = cJSON_GetObjectItem(drain, "drainSeconds");
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(drain, "state")),
				    "draining");
		assert_int_equal(cJSON_IsNull(left), held);
		if (!held)
			assert_in_range(left->valueint, 55, 62);
		cJSON_Delete(status);
		leaving[0].unheld_since = clock_now();
	}
	plan->leaves = plan->drained = plan->leaving = false;
	rig->agent.ledger.n_leaving = 0;
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drained_node_says_so_and_is_quiet),
		cmocka_unit_test(a_drain_outlives_the_agent),
		cmocka_unit_test(a_file_that_says_something_else_drains_nothing),
		cmocka_unit_test(an_annotation_of_the_node_drains_it),
		cmocka_unit_test(the_time_that_is_left_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
