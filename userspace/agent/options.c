// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Command line by getopt_long over one table. What an option means for the agent is decided where
 * it is used; here only the words are checked.
 */
#include "agent/options.h"

#include "base/mem.h"

#include <getopt.h>

static const char help_text[] =
	"usage: lodestoned --config DIR|FILE [options]          run the agent\n"
	"       lodestoned --feed PATH [options]                the same in a cluster\n"
	"       lodestoned --check[=warn] --config DIR|FILE     validate and exit: 0, or 2 on errors\n"
	"       lodestoned --diff FILE|DIR [options]            what lodectl config diff shows, and\n"
	"       lodestoned --diff-drain [options]               ... lodectl drain --dry-run\n"
	"       lodestoned --cleanup [--pin DIR]                remove what is in the kernel; the\n"
	"                                                       configuration and --state stay\n"
	"       lodestoned --preflight[=json] [--pin DIR]       what this host has and lacks: 0, or 2\n"
	"                                                       if something vital is missing\n"
	"\n"
	"  --config DIR|FILE    MetalLB, Kubernetes and Lodestone objects as YAML; reread on change\n"
	"  --feed PATH          objects from lodestone-kube, which connects to this socket; --config\n"
	"                       may then be left out (the folder config under --state)\n"
	"  --wait-config        start also when --config is not there yet\n"
	"  --node NAME          this node (LODESTONE_NODE_NAME, else the host name)\n"
	"  --socket PATH        control socket (/run/lodestone/lodestoned.sock)\n"
	"  --pin DIR            pinned maps and programs (/sys/fs/bpf/lodestone)\n"
	"  --state DIR          what has to survive a restart (/var/lib/lodestone)\n"
	"  --namespace NS       MetalLB's namespace (metallb-system)\n"
	"  --lb-class CLASS     serve Services of this loadBalancerClass (default: those without one)\n"
	"  --log-level L        error, warn, info or debug (info)\n"
	"  --log-format F       kv or json (kv)\n"
	"  --version, --help\n"
	"\n"
	"SIGHUP rereads the configuration. SIGTERM leaves the data plane, and the routes at peers with\n"
	"graceful restart. SIGINT withdraws the routes and leaves the data plane.\n";

enum {
	OPT_CONFIG = 256,
	OPT_FEED,
	OPT_WAIT_CONFIG,
	OPT_NODE,
	OPT_SOCKET,
	OPT_PIN,
	OPT_STATE,
	OPT_NAMESPACE,
	OPT_LB_CLASS,
	OPT_LOG_LEVEL,
	OPT_LOG_FORMAT,
	OPT_CHECK,
	OPT_DIFF,
	OPT_DIFF_DRAIN,
	OPT_CLEANUP,
	OPT_PREFLIGHT,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option table[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"feed", required_argument, NULL, OPT_FEED},
	{"wait-config", no_argument, NULL, OPT_WAIT_CONFIG},
	{"node", required_argument, NULL, OPT_NODE},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"pin", required_argument, NULL, OPT_PIN},
	{"state", required_argument, NULL, OPT_STATE},
	{"namespace", required_argument, NULL, OPT_NAMESPACE},
	{"lb-class", required_argument, NULL, OPT_LB_CLASS},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"log-format", required_argument, NULL, OPT_LOG_FORMAT},
	{"check", optional_argument, NULL, OPT_CHECK},
	{"diff", required_argument, NULL, OPT_DIFF},
	{"diff-drain", no_argument, NULL, OPT_DIFF_DRAIN},
	{"cleanup", no_argument, NULL, OPT_CLEANUP},
	{"preflight", optional_argument, NULL, OPT_PREFLIGHT},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static bool one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static const char *take_log_level(struct options *o, const char *value)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	if (!one_of(value, levels, ARRAY_SIZE(levels)))
		return "--log-level takes error, warn, info or debug";
	o->log_level = value;
	return NULL;
}

static const char *take_log_format(struct options *o, const char *value)
{
	static const char *const formats[] = {"kv", "json"};

	if (!one_of(value, formats, ARRAY_SIZE(formats)))
		return "--log-format takes kv or json";
	o->log_json = strcmp(value, "json") == 0;
	return NULL;
}

static const char *take_check(struct options *o, const char *value)
{
	o->action = OPTIONS_CHECK;
	if (value && strcmp(value, "warn") != 0)
		return "--check takes no value but warn";
	o->check_warnings = value != NULL;
	return NULL;
}

static const char *take_preflight(struct options *o, const char *value)
{
	o->action = OPTIONS_PREFLIGHT;
	if (value && strcmp(value, "json") != 0)
		return "--preflight takes no value but json";
	o->preflight_json = value != NULL;
	return NULL;
}

static const char *take(struct options *o, int opt, const char *value)
{
	const char **target = opt == OPT_CONFIG      ? &o->config
			      : opt == OPT_FEED      ? &o->feed
			      : opt == OPT_NODE      ? &o->node
			      : opt == OPT_SOCKET    ? &o->socket
			      : opt == OPT_PIN       ? &o->pin
			      : opt == OPT_STATE     ? &o->state
			      : opt == OPT_NAMESPACE ? &o->ns
			      : opt == OPT_LB_CLASS  ? &o->lb_class
			      : opt == OPT_DIFF      ? &o->file
						     : NULL;

	if (target) {
		if (!value[0])
			return "an option has an empty value";
		*target = value;
		if (opt == OPT_DIFF)
			o->action = OPTIONS_DIFF;
		return NULL;
	}
	switch (opt) {
	case OPT_WAIT_CONFIG:
		o->wait_config = true;
		return NULL;
	case OPT_LOG_LEVEL:
		return take_log_level(o, value);
	case OPT_LOG_FORMAT:
		return take_log_format(o, value);
	case OPT_CHECK:
		return take_check(o, value);
	case OPT_DIFF_DRAIN:
		o->action = OPTIONS_DIFF;
		return NULL;
	case OPT_CLEANUP:
		o->action = OPTIONS_CLEANUP;
		return NULL;
	case OPT_PREFLIGHT:
		return take_preflight(o, value);
	case OPT_VERSION:
		o->action = OPTIONS_VERSION;
		return NULL;
	case OPT_HELP:
		o->action = OPTIONS_HELP;
		return NULL;
	default:
		return "unknown option, or one without its value";
	}
}

const char *options_parse(int argc, char *const *argv, const char *env_node, const char *host,
			  struct options *ret)
{
	struct options o = {
		.node = env_node && env_node[0] ? env_node : host,
		.socket = LODESTONE_SOCKET,
		.pin = "/sys/fs/bpf/lodestone",
		.state = "/var/lib/lodestone",
		.ns = "metallb-system",
		.log_level = "info",
	};
	int opt;

	opterr = 0;
	optind = 0; /* glibc: start over, so that this can be called more than once */
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		const char *wrong = take(&o, opt, optarg);

		if (wrong)
			return wrong;
	}
	if (optind < argc)
		return "arguments without an option name are not taken";
	if (!o.config && (o.action == OPTIONS_CHECK || (o.action == OPTIONS_RUN && !o.feed)))
		return o.action == OPTIONS_CHECK ? "--config DIR|FILE is missing"
						 : "--config DIR|FILE or --feed PATH is missing";
	*ret = o;
	return NULL;
}

const char *options_help(void)
{
	return help_text;
}
