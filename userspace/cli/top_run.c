// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The terminal around top: its modes, which are given back however it ends, its keys, its size at
 * each screen, and a tick a second that keys do not shift.
 */
#include "cli/commands.h"

#include "base/limits.h"
#include "cli/ask.h"
#include "cli/terminal.h"
#include "cli/top.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <termios.h>

#define ENTER "\033[?1049h\033[?25l" /* another screen, and no cursor */
#define LEAVE "\033[?25h\033[?1049l"

static volatile sig_atomic_t is_over;

static void on_signal(int signal_number)
{
	(void)signal_number;
	is_over = 1;
}

struct session {
	const struct cli_args *args;
	struct top top;
	struct top_view view;
	struct arena *arena; /* of the error */
	struct termios before;
	bool is_able, has_keys;
	int tick;
};

/* --- the terminal ----------------------------------------------------------------------------- */

static bool shows_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && value[0])
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static void take_terminal(struct session *s)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction action = {.sa_handler = on_signal}; /* poll() ends by it */
	struct termios raw;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		(void)sigaction(ends[i], &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* writing says it */
	s->is_able = terminal_is_able();
	s->has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &s->before) == 0;
	if (s->has_keys) {
		raw = s->before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		s->has_keys = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	}
	if (s->is_able)
		(void)terminal_write(ENTER, strlen(ENTER), false);
}

static void give_back(const struct session *s)
{
	if (s->is_able)
		(void)terminal_write(LEAVE, strlen(LEAVE), false);
	if (s->has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &s->before);
}

/* Line over line, so that nothing flickers; false: nobody takes it. */
static bool draw(struct session *s)
{
	const struct terminal_size size = terminal_size();
	struct strbuf screen, out;
	bool written;

	s->view.columns = size.columns;
	s->view.rows = size.rows;
	strbuf_init(&screen, LIMIT_REPLY_BYTES);
	strbuf_init(&out, LIMIT_REPLY_BYTES);
	top_draw(&s->top, &s->view, &screen);
	strbuf_add(&out, s->is_able ? "\033[H" : "");
	for (const char *at = screen.data ? screen.data : ""; *at;) {
		const size_t len = strcspn(at, "\n");

		strbuf_add_len(&out, at, len);
		if (s->is_able)
			strbuf_add(&out, "\033[K");
		at += len;
		if (*at)
			strbuf_add_len(&out, at++, 1);
	}
	strbuf_add(&out, s->is_able ? "\033[J" : "\n\n");
	written = terminal_write(out.data, out.len, false);
	strbuf_done(&out);
	strbuf_done(&screen);
	return written;
}

/* --- samples and keys ------------------------------------------------------------------------- */

static cJSON *get(struct session *s, enum cli_command command, enum cli_what what)
{
	const struct cli_args asked = {.socket = s->args->socket, .command = command, .what = what};

	return s->view.error ? NULL : ask_quietly(s->arena, &asked, &s->view.error);
}

static void sample(struct session *s)
{
	cJSON *status, *peers, *services;

	arena_free(s->arena);
	s->arena = arena_new();
	s->view.error = NULL;
	status = get(s, CLI_STATUS, CLI_PEERS);
	peers = get(s, CLI_SHOW, CLI_PEERS);
	services = get(s, CLI_SHOW, CLI_SERVICES);
	if (!s->view.error)
		top_feed(&s->top, status, peers, services);
	cJSON_Delete(status);
	cJSON_Delete(peers);
	cJSON_Delete(services);
}

/* What was typed, with arrows as one; a screen later than a key at most. False: the end. */
static bool take_keys(struct session *s)
{
	char keys[64];
	const ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0)
		s->has_keys = n < 0 && errno == EINTR;
	for (ssize_t i = 0; i < n; i++) {
		int key = (unsigned char)keys[i];

		if (key == 27 && i + 2 < n && keys[i + 1] == '[') {
			key = keys[i + 2] == 'A'   ? TOP_KEY_UP
			      : keys[i + 2] == 'B' ? TOP_KEY_DOWN
						   : 0;
			i += 2;
		}
		if (!top_key(&s->view, key))
			return false;
	}
	return true;
}

/* Until a tick, a key or a signal. False: the end. */
static bool wait_on(struct session *s, bool *ret_is_due)
{
	struct pollfd fds[] = {{.fd = s->tick, .events = POLLIN},
			       {.fd = s->has_keys ? STDIN_FILENO : -1, .events = POLLIN}};
	uint64_t ticks;

	*ret_is_due = false;
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno == EINTR; /* also of a window that changes its size */
	if (fds[0].revents)
		*ret_is_due = read(s->tick, &ticks, sizeof(ticks)) == sizeof(ticks);
	return !fds[1].revents || take_keys(s);
}

int top_run(const struct cli_args *args)
{
	const struct itimerspec second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
	struct session s = {.args = args,
			    .view = {.has_colour = args->has_colour, .has_blocks = shows_utf8()},
			    .tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
	bool is_due = true, goes_on = true;

	if (s.tick < 0 || timerfd_settime(s.tick, 0, &second, NULL) < 0)
		return say_failure("timer: ", strerror(errno), "");
	take_terminal(&s);
	while (goes_on && !is_over) {
		if (is_due && !s.view.is_paused)
			sample(&s);
		goes_on = draw(&s) && wait_on(&s, &is_due);
	}
	give_back(&s);
	if (!s.top.status && s.view.error)
		(void)say_failure(s.view.error, "", "");
	(void)close(s.tick);
	top_done(&s.top);
	arena_free(s.arena);
	return EXIT_DONE;
}
