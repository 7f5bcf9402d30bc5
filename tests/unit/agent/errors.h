// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the agent writes to its log, for a test to look at. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* What is logged goes into a file; returns what was standard error. */
static inline int errors_begin(void)
{
	const int before = dup(STDERR_FILENO);
	const int file = memfd_create("errors", MFD_CLOEXEC);

	assert_true(before >= 0 && file >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	close(file);
	return before;
}

/* Ends that, passes on what was logged, and returns it, in a static buffer. */
static inline const char *errors_end(int before)
{
	static char text[65536];
	const ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	text[n] = '\0';
	(void)fputs(text, stderr);
	return text;
}
