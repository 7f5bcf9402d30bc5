// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a scan of the configuration found, on its way into the world. Texts are decoded as the scan
 * goes, as far as a turn's time goes; the world gets all of it in one turn, once the scan is
 * through: a plan is made of what the folder held, never of the half that was read so far.
 *
 * A large text is decoded by a helper thread, if there is one: of a document nothing can be left
 * for the next turn, and one of 4 MB takes a fifth of a second.
 */
#pragma once

#include "base/nsec.h"
#include "sys/watch.h"

struct source_change;
struct worker;
struct world;

struct source_changes {
	struct source_change **items; /* owned, as what they hold */
	size_t n, cap;
	size_t n_read; /* of these the text is decoded */
	bool is_away;  /* the next one is with the helper */
	struct worker *helper;
	void (*on_read)(void *ctx);
	void *ctx;
};

/*
 * Has large texts decoded by the helper, which must have come back with all it was given
 * (worker_finish) before source_changes_done(). `on_read` says each time that there is something to
 * go on with. All are borrowed.
 */
void source_changes_use_helper(struct source_changes *c, struct worker *helper,
			       void (*on_read)(void *ctx), void *ctx);

/*
 * A file was found to be another one; its text is taken. It is decoded at once, unless it is later
 * than `until` before that is done.
 */
void source_changes_add(struct source_changes *c, struct world *world, struct watch_file *file,
			nsec_t until);
/*
 * Goes on decoding until then; true: there is nothing left of that. False and c->is_away: there is
 * no use in asking again before `on_read`.
 */
bool source_changes_read_on(struct source_changes *c, nsec_t until);

/*
 * Puts all of it into the world, whose sources nobody else may have changed in the meantime, and
 * forgets it. All must be decoded.
 */
void source_changes_apply(struct source_changes *c, struct world *world);
/* Forgets all of it; also what is not decoded. */
void source_changes_done(struct source_changes *c);
