// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Files of the state folder, for the parts of state.h. The folder is made when it is missing.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

struct agent;

const char *state_path(struct arena *scratch, const struct agent *a, const char *name);

/*
 * False: not written; the caller tries again at its next occasion. Logged when it begins and when
 * it ends; in between a->state_error says why.
 */
bool state_write(struct agent *a, const char *name, const char *data, size_t len) must_check;
/* The same for what may hold a password: nobody but the agent may read the file. */
bool state_write_secret(struct agent *a, const char *name, const char *data, size_t len) must_check;

/* Takes the result of writing, 0 or -errno, into *error, and logs it as said. */
void state_note(struct agent *a, int *error, const char *path, int r);

/* The text, the caller's to free; NULL if there is none, or it cannot be read, which is logged. */
char *state_read(const struct agent *a, const char *name, size_t *ret_len);
