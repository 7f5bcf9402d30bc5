// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What to say of a file, or of the folder, that the watch could not read (sys/watch.h).
 */
#include "agent/source_failure.h"

#include "api/world.h"
#include "base/arena.h"
#include "sys/watch.h"

#include <errno.h>
#include <string.h>

static const struct failure {
	int err; /* 0: any other */
	const char *reason, *message, *remedy;
} failures[] = {
	{-EFBIG, "SourceTooLarge", "larger than 64 MiB, not read",
	 "split it into smaller files; what was read of it before stays in force"},
	{-EDQUOT, "ConfigTooLarge", "not read: all files together are larger than 1 GiB",
	 "remove what is not needed, it is read as soon as there is room; what was read of it before "
	 "stays in force"},
	{-ENOMEDIUM, "FolderEmpty",
	 "holds no YAML file, and is not the folder in which files were found: not mounted?",
	 "mount it; if the objects are meant to go, put any *.yaml (or the one file of --config) "
	 "there, a comment is enough"},
	{0, "SourceUnreadable", "cannot be read",
	 "make it readable for the agent; what was read of it before stays in force"},
};

void source_failure_tell(struct world *world, const struct watch_file *file)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const struct failure *f = failures;
	const char *message;

	while (f->err != 0 && f->err != file->err)
		f++;
	message = f->err ? f->message
			 : arena_printf(scratch, "%s: %s", f->message, strerror(-file->err));
	world_source_problem(world, file->path, f->reason, message, f->remedy);
}
