// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Building the agent up and taking it down. What can fail at the start for a reason the operator
 * must know (another agent, no netlink, no socket) ends the process with one clear line; what can
 * come back by itself (a peer, the data plane, a file) is a problem, and the agent runs on.
 */
#include "agent/agent.h"

#include "agent/apply.h"
#include "agent/cleanup.h"
#include "agent/ctl.h"
#include "agent/sources.h"
#include "agent/state.h"
#include "sys/clock.h"
#include "sys/worker.h"

static void start_objects(struct agent *a)
{
	nsec_t now = clock_now();

	a->started_at = now;
	a->plan_at = a->resync_at = a->retry_at = a->quiet_at = NSEC_NEVER;
	a->loop = loop_new();
	a->worker = worker_new(a->loop);
	a->network = worker_new(a->loop);
	a->disk = worker_new(a->loop);
	a->reader = worker_new(a->loop);
	a->world = world_new();
	a->cache = plan_cache_new();
	a->ipam_cache = ipam_cache_new();
	a->wanted_cache = ipam_cache_new();
	a->ledger_arena = arena_new();
	a->given_arena = arena_new();
	a->taken.arena = arena_new();
	a->taken.ask_at = NSEC_NEVER;
	a->plans[0].arena = arena_new();
	a->plans[1].arena = arena_new();
	agent_peers_init(&a->peers, a->loop, a->network, now ^ (uint64_t)getpid() << 32);
	apply_start(a);
	agent_bfd_init(&a->bfd, a->loop, &a->peers, a->options->pin,
		       now ^ (uint64_t)getpid() << 16);
}

int agent_start(struct agent *a, const struct options *options)
{
	int r;

	*a = (struct agent){.options = options, .lock = -1};
	a->settings = (struct plan_settings){
		.node_name = options->node,
		.ns = options->ns,
		.lb_class = options->lb_class,
		.dataplane = true,
	};
	start_objects(a);
	r = agent_lock(options->pin, &a->lock);
	if (r == 0)
		r = sources_start(a);
	if (r == 0) {
		state_load(a, a->started_at);
		r = sources_check(a);
	}
	metrics_start(a);
	page_start(a);
	if (r == 0)
		r = ctl_start(a);
	agent_input_changed(&a->inputs, INPUT_START);
	return r;
}

void agent_done(struct agent *a)
{
	worker_finish(a->disk); /* what is to be saved is */
	worker_finish(a->worker);
	worker_finish(a->network);
	worker_finish(a->reader);
	agent_bfd_done(&a->bfd);
	agent_peers_done(&a->peers);
	ctl_stop(a);
	metrics_stop(a);
	page_stop(a);
	apply_stop(a);
	state_done(a);
	sources_stop(a);
	problem_log_done(&a->problem_log);
	arena_free(a->plans[0].arena);
	arena_free(a->plans[1].arena);
	arena_free(a->taken.arena);
	free(a->taken.since);
	arena_free(a->given_arena);
	arena_free(a->ledger_arena);
	plan_cache_free(a->cache);
	plan_cache_free(a->check);
	ipam_cache_free(a->ipam_cache);
	ipam_cache_free(a->wanted_cache);
	promised_done(&a->promised);
	world_free(a->world);
	worker_free(a->disk);
	worker_free(a->worker);
	worker_free(a->network);
	worker_free(a->reader);
	loop_free(a->loop);
	if (a->lock >= 0)
		close(a->lock);
}
