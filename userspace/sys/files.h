// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whole files: read with a maximum, written so that a crash leaves the old or the new content and
 * never a mixture, folders made on the way, and locks. All paths are the caller's; nothing here
 * knows where the agent keeps what.
 */
#pragma once

#include "base/mem.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a regular file (or one of /proc) wholly. *ret is NUL-terminated behind its *ret_len bytes
 * and owned by the caller (free). -EFBIG: more than max bytes; -EISDIR; -EINVAL: neither file nor
 * folder (a fifo would block); another -errno of open or read.
 */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len) must_check;

/*
 * Replaces or creates the file: written beside it as PATH.tmp, synced, renamed over it, folder
 * synced. Returns 0 or -errno; the old file is untouched then.
 */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode) must_check;

/* The folder part of a path: "." for a bare name, "/" for one below the root. The caller owns it.
 */
char *path_folder(const char *path) must_check;

/*
 * A file that is replaced in pieces: written beside it as PATH.tmp, renamed over it by
 * file_draft_commit. Not synced: after a power cut it may hold part of its content or nothing, so
 * the content must be able to tell. A draft that was begun must be committed or discarded.
 */
struct file_draft {
	char *path; /* owned; NULL: not begun */
	int fd;
};
/* 0 or -errno; after an error the draft is not begun. */
int file_draft_begin(struct file_draft *d, const char *path, mode_t mode) must_check;
int file_draft_add(struct file_draft *d, const void *data, size_t len) must_check;
/* Ends the draft, also with an error. */
int file_draft_commit(struct file_draft *d) must_check;
/* The file stays as it was; nothing to do if the draft was not begun. */
void file_draft_discard(struct file_draft *d);

/* Makes a folder and those above it, as mkdir -p; `mode` is for those it makes. 0 or -errno. */
int dir_make(const char *path, mode_t mode) must_check;

/*
 * Takes an exclusive lock on a file (made if it is missing) or folder; it lasts as long as *ret_fd,
 * which the caller owns, is open. -EWOULDBLOCK: another process holds it; another -errno.
 */
int lock_take(const char *path, int *ret_fd) must_check;

/* For _cleanup_(fd_closep): closes the fd unless it is negative, keeps errno. */
void fd_closep(const int *fd);
