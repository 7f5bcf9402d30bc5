// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/cli_args: every spelling that is accepted, and every line that is refused with what is said.
 */
#include "cli/cli_args.h"
#include "cli/cli_help.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define MAX_WORDS 12

/*
 * Parses a line of words ('' is the empty one). What is parsed points into `kept`, which the caller
 * keeps as long as that.
 */
static bool parse(const char *text, char kept[256], struct cli_args *ret, char *error)
{
	const char *argv[MAX_WORDS] = {"lodectl"};
	char *save = NULL;
	int argc = 1;

	assert_true(strlen(text) < 256);
	memcpy(kept, text, strlen(text) + 1);
	for (char *w = strtok_r(kept, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < MAX_WORDS);
		argv[argc++] = strcmp(w, "''") == 0 ? "" : w;
	}
	return cli_parse(argc, argv, ret, error);
}

static struct cli_args parsed(const char *text)
{
	static char kept[256];
	char error[CLI_ERROR_TEXT];
	struct cli_args args;

	if (!parse(text, kept, &args, error))
		fail_msg("\"%s\" refused: %s", text, error);
	return args;
}

static void defaults_are_table_and_the_usual_socket(void **state)
{
	struct cli_args a = parsed("status");

	(void)state;
	assert_int_equal(a.command, CLI_STATUS);
	assert_int_equal(a.format, CLI_TABLE);
	assert_string_equal(a.socket, "/run/lodestone/lodestoned.sock");
	assert_null(a.name);
	assert_null(a.ns);
	assert_null(a.peer);
	assert_false(a.watch);
}

static void commands_of_one_word(void **state)
{
	(void)state;
	assert_int_equal(parsed("status").command, CLI_STATUS);
	assert_int_equal(parsed("").command, CLI_STATUS);
	assert_int_equal(parsed("-o json -w").command, CLI_STATUS);
	assert_int_equal(parsed("status -w").command, CLI_STATUS);
	assert_int_equal(parsed("drain").command, CLI_DRAIN);
	assert_false(parsed("drain").dry_run);
	assert_true(parsed("drain --dry-run").dry_run);
	assert_int_equal(parsed("log").command, CLI_LOG);
	assert_int_equal(parsed("undrain -o json").command, CLI_UNDRAIN);
	assert_int_equal(parsed("preflight -o json").command, CLI_PREFLIGHT);
}

static void show_is_get_and_the_singular_is_the_plural(void **state)
{
	static const struct {
		const char *text;
		enum cli_what what;
	} cases[] = {
		{"show peers", CLI_PEERS},       {"get peer", CLI_PEERS},
		{"show routes", CLI_ROUTES},     {"get route", CLI_ROUTES},
		{"show services", CLI_SERVICES}, {"get service", CLI_SERVICES},
		{"show bfd", CLI_BFD},           {"show pools", CLI_POOLS},
		{"get pool", CLI_POOLS},         {"show problems", CLI_PROBLEMS},
		{"get problem", CLI_PROBLEMS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cli_args a = parsed(cases[i].text);

		assert_int_equal(a.command, CLI_SHOW);
		assert_int_equal(a.what, cases[i].what);
		assert_null(a.name);
	}
	assert_string_equal(cli_what_text(CLI_PROBLEMS), "problems");
}

static void options_stand_anywhere_in_every_spelling(void **state)
{
	static const char *const lines[] = {
		"--socket /s -o json -n ns -w show service web",
		"show service web --socket=/s -ojson -nns --watch",
		"show --output json service -w --namespace=ns web --socket /s",
		"--output=json --namespace ns --watch --socket /s show service -- web",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct cli_args a = parsed(lines[i]);

		assert_int_equal(a.what, CLI_SERVICES);
		assert_int_equal(a.format, CLI_JSON);
		assert_string_equal(a.socket, "/s");
		assert_string_equal(a.name, "web");
		assert_string_equal(a.ns, "ns");
		assert_true(a.watch);
	}
}

static void formats_have_names(void **state)
{
	(void)state;
	assert_int_equal(parsed("status -o table").format, CLI_TABLE);
	assert_int_equal(parsed("status -o wide").format, CLI_WIDE);
	assert_int_equal(parsed("status -o json").format, CLI_JSON);
	assert_int_equal(parsed("status -o yaml").format, CLI_YAML);
}

static void routes_take_a_prefix_and_a_peer(void **state)
{
	struct cli_args a = parsed("show routes --peer tor-1 10.0.0.0/24");

	(void)state;
	assert_int_equal(a.what, CLI_ROUTES);
	assert_string_equal(a.peer, "tor-1");
	assert_string_equal(a.name, "10.0.0.0/24");
}

static void filters_are_taken_where_they_mean_something(void **state)
{
	struct cli_args a = parsed("show routes --vrf red --prefix 10.0.0.0/8 --service a/b");

	(void)state;
	assert_string_equal(a.vrf, "red");
	assert_string_equal(a.prefix, "10.0.0.0/8");
	assert_string_equal(a.service, "a/b");
	assert_string_equal(parsed("show peers --vrf=default").vrf, "default");
	assert_string_equal(parsed("show bfd --vrf red").vrf, "red");
	assert_string_equal(parsed("show services a/b --prefix ::/0").prefix, "::/0");
	assert_string_equal(parsed("show backends b -n a --prefix ::/0").prefix, "::/0");
}

static void a_capture_has_a_file_and_what_it_is_of(void **state)
{
	static const char *const refused[][2] = {
		{"capture a b", "\"b\" is one word too many"},
		{"capture -o json", "capture writes pcapng: capture FILE"},
		{"capture --from 192.0.2.0", NULL},
		{"capture --from 192.0.2.0/33", "\"192.0.2.0/33\" is no IP address and no prefix"},
		{"capture --from 192.0.2.1:80", "\"192.0.2.1:80\" is no IP address and no prefix"},
		{"capture --vip 192.0.2.1/80x", "\"192.0.2.1/80x\" is no IP[:PORT]"},
		{"capture --direction out", "no direction \"out\"; there are in, reply and both"},
		{"capture -c 0", "option --count takes a number from 1 to 100000"},
		{"capture --count 100001", "option --count takes a number from 1 to 100000"},
		{"capture --seconds 1h", "option --seconds takes a number from 1 to 3600"},
		{"capture -s 18446744073709551617",
		 "option --snaplen takes a number from 64 to 1536"},
		{"capture --service a/b/c", "\"a/b/c\" is no NAMESPACE/NAME"},
		{"drops --dropped", "option --dropped belongs to \"capture\""},
	};
	struct cli_args a = parsed("capture x --service=a/b --vip=[::1]:80 --from=::/0 --dropped "
				   "--reason=source --direction=in -c100000 --seconds=3600 -s64");
	char kept[256], error[CLI_ERROR_TEXT];

	(void)state;
	assert_int_equal(a.command, CLI_CAPTURE);
	assert_string_equal(a.file, "x");
	assert_string_equal(a.service, "a/b");
	assert_string_equal(a.vip, "[::1]:80");
	assert_string_equal(a.from, "::/0");
	assert_true(a.dropped);
	assert_string_equal(a.reason, "source");
	assert_string_equal(a.direction, "in");
	assert_int_equal(a.packets, 100000);
	assert_int_equal(a.seconds, 3600);
	assert_int_equal(a.snaplen, 64);
	a = parsed("capture");
	assert_string_equal(a.file, "-");
	assert_int_equal(a.packets + a.seconds + a.snaplen, 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_int_equal(parse(refused[i][0], kept, &a, error), !refused[i][1]);
		if (refused[i][1])
			assert_string_equal(error, refused[i][1]);
	}
}

static void a_trace_has_two_ends(void **state)
{
	static const char *const refused[][2] = {
		{"trace", "trace needs --from IP:PORT and --to VIP:PORT"},
		{"trace --from 1.2.3.4:5", "trace needs --from IP:PORT and --to VIP:PORT"},
		{"trace --from x --to 1.2.3.4:5", "\"x\" is no IP:PORT"},
		{"trace --from 1.2.3.4 --to 1.2.3.4", "\"1.2.3.4\" is no VIP:PORT"},
		{"status --from 1.2.3.4", "\"status\" takes no option --from"},
		{"status --to 1.2.3.4", "option --to belongs to \"trace\""},
		{"top -o json", "top is a picture: \"show services -o json\" has its numbers"},
		{"support", "support what? dump"},
	};
	struct cli_args a = parsed("trace --from 1.2.3.4:5 --to [::1]:80/udp -o yaml -w");
	char kept[256], error[CLI_ERROR_TEXT];

	(void)state;
	assert_int_equal(a.command, CLI_TRACE);
	assert_string_equal(a.from, "1.2.3.4:5");
	assert_string_equal(a.to, "[::1]:80/udp");
	assert_string_equal(parsed("support dump").file, "lodestone-support.tar");
	assert_string_equal(parsed("support dump -").file, "-");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_false(parse(refused[i][0], kept, &a, error));
		assert_string_equal(error, refused[i][1]);
	}
}

static void after_two_dashes_a_dash_is_a_name(void **state)
{
	struct cli_args a = parsed("show peers -- -odd");

	(void)state;
	assert_string_equal(a.name, "-odd");
}

static void help_and_version_need_no_command(void **state)
{
	(void)state;
	assert_int_equal(parsed("--help").command, CLI_HELP);
	assert_int_equal(parsed("-h").command, CLI_HELP);
	assert_int_equal(parsed("show peers --help").command, CLI_HELP);
	assert_int_equal(parsed("--version").command, CLI_VERSION);
}

static void blackholes_are_added_for_a_while_and_removed(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} cases[] = {
		{"blackhole add 192.0.2.7", 0},
		{"blackhole add 192.0.2.7 --for 45s", 45},
		{"--for=30m blackhole add 192.0.2.7", 1800},
		{"blackhole add 192.0.2.7 --for 1h30m", 5400},
		{"blackhole add --for 2d3h4m5s 192.0.2.7", 2 * 86400 + 3 * 3600 + 4 * 60 + 5},
		{"blackhole add 192.0.2.7 --for 3650d", 315360000},
	};
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		a = parsed(cases[i].text);
		assert_int_equal(a.command, CLI_BLACKHOLE);
		assert_false(a.removes);
		assert_string_equal(a.name, "192.0.2.7");
		assert_int_equal(a.seconds, cases[i].seconds);
	}
	a = parsed("blackhole remove 2001:db8::/48");
	assert_int_equal(a.command, CLI_BLACKHOLE);
	assert_true(a.removes);
	assert_string_equal(a.name, "2001:db8::/48");
}

static void a_migration_is_compared_with_a_file_or_standard_input(void **state)
{
	static const char *const refused[][2] = {
		{"migrate", "migrate what? diff"},
		{"migrate all", "cannot migrate \"all\"; there are diff"},
		{"migrate diff a b", "\"b\" is one word too many"},
		{"migrate diff -n x", "\"migrate diff\" takes no option --namespace"},
		{"migrate diff --received", "option --received belongs to \"show routes\""},
		{"migrate diff -w", "\"migrate diff\" takes no option --watch"},
		{"migrate diff --for 5m", "option --for belongs to \"blackhole add\""},
	};
	struct cli_args a = parsed("migrate diff dump.json --peer r -o json");
	char kept[256], error[CLI_ERROR_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct cli_args b;

		assert_false(parse(refused[i][0], kept, &b, error));
		assert_string_equal(error, refused[i][1]);
	}
	assert_int_equal(a.command, CLI_MIGRATE);
	assert_string_equal(a.file, "dump.json");
	assert_string_equal(a.peer, "r");
	assert_string_equal(parsed("migrate diff").file, "-");
	assert_string_equal(parsed("migrate diff -").file, "-");
	assert_string_equal(cli_command_text(CLI_MIGRATE), "migrate");
}

static void an_edit_is_a_file_a_folder_or_standard_input(void **state)
{
	char kept[256], error[CLI_ERROR_TEXT];
	struct cli_args a = parsed("config diff new.yaml -o json");

	(void)state;
	assert_int_equal(a.command, CLI_CONFIG_DIFF);
	assert_string_equal(a.file, "new.yaml");
	assert_int_equal(a.format, CLI_JSON);
	assert_string_equal(parsed("config diff -").file, "-");
	assert_false(parse("config diff", kept, &a, error));
	assert_string_equal(error, "config diff needs FILE|DIR");
	assert_false(parse("config diff a -w", kept, &a, error));
	assert_string_equal(error, "\"config diff\" takes no option --watch");
}

static const struct {
	const char *text, *error;
} refused[] = {
	{"frobnicate", "no command \"frobnicate\""},
	{"show",
	 "show what? peers, routes, services, backends, bfd, pools, nodes, blackholes, problems"},
	{"show tables",
	 "cannot show \"tables\"; there are peers, routes, services, backends, bfd, pools, nodes, blackholes, problems"},
	{"status now", "\"now\" is one word too many"},
	{"show peers a b", "\"b\" is one word too many"},
	{"status -n ns", "\"status\" takes no option --namespace"},
	{"drain now", "\"now\" is one word too many"},
	{"preflight all", "\"all\" is one word too many"},
	{"undrain --peer x", "\"undrain\" takes no option --peer"},
	{"undrain --dry-run", "option --dry-run belongs to \"drain\""},
	{"drain -w", "\"drain\" takes no option --watch"},
	{"status --peer x", "\"status\" takes no option --peer"},
	{"show peers --peer x", "\"show peers\" takes no option --peer"},
	{"show pools --vrf x", "\"show pools\" takes no option --vrf"},
	{"show peers --service x", "\"show peers\" takes no option --service"},
	{"show peers --prefix x", "\"show peers\" takes no option --prefix"},
	{"show services a/b -n c", "\"a/b\" is no NAMESPACE/NAME"},
	{"show routes --service a/", "\"a/\" is no NAMESPACE/NAME"},
	{"show peers --received", "option --received belongs to \"show routes\""},
	{"-x status", "unknown option -x"},
	{"--sock /s status", "unknown option --sock"},
	{"--sockets /s status", "unknown option --sockets"},
	{"--=x status", "unknown option --=x"},
	{"-wx status", "option -wx takes no value"},
	{"--watch=yes status", "option --watch=yes takes no value"},
	{"status --socket", "option --socket needs a value"},
	{"status -o", "option -o needs a value"},
	{"status --socket=", "option --socket= has an empty value"},
	{"show peers -n ''", "option -n has an empty value"},
	{"status -o xml", "no output format \"xml\"; there are table, wide, json and yaml"},
	{"explain", "explain what? service, ip, peer"},
	{"explain service", "explain service needs [NS/]NAME"},
	{"explain pool x", "cannot explain \"pool\"; there are service, ip, peer"},
	{"explain service a/b/c", "\"a/b/c\" is no NAMESPACE/NAME"},
	{"explain service a/", "\"a/\" is no NAMESPACE/NAME"},
	{"explain service /b", "\"/b\" is no NAMESPACE/NAME"},
	{"explain service a/b -n c", "\"a/b\" is no NAMESPACE/NAME"},
	{"explain ip 10.0.0.1 -n c", "\"explain ip\" takes no option --namespace"},
	{"blackhole", "blackhole what? add, remove"},
	{"blackhole all", "cannot blackhole \"all\"; there are add, remove"},
	{"blackhole add", "blackhole add needs PREFIX"},
	{"blackhole add a b", "\"b\" is one word too many"},
	{"blackhole add a -n b", "\"blackhole add\" takes no option --namespace"},
	{"blackhole add a -w", "\"blackhole add\" takes no option --watch"},
	{"blackhole add a --for 30", "\"30\" is no duration: write 30m, 1h30m or 45s"},
	{"blackhole add a --for 5m1h", "\"5m1h\" is no duration: write 30m, 1h30m or 45s"},
	{"blackhole add a --for 1mm", "\"1mm\" is no duration: write 30m, 1h30m or 45s"},
	{"blackhole add a --for -5m", "\"-5m\" is no duration: write 30m, 1h30m or 45s"},
	{"blackhole add a --for 0s", "a blackhole is for one second to ten years"},
	{"blackhole add a --for 3650d1s", "a blackhole is for one second to ten years"},
	{"blackhole add a --for 99999999999999999999s",
	 "\"99999999999999999999s\" is no duration: write 30m, 1h30m or 45s"},
	{"blackhole remove a --for 5m", "option --for belongs to \"blackhole add\""},
	{"show blackholes --for 5m", "option --for belongs to \"blackhole add\""},
	{"explain peer a --peer b", "\"explain peer\" takes no option --peer"},
};

static void bad_lines_are_refused_with_their_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct cli_args a = {.name = "untouched"};
		char kept[256], error[CLI_ERROR_TEXT];

		if (parse(refused[i].text, kept, &a, error))
			fail_msg("accepted \"%s\"", refused[i].text);
		assert_string_equal(error, refused[i].error);
		assert_string_equal(a.name, "untouched");
	}
}

static void a_service_an_ip_and_a_peer_are_explained(void **state)
{
	struct cli_args a = parsed("explain service default/web");

	(void)state;
	assert_int_equal(a.command, CLI_EXPLAIN);
	assert_string_equal(a.explained, "service");
	assert_string_equal(a.name, "default/web");
	assert_string_equal(parsed("explain svc web -n x").ns, "x");
	assert_string_equal(parsed("explain services web").explained, "service");
	assert_string_equal(parsed("explain ip 10.0.0.1 -o json").explained, "ip");
	assert_string_equal(parsed("explain peer a/b").explained, "peer");
}

/* The tables are read by others, too: what they promise of each row. */
static void every_row_of_the_tables_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];
		const size_t len = strlen(v->help);

		assert_true(len > 0 && !strchr(v->help, '\n') && v->help[len - 1] != '.');
		assert_int_equal(v->options & CLI_EVERYWHERE, 0);
		assert_int_equal(v->options >> N_CLI_OPTIONS, 0);
		assert_int_equal(!v->argument, v->kind == CLI_KIND_NONE);
		assert_true(!v->needs_argument || v->argument);
		for (size_t j = 0; j < i; j++)
			assert_false(strcmp(v->word, cli_verbs[j].word) == 0 &&
				     (!v->second || strcmp(v->second, cli_verbs[j].second) == 0));
	}
	for (size_t i = 0; i < N_CLI_OPTIONS; i++) {
		assert_non_null(cli_options[i].long_name);
		assert_int_equal(!cli_options[i].value, cli_options[i].kind == CLI_KIND_NONE);
		assert_false(strchr(cli_options[i].help, '\n'));
	}
}

static void help_names_every_command_and_option_in_80_columns(void **state)
{
	struct strbuf all;
	char word[64];

	(void)state;
	strbuf_init(&all, 1u << 16);
	cli_help(NULL, &all);
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];

		(void)snprintf(word, sizeof(word), "\n  %s%s%s%s%s ", v->word, v->second ? " " : "",
			       v->second ? v->second : "", v->argument ? " " : "",
			       v->argument ? v->argument : "");
		if (!strstr(all.data, word))
			fail_msg("--help does not say \"%s\"", word);
	}
	for (size_t i = 0; i < N_CLI_OPTIONS; i++) {
		(void)snprintf(word, sizeof(word), "--%s", cli_options[i].long_name);
		assert_non_null(strstr(all.data, word));
	}
	for (const char *at = all.data; *at; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 80);
	strbuf_done(&all);
}

static void help_of_one_command_is_that_of_its_word(void **state)
{
	const struct cli_args a = parsed("blackhole anything --help");
	struct strbuf text;

	(void)state;
	assert_int_equal(a.command, CLI_HELP);
	assert_string_equal(a.verb->word, "blackhole");
	strbuf_init(&text, 1u << 16);
	cli_help(parsed("undrain -h").verb, &text);
	assert_string_equal(
		text.data,
		"usage: lodectl [OPTION...] undrain\n"
		"\n"
		"  undrain                       serve and announce again\n"
		"\n"
		"  -o, --output FORMAT           table (default), wide, json or yaml\n"
		"      --socket PATH             the agent's socket\n"
		"                                (/run/lodestone/lodestoned.sock)\n"
		"  -h, --help                    this text; behind a command, what that one takes\n"
		"      --version                 the version\n"
		"\n"
		"Exit code: 0 done; 1 could not (usage, no agent, refused, nothing there to\n"
		"explain); 2 from status, if the agent has an error, a peer that is not\n"
		"Established or a failing data plane, and from preflight, if something vital is\n"
		"missing. Of migrate diff and config diff: 0 all is equal; 1 something differs; 2\n"
		"could not.\n");
	strbuf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_table_and_the_usual_socket),
		cmocka_unit_test(commands_of_one_word),
		cmocka_unit_test(show_is_get_and_the_singular_is_the_plural),
		cmocka_unit_test(options_stand_anywhere_in_every_spelling),
		cmocka_unit_test(formats_have_names),
		cmocka_unit_test(routes_take_a_prefix_and_a_peer),
		cmocka_unit_test(filters_are_taken_where_they_mean_something),
		cmocka_unit_test(a_capture_has_a_file_and_what_it_is_of),
		cmocka_unit_test(a_trace_has_two_ends),
		cmocka_unit_test(after_two_dashes_a_dash_is_a_name),
		cmocka_unit_test(help_and_version_need_no_command),
		cmocka_unit_test(blackholes_are_added_for_a_while_and_removed),
		cmocka_unit_test(a_migration_is_compared_with_a_file_or_standard_input),
		cmocka_unit_test(an_edit_is_a_file_a_folder_or_standard_input),
		cmocka_unit_test(bad_lines_are_refused_with_their_reason),
		cmocka_unit_test(a_service_an_ip_and_a_peer_are_explained),
		cmocka_unit_test(every_row_of_the_tables_is_whole),
		cmocka_unit_test(help_names_every_command_and_option_in_80_columns),
		cmocka_unit_test(help_of_one_command_is_that_of_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
