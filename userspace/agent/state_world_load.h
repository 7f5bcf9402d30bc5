// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The reading back of the saved world (agent/state_world.h), shard by shard, as far as a turn's
 * time goes. Only agent/state_world.c uses this.
 */
#pragma once

#include "agent/state_world.h"
#include "agent/world_text.h"
#include "sys/worker.h"

#define STATE_SHARD_CHANGED UINT64_MAX /* of a file that does not hold what the world does */

/* A large object that the helper decodes. */
struct state_large {
	struct worker_job job; /* first */
	struct agent *agent;
	struct world_text_item item; /* its strings are the loading's */
	struct api_object *object;   /* owned */
	bool is_away, is_back;
};

struct state_loading {
	unsigned shard; /* WORLD_SHARDS: all were */
	struct arena *arena;
	char *text; /* owned, of the shard's file; NULL: not opened */
	struct world_text_walk walk;
	bool is_same; /* so far the file holds what the world does */
	struct state_large large;
	uint64_t hashes[WORLD_SHARDS]; /* of what the files hold; 0: there is none */
	struct saved_damage damage;
};

/* Goes on until then; true: it is through. False and l->large.is_away: the helper is at it. */
bool state_loading_on(struct agent *a, struct state_loading *l, nsec_t until) must_check;
bool state_loading_is_over(const struct state_loading *l);
void state_loading_done(struct state_loading *l);
