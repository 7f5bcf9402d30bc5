// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The table: which input makes what due. */
#include "agent/agent_inputs.h"

#include <assert.h>
#include <string.h>

void agent_input_changed(struct agent_inputs *in, enum agent_input what)
{
	static const unsigned due[AGENT_N_INPUTS] = {
		[INPUT_START] = DUE_SCAN | DUE_NODE | DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_FOLDER] = DUE_SCAN,
		[INPUT_RELOAD] = DUE_SCAN | DUE_SCAN_ALL | DUE_PLAN,
		[INPUT_OBJECTS] = DUE_PLAN | DUE_PLAN_NOW,
		/* A new one's address is to be asked for. */
		[INPUT_PEER_OBJECTS] = DUE_NODE,
		[INPUT_LINKS] = DUE_NODE,
		[INPUT_NODE] = DUE_PODS | DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_ROUTERS] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_REMOTES] = DUE_PLAN,
		[INPUT_HOOKS] = DUE_HOOKS,
		[INPUT_NEIGHBOURS] = DUE_NEW_PODS,
		[INPUT_KERNEL] = DUE_KERNEL | DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_PLACED] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_VERIFIED] = DUE_PODS | DUE_PLAN,
		[INPUT_SESSIONS] = DUE_PLAN,
		[INPUT_WRITTEN] = DUE_PLAN,
		[INPUT_SESSION_DOWN] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_SAVED] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_STATE] = DUE_PLAN, /* which is where problems are told */
		[INPUT_CONNTRACK] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_SINKS] = DUE_PLAN,
		[INPUT_DRAIN] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_BLACKHOLES] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_DATAPLANE] = DUE_PLAN | DUE_PLAN_NOW,
		[INPUT_FEED] = DUE_FEED,
		[INPUT_ASKED] = DUE_PLAN | DUE_PLAN_NOW,
	};

	assert(what < AGENT_N_INPUTS && due[what] != 0);
	in->due |= due[what];
}

static struct agent_source *find_source(struct agent_inputs *in, const char *name)
{
	for (size_t i = 0; i < in->n_sources; i++)
		if (strcmp(in->sources[i].name, name) == 0)
			return &in->sources[i];
	return NULL;
}

void agent_source_add(struct agent_inputs *in, const char *name)
{
	assert(in->n_sources < AGENT_SOURCES_MAX && !find_source(in, name));
	in->sources[in->n_sources++] = (struct agent_source){.name = name};
}

void agent_source_complete(struct agent_inputs *in, const char *name)
{
	struct agent_source *s = find_source(in, name);

	assert(s);
	s->is_complete = true;
}

bool agent_inputs_are_complete(const struct agent_inputs *in)
{
	for (size_t i = 0; i < in->n_sources; i++)
		if (!in->sources[i].is_complete)
			return false;
	return true;
}
