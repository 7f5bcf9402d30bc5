// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/worker: order, that a job is with one thread at a time, that the loop is never kept waiting,
 * and the end. Also built with the thread sanitizer (`make tsan`), which sees what is shared.
 */
#include "sys/worker.h"

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys_test.h"
#include "unit/open_fds.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define N_JOBS 1000

struct bench;

struct job {
	struct worker_job base; /* first */
	struct bench *bench;
	size_t number;
	size_t n_runs, n_done;
	int nap_ms;
	bool logs;
	pthread_t ran_by;
	sigset_t blocked;
};

struct bench {
	struct loop *loop;
	struct worker *worker;
	struct job jobs[N_JOBS];
	size_t n_done, n_turns;
	size_t stop_after;
	nsec_t until;
	size_t n_fds;
	size_t again; /* so many times is a job given again by its own done() */
};

/* Plain memory is written here and read there: the sanitizer would tell of a missing order. */
static void work(struct worker_job *base)
{
	struct job *job = (struct job *)base;
	struct timespec nap = {.tv_nsec = job->nap_ms * NSEC_PER_MSEC};

	if (job->nap_ms)
		(void)nanosleep(&nap, NULL);
	if (job->logs)
		log_info("said by the helper", NULL);
	job->n_runs++;
	job->ran_by = pthread_self();
	(void)pthread_sigmask(SIG_BLOCK, NULL, &job->blocked);
}

static void done(struct worker_job *base)
{
	struct job *job = (struct job *)base;
	struct bench *b = job->bench;

	assert_int_equal(job->n_runs, ++job->n_done);
	assert_int_equal(pthread_equal(job->ran_by, pthread_self()), 0);
	if (job->n_done <= b->again) {
		worker_add(b->worker, base);
		return;
	}
	if (b->again == 0)
		assert_int_equal(job->number, b->n_done);
	b->n_done++;
}

static struct bench *bench_new(void)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->n_fds = count_fds();
	b->loop = loop_new();
	b->worker = worker_new(b->loop);
	for (size_t i = 0; i < N_JOBS; i++)
		b->jobs[i] =
			(struct job){.base = {.run = work, .done = done}, .bench = b, .number = i};
	return b;
}

static void bench_free(struct bench *b)
{
	worker_free(b->worker);
	loop_free(b->loop);
	assert_int_equal(count_fds(), b->n_fds);
	free(b);
}

static void add(struct bench *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		worker_add(b->worker, &b->jobs[i].base);
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	b->n_turns++;
	if (b->n_done >= b->stop_after)
		loop_stop(b->loop);
	return now + 10 * NSEC_PER_MSEC;
}

static void jobs_come_back_on_the_loop_in_their_order(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	add(b, N_JOBS);
	b->stop_after = N_JOBS;
	assert_int_equal(loop_run(b->loop, step, b), 0);
	for (size_t i = 0; i < N_JOBS; i++)
		assert_int_equal(b->jobs[i].n_done, 1);
	bench_free(b);
}

static nsec_t step_and_sleep(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	b->n_turns++;
	if (now >= b->until)
		loop_stop(b->loop);
	return b->until;
}

/* What came back wakes the loop once. */
static void a_helper_that_is_idle_wakes_nobody(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	add(b, 1);
	b->until = clock_now() + 100 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(b->loop, step_and_sleep, b), 0);
	assert_int_equal(b->n_done, 1);
	assert_in_range(b->n_turns, 1, 5);
	bench_free(b);
}

static void the_loop_turns_while_a_job_takes_long(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->jobs[0].nap_ms = 200;
	add(b, 1);
	b->stop_after = 1;
	assert_int_equal(loop_run(b->loop, step, b), 0);
	assert_true(b->n_turns > 3);
	assert_true(loop_longest_turn(b->loop).length < 200 * NSEC_PER_MSEC);
	bench_free(b);
}

static void finishing_waits_for_all_also_for_what_done_gives(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->again = 3;
	b->jobs[7].nap_ms = 20;
	add(b, 50);
	worker_finish(b->worker);
	assert_int_equal(b->n_done, 50);
	assert_int_equal(b->jobs[49].n_done, 4);
	worker_finish(b->worker);
	assert_int_equal(b->n_done, 50);
	/* What finishing took is not taken again by the loop. */
	b->again = 0;
	b->stop_after = 0;
	assert_int_equal(loop_run(b->loop, step, b), 0);
	assert_int_equal(b->n_done, 50);
	bench_free(b);
}

static void freeing_finishes(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->jobs[0].nap_ms = 20;
	add(b, 10);
	worker_free(b->worker);
	assert_int_equal(b->n_done, 10);
	b->worker = NULL;
	bench_free(b);
}

static void signals_are_not_the_helpers(void **state)
{
	struct bench *b = bench_new();
	sigset_t mine;

	(void)state;
	add(b, 1);
	worker_finish(b->worker);
	assert_int_equal(sigismember(&b->jobs[0].blocked, SIGTERM), 1);
	assert_int_equal(sigismember(&b->jobs[0].blocked, SIGHUP), 1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &mine), 0);
	assert_int_equal(sigismember(&mine, SIGTERM), 0);
	bench_free(b);
}

/* The lines of both threads are whole, and none is lost. */
static void both_threads_write_lines(void **state)
{
	_cleanup_(freep) char *text = xcalloc(N_JOBS, 256);
	int file = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	struct bench *b = bench_new();
	size_t n_lines = 0;

	(void)state;
	assert_true(file >= 0 && dup2(file, STDERR_FILENO) == STDERR_FILENO);
	for (size_t i = 0; i < N_JOBS; i++)
		b->jobs[i].logs = true;
	add(b, N_JOBS);
	for (size_t i = 0; i < N_JOBS; i++)
		log_info("said by the loop", NULL);
	worker_finish(b->worker);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	assert_true(pread(file, text, N_JOBS * 256 - 1, 0) > 0);
	for (char *end, *line = text; (end = strchr(line, '\n')); line = end + 1, n_lines++) {
		*end = '\0';
		line = strstr(line, " level=info msg=");
		assert_non_null(line);
		assert_true(strcmp(line, " level=info msg=\"said by the loop\"") == 0 ||
			    strcmp(line, " level=info msg=\"said by the helper\"") == 0);
	}
	assert_int_equal(n_lines, 2 * N_JOBS);
	bench_free(b);
	close(saved);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_come_back_on_the_loop_in_their_order),
		cmocka_unit_test(a_helper_that_is_idle_wakes_nobody),
		cmocka_unit_test(the_loop_turns_while_a_job_takes_long),
		cmocka_unit_test(finishing_waits_for_all_also_for_what_done_gives),
		cmocka_unit_test(freeing_finishes),
		cmocka_unit_test(signals_are_not_the_helpers),
		cmocka_unit_test(both_threads_write_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
