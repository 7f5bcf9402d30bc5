// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Nobody else may read the file, nor have put something there for it: it holds what clients send.
 */
#include "cli/ask.h"
#include "cli/capture_stream.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

struct output {
	int fd;    /* negative: it is not open yet */
	int error; /* -errno */
	const char *path;
};

/* Made when there is something to be written, so that a refusal leaves no file. */
static bool open_output(struct output *o)
{
	if (o->fd < 0)
		o->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (o->fd < 0)
		o->error = -errno;
	return o->fd >= 0;
}

static bool put(void *ctx, const char *data, size_t len)
{
	struct output *o = ctx;

	if (!open_output(o))
		return false;
	while (len > 0) {
		const ssize_t n = write(o->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			o->error = -errno;
			return false;
		}
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool take(void *ctx, const char *data, size_t len)
{
	return capture_stream_take(ctx, data, len);
}

/* The call that waits ends; once only, so that a second interrupt ends the program. */
static void on_interrupt(int signo)
{
	(void)signo;
}

static void catch_interrupts(void)
{
	struct sigaction action = {.sa_flags = (int)SA_RESETHAND};

	action.sa_handler = on_interrupt;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

static double number(const cJSON *o, const char *key)
{
	const double n = cJSON_GetNumberValue(cJSON_GetObjectItem(o, key));

	return n > 0 ? n : 0;
}

/* Its reader may take the whole of standard output, so this goes to the other one. */
static int say_end(const struct cli_args *args, const struct capture_stream *s)
{
	cJSON *last = cJSON_Parse(s->line);
	const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(last, "ended"));

	fprintf(stderr,
		"%s: %.0f packets in %.0f frames, %.0f missed, %.0f not looked at; ended by %s\n",
		strcmp(args->file, "-") == 0 ? "capture" : args->file, number(last, "packets"),
		number(last, "frames"), number(last, "missed"), number(last, "unseen"),
		why ? why : "?");
	cJSON_Delete(last);
	return EXIT_DONE;
}

static int outcome(struct arena *arena, const struct cli_args *args, const struct output *o,
		   const struct capture_stream *s, int r)
{
	if (o->error == -EPIPE)
		return EXIT_DONE; /* whoever read it has enough */
	if (o->error < 0)
		return say_failure(args->file, ": ", strerror(-o->error));
	if (r < 0)
		return say_failure("no answer: ", strerror(-r), client_remedy(r));
	if (s->is_over && !s->has_first)
		return say_failure(protocol_refusal(arena, s->line), "", "");
	if (!s->is_over)
		return say_failure("the capture broke off", "",
				   s->has_first ? "; what came until then is there" : "");
	return say_end(args, s);
}

int capture_run(const struct cli_args *args)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const bool is_output = strcmp(args->file, "-") == 0;
	struct output o = {.fd = is_output ? STDOUT_FILENO : -1, .path = args->file};
	struct capture_stream s = {.put = put, .ctx = &o};
	int r;

	if (is_output && isatty(STDOUT_FILENO))
		return say_failure("a capture is not for a terminal", "",
				   ": lodectl capture FILE, or lodectl capture | tcpdump -n -r -");
	(void)signal(SIGPIPE, SIG_IGN);
	catch_interrupts();
	r = client_stream(args->socket, protocol_request(arena, args), take, &s);
	if (!is_output && o.fd >= 0 && close(o.fd) != 0 && o.error == 0)
		o.error = -errno;
	return outcome(arena, args, &o, &s, r);
}
