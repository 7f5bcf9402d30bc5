// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A list of sockets, each on its way from "bytes left" over "FIN sent" to "the peer has ended,
 * too".
 */
#include "agent/closing.h"

#include "base/mem.h"
#include "sys/loop.h"
#include "sys/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES (16u << 10) /* of one socket in one turn of the loop */

struct closing {
	struct closings *all;
	struct closing *next;
	int fd;
	struct loop_fd *watch;
	uint8_t *rest; /* owned; NULL once the writing side has ended */
	size_t len, at;
	size_t dropped; /* bytes */
	nsec_t until;
};

static void closing_free(struct closing *c)
{
	struct closing **link = &c->all->first;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	loop_fd_free(c->watch);
	close(c->fd);
	free(c->rest);
	free(c);
}

/* False: the connection is broken. */
static bool send_rest(struct closing *c)
{
	while (c->at < c->len) {
		ssize_t n = tcp_write(c->fd, c->rest + c->at, c->len - c->at);

		if (n == -EAGAIN)
			return true;
		if (n < 0)
			return false;
		c->at += (size_t)n;
	}
	free(TAKE_PTR(c->rest));
	return tcp_end(c->fd) == 0;
}

/* False: the peer has ended, or said more than is worth reading. */
static bool drop_input(struct closing *c)
{
	uint8_t buf[READ_BYTES];
	ssize_t n = tcp_read(c->fd, buf, sizeof(buf));

	if (n == -EAGAIN)
		return true;
	c->dropped += n > 0 ? (size_t)n : 0;
	return n > 0 && c->dropped < CLOSING_BYTES;
}

static void on_closing(void *ctx, bool readable, bool writable)
{
	struct closing *c = ctx;

	if ((writable && c->rest && !send_rest(c)) || (readable && !drop_input(c)))
		closing_free(c);
	else
		loop_fd_want(c->watch, true, c->rest != NULL);
}

void closings_add(struct closings *all, int fd, uint8_t *rest, size_t len, nsec_t now)
{
	struct closing *c = xcalloc(1, sizeof(*c));

	*c = (struct closing){.all = all,
			      .next = all->first,
			      .fd = fd,
			      .watch = loop_fd_new(all->loop, "sessions", fd, on_closing, c),
			      .rest = rest,
			      .len = len,
			      .until = nsec_add(now, CLOSING_NS)};
	all->first = c;
	/* At once: a process that ends may have no other turn. */
	on_closing(c, false, true);
}

nsec_t closings_tick(struct closings *all, nsec_t now)
{
	nsec_t deadline = NSEC_NEVER;

	for (struct closing *c = all->first, *next; c; c = next) {
		next = c->next;
		if (now >= c->until)
			closing_free(c);
		else
			deadline = nsec_min(deadline, c->until);
	}
	return deadline;
}

bool closings_are_done(const struct closings *all)
{
	return !all->first;
}

void closings_done(struct closings *all)
{
	while (all->first)
		closing_free(all->first);
}
