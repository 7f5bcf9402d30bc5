// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/loop: deadlines of the step, readiness of fds, signals, and that objects may be freed from
 * the callbacks of others.
 */
#include "sys/loop.h"

#include "sys/clock.h"
#include "sys_test.h"

#include <sys/socket.h>

#define MAX_TURNS 1000

struct bench {
	struct loop *loop;
	struct loop_fd *f[2];
	int ends[2]; /* of a socket pair */
	nsec_t at[MAX_TURNS];
	nsec_t now_in_callback;
	nsec_t deadline;
	int n_turns, n_read, n_write, signo;
	int stop_after; /* turns */
};

static void bench_begin(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->loop = loop_new();
	b->deadline = NSEC_NEVER;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b->ends), 0);
}

static void bench_end(struct bench *b)
{
	loop_fd_free(b->f[0]);
	loop_fd_free(b->f[1]);
	loop_free(b->loop);
	close(b->ends[0]);
	close(b->ends[1]);
}

static nsec_t count_turn(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	assert_int_equal(now, loop_now(b->loop));
	assert_true(b->n_turns < MAX_TURNS);
	b->at[b->n_turns++] = now;
	if (b->n_turns >= b->stop_after)
		loop_stop(b->loop);
	return b->deadline;
}

static nsec_t every_20_ms(void *ctx, nsec_t now)
{
	(void)count_turn(ctx, now);
	return now + 20 * NSEC_PER_MSEC;
}

static void the_step_runs_at_its_deadline_and_never_before(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 6;
	assert_int_equal(loop_run(b.loop, every_20_ms, &b), 0);
	for (int i = 1; i < b.n_turns; i++) {
		assert_true(b.at[i] >= b.at[i - 1] + 20 * NSEC_PER_MSEC);
		assert_true(b.at[i] < b.at[i - 1] + 2 * NSEC_PER_SEC);
	}
	bench_end(&b);
}

static nsec_t after_300_us(void *ctx, nsec_t now)
{
	(void)count_turn(ctx, now);
	return now + 300 * NSEC_PER_USEC;
}

/* The best of many: a busy machine may delay most of them. */
static void deadlines_are_finer_than_a_millisecond(void **state)
{
	nsec_t best = NSEC_NEVER;
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 200;
	assert_int_equal(loop_run(b.loop, after_300_us, &b), 0);
	for (int i = 1; i < b.n_turns; i++)
		best = nsec_min(best, b.at[i] - b.at[i - 1]);
	assert_in_range(best, 300 * NSEC_PER_USEC, 900 * NSEC_PER_USEC);
	bench_end(&b);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
	struct bench *b = ctx;

	b->n_read += readable;
	b->n_write += writable;
	b->now_in_callback = loop_now(b->loop);
}

static void a_past_deadline_does_not_wait_and_still_serves_fds(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.deadline = 1;
	b.stop_after = 100;
	b.f[0] = loop_fd_new(b.loop, "test", b.ends[0], on_ready, &b);
	loop_fd_want(b.f[0], false, true);
	nsec_t begin = clock_now();
	assert_int_equal(loop_run(b.loop, count_turn, &b), 0);
	assert_true(clock_now() - begin < NSEC_PER_SEC);
	assert_int_equal(b.n_write, 99);
	assert_int_equal(b.n_read, 0);
	bench_end(&b);
}

static void a_readable_fd_wakes_a_loop_without_a_deadline(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 2;
	b.f[0] = loop_fd_new(b.loop, "test", b.ends[0], on_ready, &b);
	loop_fd_want(b.f[0], true, false);
	assert_int_equal(write(b.ends[1], "x", 1), 1);
	nsec_t begin = clock_now();
	assert_int_equal(loop_run(b.loop, count_turn, &b), 0);
	assert_int_equal(b.n_read, 1);
	assert_int_equal(b.n_write, 0);
	/* The callback's time is this turn's, not that of before the wait. */
	assert_true(b.now_in_callback >= begin);
	assert_int_equal(b.now_in_callback, b.at[1]);
	bench_end(&b);
}

static void an_fd_that_is_not_wanted_is_not_reported(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 3;
	b.f[0] = loop_fd_new(b.loop, "test", b.ends[0], on_ready, &b);
	b.deadline = 1;
	assert_int_equal(write(b.ends[1], "x", 1), 1);
	loop_fd_want(b.f[0], true, true);
	loop_fd_want(b.f[0], false, false);
	assert_int_equal(loop_run(b.loop, count_turn, &b), 0);
	assert_int_equal(b.n_read + b.n_write, 0);
	loop_fd_want(b.f[0], true, true);
	b.n_turns = 0;
	assert_int_equal(loop_run(b.loop, count_turn, &b), 0);
	assert_true(b.n_read > 0 && b.n_write > 0);
	bench_end(&b);
}

static void a_hang_up_makes_the_fd_readable(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 2;
	b.f[0] = loop_fd_new(b.loop, "test", b.ends[0], on_ready, &b);
	loop_fd_want(b.f[0], true, false);
	assert_int_equal(shutdown(b.ends[1], SHUT_RDWR), 0);
	assert_int_equal(loop_run(b.loop, count_turn, &b), 0);
	assert_int_equal(b.n_read, 1);
	bench_end(&b);
}

static void free_both(void *ctx, bool readable, bool writable)
{
	struct bench *b = ctx;

	(void)readable;
	(void)writable;
	b->n_read++;
	b->f[0] = loop_fd_free(b->f[0]);
	b->f[1] = loop_fd_free(b->f[1]);
}

/* Both are ready in the same turn; whichever comes first frees both. */
static void a_callback_may_free_its_own_fd_and_others_that_are_ready(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 3;
	b.deadline = 1;
	for (int i = 0; i < 2; i++) {
		b.f[i] = loop_fd_new(b.loop, "test", b.ends[i], free_both, &b);
		loop_fd_want(b.f[i], false, true);
	}
	assert_int_equal(loop_run(b.loop, count_turn, &b), 0);
	assert_int_equal(b.n_read, 1);
	bench_end(&b);
}

static void on_signal(void *ctx, int signo)
{
	struct bench *b = ctx;

	b->signo = signo;
	b->now_in_callback = loop_now(b->loop);
}

static nsec_t raise_once(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	(void)count_turn(ctx, now);
	if (b->n_turns == 1)
		assert_int_equal(raise(SIGUSR1), 0);
	return NSEC_NEVER;
}

static void signals_are_called_back_from_the_loop(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 2;
	loop_signal(b.loop, SIGHUP, on_signal, &b);
	loop_signal(b.loop, SIGUSR1, on_signal, &b);
	assert_int_equal(loop_run(b.loop, raise_once, &b), 0);
	assert_int_equal(b.signo, SIGUSR1);
	assert_int_equal(b.now_in_callback, b.at[1]);
	bench_end(&b);
}

static void writing_to_a_closed_pipe_is_an_errno(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	close(b.ends[1]);
	assert_int_equal(write(b.ends[0], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	b.ends[1] = dup(b.ends[0]);
	bench_end(&b);
}

static void sleep_ms(int ms)
{
	struct timespec nap = {.tv_nsec = ms * NSEC_PER_MSEC};

	(void)nanosleep(&nap, NULL);
}

static nsec_t slow_once(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	if (b->n_turns == 2)
		sleep_ms(30);
	(void)count_turn(ctx, now);
	return now + NSEC_PER_MSEC;
}

static void longest_turn_is_remembered(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	assert_int_equal(loop_longest_turn(b.loop).length, 0);
	assert_null(loop_longest_turn(b.loop).what);
	b.stop_after = 6;
	assert_int_equal(loop_run(b.loop, slow_once, &b), 0);
	assert_true(loop_longest_turn(b.loop).length >= 30 * NSEC_PER_MSEC);
	assert_string_equal(loop_longest_turn(b.loop).what, "step");
	assert_true(loop_last_turn(b.loop).length < loop_longest_turn(b.loop).length);
	assert_true(loop_last_turn(b.loop).part <= loop_last_turn(b.loop).length);
	bench_end(&b);
}

static void slow_reader(void *ctx, bool readable, bool writable)
{
	struct bench *b = ctx;

	(void)readable, (void)writable;
	sleep_ms(60);
	loop_fd_want(b->f[0], false, false);
}

static nsec_t in_parts(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	loop_doing(b->loop, "short");
	sleep_ms(1);
	loop_doing(b->loop, "long");
	sleep_ms(30);
	loop_doing(b->loop, "short again");
	return count_turn(ctx, now);
}

static void the_longest_part_of_a_turn_is_named(void **state)
{
	struct loop_turn turn;
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 1;
	assert_int_equal(loop_run(b.loop, in_parts, &b), 0);
	turn = loop_longest_turn(b.loop);
	assert_string_equal(turn.what, "long");
	assert_true(turn.part >= 30 * NSEC_PER_MSEC && turn.length >= turn.part + NSEC_PER_MSEC);
	bench_end(&b);
}

static nsec_t burn_and_sleep(void *ctx, nsec_t now)
{
	const nsec_t enough = clock_thread() + 20 * NSEC_PER_MSEC;

	while (clock_thread() < enough)
		;
	sleep_ms(30);
	return count_turn(ctx, now);
}

/* What a turn waited is not its own time: of that a busy machine adds nothing. */
static void the_time_of_the_processor_is_told_apart(void **state)
{
	struct loop_turn turn;
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 1;
	assert_int_equal(loop_run(b.loop, burn_and_sleep, &b), 0);
	turn = loop_last_turn(b.loop);
	assert_true(turn.cpu >= 20 * NSEC_PER_MSEC);
	assert_true(turn.length >= turn.cpu + 30 * NSEC_PER_MSEC);
	bench_end(&b);
}

static void a_callback_is_named_by_its_fd(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	b.stop_after = 2;
	b.deadline = NSEC_NEVER;
	b.f[0] = loop_fd_new(b.loop, "reader", b.ends[0], slow_reader, &b);
	loop_fd_want(b.f[0], true, false);
	assert_int_equal(write(b.ends[1], "x", 1), 1);
	assert_int_equal(loop_run(b.loop, in_parts, &b), 0);
	assert_string_equal(loop_longest_turn(b.loop).what, "reader");
	assert_true(loop_longest_turn(b.loop).part >= 60 * NSEC_PER_MSEC);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_turn_is_remembered),
		cmocka_unit_test(the_longest_part_of_a_turn_is_named),
		cmocka_unit_test(the_time_of_the_processor_is_told_apart),
		cmocka_unit_test(a_callback_is_named_by_its_fd),
		cmocka_unit_test(the_step_runs_at_its_deadline_and_never_before),
		cmocka_unit_test(deadlines_are_finer_than_a_millisecond),
		cmocka_unit_test(a_past_deadline_does_not_wait_and_still_serves_fds),
		cmocka_unit_test(a_readable_fd_wakes_a_loop_without_a_deadline),
		cmocka_unit_test(an_fd_that_is_not_wanted_is_not_reported),
		cmocka_unit_test(a_hang_up_makes_the_fd_readable),
		cmocka_unit_test(a_callback_may_free_its_own_fd_and_others_that_are_ready),
		cmocka_unit_test(signals_are_called_back_from_the_loop),
		cmocka_unit_test(writing_to_a_closed_pipe_is_an_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
