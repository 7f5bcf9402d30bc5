// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A failure is said once, however often it is repeated: the sign of life is renewed every few
 * seconds. Syncing may take as long as the disk likes, so the helper does it, one file after the
 * other; the bytes are made before.
 */
#include "agent/state_files.h"

#include "agent/agent.h"
#include "sys/files.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <errno.h>
#include <unistd.h>

#define STATE_MAX (64u << 20)

const char *state_path(struct arena *scratch, const struct agent *a, const char *name)
{
	return arena_printf(scratch, "%s/%s", a->options->state, name);
}

void state_note(struct agent *a, int *error, const char *path, int r)
{
	if (r < 0 && r != *error)
		log_err("state: cannot be written", "file=%s error=%s", log_quote(path),
			log_quote(strerror(-r)));
	else if (r == 0 && *error)
		log_info("state: can be written again", "file=%s", log_quote(path));
	if (r != *error)
		agent_input_changed(&a->inputs, INPUT_STATE);
	*error = r;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct state_job {
	struct worker_job base; /* first */
	struct agent *agent;    /* not the helper's, as all of `file` but the mode */
	struct state_file file;
	char *folder, *path; /* owned */
	char *data;          /* owned; NULL: the file is to go */
	size_t len;
	int error;
};

static void write_file(struct worker_job *base)
{
	struct state_job *j = (struct state_job *)base;

	if (!j->data) {
		j->error = unlink(j->path) == 0 || errno == ENOENT ? 0 : -errno;
		return;
	}
	j->error = dir_make(j->folder, 0750);
	if (j->error == 0)
		j->error = file_write_atomic(j->path, j->data, j->len, j->file.mode);
}

static void file_is_written(struct worker_job *base)
{
	struct state_job *j = (struct state_job *)base;
	struct agent *a = j->agent;

	state_note(a, &a->state_error, j->path, j->error);
	if (j->error < 0 && j->file.hash)
		*j->file.hash = 0;
	if (j->file.n_away) {
		--*j->file.n_away;
		if (j->error == 0) /* else that it failed is the news, once */
			agent_input_changed(&a->inputs, INPUT_SAVED);
	}
	free(j->folder);
	free(j->path);
	free(j->data);
	free(j);
}

void state_write(struct agent *a, const struct state_file *file, char *data, size_t len)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct state_job *j = xcalloc(1, sizeof(*j));

	*j = (struct state_job){.base = {.run = write_file, .done = file_is_written},
				.agent = a,
				.file = *file,
				.folder = xstrdup(a->options->state),
				.path = xstrdup(state_path(scratch, a, file->name)),
				.data = data,
				.len = len};
	if (file->n_away)
		++*file->n_away;
	worker_add(a->disk, &j->base);
}

void state_remove(struct agent *a, const char *name)
{
	state_write(a, &(struct state_file){.name = name}, NULL, 0);
}

/* --- reading ---------------------------------------------------------------------------------- */

char *state_read(const struct agent *a, const char *name, size_t *ret_len)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, name);
	char *text = NULL;
	int r = file_read(path, STATE_MAX, &text, ret_len);

	if (r == 0)
		return text;
	if (r != -ENOENT)
		log_err("state: cannot be read", "file=%s error=%s", log_quote(path),
			log_quote(strerror(-r)));
	return NULL;
}
