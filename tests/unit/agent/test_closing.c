// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A connection that is over says the rest and then ends, and whatever the other side does, it costs
 * no more than so many bytes and so much time.
 */
#include "agent/closing.h"

#include "base/mem.h"
#include "sys/loop.h"

#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW  (1000 * NSEC_PER_SEC)
#define REST (4u << 20) /* more than the kernel takes at once */

struct pair {
	struct loop *loop;
	struct closings all;
	int ours, theirs;
	bool floods;
	size_t flooded, heard;
	bool ended; /* they saw our end */
	unsigned turns;
};

static struct pair *pair_new(size_t rest)
{
	struct pair *p = xcalloc(1, sizeof(*p));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	p->loop = loop_new();
	p->all.loop = p->loop;
	p->ours = fds[0];
	p->theirs = fds[1];
	closings_add(&p->all, p->ours, xcalloc(1, rest + 1), rest, NOW);
	return p;
}

static void pair_free(struct pair *p)
{
	closings_done(&p->all);
	assert_true(closings_are_done(&p->all));
	loop_free(p->loop);
	if (p->theirs >= 0)
		close(p->theirs);
	free(p);
}

static nsec_t listen_and_talk(void *ctx, nsec_t now)
{
	static char buf[65536];
	struct pair *p = ctx;
	ssize_t n = p->theirs < 0 ? -1 : read(p->theirs, buf, sizeof(buf));

	p->heard += n > 0 ? (size_t)n : 0;
	p->ended |= n == 0;
	if (p->floods && (n = send(p->theirs, buf, sizeof(buf), MSG_NOSIGNAL)) > 0)
		p->flooded += (size_t)n;
	if (++p->turns == 20000 || closings_are_done(&p->all) ||
	    (p->theirs >= 0 && p->ended && !p->floods))
		loop_stop(p->loop);
	return now;
}

static void run(struct pair *p)
{
	p->turns = 0;
	assert_int_equal(loop_run(p->loop, listen_and_talk, p), 0);
}

static void rest_goes_out_before_the_end(void **state)
{
	struct pair *p = pair_new(REST);

	(void)state;
	run(p);
	assert_true(p->ended);
	assert_int_equal(p->heard, REST);
	assert_false(closings_are_done(&p->all)); /* they may still have something to say */
	close(p->theirs);
	p->theirs = -1;
	run(p);
	assert_true(closings_are_done(&p->all));
	pair_free(p);
}

static void short_rest_goes_out_without_a_turn_of_the_loop(void **state)
{
	struct pair *p = pair_new(21);
	char buf[64];

	(void)state;
	assert_int_equal(read(p->theirs, buf, sizeof(buf)), 21);
	assert_int_equal(read(p->theirs, buf, sizeof(buf)), 0);
	pair_free(p);
}

static void side_that_is_gone_is_closed_at_once(void **state)
{
	struct pair *p = xcalloc(1, sizeof(*p));
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	close(fds[1]);
	p->loop = loop_new();
	p->all.loop = p->loop;
	p->theirs = -1;
	closings_add(&p->all, fds[0], xcalloc(1, 21), 21, NOW);
	assert_true(closings_are_done(&p->all));
	pair_free(p);
}

static void talk_without_end_is_not_heard_to_the_end(void **state)
{
	struct pair *p = pair_new(21);

	(void)state;
	p->floods = true;
	run(p);
	assert_true(closings_are_done(&p->all));
	assert_in_range(p->flooded, CLOSING_BYTES, CLOSING_BYTES + (2u << 20));
	pair_free(p);
}

static void silence_is_not_waited_for_for_ever(void **state)
{
	struct pair *p = pair_new(REST);
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	closings_add(&p->all, fds[0], xcalloc(1, 21), 21, NOW + 5);
	assert_int_equal(closings_tick(&p->all, NOW), NOW + CLOSING_NS);
	assert_int_equal(closings_tick(&p->all, NOW + CLOSING_NS), NOW + CLOSING_NS + 5);
	assert_int_equal(recv(p->theirs, (char[1]){0}, 1, MSG_PEEK), 1);
	assert_int_equal(send(p->theirs, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(closings_tick(&p->all, NOW + CLOSING_NS + 5), NSEC_NEVER);
	assert_true(closings_are_done(&p->all));
	close(fds[1]);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rest_goes_out_before_the_end),
		cmocka_unit_test(short_rest_goes_out_without_a_turn_of_the_loop),
		cmocka_unit_test(side_that_is_gone_is_closed_at_once),
		cmocka_unit_test(talk_without_end_is_not_heard_to_the_end),
		cmocka_unit_test(silence_is_not_waited_for_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
