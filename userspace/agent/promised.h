// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses that Services of the API server were promised by us, their allocator: asked for, and
 * perhaps not written yet. Until somebody else allocates they stay with their Services, as what was
 * given here does (plan/ipam.h), so that whoever comes in the meantime gets others.
 */
#pragma once

#include "plan/ipam.h"

struct agent;
struct agent_plan;

struct agent_promised {
	struct arena *arena; /* owned; NULL: nothing */
	struct plan_addresses addresses;
	uint64_t noted; /* generation of what was wanted then */
};

/* What they are to be computed from: what was given here, and what was promised. In p's arena. */
void promised_add(const struct agent *a, struct agent_plan *p);
/* p->wanted was computed: it is promised, if it is us who allocate, or nothing is. */
void promised_note(struct agent *a, const struct agent_plan *p);
void promised_done(struct agent_promised *promised);
