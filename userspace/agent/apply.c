// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The order of the sinks within a round: the data plane first, so that what a route needs is there
 * before the route; whether it may be announced is not decided by this order but by the plan's
 * gates.
 */
#include "agent/apply.h"

#include "agent/agent.h"
#include "agent/inputs.h"
#include "agent/problems_own.h"
#include "agent/state.h"
#include "sys/bpf_opening.h"

#include "sys/log.h"
#include "sys/netlink_pods.h"

#include <errno.h>

#define DATAPLANE_RETRY_NS (30 * NSEC_PER_SEC)
#define PREPARE_TURNS      100
#define STORE_RETRY_NS     (1 * NSEC_PER_SEC)
#define STORE_TURN_NS      (8 * NSEC_PER_MSEC)  /* beside it there is the plan in a turn, */
#define STORE_UNTIL_NS     (12 * NSEC_PER_MSEC) /* ... and what follows */
#define ROUTES_UNTIL_NS    (12 * NSEC_PER_MSEC) /* further peers' routes then have the next turn */

/*
 * Also with mode off, if something is pinned: what is adopted first can be left by the gates. What
 * is of another version cannot be adopted, and is left where it is until it may go. A
 * data plane from nothing waits for peers or for a feeder: as long as no source could be read,
 * there may be a setting that forbids it. A feeder tells within moments, and what is opened
 * meanwhile and then forbidden is left at once, for nothing is in it.
 */
static bool wants_dataplane(const struct agent *a, const struct plan *plan)
{
	if (plan->leaving)
		return !plan->strange;
	return plan->dataplane && (agent_inputs_are_complete(&a->inputs) || plan->n_peers > 0 ||
				   a->awaits_services || bpf_dataplane_is_pinned(a->options->pin));
}

static void on_opened(void *ctx)
{
	struct agent *a = ctx;

	agent_input_changed(&a->inputs, INPUT_DATAPLANE);
}

/* Lets the helper load or adopt the data plane when the plan wants one. True: it was begun. */
static bool begin_opening(struct agent *a, const struct plan *plan, nsec_t now)
{
	const struct bpf_opening_args args = {
		.dataplane = {.pin_dir = a->options->pin,
			      .flow_entries = plan->flow_entries,
			      .turn = STORE_TURN_NS,
			      .turn_until = STORE_UNTIL_NS,
			      .served = a->served.vips,
			      .n_served = a->served.n,
			      .knows_served = a->served.is_known},
		.worker = a->worker,
		.on_over = on_opened,
		.ctx = a,
	};

	if (a->dataplane || now < a->dataplane_retry_at || !wants_dataplane(a, plan))
		return false;
	a->opening = bpf_opening_new(&args, now);
	return true;
}

bool apply_is_opening(const struct agent *a)
{
	return a->opening && !bpf_opening_is_over(a->opening);
}

/* What the helper has opened meanwhile, or why it could not. */
static void end_opening(struct agent *a, nsec_t now)
{
	int r;

	if (!a->opening)
		return;
	loop_doing(a->loop, "programs");
	arena_reset(a->dataplane_arena);
	a->dataplane_failure = NULL;
	r = bpf_opening_take(a->opening, a->dataplane_arena, &a->dataplane, &a->adopted,
			     &a->dataplane_failure);
	a->opening = bpf_opening_free(a->opening);
	if (r < 0) {
		a->dataplane_retry_at = now + DATAPLANE_RETRY_NS;
		return;
	}
	a->dataplane_at = now;
	log_info("dataplane: loaded", "pin=%s adopted=%s", a->options->pin,
		 a->adopted ? "yes" : "no");
}

/* What the store refused is tried again; said in the log only when it begins or changes. */
static void note_refused(struct agent *a, const struct plan_apply_result *r, nsec_t now)
{
	const bool failed =
		r->n_failed || a->denying.error || a->denying.rates_error || a->discards.error;
	nsec_t since = a->refused.n ? a->refused.since : now;

	a->retry_at = failed ? now + STORE_RETRY_NS : NSEC_NEVER;
	if (r->n_failed && (a->refused.n == 0 || a->refused.error != r->first_error))
		log_warn("dataplane: not all could be programmed", "failed=%zu error=%s",
			 r->n_failed, log_quote(strerror(-r->first_error)));
	a->refused = (struct agent_refused){
		.n = r->n_failed, .error = r->first_error, .key = r->first_key, .since = since};
}

static bool is_programming(const struct agent *a)
{
	return a->dataplane && (a->denying.is_under_way || a->tunnels.is_under_way ||
				!plan_apply_is_over(&a->applying));
}

bool apply_is_under_way(const struct agent *a)
{
	return is_programming(a) || agent_peers_have_routes_left(&a->peers);
}

bool apply_wants_a_turn(const struct agent *a)
{
	return agent_peers_have_routes_left(&a->peers) ||
	       (is_programming(a) && !bpf_dataplane_is_growing(a->dataplane));
}

static void note_denied(struct agent *a, int error, nsec_t now)
{
	size_t wanted, n = bpf_dataplane_denied(a->dataplane, &wanted);

	a->denying.is_under_way = false;
	if (n != a->denying.n)
		log_info("dataplane: sources are denied", "prefixes=%zu", n);
	if (error != a->denying.error && error != 0)
		log_warn("dataplane: not all sources could be denied", "missing=%zu error=%s",
			 wanted - n, log_quote(strerror(-error)));
	if (error != a->denying.error)
		a->denying.since = now;
	a->denying.error = error;
	a->denying.n = n;
}

/* True: it is over, well or not. */
static bool deny(struct agent *a, nsec_t now)
{
	const struct lb_ways ways = bpf_dataplane_ways(a->dataplane);
	const struct plan *plan = &a->current->plan;
	int r;

	if (!a->denying.is_under_way)
		return true;
	loop_doing(a->loop, "denied sources");
	r = ways.ops->denied(ways.ctx, now, plan->denied, plan->n_denied, plan->keeps_denied);
	if (r == -EINPROGRESS)
		return false;
	note_denied(a, r, now);
	r = ways.ops->rates(ways.ctx, now, plan->rates, plan->n_rates);
	if (r != 0 && r != a->denying.rates_error)
		log_warn("dataplane: not all limits could be set", "error=%s",
			 log_quote(strerror(-r)));
	a->denying.rates_error = r;
	discards_apply(a, now);
	return true;
}

static void say_programmed(const struct agent *a)
{
	if (a->applying.result.n_done > 0)
		log_info("dataplane: programmed", "changes=%zu", a->applying.result.n_done);
}

/* Frontends that come when conntrack was asked about them. */
static bool waits_for_conntrack(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_begins; i++)
		if (plan->begins[i].waits)
			return true;
	return false;
}

/*
 * Nothing is attached before what is to be served at first is in: as long as nobody reads the maps,
 * what leaves a slot in them need not rest, and thousands of frontends are in at once.
 */
static bool may_attach(const struct agent *a, const struct plan *plan)
{
	return !bpf_dataplane_is_detached(a->dataplane) ||
	       (!a->awaits_services && !waits_for_conntrack(plan));
}

/*
 * Who is denied must not come in meanwhile. Then frontends: a program that is attached to empty
 * maps would drop what it should serve. For the same reason the devices wait until all frontends
 * are in; but not where a former run's programs would drop what is to be put, in the maps that they
 * have from before.
 */
static bool go_on_programming(struct agent *a, nsec_t now)
{
	const struct plan *plan = &a->current->plan;

	if (!deny(a, now))
		return false;
	if (bpf_dataplane_waits_for_hooks(a->dataplane))
		bpf_dataplane_apply_devices(a->dataplane, plan->devices, plan->n_devices);
	loop_doing(a->loop, "other nodes");
	if (!tunnels_program(a, now))
		return false;
	loop_doing(a->loop, "frontends");
	plan_apply_go_on(&a->applying, now);
	if (is_programming(a))
		return false;
	say_programmed(a);
	note_refused(a, &a->applying.result, now);
	loop_doing(a->loop, "hooks");
	if (may_attach(a, plan))
		bpf_dataplane_apply_devices(a->dataplane, plan->devices, plan->n_devices);
	return a->applying.result.n_done > 0 || a->discards.changed;
}

/*
 * What begins when conntrack has answered is put at once then: room for it is made meanwhile. Each
 * VIP has a frontend at least.
 */
static void expect_frontends(const struct agent *a, const struct plan *plan, nsec_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_begins; i++)
		n += plan->begins[i].waits && !plan->begins[i].programmed;
	if (n > 0)
		bpf_dataplane_expect(a->dataplane, n, now);
}

/* `p` is current already, and what it saw of the store is still so. */
static bool apply_dataplane(struct agent *a, const struct agent_plan *p, nsec_t now)
{
	struct lb_store store;

	if (!a->dataplane)
		return false;
	if (is_programming(a))
		say_programmed(a);
	if (agent_inputs_due(&a->inputs, DUE_PODS))
		pods_ask_anew(&a->pods);
	agent_inputs_done(&a->inputs, DUE_PODS);
	loop_doing(a->loop, "frontends");
	expect_frontends(a, &p->plan, now);
	store = bpf_dataplane_store(a->dataplane);
	store = pods_store(&a->pods, &store);
	arena_reset(a->apply_arena);
	plan_apply_begin(&a->applying, &p->plan.stirred, &store, a->apply_arena);
	a->denying.is_under_way = a->tunnels.is_under_way = true;
	return go_on_programming(a, now);
}

static bool has_left(const struct agent *a, const struct plan *plan)
{
	if (plan->strange)
		return plan->strange_may_go;
	return plan->leaving && a->dataplane && !plan->n_frontends && !plan->n_devices &&
	       !is_programming(a) && !a->refused.n && bpf_dataplane_is_detached(a->dataplane);
}

/* What is left is gone from the kernel at last. True if that changed anything. */
static bool end_leaving(struct agent *a, const struct plan *plan, nsec_t now)
{
	int r;

	if (!has_left(a, plan) || now < a->dataplane_retry_at)
		return false;
	a->dataplane = bpf_dataplane_close(a->dataplane);
	agent_bfd_carry(&a->bfd, NULL);
	a->adopted = false;
	r = bpf_dataplane_cleanup(a->options->pin);
	if (r < 0) {
		a->dataplane_retry_at = now + DATAPLANE_RETRY_NS;
		a->dataplane_failure =
			arena_printf(a->dataplane_arena, "cannot be removed: %s", strerror(-r));
		log_warn("dataplane: cannot be removed", "pin=%s error=%s", a->options->pin,
			 log_quote(strerror(-r)));
	} else {
		log_info("dataplane: left", "pin=%s", a->options->pin);
	}
	return true;
}

/* One peer's at least. */
static void apply_routes(struct agent *a, nsec_t now)
{
	loop_doing(a->loop, "routes");
	while (agent_peers_apply_routes(&a->peers, &a->current->plan, now) &&
	       loop_turn_so_far(a->loop) < ROUTES_UNTIL_NS)
		;
}

/* What waits for a route to be written goes at once; else that it was has time. */
static bool peers_want_a_plan(struct agent *a)
{
	const bool ret = a->peers.changed || (a->peers.written && a->ledger.n_waiting > 0);

	a->peers.changed = a->peers.urgent = false;
	return ret;
}

/*
 * RFC 4724: R says that this process follows one that had the sessions, so only peers of the first
 * complete plan are told; F that forwarding went on meanwhile, which is our doing only where our
 * programs forward.
 */
static void apply_peers(struct agent *a, const struct plan *plan, nsec_t now)
{
	loop_doing(a->loop, "routes");
	a->peers.forwarding_preserved = !plan->dataplane || (a->dataplane && a->adopted);
	agent_peers_apply(&a->peers, plan, now);
	agent_bfd_apply(&a->bfd);
	agent_bfd_carry(&a->bfd, a->dataplane);
	if (agent_inputs_are_complete(&a->inputs))
		a->peers.restarted = false;
	apply_routes(a, now);
}

bool apply_go_on(struct agent *a, nsec_t now)
{
	bool again = false;

	if (agent_peers_have_routes_left(&a->peers)) {
		apply_routes(a, now);
		again = peers_want_a_plan(a);
	}
	return (is_programming(a) && go_on_programming(a, now)) || again;
}

/*
 * Addresses that were given are on disk before anybody hears of them, so that a crash changes none:
 * the plan waits, which is made anew once they are. What was left of the last one is forgotten with
 * it.
 */
static void put_off(struct agent *a, struct agent_plan *p, nsec_t now)
{
	a->applying = (struct plan_apply){.from = a->applying.from};
	a->denying.is_under_way = a->tunnels.is_under_way = false;
	problems_own_add(a, now, &p->problems);
	a->peers.changed = a->peers.urgent = false;
	a->plan_at = nsec_min(a->plan_at, state_addresses_until(a));
}

/*
 * While the data plane is opened nothing is applied, nothing read and the ledger stays: sessions go
 * on with what they have. The former plan may name objects that are gone, so it is not kept; but a
 * first one that knows nothing of what is adopted is of no use to anybody.
 */
static void wait_for_opening(struct agent *a, struct agent_plan *p, nsec_t now)
{
	if (!a->current)
		return;
	problems_own_add(a, now, &p->problems);
	a->current = p;
	a->is_put_off = true;
}

/*
 * What all Services need for the plan is made ahead, some of it a turn, so that no turn is long.
 * Before a resync so is what it is made of from nothing, unless something must not wait.
 */
bool apply_prepare(struct agent *a, nsec_t now)
{
	if (a->preparing++ >= PREPARE_TURNS)
		return true; /* the world does not come to rest: then in one go */
	if (!inputs_prepare(a, a->cache))
		return false;
	if (now < a->resync_at || agent_inputs_due(&a->inputs, DUE_PLAN_NOW))
		return true;
	if (!a->check)
		a->check = plan_cache_new();
	return inputs_prepare(a, a->check);
}

bool apply_round(struct agent *a, nsec_t now)
{
	struct agent_plan *p = a->current == &a->plans[0] ? &a->plans[1] : &a->plans[0];
	_cleanup_(arena_freep) struct arena *ledger_arena = arena_new();
	struct plan_ledger ledger;
	nsec_t begun;
	bool again;

	end_opening(a, now);
	agent_peers_stop_routes(&a->peers); /* those that are left are of the plan before */
	arena_reset(p->arena);
	a->peers.written = false;
	begun = loop_turn_so_far(a->loop);
	inputs_compute(a, p, now, ledger_arena, &ledger);
	metrics_note_plan(a, loop_turn_so_far(a->loop) - begun);
	log_debug("plan: computed", "peers=%zu routes=%zu devices=%zu problems=%zu",
		  p->plan.n_peers, p->plan.n_routes, p->plan.n_devices, p->problems.n);
	/* A plan that did not see what is adopted would take it away. */
	if (begin_opening(a, &p->plan, now)) {
		wait_for_opening(a, p, now);
		return false;
	}
	a->ledger = ledger;
	arena_free(a->ledger_arena);
	a->ledger_arena = TAKE_PTR(ledger_arena);
	a->current = p;

	loop_doing(a->loop, "state");
	state_save_addresses(a, now);
	a->is_put_off = now < state_addresses_until(a);
	if (a->is_put_off) {
		put_off(a, p, now);
		return false;
	}
	begun = loop_turn_so_far(a->loop);
	tunnels_apply(a, &p->plan, now);
	tunnel_hops_apply(a, &p->plan, now);
	again = apply_dataplane(a, p, now);
	again |= end_leaving(a, &p->plan, now);
	if (agent_inputs_due(&a->inputs, DUE_KERNEL))
		receiving_look(a, now);
	blackholes_apply(a, &p->plan, now);
	apply_peers(a, &p->plan, now);
	receiving_apply(a, &p->plan, now);
	vrfs_apply(a, &p->plan, now); /* last: sessions in one that goes are closed first */
	metrics_note_apply(a, loop_turn_so_far(a->loop) - begun);

	problems_own_add(a, now, &p->problems);
	again |= peers_want_a_plan(a);
	return again;
}

/* --- open and close --------------------------------------------------------------------------- */

static void ask_pods(void *ctx, const struct ip_addr *pods, size_t n)
{
	const struct agent *a = ctx;

	netlink_pods_ask(a->pods_helper, pods, n);
}

static void on_pods_told(void *ctx, const struct ip_addr *pods, const int *nsids, size_t n)
{
	struct agent *a = ctx;

	(void)pods;
	pods_answered(&a->pods, nsids, n);
}

static void tell_nsids(void *ctx, const struct lb_key *key, const struct lb_nsid *nsids, size_t n)
{
	const struct agent *a = ctx;

	bpf_dataplane_set_nsids(a->dataplane, key, nsids, n);
}

void apply_start(struct agent *a)
{
	static const struct pods_ops pods_ops = {.ask = ask_pods, .tell = tell_nsids};
	const struct netlink_pods_args args = {
		.worker = a->network, .told = on_pods_told, .ctx = a};

	a->dataplane_arena = arena_new();
	a->apply_arena = arena_new();
	pods_init(&a->pods, &pods_ops, a);
	a->pods_helper = netlink_pods_new(&args);
	blackholes_start(a);
	receiving_start(a);
	tunnels_start(a);
	tunnel_hops_start(a);
}

void apply_stop(struct agent *a)
{
	bpf_opening_free(a->opening);
	bpf_dataplane_close(a->dataplane);
	pods_done(&a->pods);
	netlink_pods_free(a->pods_helper);
	tunnel_hops_stop(a);
	tunnels_stop(a);
	receiving_stop(a);
	vrfs_stop(a);
	blackholes_stop(a);
	arena_free(a->apply_arena);
	arena_free(a->dataplane_arena);
}
