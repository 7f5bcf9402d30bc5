// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Environment, ioctl and a child. */
#include "cli/terminal.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define EXIT_MISSING 127 /* as a shell says it */

bool terminal_is_able(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

bool terminal_has_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return terminal_is_able() && !(no && no[0]);
}

struct terminal_size terminal_size(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0)
		return (struct terminal_size){.columns = 80, .rows = 24};
	return (struct terminal_size){.columns = w.ws_col, .rows = w.ws_row};
}

static bool is_longer(const char *text, size_t len, size_t rows)
{
	const char *at = text, *end = text + len;
	size_t n = 0;

	while (n < rows && (at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		n++;
	}
	return n >= rows;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Whether the pager was there; what its reader did not want to see is no error. */
static bool page(const char *pager, const char *text, size_t len)
{
	int ends[2], status = 0;
	pid_t child;

	if (pipe(ends) != 0)
		return false;
	child = fork();
	if (child == 0) {
		(void)dup2(ends[0], STDIN_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)setenv("LESS", "FRX", 0);
		(void)execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
		_exit(EXIT_MISSING);
	}
	(void)close(ends[0]);
	if (child > 0) {
		void (*const before)(int) = signal(SIGPIPE, SIG_IGN);

		(void)write_all(ends[1], text, len);
		(void)signal(SIGPIPE, before);
	}
	(void)close(ends[1]);
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return child > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_MISSING);
}

bool terminal_write(const char *text, size_t len, bool may_page)
{
	const char *pager = getenv("PAGER");

	if (!pager)
		pager = "less";
	if (may_page && pager[0] && strcmp(pager, "cat") != 0 && terminal_is_able() &&
	    is_longer(text, len, terminal_size().rows) && page(pager, text, len))
		return true;
	return write_all(STDOUT_FILENO, text, len);
}
