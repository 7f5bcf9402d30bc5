// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the tests of sys/ share: a folder of their own that is removed afterwards, commands of the
 * shell, and a fresh network namespace. A test that needs the latter and may not have it is skipped
 * by cmocka, which the runner counts and shows. Included behind the test's own headers.
 */
#pragma once

#include "base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SYS_TEST_UNUSED __attribute__((unused))

/* Runs a shell command and fails the test if it does. */
SYS_TEST_UNUSED printf_like(1, 2) static void run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_in_range(n, 1, sizeof(command) - 1);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* A folder of the test's own; temp_remove deletes it, and the one it may have been moved to. */
SYS_TEST_UNUSED static char *temp_make(void)
{
	char *path = xstrdup("/tmp/lt-sys-XXXXXX");

	if (!mkdtemp(path))
		fail_msg("mkdtemp: %s", strerror(errno));
	return path;
}

SYS_TEST_UNUSED static void temp_remove(char *path)
{
	run("rm -rf %s %s.away", path, path);
	free(path);
}

/*
 * Moves the process into a fresh network namespace, with a /sys that shows it, where nothing it
 * does is seen outside. Skips the test without the privilege.
 */
SYS_TEST_UNUSED static void netns_enter(void)
{
	if (unshare(CLONE_NEWNET) != 0) {
		print_message("needs root: unshare(CLONE_NEWNET): %s\n", strerror(errno));
		skip();
	}
	/* No IPv6 addresses that come, and become usable, by themselves while a test looks. */
	run("echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode &&"
	    " echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad && ip link set lo up");
}
