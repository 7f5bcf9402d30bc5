// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The words so far choose the rows that are still possible; what is proposed are the canonical
 * spellings, what is understood are all. A word that is no prefix of anything proposes nothing.
 */
#include "cli/cli_complete.h"

#define MAX_WORDS 3 /* show WHAT NAME */

static const char bash_script[] =
	"# bash completion of lodectl; written by \"lodectl completion bash\"\n"
	"_lodectl() {\n"
	"\tlocal cur=${COMP_LINE:0:COMP_POINT} word words=()\n"
	"\tread -ra words <<<\"$cur\"\n"
	"\t[[ $cur != *[[:space:]] ]] || words+=('')\n"
	"\tcur=${words[-1]}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS=$'\\t' read -r word _; do\n"
	"\t\t# bash breaks words at colons and replaces the last part only\n"
	"\t\t[[ $cur != *:* || $COMP_WORDBREAKS != *:* ]] || word=${word#\"${cur%\"${cur##*:}\"}\"}\n"
	"\t\tCOMPREPLY+=(\"$word\")\n"
	"\tdone < <(lodectl __complete \"${words[@]:1}\" 2>/dev/null)\n"
	"}\n"
	"complete -o default -F _lodectl lodectl\n";

static const char zsh_script[] =
	"#compdef lodectl\n"
	"# zsh completion of lodectl; written by \"lodectl completion zsh\"\n"
	"_lodectl() {\n"
	"\tlocal word help\n"
	"\tlocal -a found\n"
	"\tlodectl __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null | while IFS=$'\\t' read -r word help; do\n"
	"\t\tfound+=(\"${word//:/\\\\:}${help:+:$help}\")\n"
	"\tdone\n"
	"\tif (( $#found )); then _describe lodectl found; else _files; fi\n"
	"}\n"
	"if [[ $funcstack[1] == _lodectl ]]; then _lodectl \"$@\"; else compdef _lodectl lodectl; fi\n";

static const char fish_script[] =
	"# fish completion of lodectl; written by \"lodectl completion fish\"\n"
	"function __lodectl_complete\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tlodectl __complete $words[2..-1] 2>/dev/null\n"
	"end\n"
	"complete -c lodectl -n 'test -n \"(__lodectl_complete)\"' -f -a '(__lodectl_complete)'\n";

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_first(const struct cli_verb *v, const char *word)
{
	return cli_word_is(word, v->word, v->word_too);
}

static bool is_second(const struct cli_verb *v, const char *word)
{
	return v->second && cli_word_is(word, v->second, v->second_too);
}

static const struct cli_option_info *option_of(const char *word)
{
	for (size_t i = 0; i < N_CLI_OPTIONS; i++) {
		const struct cli_option_info *o = &cli_options[i];

		if (begins(word, "--") ? strcmp(word + 2, o->long_name) == 0
				       : word[1] == o->short_name && word[1] && !word[2])
			return o;
	}
	return NULL;
}

static void add(struct strbuf *out, const char *dashes, const char *word, const char *help)
{
	strbuf_printf(out, "%s%s\t%s\n", dashes, word, help);
}

static void add_list(const char *const *list, size_t n, const char *typed, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++)
		if (begins(list[i], typed))
			add(out, "", list[i], "");
}

static enum cli_kind add_values(enum cli_kind kind, const char *typed, struct strbuf *out)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	if (kind == CLI_KIND_FORMAT)
		add_list(cli_formats, N_CLI_FORMATS, typed, out);
	else if (kind == CLI_KIND_LEVEL)
		add_list(levels, ARRAY_SIZE(levels), typed, out);
	else if (kind != CLI_KIND_OTHER)
		return kind;
	return CLI_KIND_NONE;
}

static void add_options(uint32_t taken, const char *typed, struct strbuf *out)
{
	const char *name = typed + (begins(typed, "--") ? 2 : 1);

	if (name == typed + 1 && name[0])
		return; /* a short one, which is complete */
	for (size_t i = 0; i < N_CLI_OPTIONS; i++)
		if (taken & CLI_SET(i) && begins(cli_options[i].long_name, name))
			add(out, "--", cli_options[i].long_name, cli_options[i].help);
}

/* The row above it says the same word. */
static bool is_repeated(const struct cli_verb *v)
{
	return v > cli_verbs && strcmp(v[-1].word, v->word) == 0;
}

static enum cli_kind add_words(const char *const *words, size_t n, const char *typed,
			       struct strbuf *out, bool *ret_qualified)
{
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct cli_verb *v = &cli_verbs[i];
		const size_t own = v->second ? 2 : 1;

		if ((n > 0 && !is_first(v, words[0])) ||
		    (n > 1 && v->second && !is_second(v, words[1])))
			continue;
		if (n == 0 && !is_repeated(v) && begins(v->word, typed))
			add(out, "", v->word, v->second ? "" : v->help);
		else if (n == 1 && v->second && begins(v->second, typed))
			add(out, "", v->second, v->help);
		else if (n == own && v->argument) {
			*ret_qualified = v->command == CLI_EXPLAIN;
			return add_values(v->kind, typed, out);
		}
	}
	return CLI_KIND_NONE;
}

/* Of each row that the words leave possible. */
static uint32_t options_of(const char *const *words, size_t n)
{
	uint32_t taken = CLI_EVERYWHERE;

	for (size_t i = 0; i < cli_n_verbs; i++)
		if ((n == 0 || is_first(&cli_verbs[i], words[0])) &&
		    (n < 2 || !cli_verbs[i].second || is_second(&cli_verbs[i], words[1])))
			taken |= cli_verbs[i].options;
	return taken;
}

enum cli_kind cli_complete(int argc, const char *const *argv, struct strbuf *out,
			   bool *ret_qualified)
{
	const char *typed = argc > 0 ? argv[argc - 1] : "";
	const struct cli_option_info *o = NULL;
	const char *words[MAX_WORDS];
	size_t n = 0;

	*ret_qualified = false;
	for (int i = 0; i + 1 < argc; i++) {
		if (o && o->value) {
			o = NULL; /* its value */
			continue;
		}
		o = argv[i][0] == '-' ? option_of(argv[i]) : NULL;
		if (argv[i][0] == '-')
			continue;
		if (n == MAX_WORDS)
			return CLI_KIND_NONE;
		words[n++] = argv[i];
	}
	if (o && o->value)
		return add_values(o->kind, typed, out);
	if (typed[0] == '-') {
		add_options(options_of(words, n), typed, out);
		return CLI_KIND_NONE;
	}
	return add_words(words, n, typed, out, ret_qualified);
}

const char *cli_completion_script(const char *shell)
{
	return strcmp(shell, "bash") == 0   ? bash_script
	       : strcmp(shell, "zsh") == 0  ? zsh_script
	       : strcmp(shell, "fish") == 0 ? fish_script
					    : NULL;
}
