// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The one table of lodectl's commands and options. The command line is parsed by it, --help is
 * printed from it, and man page and completion are generated from it: link cli_table.o (and
 * libbase) and walk cli_verbs[] to cli_n_verbs, and cli_options[] to N_CLI_OPTIONS.
 *
 * A verb is one or two words ("status", "show routes") with at most one argument. Help texts are
 * plain text without line breaks, begin in lower case and end without a full stop; whoever prints
 * them breaks lines at blanks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_command {
	CLI_STATUS,
	CLI_SHOW,
	CLI_EXPLAIN,
	CLI_DRAIN,
	CLI_UNDRAIN,
	CLI_BLACKHOLE,
	CLI_MIGRATE,
	CLI_CONFIG_DIFF,
	CLI_PREFLIGHT,
	CLI_DROPS,
	CLI_FLOWS,
	CLI_TOP,
	CLI_LOG,
	CLI_LOG_LEVEL,
	CLI_SUPPORT,
	CLI_COMPLETION,
	CLI_TRACE,
	CLI_CAPTURE,
	CLI_GRAPH,
	CLI_HELP,
	CLI_VERSION
};

enum cli_what {
	CLI_PEERS,
	CLI_ROUTES,
	CLI_SERVICES,
	CLI_BACKENDS,
	CLI_POOLS,
	CLI_PROBLEMS,
	CLI_BFD,
	CLI_BLACKHOLES,
	CLI_NODES,
	CLI_DROP_REASONS, /* of CLI_DROPS, and of CLI_FLOWS: lists that are made here */
	CLI_LIVING_FLOWS,
	CLI_CHANGES, /* of CLI_CONFIG_DIFF */
};

/* What a value names, so that completion knows whom to ask for those there are. */
enum cli_kind {
	CLI_KIND_NONE,      /* takes none */
	CLI_KIND_OTHER,     /* free text, nothing to propose */
	CLI_KIND_PEER,      /* show peers: name */
	CLI_KIND_SERVICE,   /* show services: name, or namespace/name */
	CLI_KIND_NAMESPACE, /* show services: namespace */
	CLI_KIND_POOL,      /* show pools: name */
	CLI_KIND_PREFIX,    /* show routes: prefix */
	CLI_KIND_ADDRESS,   /* show services: vip */
	CLI_KIND_VRF,       /* show peers: vrf, and "default" */
	CLI_KIND_FILE,
	CLI_KIND_LEVEL,  /* error, warn, info, debug */
	CLI_KIND_FORMAT, /* cli_formats[] */
};

enum cli_option {
	CLI_OPTION_OUTPUT,
	CLI_OPTION_NAMESPACE,
	CLI_OPTION_PEER,
	CLI_OPTION_VRF,
	CLI_OPTION_SERVICE,
	CLI_OPTION_PREFIX,
	CLI_OPTION_RECEIVED,
	CLI_OPTION_FROM,
	CLI_OPTION_TO,
	CLI_OPTION_VIP,
	CLI_OPTION_DROPPED,
	CLI_OPTION_REASON,
	CLI_OPTION_DIRECTION,
	CLI_OPTION_COUNT,
	CLI_OPTION_SECONDS,
	CLI_OPTION_SNAPLEN,
	CLI_OPTION_FOR,
	CLI_OPTION_DRY_RUN,
	CLI_OPTION_WATCH,
	CLI_OPTION_SOCKET,
	CLI_OPTION_HELP,
	CLI_OPTION_VERSION,
	N_CLI_OPTIONS,
};

/* The set of one option, to be ored. */
#define CLI_SET(option) (UINT32_C(1) << (option))
/* Those that every verb takes, and are not in its own set. */
#define CLI_EVERYWHERE                                                                             \
	(CLI_SET(CLI_OPTION_OUTPUT) | CLI_SET(CLI_OPTION_SOCKET) | CLI_SET(CLI_OPTION_HELP) |      \
	 CLI_SET(CLI_OPTION_VERSION))

struct cli_option_info {
	const char *long_name; /* without dashes */
	char short_name;       /* 0: none */
	const char *value;     /* what its value is called, "FORMAT"; NULL: it takes none */
	enum cli_kind kind;    /* of the value */
	const char *help;
};

struct cli_verb {
	enum cli_command command;
	int what;               /* enum cli_what of a list, else 0 */
	const char *word;       /* "show" */
	const char *word_too;   /* other spellings, between blanks, "get"; NULL: none */
	const char *second;     /* "routes"; NULL: the verb is one word */
	const char *second_too; /* as word_too, "route" */
	const char *argument;   /* as the synopsis says it, "[PREFIX]"; NULL: there is none */
	bool needs_argument;
	enum cli_kind kind; /* of the argument */
	uint32_t options;   /* CLI_SET() of those that mean something, but CLI_EVERYWHERE */
	const char *help;
};

extern const struct cli_option_info cli_options[N_CLI_OPTIONS];
extern const struct cli_verb cli_verbs[];
extern const size_t cli_n_verbs;

/* The words after -o, by enum cli_format. */
enum cli_format { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML };
#define N_CLI_FORMATS 4
extern const char *const cli_formats[N_CLI_FORMATS];

/* What the exit codes mean, one line each, for --help and the man page. */
extern const char *const cli_exit_codes;

/* Whether a word is this name, or one of the other spellings, between blanks (NULL: there are
 * none). */
bool cli_word_is(const char *word, const char *name, const char *too);
