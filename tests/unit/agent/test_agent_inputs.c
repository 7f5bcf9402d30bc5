// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Which input makes what due, and when all sources have delivered. */
#include "agent/agent_inputs.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_input_makes_due_what_depends_on_it(void **state)
{
	static const struct {
		enum agent_input what;
		unsigned due;
	} rows[] = {
		{INPUT_START, DUE_SCAN | DUE_NODE | DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_FOLDER, DUE_SCAN},
		{INPUT_RELOAD, DUE_SCAN | DUE_SCAN_ALL | DUE_PLAN},
		{INPUT_OBJECTS, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_PEER_OBJECTS, DUE_NODE},
		{INPUT_LINKS, DUE_NODE},
		{INPUT_NODE, DUE_PODS | DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_ROUTERS, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_REMOTES, DUE_PLAN},
		{INPUT_HOOKS, DUE_HOOKS},
		{INPUT_NEIGHBOURS, DUE_NEW_PODS},
		{INPUT_KERNEL, DUE_KERNEL | DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_PLACED, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_VERIFIED, DUE_PODS | DUE_PLAN},
		{INPUT_SESSIONS, DUE_PLAN},
		{INPUT_WRITTEN, DUE_PLAN},
		{INPUT_SESSION_DOWN, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_SAVED, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_STATE, DUE_PLAN},
		{INPUT_CONNTRACK, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_SINKS, DUE_PLAN},
		{INPUT_DRAIN, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_BLACKHOLES, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_DATAPLANE, DUE_PLAN | DUE_PLAN_NOW},
		{INPUT_FEED, DUE_FEED},
		{INPUT_ASKED, DUE_PLAN | DUE_PLAN_NOW},
	};
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct agent_inputs in = {0};

		assert_false(agent_inputs_due(&in, ~0u));
		agent_input_changed(&in, rows[i].what);
		assert_int_equal(in.due, rows[i].due);
		seen |= 1u << rows[i].what;
	}
	assert_int_equal(seen, (1u << AGENT_N_INPUTS) - 1);
}

static void what_was_done_is_not_due_any_more_and_the_rest_is(void **state)
{
	struct agent_inputs in = {0};

	(void)state;
	agent_input_changed(&in, INPUT_NODE);
	agent_input_changed(&in, INPUT_FOLDER);
	agent_inputs_done(&in, DUE_PLAN | DUE_PLAN_NOW);
	assert_false(agent_inputs_due(&in, DUE_PLAN | DUE_PLAN_NOW));
	assert_true(agent_inputs_due(&in, DUE_PODS));
	assert_true(agent_inputs_due(&in, DUE_SCAN | DUE_PLAN));
}

static void all_sources_are_complete_when_each_is(void **state)
{
	static const char *const names[] = {"config", "node", "feed"};

	(void)state;
	for (unsigned bits = 0; bits < 1u << ARRAY_SIZE(names); bits++) {
		struct agent_inputs in = {0};

		for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
			agent_source_add(&in, names[i]);
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
			if (bits >> i & 1)
				agent_source_complete(&in, names[i]);
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
			assert_int_equal(in.sources[i].is_complete, bits >> i & 1);
		assert_int_equal(agent_inputs_are_complete(&in),
				 bits == (1u << ARRAY_SIZE(names)) - 1);
	}
}

/* One that comes later is waited for like the others. */
static void a_source_that_is_added_is_waited_for(void **state)
{
	struct agent_inputs in = {0};

	(void)state;
	agent_source_add(&in, "config");
	agent_source_complete(&in, "config");
	agent_source_complete(&in, "config"); /* as after every scan */
	assert_true(agent_inputs_are_complete(&in));
	agent_source_add(&in, "feed");
	assert_false(agent_inputs_are_complete(&in));
	agent_source_complete(&in, "feed");
	assert_true(agent_inputs_are_complete(&in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_input_makes_due_what_depends_on_it),
		cmocka_unit_test(what_was_done_is_not_due_any_more_and_the_rest_is),
		cmocka_unit_test(all_sources_are_complete_when_each_is),
		cmocka_unit_test(a_source_that_is_added_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
