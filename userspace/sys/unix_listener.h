// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A stream socket in the file system that listens, with the rights it is to have from the first
 * moment on. Who accepts and what is said is the caller's.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <sys/types.h>

struct unix_listener {
	int fd;
	char *path;
	dev_t dev; /* the socket file, to know it again */
	ino_t ino;
	int group_error; /* what keeps the group out although there is one (unix_server.h) */
};

struct unix_listener_args {
	const char *path;  /* its folder is made, 0750, if it is missing */
	const char *group; /* who may connect besides root; NULL or unknown: nobody */
	bool own_folder;   /* the folder has no other use: one that is there is put right */
};

/*
 * A socket file that nobody serves any more is replaced; -EADDRINUSE: it is served, or the path is
 * something else than a socket; -ENAMETOOLONG; another -errno.
 */
int unix_listener_open(const struct unix_listener_args *args, struct unix_listener *ret) must_check;
/* Closes it and removes the socket file, if it is still ours. */
void unix_listener_close(struct unix_listener *l);

/*
 * Makes a folder that has no other use than ours, 0750 and of the group (NULL or unknown: of none),
 * or puts right one that is there and is ours. That the group cannot be set is no failure here:
 * whoever opens the socket in it is told (group_error). 0 or -errno.
 */
int unix_folder_make(const char *folder, const char *group) must_check;
