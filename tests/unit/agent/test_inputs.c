// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/inputs.h: what is made ahead of a plan, and in how many turns.
 */
#include "agent/inputs.h"

#include "agent_rig.h"
#include "base/strbuf.h"

#define N_ADDRESSES 20000 /* of one Node: to look through them takes milliseconds */

static void write_addresses(const struct agent_rig *rig)
{
	struct strbuf s;

	strbuf_init(&s, 2 << 20);
	strbuf_add(&s, "apiVersion: v1\nkind: Node\nmetadata: {name: other}\n"
		       "status:\n  addresses:\n");
	for (unsigned i = 0; i < N_ADDRESSES; i++)
		strbuf_printf(&s, "  - {type: InternalIP, address: 10.9.%u.%u}\n", i >> 8, i & 255);
	rig_write(rig, "other.yaml", s.data);
	strbuf_done(&s);
}

/* ... and nothing has moved since. */
static bool is_quiet(const struct agent_rig *rig)
{
	return rig_announces(rig) && clock_now() - rig->agent.planned_at > 200 * NSEC_PER_MSEC;
}

static bool knows_addresses(const struct agent_rig *rig)
{
	return is_quiet(rig) && world_find(rig->agent.world, API_NODE, "", "other");
}

/* Then fragments are made in the next turn, and those of a cluster have one for each allocation. */
static void addresses_that_take_long_have_a_turn_of_their_own(void **state)
{
	struct agent_rig *rig = rig_new();
	struct agent *a = &rig->agent;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, is_quiet);
	assert_true(inputs_prepare(a, a->cache));
	write_addresses(rig);
	RIG_WAIT(rig, knows_addresses);
	a->cluster = "cluster";
	ipam_cache_drop(a->ipam_cache);
	plan_cache_drop(a->cache);
	assert_false(inputs_prepare(a, a->cache));
	assert_false(inputs_prepare(a, a->cache));
	assert_true(inputs_prepare(a, a->cache));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_that_take_long_have_a_turn_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
