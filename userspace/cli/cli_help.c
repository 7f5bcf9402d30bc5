// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two columns, at most 80 places wide: a terminal that is woken at night may be no wider.
 */
#include "cli/cli_help.h"

#include "base/names.h"

#define LEFT  32 /* where help texts begin */
#define WIDTH 80

/* Breaks text at blanks; `at` is the place in the line, further lines begin at `left`. */
static void add_wrapped(struct strbuf *out, const char *text, size_t at, size_t left)
{
	while (*text) {
		const size_t len = strcspn(text, " ");

		if (at > left && at + 1 + len > WIDTH) {
			strbuf_add(out, "\n");
			at = 0;
		}
		if (at == 0)
			strbuf_printf(out, "%*s", (int)left, "");
		if (at > left)
			strbuf_add(out, " ");
		strbuf_add_len(out, text, len);
		at = (at > left ? at + 1 : left) + len;
		text += len + strspn(text + len, " ");
	}
	strbuf_add(out, "\n");
}

static void add_row(struct strbuf *out, const char *left, const char *text)
{
	const size_t len = strlen(left);

	strbuf_add(out, left);
	if (len > LEFT - 2)
		strbuf_add(out, "\n");
	else
		strbuf_printf(out, "%*s", (int)(LEFT - len), "");
	add_wrapped(out, text, len > LEFT - 2 ? 0 : LEFT, LEFT);
}

static void add_verb(struct strbuf *out, const struct cli_verb *v)
{
	struct strbuf left;

	strbuf_init(&left, WIDTH);
	strbuf_printf(&left, "  %s%s%s%s%s", v->word, v->second ? " " : "",
		      v->second ? v->second : "", v->argument ? " " : "",
		      v->argument ? v->argument : "");
	add_row(out, left.data, v->help);
	strbuf_done(&left);
}

static void add_option(struct strbuf *out, const struct cli_option_info *o)
{
	struct strbuf left;

	strbuf_init(&left, WIDTH);
	if (o->short_name)
		strbuf_printf(&left, "  -%c, ", o->short_name);
	else
		strbuf_add(&left, "      ");
	strbuf_printf(&left, "--%s%s%s", o->long_name, o->value ? " " : "",
		      o->value ? o->value : "");
	add_row(out, left.data, o->help);
	strbuf_done(&left);
}

void cli_help(const struct cli_verb *verb, struct strbuf *out)
{
	uint32_t taken = CLI_EVERYWHERE;

	strbuf_printf(out, "usage: lodectl [OPTION...] %s\n\n", verb ? verb->word : "COMMAND");
	if (!verb)
		strbuf_add(out, "Asks the agent on this machine what it does.\n\n");
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];

		if (verb && strcmp(v->word, verb->word) != 0)
			continue;
		add_verb(out, v);
		taken |= v->options;
	}
	if (!verb)
		strbuf_add(out, "\n\"get\" is \"show\"; the singular is the plural.\n");
	strbuf_add(out, "\n");
	for (size_t i = 0; i < N_CLI_OPTIONS; i++)
		if (taken & CLI_SET(i))
			add_option(out, &cli_options[i]);
	strbuf_add(out, "\n");
	add_wrapped(out, cli_exit_codes, 0, 0);
}

void cli_version(struct strbuf *out)
{
	strbuf_printf(out, "lodectl %s\n", lodestone_build());
}
