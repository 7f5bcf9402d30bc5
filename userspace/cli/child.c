// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A child and a pipe. */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

void child_exec(const void *argv)
{
	char *const *words = argv;

	(void)execvp(words[0], words);
	_exit(CHILD_MISSING);
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
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EPROTO;
}

int child_run(child_become *become, const void *ctx, unsigned seconds, bool with_errors,
	      struct strbuf *out)
{
	int ends[2], r, ended;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	child = fork();
	if (child == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		if (with_errors)
			(void)dup2(ends[1], STDERR_FILENO);
		(void)alarm(seconds); /* what it becomes keeps it */
		become(ctx);
	}
	(void)close(ends[1]);
	r = child < 0 ? -errno : read_all(ends[0], out);
	(void)close(ends[0]);
	if (child < 0)
		return r;
	ended = exit_of(child);
	return r ? r : ended;
}
