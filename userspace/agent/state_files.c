// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A failure is said once, however often it is repeated: the sign of life is renewed every few
 * seconds.
 */
#include "agent/state_files.h"

#include "agent/agent.h"
#include "sys/files.h"
#include "sys/log.h"

#include <errno.h>

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

static bool write_with_mode(struct agent *a, const char *name, const char *data, size_t len,
			    mode_t mode)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, name);
	int r = dir_make(a->options->state, 0750);

	if (r == 0)
		r = file_write_atomic(path, data, len, mode);
	state_note(a, &a->state_error, path, r);
	return r == 0;
}

bool state_write(struct agent *a, const char *name, const char *data, size_t len)
{
	return write_with_mode(a, name, data, len, 0640);
}

bool state_write_secret(struct agent *a, const char *name, const char *data, size_t len)
{
	return write_with_mode(a, name, data, len, 0600);
}

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
