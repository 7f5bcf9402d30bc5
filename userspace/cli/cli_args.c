// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Command line to struct cli_args, by the table. Each long option takes its value as the next word
 * or after '=', each short one as the next word or glued on. getopt is not used because it keeps
 * its place in globals and prints by itself.
 *
 * Options are gathered first, then what they say together is checked: an option that means nothing
 * for the command is refused, not ignored.
 */
#include "cli/cli_args.h"

#include "base/capture.h"
#include "base/names.h"
#include "base/strbuf.h"
#include "cli/cli_complete.h"
#include "cli/endpoint.h"

#include <stdarg.h>

#define MAX_WORDS    3 /* show WHAT NAME */
#define SUPPORT_FILE "lodestone-support.tar"
#define SECONDS_MAX  (UINT64_C(10) * 365 * 86400)

/* What stands on the line, before it has a meaning together. */
struct line {
	const char *value[N_CLI_OPTIONS]; /* "" for an option without a value; NULL: not given */
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
static enum cli_option find_option(const char *arg, const char **ret_value)
{
	size_t len = strcspn(arg, "=");

	for (enum cli_option o = 0; o < N_CLI_OPTIONS; o++) {
		const char *name = cli_options[o].long_name;

		*ret_value = NULL;
		if (arg[1] == '-' && strlen(name) == len - 2 &&
		    strncmp(arg + 2, name, len - 2) == 0) {
			*ret_value = arg[len] ? arg + len + 1 : NULL;
			return o;
		}
		if (arg[1] != '-' && arg[1] == cli_options[o].short_name) {
			*ret_value = arg[2] ? arg + 2 : NULL;
			return o;
		}
	}
	return N_CLI_OPTIONS;
}

static bool take_option(struct line *line, const char *arg, const char *next, bool *ret_took_next)
{
	const char *value;
	enum cli_option o = find_option(arg, &value);

	*ret_took_next = false;
	if (o == N_CLI_OPTIONS)
		return refuse(line, "unknown option %s", arg);
	if (!cli_options[o].value && value)
		return refuse(line, "option %s takes no value", arg);
	if (cli_options[o].value && !value) {
		if (!next)
			return refuse(line, "option %s needs a value", arg);
		value = next;
		*ret_took_next = true;
	}
	if (cli_options[o].value && !value[0])
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
	const char *text = line->value[CLI_OPTION_OUTPUT];

	*ret = CLI_TABLE;
	if (!text)
		return true;
	for (size_t i = 0; i < N_CLI_FORMATS; i++) {
		if (strcmp(text, cli_formats[i]) == 0) {
			*ret = (enum cli_format)i;
			return true;
		}
	}
	return refuse(line, "no output format \"%s\"; there are table, wide, json and yaml", text);
}

/* --- which verb ------------------------------------------------------------------------------- */

static bool begins_like(const struct cli_verb *v, const char *word)
{
	return cli_word_is(word, v->word, v->word_too);
}

/* "show what? peers, routes, ..." or "cannot show "x"; there are peers, routes, ...". */
static bool refuse_second(struct line *line, const char *word)
{
	const struct cli_verb *first = NULL;
	struct strbuf all;

	strbuf_init(&all, CLI_ERROR_TEXT);
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];

		if (!begins_like(v, line->words[0]))
			continue;
		strbuf_printf(&all, "%s%s", first ? ", " : "", v->second);
		if (!first)
			first = v;
	}
	if (word)
		(void)refuse(line, "cannot %s \"%s\"; there are %s", first->word, word, all.data);
	else
		(void)refuse(line, "%s what? %s", first->word, all.data);
	strbuf_done(&all);
	return false;
}

/* NULL after saying why. `asks`: only what help is asked for, and any second word will do. */
static const struct cli_verb *find_verb(struct line *line, bool asks, size_t *ret_n_words)
{
	const char *second = line->n_words > 1 ? line->words[1] : NULL;
	const struct cli_verb *first = NULL;

	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];

		if (!begins_like(v, line->words[0]))
			continue;
		*ret_n_words = v->second ? 2 : 1;
		if (!v->second || asks)
			return v;
		if (second && cli_word_is(second, v->second, v->second_too))
			return v;
		first = v;
	}
	if (first)
		(void)refuse_second(line, second);
	else
		(void)refuse(line, "no command \"%s\"", line->words[0]);
	return NULL;
}

/* Each option that is given belongs to the verb. */
static bool check_options(struct line *line, const struct cli_verb *v)
{
	const uint32_t taken = v->options | CLI_EVERYWHERE;

	for (enum cli_option o = 0; o < N_CLI_OPTIONS; o++) {
		const struct cli_verb *owner = NULL;
		size_t owners = 0;

		if (!line->value[o] || taken & CLI_SET(o))
			continue;
		for (size_t i = 0; i < cli_n_verbs; i++) {
			owners += (cli_verbs[i].options & CLI_SET(o)) != 0;
			if (!owner && cli_verbs[i].options & CLI_SET(o))
				owner = &cli_verbs[i];
		}
		if (owners == 1)
			return refuse(line, "option --%s belongs to \"%s%s%s\"",
				      cli_options[o].long_name, owner->word,
				      owner->second ? " " : "", owner->second ? owner->second : "");
		return refuse(line, "\"%s%s%s\" takes no option --%s", v->word,
			      v->second ? " " : "", v->second ? v->second : "",
			      cli_options[o].long_name);
	}
	return true;
}

/* --- what only one of them has ---------------------------------------------------------------- */

/* "default/web" says its namespace itself. */
static bool check_service(struct line *line, const char *name, const char *ns)
{
	const char *slash = name ? strchr(name, '/') : NULL;

	if (slash && (ns || slash == name || !slash[1] || strchr(slash + 1, '/')))
		return refuse(line, "\"%s\" is no NAMESPACE/NAME", name);
	return true;
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

static bool parse_trace(struct line *line, struct cli_args *args)
{
	struct endpoint from, to;

	args->from = line->value[CLI_OPTION_FROM];
	args->to = line->value[CLI_OPTION_TO];
	if (!args->from || !args->to)
		return refuse(line, "trace needs --from IP:PORT and --to VIP:PORT");
	if (!endpoint_parse(args->from, &from))
		return refuse(line, "\"%s\" is no IP:PORT", args->from);
	if (!endpoint_parse(args->to, &to) || to.port == 0)
		return refuse(line, "\"%s\" is no VIP:PORT", args->to);
	return true;
}

/* A number of an option; not given: 0. */
static bool parse_number(struct line *line, enum cli_option o, uint32_t least, uint32_t most,
			 uint32_t *ret)
{
	const char *text = line->value[o], *at = text;
	uint64_t n = 0;

	if (!text)
		return true;
	for (; *at >= '0' && *at <= '9' && n <= most; at++)
		n = 10 * n + (uint64_t)(*at - '0');
	if (*at || n < least || n > most)
		return refuse(line, "option --%s takes a number from %u to %u",
			      cli_options[o].long_name, least, most);
	*ret = (uint32_t)n;
	return true;
}

static bool parse_capture(struct line *line, struct cli_args *args)
{
	struct ip_prefix prefix;
	struct endpoint vip;
	struct ip_addr addr;

	args->file = args->name ? args->name : "-";
	args->from = line->value[CLI_OPTION_FROM];
	args->vip = line->value[CLI_OPTION_VIP];
	args->dropped = line->value[CLI_OPTION_DROPPED];
	args->reason = line->value[CLI_OPTION_REASON];
	args->direction = line->value[CLI_OPTION_DIRECTION];
	if (args->from && !ip_addr_parse(args->from, &addr) &&
	    !ip_prefix_parse(args->from, &prefix))
		return refuse(line, "\"%s\" is no IP address and no prefix", args->from);
	if (args->vip && !endpoint_parse(args->vip, &vip))
		return refuse(line, "\"%s\" is no IP[:PORT]", args->vip);
	if (args->direction && strcmp(args->direction, "in") != 0 &&
	    strcmp(args->direction, "reply") != 0 && strcmp(args->direction, "both") != 0)
		return refuse(line, "no direction \"%s\"; there are in, reply and both",
			      args->direction);
	return parse_number(line, CLI_OPTION_COUNT, 1, CAPTURE_PACKETS_MAX, &args->packets) &&
	       parse_number(line, CLI_OPTION_SECONDS, 1, CAPTURE_S_MAX, &args->seconds) &&
	       parse_number(line, CLI_OPTION_SNAPLEN, CAPTURE_SNAPLEN_MIN, CAPTURE_SNAPLEN_MAX,
			    &args->snaplen);
}

/* What the words behind an option's or a verb's name say. */
static bool parse_values(struct line *line, const struct cli_verb *v, struct cli_args *args)
{
	const char *duration = line->value[CLI_OPTION_FOR];

	args->ns = line->value[CLI_OPTION_NAMESPACE];
	args->peer = line->value[CLI_OPTION_PEER];
	args->vrf = line->value[CLI_OPTION_VRF];
	args->service = line->value[CLI_OPTION_SERVICE];
	args->prefix = line->value[CLI_OPTION_PREFIX];
	args->received = line->value[CLI_OPTION_RECEIVED];
	args->watch = line->value[CLI_OPTION_WATCH];
	args->dry_run = line->value[CLI_OPTION_DRY_RUN];
	args->what = (enum cli_what)v->what;
	if (v->command == CLI_EXPLAIN)
		args->explained = v->second;
	if (v->command == CLI_CONFIG_DIFF)
		args->file = args->name;
	if (v->command == CLI_MIGRATE)
		args->file = args->name ? args->name : "-";
	if (v->command == CLI_TRACE && !parse_trace(line, args))
		return false;
	if (v->command == CLI_CAPTURE && !parse_capture(line, args))
		return false;
	if (v->command == CLI_SUPPORT)
		args->file = args->name ? args->name : SUPPORT_FILE;
	if (v->command == CLI_COMPLETION && !cli_completion_script(args->name))
		return refuse(line, "no shell \"%s\"; there are bash, zsh and fish", args->name);
	args->removes = v->command == CLI_BLACKHOLE && strcmp(v->second, "remove") == 0;
	return (v->kind != CLI_KIND_SERVICE || check_service(line, args->name, args->ns)) &&
	       check_service(line, args->service, args->ns) &&
	       (!duration || parse_duration(line, duration, &args->seconds));
}

static bool parse_command(struct line *line, struct cli_args *args)
{
	const bool asks = line->value[CLI_OPTION_HELP];
	const struct cli_verb *v;
	size_t n = 0;

	if (asks || line->value[CLI_OPTION_VERSION])
		args->command = asks ? CLI_HELP : CLI_VERSION;
	if (line->value[CLI_OPTION_VERSION] || (asks && line->n_words == 0))
		return true;
	if (line->n_words == 0)
		line->words[line->n_words++] = cli_command_text(CLI_STATUS);
	v = args->verb = find_verb(line, asks, &n);
	if (!v || asks)
		return v;
	args->command = v->command;
	if (v->argument && line->n_words > n)
		args->name = line->words[n++];
	if (line->n_words > n)
		return refuse(line, "\"%s\" is one word too many", line->words[n]);
	if (v->needs_argument && !args->name)
		return refuse(line, "%s%s%s needs %s", v->word, v->second ? " " : "",
			      v->second ? v->second : "", v->argument);
	if (v->command == CLI_CAPTURE && line->value[CLI_OPTION_OUTPUT])
		return refuse(line, "capture writes pcapng: capture FILE");
	if ((v->command == CLI_TOP || v->command == CLI_GRAPH) && line->value[CLI_OPTION_OUTPUT])
		return refuse(line, "%s is a picture: \"show services -o json\" has its numbers",
			      v->word);
	return check_options(line, v) && parse_values(line, v, args);
}

bool cli_parse(int argc, const char *const *argv, struct cli_args *ret, char error[CLI_ERROR_TEXT])
{
	struct line line = {.error = error};
	struct cli_args args = {0};

	if (!gather(argc, argv, &line) || !parse_command(&line, &args) ||
	    !parse_format(&line, &args.format))
		return false;
	args.socket =
		line.value[CLI_OPTION_SOCKET] ? line.value[CLI_OPTION_SOCKET] : LODESTONE_SOCKET;
	*ret = args;
	return true;
}

const char *cli_command_text(enum cli_command command)
{
	const struct cli_verb *v = cli_verbs;

	while (v->command != command)
		v++;
	return v->word;
}

const char *cli_what_text(enum cli_what what)
{
	const struct cli_verb *v = cli_verbs;

	while (v->what != (int)what ||
	       (v->command != CLI_SHOW && v->command != CLI_DROPS && v->command != CLI_FLOWS))
		v++;
	return v->second ? v->second : v->word;
}
