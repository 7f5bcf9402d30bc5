// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodestone-kube: watches an API server and tells lodestoned what is there. It needs no privilege
 * but to reach both, and to read its credentials.
 *
 * Where to read on: feeder.c (what there is), kube/kube_watch.h (what is asked), kube/kube_frame.h
 * (what the agent is told).
 */
#include "base/names.h"
#include "feeder/access.h"
#include "feeder/confine.h"
#include "feeder/feeder.h"
#include "feeder/options.h"
#include "sys/log.h"
#include "sys/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static bool find_access(const struct options *options, struct access *access, struct strbuf *why)
{
	const bool is_found = options->kubeconfig
				      ? access_of_kubeconfig(access, options->kubeconfig, why)
				      : access_of_pod(access, ACCESS_POD_FOLDER, why);

	if (!is_found || !options->api_server || access_set_server(access, options->api_server))
		return is_found;
	strbuf_printf(why, "--api-server takes https://HOST:PORT");
	return false;
}

/* As lodestoned finds it, so that both say the same. */
static const char *node_of(const struct options *options, char *name, size_t size)
{
	const char *node = options->node ? options->node : getenv("LODESTONE_NODE_NAME");

	if (node && *node)
		return node;
	name[size - 1] = '\0';
	return gethostname(name, size - 1) == 0 ? name : "unknown";
}

static int run(const struct options *options)
{
	struct access access;
	char host[HOST_NAME_MAX + 2];
	struct strbuf why;
	int r = confine();

	if (r < 0) {
		fprintf(stderr, "lodestone-kube: cannot give up what it does not need: %s\n",
			strerror(-r));
		return EXIT_FAILURE;
	}
	strbuf_init(&why, 1024);
	if (find_access(options, &access, &why)) {
		log_info("lodestone-kube starting", "version=%s server=%s namespace=%s",
			 LODESTONE_VERSION, log_quote(access.server), log_quote(options->ns));
		/* Objects that are written go with the pod. */
		r = feeder_run(&(struct feeder_args){.access = &access,
						     .agent = options->agent,
						     .ns = options->ns,
						     .pod_name = getenv("POD_NAME"),
						     .pod_uid = getenv("POD_UID"),
						     .node = node_of(options, host, sizeof(host))});
	} else {
		fprintf(stderr, "lodestone-kube: %s\n", why.data);
		r = -EINVAL;
	}
	access_done(&access);
	strbuf_done(&why);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	enum log_level level = LOG_LEVEL_INFO;
	struct options options;
	const char *wrong = options_parse(argc, argv, &options);

	memory_no_core();
	if (!wrong && !log_level_parse(options.log_level, &level))
		wrong = "--log-level takes error, warn, info or debug";
	if (wrong) {
		fprintf(stderr, "lodestone-kube: %s; see lodestone-kube --help\n", wrong);
		return EXIT_FAILURE;
	}
	log_init(level, options.log_json);
	switch (options.action) {
	case OPTIONS_RUN:
		return run(&options);
	case OPTIONS_VERSION:
		printf("lodestone-kube %s\n", lodestone_build());
		return EXIT_SUCCESS;
	case OPTIONS_HELP:
		fputs(options_help(), stdout);
		return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}
