// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two lists under one mutex. The helper sleeps on a condition, the loop on the eventfd; a second
 * condition is for worker_finish(), which runs where the loop does and so takes what came back by
 * itself. Signals stay with the loop's thread.
 */
#include "sys/worker.h"

#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
	struct worker_job *first, **end;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock; /* of all up to n_away */
	pthread_cond_t given, returned;
	struct queue to_do, done;
	bool ends;
	size_t n_away;         /* jobs that have not come back; the loop's thread's */
	int fd;                /* eventfd; owned */
	struct loop_fd *watch; /* owned */
};

/* What fails only if the kernel has nothing left at the start is like OOM. */
static void need(bool ok)
{
	if (!ok)
		abort();
}

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_push(struct queue *q, struct worker_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct worker_job *queue_pop(struct queue *q)
{
	struct worker_job *job = q->first;

	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	return job;
}

/* --- the helper ------------------------------------------------------------------------------- */

/* NULL: it is to end. */
static struct worker_job *wait_for_job(struct worker *w)
{
	struct worker_job *job;

	need(pthread_mutex_lock(&w->lock) == 0);
	while (!(job = queue_pop(&w->to_do)) && !w->ends)
		need(pthread_cond_wait(&w->given, &w->lock) == 0);
	need(pthread_mutex_unlock(&w->lock) == 0);
	return job;
}

static void give_back(struct worker *w, struct worker_job *job)
{
	need(pthread_mutex_lock(&w->lock) == 0);
	queue_push(&w->done, job);
	need(pthread_cond_signal(&w->returned) == 0);
	need(pthread_mutex_unlock(&w->lock) == 0);
	need(eventfd_write(w->fd, 1) == 0);
}

static void *help(void *ctx)
{
	struct worker *w = ctx;
	struct worker_job *job;

	while ((job = wait_for_job(w))) {
		job->run(job);
		give_back(w, job);
	}
	return NULL;
}

/* --- the loop's thread ------------------------------------------------------------------------ */

static struct worker_job *take_back(struct worker *w, bool wait)
{
	struct worker_job *job;

	need(pthread_mutex_lock(&w->lock) == 0);
	while (!(job = queue_pop(&w->done)) && wait)
		need(pthread_cond_wait(&w->returned, &w->lock) == 0);
	need(pthread_mutex_unlock(&w->lock) == 0);
	return job;
}

static void on_returned(void *ctx, bool readable, bool writable)
{
	struct worker *w = ctx;
	struct worker_job *job;
	eventfd_t n;

	(void)readable, (void)writable;
	(void)eventfd_read(w->fd, &n); /* nothing there: worker_finish() has seen to it */
	while ((job = take_back(w, false))) {
		assert(w->n_away > 0);
		w->n_away--;
		job->done(job);
	}
}

static void start_thread(struct worker *w)
{
	sigset_t all, before;

	(void)sigfillset(&all); /* cannot fail */
	need(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	need(pthread_create(&w->thread, NULL, help, w) == 0);
	need(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

struct worker *worker_new(struct loop *loop)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	queue_init(&w->to_do);
	queue_init(&w->done);
	need(pthread_mutex_init(&w->lock, NULL) == 0);
	need(pthread_cond_init(&w->given, NULL) == 0);
	need(pthread_cond_init(&w->returned, NULL) == 0);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	need(w->fd >= 0);
	w->watch = loop_fd_new(loop, "helper", w->fd, on_returned, w);
	loop_fd_want(w->watch, true, false);
	start_thread(w);
	return w;
}

void worker_add(struct worker *w, struct worker_job *job)
{
	w->n_away++;
	need(pthread_mutex_lock(&w->lock) == 0);
	assert(!w->ends);
	queue_push(&w->to_do, job);
	need(pthread_cond_signal(&w->given) == 0);
	need(pthread_mutex_unlock(&w->lock) == 0);
}

void worker_finish(struct worker *w)
{
	while (w->n_away > 0) {
		struct worker_job *job = take_back(w, true);

		w->n_away--;
		job->done(job);
	}
}

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	worker_finish(w);
	need(pthread_mutex_lock(&w->lock) == 0);
	w->ends = true;
	need(pthread_cond_signal(&w->given) == 0);
	need(pthread_mutex_unlock(&w->lock) == 0);
	need(pthread_join(w->thread, NULL) == 0);
	loop_fd_free(w->watch);
	(void)close(w->fd);
	(void)pthread_cond_destroy(&w->returned); /* nobody waits */
	(void)pthread_cond_destroy(&w->given);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
