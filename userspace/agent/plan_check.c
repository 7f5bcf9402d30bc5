// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/plan_check.h"

#include "agent/agent.h"
#include "plan/plan_difference.h"
#include "sys/log.h"

static void say(const char *difference)
{
	log_err("plan: what was kept is not what is made from nothing", "field=%s", difference);
}

void plan_check_addresses(struct agent *a, const struct ipam_inputs *in,
			  const struct plan_addresses *kept)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems problems = {.arena = arena};
	struct plan_addresses anew;
	const char *difference;

	loop_doing(a->loop, "addresses from nothing");
	ipam_compute(in, arena, &anew, &problems);
	difference = plan_addresses_difference(kept, &anew);
	if (!difference)
		return;
	say(difference);
	ipam_cache_drop(a->ipam_cache);
	agent_input_changed(&a->inputs, INPUT_SINKS);
}

void plan_check(struct agent *a, const struct plan_inputs *in, nsec_t now,
		const struct agent_plan *kept, const struct plan_ledger *ledger)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_inputs inputs = *in;
	struct plan_ledger ledger_anew;
	struct plan plan;
	struct plan_result anew = {.plan = &plan, .ledger = &ledger_anew};
	const char *difference;

	loop_doing(a->loop, "plan from nothing");
	inputs.cache = a->check;
	inputs.explain = NULL;
	plan_compute(&inputs, &a->ledger, now, arena, &plan, &ledger_anew, &anew.deadline);
	difference = plan_difference(&(struct plan_result){&kept->plan, ledger, a->plan_at}, &anew);
	a->check = plan_cache_free(a->check);
	if (!difference)
		return;
	say(difference);
	plan_cache_drop(a->cache);
	agent_input_changed(&a->inputs, INPUT_SINKS);
}
