// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a scan of the configuration found, on its way into the world. Texts are decoded as the scan
 * goes, as far as a turn's time goes; the world gets all of it in one turn, once the scan is
 * through: a plan is made of what the folder held, never of the half that was read so far.
 */
#pragma once

#include "base/nsec.h"
#include "sys/watch.h"

struct source_change;
struct world;

struct source_changes {
	struct source_change *items; /* owned, as what they hold */
	size_t n, cap;
	size_t n_read; /* of these the text is decoded */
};

/*
 * A file was found to be another one; its text is taken. It is decoded at once, unless it is later
 * than `until` before that is done.
 */
void source_changes_add(struct source_changes *c, struct world *world, struct watch_file *file,
			nsec_t until);
/* Goes on decoding until then; true: there is nothing left of that. */
bool source_changes_read_on(struct source_changes *c, nsec_t until);

/*
 * Puts all of it into the world, whose sources nobody else may have changed in the meantime, and
 * forgets it. All must be decoded.
 */
void source_changes_apply(struct source_changes *c, struct world *world);
void source_changes_done(struct source_changes *c);
