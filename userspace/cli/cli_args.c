// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Command line to struct cli_args. One table of options; each long name takes its value as the next
 * word or after '=', each short one as the next word or glued on. getopt is not used because it
 * keeps its place in globals and prints by itself.
 *
 * Options are gathered first, then what they say together is checked: an option that means nothing
 * for the command is refused, not ignored.
 */
#include "cli/cli_args.h"

#include "base/names.h"

#include <stdarg.h>

enum option {
	OPTION_SOCKET,
	OPTION_OUTPUT,
	OPTION_NAMESPACE,
	OPTION_PEER,
	OPTION_RECEIVED,
	OPTION_WATCH,
	OPTION_FOR,
	OPTION_HELP,
	OPTION_VERSION,
	N_OPTIONS,
};

static const struct {
	const char *long_name;
	char short_name; /* 0: none */
	bool has_value;
} options[N_OPTIONS] = {
	[OPTION_SOCKET] = {"socket", 0, true},
	[OPTION_OUTPUT] = {"output", 'o', true},
	[OPTION_NAMESPACE] = {"namespace", 'n', true},
	[OPTION_PEER] = {"peer", 0, true},
	[OPTION_RECEIVED] = {"received", 0, false},
	[OPTION_WATCH] = {"watch", 'w', false},
	[OPTION_FOR] = {"for", 0, true},
	[OPTION_HELP] = {"help", 'h', false},
	[OPTION_VERSION] = {"version", 0, false},
};

static const struct {
	const char *plural, *singular;
} whats[] = {
	[CLI_PEERS] = {"peers", "peer"},
	[CLI_ROUTES] = {"routes", "route"},
	[CLI_SERVICES] = {"services", "service"},
	[CLI_POOLS] = {"pools", "pool"},
	[CLI_PROBLEMS] = {"problems", "problem"},
	[CLI_BACKENDS] = {"backends", "backend"},
	[CLI_BFD] = {"bfd", "bfd"},
	[CLI_BLACKHOLES] = {"blackholes", "blackhole"},
};

static const char *const formats[] = {
	[CLI_TABLE] = "table",
	[CLI_WIDE] = "wide",
	[CLI_JSON] = "json",
	[CLI_YAML] = "yaml",
};

static const char *const explained[] = {"service", "ip", "peer"};

#define MAX_WORDS   3 /* show WHAT NAME */
#define SECONDS_MAX (UINT64_C(10) * 365 * 86400)

/* What stands on the line, before it has a meaning together. */
struct line {
	const char *value[N_OPTIONS]; /* "" for an option without a value; NULL: not given */
	const char *words[MAX_WORDS];
	size_t n_words;
	char *error;
};

static bool printf_like(2, 3) refuse(struct line *line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line->error, CLI_ERROR_TEXT, fmt, ap); /* a long word may be cut */
	va_end(ap);
	return false;
}

/*
 * Finds the option that an argument names. *ret_value is what is glued to it ("-ojson",
 * "--output=json"), or NULL.
 */
static enum option find_option(const char *arg, const char **ret_value)
{
	size_t len = strcspn(arg, "=");

	for (enum option o = 0; o < N_OPTIONS; o++) {
		const char *name = options[o].long_name;

		*ret_value = NULL;
		if (arg[1] == '-' && strlen(name) == len - 2 &&
		    strncmp(arg + 2, name, len - 2) == 0) {
			*ret_value = arg[len] ? arg + len + 1 : NULL;
			return o;
		}
		if (arg[1] != '-' && arg[1] == options[o].short_name) {
			*ret_value = arg[2] ? arg + 2 : NULL;
			return o;
		}
	}
	return N_OPTIONS;
}

static bool take_option(struct line *line, const char *arg, const char *next, bool *ret_took_next)
{
	const char *value;
	enum option o = find_option(arg, &value);

	*ret_took_next = false;
	if (o == N_OPTIONS)
		return refuse(line, "unknown option %s", arg);
	if (!options[o].has_value && value)
		return refuse(line, "option %s takes no value", arg);
	if (options[o].has_value && !value) {
		if (!next)
			return refuse(line, "option %s needs a value", arg);
		value = next;
		*ret_took_next = true;
	}
	if (options[o].has_value && !value[0])
		return refuse(line, "option %s has an empty value", arg);
	line->value[o] = value ? value : "";
	return true;
}

static bool gather(int argc, const char *const *argv, struct line *line)
{
	bool only_words = false, took_next;

	for (int i = 1; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
			const char *next = i + 1 < argc ? argv[i + 1] : NULL;

			if (!take_option(line, argv[i], next, &took_next))
				return false;
			i += took_next;
		} else if (line->n_words == MAX_WORDS) {
			return refuse(line, "\"%s\" is one word too many", argv[i]);
		} else {
			line->words[line->n_words++] = argv[i];
		}
	}
	return true;
}

static bool parse_format(struct line *line, enum cli_format *ret)
{
	const char *text = line->value[OPTION_OUTPUT];

	*ret = CLI_TABLE;
	if (!text)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(text, formats[i]) == 0) {
			*ret = (enum cli_format)i;
			return true;
		}
	}
	return refuse(line, "no output format \"%s\"; there are table, wide, json and yaml", text);
}

static bool parse_what(struct line *line, enum cli_what *ret)
{
	if (line->n_words < 2)
		return refuse(
			line,
			"show what? peers, routes, bfd, services, backends, pools, blackholes or problems");
	for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
		if (strcmp(line->words[1], whats[i].plural) == 0 ||
		    strcmp(line->words[1], whats[i].singular) == 0) {
			*ret = (enum cli_what)i;
			return true;
		}
	}
	return refuse(
		line,
		"cannot show \"%s\"; there are peers, routes, bfd, services, backends, pools, blackholes, problems",
		line->words[1]);
}

static bool parse_show(struct line *line, struct cli_args *args)
{
	if (!parse_what(line, &args->what))
		return false;
	args->command = CLI_SHOW;
	args->name = line->n_words > 2 ? line->words[2] : NULL;
	args->ns = line->value[OPTION_NAMESPACE];
	args->peer = line->value[OPTION_PEER];
	if (args->peer && args->what != CLI_ROUTES)
		return refuse(line, "option --peer belongs to \"show routes\"");
	args->received = line->value[OPTION_RECEIVED];
	if (args->received && args->what != CLI_ROUTES)
		return refuse(line, "option --received belongs to \"show routes\"");
	return true;
}

/* "default/web" says its namespace itself. */
static bool check_explained(struct line *line, const struct cli_args *args)
{
	const char *slash = strchr(args->name, '/');
	const bool is_service = strcmp(args->explained, "service") == 0;

	if (line->value[OPTION_RECEIVED])
		return refuse(line, "option --received belongs to \"show routes\"");
	if (line->value[OPTION_PEER])
		return refuse(line, "explain takes no --peer: \"explain peer NAME\"");
	if (args->ns && !is_service)
		return refuse(line, "%s \"%s\" is in no namespace", args->explained, args->name);
	if (slash && is_service &&
	    (args->ns || slash == args->name || !slash[1] || strchr(slash + 1, '/')))
		return refuse(line, "\"%s\" is no NAMESPACE/NAME", args->name);
	return true;
}

static bool parse_explain(struct line *line, struct cli_args *args)
{
	if (line->n_words < 3)
		return refuse(line,
			      "explain what? service NAMESPACE/NAME, ip ADDRESS or peer NAME");
	args->command = CLI_EXPLAIN;
	args->name = line->words[2];
	args->ns = line->value[OPTION_NAMESPACE];
	for (size_t i = 0; i < ARRAY_SIZE(explained); i++)
		if (strcmp(line->words[1], explained[i]) == 0)
			args->explained = explained[i];
	if (strcmp(line->words[1], "services") == 0 || strcmp(line->words[1], "svc") == 0)
		args->explained = explained[0];
	if (!args->explained)
		return refuse(line, "cannot explain \"%s\"; there are service, ip and peer",
			      line->words[1]);
	return check_explained(line, args);
}

/* "30m", "1h30m", "90s": units from long to short, each once; no unit is none. */
static bool parse_duration(struct line *line, const char *text, uint32_t *ret)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	uint64_t sum = 0;
	const char *at = text;

	for (size_t i = 0; i < ARRAY_SIZE(units) && *at; i++) {
		const char *digit = at;
		uint64_t n = 0;

		for (; *digit >= '0' && *digit <= '9' && n < SECONDS_MAX; digit++)
			n = 10 * n + (uint64_t)(*digit - '0');
		if (digit == at || *digit != units[i].unit)
			continue;
		sum += n * units[i].seconds;
		at = digit + 1;
	}
	if (*at || at == text)
		return refuse(line, "\"%s\" is no duration: write 30m, 1h30m or 45s", text);
	if (sum == 0 || sum > SECONDS_MAX)
		return refuse(line, "a blackhole is for one second to ten years");
	*ret = (uint32_t)sum;
	return true;
}

static bool parse_blackhole(struct line *line, struct cli_args *args)
{
	const char *action = line->n_words > 1 ? line->words[1] : "";
	const char *duration = line->value[OPTION_FOR];

	args->command = CLI_BLACKHOLE;
	args->removes = strcmp(action, "remove") == 0;
	if (!args->removes && strcmp(action, "add") != 0)
		return refuse(line, "blackhole what? add PREFIX, or remove PREFIX");
	if (line->n_words < 3)
		return refuse(line, "blackhole %s which prefix?", action);
	args->name = line->words[2];
	if (line->value[OPTION_RECEIVED] || line->value[OPTION_NAMESPACE] ||
	    line->value[OPTION_PEER])
		return refuse(line, "blackhole takes none of -n, --peer and --received");
	if (line->value[OPTION_WATCH])
		return refuse(line, "blackhole is said once: watch \"show blackholes\"");
	if (duration && args->removes)
		return refuse(line, "option --for belongs to \"blackhole add\"");
	return !duration || parse_duration(line, duration, &args->seconds);
}

static bool parse_migrate(struct line *line, struct cli_args *args)
{
	args->command = CLI_MIGRATE;
	args->peer = line->value[OPTION_PEER];
	args->file = line->n_words > 2 ? line->words[2] : "-";
	if (line->n_words < 2 || strcmp(line->words[1], "diff") != 0)
		return refuse(line, "migrate what? diff [FILE]");
	if (line->value[OPTION_RECEIVED] || line->value[OPTION_NAMESPACE])
		return refuse(line, "migrate takes neither -n nor --received");
	return !line->value[OPTION_WATCH] || refuse(line, "migrate diff is said once");
}

/* Commands of one word. */
static bool parse_simple(struct line *line, const char *command, struct cli_args *args)
{
	static const enum cli_command all[] = {CLI_STATUS, CLI_DRAIN, CLI_UNDRAIN, CLI_PREFLIGHT};
	size_t i = 0;

	while (i < ARRAY_SIZE(all) && strcmp(command, cli_command_text(all[i])) != 0)
		i++;
	if (i == ARRAY_SIZE(all))
		return refuse(line, "no command \"%s\"", command);
	args->command = all[i];
	if (line->n_words > 1)
		return refuse(line, "\"%s\" is one word too many", line->words[1]);
	if (line->value[OPTION_RECEIVED])
		return refuse(line, "option --received belongs to \"show routes\"");
	if (line->value[OPTION_NAMESPACE] || line->value[OPTION_PEER])
		return refuse(line, "%s takes neither -n nor --peer", command);
	if (line->value[OPTION_WATCH] && args->command != CLI_STATUS)
		return refuse(line, "%s is said once: watch \"status\"", command);
	return true;
}

static bool parse_command(struct line *line, struct cli_args *args)
{
	const char *command = line->words[0];

	if (line->value[OPTION_HELP] || line->value[OPTION_VERSION]) {
		args->command = line->value[OPTION_HELP] ? CLI_HELP : CLI_VERSION;
		return true;
	}
	if (!command)
		return refuse(line, "no command");
	if (strcmp(command, "blackhole") == 0)
		return parse_blackhole(line, args);
	if (line->value[OPTION_FOR])
		return refuse(line, "option --for belongs to \"blackhole add\"");
	if (strcmp(command, "migrate") == 0)
		return parse_migrate(line, args);
	if (strcmp(command, "show") == 0 || strcmp(command, "get") == 0)
		return parse_show(line, args);
	if (strcmp(command, "explain") == 0)
		return parse_explain(line, args);
	return parse_simple(line, command, args);
}

bool cli_parse(int argc, const char *const *argv, struct cli_args *ret, char error[CLI_ERROR_TEXT])
{
	struct line line = {.error = error};
	struct cli_args args = {0};

	if (!gather(argc, argv, &line) || !parse_command(&line, &args) ||
	    !parse_format(&line, &args.format))
		return false;
	args.socket = line.value[OPTION_SOCKET] ? line.value[OPTION_SOCKET] : LODESTONE_SOCKET;
	args.watch = line.value[OPTION_WATCH];
	*ret = args;
	return true;
}

const char *cli_command_text(enum cli_command command)
{
	static const char *const texts[] = {
		[CLI_STATUS] = "status",       [CLI_SHOW] = "show",
		[CLI_DRAIN] = "drain",         [CLI_UNDRAIN] = "undrain",
		[CLI_HELP] = "help",           [CLI_VERSION] = "version",
		[CLI_EXPLAIN] = "explain",     [CLI_PREFLIGHT] = "preflight",
		[CLI_BLACKHOLE] = "blackhole", [CLI_MIGRATE] = "migrate",
	};

	return texts[command];
}

const char *cli_what_text(enum cli_what what)
{
	return whats[what].plural;
}

const char *cli_help(void)
{
	return "usage: lodectl [OPTION...] COMMAND\n"
	       "\n"
	       "Asks the agent on this machine what it does.\n"
	       "\n"
	       "  status                        the agent in a few lines; exits 2 if all is not well\n"
	       "  show peers [NAME]             BGP sessions\n"
	       "  show routes [PREFIX]          what is advertised (--peer P: to one peer), or with\n"
	       "                                --received what peers have sent and became of it\n"
	       "  show services [NAME]          front ends, their backends and counters\n"
	       "  show backends [SERVICE]       each backend: its state, flows and counters\n"
	       "  show bfd [PEER]               BFD sessions, and with a name their last changes\n"
	       "  show pools [NAME]             address pools and their use\n"
	       "  show blackholes [PREFIX]      prefixes of which unused addresses end here, and those\n"
	       "                                of which nothing gets through, on demand\n"
	       "  show problems [NAME]          what is wrong, and what to do about it\n"
	       "  explain service [NS/]NAME     why it is announced, or why not: each check, to whom,\n"
	       "                                and what the other nodes do\n"
	       "  explain ip ADDRESS            whose it is, and the same\n"
	       "  explain peer NAME             what became of it, and what it is sent\n"
	       "  drain                         withdraw this node's routes, serve what lives to its\n"
	       "                                end, leave the rest to the kernel; until undrain\n"
	       "  undrain                       serve and announce again\n"
	       "  blackhole add PREFIX          drop all packets to a prefix of our pools, and tell\n"
	       "                                routers that ask for it (BGPPeer lodestone.io/rtbh)\n"
	       "  blackhole remove PREFIX       let them through again\n"
	       "  migrate diff [FILE]           what another speaker announces from this node beside\n"
	       "                                what this agent would: FRR's JSON of routes, kubectl's\n"
	       "                                of ServiceBGPStatus or Services (-, or none: standard\n"
	       "                                input; --peer P: of that BGPPeer's router); exits 1\n"
	       "                                with differences, 2 if it could not compare\n"
	       "  preflight                     what this host has and lacks, with or without an\n"
	       "                                agent; exits 2 if something vital is missing\n"
	       "\n"
	       "\"get\" is \"show\"; the singular is the plural.\n"
	       "\n"
	       "  -o, --output FORMAT           table (default), wide, json or yaml\n"
	       "  -n, --namespace NS            only objects of this namespace\n"
	       "      --peer NAME               only routes sent to this peer, or by it\n"
	       "      --received                routes that peers have sent\n"
	       "      --for DURATION            only for so long: 30m, 1h30m, 45s\n"
	       "  -w, --watch                   again every second, until interrupted\n"
	       "      --socket PATH             the agent's socket\n"
	       "                                (" LODESTONE_SOCKET ")\n"
	       "  -h, --help                    this text\n"
	       "      --version                 the version\n"
	       "\n"
	       "Exit code: 0 done; 1 could not (usage, no agent, refused); 2 from status, if the\n"
	       "agent has an error, a peer that is not Established or a failing data plane. Of\n"
	       "migrate diff: 0 all is equal; 1 something differs; 2 could not.\n";
}
