// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/cli_complete: what is proposed behind which words, and that it is never what the parser
 * refuses.
 */
#include "cli/cli_args.h"
#include "cli/cli_complete.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define MAX_WORDS 8

static char kept[128];
static bool qualified;

/* The proposed words, between blanks, for a line of words; "_" is the empty one. */
static const char *proposed(const char *text, enum cli_kind *ret)
{
	static char all[2048];
	const char *argv[MAX_WORDS];
	char *save = NULL, *at = all;
	struct strbuf out;
	int argc = 0;

	assert_true(strlen(text) < sizeof(kept));
	memcpy(kept, text, strlen(text) + 1);
	for (char *w = strtok_r(kept, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < MAX_WORDS);
		argv[argc++] = strcmp(w, "_") == 0 ? "" : w;
	}
	strbuf_init(&out, sizeof(all));
	*ret = cli_complete(argc, argv, &out, &qualified);
	assert_false(out.truncated);
	for (const char *line = out.data; line && *line; line = strchr(line, '\n') + 1) {
		const size_t len = strcspn(line, "\t");

		assert_int_equal(line[len], '\t');
		if (at > all)
			*at++ = ' ';
		memcpy(at, line, len);
		at += len;
	}
	*at = 0;
	strbuf_done(&out);
	return all;
}

static void proposes(const char *text, const char *words, enum cli_kind kind)
{
	enum cli_kind found;

	assert_string_equal(proposed(text, &found), words);
	assert_int_equal(found, kind);
}

static void commands_once_each_by_what_is_typed(void **state)
{
	(void)state;
	proposes("ex", "explain", CLI_KIND_NONE);
	proposes("un", "undrain", CLI_KIND_NONE);
	proposes("s", "status show support", CLI_KIND_NONE);
	proposes("nonsense", "", CLI_KIND_NONE);
	proposes("explain _", "service ip peer", CLI_KIND_NONE);
	proposes("show p", "peers pools problems", CLI_KIND_NONE);
	proposes("get ro", "routes", CLI_KIND_NONE);
	proposes("status _", "", CLI_KIND_NONE);
}

static void names_are_of_the_kind_of_the_argument(void **state)
{
	(void)state;
	proposes("show peers _", "", CLI_KIND_PEER);
	proposes("get peer -w x", "", CLI_KIND_PEER);
	proposes("show routes _", "", CLI_KIND_PREFIX);
	proposes("show services _", "", CLI_KIND_SERVICE);
	assert_false(qualified);
	proposes("explain svc _", "", CLI_KIND_SERVICE);
	assert_true(qualified);
	proposes("migrate diff _", "", CLI_KIND_FILE);
	proposes("show peers one _", "", CLI_KIND_NONE);
	proposes("show peers one two _", "", CLI_KIND_NONE);
	proposes("show peers one two three _", "", CLI_KIND_NONE);
	proposes("show problems _", "", CLI_KIND_NONE);
}

static void options_are_those_of_the_command(void **state)
{
	(void)state;
	proposes("drain --", "--output --dry-run --socket --help --version", CLI_KIND_NONE);
	proposes(
		"show routes -",
		"--output --namespace --peer --vrf --service --prefix --received --watch --socket --help --version",
		CLI_KIND_NONE);
	proposes("show peers --w", "--watch", CLI_KIND_NONE);
	proposes("blackhole add --f", "--for", CLI_KIND_NONE);
	proposes("blackhole remove --f", "", CLI_KIND_NONE);
	proposes("status -w", "", CLI_KIND_NONE); /* complete */
}

static void values_follow_their_option(void **state)
{
	(void)state;
	proposes("status -o _", "table wide json yaml", CLI_KIND_NONE);
	proposes("--output j", "json", CLI_KIND_NONE);
	proposes("show routes --peer r", "", CLI_KIND_PEER);
	proposes("-n _", "", CLI_KIND_NAMESPACE);
	proposes("blackhole add --for _", "", CLI_KIND_NONE);
	proposes("-o json show poo", "pools", CLI_KIND_NONE);
	proposes("--socket show peers _", "",
		 CLI_KIND_NONE); /* "show" is its value: no such command */
	proposes("--socket -w s", "status show support", CLI_KIND_NONE);
}

/* Every verb, word by word, is proposed, and its whole line is one that the parser takes. */
static void whatever_the_table_has_is_proposed(void **state)
{
	char text[128], error[CLI_ERROR_TEXT];
	enum cli_kind kind;

	(void)state;
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];
		const char *argv[] = {"lodectl", v->word, v->second ? v->second : v->argument,
				      v->argument};
		int argc = 2 + (v->second != NULL) + v->needs_argument;
		struct cli_args args;

		assert_string_equal(proposed(v->word, &kind)[0] ? v->word : "", v->word);
		assert_non_null(strstr(proposed(v->word, &kind), v->word));
		if (v->second) {
			snprintf(text, sizeof(text), "%s %s", v->word, v->second);
			assert_non_null(strstr(proposed(text, &kind), v->second));
		}
		if (v->command == CLI_COMPLETION)
			argv[2] = "zsh";
		if (v->command == CLI_TRACE) {
			argv[argc++] = "--from=192.0.2.1:4000";
			argv[argc++] = "--to=192.0.2.2:80";
		}
		if (!cli_parse(argc, argv, &args, error))
			fail_msg("%s %s: %s", v->word, v->second ? v->second : "", error);
	}
}

static void scripts_are_of_three_shells(void **state)
{
	(void)state;
	assert_non_null(strstr(cli_completion_script("bash"), "complete -o default -F _lodectl"));
	assert_non_null(strstr(cli_completion_script("zsh"), "#compdef lodectl"));
	assert_non_null(strstr(cli_completion_script("fish"), "complete -c lodectl"));
	assert_null(cli_completion_script("csh"));
	assert_null(cli_completion_script(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_once_each_by_what_is_typed),
		cmocka_unit_test(names_are_of_the_kind_of_the_argument),
		cmocka_unit_test(options_are_those_of_the_command),
		cmocka_unit_test(values_follow_their_option),
		cmocka_unit_test(whatever_the_table_has_is_proposed),
		cmocka_unit_test(scripts_are_of_three_shells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
