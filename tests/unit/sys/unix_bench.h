// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A control socket to test: a server in a folder of its own and clients of it. The server's loop
 * turns in this process, so that each test is one thread: a step drives it until what is waited for
 * is there.
 */
#pragma once

#include "sys/unix_server.h"

#include "base/limits.h"
#include "base/strbuf.h"
#include "sys/loop.h"
#include "sys_test.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BIG_REPLY (8u << 20)
#define N_PIECES  5

struct bench {
	char *dir;
	char path[PATH_MAX];
	struct loop *loop;
	struct unix_server *server;
	char *last; /* request */
	uid_t uid;
	int n_requests;
	unsigned n_pieces;
	nsec_t again_at; /* of a request that waits */
	unsigned n_waits, n_done;
	bool was_told; /* the client said something */
};

/* Another piece each time; the last one has nothing in it. */
static bool handle_in_pieces(struct bench *b, struct unix_request *r, struct strbuf *reply)
{
	unsigned *n = r->more ? r->more : xcalloc(1, sizeof(*n));

	r->more = n;
	if (++*n > N_PIECES)
		return false;
	b->n_pieces++;
	strbuf_printf(reply, "<%u>", *n);
	return true;
}

static void wait_is_done(void *ctx, void *more)
{
	struct bench *b = ctx;

	assert_ptr_equal(more, b);
	b->n_done++;
}

/* Until b->again_at is 0. */
static bool handle_later(struct bench *b, struct unix_request *r, struct strbuf *reply)
{
	r->more = b;
	r->done = wait_is_done;
	r->again_at = b->again_at;
	b->was_told = r->has_spoken;
	b->n_waits++;
	if (b->again_at == 0)
		strbuf_add(reply, "<at last>");
	return b->again_at > 0;
}

static bool handle(void *ctx, struct unix_request *r, struct strbuf *reply)
{
	struct bench *b = ctx;
	const char *request = r->line;

	free(b->last);
	b->last = xstrdup(request);
	b->uid = r->uid;
	b->n_requests++;
	if (strcmp(request, "later") == 0)
		return handle_later(b, r, reply);
	if (strcmp(request, "pieces") == 0)
		return handle_in_pieces(b, r, reply);
	if (strcmp(request, "big") == 0)
		for (size_t i = 0; i < BIG_REPLY / 16; i++)
			strbuf_add(reply, "0123456789abcde\n");
	else if (strcmp(request, "nothing") != 0)
		strbuf_printf(reply, "<%.20s>", request);
	return false;
}

static int serve(struct bench *b)
{
	struct unix_server_args args = {
		.loop = b->loop,
		.path = b->path,
		.group = "no-such-group",
		.handler = handle,
		.ctx = b,
	};

	return unix_server_new(&args, &b->server);
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->dir = temp_make();
	(void)snprintf(b->path, sizeof(b->path), "%s/run/s.sock", b->dir);
	b->loop = loop_new();
	assert_int_equal(serve(b), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unix_server_free(b->server);
	loop_free(b->loop);
	free(b->last);
	temp_remove(b->dir);
	free(b);
	return 0;
}

/* --- turning the loop ------------------------------------------------------------------------ */

struct turns {
	struct bench *b;
	int left;
};

static nsec_t step(void *ctx, nsec_t now)
{
	struct turns *t = ctx;

	if (--t->left <= 0)
		loop_stop(t->b->loop);
	(void)unix_server_tick(t->b->server, now);
	return now; /* never waits: what is ready is served */
}

static void turn(struct bench *b, int n)
{
	struct turns t = {.b = b, .left = n + 1};

	assert_int_equal(loop_run(b->loop, step, &t), 0);
}

/* --- clients --------------------------------------------------------------------------------- */

static int client(const struct bench *b)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_in_range(strlen(b->path), 1, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, b->path, strlen(b->path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

static void client_send(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* "EOF", "nothing yet", or what was read, in `buf`. */
static const char *client_receive(int fd, char *buf, size_t cap)
{
	ssize_t got = recv(fd, buf, cap - 1, 0);

	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return "EOF";
	if (got < 0)
		return errno == EAGAIN ? "nothing yet" : strerror(errno);
	buf[got] = '\0';
	return buf;
}

static void expect(int fd, const char *expected)
{
	char buf[256];

	assert_string_equal(client_receive(fd, buf, sizeof(buf)), expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
