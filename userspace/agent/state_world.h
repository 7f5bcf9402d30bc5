// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The saved world (DESIGN 1), under --state:
 *
 *   world/XX.yaml      of the sources of one shard, the last good version of every object, as
 *                      documents that --config reads (agent/world_text.h); Secrets are among them
 *   world/folder.yaml  which folder the files were seen in
 *
 * The folder is 0700, its files are 0600. They are replaced without syncing: one that a power cut
 * tore is told by its checksum, is set aside as XX.yaml.bad, told, and done without.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>

struct agent;
struct saved_world;

#define STATE_NAME_BYTES 32
/* The name of a shard's file below --state. */
void state_shard_name(unsigned shard, char name[STATE_NAME_BYTES]);

/* What could not be used of what was saved. */
struct saved_damage {
	size_t files, objects; /* set aside; not right any more */
};

/*
 * Puts what was saved of the sources that --config covers into the world, as last good versions,
 * and lets the watch expect them: state_load_world begins, state_load_world_on goes on until then
 * and returns true once it is through, which it must be before the first scan. Large objects are
 * a->reader's to decode: while state_load_world_is_away() there is no use in going on, and
 * a->scan_at is set when there is.
 */
void state_load_world(struct agent *a);
bool state_load_world_on(struct agent *a, nsec_t until) must_check;
/* All of it, now; it waits for the helper. */
void state_load_world_all(struct agent *a);
bool state_load_world_is_away(const struct agent *a);
void state_world_done(struct agent *a);
struct saved_damage state_world_damage(const struct agent *a);
/* -errno of the last round of saving; 0: it went well. */
int state_world_error(const struct agent *a);

/*
 * Saves what has changed: one round at most once a second, a limited amount in one call. Returns
 * when it wants to be called again.
 */
nsec_t state_tick_world(struct agent *a, nsec_t now);

/* All of it, now: for an orderly end. */
void state_save_world(struct agent *a, nsec_t now);

/* Nothing has changed since it was saved. */
bool state_world_is_saved(const struct agent *a);
