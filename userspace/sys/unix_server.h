// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The control socket's transport (DESIGN 10): a client connects, sends one line, gets one reply and
 * is closed. What lines mean is the handler's. Who asks is told by the kernel (SO_PEERCRED).
 * Bounds: LIMIT_CLIENTS clients (further ones wait in the backlog), LIMIT_REQUEST_BYTES a line, and
 * UNIX_CLIENT_NS for a client to finish its line, and as long without progress in reading the
 * reply.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>
#include <sys/types.h>

#define UNIX_CLIENT_NS (5 * NSEC_PER_SEC)

struct loop;
struct strbuf;
struct unix_server;

struct unix_request {
	uid_t uid;
	pid_t pid;
	const char
		*line; /* without its end, NUL-terminated; one that holds a NUL is refused before */
	void *more;    /* what the handler goes on with: one block, freed by the server */
	/* Called instead of that, if it is more than a block; NULL: it is not. */
	void (*done)(void *ctx, void *more);
	/* With an empty piece of more to come: it is asked again then; past, next turn. */
	nsec_t again_at;
	bool has_spoken; /* the client has said more than its line, while it waited */
};

/*
 * The reply is what the handler adds to `reply`, at most LIMIT_REPLY_BYTES a call. True: there is
 * more of it, for which it is called again in another turn, once the client has taken what there
 * is; so an answer however long holds nobody up. A client that goes meanwhile ends its request.
 * Must not free the server.
 */
typedef bool (*unix_handler)(void *ctx, struct unix_request *request, struct strbuf *reply);

struct unix_server_args {
	struct loop *loop; /* borrowed, outlives the server */
	const char *path;  /* of the socket; its folder is made, 0750, if it is missing */
	const char *group; /* who may connect besides root; NULL or unknown: nobody */
	bool own_folder;   /* the folder has no other use: one that is there is put right */
	unix_handler handler;
	void *ctx;
};

/*
 * Listens. A socket file that nobody serves any more is replaced; -EADDRINUSE: it is served, or the
 * path is something else than a socket; -ENAMETOOLONG; another -errno. The caller owns *ret.
 */
int unix_server_new(const struct unix_server_args *args, struct unix_server **ret) must_check;
/*
 * Why the group cannot connect although there is one: -EPERM or another errno of giving it folder
 * or socket; -EACCES: a folder that is not ours to change keeps it out. 0: nothing is in its way.
 */
int unix_server_group_error(const struct unix_server *s);
/* Closes all clients and removes the socket file, if it is still ours. */
struct unix_server *unix_server_free(struct unix_server *s);

/* Closes clients whose time is up. To be called from the loop's step; returns when to call again.
 */
nsec_t unix_server_tick(struct unix_server *s, nsec_t now);
