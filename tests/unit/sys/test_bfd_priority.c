// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * At which priority a thread of BFD runs, by what it may: each case is a process of its own, which
 * gives up what it is not to have.
 */
#include "sys/bfd_priority.h"

#include "sys_test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* As a container's runtime may do it. */
static int refuse_real_time(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setscheduler, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
		       ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
		       : -1;
}

static int become_nobody(void)
{
	return setresuid(NOBODY, NOBODY, NOBODY);
}

static int stay_root(void)
{
	return 0;
}

/* Runs it in a process that has become so; its exit code. 0 is a good end. */
static int run_as(int (*become)(void), int (*body)(void))
{
	const pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(become() == 0 ? body() : 100);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int takes_real_time(void)
{
	struct sched_param p;

	if (bfd_priority_take() != BFD_PRIORITY_FIFO)
		return 1;
	if (sched_getparam(0, &p) != 0 || p.sched_priority != 10)
		return 2;
	/* What it starts is to have none of it. */
	return sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK) ? 0 : 3;
}

static int takes_nice(void)
{
	if (bfd_priority_take() != BFD_PRIORITY_NICE)
		return 1;
	return sched_getscheduler(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == -20 ? 0 : 2;
}

static int takes_what_there_is(void)
{
	const int before = getpriority(PRIO_PROCESS, 0); /* who runs the tests may be nice */

	if (bfd_priority_take() != BFD_PRIORITY_NORMAL)
		return 1;
	return sched_getscheduler(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == before ? 0
											      : 2;
}

static void *lend(void *ctx)
{
	const int *thread = ctx;
	bool is_lent = bfd_priority_lend(*thread);

	/* Once is enough, and what has a priority of its own keeps it. */
	return is_lent && !bfd_priority_lend(*thread) ? ctx : NULL;
}

static int lends_and_gives_back(void)
{
	int self = gettid();
	struct sched_param p;
	pthread_t thread;
	void *ret;

	if (pthread_create(&thread, NULL, lend, &self) != 0 || pthread_join(thread, &ret) != 0)
		return 100;
	if (!ret)
		return 1;
	if (sched_getscheduler(0) != (SCHED_FIFO | SCHED_RESET_ON_FORK))
		return 2;
	if (sched_getparam(0, &p) != 0 || p.sched_priority != 9) /* below the thread's own */
		return 3;
	bfd_priority_give_back();
	return sched_getscheduler(0) == SCHED_OTHER ? 0 : 4;
}

static int lends_nothing(void)
{
	return !bfd_priority_lend(gettid()) && sched_getscheduler(0) == SCHED_OTHER ? 0 : 1;
}

static void a_thread_takes_the_most_that_it_may(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("needs root: privileges to give up\n");
		skip();
	}
	assert_int_equal(run_as(stay_root, takes_real_time), 0);
	assert_int_equal(run_as(refuse_real_time, takes_nice), 0);
	assert_int_equal(run_as(become_nobody, takes_what_there_is), 0);
}

static void it_lends_what_it_has_for_a_while(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("needs root: privileges to give up\n");
		skip();
	}
	assert_int_equal(run_as(stay_root, lends_and_gives_back), 0);
	assert_int_equal(run_as(become_nobody, lends_nothing), 0);
}

static void each_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(bfd_priority_text(BFD_PRIORITY_NORMAL), "normal");
	assert_string_equal(bfd_priority_text(BFD_PRIORITY_NICE), "nice -20");
	assert_string_equal(bfd_priority_text(BFD_PRIORITY_FIFO), "SCHED_FIFO");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_takes_the_most_that_it_may),
		cmocka_unit_test(it_lends_what_it_has_for_a_while),
		cmocka_unit_test(each_has_its_name),
	};

	return cmocka_run_group_tests_name("bfd_priority", tests, NULL, NULL);
}
