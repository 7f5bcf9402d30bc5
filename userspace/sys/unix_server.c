// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The control socket's transport. The socket is made under a temporary name, given its owner and
 * mode before it listens, and renamed into place: nobody ever meets it with wider rights, and there
 * is no moment without a socket when an agent is replaced. A group that cannot be given its rights
 * costs the group alone: root is served all the same. While LIMIT_CLIENTS are served, the
 * listener is not watched; since each client has a time limit, that ends by itself.
 *
 * A client reads (its line), then writes (the reply), then is closed. What it sends behind the line
 * is not looked at.
 */
#include "sys/unix_server.h"

#include "base/limits.h"
#include "base/strbuf.h"
#include "sys/files.h"
#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FOLDER_MODE     0750
#define SOCKET_MODE     0660
#define NO_GROUP        ((gid_t)-1)
#define ACCEPT_RETRY_NS NSEC_PER_SEC /* after accept failed for want of resources */

struct client {
	struct unix_server *server; /* borrowed; NULL: the slot is free */
	struct loop_fd *watch;      /* owned */
	char *line;                 /* owned; LIMIT_REQUEST_BYTES + 1 */
	size_t line_len;
	struct unix_request request;
	struct strbuf reply; /* or a piece of it */
	size_t n_sent;
	bool has_more; /* behind that piece */
	nsec_t until;  /* closed then */
	int fd;        /* owned */
};

struct unix_server {
	struct loop *loop;     /* borrowed */
	struct loop_fd *watch; /* owned */
	unix_handler handler;
	void *ctx;
	char *path; /* owned */
	struct client clients[LIMIT_CLIENTS];
	size_t n_clients;
	nsec_t accept_at; /* NSEC_NEVER: as soon as there is room */
	dev_t dev;        /* the socket file, to know it again */
	ino_t ino;
	int group_error; /* what keeps the group out; 0: nothing */
	int fd;          /* owned */
};

/* --- clients
 * -------------------------------------------------------------------------------------- */

static void watch_listener(struct unix_server *s)
{
	bool has_room = s->n_clients < LIMIT_CLIENTS && s->accept_at == NSEC_NEVER;

	loop_fd_want(s->watch, has_room, false);
}

static void client_close(struct client *c)
{
	struct unix_server *s = c->server;

	loop_fd_free(c->watch);
	fd_closep(&c->fd);
	free(c->line);
	free(c->request.more);
	strbuf_done(&c->reply);
	*c = (struct client){.fd = -1};
	s->n_clients--;
	watch_listener(s);
}

/* Sends what the socket takes; closes the client at the end or on an error. The next piece is for
 * the next turn.
 */
static void client_write(struct client *c)
{
	while (c->n_sent < c->reply.len) {
		ssize_t put = send(c->fd, c->reply.data + c->n_sent, c->reply.len - c->n_sent,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			loop_fd_want(c->watch, false, true);
			return;
		}
		if (put < 0)
			break;
		c->n_sent += (size_t)put;
		c->until = nsec_add(loop_now(c->server->loop), UNIX_CLIENT_NS);
	}
	if (c->n_sent == c->reply.len && c->has_more)
		loop_fd_want(c->watch, false, true);
	else
		client_close(c);
}

static void next_piece(struct client *c)
{
	strbuf_done(&c->reply);
	strbuf_init(&c->reply, LIMIT_REPLY_BYTES);
	c->n_sent = 0;
	c->has_more = c->server->handler(c->server->ctx, &c->request, &c->reply);
}

static void client_answer(struct client *c, size_t len)
{
	c->line[len] = '\0';
	if (len > 0 && c->line[len - 1] == '\r')
		c->line[len - 1] = '\0';
	c->request.line = c->line;
	next_piece(c);
	c->until = nsec_add(loop_now(c->server->loop), UNIX_CLIENT_NS);
	client_write(c);
}

/* One piece of the line. The end of the stream ends the line, too. */
static void client_read(struct client *c)
{
	ssize_t got = recv(c->fd, c->line + c->line_len, LIMIT_REQUEST_BYTES + 1 - c->line_len,
			   MSG_DONTWAIT);
	const char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < 0 || (got == 0 && c->line_len == 0)) {
		client_close(c);
		return;
	}
	c->line_len += (size_t)got;
	end = memchr(c->line, '\n', c->line_len);
	size_t len = end ? (size_t)(end - c->line) : c->line_len;
	bool is_complete = end || got == 0;
	if (memchr(c->line, '\0', len) || (!is_complete && len > LIMIT_REQUEST_BYTES))
		client_close(c);
	else if (is_complete)
		client_answer(c, len);
}

static void on_client(void *ctx, bool readable, bool writable)
{
	struct client *c = ctx;

	assert(c->server);
	if (writable && c->n_sent == c->reply.len)
		next_piece(c);
	if (writable)
		client_write(c);
	else if (readable)
		client_read(c);
}

static void client_begin(struct unix_server *s, int fd, uid_t uid)
{
	struct client *c = s->clients;

	while (c->server)
		c++;
	assert(c < s->clients + LIMIT_CLIENTS);
	*c = (struct client){.server = s, .fd = fd, .request.uid = uid};
	c->line = xmalloc(LIMIT_REQUEST_BYTES + 1);
	c->until = nsec_add(loop_now(s->loop), UNIX_CLIENT_NS);
	strbuf_init(&c->reply, LIMIT_REPLY_BYTES);
	c->watch = loop_fd_new(s->loop, "control socket", fd, on_client, c);
	loop_fd_want(c->watch, true, false);
	s->n_clients++;
}

static void on_listener(void *ctx, bool readable, bool writable)
{
	_cleanup_(fd_closep) int fd = -1;
	struct unix_server *s = ctx;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	(void)readable;
	(void)writable;
	assert(s->n_clients < LIMIT_CLIENTS);
	fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* Out of fds or memory the listener would stay readable: leave it for a while. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			s->accept_at = nsec_add(loop_now(s->loop), ACCEPT_RETRY_NS);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
		client_begin(s, TAKE_FD(fd), peer.uid);
	}
	watch_listener(s);
}

nsec_t unix_server_tick(struct unix_server *s, nsec_t now)
{
	nsec_t next = NSEC_NEVER;

	if (now >= s->accept_at) {
		s->accept_at = NSEC_NEVER;
		watch_listener(s);
	}
	for (struct client *c = s->clients; c < s->clients + LIMIT_CLIENTS; c++) {
		if (c->server && now >= c->until)
			client_close(c);
		if (c->server)
			next = nsec_min(next, c->until);
	}
	return nsec_min(next, s->accept_at);
}

/* --- the socket
 * ----------------------------------------------------------------------------------- */

/* The agent is one thread, so getgrnam's static result is safe here. */
static gid_t group_id(const char *name)
{
	const struct group *group = name ? getgrnam(name) : NULL;

	return group ? group->gr_gid : NO_GROUP;
}

/* Gives a folder of ours its group and its mode, on which the umask has no say. */
static int put_right(int fd, const struct stat *st, gid_t group)
{
	int err = 0;

	if (group != NO_GROUP && st->st_gid != group && fchown(fd, (uid_t)-1, group) != 0)
		err = -errno;
	if ((st->st_mode & 07777) != FOLDER_MODE && fchmod(fd, FOLDER_MODE) != 0 && err == 0)
		err = -errno;
	return err;
}

static bool keeps_out(const struct stat *st, gid_t group)
{
	mode_t needed = st->st_gid == group ? S_IXGRP : S_IXOTH;

	return group != NO_GROUP && !(st->st_mode & needed);
}

/* What keeps the group out of the folder: 0 or -errno. It is changed only if it is ours. */
static int open_folder(const char *folder, gid_t group, bool is_ours)
{
	_cleanup_(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (is_ours && st.st_uid == geteuid())
		return put_right(fd, &st, group);
	return keeps_out(&st, group) ? -EACCES : 0;
}

static int make_or_put_right(const char *folder, gid_t group, bool is_ours, int *ret_group_error)
{
	bool is_new = access(folder, F_OK) != 0;
	int err = is_new ? dir_make(folder, FOLDER_MODE) : 0;

	if (err == 0)
		*ret_group_error = open_folder(folder, group, is_new || is_ours);
	return err;
}

int unix_folder_make(const char *folder, const char *group)
{
	int group_error = 0;

	return make_or_put_right(folder, group_id(group), true, &group_error);
}

/*
 * Makes the socket's folder. One that is there keeps its rights, since it may be /run or /tmp,
 * unless it has no other use.
 */
static int make_folder(const struct unix_server_args *args, gid_t group, int *ret_group_error)
{
	_cleanup_(freep) char *folder = path_folder(args->path);

	return make_or_put_right(folder, group, args->own_folder, ret_group_error);
}

static int make_address(const char *path, const char *suffix, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s%s", path, suffix);
	return n > 0 && (size_t)n < sizeof(ret->sun_path) ? 0 : -ENAMETOOLONG;
}

/* 0: the path is free, or holds a socket that nobody serves. */
static int check_path(const char *path)
{
	_cleanup_(fd_closep) int fd = -1;
	struct sockaddr_un address;
	struct stat st;
	int err = make_address(path, "", &address);

	if (err < 0)
		return err;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return -EADDRINUSE;
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -EADDRINUSE;
}

/* Without a group, or with one that cannot be set, only root may connect. */
static int set_rights(const char *path, gid_t group, int *ret_group_error)
{
	bool has_group = group != NO_GROUP;

	if (has_group && chown(path, (uid_t)-1, group) != 0) {
		*ret_group_error = -errno;
		has_group = false;
	}
	return chmod(path, has_group ? SOCKET_MODE : 0600) == 0 ? 0 : -errno;
}

static int listen_beside(int fd, const struct sockaddr_un *beside, const char *path, gid_t group,
			 int *ret_group_error)
{
	int err;

	if (unlink(beside->sun_path) != 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)beside, sizeof(*beside)) != 0)
		return -errno;
	err = set_rights(beside->sun_path, group, ret_group_error);
	if (err == 0 && listen(fd, LIMIT_CLIENTS) != 0)
		err = -errno;
	if (err == 0 && rename(beside->sun_path, path) != 0)
		err = -errno;
	if (err < 0)
		(void)unlink(beside->sun_path); /* the first error is the one to tell */
	return err;
}

static int open_socket(const struct unix_server_args *args, int *ret_group_error)
{
	_cleanup_(fd_closep) int fd = -1;
	gid_t group = group_id(args->group);
	struct sockaddr_un beside;
	int err = make_address(args->path, ".new", &beside);

	if (err == 0)
		err = make_folder(args, group, ret_group_error);
	if (err == 0)
		err = check_path(args->path);
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = listen_beside(fd, &beside, args->path, group, ret_group_error);
	return err < 0 ? err : TAKE_FD(fd);
}

int unix_server_new(const struct unix_server_args *args, struct unix_server **ret)
{
	int group_error = 0;
	int fd = open_socket(args, &group_error);
	struct unix_server *s;
	struct stat st;

	if (fd < 0)
		return fd;
	s = xcalloc(1, sizeof(*s));
	s->loop = args->loop;
	s->handler = args->handler;
	s->ctx = args->ctx;
	s->path = xstrdup(args->path);
	s->accept_at = NSEC_NEVER;
	s->group_error = group_error;
	s->fd = fd;
	if (lstat(s->path, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	s->watch = loop_fd_new(s->loop, "control socket", fd, on_listener, s);
	watch_listener(s);
	*ret = s;
	return 0;
}

int unix_server_group_error(const struct unix_server *s)
{
	return s->group_error;
}

struct unix_server *unix_server_free(struct unix_server *s)
{
	struct stat st;

	if (!s)
		return NULL;
	for (struct client *c = s->clients; c < s->clients + LIMIT_CLIENTS; c++)
		if (c->server)
			client_close(c);
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path); /* already gone is as good */
	loop_fd_free(s->watch);
	fd_closep(&s->fd);
	free(s->path);
	free(s);
	return NULL;
}
