// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The command line is a contract (DESIGN 10): defaults, where the node's name comes from, and that
 * a wrong word is refused with a sentence instead of being guessed.
 */
#include "agent/options.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PARSE(ret, ...)                                                                            \
	options_parse(                                                                             \
		(int)ARRAY_SIZE(((const char *[]){"lodestoned", __VA_ARGS__})),                    \
		(char *const *)(uintptr_t)((const char *[]){"lodestoned", __VA_ARGS__, NULL}),     \
		NULL, "host", ret)

static void defaults_are_those_of_the_contract(void **state)
{
	struct options o;

	(void)state;
	assert_null(PARSE(&o, "--config", "dir"));
	assert_int_equal(o.action, OPTIONS_RUN);
	assert_string_equal(o.config, "dir");
	assert_string_equal(o.node, "host");
	assert_string_equal(o.socket, "/run/lodestone/lodestoned.sock");
	assert_string_equal(o.pin, "/sys/fs/bpf/lodestone");
	assert_string_equal(o.state, "/var/lib/lodestone");
	assert_string_equal(o.ns, "metallb-system");
	assert_null(o.lb_class);
	assert_false(o.log_json);
	assert_false(o.wait_config);
	assert_null(PARSE(&o, "--feed", "f"));
	assert_null(o.config);
}

static void node_name_comes_from_option_then_environment_then_host(void **state)
{
	char *argv[] = {(char[]){"lodestoned"}, (char[]){"--config=d"}, (char[]){"--node=option"},
			NULL};
	struct options o;

	(void)state;
	assert_null(options_parse(3, argv, "env", "host", &o));
	assert_string_equal(o.node, "option");
	assert_null(options_parse(2, argv, "env", "host", &o));
	assert_string_equal(o.node, "env");
	assert_null(options_parse(2, argv, "", "host", &o));
	assert_string_equal(o.node, "host");
}

static void every_option_lands_in_its_field(void **state)
{
	struct options o;

	(void)state;
	assert_null(PARSE(&o, "--config", "c", "--socket", "s", "--pin", "p", "--state", "t",
			  "--namespace", "n", "--lb-class", "k", "--log-level", "debug",
			  "--log-format", "json", "--wait-config"));
	assert_string_equal(o.socket, "s");
	assert_string_equal(o.pin, "p");
	assert_string_equal(o.state, "t");
	assert_string_equal(o.ns, "n");
	assert_string_equal(o.lb_class, "k");
	assert_string_equal(o.log_level, "debug");
	assert_true(o.log_json);
	assert_true(o.wait_config);
}

static void actions(void **state)
{
	struct options o;

	(void)state;
	assert_null(PARSE(&o, "--check", "--config", "c"));
	assert_int_equal(o.action, OPTIONS_CHECK);
	assert_false(o.check_warnings);
	assert_null(PARSE(&o, "--check=warn", "--config", "c"));
	assert_true(o.check_warnings);
	assert_null(PARSE(&o, "--diff", "f", "--state", "s"));
	assert_int_equal(o.action, OPTIONS_DIFF);
	assert_string_equal(o.file, "f");
	assert_null(PARSE(&o, "--diff-drain"));
	assert_int_equal(o.action, OPTIONS_DIFF);
	assert_null(o.file);
	assert_null(PARSE(&o, "--cleanup", "--pin", "p"));
	assert_int_equal(o.action, OPTIONS_CLEANUP);
	assert_null(PARSE(&o, "--preflight", "--pin", "p"));
	assert_int_equal(o.action, OPTIONS_PREFLIGHT);
	assert_false(o.preflight_json);
	assert_null(PARSE(&o, "--preflight=json"));
	assert_true(o.preflight_json);
	assert_null(PARSE(&o, "--version"));
	assert_int_equal(o.action, OPTIONS_VERSION);
}

static void wrong_words_are_refused(void **state)
{
	struct options o;

	(void)state;
	assert_non_null(PARSE(&o, "--node", "x"));              /* no --config */
	assert_non_null(PARSE(&o, "--check", "--feed", "f"));   /* it would check nothing */
	assert_non_null(PARSE(&o, "--config", "c", "--bogus")); /* unknown */
	assert_non_null(PARSE(&o, "--config"));                 /* no value */
	assert_non_null(PARSE(&o, "--config", ""));             /* empty value */
	assert_non_null(PARSE(&o, "--config", "c", "stray"));   /* no option name */
	assert_non_null(PARSE(&o, "--config", "c", "--log-level", "loud"));
	assert_non_null(PARSE(&o, "--config", "c", "--log-format", "xml"));
	assert_non_null(PARSE(&o, "--config", "c", "--check=all"));
	assert_non_null(PARSE(&o, "--diff", ""));
	assert_non_null(PARSE(&o, "--preflight=yaml"));
}

static void help_names_every_option(void **state)
{
	static const char *const names[] = {
		"--config",    "--node",       "--socket",      "--pin",       "--state",
		"--namespace", "--lb-class",   "--log-level",   "--check",     "--cleanup",
		"--version",   "--log-format", "--wait-config", "--preflight", "--diff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(strstr(options_help(), names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_contract),
		cmocka_unit_test(node_name_comes_from_option_then_environment_then_host),
		cmocka_unit_test(every_option_lands_in_its_field),
		cmocka_unit_test(actions),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
