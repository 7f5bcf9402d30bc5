// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The event loop, a thin layer over libevent. A turn is: wait until something is
 * ready or the step's deadline is there, dispatch what is ready, call the step. libevent 2.1 has no
 * hook before it sleeps, so each turn is one EVLOOP_ONCE and the step follows it; that is where the
 * agent computes its plan. The clock is read once a turn, right after the wait, so everything that
 * happens in a turn happens at one time. Callbacks may create and free any fds, their own too.
 *
 * Whoever runs for long keeps all others waiting, so each turn is timed, and with it its parts: the
 * callbacks by the name of their fd, and whatever loop_doing() names.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>

struct event_base;
struct loop;
struct loop_fd;

typedef void (*loop_fd_cb)(void *ctx, bool readable, bool writable);
typedef void (*loop_signal_cb)(void *ctx, int signo);
/* Returns the time at which it wants to run again at the latest; a past time: without waiting. */
typedef nsec_t (*loop_step)(void *ctx, nsec_t now);

/*
 * A new loop; the caller owns it. SIGPIPE is ignored from here on: a peer that went away is an
 * errno, not a signal. Aborts if the kernel has no epoll instance left for us.
 */
struct loop *loop_new(void);
/* Frees the loop and its signal handlers; every loop_fd must have been freed before. */
struct loop *loop_free(struct loop *loop);

/*
 * Watches a file descriptor, for nothing at first (loop_fd_want). The fd stays the caller's, who
 * closes it after loop_fd_free. An error or a hang-up of the fd makes it readable and writable, as
 * far as these are wanted. `name` says what the callback's part of a turn is at; static.
 */
struct loop_fd *loop_fd_new(struct loop *loop, const char *name, int fd, loop_fd_cb cb, void *ctx);
/* Level-triggered. Costs nothing when nothing changes. */
void loop_fd_want(struct loop_fd *f, bool read, bool write);
struct loop_fd *loop_fd_free(struct loop_fd *f);

/* Calls back for a signal, from the loop, not from the handler; once per signal number. */
void loop_signal(struct loop *loop, int signo, loop_signal_cb cb, void *ctx);

/*
 * For what libevent brings along itself (evhttp); borrowed. Its callbacks name their part of the
 * turn by loop_doing() as ours do.
 */
struct event_base *loop_base(struct loop *loop);

/*
 * Runs until loop_stop; the step is called before the first wait, too. Returns 0, or -errno if
 * waiting itself failed.
 */
int loop_run(struct loop *loop, loop_step step, void *ctx) must_check;

/* Makes loop_run return after the step of this turn. */
void loop_stop(struct loop *loop);

/*
 * The part that ran is over and the next one begins: `what`, static. For a step or callback that
 * does more than one thing which may take long.
 */
void loop_doing(struct loop *loop, const char *what);

/* From the end of the wait to that of the step: how long somebody else had to wait at most. */
struct loop_turn {
	nsec_t length;    /* 0: none yet */
	const char *what; /* its longest part; static; NULL: none yet */
	nsec_t part;      /* how long that was */
	nsec_t cpu;       /* of the whole turn, the processor's time; the rest was waited */
};
/* The last turn that is over. */
struct loop_turn loop_last_turn(const struct loop *loop);
/* The longest turn of the last LOOP_WINDOW_NS to twice that. The turn under way does not count. */
#define LOOP_WINDOW_NS (10 * NSEC_PER_SEC)
struct loop_turn loop_longest_turn(const struct loop *loop);

/* The time of this turn. */
nsec_t loop_now(const struct loop *loop);
/* How long it has lasted. */
nsec_t loop_turn_so_far(const struct loop *loop);
