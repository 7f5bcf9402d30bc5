// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The control socket's transport. While LIMIT_CLIENTS are served, the listener is not watched;
 * since each client has a time limit, that ends by itself.
 *
 * A client reads (its line), then writes (the reply), then is closed. What it sends behind the line
 * is dropped. A reply that has nothing to say for a while waits, and the client is watched for
 * its end alone.
 */
#include "sys/unix_server.h"

#include "base/limits.h"
#include "base/strbuf.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/unix_listener.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

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
	bool waits;    /* for request.again_at */
	nsec_t until;  /* closed then */
	int fd;        /* owned */
};

struct unix_server {
	struct loop *loop;     /* borrowed */
	struct loop_fd *watch; /* owned */
	unix_handler handler;
	void *ctx;
	struct unix_listener listener;
	struct client clients[LIMIT_CLIENTS];
	size_t n_clients;
	nsec_t accept_at; /* NSEC_NEVER: as soon as there is room */
};

/* --- clients --------------------------------------------------------------------------------- */

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
	if (c->request.done)
		c->request.done(s->ctx, c->request.more);
	else
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
	c->waits =
		c->has_more && c->reply.len == 0 && c->request.again_at > loop_now(c->server->loop);
	if (c->n_sent == c->reply.len && c->has_more)
		loop_fd_want(c->watch, c->waits, !c->waits);
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

/* Of a client that waits it matters that it goes, or says something at all. */
static void client_listen(struct client *c)
{
	char dropped[256];
	const ssize_t got = recv(c->fd, dropped, sizeof(dropped), MSG_DONTWAIT);

	if (got > 0)
		c->request.has_spoken = true;
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		client_close(c);
}

static void client_go_on(struct client *c)
{
	next_piece(c);
	c->until = nsec_add(loop_now(c->server->loop), UNIX_CLIENT_NS);
	client_write(c);
}

static void on_client(void *ctx, bool readable, bool writable)
{
	struct client *c = ctx;

	assert(c->server);
	if (c->waits) {
		client_listen(c);
		return;
	}
	if (writable && c->n_sent == c->reply.len)
		next_piece(c);
	if (writable)
		client_write(c);
	else if (readable)
		client_read(c);
}

static void client_begin(struct unix_server *s, int fd, const struct ucred *peer)
{
	struct client *c = s->clients;

	while (c->server)
		c++;
	assert(c < s->clients + LIMIT_CLIENTS);
	*c = (struct client){
		.server = s, .fd = fd, .request = {.uid = peer->uid, .pid = peer->pid}};
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
	fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* Out of fds or memory the listener would stay readable: leave it for a while. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			s->accept_at = nsec_add(loop_now(s->loop), ACCEPT_RETRY_NS);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
		client_begin(s, TAKE_FD(fd), &peer);
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
		if (c->server && c->waits && now >= c->request.again_at)
			client_go_on(c);
		else if (c->server && !c->waits && now >= c->until)
			client_close(c);
		if (c->server)
			next = nsec_min(next, c->waits ? c->request.again_at : c->until);
	}
	return nsec_min(next, s->accept_at);
}

int unix_server_new(const struct unix_server_args *args, struct unix_server **ret)
{
	struct unix_server *s = xcalloc(1, sizeof(*s));
	int r = unix_listener_open(&(struct unix_listener_args){.path = args->path,
								.group = args->group,
								.own_folder = args->own_folder},
				   &s->listener);

	if (r < 0) {
		free(s);
		return r;
	}
	s->loop = args->loop;
	s->handler = args->handler;
	s->ctx = args->ctx;
	s->accept_at = NSEC_NEVER;
	s->watch = loop_fd_new(s->loop, "control socket", s->listener.fd, on_listener, s);
	watch_listener(s);
	*ret = s;
	return 0;
}

int unix_server_group_error(const struct unix_server *s)
{
	return s->listener.group_error;
}

struct unix_server *unix_server_free(struct unix_server *s)
{
	if (!s)
		return NULL;
	for (struct client *c = s->clients; c < s->clients + LIMIT_CLIENTS; c++)
		if (c->server)
			client_close(c);
	loop_fd_free(s->watch);
	unix_listener_close(&s->listener);
	free(s);
	return NULL;
}
