// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Files of the state folder, for the parts of state.h. The folder is made when it is missing.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>
#include <sys/types.h>

struct agent;

const char *state_path(struct arena *scratch, const struct agent *a, const char *name);

#define STATE_MODE        0640
#define STATE_SECRET_MODE 0600 /* what may hold a password: nobody but the agent may read it */

/*
 * Has a file written and synced by the helper, after all that was given to it before. `data` is
 * given away (free). When it is back, *n_away, counted up here, is counted down; if it could not be
 * written, *hash is 0 then, so that the caller's next occasion tries again; both may be NULL.
 * Failing is logged when it begins and when it ends; in between a->state_error says why.
 */
struct state_file {
	const char *name;
	mode_t mode;
	uint64_t *hash;
	unsigned *n_away;
};
void state_write(struct agent *a, const struct state_file *file, char *data, size_t len);
/* Removes a file in the same way; gone already is as good. */
void state_remove(struct agent *a, const char *name);

/* Takes the result of writing, 0 or -errno, into *error, and logs it as said. */
void state_note(struct agent *a, int *error, const char *path, int r);

/* The text, the caller's to free; NULL if there is none, or it cannot be read, which is logged. */
char *state_read(const struct agent *a, const char *name, size_t *ret_len);
