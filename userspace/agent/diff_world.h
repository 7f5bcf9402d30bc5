// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two worlds: the one that the agent saved last, and what an edit makes of it. A file's objects
 * take the place of those of the same kind and name, wherever these come from, as kubectl apply
 * would have it; a folder takes the place of the whole folder of --config.
 */
#pragma once

#include "agent/options.h"
#include "api/world.h"

struct diff_worlds {
	struct world *from, *to; /* owned */
	const char *source;  /* in the arena: problems of sources that begin so are the edit's */
	const char *cluster; /* ipam_inputs.cluster of both */
};

/* 0, or -errno after saying on stderr what could not be read. diff_worlds_done() in any case. */
int diff_worlds_load(const struct options *options, struct arena *arena,
		     struct diff_worlds *ret) must_check;
void diff_worlds_done(struct diff_worlds *w);
