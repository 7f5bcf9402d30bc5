// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/nlsock: outcomes of questions, and that a broken-off one does not spoil the next.
 */
#include "sys/nlsock.h"

#include "sys_test.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/time.h>

static int count(void *ctx, const struct nlmsghdr *answer)
{
	int *n = ctx;

	assert_int_equal(answer->nlmsg_type, RTM_NEWLINK);
	(*n)++;
	return 0;
}

static int count_and_give_up(void *ctx, const struct nlmsghdr *answer)
{
	(void)count(ctx, answer);
	return -ECANCELED;
}

static int ask_for_links(struct nlsock *s, uint16_t flags, int ifindex, nlsock_cb cb, int *n)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETLINK, flags, sizeof(struct ifinfomsg), &header);
	struct ifinfomsg *link = header;

	*n = 0;
	link->ifi_index = ifindex;
	return nlsock_ask(s, m, cb, n);
}

static void dumps_and_single_questions_end_with_their_outcome(void **state)
{
	struct nlsock *s = NULL;
	int n;

	(void)state;
	assert_int_equal(nlsock_open(NETLINK_ROUTE, &s), 0);
	assert_int_equal(ask_for_links(s, NLM_F_DUMP, 0, count, &n), 0);
	assert_true(n >= 1);
	assert_int_equal(ask_for_links(s, 0, 1, count, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ask_for_links(s, 0, 0x7ffffff0, count, &n), -ENODEV);
	assert_int_equal(n, 0);
	nlsock_free(s);
}

static void a_question_broken_off_does_not_spoil_the_next(void **state)
{
	struct nlsock *s = NULL;
	int n, all;

	(void)state;
	netns_enter();
	run("for i in $(seq 1 150); do echo link add lt$i type veth peer name lp$i; done |"
	    " ip -batch -");
	assert_int_equal(nlsock_open(NETLINK_ROUTE, &s), 0);
	assert_int_equal(ask_for_links(s, NLM_F_DUMP, 0, count, &all), 0);
	assert_true(all >= 301);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask_for_links(s, NLM_F_DUMP, 0, count_and_give_up, &n),
				 -ECANCELED);
		assert_int_equal(n, 1);
		assert_int_equal(ask_for_links(s, 0, 1, count, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(ask_for_links(s, NLM_F_DUMP, 0, count, &n), 0);
		assert_int_equal(n, all);
	}
	nlsock_free(s);
}

static int count_and_change(void *ctx, const struct nlmsghdr *answer)
{
	int *n = ctx;

	if (*n == 0)
		run("ip link add lt-new type veth peer name lp-new");
	return count(ctx, answer);
}

/* The kernel marks what it dumped before and after a change, and one of the two may miss a link. */
static void a_dump_during_which_something_changed_is_no_answer(void **state)
{
	struct nlsock *s = NULL;
	int n;

	(void)state;
	netns_enter();
	run("for i in $(seq 1 100); do echo link add lt$i type veth peer name lp$i; done |"
	    " ip -batch -");
	assert_int_equal(nlsock_open(NETLINK_ROUTE, &s), 0);
	assert_int_equal(ask_for_links(s, NLM_F_DUMP, 0, count_and_change, &n), -EINTR);
	assert_int_equal(ask_for_links(s, NLM_F_DUMP, 0, count, &n), 0);
	assert_true(n >= 203);
	nlsock_free(s);
}

static void a_bus_that_does_not_exist_is_an_error(void **state)
{
	struct nlsock *s = NULL;

	(void)state;
	assert_int_equal(nlsock_open(31, &s), -EPROTONOSUPPORT);
	assert_null(s);
	nlsock_freep(&s);
}

static volatile sig_atomic_t n_signals;

static void on_alarm(int signo)
{
	(void)signo;
	n_signals++;
}

/* The kernel says nothing to what is no request and asks for no acknowledgement. */
static void a_question_without_an_answer_ends_but_not_by_a_signal(void **state)
{
	const struct itimerval soon = {.it_value.tv_usec = 50000}, never = {.it_value.tv_sec = 0};
	const struct sigaction action = {.sa_handler = on_alarm};
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlsock *s = NULL;
	struct sigaction before;
	void *header;
	int n = 0;

	(void)state;
	assert_int_equal(nlsock_open(NETLINK_ROUTE, &s), 0);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(
		nlsock_ask(s, nlsock_request(buf, NLMSG_NOOP, NLM_F_ECHO, 0, &header), count, &n),
		-ETIMEDOUT);
	assert_int_equal(n_signals, 1);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_int_equal(ask_for_links(s, 0, 1, count, &n), 0);
	nlsock_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dumps_and_single_questions_end_with_their_outcome),
		cmocka_unit_test(a_question_broken_off_does_not_spoil_the_next),
		cmocka_unit_test(a_dump_during_which_something_changed_is_no_answer),
		cmocka_unit_test(a_question_without_an_answer_ends_but_not_by_a_signal),
		cmocka_unit_test(a_bus_that_does_not_exist_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
