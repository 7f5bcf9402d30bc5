// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodestoned --check: the same decoder, allocator and planner as the running agent, over the same
 * files, with a node of which nothing is known: what depends on the machine (links, addresses,
 * routers that answer) cannot be checked here and is left out.
 */
#include "agent/agent.h"
#include "agent/source_failure.h"
#include "plan/ipam.h"
#include "sys/watch.h"

#include <errno.h>

#define EXIT_PROBLEMS 2

static void on_file(void *ctx, struct watch_file *file)
{
	struct world *w = ctx;

	if (file->event == WATCH_CHANGED)
		world_put_source(w, file->path, file->text, file->len);
	else if (file->event == WATCH_FAILED)
		source_failure_tell(w, file);
}

/* Problems of this node's present state, which a configuration is not to blame for. */
static bool is_about_the_node(const struct problem *p)
{
	static const char *const kinds[] = {"Interface", "DataPlane"};
	static const char *const reasons[] = {
		"SourceAddressNotLocal", "PeerNotEstablished", "NoUplink",
		"UplinkMissing",         "InterfaceMissing",   "VrfMissing"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (p->object.kind && strcmp(p->object.kind, kinds[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strcmp(p->reason, reasons[i]) == 0)
			return true;
	return false;
}

static void compute(const struct options *options, const struct world *world,
		    struct problems *problems)
{
	const struct plan_settings settings = {
		.node_name = options->node,
		.ns = options->ns,
		.lb_class = options->lb_class,
		.dataplane = true,
	};
	struct plan_addresses none = {0}, addresses;
	struct plan_node node = {0};
	struct plan_actual actual = {0};
	struct plan_ledger empty = {0}, ledger;
	const struct plan_inputs in = {
		.world = world,
		.addresses = &addresses,
		.node = &node,
		.actual = &actual,
		.settings = &settings,
		.synced = true,
	};
	const struct ipam_inputs ipam = {
		.world = world,
		.settings = &settings,
		.node = &node,
		.given = &none,
		.synced = true,
	};
	struct plan plan;
	nsec_t deadline;

	problems_append(problems, world_problems(world));
	ipam_compute(&ipam, problems->arena, &addresses, problems);
	plan_compute(&in, &empty, 1, problems->arena, &plan, &ledger, &deadline);
	problems_append(problems, &plan.problems);
	problems_sort(problems);
}

static int load(const struct options *options, struct world *world)
{
	struct watch *watch = NULL;
	int r;

	if (access(options->config, R_OK) < 0)
		r = -errno;
	else
		r = watch_new(&(struct watch_args){.path = options->config}, &watch);
	if (r < 0) {
		fprintf(stderr, "lodestoned: --config %s: %s\n", options->config, strerror(-r));
		return r;
	}
	(void)watch_scan(watch, 0, true, &(struct watch_reader){.tell = on_file, .ctx = world});
	watch_free(watch);
	return 0;
}

int agent_check(const struct options *options)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems problems = {.arena = arena};
	struct world *world = world_new();
	int code = EXIT_SUCCESS;

	if (load(options, world) < 0) {
		world_free(world);
		return EXIT_FAILURE;
	}
	compute(options, world, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		const struct problem *p = &problems.items[i];

		if (is_about_the_node(p))
			continue;
		printf("%s\n", problem_line(arena, p));
		if (p->severity == SEVERITY_ERROR ||
		    (p->severity == SEVERITY_WARNING && options->check_warnings))
			code = EXIT_PROBLEMS;
	}
	world_free(world);
	return code;
}
