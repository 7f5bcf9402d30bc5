// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One table for getopt_long. */
#include "feeder/options.h"

#include "base/mem.h"

#include <getopt.h>

static const char help_text[] =
	"usage: lodestone-kube --agent PATH [options]   watch an API server for lodestoned\n"
	"\n"
	"  --agent PATH         where lodestoned listens (its --feed)\n"
	"  --kubeconfig FILE    server and credentials; default: those that a pod is given\n"
	"  --api-server URL     https://HOST:PORT to be asked instead\n"
	"  --namespace NS       where MetalLB's objects are (metallb-system)\n"
	"  --node NAME          this node (LODESTONE_NODE_NAME, then the host name)\n"
	"  --log-level L        error, warn, info or debug (info)\n"
	"  --log-format F       kv or json (kv)\n"
	"  --version, --help\n"
	"\n"
	"In a pod, KUBERNETES_API_HOST and KUBERNETES_API_PORT go before KUBERNETES_SERVICE_HOST and\n"
	"_PORT, for clusters where the Service of the API server needs a proxy that is not there.\n";

enum {
	OPT_AGENT = 256,
	OPT_KUBECONFIG,
	OPT_API_SERVER,
	OPT_NAMESPACE,
	OPT_NODE,
	OPT_LOG_LEVEL,
	OPT_LOG_FORMAT,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option table[] = {
	{"agent", required_argument, NULL, OPT_AGENT},
	{"kubeconfig", required_argument, NULL, OPT_KUBECONFIG},
	{"api-server", required_argument, NULL, OPT_API_SERVER},
	{"namespace", required_argument, NULL, OPT_NAMESPACE},
	{"node", required_argument, NULL, OPT_NODE},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"log-format", required_argument, NULL, OPT_LOG_FORMAT},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char *take_log_format(struct options *o, const char *value)
{
	o->log_json = strcmp(value, "json") == 0;
	return o->log_json || strcmp(value, "kv") == 0 ? NULL : "--log-format takes kv or json";
}

static const char *take_text(const char **target, const char *value)
{
	*target = value;
	return *value ? NULL : "an option has an empty value";
}

static const char *take(struct options *o, int opt, const char *value)
{
	switch (opt) {
	case OPT_AGENT:
		return take_text(&o->agent, value);
	case OPT_KUBECONFIG:
		return take_text(&o->kubeconfig, value);
	case OPT_API_SERVER:
		return take_text(&o->api_server, value);
	case OPT_NAMESPACE:
		return take_text(&o->ns, value);
	case OPT_NODE:
		return take_text(&o->node, value);
	case OPT_LOG_LEVEL:
		return take_text(&o->log_level, value);
	case OPT_LOG_FORMAT:
		return take_log_format(o, value);
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

const char *options_parse(int argc, char *const *argv, struct options *ret)
{
	struct options o = {.ns = "metallb-system", .log_level = "info"};
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
	if (!o.agent && o.action == OPTIONS_RUN)
		return "--agent PATH is missing";
	*ret = o;
	return NULL;
}

const char *options_help(void)
{
	return help_text;
}
