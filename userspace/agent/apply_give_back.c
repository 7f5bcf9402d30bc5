// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What of the plans, and of what led to them, is not needed in quiet; see agent/apply.h. */
#include "agent/agent.h"
#include "agent/apply.h"
#include "sys/memory.h"

void apply_give_back(struct agent *a)
{
	struct agent_plan *last = a->current == &a->plans[0] ? &a->plans[1] : &a->plans[0];

	arena_free(last->arena);
	last->arena = arena_new();
	plan_cache_forget_last(a->cache);
	ipam_cache_forget_last(a->ipam_cache);
	ipam_cache_forget_last(a->wanted_cache);
	if (a->current)
		memory_give_back_spare(a->current->arena);
	memory_give_back_spare(a->apply_arena);
	agent_peers_give_back(&a->peers);
	memory_give_back();
}
