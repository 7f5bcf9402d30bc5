// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fake/plan_same.h"

#include "plan/plan_difference.h"
#include "plan/sink.h"

#include <stdio.h>
#include <stdlib.h>

static void end_if(const char *difference, const char *of)
{
	if (!difference)
		return;
	fprintf(stderr, "%s that were kept differ from those from nothing in: %s\n", of,
		difference);
	abort();
}

/* What the store would be told. */
static size_t n_steps(const struct plan_stirred *stirred)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_apply apply = {.at = 0};

	plan_apply_begin(&apply, stirred, &(struct lb_store){.ops = NULL}, arena);
	return apply.n_steps;
}

void plan_same(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
	       const struct plan *plan, const struct plan_ledger *after, nsec_t deadline)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_result got = {plan, after, deadline};
	struct plan_inputs inputs = *in;
	struct plan_ledger other_after;
	struct plan_result want;
	struct plan other;

	inputs.cache = NULL;
	inputs.explain = NULL;
	want = (struct plan_result){.plan = &other, .ledger = &other_after};
	plan_compute(&inputs, ledger, now, arena, &other, &other_after, &want.deadline);
	end_if(plan_difference(&got, &want), "plans");
	end_if(n_steps(&plan->stirred) == n_steps(&other.stirred) ? NULL : "stirred", "plans");
}

void ipam_same(const struct ipam_inputs *in, const struct plan_addresses *addresses,
	       const struct problems *problems)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems other_problems = {.arena = arena};
	struct plan_addresses other;

	ipam_compute(in, arena, &other, &other_problems);
	end_if(plan_addresses_difference(addresses, &other), "addresses");
	end_if(plan_same_problems(problems, &other_problems) ? NULL : "problems", "addresses");
}
