// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the agent does not read stays here as at most one piece of whole frames; everything else it
 * is to be told is a mark in the store.
 */
#include "feeder/agent_link.h"

#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"
#include "sys/loop.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RETRY_NS    (1 * NSEC_PER_SEC)
#define START_NS    (10 * NSEC_PER_MSEC) /* of both at once: then twice as long each time */
#define VERSION_NS  (10 * NSEC_PER_SEC)  /* another version stays one for a while */
#define PIECE_BYTES (64u << 10)
#define OUT_BYTES   (PIECE_BYTES + KUBE_FRAME_BYTES)
#define IN_BYTES    (KUBE_REPORT_BYTES + 1024) /* one frame of an agent */

struct agent_link {
	struct loop *loop; /* borrowed */
	struct agent_link_args args;
	struct loop_fd *watch; /* owned */
	int fd;                /* owned; -1: none */
	nsec_t at;             /* not connected to before */
	nsec_t pause;          /* behind the next attempt that fails */
	int said;              /* errno that was logged last, so that it is logged once */
	bool is_greeted;       /* by the agent */
	char in[IN_BYTES];
	size_t in_len;
	struct strbuf out; /* from `sent` on not written yet */
	size_t sent;
};

static void close_link(struct agent_link *l, nsec_t again_at)
{
	l->watch = loop_fd_free(l->watch);
	fd_closep(&l->fd);
	l->fd = -1;
	l->at = again_at;
	l->in_len = l->sent = 0;
	l->is_greeted = false;
	strbuf_done(&l->out);
	l->args.events->lost(l->args.ctx);
}

static void lose(struct agent_link *l, const char *why)
{
	log_warn("agent: the connection is lost", "reason=%s", log_quote(why));
	close_link(l, nsec_add(loop_now(l->loop), RETRY_NS));
}

/* False: it is of no use any more. */
static bool take_frame(struct agent_link *l, const struct kube_frame *f)
{
	if (f->type == KUBE_FRAME_HELLO && f->version != KUBE_FEED_VERSION) {
		log_err("agent: it speaks another version of the feed", "version=%u ours=%d",
			f->version, KUBE_FEED_VERSION);
		close_link(l, nsec_add(loop_now(l->loop), VERSION_NS));
		return false;
	}
	if (f->type == KUBE_FRAME_HELLO)
		l->is_greeted = true;
	else if ((f->type == KUBE_FRAME_WISH || f->type == KUBE_FRAME_REPORT ||
		  f->type == KUBE_FRAME_REPORTED) &&
		 l->is_greeted)
		l->args.events->said(l->args.ctx, f);
	return true;
}

/* What else it says is not known in this version, and skipped. */
static void take_frames(struct agent_link *l)
{
	size_t at = 0, taken = 0;

	for (;;) {
		struct kube_frame f;
		const enum kube_decoded d =
			kube_frame_decode(l->in + at, l->in_len - at, &f, &taken);

		if (d == KUBE_DECODED_MORE)
			break;
		if (d == KUBE_DECODED_BAD) {
			lose(l, "it is no agent");
			return;
		}
		if (d == KUBE_DECODED && !take_frame(l, &f))
			return;
		at += taken;
	}
	l->in_len -= at;
	memmove(l->in, l->in + at, l->in_len);
	if (l->in_len == sizeof(l->in))
		lose(l, "it says more than this version understands");
}

static void on_agent(void *ctx, bool readable, bool writable)
{
	struct agent_link *l = ctx;
	ssize_t got;

	(void)writable; /* the step writes */
	if (!readable)
		return;
	got = recv(l->fd, l->in + l->in_len, sizeof(l->in) - l->in_len, MSG_DONTWAIT);
	if (got > 0) {
		l->in_len += (size_t)got;
		take_frames(l);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		lose(l, got == 0 ? "the agent has closed it" : strerror(errno));
	}
}

static int dial(const char *path)
{
	_cleanup_(fd_closep) int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (fd < 0)
		return -errno;
	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? TAKE_FD(fd) : -errno;
}

static void try(struct agent_link *l, nsec_t now)
{
	const int fd = dial(l->args.path);

	if (fd < 0) {
		if (l->said != fd)
			log_warn("agent: cannot be reached", "socket=%s error=%s",
				 log_quote(l->args.path), log_quote(strerror(-fd)));
		l->said = fd;
		l->at = nsec_add(now, l->pause);
		l->pause = nsec_min(2 * l->pause, RETRY_NS);
		return;
	}
	l->said = 0;
	l->pause = START_NS;
	l->fd = fd;
	l->watch = loop_fd_new(l->loop, "agent", fd, on_agent, l);
	kube_feed_begin(l->args.feed, l->args.store);
	log_info("agent: connected", "socket=%s", log_quote(l->args.path));
}

/* True: there is room for more. */
static bool write_out(struct agent_link *l)
{
	while (l->sent < l->out.len) {
		const ssize_t put = send(l->fd, l->out.data + l->sent, l->out.len - l->sent,
					 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return false;
		if (put < 0) {
			lose(l, strerror(errno));
			return false;
		}
		l->sent += (size_t)put;
	}
	strbuf_done(&l->out);
	l->sent = 0;
	return true;
}

nsec_t agent_link_step(struct agent_link *l, nsec_t now)
{
	if (l->fd < 0 && now >= l->at)
		try(l, now);
	while (l->fd >= 0 && write_out(l) && kube_feed_is_due(l->args.feed))
		kube_feed_transmit(l->args.feed, &l->out, PIECE_BYTES);
	if (l->fd < 0)
		return l->at;
	loop_fd_want(l->watch, true, l->sent < l->out.len);
	return NSEC_NEVER;
}

struct agent_link *agent_link_new(struct loop *loop, const struct agent_link_args *args)
{
	struct agent_link *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->args = *args;
	l->fd = -1;
	l->pause = START_NS;
	strbuf_init(&l->out, OUT_BYTES);
	return l;
}

struct agent_link *agent_link_free(struct agent_link *l)
{
	if (!l)
		return NULL;
	loop_fd_free(l->watch);
	fd_closep(&l->fd);
	strbuf_done(&l->out);
	free(l);
	return NULL;
}
