// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The loop on libevent. PRECISE_TIMER makes its epoll backend sleep by timerfd, to the microsecond;
 * without it deadlines would be late by up to a tick. The step's deadline is one libevent timer
 * that is set anew before each wait; nothing else of ours uses libevent's timers, so the agent's
 * time is its own. Every libevent callback first reads the clock if this turn has not yet: that is
 * what makes "once a turn, after the wait" true.
 */
#include "sys/loop.h"

#include "sys/clock.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>

/* The step is called at least this often: far below where timeouts of the kernel's calls end. */
#define WAIT_MAX (3600 * NSEC_PER_SEC)

struct loop_signal {
	struct loop_signal *next; /* owned */
	struct loop *loop;
	struct event *event; /* owned */
	loop_signal_cb cb;
	void *ctx;
};

struct loop {
	struct event_base *base; /* owned */
	struct event *timer;     /* owned */
	struct loop_signal *signals;
	size_t n_fds;
	nsec_t now;
	bool has_now; /* the clock was read in this turn */
	bool is_stopped;
	const char *doing; /* the part of the turn that runs */
	nsec_t doing_since;
	nsec_t cpu_since;      /* processor's time when the turn began */
	struct loop_turn turn; /* this one, as far as its parts are over */
	struct loop_turn last;
	nsec_t window_at;                         /* when the present window began */
	struct loop_turn longest, longest_before; /* of this window and of the one before */
};

struct loop_fd {
	struct loop *loop;
	struct event *event; /* owned; pending exactly if anything is wanted */
	const char *name;
	loop_fd_cb cb;
	void *ctx;
	int fd;
	short wanted; /* EV_READ | EV_WRITE */
};

/* What libevent allocates or asks of the kernel here is small and bounded: lacking it is like OOM.
 */
static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

static void begin_turn(struct loop *loop)
{
	if (loop->has_now)
		return;
	loop->now = clock_now();
	loop->has_now = true;
	loop->turn = (struct loop_turn){.length = 0};
	loop->doing = "loop";
	loop->doing_since = loop->now;
	loop->cpu_since = clock_thread();
}

static void end_part(struct loop *loop, nsec_t end)
{
	const nsec_t part = end - loop->doing_since;

	if (!loop->turn.what || part > loop->turn.part) {
		loop->turn.what = loop->doing;
		loop->turn.part = part;
	}
	loop->doing_since = end;
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

void loop_doing(struct loop *loop, const char *what)
{
	begin_turn(loop); /* nobody did, if a callback of libevent's own came first */
	end_part(loop, clock_now());
	loop->doing = what;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	begin_turn(ctx);
}

static void on_fd(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_fd *f = ctx;

	(void)fd;
	begin_turn(f->loop);
	loop_doing(f->loop, f->name);
	f->cb(f->ctx, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

static void on_signal(evutil_socket_t signo, short what, void *ctx)
{
	struct loop_signal *s = ctx;

	(void)what;
	begin_turn(s->loop);
	loop_doing(s->loop, "signal");
	s->cb(s->ctx, signo);
}

static struct event_base *new_base(void)
{
	struct event_config *config = need(event_config_new());
	struct event_base *base;

	if (event_config_set_flag(config,
				  EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_IGNORE_ENV) != 0)
		abort();
	base = need(event_base_new_with_config(config));
	event_config_free(config);
	return base;
}

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for a valid signal */
	loop->base = new_base();
	loop->timer = need(event_new(loop->base, -1, 0, on_timer, loop));
	begin_turn(loop);
	return loop;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	assert(loop->n_fds == 0);
	for (struct loop_signal *s = loop->signals, *next; s; s = next) {
		next = s->next;
		event_free(s->event);
		free(s);
	}
	event_free(loop->timer);
	event_base_free(loop->base);
	free(loop);
	return NULL;
}

struct loop_fd *loop_fd_new(struct loop *loop, const char *name, int fd, loop_fd_cb cb, void *ctx)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));

	assert(fd >= 0);
	*f = (struct loop_fd){.loop = loop, .name = name, .cb = cb, .ctx = ctx, .fd = fd};
	f->event = need(event_new(loop->base, fd, EV_PERSIST, on_fd, f));
	loop->n_fds++;
	return f;
}

void loop_fd_want(struct loop_fd *f, bool read, bool write)
{
	short wanted = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0));
	short events = (short)(wanted | EV_PERSIST);

	if (wanted == f->wanted)
		return;
	(void)event_del(f->event); /* no error but "was not added" */
	f->wanted = wanted;
	if (wanted == 0)
		return;
	if (event_assign(f->event, f->loop->base, f->fd, events, on_fd, f) != 0 ||
	    event_add(f->event, NULL) != 0)
		abort();
}

struct loop_fd *loop_fd_free(struct loop_fd *f)
{
	if (!f)
		return NULL;
	assert(f->loop->n_fds > 0);
	f->loop->n_fds--;
	event_free(f->event);
	free(f);
	return NULL;
}

void loop_signal(struct loop *loop, int signo, loop_signal_cb cb, void *ctx)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	*s = (struct loop_signal){.next = loop->signals, .loop = loop, .cb = cb, .ctx = ctx};
	s->event = need(evsignal_new(loop->base, signo, on_signal, s));
	if (event_add(s->event, NULL) != 0)
		abort();
	loop->signals = s;
}

/* Sets the timer for a time in the future; rounded up, as a timer that is early costs a turn. */
static void set_timer(struct loop *loop, nsec_t wait)
{
	nsec_t usec = (nsec_min(wait, WAIT_MAX) + NSEC_PER_USEC - 1) / NSEC_PER_USEC;
	struct timeval tv = {
		.tv_sec = (time_t)(usec / 1000000),
		.tv_usec = (suseconds_t)(usec % 1000000),
	};

	if (event_add(loop->timer, &tv) != 0)
		abort();
}

static int wait_and_dispatch(struct loop *loop, nsec_t until)
{
	nsec_t before = clock_now();
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

	if (until <= before)
		flags |= EVLOOP_NONBLOCK;
	else
		set_timer(loop, until - before);
	loop->has_now = false;
	errno = 0;
	if (event_base_loop(loop->base, flags) < 0)
		return errno > 0 ? -errno : -EIO;
	begin_turn(loop);
	return 0;
}

static void note_turn(struct loop *loop)
{
	const nsec_t end = clock_now();

	end_part(loop, end);
	loop->turn.length = end - loop->now;
	loop->turn.cpu = clock_thread() - loop->cpu_since;
	loop->last = loop->turn;
	if (end - loop->window_at >= LOOP_WINDOW_NS) {
		/* Of two windows without a turn, the one before saw none. */
		loop->longest_before = end - loop->window_at < 2 * LOOP_WINDOW_NS
					       ? loop->longest
					       : (struct loop_turn){.length = 0};
		loop->longest = (struct loop_turn){.length = 0};
		loop->window_at = end;
	}
	if (loop->last.length > loop->longest.length)
		loop->longest = loop->last;
}

struct loop_turn loop_last_turn(const struct loop *loop)
{
	return loop->last;
}

struct loop_turn loop_longest_turn(const struct loop *loop)
{
	return loop->longest.length > loop->longest_before.length ? loop->longest
								  : loop->longest_before;
}

int loop_run(struct loop *loop, loop_step step, void *ctx)
{
	loop->is_stopped = false;
	loop->has_now = false;
	begin_turn(loop);
	for (;;) {
		loop_doing(loop, "step");
		nsec_t until = step(ctx, loop->now);
		note_turn(loop);
		if (loop->is_stopped)
			return 0;
		int err = wait_and_dispatch(loop, until);
		if (err < 0)
			return err;
	}
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}

nsec_t loop_now(const struct loop *loop)
{
	return loop->now;
}

nsec_t loop_turn_so_far(const struct loop *loop)
{
	return clock_now() - loop->now;
}
