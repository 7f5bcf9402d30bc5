// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The command line of lodectl as a value. Parsing is pure: it prints nothing and looks at nothing
 * but its arguments, so every refusal is a unit test. Options may stand before or after the
 * command, as people who come from kubectl type them.
 */
#pragma once

#include "base/mem.h"
#include "cli/cli_table.h"

#include <stdbool.h>
#include <stdint.h>

/* Strings are borrowed from argv; NULL: not given. */
struct cli_args {
	enum cli_command command;
	const struct cli_verb *verb; /* its row; of CLI_HELP what help is asked for; or NULL */
	enum cli_what what;          /* with CLI_SHOW */
	const char *explained;       /* with CLI_EXPLAIN: "service", "ip" or "peer" */
	enum cli_format format;
	const char *socket, *name, *ns, *peer; /* name: of a Service, NS/NAME or NAME */
	const char *vrf, *service, *prefix;    /* service: as a Service's name */
	bool received;                         /* of routes: those that peers have sent */
	bool planned;                          /* of routes: those that are to be sent */
	bool watch;
	bool dry_run;     /* with CLI_DRAIN */
	bool has_colour;  /* not of the line: of the terminal */
	const char *file; /* of CLI_MIGRATE what is compared with, of CLI_CONFIG_DIFF the edit, of
			     CLI_SUPPORT and CLI_CAPTURE what is written; "-" */
	const char *from, *to; /* with CLI_TRACE; from: also with CLI_CAPTURE, a prefix */
	const char *vip, *reason, *direction; /* with CLI_CAPTURE, as all to `snaplen` */
	bool dropped;
	uint32_t packets, snaplen; /* 0: the agent's default */
	bool removes;     /* with CLI_BLACKHOLE: the prefix, which is `name`, is no longer one */
	uint32_t seconds; /* with CLI_BLACKHOLE: for so long; 0: until it is removed; CLI_CAPTURE */
};

#define CLI_ERROR_TEXT 160

/*
 * Fills *ret, with defaults for what is not given. False: *ret is untouched and error holds one
 * line for the user, without the program's name.
 */
bool cli_parse(int argc, const char *const *argv, struct cli_args *ret,
	       char error[CLI_ERROR_TEXT]) must_check;

/* As it is written, and asked for. */
const char *cli_command_text(enum cli_command command);
/* "peers", "routes", ...: the word of the protocol and of the table's title. */
const char *cli_what_text(enum cli_what what);
