// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The changes of agent/source_changes.h, in the order in which they were found. Only the last one
 * can be half decoded: a scan that is told that the time is over goes no further.
 */
#include "agent/source_changes.h"

#include "agent/sources.h"
#include "api/world.h"
#include "sys/clock.h"

#include <assert.h>

#define PIECE_BYTES 16384 /* decoded between two looks at the clock: less than a millisecond */

struct source_change {
	struct watch_file file; /* its path and text are owned; no text once it is decoded */
	struct world_reading *reading;
};

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
	struct source_change *change = xpush(&c->items, &c->n, &c->cap, sizeof(*change));

	assert(c->n_read == c->n - 1);
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
	struct source_change *change = &c->items[c->n_read];

	if (c->n_read < c->n && (!change->reading || read_on(change, until)))
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
		sources_tell(world, file);
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
		apply(world, &c->items[i]);
	source_changes_done(c);
}

static char *path_of(const struct source_change *change)
{
	return (char *)(uintptr_t)change->file.path; /* it is ours */
}

void source_changes_done(struct source_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		world_reading_free(c->items[i].reading);
		free(c->items[i].file.text);
		free(path_of(&c->items[i]));
	}
	free(c->items);
	*c = (struct source_changes){0};
}
