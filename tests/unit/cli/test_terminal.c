// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/terminal: what goes through the pager and what does not, on a real terminal of five lines,
 * and when there are colours.
 */
#include "cli/terminal.h"

#include "base/mem.h"

#include <pty.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <setjmp.h>

#include <cmocka.h>

struct world {
	const char *term, *pager, *no_color; /* NULL: not set */
	bool may_page;
};

static void set(const char *name, const char *value)
{
	if (value)
		(void)setenv(name, value, 1);
	else
		(void)unsetenv(name);
}

/* What stands on the terminal, with the terminal's "\r\n" as "\n". */
static const char *seen(const struct world *w, const char *text, char ret[256])
{
	const struct winsize size = {.ws_row = 5, .ws_col = 40};
	size_t n = 0;
	int fd, status;
	pid_t child = forkpty(&fd, NULL, NULL, &size);

	assert_true(child >= 0);
	if (child == 0) {
		set("TERM", w->term);
		set("PAGER", w->pager);
		set("NO_COLOR", w->no_color);
		if (!terminal_write(text, strlen(text), w->may_page))
			_exit(9);
		_exit(terminal_has_colour() ? 1 : 0);
	}
	for (char c; n < 255 && read(fd, &c, 1) == 1;)
		if (c != '\r')
			ret[n++] = c;
	ret[n] = '\0';
	assert_int_equal(waitpid(child, &status, 0), child);
	(void)close(fd);
	assert_true(WIFEXITED(status));
	(void)snprintf(ret + n, 256 - n, "%d", WEXITSTATUS(status));
	return ret;
}

static void what_is_longer_than_the_screen_is_paged(void **state)
{
	static const struct {
		struct world world;
		const char *text, *seen; /* and 1: there are colours */
	} cases[] = {
		{{"xterm", "sed s/^/P/", NULL, true}, "1\n2\n3\n4\n", "1\n2\n3\n4\n1"},
		{{"xterm", "sed s/^/P/", NULL, true}, "1\n2\n3\n4\n5\n", "P1\nP2\nP3\nP4\nP5\n1"},
		{{"xterm", "sed s/^/P/", NULL, false}, "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n1"},
		{{"dumb", "sed s/^/P/", NULL, true}, "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n0"},
		{{NULL, "sed s/^/P/", NULL, true}, "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n0"},
		{{"xterm", "", "1", true}, "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n0"},
		{{"xterm", "cat", "", true}, "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n1"},
		{{"xterm", "exit 127", NULL, true}, "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n1"},
		{{"xterm", "true", NULL, true}, "1\n2\n3\n4\n5\n", "1"}, /* nobody wants to read */
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(seen(&cases[i].world, cases[i].text, text), cases[i].seen);
}

static void a_pipe_is_no_terminal(void **state)
{
	int ends[2];
	const int kept = dup(STDOUT_FILENO);
	char text[32];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	(void)setenv("TERM", "xterm", 1);
	(void)setenv("PAGER", "false", 1);
	assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
	assert_false(terminal_is_able());
	assert_false(terminal_has_colour());
	assert_int_equal(terminal_size().columns, 80);
	assert_int_equal(terminal_size().rows, 24);
	assert_true(terminal_write("1\n2\n", 4, true));
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	assert_int_equal(read(ends[0], text, sizeof(text)), 4);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_longer_than_the_screen_is_paged),
		cmocka_unit_test(a_pipe_is_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
