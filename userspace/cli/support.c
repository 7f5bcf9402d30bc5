// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The list of what goes in, and the archive. Somebody else will read it: each entry here was looked
 * at for what it may tell, and a new one is to be.
 *
 * Left out on purpose: --config (Secrets, passwords), ledger.yaml and world/ of the state folder
 * (the same, as last good versions), the map `config` (the secret of the flow table's hash).
 */
#include "cli/commands.h"

#include "base/limits.h"
#include "cli/ask.h"
#include "cli/child.h"
#include "cli/cli_help.h"
#include "cli/preflight.h"
#include "cli/tar.h"

#include <errno.h>
#include <fcntl.h>

#define PART_BYTES    (32u << 20) /* of one file in the archive */
#define ARCHIVE_BYTES (256u << 20)
#define CHILD_SECONDS 10
#define MAX_WORDS     12

/* Asked of the agent. */
static const struct {
	const char *name;
	struct cli_args asked;
} answers[] = {
	{"agent/status.json", {.command = CLI_STATUS}},
	{"agent/peers.json", {.command = CLI_SHOW, .what = CLI_PEERS}},
	{"agent/bfd.json", {.command = CLI_SHOW, .what = CLI_BFD}},
	{"agent/routes.json", {.command = CLI_SHOW, .what = CLI_ROUTES}},
	{"agent/received.json", {.command = CLI_SHOW, .what = CLI_ROUTES, .received = true}},
	{"agent/services.json", {.command = CLI_SHOW, .what = CLI_SERVICES}},
	{"agent/backends.json", {.command = CLI_SHOW, .what = CLI_BACKENDS}},
	{"agent/pools.json", {.command = CLI_SHOW, .what = CLI_POOLS}},
	{"agent/blackholes.json", {.command = CLI_SHOW, .what = CLI_BLACKHOLES}},
	{"agent/problems.json", {.command = CLI_SHOW, .what = CLI_PROBLEMS}},
};

/* Asked of other programs, which may not be there. */
static const struct {
	const char *name, *words[MAX_WORDS];
} programs[] = {
	{"log.txt", {"journalctl", "-u", "lodestoned", "-n", "20000", "--no-pager"}},
	{"log-feeder.txt", {"journalctl", "-u", "lodestone-kube", "-n", "5000", "--no-pager"}},
	{"unit.txt", {"systemctl", "status", "lodestoned", "-n", "0", "--no-pager"}},
	{"host/date.txt", {"date", "-u"}},
	{"host/kernel.txt", {"uname", "-a"}},
	{"host/os.txt", {"cat", "/etc/os-release"}},
	{"host/links.txt", {"ip", "-d", "-s", "link", "show"}},
	{"host/addresses.txt", {"ip", "addr", "show"}},
	{"host/rules.txt", {"ip", "rule", "show"}},
	{"host/rules6.txt", {"ip", "-6", "rule", "show"}},
	{"host/routes.txt", {"ip", "route", "show", "table", "all"}},
	{"host/routes6.txt", {"ip", "-6", "route", "show", "table", "all"}},
	{"host/neighbours.txt", {"ip", "neigh", "show"}},
	{"host/bgp-sockets.txt", {"ss", "-tno", "( sport = :179 or dport = :179 )"}},
	{"host/counters.txt", {"nstat", "-asz"}},
	{"bpf/maps.txt", {"bpftool", "map", "show"}},
	{"bpf/programs.txt", {"bpftool", "prog", "show"}},
	{"bpf/links.txt", {"bpftool", "link", "show"}},
	{"bpf/hooks.txt", {"bpftool", "net", "show"}},
};

/* Maps below the agent's pin directory that hold no key, by bpftool. */
static const char *const maps[] = {"services", "drops", "uplinks", "vrfs", "rates", "blackholes"};

/* Files of the state folder that hold no password. */
static const char *const states[] = {"addresses.yaml", "served.yaml", "drain.yaml", "alive.yaml"};

struct dump {
	const struct cli_args *args;
	struct arena *arena;
	struct strbuf tar;
	unsigned n_files, n_missing;
	const char *pin, *state; /* paths of the agent, or the usual ones */
};

static void add(struct dump *d, const char *name, const struct strbuf *text)
{
	tar_add(&d->tar, name, text->data ? text->data : "", text->len);
	d->n_files++;
}

static void add_missing(struct dump *d, const char *name, const char *why)
{
	struct strbuf text;

	strbuf_init(&text, PART_BYTES);
	strbuf_printf(&text, "could not be had: %s\n", why);
	add(d, name, &text);
	strbuf_done(&text);
	d->n_missing++;
}

/* --- the agent -------------------------------------------------------------------------------- */

static const char *path_of(struct dump *d, const cJSON *status, const char *key, const char *usual)
{
	const char *path = cJSON_GetStringValue(
		cJSON_GetObjectItem(cJSON_GetObjectItem(status, "paths"), key));

	return path ? arena_strdup(d->arena, path) : usual;
}

static void add_answer(struct dump *d, const char *name, const struct cli_args *what)
{
	struct cli_args asked = *what;
	struct strbuf text;
	const char *error;
	cJSON *body;
	char *json;

	asked.socket = d->args->socket;
	body = ask_quietly(d->arena, &asked, &error);
	if (!body) {
		add_missing(d, name, error);
		return;
	}
	if (asked.command == CLI_STATUS) {
		d->pin = path_of(d, body, "pin", d->pin);
		d->state = path_of(d, body, "state", d->state);
	}
	json = cJSON_Print(body);
	strbuf_init(&text, PART_BYTES);
	strbuf_add(&text, json ? json : "");
	strbuf_add(&text, "\n");
	add(d, name, &text);
	strbuf_done(&text);
	cJSON_free(json);
	cJSON_Delete(body);
}

/* --- others ----------------------------------------------------------------------------------- */

static void add_output(struct dump *d, const char *name, const char *const *words)
{
	struct strbuf text;
	int code;

	strbuf_init(&text, PART_BYTES);
	code = child_run(child_exec, words, CHILD_SECONDS, true, &text);
	if (code == CHILD_MISSING)
		add_missing(d, name, arena_printf(d->arena, "there is no %s", words[0]));
	else if (code < 0 && !text.len)
		add_missing(d, name, strerror(-code));
	else
		add(d, name, &text);
	strbuf_done(&text);
}

static void add_file(struct dump *d, const char *name, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct strbuf text;
	char chunk[4096];
	ssize_t n;

	if (fd < 0) {
		add_missing(d, name, strerror(errno));
		return;
	}
	strbuf_init(&text, PART_BYTES);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		strbuf_add_len(&text, chunk, (size_t)n);
	(void)close(fd);
	add(d, name, &text);
	strbuf_done(&text);
}

static void add_versions(struct dump *d)
{
	struct strbuf text;

	strbuf_init(&text, PART_BYTES);
	cli_version(&text);
	if (preflight_agent_version(&text) != 0)
		strbuf_add(&text, "lodestoned: there is none beside lodectl, nor in PATH\n");
	add(d, "versions.txt", &text);
	strbuf_done(&text);
	strbuf_init(&text, PART_BYTES);
	if (preflight_ask(&text) == 0)
		add(d, "host/preflight.json", &text);
	else
		add_missing(d, "host/preflight.json", "lodestoned --preflight");
	strbuf_done(&text);
}

static void gather(struct dump *d)
{
	add_versions(d);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		add_answer(d, answers[i].name, &answers[i].asked);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		add_output(d, programs[i].name, programs[i].words);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const char *path = arena_printf(d->arena, "%s/maps/%s", d->pin, maps[i]);
		const char *const words[] = {"bpftool", "map", "dump", "pinned", path, NULL};

		add_output(d, arena_printf(d->arena, "bpf/map-%s.txt", maps[i]), words);
	}
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		add_file(d, arena_printf(d->arena, "state/%s", states[i]),
			 arena_printf(d->arena, "%s/%s", d->state, states[i]));
	tar_end(&d->tar);
}

/* Nobody else may read it, nor have put something there for it. */
static bool write_out(const struct dump *d, const char *path)
{
	const bool is_output = strcmp(path, "-") == 0;
	const int fd = is_output ? STDOUT_FILENO
				 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t at = 0;
	ssize_t n = 0;

	while (fd >= 0 && at < d->tar.len && n >= 0) {
		n = write(fd, d->tar.data + at, d->tar.len - at);
		if (n < 0 && errno == EINTR)
			n = 0;
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && n >= 0 && (is_output || close(fd) == 0))
		return true;
	(void)say_failure(path, ": ", strerror(errno));
	return false;
}

int support_dump(const struct cli_args *args)
{
	struct dump d = {.args = args,
			 .arena = arena_new(),
			 .pin = "/sys/fs/bpf/lodestone",
			 .state = "/var/lib/lodestone"};
	bool done;

	strbuf_init(&d.tar, ARCHIVE_BYTES);
	gather(&d);
	done = !d.tar.truncated;
	if (!done)
		(void)say_failure("the archive: ", "would be too large", "");
	done = done && write_out(&d, args->file);
	if (done)
		fprintf(stderr,
			"%s: %u files, %u of which only say why they could not be had; no "
			"configuration, no Secret and no password is in it\n",
			args->file, d.n_files, d.n_missing);
	strbuf_done(&d.tar);
	arena_free(d.arena);
	return done ? EXIT_DONE : EXIT_COULD_NOT;
}
