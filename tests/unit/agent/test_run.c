// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How the agent ends: what the router hears, what the next start finds, how long it takes. The
 * router has its turns by a timer in the agent's own loop.
 */
#include "agent/state.h"

#include "agent_rig.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/timerfd.h>

struct ending {
	struct agent_rig *rig;
	int signo;
	bool told; /* the signal was sent */
	bool deaf; /* from then on the router reads nothing */
	nsec_t told_at;
};

static void on_timer(void *ctx, bool readable, bool writable)
{
	struct ending *e = ctx;

	(void)readable, (void)writable;
	router_turn(e->rig->router);
	if (e->told || !rig_announces(e->rig))
		return;
	e->told = true;
	e->told_at = clock_now();
	if (e->deaf) {
		e->rig->router->reads = false;
		router_flood(e->rig->router);
	}
	raise(e->signo);
}

/* What is logged goes into a file; returns what was standard error. */
static int errors_begin(void)
{
	const int before = dup(STDERR_FILENO);
	const int file = memfd_create("errors", MFD_CLOEXEC);

	assert_true(before >= 0 && file >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	close(file);
	return before;
}

/* Ends that, passes on what was logged, and tells whether it says so. */
static bool errors_have(int before, const char *words)
{
	char text[65536];
	const ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	text[n] = '\0';
	(void)fputs(text, stderr);
	return strstr(text, words);
}

/* Runs the agent until the signal has ended it; returns how long that took. */
static nsec_t run_until(struct agent_rig *rig, int signo, bool deaf)
{
	const struct itimerspec every = {.it_interval.tv_nsec = NSEC_PER_MSEC,
					 .it_value.tv_nsec = NSEC_PER_MSEC};
	struct ending e = {.rig = rig, .signo = signo, .deaf = deaf};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct loop_fd *watch;
	nsec_t took;
	int errors = errors_begin();

	rig_start(rig);
	assert_int_equal(timerfd_settime(timer, 0, &every, NULL), 0);
	watch = loop_fd_new(rig->agent.loop, "test", timer, on_timer, &e);
	loop_fd_want(watch, true, false);
	assert_int_equal(agent_run(&rig->agent), 0);
	took = clock_now() - e.told_at;
	assert_false(errors_have(errors, "event loop failed"));
	loop_fd_free(watch);
	close(timer);
	return took;
}

static void end(struct agent_rig *rig)
{
	agent_done(&rig->agent);
	rig->running = false;
	rig->router->reads = true;
	for (int i = 0; i < 1000 && rig->router->fd >= 0; i++)
		router_turn(rig->router);
	assert_int_equal(rig->router->fd, -1);
}

static void interrupt_says_cease_and_the_next_start_is_no_restart(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	assert_in_range(run_until(rig, SIGINT, false), 0, NSEC_PER_SEC - 1);
	end(rig);
	assert_int_equal(rig->router->notification.code, BGP_ERROR_CEASE);
	assert_int_equal(rig->router->notification.subcode, BGP_CEASE_SHUTDOWN);
	assert_false(rig->router->was_reset);
	rig_start(rig);
	assert_false(rig->agent.peers.restarted);
	rig_free(rig);
}

static void termination_says_nothing_and_the_next_start_is_a_restart(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	assert_in_range(run_until(rig, SIGTERM, false), 0, NSEC_PER_SEC - 1);
	end(rig);
	assert_int_equal(rig->router->notification.code, 0);
	assert_false(rig->router->was_reset);
	rig_start(rig);
	assert_true(rig->agent.peers.restarted);
	rig_free(rig);
}

/* It may still read what it was sent, but nobody waits for that longer than a second. */
static void router_that_does_not_read_holds_nobody_up(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct agent_rig *rig = rig_new();

		assert_in_range(run_until(rig, signals[i], true), NSEC_PER_SEC, 5 * NSEC_PER_SEC);
		end(rig);
		assert_int_equal(rig->router->notification.code,
				 signals[i] == SIGINT ? BGP_ERROR_CEASE : 0);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupt_says_cease_and_the_next_start_is_no_restart),
		cmocka_unit_test(termination_says_nothing_and_the_next_start_is_a_restart),
		cmocka_unit_test(router_that_does_not_read_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
