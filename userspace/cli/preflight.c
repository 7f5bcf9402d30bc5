// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A child and a pipe. */
#include "cli/preflight.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM       "lodestoned"
#define EXIT_PROBLEMS 2
#define EXIT_MISSING  127 /* as a shell says it */

/* Becomes the agent's program; does not come back. */
static void become(void)
{
	static const char *const places[] = {"", "../sbin/"};
	char self[PATH_MAX], path[PATH_MAX + 32];
	char *const argv[] = {(char[]){PROGRAM}, (char[]){"--preflight=json"}, NULL};
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[len > 0 ? len : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; i < ARRAY_SIZE(places) && slash; i++) {
		slash[1] = '\0';
		(void)snprintf(path, sizeof(path), "%s%s" PROGRAM, self, places[i]);
		(void)execv(path, argv);
	}
	(void)execvp(PROGRAM, argv);
	_exit(EXIT_MISSING);
}

static int read_all(int fd, struct strbuf *out)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			strbuf_add_len(out, buf, (size_t)n);
	}
	return 0;
}

static int exit_of(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EPROTO;
	switch (WEXITSTATUS(status)) {
	case 0:
	case EXIT_PROBLEMS:
		return 0;
	case EXIT_MISSING:
		return -ENOENT;
	default:
		return -EPROTO;
	}
}

int preflight_ask(struct strbuf *out)
{
	int ends[2], r, ended;
	pid_t child;

	if (pipe(ends) != 0)
		return -errno;
	child = fork();
	if (child == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		become();
	}
	(void)close(ends[1]);
	r = child < 0 ? -errno : read_all(ends[0], out);
	(void)close(ends[0]);
	if (child < 0)
		return r;
	ended = exit_of(child);
	return r ? r : ended;
}
