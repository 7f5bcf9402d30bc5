// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The changes of agent/source_changes.h, in the order in which they were found. Only the last one
 * can be half decoded: a scan that is told that the time is over goes no further.
 *
 * What the helper reads is the text and the documents that the source had before, which stay as
 * they are as long as a scan is under way; what it makes is the reading's own. Nobody else looks at
 * either until it has come back.
 */
#include "agent/source_changes.h"

#include "agent/source_failure.h"
#include "api/world.h"
#include "sys/clock.h"
#include "sys/worker.h"

#include <assert.h>

#define PIECE_BYTES 16384 /* decoded between two looks at the clock: less than a millisecond */
#define LARGE_BYTES                                                                                \
	(128u << 10) /* takes a turn's time for reading: the helper's, if there is one */

struct source_change {
	struct worker_job job;  /* first; while the helper has it */
	struct watch_file file; /* its path and text are owned; no text once it is decoded */
	struct world_reading *reading;
	struct source_changes *all;
};

void source_changes_use_helper(struct source_changes *c, struct worker *helper,
			       void (*on_read)(void *ctx), void *ctx)
{
	c->helper = helper;
	c->on_read = on_read;
	c->ctx = ctx;
}

/* --- the helper ------------------------------------------------------------------------------- */

static void read_all(struct worker_job *job)
{
	struct source_change *change = (struct source_change *)job;

	(void)!world_read_on(change->reading, SIZE_MAX); /* all of it, so it is through */
}

static void take_back(struct worker_job *job)
{
	struct source_change *change = (struct source_change *)job;
	struct source_changes *c = change->all;

	assert(c->is_away && c->items[c->n_read] == change);
	free(TAKE_PTR(change->file.text));
	c->is_away = false;
	c->n_read++;
	c->on_read(c->ctx);
}

static void give_away(struct source_changes *c, struct source_change *change)
{
	change->job = (struct worker_job){.run = read_all, .done = take_back};
	change->all = c;
	c->is_away = true;
	worker_add(c->helper, &change->job);
}

/* --- the loop's thread ------------------------------------------------------------------------ */

static bool read_on(struct source_change *change, nsec_t until)
{
	while (!world_read_on(change->reading, PIECE_BYTES))
		if (clock_now() >= until)
			return false;
	free(TAKE_PTR(change->file.text));
	return true;
}

void source_changes_add(struct source_changes *c, struct world *world, struct watch_file *file,
			nsec_t until)
{
	struct source_change *change = xcalloc(1, sizeof(*change));

	assert(c->n_read == c->n && !c->is_away);
	*(struct source_change **)xpush(&c->items, &c->n, &c->cap, sizeof(struct source_change *)) =
		change;
	change->file = *file;
	change->file.path = xstrdup(file->path);
	file->text = NULL;
	if (file->event == WATCH_CHANGED)
		change->reading =
			world_read(world, file->path, change->file.text, change->file.len);
	(void)source_changes_read_on(c, until);
}

bool source_changes_read_on(struct source_changes *c, nsec_t until)
{
	struct source_change *change = c->n_read < c->n ? c->items[c->n_read] : NULL;

	if (c->is_away)
		return false;
	if (change && c->helper && change->reading && change->file.len > LARGE_BYTES)
		give_away(c, change);
	else if (change && (!change->reading || read_on(change, until)))
		c->n_read++;
	return c->n_read == c->n;
}

static void apply(struct world *world, struct source_change *change)
{
	const struct watch_file *file = &change->file;

	switch (file->event) {
	case WATCH_CHANGED:
		world_put(world, TAKE_PTR(change->reading));
		break;
	case WATCH_FAILED:
		source_failure_tell(world, file);
		break;
	case WATCH_GONE:
	case WATCH_RECOVERED:
		world_drop_source(world, file->path);
		break;
	}
}

void source_changes_apply(struct source_changes *c, struct world *world)
{
	assert(c->n_read == c->n);
	for (size_t i = 0; i < c->n; i++)
		apply(world, c->items[i]);
	source_changes_done(c);
}

static char *path_of(const struct source_change *change)
{
	return (char *)(uintptr_t)change->file.path; /* it is ours */
}

void source_changes_done(struct source_changes *c)
{
	assert(!c->is_away);
	for (size_t i = 0; i < c->n; i++) {
		world_reading_free(c->items[i]->reading);
		free(c->items[i]->file.text);
		free(path_of(c->items[i]));
		free(c->items[i]);
	}
	free(TAKE_PTR(c->items));
	c->n = c->cap = c->n_read = 0;
}
