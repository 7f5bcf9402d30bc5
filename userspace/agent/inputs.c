// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From world, kernel and sinks to the arguments of plan_compute. Nothing is decided here: what the
 * sinks confirm and what the kernel says is passed on as it is.
 */
#include "agent/inputs.h"

#include "agent/agent.h"
#include "agent/plan_check.h"
#include "agent/state.h"
#include "agent/takeover.h"
#include "plan/plan_ledger.h"
#include "sys/bpf_dataplane.h"
#include "sys/netlink.h"

/* --- compute ---------------------------------------------------------------------------------- */

/* Borrowed: who reads what is in it later than the round dumps the store himself. */
static void gather_frontends(const struct agent *a, struct plan_actual *actual)
{
	struct lb_look look;

	bpf_dataplane_look(a->dataplane, &look);
	actual->frontends = look.items;
	actual->n_frontends = look.n;
	actual->touched = look.touched;
	actual->n_touched = look.n_touched;
	actual->generation = look.generation;
	actual->since = look.since;
}

static void gather_actual(struct agent *a, struct agent_plan *p)
{
	struct plan_actual *actual = &p->actual;

	*actual = (struct plan_actual){
		.dataplane_failure = arena_strdup(p->arena, a->dataplane_failure),
		.pinned = a->dataplane || bpf_dataplane_is_pinned(a->options->pin)};
	if (!a->dataplane && actual->pinned)
		actual->strange_abi = bpf_dataplane_strange_abi(a->options->pin);
	blackholes_tell(a, p->arena, actual);
	tunnels_tell(a, p->arena, actual);
	tunnel_hops_tell(a, actual);
	agent_peers_actual(&a->peers, p->arena, &actual->peers, &actual->n_peers);
	if (a->dataplane) {
		gather_frontends(a, actual);
		bpf_dataplane_devices(a->dataplane, p->arena, &actual->devices, &actual->n_devices);
		actual->discards =
			bpf_dataplane_discards(a->dataplane, p->arena, &actual->n_discards);
		actual->flow_entries = bpf_dataplane_flow_entries(a->dataplane);
	}
}

/* The kernel's picture, and the routers that advertise themselves, which it says nothing of. */
static struct plan_node gather_node(const struct agent *a, struct arena *arena)
{
	struct plan_node node = *netlink_node(a->netlink);

	unnumbered_routers(&a->peers.unnumbered, arena, &node);
	return node;
}

static struct plan_inputs plan_inputs_of(const struct agent *a, const struct agent_plan *p)
{
	return (struct plan_inputs){
		.world = a->world,
		.addresses = &p->addresses,
		.node = &p->node,
		.actual = &p->actual,
		.settings = &a->settings,
		.synced = agent_inputs_are_complete(&a->inputs),
		.cache = a->cache,
	};
}

struct ipam_inputs inputs_of_ipam(const struct agent *a, const struct agent_plan *p)
{
	return (struct ipam_inputs){
		.world = a->world,
		.settings = &a->settings,
		.node = &p->node,
		.given = &p->given,
		.pools = a->ledger.pools,
		.synced = agent_inputs_are_complete(&a->inputs),
		.cluster = a->cluster,
		.only_written = true,
	};
}

/* False: this took a turn's time. What came of it is remembered, so the next turn goes on. */
static bool prepare_addresses(const struct agent *a, struct ipam_cache *cache,
			      const struct ipam_inputs *in, struct agent_plan *p)
{
	const nsec_t begun = loop_turn_so_far(a->loop);
	struct problems unsaid = {.arena = p->arena};

	ipam_recompute(cache, in, &p->addresses, &unsaid);
	return loop_turn_so_far(a->loop) - begun < PREPARE_NS;
}

/* In a cluster those that the allocator would give, too. What the plan needs comes last. */
static bool prepare_all_addresses(struct agent *a, struct agent_plan *p)
{
	struct ipam_inputs ipam;

	promised_add(a, p);
	ipam = inputs_of_ipam(a, p);
	if (ipam.cluster) {
		ipam.only_written = false;
		if (!prepare_addresses(a, a->wanted_cache, &ipam, p))
			return false;
		ipam.only_written = true;
	}
	return prepare_addresses(a, a->ipam_cache, &ipam, p);
}

bool inputs_prepare(struct agent *a, struct plan_cache *cache)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct agent_plan p = {.arena = scratch, .node = gather_node(a, scratch)};
	struct plan_inputs in = plan_inputs_of(a, &p);

	loop_doing(a->loop, "fragments");
	if (!prepare_all_addresses(a, &p))
		return false;
	in.cache = cache;
	return plan_prepare(&in, &a->ledger, PREPARE_MAX);
}

/* What the plan is to say of itself, or NULL: nobody waits for that. */
static struct plan_explain *take_question(const struct agent *a, struct agent_plan *p, nsec_t now)
{
	const struct plan_explain *asked = &a->question.asked;

	p->question = 0;
	if (now >= a->question.until)
		return NULL;
	p->question = a->question.number;
	p->explained = (struct plan_explain){
		.what = asked->what,
		.ns = arena_strdup(p->arena, asked->ns),
		.name = arena_strdup(p->arena, asked->name),
		.addr = asked->addr,
	};
	return &p->explained;
}

/*
 * What is told of a Service of the API server is what the allocator says, on every node: why it
 * has no address. What it has is what stands there.
 */
static void compute_addresses(struct agent *a, struct agent_plan *p)
{
	struct ipam_inputs ipam = inputs_of_ipam(a, p);
	struct problems unsaid = {.arena = p->arena};

	promised_add(a, p);
	ipam_recompute(a->ipam_cache, &ipam, &p->addresses, ipam.cluster ? &unsaid : &p->problems);
	if (a->check)
		plan_check_addresses(a, &ipam, &p->addresses);
	state_note_addresses(a, &p->addresses);
	p->wanted = (struct plan_addresses){0};
	p->unwanted = (struct problems){.arena = p->arena};
	if (!ipam.cluster)
		return;
	promised_add(a, p); /* anew: what was noted has taken the place of what was given */
	ipam.only_written = false;
	ipam_recompute(a->wanted_cache, &ipam, &p->wanted, &p->unwanted);
	problems_borrow(&p->problems, &p->unwanted);
	promised_note(a, p);
}

void inputs_compute(struct agent *a, struct agent_plan *p, nsec_t now, struct arena *ledger_arena,
		    struct plan_ledger *ret_ledger)
{
	struct plan_inputs in = plan_inputs_of(a, p);

	loop_doing(a->loop, "addresses");
	state_rebuild_addresses(a);
	p->problems = (struct problems){.arena = p->arena};
	problems_append(&p->problems, world_problems(a->world));
	p->node = gather_node(a, p->arena);
	compute_addresses(a, p);
	loop_doing(a->loop, "actual");
	gather_actual(a, p);
	takeover_look(a, now);
	nat_ports_look(a, now);
	takeover_recall(a, p, now);
	loop_doing(a->loop, "plan");
	in.explain = take_question(a, p, now);
	plan_compute(&in, &a->ledger, now, p->arena, &p->plan, ret_ledger, &a->plan_at);
	takeover_ask(a, &p->plan, now);
	if (a->check)
		plan_check(a, &in, now, p, ret_ledger);
	plan_ledger_copy(ledger_arena, ret_ledger);
	problems_borrow(&p->problems, &p->plan.problems);
	problems_sort(&p->problems);
}
