// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How often conntrack is read, counted: never for what this node does not serve, once for what it
 * is about to begin. Plans are computed and not applied, so that nothing ever begins.
 */
#include "agent/takeover.h"

#include "agent/inputs.h"
#include "agent/problems_own.h"
#include "agent/sources.h"
#include "agent_rig.h"

#include <sys/resource.h>

#define AUTO                                                                                       \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"    \
	"spec: {dataplane: {mode: auto}}\n"
/* Its only endpoint is on another node. */
#define REMOTE(name)                                                                               \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: default}\n"          \
	"spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]}\n"          \
	"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"                              \
	"metadata: {name: " name "-1, namespace: default,"                                         \
	" labels: {kubernetes.io/service-name: " name "}}\naddressType: IPv4\n"                    \
	"ports: [{name: \"\", port: 80, protocol: TCP}]\n"                                         \
	"endpoints: [{addresses: [10.244.9.1], nodeName: other, conditions: {ready: true}}]\n"

struct taking {
	struct agent_rig *rig;
	struct agent_plan plan;
	nsec_t now;
};

static void read_files(struct taking *x)
{
	x->rig->agent.inputs.due |= DUE_SCAN_ALL;
	do
		sources_scan(&x->rig->agent, x->now);
	while (!x->rig->agent.is_scanned);
}

static struct taking begin(const char *service)
{
	struct taking x = {.rig = rig_new(), .now = clock_now()};

	rig_write(x.rig, "a-config.yaml", AUTO);
	rig_write(x.rig, "s1.yaml", service);
	rig_start(x.rig);
	x.plan.arena = arena_new();
	x.rig->agent.current = &x.rig->agent.plans[0]; /* before the first nothing is asked */
	read_files(&x);
	sources_refresh_node(&x.rig->agent, x.now);
	return x;
}

static void end(struct taking *x)
{
	arena_free(x->plan.arena);
	rig_free(x->rig);
}

/* A plan so much later, and one with the answer; how many dumps there were till then. */
static unsigned plan_after(struct taking *x, nsec_t span)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct plan_ledger ledger;

	x->now += span;
	for (unsigned i = 0; i < 2; i++) {
		arena_reset(x->plan.arena);
		inputs_compute(&x->rig->agent, &x->plan, x->now, scratch, &ledger);
		worker_finish(x->rig->agent.worker);
	}
	return x->rig->agent.taken.n_dumps;
}

static void what_is_not_served_here_is_never_asked_about(void **state)
{
	struct taking x = begin(REMOTE("s1"));

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(plan_after(&x, 10 * NSEC_PER_SEC), 0);
	assert_int_equal(x.plan.addresses.n, 1);
	assert_true(x.plan.plan.dataplane);
	end(&x);
}

static void what_is_about_to_begin_is_asked_about_and_the_answer_counts_for_a_while(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));

	(void)state;
	assert_int_equal(plan_after(&x, 0), 1);
	assert_int_equal(x.plan.plan.n_frontends, 2);
	assert_false(agent_inputs_due(&x.rig->agent.inputs, 0));
	assert_true(agent_inputs_due(&x.rig->agent.inputs, DUE_PLAN_NOW));
	assert_int_equal(plan_after(&x, TAKEOVER_AGAIN_NS - 1), 1);
	assert_int_equal(plan_after(&x, 1), 2);
	rig_write(x.rig, "s2.yaml", RIG_SERVICE("s2"));
	read_files(&x);
	assert_int_equal(plan_after(&x, 1), 3); /* of that nobody asked yet */
	rig_remove(x.rig, "s2.yaml");
	read_files(&x);
	assert_int_equal(plan_after(&x, NSEC_PER_SEC), 3); /* and this is known */
	end(&x);
}

/* As if conntrack had said this of the only VIP. */
static void put_answer(struct taking *x, struct plan_taken answer)
{
	struct agent_taken *t = &x->rig->agent.taken;

	assert_int_equal(t->n, 1);
	answer.vip = t->items[0].vip;
	answer.programmed = t->items[0].programmed;
	t->items[0] = answer;
}

/* A plan, whose question is not answered yet. */
static void plan_once(struct taking *x, nsec_t span)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct plan_ledger ledger;

	x->now += span;
	arena_reset(x->plan.arena);
	inputs_compute(&x->rig->agent, &x->plan, x->now, scratch, &ledger);
}

static void while_the_kernel_has_flows_it_is_asked_again_and_again(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));
	struct agent *a = &x.rig->agent;

	(void)state;
	assert_int_equal(plan_after(&x, 0), 1);
	put_answer(&x, (struct plan_taken){.out = 1, .seen = true});
	assert_int_equal(plan_after(&x, NSEC_PER_SEC), 1);
	assert_int_equal(x.plan.plan.n_frontends, 0);
	assert_true(a->plan_at <= x.now + TAKEOVER_AGAIN_NS);
	/* It is not forgotten before there is another one. */
	plan_once(&x, TAKEOVER_AGAIN_NS);
	assert_int_equal(x.plan.node.n_taken, 1);
	assert_true(x.plan.node.taken[0].old);
	assert_int_equal(x.plan.plan.n_frontends, 0);
	worker_finish(a->worker);
	assert_int_equal(plan_after(&x, 0), 2);
	assert_false(x.plan.node.taken[0].out); /* they have ended */
	assert_int_equal(x.plan.plan.n_frontends, 2);
	put_answer(&x, (struct plan_taken){.flows = 1});
	plan_once(&x, 1);
	assert_int_equal(x.plan.plan.n_frontends, 2);
	assert_true(x.plan.plan.frontends[1].lb.flags & LB_F_TAKING_OVER);
	end(&x);
}

/* A moment later: what is under way is to be in conntrack by then. */
static void what_is_programmed_is_asked_about_once_more(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));
	struct agent *a = &x.rig->agent;
	struct plan_begin begin = {.takes = true, .programmed = true};
	const struct plan plan = {.begins = &begin, .n_begins = 1};

	(void)state;
	assert_int_equal(plan_after(&x, 0), 1);
	begin.vip = a->taken.items[0].vip;
	a->taken.ask_at = NSEC_NEVER;
	takeover_ask(a, &plan, x.now + 1);
	assert_int_equal(a->taken.n_dumps, 1);
	assert_in_range(a->taken.ask_at, x.now + 2, x.now + NSEC_PER_SEC);
	x.now = a->taken.ask_at;
	takeover_ask(a, &plan, x.now - 1);
	assert_int_equal(a->taken.n_dumps, 1);
	assert_int_equal(a->taken.ask_at, x.now);
	takeover_ask(a, &plan, x.now);
	assert_int_equal(a->taken.n_dumps, 2);
	worker_finish(a->worker);
	assert_true(a->taken.items[0].programmed);
	takeover_ask(a, &plan, x.now + NSEC_PER_SEC);
	assert_int_equal(a->taken.n_dumps, 2);
	/* Taken out and begun anew, it is as if nobody had asked. */
	begin.programmed = false;
	takeover_ask(a, &plan, x.now + NSEC_PER_SEC);
	assert_false(a->taken.items[0].programmed);
	assert_int_equal(a->taken.n_dumps, 2);
	begin.programmed = true;
	a->taken.ask_at = NSEC_NEVER;
	takeover_ask(a, &plan, x.now + 2 * NSEC_PER_SEC);
	assert_int_equal(a->taken.n_dumps, 2);
	takeover_ask(a, &plan, a->taken.ask_at);
	assert_int_equal(a->taken.n_dumps, 3);
	worker_finish(a->worker);
	end(&x);
}

/* Without a socket nobody answers: what was known is known, and that it was asked about. */
static void what_is_not_answered_is_what_it_was(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));
	struct agent *a = &x.rig->agent;
	struct plan_begin begin = {.takes = true, .programmed = true};
	const struct plan plan = {.begins = &begin, .n_begins = 1};
	struct rlimit before, none;

	(void)state;
	assert_int_equal(plan_after(&x, 0), 1);
	put_answer(&x, (struct plan_taken){.flows = 7});
	assert_false(a->taken.items[0].programmed);
	begin.vip = a->taken.items[0].vip;
	a->taken.ask_at = NSEC_NEVER;
	takeover_ask(a, &plan, x.now + 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	takeover_ask(a, &plan, a->taken.ask_at);
	assert_non_null(a->taken.job);
	worker_finish(a->worker);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(a->taken.n_dumps, 2);
	assert_int_equal(a->taken.n, 1);
	assert_int_equal(a->taken.items[0].flows, 7);
	assert_true(a->taken.items[0].programmed);
	end(&x);
}

/* For it is right as it is, so it is asked about later, with what comes meanwhile. */
static void what_begins_by_taking_over_waits_for_others(void **state)
{
	struct taking x = begin(REMOTE("s1"));
	struct agent *a = &x.rig->agent;
	struct plan_begin begins[2] = {{.takes = true}, {.takes = true}};
	struct plan plan = {.begins = begins, .n_begins = 1};
	const nsec_t first = x.now + NSEC_PER_SEC;

	(void)state;
	begins[0].vip.addr = ip_addr_from_v4(0xc0000207);
	begins[1].vip.addr = ip_addr_from_v4(0xc0000208);
	a->taken.ask_at = NSEC_NEVER;
	takeover_ask(a, &plan, x.now); /* on its way into the store */
	assert_int_equal(a->taken.ask_at, NSEC_NEVER);
	begins[0].programmed = true;
	takeover_ask(a, &plan, x.now);
	assert_int_equal(a->taken.ask_at, first);
	begins[1].programmed = true;
	plan.n_begins = 2;
	takeover_ask(a, &plan, first - 1);
	assert_int_equal(a->taken.n_dumps, 0);
	takeover_ask(a, &plan, first);
	assert_int_equal(a->taken.n_dumps, 1);
	worker_finish(a->worker);
	assert_int_equal(a->taken.n, 2);
	assert_true(a->taken.items[0].programmed);
	assert_false(a->taken.items[1].programmed); /* packets may have been under way */
	a->taken.ask_at = NSEC_NEVER;
	takeover_ask(a, &plan, first + 1);
	assert_int_equal(a->taken.ask_at, first - 1 + 100 * NSEC_PER_MSEC);
	/* A dump that took long is not soon followed by another. */
	a->taken.n = 0;
	a->taken.again_at = first + 3 * NSEC_PER_SEC;
	a->taken.ask_at = NSEC_NEVER;
	takeover_ask(a, &plan, first + 2);
	assert_int_equal(a->taken.ask_at, first + 3 * NSEC_PER_SEC);
	begins[1].waits = true;
	takeover_ask(a, &plan, first + 3);
	assert_int_equal(a->taken.n_dumps, 2);
	worker_finish(a->worker);
	end(&x);
}

/* What is known ends with a plan, for that is to see it. */
static void what_is_due_is_asked_about_without_another_plan(void **state)
{
	struct taking x = begin(REMOTE("s1"));
	struct agent *a = &x.rig->agent;
	struct plan_begin begin = {.takes = true, .programmed = true};
	struct plan *plan = &a->plans[0].plan; /* is the present one */
	const nsec_t first = x.now + NSEC_PER_SEC;

	(void)state;
	begin.vip.addr = ip_addr_from_v4(0xc0000207);
	plan->begins = &begin;
	plan->n_begins = 1;
	a->plan_at = NSEC_NEVER;
	takeover_ask(a, plan, x.now);
	assert_int_equal(takeover_tick(a, first - 1), first);
	assert_int_equal(a->taken.n_dumps, 0);
	a->preparing = 1; /* another one follows that may know better */
	assert_int_equal(takeover_tick(a, first), first);
	assert_int_equal(a->taken.n_dumps, 0);
	a->preparing = 0;
	a->inputs.due = 0;
	assert_int_equal(takeover_tick(a, first), NSEC_NEVER);
	assert_int_equal(a->taken.n_dumps, 1);
	assert_int_equal(a->plan_at, NSEC_NEVER);
	assert_false(agent_inputs_due(&a->inputs, DUE_PLAN));
	worker_finish(a->worker);
	assert_true(agent_inputs_due(&a->inputs, DUE_PLAN_NOW));
	takeover_ask(a, plan, first + 1);
	assert_int_equal(a->taken.ask_at, NSEC_NEVER);
	assert_int_equal(a->plan_at, a->taken.until);
	assert_int_equal(a->taken.n_dumps, 1);
	takeover_ask(a, plan, a->taken.until);
	assert_int_equal(a->taken.n_dumps, 2);
	worker_finish(a->worker);
	a->current = NULL;
	a->taken.ask_at = first;
	assert_int_equal(takeover_tick(a, first), first);
	assert_int_equal(a->taken.n_dumps, 2);
	end(&x);
}

/* Whoever is asked about anew beside it, and whether somebody asks already. */
static void what_begins_anew_is_asked_about_again_whatever_others_do(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));
	struct agent *a = &x.rig->agent;
	struct plan_begin begins[2] = {{.takes = true, .waits = true}, {.takes = true}};
	const struct plan plan = {.begins = begins, .n_begins = 2};

	(void)state;
	assert_int_equal(plan_after(&x, 0), 1);
	begins[1].vip = a->taken.items[0].vip; /* behind one that is not known */
	for (unsigned i = 0; i < 2; i++) {
		a->taken.items[0].programmed = true;
		takeover_ask(a, &plan, x.now + 1);
		assert_int_equal(a->taken.n_dumps, 2);
		assert_non_null(a->taken.job);
		assert_false(a->taken.items[0].programmed);
	}
	worker_finish(a->worker);
	end(&x);
}

/* Until there are programs again, whatever was at rest while there were. */
static void without_programs_whoever_begins_asks_first(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));

	(void)state;
	assert_int_equal(plan_after(&x, 0), 1);
	x.rig->agent.taken.at_rest = true;
	plan_once(&x, 1);
	assert_int_equal(x.plan.node.ask, PLAN_ASK_BESIDE);
	plan_once(&x, 1);
	assert_int_equal(x.plan.node.ask, PLAN_ASK_FIRST);
	end(&x);
}

/* One dump at a time, and the first plan is for the programs to be opened. */
static void nobody_asks_while_the_helper_reads_or_before_there_is_a_plan(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));
	struct agent *a = &x.rig->agent;
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct plan_ledger ledger;

	(void)state;
	a->current = NULL;
	assert_int_equal(plan_after(&x, 0), 0);
	a->current = &a->plans[0];
	for (unsigned i = 0; i < 3; i++) {
		arena_reset(x.plan.arena);
		inputs_compute(a, &x.plan, x.now, scratch, &ledger);
		assert_non_null(a->taken.job);
		assert_int_equal(a->taken.n_dumps, 1);
	}
	worker_finish(a->worker);
	assert_null(a->taken.job);
	end(&x);
}

/* Where the kernel forwards, and is meant to, what it translates is of no interest. */
static void with_mode_off_nothing_is_asked(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));

	(void)state;
	rig_write(x.rig, "a-config.yaml", RIG_OFF);
	read_files(&x);
	assert_int_equal(plan_after(&x, 0), 0);
	rig_write(x.rig, "a-config.yaml", AUTO);
	read_files(&x);
	assert_int_equal(plan_after(&x, 0), 1);
	end(&x);
}

/* A plan that nobody can apply need not know. */
static void without_programs_nothing_is_asked_until_they_are_tried_again(void **state)
{
	struct taking x = begin(RIG_SERVICE("s1"));

	(void)state;
	x.rig->agent.dataplane_retry_at = x.now + 30 * NSEC_PER_SEC;
	assert_int_equal(plan_after(&x, 10 * NSEC_PER_SEC), 0);
	assert_int_equal(plan_after(&x, 20 * NSEC_PER_SEC), 1);
	end(&x);
}

static const struct problem *own_problem(const struct agent *a, struct arena *arena,
					 const char *reason)
{
	struct problems list = {.arena = arena};

	problems_own_add(a, clock_now(), &list);
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.items[i].reason, reason) == 0)
			return &list.items[i];
	return NULL;
}

/* And gone again; where we forward nothing, nobody looks. */
static void settings_of_conntrack_are_problems_while_they_last(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct taking x = begin(RIG_SERVICE("s1"));
	struct agent *a = &x.rig->agent;

	(void)state;
	assert_null(own_problem(a, arena, "ConntrackNearlyFull"));
	assert_null(own_problem(a, arena, "ConntrackStrict"));
	a->conntrack.is_full = a->conntrack.is_strict = true;
	assert_int_equal(own_problem(a, arena, "ConntrackNearlyFull")->severity, SEVERITY_WARNING);
	assert_non_null(
		strstr(own_problem(a, arena, "ConntrackNearlyFull")->remedy, "nf_conntrack_max"));
	assert_int_equal(own_problem(a, arena, "ConntrackStrict")->severity, SEVERITY_WARNING);
	assert_non_null(strstr(own_problem(a, arena, "ConntrackStrict")->remedy,
			       "nf_conntrack_tcp_loose=1"));
	takeover_look(a, a->conntrack.look_at);
	assert_false(a->conntrack.is_full || a->conntrack.is_strict);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_served_here_is_never_asked_about),
		cmocka_unit_test(
			what_is_about_to_begin_is_asked_about_and_the_answer_counts_for_a_while),
		cmocka_unit_test(while_the_kernel_has_flows_it_is_asked_again_and_again),
		cmocka_unit_test(what_is_programmed_is_asked_about_once_more),
		cmocka_unit_test(what_is_not_answered_is_what_it_was),
		cmocka_unit_test(what_begins_by_taking_over_waits_for_others),
		cmocka_unit_test(what_is_due_is_asked_about_without_another_plan),
		cmocka_unit_test(what_begins_anew_is_asked_about_again_whatever_others_do),
		cmocka_unit_test(nobody_asks_while_the_helper_reads_or_before_there_is_a_plan),
		cmocka_unit_test(settings_of_conntrack_are_problems_while_they_last),
		cmocka_unit_test(without_programs_whoever_begins_asks_first),
		cmocka_unit_test(with_mode_off_nothing_is_asked),
		cmocka_unit_test(without_programs_nothing_is_asked_until_they_are_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
