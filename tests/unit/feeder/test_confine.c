// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * feeder/confine: what was given up is refused, and what is needed goes on. Each in a process of
 * its own, for there is no way back.
 */
#include "feeder/confine.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
}

/* A number for each of what does not hold; 0: all of it does. */
static int confined(void)
{
	char *const none[] = {NULL};
	char byte;
	int fds[2];

	if (confine() != 0)
		return 1;
	if (!is_refused(execve("/bin/true", none, none)))
		return 2;
	if (!is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
		return 3;
	if (!is_refused(unshare(0)))
		return 4;
	if (!is_refused(syscall(SYS_personality, 0xffffffff))) /* the last of the list */
		return 5;
	if (!is_refused(setuid(getuid())))
		return 6;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 || write(fds[0], "x", 1) != 1 ||
	    read(fds[1], &byte, 1) != 1)
		return 7;
	return 0;
}

static void what_is_not_needed_is_given_up_for_good(void **state)
{
	const pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(confined());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_needed_is_given_up_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
