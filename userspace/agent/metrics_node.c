// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The agent itself, where its objects come from, pools, and the data plane as a whole: all that
 * does not grow with Services.
 */
#include "agent/metrics_inside.h"

#include "agent/agent.h"
#include "agent/feed.h"
#include "lb/lb_drops.h"
#include "plan/plan_reason.h"
#include "sys/bpf_dataplane.h"

/* --- the agent -------------------------------------------------------------------------------- */

static size_t reason_at(const struct plan_reason *reasons, const char *word)
{
	size_t i = 0;

	while (reasons[i].word && strcmp(reasons[i].word, word) != 0)
		i++;
	return i;
}

/* In one walk: there may be thousands of Services, and there are dozens of reasons. */
static void tell_services_by_reason(const struct agent *a, struct metrics_text *t)
{
	const struct plan *plan = &a->current->plan;
	const struct plan_reason *reasons = plan_reasons();
	size_t announced = 0, n_reasons = 0;
	uint64_t *n;

	while (reasons[n_reasons].word)
		n_reasons++;
	n = arena_array_of(t->scratch, n_reasons + 1, uint64_t);
	for (size_t i = 0; i < plan->n_services; i++)
		if (plan->services[i].announced)
			announced++;
		else
			n[reason_at(reasons, plan->services[i].reason)]++;
	metrics_single(t, METRIC_SERVICES, plan->n_services);
	metrics_single(t, METRIC_SERVICES_ANNOUNCED, announced);
	metrics_family(t, METRIC_SERVICES_NOT_ANNOUNCED);
	for (size_t i = 0; i < n_reasons; i++)
		if (n[i] > 0)
			metrics_sample(t, METRIC_SERVICES_NOT_ANNOUNCED, n[i], &reasons[i].word);
}

static void tell_gates(const struct agent *a, struct metrics_text *t, size_t incomplete)
{
	const struct {
		const char *gate;
		uint64_t n;
	} gates[] = {
		{"unheld", a->ledger.n_leaving},
		{"replaced", a->ledger.n_waiting},
		{"drained", a->ledger.n_drains},
		{"complete", incomplete},
	};

	metrics_family(t, METRIC_GATE_WAITING);
	for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
		metrics_sample(t, METRIC_GATE_WAITING, gates[i].n, &gates[i].gate);
}

static void tell_problems(const struct agent *a, struct metrics_text *t)
{
	metrics_family(t, METRIC_PROBLEMS);
	for (int s = SEVERITY_ERROR; s >= SEVERITY_INFO; s--) {
		const char *word = severity_text((enum severity)s);

		metrics_sample(t, METRIC_PROBLEMS,
			       problems_count(&a->current->problems, (enum severity)s), &word);
	}
}

bool metrics_tell_agent(const struct agent *a, struct metrics_text *t)
{
	const struct metrics_times *times = metrics_times_of(a);
	size_t incomplete = 0;

	for (size_t i = 0; i < a->inputs.n_sources; i++)
		incomplete += !a->inputs.sources[i].is_complete;
	metrics_family(t, METRIC_BUILD);
	metrics_sample(t, METRIC_BUILD, 1,
		       (const char *const[]){LODESTONE_VERSION, a->options->node});
	metrics_single(t, METRIC_UPTIME, t->now - a->started_at);
	metrics_single(t, METRIC_READY, a->ready_said);
	metrics_single_histogram(t, METRIC_TURN, "turn", &times->turn);
	metrics_single_histogram(t, METRIC_PLAN, "plan", &times->plan);
	metrics_single_histogram(t, METRIC_APPLY, "apply", &times->apply);
	tell_problems(a, t);
	metrics_single(t, METRIC_STALE_OBJECTS, world_stale(a->world).objects);
	metrics_single(t, METRIC_SOURCES_INCOMPLETE, incomplete);
	metrics_single(t, METRIC_DRAINED, a->current->plan.drained);
	tell_gates(a, t, incomplete);
	tell_services_by_reason(a, t);
	return true;
}

/* --- sources ---------------------------------------------------------------------------------- */

static void tell_feed(const struct agent *a, struct metrics_text *t)
{
	struct feed_figures f;
	uint64_t updates;

	if (!feed_figures(a, &f))
		return;
	updates = f.n_updates;
	metrics_kept_add(t->kept, "feed", &updates, 1);
	metrics_single(t, METRIC_FEED_UP, f.is_connected);
	metrics_family(t, METRIC_FEED_KINDS);
	for (size_t i = 0; i < FEED_STATES; i++) {
		const char *word = feed_state_text(i);

		metrics_sample(t, METRIC_FEED_KINDS, f.kinds[i], &word);
	}
	metrics_single(t, METRIC_FEED_UPDATES, updates);
	metrics_single(t, METRIC_LEASE_HOLDER, f.is_holder);
	metrics_single(t, METRIC_M_UPDATES_K8S, updates);
}

/* As MetalLB means it: what stands in the API server, or in files, is not what is in force. */
bool metrics_tell_sources(const struct agent *a, struct metrics_text *t)
{
	const bool is_stale = problems_count(&a->current->problems, SEVERITY_ERROR) > 0 ||
			      world_stale(a->world).objects > 0;

	tell_feed(a, t);
	metrics_single(t, METRIC_M_LOADED, agent_inputs_are_complete(&a->inputs));
	metrics_single(t, METRIC_M_STALE, is_stale);
	return true;
}

/* --- pools ------------------------------------------------------------------------------------ */

struct pool {
	const char *name;
	uint64_t total[IP_N_FAMILIES], used[IP_N_FAMILIES];
};

static uint64_t add_up(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void gather_pool(const struct agent *a, const struct api_object *o, struct pool *ret)
{
	const struct plan_addresses *given = &a->current->addresses;

	*ret = (struct pool){.name = o->meta.name};
	for (size_t i = 0; i < o->pool.n_ranges; i++) {
		const struct ip_range *r = &o->pool.ranges[i];
		uint64_t *total = &ret->total[ip_family_of(&r->first)];

		*total = add_up(*total, ip_range_count(r));
	}
	for (size_t i = 0; i < given->n; i++)
		ret->used[ip_family_of(&given->items[i].addr)] +=
			strcmp(given->items[i].pool, o->meta.name) == 0;
}

static void tell_pool_family(struct metrics_text *t, enum metric id, const struct pool *pools,
			     size_t n, bool of_used)
{
	metrics_family(t, id);
	for (size_t i = 0; i < n; i++)
		for (enum ip_family f = IP_V4; f < IP_N_FAMILIES; f++)
			metrics_sample(t, id, of_used ? pools[i].used[f] : pools[i].total[f],
				       (const char *const[]){pools[i].name, ip_family_text(f)});
}

static void tell_allocator(struct metrics_text *t, const struct pool *pools, size_t n)
{
	static const enum metric ids[][2] = {
		{METRIC_M_ADDRESSES, METRIC_M_IN_USE},
		{METRIC_M_ADDRESSES_4, METRIC_M_IN_USE_4},
		{METRIC_M_ADDRESSES_6, METRIC_M_IN_USE_6},
	};

	for (size_t k = 0; k < 2 * ARRAY_SIZE(ids); k++) {
		const enum metric id = ids[k / 2][k % 2];

		metrics_family(t, id);
		for (size_t i = 0; i < n; i++) {
			const uint64_t *all = k % 2 ? pools[i].used : pools[i].total;

			metrics_sample(t, id,
				       k / 2 == 0   ? add_up(all[IP_V4], all[IP_V6])
				       : k / 2 == 1 ? all[IP_V4]
						    : all[IP_V6],
				       &pools[i].name);
		}
	}
}

/* MetalLB's alerts take it that one instance tells of a pool: the one that allocates. */
bool metrics_tell_pools(const struct agent *a, struct metrics_text *t)
{
	const struct world_list list = world_list(a->world, API_IP_ADDRESS_POOL);
	struct pool *pools = arena_array_of(t->scratch, list.n, struct pool);

	for (size_t i = 0; i < list.n; i++)
		gather_pool(a, list.items[i], &pools[i]);
	tell_pool_family(t, METRIC_POOL_ADDRESSES, pools, list.n, false);
	tell_pool_family(t, METRIC_POOL_IN_USE, pools, list.n, true);
	if (!a->feed || feed_is_holder(a))
		tell_allocator(t, pools, list.n);
	return true;
}

/* --- the data plane --------------------------------------------------------------------------- */

static const char *mode_of(const struct agent *a, int ifindex)
{
	const struct plan_actual *actual = &a->current->actual;

	for (size_t i = 0; i < actual->n_devices; i++)
		if (actual->devices[i].ifindex == ifindex && actual->devices[i].xdp)
			return actual->devices[i].generic ? "generic" : "native";
	return "none";
}

/* Those that packets to VIPs arrive by. */
static void tell_modes(const struct agent *a, struct metrics_text *t)
{
	const struct plan *plan = &a->current->plan;

	metrics_family(t, METRIC_INTERFACE_MODE);
	for (size_t i = 0; i < plan->n_devices; i++)
		if (plan->devices[i].xdp)
			metrics_sample(t, METRIC_INTERFACE_MODE, 1,
				       (const char *const[]){plan->devices[i].name,
							     mode_of(a, plan->devices[i].ifindex)});
}

static void tell_reasons(struct metrics_text *t, enum metric id, const uint64_t *counts, size_t n,
			 bool lost)
{
	metrics_family(t, id);
	for (size_t i = 1; i < n; i++) {
		const char *name = lb_drop_name(i);

		if (lb_drop_is_lost(i) == lost)
			metrics_sample(t, id, counts[i], &name);
	}
}

static void tell_maps(const struct bpf_dataplane *dp, struct metrics_text *t)
{
	const struct bpf_usage u = bpf_dataplane_usage(dp);
	size_t wanted, denied = bpf_dataplane_denied(dp, &wanted);
	const struct {
		const char *map;
		uint64_t n, max;
	} maps[] = {
		{"services", u.services, LIMIT_SERVICES}, {"rows", u.rows, u.max_rows},
		{"backends", u.backends, u.max_backends}, {"flows", u.flows, u.max_flows},
		{"denied", denied, u.max_denied},
	};

	metrics_family(t, METRIC_MAP_ENTRIES);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		metrics_sample(t, METRIC_MAP_ENTRIES, maps[i].n, &maps[i].map);
	metrics_family(t, METRIC_MAP_CAPACITY);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		metrics_sample(t, METRIC_MAP_CAPACITY, maps[i].max, &maps[i].map);
}

static void tell_flows(const struct bpf_dataplane *dp, struct metrics_text *t)
{
	static const char *const states[] = {"established", "other"};
	const struct lb_flow_usage usage = bpf_dataplane_flow_usage(dp);

	metrics_family(t, METRIC_FLOWS);
	metrics_sample(t, METRIC_FLOWS, usage.established, &states[0]);
	metrics_sample(t, METRIC_FLOWS, usage.living - usage.established, &states[1]);
}

static void tell_other_nodes(const struct plan *plan, struct metrics_text *t)
{
	static const char *const names[] = {[REMOTE_UNKNOWN] = "asked",
					    [REMOTE_ANSWERS] = "answers",
					    [REMOTE_SILENT] = "silent",
					    [REMOTE_STRANGE] = "other_version",
					    [REMOTE_LEAVING] = "leaving"};
	uint64_t counts[ARRAY_SIZE(names)] = {0};

	for (size_t i = 0; i < plan->n_remotes; i++)
		counts[plan->remotes[i].state]++;
	metrics_family(t, METRIC_OTHER_NODES);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		metrics_sample(t, METRIC_OTHER_NODES, counts[i], &names[i]);
}

bool metrics_tell_dataplane(const struct agent *a, struct metrics_text *t)
{
	uint64_t counts[64];
	size_t n;

	metrics_single(t, METRIC_DATAPLANE_UP, a->dataplane != NULL);
	tell_modes(a, t);
	tell_other_nodes(&a->current->plan, t);
	if (!a->dataplane)
		return true;
	n = bpf_dataplane_drops(a->dataplane, counts, ARRAY_SIZE(counts));
	n = n < ARRAY_SIZE(counts) ? n : ARRAY_SIZE(counts);
	tell_reasons(t, METRIC_DROPS, counts, n, true);
	tell_reasons(t, METRIC_PASSED, counts, n, false);
	tell_maps(a->dataplane, t);
	tell_flows(a->dataplane, t);
	return true;
}
