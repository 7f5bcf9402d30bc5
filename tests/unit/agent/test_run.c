// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How the agent ends: what the router hears, what the next start finds, how
 * long it takes. And what it tells while it runs: its supervisor, and its log
 * of slow turns. The router, or whoever else is there, has its turns by a timer
 * in the agent's own loop.
 */
#include "agent/state.h"

#include "agent_rig.h"
#include "errors.h"

#include <signal.h>
#include <sys/timerfd.h>
#include <sys/un.h>

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

/* Starts the agent and runs it to its end, with a callback each millisecond. */
static void run_with(struct agent_rig *rig, loop_fd_cb each, void *ctx)
{
	const struct itimerspec every = {.it_interval.tv_nsec = NSEC_PER_MSEC,
					 .it_value.tv_nsec = NSEC_PER_MSEC};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct loop_fd *watch;

	rig_start(rig);
	assert_int_equal(timerfd_settime(timer, 0, &every, NULL), 0);
	watch = loop_fd_new(rig->agent.loop, "test", timer, each, ctx);
	loop_fd_want(watch, true, false);
	assert_int_equal(agent_run(&rig->agent), 0);
	loop_fd_free(watch);
	close(timer);
}

/* Runs the agent until the signal has ended it; returns how long that took. */
static nsec_t run_until(struct agent_rig *rig, int signo, bool deaf)
{
	struct ending e = {.rig = rig, .signo = signo, .deaf = deaf};
	int errors = errors_begin();
	nsec_t took;

	run_with(rig, on_timer, &e);
	took = clock_now() - e.told_at;
	assert_null(strstr(errors_end(errors), "event loop failed"));
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

/* It may still read what it was sent, but nobody waits for that longer than a
 * second. */
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

/* --- the supervisor -------------------------------------------------------------------------- */

struct supervisor {
	int fd;
	char heard[256]; /* the first line of each message, and a space; not the signs of life */
	unsigned signs_of_life;
	nsec_t give_up;
};

static struct supervisor supervisor_new(const struct agent_rig *rig)
{
	struct supervisor s = {.give_up = clock_now() + 10 * NSEC_PER_SEC};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", rig->dir);
	s.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(s.fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", addr.sun_path, 1), 0);
	return s;
}

static void supervisor_done(struct supervisor *s)
{
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	close(s->fd);
}

static bool supervisor_hears(struct supervisor *s)
{
	const size_t len = strlen(s->heard);
	char text[128];
	const ssize_t n = recv(s->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, "WATCHDOG=1") == 0) {
		s->signs_of_life++;
		return true;
	}
	snprintf(s->heard + len, sizeof(s->heard) - len, "%s ", text);
	return true;
}

static void reload_then_end(void *ctx, bool readable, bool writable)
{
	struct supervisor *s = ctx;

	(void)readable, (void)writable;
	if (clock_now() > s->give_up)
		raise(SIGTERM);
	if (!supervisor_hears(s))
		return;
	if (strcmp(s->heard, "READY=1 ") == 0)
		raise(SIGHUP);
	else if (strcmp(s->heard, "READY=1 RELOADING=1 READY=1 ") == 0)
		raise(SIGTERM);
}

/* Else systemctl reload would wait for the second READY for ever. */
static void a_reload_is_ready_again_once_it_is_read(void **state)
{
	struct agent_rig *rig = rig_new();
	struct supervisor s = supervisor_new(rig);

	(void)state;
	run_with(rig, reload_then_end, &s);
	while (supervisor_hears(&s))
		;
	assert_string_equal(s.heard, "READY=1 RELOADING=1 READY=1 STOPPING=1 ");
	assert_int_equal(s.signs_of_life, 0); /* nobody asked */
	supervisor_done(&s);
	rig_free(rig);
}

static void end_after_three_signs(void *ctx, bool readable, bool writable)
{
	struct supervisor *s = ctx;

	(void)readable, (void)writable;
	while (supervisor_hears(s))
		;
	if (s->signs_of_life >= 3 || clock_now() > s->give_up)
		raise(SIGTERM);
}

static void who_asks_gets_signs_of_life(void **state)
{
	struct agent_rig *rig = rig_new();
	struct supervisor s = supervisor_new(rig);
	const nsec_t begun = clock_now();

	(void)state;
	assert_int_equal(setenv("WATCHDOG_USEC", "40000", 1), 0);
	run_with(rig, end_after_three_signs, &s);
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	assert_true(s.signs_of_life >= 3);
	/* Twice in the time that is allowed, no more often. */
	assert_true(clock_now() - begun >= s.signs_of_life * 20 * NSEC_PER_MSEC);
	supervisor_done(&s);
	rig_free(rig);
}

/* --- slow turns ------------------------------------------------------------------------------ */

static void dawdle_twice(void *ctx, bool readable, bool writable)
{
	const struct timespec wait = {.tv_nsec = 110 * NSEC_PER_MSEC};
	unsigned *n = ctx;

	(void)readable, (void)writable;
	if (++*n <= 2)
		assert_int_equal(nanosleep(&wait, NULL), 0);
	else if (*n == 10)
		raise(SIGTERM);
}

static void a_slow_turn_is_told_but_not_each(void **state)
{
	static const char words[] = "loop: a slow turn\" millis=";
	struct agent_rig *rig = rig_new();
	int errors = errors_begin();
	const char *line;
	unsigned n = 0;

	(void)state;
	log_init(LOG_LEVEL_WARN, false);
	run_with(rig, dawdle_twice, &n);
	line = strstr(errors_end(errors), words);
	assert_non_null(line);
	assert_true(strtod(line + strlen(words), NULL) >= 100);
	assert_null(strstr(line + 1, words));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupt_says_cease_and_the_next_start_is_no_restart),
		cmocka_unit_test(termination_says_nothing_and_the_next_start_is_a_restart),
		cmocka_unit_test(router_that_does_not_read_holds_nobody_up),
		cmocka_unit_test(a_reload_is_ready_again_once_it_is_read),
		cmocka_unit_test(who_asks_gets_signs_of_life),
		cmocka_unit_test(a_slow_turn_is_told_but_not_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
