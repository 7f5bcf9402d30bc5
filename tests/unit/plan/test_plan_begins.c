// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When a VIP may begin, and with whom it is shared: not before somebody asked which flows the
 * kernel has of it, and those stay with the kernel. And the other way: what is handed back.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP   "192.168.100.0"
#define DRAIN (7 * NSEC_PER_SEC)
#define OFF   "spec: {drainSeconds: 7, dataplane: {mode: \"off\"}}"

/* --- asking ----------------------------------------------------------------------------------- */

/* The answer for begins[i], as it would be for what the last plan asked. */
static struct plan_taken *answer(struct fixture *f, size_t i)
{
	const struct plan_begin *b = &f->plan.begins[i];
	size_t k = 0;

	while (k < f->node.n_taken && plan_vip_cmp(&f->taken[k].vip, &b->vip) < 0)
		k++;
	if (k == f->node.n_taken || !plan_vip_equal(&f->taken[k].vip, &b->vip))
		memmove(&f->taken[k + 1], &f->taken[k],
			(f->node.n_taken++ - k) * sizeof(f->taken[0]));
	f->taken[k] = (struct plan_taken){.vip = b->vip, .programmed = b->programmed};
	return &f->taken[k];
}

static uint32_t shared(struct fixture *f, uint16_t port)
{
	const struct plan_frontend *frontend = fixture_frontend(f, VIP, port);

	assert_non_null(frontend);
	return frontend->lb.flags & LB_F_SHARED;
}

/* Everything of the VIP, which has this port, is shared so; the last plan is in force. */
static void assert_shared(struct fixture *f, uint16_t port, uint32_t flag)
{
	(void)fixture_converge(f, 10);
	assert_int_equal(shared(f, port), flag);
	assert_int_equal(shared(f, 0), flag);
}

static struct fixture *web_that_waits(void)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	f->node.ask = PLAN_ASK_FIRST;
	fixture_plan(f);
	return f;
}

static void a_vip_that_nobody_asked_about_waits_and_is_asked_about(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	fixture_add_service(f, "b", "Local", "");
	fixture_add_slice(f, "b", "10.244.0.6@node-a");
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 0);
	assert_int_equal(f->plan.n_begins, 2);
	assert_int_equal(f->plan.problems.n, 0);
	for (size_t i = 0; i < 2; i++) {
		assert_true(f->plan.begins[i].takes);
		assert_false(f->plan.begins[i].programmed);
	}
	answer(f, 1);
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 2); /* the VIP and its port */
	assert_true(ip_addr_equal(&f->plan.frontends[0].lb.key.addr, &f->taken[0].vip.addr));
	assert_int_equal(f->plan.n_begins, 2);
	answer(f, 0);
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_frontends, 4);
	assert_int_equal(f->plan.n_begins, 0);
	assert_int_equal(shared(f, 80), 0);
}

/* It may have been long ago, and flows have begun since. */
static void an_old_answer_is_none_for_what_has_not_begun(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->old = true;
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_frontends, 0);
	assert_int_equal(f->plan.n_begins, 1);
}

static void what_is_served_alone_is_not_asked_about_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->node.ask = PLAN_ASK_FIRST;
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 2);
	assert_int_equal(f->plan.n_begins, 0);
}

static size_t n_begins(struct fixture *f)
{
	fixture_plan(f);
	return f->plan.n_begins;
}

/* Of these conntrack is asked, which costs a second where it is large. */
static void a_plan_says_which_vips_it_is_about_to_begin(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	assert_int_equal(n_begins(f), 0);
	fixture_add_slice(f, "web", "10.244.0.5@node-b");
	fixture_converge(f, 10);
	assert_int_equal(n_begins(f), 0);
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	assert_int_equal(n_begins(f), 1);
	fixture_converge(f, 10);
	assert_int_equal(n_begins(f), 0);
	fixture_add_service(f, "c", "Local", "");
	fixture_add_slice(f, "c", "10.244.0.7@node-a");
	assert_int_equal(n_begins(f), 1);
	f->settings.dataplane = false;
	assert_int_equal(n_begins(f), 0);
}

#define TWO_PORTS                                                                                  \
	"spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: a, port: 80, "    \
	"targetPort: 8080}, {name: b, port: 81, targetPort: 8080}]}"

static void put_two_ports(struct fixture *f)
{
	fixture_object(f, "Service", "web", "", TWO_PORTS);
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: a, port: 8080}, {name: b, port: 8080}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a}]");
}

static void ports_of_one_vip_begin_together(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	put_two_ports(f);
	assert_int_equal(n_begins(f), 1);
	assert_non_null(fixture_frontend(f, VIP, 80));
	assert_non_null(fixture_frontend(f, VIP, 81));
}

/* --- taking over ------------------------------------------------------------------------------ */

static void flows_of_the_kernel_stay_with_it_until_they_end(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	*answer(f, 0) = (struct plan_taken){.vip = f->plan.begins[0].vip, .flows = 3, .seen = true};
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_non_null(fixture_held(f, "r1", VIP "/32")); /* what begins is served */
	assert_int_equal(fixture_problem(f, "KernelHasFlows", "web")->severity, SEVERITY_INFO);
	assert_int_equal(f->plan.n_begins, 1);
	assert_true(f->plan.begins[0].takes && f->plan.begins[0].programmed);
	/* Asked before all of it was programmed, it may lack some. */
	assert_shared(f, 80, LB_F_TAKING_OVER);
	answer(f, 0)->flows = 4;
	assert_shared(f, 80, LB_F_KERNEL_FLOWS);
	assert_int_equal(f->plan.n_begins, 1);
	assert_true(!f->plan.begins[0].takes && f->plan.begins[0].programmed);
	answer(f, 0)->flows = 1;
	assert_shared(f, 80, LB_F_KERNEL_FLOWS);
	answer(f, 0);
	assert_shared(f, 80, 0);
	assert_int_equal(f->plan.n_begins, 0);
	assert_int_equal(fixture_count(f, "KernelHasFlows"), 0);
}

/* A connection that has just ended: the next one is under way. */
static void a_vip_that_the_kernel_has_had_lately_is_taken_over_too(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->seen = true;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_int_equal(fixture_count(f, "KernelHasFlows"), 0);
	answer(f, 0)->seen = true;
	assert_shared(f, 80, 0);
}

static void a_restart_goes_on_where_the_store_is(void **state)
{
	const uint32_t both[] = {LB_F_TAKING_OVER, LB_F_KERNEL_FLOWS};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

		answer(f, 0)->flows = 3;
		assert_shared(f, 80, LB_F_TAKING_OVER);
		if (i == 1) {
			answer(f, 0)->flows = 3;
			assert_shared(f, 80, LB_F_KERNEL_FLOWS);
		}
		f->node.n_taken = 0; /* nothing was asked yet */
		assert_shared(f, 80, both[i]);
		assert_int_equal(f->plan.n_begins, 1);
		assert_non_null(fixture_held(f, "r1", VIP "/32"));
		answer(f, 0)->flows = 2;
		assert_shared(f, 80, LB_F_KERNEL_FLOWS);
		answer(f, 0);
		assert_shared(f, 80, 0);
	}
}

static void what_changes_meanwhile_stays_shared(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->flows = 3;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_non_null(fixture_target(f, VIP, 80, "10.244.0.6"));
	f->synced = false;
	fixture_add_slice(f, "web", "10.244.0.7@node-a");
	assert_shared(f, 80, LB_F_TAKING_OVER);
}

/*
 * The table of the kernel's flows forgets what nobody asks about: so somebody asks as long as the
 * store goes by it, also when the endpoints are gone, when the Service is, and before all was read.
 */
static void what_goes_by_the_kernels_table_is_asked_about_whoever_wants_it(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

		answer(f, 0)->flows = 3;
		assert_shared(f, 80, LB_F_TAKING_OVER);
		answer(f, 0)->flows = 3;
		assert_shared(f, 80, LB_F_KERNEL_FLOWS);
		f->synced = i != 2;
		if (i == 0)
			fixture_add_slice(f, "web", "");
		else
			fixture_drop(f, "Service", "web");
		f->store.fail_every = 1;
		fixture_plan(f);
		(void)fixture_apply(f);
		fixture_plan(f);
		assert_int_equal(f->plan.n_begins, 1);
		assert_false(f->plan.begins[0].takes);
		assert_true(f->plan.begins[0].programmed);
	}
}

/* Each VIP once and in order: one of two ports is removed, beside another VIP that is. */
static void vips_of_what_leaves_are_asked_about_among_the_others(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_service(f, "b", "Local", "");
	fixture_add_slice(f, "b", "10.244.0.6@node-a");
	fixture_add_service(f, "c", "Local", "");
	fixture_add_slice(f, "c", "10.244.0.7@node-a");
	put_two_ports(f);
	(void)fixture_converge(f, 10);
	for (size_t i = 0; i < f->store.n; i++)
		f->store.items[i].flags |= LB_F_KERNEL_FLOWS;
	f->store.fail_every = 1;
	fixture_add_service(f, "web", "Local", "");
	fixture_drop(f, "Service", "b");
	fixture_plan(f);
	assert_int_equal(f->plan.n_begins, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ip_addr_v4(&f->plan.begins[i].vip.addr), 0xc0a86400 + i);
	f->settings.dataplane = false; /* conntrack is no matter any more */
	fixture_plan(f);
	assert_int_equal(f->plan.n_begins, 0);
}

/* The VIP is taken over anew; the port that is served does not mind. */
static void a_port_that_is_added_meanwhile_is_asked_about(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->flows = 3;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	answer(f, 0)->flows = 3;
	assert_shared(f, 80, LB_F_KERNEL_FLOWS);
	f->node.n_taken = 0;
	put_two_ports(f);
	fixture_converge(f, 10);
	assert_null(fixture_frontend(f, VIP, 81));
	assert_true(f->plan.begins[0].takes && !f->plan.begins[0].programmed);
	answer(f, 0)->flows = 3;
	fixture_converge(f, 10);
	assert_int_equal(shared(f, 80), LB_F_KERNEL_FLOWS);
	assert_int_equal(shared(f, 81), LB_F_TAKING_OVER);
	assert_true(f->plan.begins[0].takes && f->plan.begins[0].programmed);
	answer(f, 0)->flows = 3;
	fixture_converge(f, 10);
	assert_int_equal(shared(f, 80), LB_F_KERNEL_FLOWS);
	assert_int_equal(shared(f, 81), LB_F_KERNEL_FLOWS);
}

/* Where ports that are not served are dropped, the kernel has nothing of them. */
static void a_port_that_was_passed_so_far_is_asked_about(void **state)
{
	(void)state;
	for (unsigned passes = 0; passes < 2; passes++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		if (passes)
			fixture_object(f, "LodestoneConfig", "default", "",
				       "spec: {dataplane: {unknownPort: pass}}");
		fixture_converge(f, 10);
		f->node.ask = PLAN_ASK_FIRST;
		put_two_ports(f);
		fixture_converge(f, 10);
		assert_int_equal(f->plan.n_begins, passes);
		if (!passes) {
			assert_int_equal(shared(f, 81), 0);
			continue;
		}
		assert_null(fixture_frontend(f, VIP, 81));
		answer(f, 0)->seen = true;
		fixture_converge(f, 10);
		assert_int_equal(shared(f, 81), LB_F_TAKING_OVER);
		assert_int_equal(shared(f, 80), 0);
		answer(f, 0);
		fixture_converge(f, 10);
		assert_int_equal(shared(f, 81), 0);
		assert_int_equal(f->plan.n_begins, 0);
	}
}

static void a_vip_with_more_flows_than_there_is_room_for_is_not_begun(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->out = 3;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_null(fixture_route(f, VIP "/32"));
	assert_string_equal(fixture_service(f, "web")->reason, "conntrackHoldsFlows");
	assert_int_equal(fixture_problem(f, "ConntrackHoldsFlows", "web")->severity,
			 SEVERITY_ERROR);
	assert_non_null(strstr(fixture_problem(f, "ConntrackHoldsFlows", "web")->remedy,
			       "conntrack -D -d " VIP));
	answer(f, 0);
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

/* What it does not know is the kernel's until there is room. */
static void a_vip_that_is_served_is_not_given_up_for_want_of_room(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->flows = 3;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	answer(f, 0)->out = 3;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(fixture_problem(f, "ConntrackHoldsFlows", "web")->severity,
			 SEVERITY_WARNING);
	answer(f, 0)->flows = 3;
	assert_shared(f, 80, LB_F_KERNEL_FLOWS);
}

/* --- at rest ---------------------------------------------------------------------------------- */

static struct fixture *web_that_comes_later(void)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_plan(f);
	f->node.ask = PLAN_ASK_BESIDE;
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_plan(f);
	return f;
}

static void what_comes_later_begins_by_taking_over_and_is_asked_about_meanwhile(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_comes_later();

	(void)state;
	assert_int_equal(shared(f, 80), LB_F_TAKING_OVER);
	assert_int_equal(f->plan.n_begins, 1);
	assert_true(f->plan.begins[0].takes && !f->plan.begins[0].waits);
	assert_false(f->plan.begins[0].programmed);
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_true(f->plan.begins[0].takes && f->plan.begins[0].programmed);
	assert_int_equal(f->plan.problems.n, 0);
	answer(f, 0)->out = 3;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_int_equal(fixture_problem(f, "ConntrackHoldsFlows", "web")->severity,
			 SEVERITY_WARNING);
	answer(f, 0)->flows = 2;
	assert_shared(f, 80, LB_F_KERNEL_FLOWS);
	answer(f, 0);
	assert_shared(f, 80, 0);
	assert_int_equal(f->plan.n_begins, 0);
}

/* What has begun since is not known, so it is not that nothing has. */
static void an_old_answer_is_none_for_what_comes_later(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = web_that_waits();

	(void)state;
	answer(f, 0)->old = true;
	f->node.ask = PLAN_ASK_BESIDE;
	fixture_plan(f);
	assert_int_equal(shared(f, 80), LB_F_TAKING_OVER);
	assert_false(f->plan.begins[0].waits);
	answer(f, 0);
	fixture_plan(f);
	assert_int_equal(shared(f, 80), 0);
}

/* No datagram says that it is a flow's first, so none would begin while it is taken over. */
static void a_vip_with_udp_waits_for_the_answer(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_plan(f);
	f->node.ask = PLAN_ASK_BESIDE;
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: ["
		       "{name: a, port: 80, targetPort: 8080}, "
		       "{name: b, port: 53, protocol: UDP, targetPort: 8080}]}");
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\n"
		       "ports: [{name: a, port: 8080}, {name: b, port: 8080, protocol: UDP}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a}]");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_frontends, 0);
	assert_int_equal(f->plan.n_begins, 1);
	assert_true(f->plan.begins[0].waits);
	answer(f, 0);
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_frontends, 3);
	assert_int_equal(shared(f, 80), 0);
}

/* --- handing back ----------------------------------------------------------------------------- */

/* Leaving, and so much later. */
static void leave(struct fixture *f, nsec_t after)
{
	fixture_object(f, "LodestoneConfig", "node-a", "", OFF);
	fixture_converge(f, 10); /* withdrawn */
	f->now += after;
	fixture_converge(f, 10);
}

static void what_begins_is_handed_back_once_the_routers_know(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	leave(f, PLAN_UNHELD_NS - 1);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_shared(f, 80, 0);
	assert_true(f->deadline <= f->now + 1);
	f->now++;
	assert_shared(f, 80, LB_F_HANDING_BACK);
	assert_true(f->plan.leaving);
	assert_int_equal(f->plan.n_begins, 0);
	assert_int_equal(f->deadline, f->now + DRAIN);
	f->now += DRAIN - 1;
	assert_shared(f, 80, LB_F_HANDING_BACK);
	f->now++;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_int_equal(f->n_devices, 0);
	assert_false(f->plan.leaving);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void it_is_over_with_the_last_flow(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	put_two_ports(f);
	fixture_converge(f, 10);
	leave(f, PLAN_UNHELD_NS);
	assert_int_equal(f->store.n, 3);
	f->store.items[1].idle = true;
	f->now += NSEC_PER_SEC;
	assert_shared(f, 80, LB_F_HANDING_BACK);
	assert_shared(f, 81, LB_F_HANDING_BACK);
	f->store.items[2].idle = true;
	f->now += NSEC_PER_SEC;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_false(f->plan.leaving);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

/* Nothing was counted yet since it is handed back. */
static void a_service_that_was_idle_before_is_handed_back_all_the_same(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->store.items[1].idle = true;
	leave(f, PLAN_UNHELD_NS);
	assert_shared(f, 80, LB_F_HANDING_BACK);
}

/* The kernel has flows meanwhile, as at a beginning. */
static void who_changes_his_mind_takes_over(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->node.ask = PLAN_ASK_FIRST;
	leave(f, PLAN_UNHELD_NS);
	assert_shared(f, 80, LB_F_HANDING_BACK);
	fixture_drop(f, "LodestoneConfig", "node-a");
	fixture_plan(f);
	assert_int_equal(shared(f, 80), LB_F_TAKING_OVER);
	assert_null(fixture_route(f, VIP "/32")); /* as long as what begins is left to the kernel */
	assert_int_equal(f->plan.n_begins, 1);
	assert_true(f->plan.begins[0].takes && !f->plan.begins[0].programmed);
	answer(f, 0)->flows = 1;
	assert_shared(f, 80, LB_F_TAKING_OVER);
	assert_non_null(fixture_route(f, VIP "/32"));
	assert_true(f->plan.begins[0].programmed);
	answer(f, 0)->flows = 1;
	assert_shared(f, 80, LB_F_KERNEL_FLOWS);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vip_that_nobody_asked_about_waits_and_is_asked_about),
		cmocka_unit_test(an_old_answer_is_none_for_what_has_not_begun),
		cmocka_unit_test(what_is_served_alone_is_not_asked_about_again),
		cmocka_unit_test(a_plan_says_which_vips_it_is_about_to_begin),
		cmocka_unit_test(ports_of_one_vip_begin_together),
		cmocka_unit_test(flows_of_the_kernel_stay_with_it_until_they_end),
		cmocka_unit_test(a_vip_that_the_kernel_has_had_lately_is_taken_over_too),
		cmocka_unit_test(a_restart_goes_on_where_the_store_is),
		cmocka_unit_test(what_changes_meanwhile_stays_shared),
		cmocka_unit_test(what_goes_by_the_kernels_table_is_asked_about_whoever_wants_it),
		cmocka_unit_test(vips_of_what_leaves_are_asked_about_among_the_others),
		cmocka_unit_test(a_port_that_is_added_meanwhile_is_asked_about),
		cmocka_unit_test(a_port_that_was_passed_so_far_is_asked_about),
		cmocka_unit_test(a_vip_with_more_flows_than_there_is_room_for_is_not_begun),
		cmocka_unit_test(a_vip_that_is_served_is_not_given_up_for_want_of_room),
		cmocka_unit_test(
			what_comes_later_begins_by_taking_over_and_is_asked_about_meanwhile),
		cmocka_unit_test(an_old_answer_is_none_for_what_comes_later),
		cmocka_unit_test(a_vip_with_udp_waits_for_the_answer),
		cmocka_unit_test(what_begins_is_handed_back_once_the_routers_know),
		cmocka_unit_test(it_is_over_with_the_last_flow),
		cmocka_unit_test(a_service_that_was_idle_before_is_handed_back_all_the_same),
		cmocka_unit_test(who_changes_his_mind_takes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
