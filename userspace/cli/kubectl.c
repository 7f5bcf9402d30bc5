// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A command line that lodectl would refuse is refused here, before a pod is asked, and --help needs
 * no cluster. Files are the operator's, not the pod's: what reads or writes one is to use standard
 * input and output.
 */
#include "cli/kubectl.h"

#include "base/limits.h"
#include "cli/ask.h"
#include "cli/child.h"
#include "cli/cli_help.h"
#include "cli/kubectl_same.h"

#include <errno.h>
#include <sys/wait.h>

#define PROGRAM   "kubectl-lodestone"
#define SELECTOR  "app=lodestone,component=speaker"
#define CONTAINER "agent" /* deploy/kustomize/base/daemonset.yaml */
#define MAX_FIXED 10      /* words before lodectl's */

static const char usage[] =
	"usage: kubectl lodestone [--node NODE | --all-nodes] [--agents-in NS] ...\n"
	"       kubectl lodestone same [--agents-in NS]\n"
	"\n"
	"Runs lodectl in the agent's pod on that node, or on each; with one node no --node is\n"
	"needed. NS is the agents' namespace (" KUBECTL_NAMESPACE
	"). \"same\" holds versions and what is\n"
	"configured of all nodes side by side, and exits 1 if they differ. The rest is lodectl's:\n"
	"\n";

bool kubectl_is_asked(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, PROGRAM) == 0;
}

/* The value of an option that this word is, as the next word or glued on; NULL: it is not. */
static const char *value_of(const char *word, const char *next, const char *option,
			    bool *ret_took_next)
{
	const size_t len = strlen(option);

	*ret_took_next = false;
	if (strncmp(word, option, len) != 0 || (word[len] && word[len] != '='))
		return NULL;
	if (word[len] == '=')
		return word + len + 1;
	*ret_took_next = true;
	return next ? next : "";
}

const char *kubectl_split(struct arena *arena, int argc, const char *const *argv,
			  struct kubectl_line *ret)
{
	bool took = false;

	*ret = (struct kubectl_line){.in = KUBECTL_NAMESPACE};
	ret->argv = arena_array_of(arena, (size_t)argc + 2, const char *);
	ret->argv[ret->argc++] = "lodectl";
	for (int i = 1; i < argc; i += 1 + took) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL, *value;

		if ((value = value_of(argv[i], next, "--node", &took))) {
			ret->node = value;
		} else if ((value = value_of(argv[i], next, "--agents-in", &took))) {
			ret->in = value;
		} else if (strcmp(argv[i], "--all-nodes") == 0) {
			ret->all_nodes = true;
		} else {
			ret->argv[ret->argc++] = argv[i];
		}
	}
	if ((ret->node && !ret->node[0]) || !ret->in[0])
		return "an option needs a value";
	return ret->node && ret->all_nodes ? "--node and --all-nodes exclude each other" : NULL;
}

size_t kubectl_pods(struct arena *arena, const char *text, struct kubectl_pod **ret)
{
	size_t n = 0, cap = 0;

	*ret = NULL;
	while (*text) {
		const size_t line = strcspn(text, "\n"), node = strcspn(text, " \n");
		const char *pod = text + node + strspn(text + node, " ");
		const size_t len = strcspn(pod, " \n");
		struct kubectl_pod *p;

		if (node > 0 && node < line && len > 0) {
			p = arena_push(arena, ret, &n, &cap, sizeof(**ret));
			*p = (struct kubectl_pod){arena_strndup(arena, text, node),
						  arena_strndup(arena, pod, len)};
		}
		text += line + (text[line] != '\0');
	}
	return n;
}

/* How many agents there are; 0 after saying why. */
static size_t find_pods(struct arena *arena, const char *in, struct kubectl_pod **ret)
{
	const char *const words[] = {"kubectl",
				     "get",
				     "pods",
				     "-n",
				     in,
				     "-l",
				     SELECTOR,
				     "--field-selector=status.phase=Running",
				     "--no-headers",
				     "-o",
				     "custom-columns=NODE:.spec.nodeName,POD:.metadata.name",
				     NULL};
	struct strbuf out;
	size_t n = 0;
	int code;

	strbuf_init(&out, LIMIT_REPLY_BYTES);
	code = child_run(child_exec, words, 0, false, &out);
	if (code == 0)
		n = kubectl_pods(arena, out.data ? out.data : "", ret);
	if (code == CHILD_MISSING)
		(void)say_failure("there is no kubectl in PATH", "", "");
	else if (n == 0)
		(void)say_failure("no agent was found in namespace ", in,
				  "; --agents-in names another one");
	strbuf_done(&out);
	return n;
}

/* lodectl's words behind kubectl's, which gives it a terminal only if there is one. */
static const char **words_of(struct arena *arena, const struct kubectl_line *line, const char *pod,
			     bool has_terminal)
{
	const char *const fixed[] = {"kubectl", "exec",    has_terminal ? "-it" : "-i",
				     "-n",      line->in,  pod,
				     "-c",      CONTAINER, "--",
				     NULL};
	const char **words =
		arena_array_of(arena, MAX_FIXED + (size_t)line->argc + 1, const char *);
	size_t n = 0;

	for (; fixed[n]; n++)
		words[n] = fixed[n];
	memcpy(words + n, line->argv, (size_t)line->argc * sizeof(*words));
	return words;
}

static int run_on(struct arena *arena, const struct kubectl_line *line, const char *pod)
{
	const char **words =
		words_of(arena, line, pod, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
	int status;
	pid_t child;

	child = fork();
	if (child == 0)
		child_exec(words);
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			child = -1;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_COULD_NOT;
}

/* What each node says of itself, side by side. */
static int run_same(struct arena *arena, const struct kubectl_line *line,
		    const struct kubectl_pod *pods, size_t n)
{
	static const char *status[] = {"lodectl", "status", "-o", "json", NULL};
	const struct kubectl_line asked = {.in = line->in, .argv = status, .argc = 4};
	cJSON *all = cJSON_CreateArray();
	struct strbuf text;
	bool same;

	for (size_t i = 0; i < n; i++) {
		struct strbuf answer;
		cJSON *o;

		strbuf_init(&answer, LIMIT_REPLY_BYTES);
		/* status exits 2 where all is not well, and says all the same. */
		(void)!child_run(child_exec, words_of(arena, &asked, pods[i].name, false), 0, false,
				 &answer);
		o = cJSON_Parse(answer.data ? answer.data : "");
		if (!o)
			o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "asked", pods[i].node);
		cJSON_AddItemToArray(all, o);
		strbuf_done(&answer);
	}
	strbuf_init(&text, LIMIT_REPLY_BYTES);
	same = kubectl_same(all, &text);
	fputs(text.data, stdout);
	strbuf_done(&text);
	cJSON_Delete(all);
	return same ? EXIT_DONE : EXIT_COULD_NOT;
}

static int run_all(struct arena *arena, const struct kubectl_line *line,
		   const struct kubectl_pod *pods, size_t n)
{
	int worst = EXIT_DONE;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		int code;

		if (line->node && strcmp(line->node, pods[i].node) != 0)
			continue;
		found = true;
		if (line->all_nodes) {
			printf("== %s\n", pods[i].node);
			(void)fflush(stdout);
		}
		code = run_on(arena, line, pods[i].name);
		worst = code > worst ? code : worst;
	}
	return found ? worst : say_failure("no agent runs on node ", line->node, "");
}

static int which_node(const struct kubectl_pod *pods, size_t n)
{
	(void)say_failure("which node? --node NAME, or --all-nodes; there are:", "", "");
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "  %s\n", pods[i].node);
	return EXIT_COULD_NOT;
}

static int help(const struct cli_args *args)
{
	struct strbuf text;

	strbuf_init(&text, LIMIT_REPLY_BYTES);
	strbuf_add(&text, usage);
	cli_help(args->verb, &text);
	fputs(text.data, stdout);
	strbuf_done(&text);
	return EXIT_DONE;
}

/* What is not for a pod: 0 or 1, the exit code; -1: ask the pods. */
static int at_home(const struct kubectl_line *line)
{
	char error[CLI_ERROR_TEXT];
	struct cli_args args;

	if (!cli_parse(line->argc, line->argv, &args, error))
		return say_failure(error, "", "; see kubectl lodestone --help");
	if (args.command == CLI_HELP)
		return help(&args);
	if (args.file && strcmp(args.file, "-") != 0)
		return say_failure("files are not the pod's: write - for standard input or output",
				   "", "");
	if (args.command == CLI_CAPTURE && line->all_nodes)
		return say_failure("a capture is one node's: --node NAME", "", "");
	return -1;
}

int kubectl_run(int argc, const char *const *argv)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kubectl_pod *pods;
	struct kubectl_line line;
	const char *wrong = kubectl_split(arena, argc, argv, &line);
	bool asks_same;
	size_t n;
	int code;

	if (wrong)
		return say_failure(wrong, "", "; see kubectl lodestone --help");
	asks_same = line.argc == 2 && strcmp(line.argv[1], "same") == 0;
	code = asks_same ? -1 : at_home(&line);
	if (code >= 0)
		return code;
	n = find_pods(arena, line.in, &pods);
	if (n == 0)
		return EXIT_COULD_NOT;
	if (asks_same)
		return run_same(arena, &line, pods, n);
	if (n > 1 && !line.node && !line.all_nodes)
		return which_node(pods, n);
	return run_all(arena, &line, pods, n);
}
