// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An agent that announced, saved its world and crashed: what the tests of the saved world begin
 * with.
 */
#pragma once

#include "agent_rig.h"

/* An agent that has announced, saved and crashed. */
RIG_UNUSED static struct agent_rig *rig_crashed(void)
{
	struct agent_rig *rig = rig_new();

	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	rig->router->announced = rig->router->withdrawn = rig->router->end_of_ribs = 0;
	return rig;
}

RIG_UNUSED static bool announces(const struct agent_rig *rig)
{
	return rig->router->announced > 0;
}

RIG_UNUSED static bool is_fresh(const struct agent_rig *rig)
{
	return rig_announces(rig) && world_stale(rig->agent.world).objects == 0;
}

RIG_UNUSED static bool is_withdrawn(const struct agent_rig *rig)
{
	return rig->router->withdrawn > 0;
}

RIG_UNUSED static void move(const char *from, const char *to)
{
	assert_int_equal(rename(from, to), 0);
}

RIG_UNUSED static const char *away(const struct agent_rig *rig)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s.away", rig->config);
	return path;
}

RIG_UNUSED static void expect_stale(const struct agent_rig *rig, size_t objects, size_t sources)
{
	struct world_stale stale = world_stale(rig->agent.world);

	assert_int_equal(stale.objects, objects);
	assert_int_equal(stale.sources, sources);
}

/* What was saved is read back in turns: here all of it at once. */
RIG_UNUSED static void read_back(struct agent_rig *rig)
{
	state_load_world_all(&rig->agent);
}

/* Everything is as it was, and nothing was ever taken back. */
RIG_UNUSED static void expect_recovery(struct agent_rig *rig)
{
	RIG_WAIT(rig, is_fresh);
	assert_int_equal(rig->router->withdrawn, 0);
	assert_null(rig_problem(rig, "StaleSource"));
	rig_free(rig);
}
