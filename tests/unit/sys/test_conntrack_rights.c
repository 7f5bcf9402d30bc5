// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/conntrack without the right to ask: that is an error, told as it is. Only a kernel that does
 * not know the question is asked by its file in /proc.
 */
#include "sys/conntrack.h"

#include "plan/plan_vip.h"
#include "sys_test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* The error, as an exit status. */
static int ask_without_rights(void)
{
	const struct plan_vip vip = {.addr = ip_addr_from_v4(0xc0000201)};
	struct arena *arena = arena_new();
	struct conntrack_flow *flows;
	size_t n;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 255;
	return -conntrack_flows(&vip, 1, arena, &flows, &n);
}

static void who_may_not_ask_is_told_so(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	netns_enter();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(ask_without_rights());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EOPNOTSUPP)
		skip(); /* no conntrack in this kernel */
	assert_int_equal(WEXITSTATUS(status), EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_not_ask_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
