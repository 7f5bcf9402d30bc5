// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is logged, for tests that count its lines: stderr goes into a file meanwhile.
 */
#pragma once

#include "base/mem.h"
#include "sys/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* The state of a test, by set-up and tear-down. */
struct capture {
	int kept, fd;
	char text[1 << 16];
};

static int capture_begin(void **state)
{
	struct capture *c = xcalloc(1, sizeof(*c));

	log_init(LOG_LEVEL_INFO, false);
	c->kept = dup(STDERR_FILENO);
	c->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(c->kept >= 0 && c->fd >= 0);
	dup2(c->fd, STDERR_FILENO);
	*state = c;
	return 0;
}

static int capture_end(void **state)
{
	struct capture *c = *state;

	dup2(c->kept, STDERR_FILENO);
	close(c->kept);
	close(c->fd);
	free(c);
	return 0;
}

/* What was said since the last call. */
static const char *said(struct capture *c)
{
	ssize_t n = pread(c->fd, c->text, sizeof(c->text) - 1, 0);

	assert_true(n >= 0);
	c->text[n] = '\0';
	assert_int_equal(ftruncate(c->fd, 0), 0);
	assert_int_equal(lseek(c->fd, 0, SEEK_SET), 0);
	return c->text;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}
