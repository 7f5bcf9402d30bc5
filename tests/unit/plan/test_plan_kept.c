// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/plan_kept.h: how little is planned after an edit, and when it is all. That the plan and what
 * the store is told are then what they are from nothing, the fixture checks after every plan; a
 * random walk among more Services than other tests have is here, too.
 */
#include "base/rng.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_SERVICES 40
#define HERE       "10.244.0.5@node-a"
#define OTHER      "10.244.0.6@node-a"

static const char *name_of(unsigned i)
{
	static char name[8];

	snprintf(name, sizeof(name), "s%02u", i);
	return name;
}

static struct fixture *with_services(const char *advert)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_object(f, "BGPAdvertisement", "adv", "", advert);
	for (unsigned i = 0; i < N_SERVICES; i++) {
		fixture_add_service(f, name_of(i), "Local", "");
		fixture_add_slice(f, name_of(i), HERE);
	}
	fixture_converge(f, 20);
	fixture_plan(f);
	return f;
}

/* A frontend and its VIP for each Service. */
static size_t n_planned(struct fixture *f)
{
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 2 * N_SERVICES);
	return f->plan.stirred.n_frontends / 2;
}

static void what_is_quiet_is_not_planned(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {}");

	(void)state;
	assert_int_equal(n_planned(f), 0);
	fixture_add_slice(f, name_of(7), HERE " " OTHER);
	assert_int_equal(n_planned(f), 1);
	fixture_apply(f); /* programmed, which is to be seen */
	assert_int_equal(n_planned(f), 1);
	fixture_apply(f);
	assert_int_equal(n_planned(f), 0);
}

/* Also when nothing more happens to them: they have a deadline, or are refused. */
static void what_is_not_quiet_is_planned_each_time(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {}");

	(void)state;
	fixture_add_slice(f, name_of(3), OTHER);
	fixture_converge(f, 5);
	assert_int_equal(f->ledger.n_drains, 1);
	assert_int_equal(n_planned(f), 1);
	assert_int_equal(n_planned(f), 1);
	f->now = f->deadline;
	fixture_converge(f, 5);
	assert_int_equal(f->ledger.n_drains, 0);
	fixture_plan(f); /* the one before had it in its ledger */
	assert_int_equal(n_planned(f), 0);

	f->store.fail_tests = true;
	fixture_add_slice(f, name_of(3), HERE " " OTHER);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(n_planned(f), 1);
		assert_true(fixture_apply(f) > 0);
	}
	f->store.fail_tests = false;
	fixture_converge(f, 5);
	assert_int_equal(n_planned(f), 0);
}

/* What was sent and did not change is passed over by many at once, as far as it goes. */
static void one_more_route_behind_many_is_planned_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {}");

	(void)state;
	for (unsigned i = N_SERVICES; i < 70; i++) {
		fixture_add_service(f, name_of(i), "Local", "");
		fixture_add_slice(f, name_of(i), HERE);
	}
	fixture_converge(f, 20);
	fixture_plan(f);
	assert_int_equal(f->plan.stirred.n_frontends, 0);
	fixture_add_service(f, name_of(70), "Local", "");
	fixture_add_slice(f, name_of(70), HERE);
	fixture_plan(f);
	for (int i = 0; i < 2; i++) { /* programmed, then sent */
		fixture_apply(f);
		fixture_plan(f);
		assert_int_equal(f->plan.stirred.n_frontends, 2);
	}
	fixture_apply(f);
	fixture_plan(f);
	assert_int_equal(f->plan.stirred.n_frontends, 0);
	assert_int_equal(f->plan.n_routes, 71);
}

static void a_zone_is_planned_as_one(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {aggregationLength: 28}");

	(void)state;
	fixture_add_slice(f, name_of(20), HERE " " OTHER);
	assert_int_equal(n_planned(f), 16);
}

static void what_concerns_all_is_planned_wholly(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {}");

	(void)state;
	fixture_peer(f, "r1")->down = true;
	assert_int_equal(n_planned(f), N_SERVICES);
	assert_int_equal(n_planned(f), 0);
	fixture_peer(f, "r1")->down = false;
	assert_int_equal(n_planned(f), N_SERVICES);
	f->device_failure = "EBUSY";
	fixture_apply(f);
	assert_int_equal(n_planned(f), N_SERVICES);
	f->device_failure = NULL;
	fixture_converge(f, 10);
	f->node.ask = PLAN_ASK_FIRST;
	assert_int_equal(n_planned(f), N_SERVICES);
	assert_int_equal(n_planned(f), 0);
	f->synced = false;
	assert_int_equal(n_planned(f), N_SERVICES);
	assert_int_equal(n_planned(f), N_SERVICES);
}

static void many_changes_are_planned_wholly(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {}");

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		fixture_add_slice(f, name_of(i), HERE " " OTHER);
	assert_int_equal(n_planned(f), 9);
	for (unsigned i = 0; i < 10; i++)
		fixture_add_slice(f, name_of(i), OTHER);
	assert_int_equal(n_planned(f), N_SERVICES);
}

/* Attribute sets are numbered among all that are in use, whichever comes first of them. */
static void another_set_is_planned_wholly(void **state)
{
	static const char *const others[] = {"annotations: {lodestone.io/med: \"5\"}",
					     "annotations: {lodestone.io/med: \"7\"}"};
	_cleanup_(fixture_freep) struct fixture *f = with_services("spec: {}");

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "annotations: {lodestone.io/med: \"6\"}",
		       "spec: {}");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_attrs, 1);
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(others); i++) {
		fixture_object(f, "Service", name_of(9), i % 2 ? "" : others[i / 2],
			       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
			       "ports: [{port: 80, targetPort: 8080}]}");
		assert_int_equal(n_planned(f), N_SERVICES);
		assert_int_equal(f->plan.n_attrs, 2 - i % 2);
		fixture_converge(f, 10);
	}
}

/* Somewhere the last flow ended, or one was seen again. */
static void end_flows(struct fixture *f, struct rng *rng)
{
	struct fake_frontend *some =
		f->store.n ? &f->store.items[rng_below(rng, f->store.n)] : NULL;

	if (!some)
		return;
	some->idle = rng_below(rng, 4) && some->flags & (LB_F_CLOSED | LB_F_HANDING_BACK);
	for (size_t i = 0; i < some->n_targets; i++)
		if (some->targets[i].state != LB_BACKEND_READY)
			some->targets[i].state =
				rng_below(rng, 4) ? LB_BACKEND_IDLE : LB_BACKEND_DRAINING;
}

static void put_node(struct fixture *f, const char *name, const char *address)
{
	fixture_object(f, "Node", name, "",
		       arena_printf(f->arena,
				    "status: {addresses: [{type: InternalIP, address: %s}]}",
				    address));
}

/* This one's end is beside the VIPs, in a zone of some. */
static void give_nodes(struct fixture *f)
{
	f->addrs[0] = (struct plan_local_addr){ip_addr_from_v4(0xc0a864c8), 24, 2, false};
	put_node(f, "node-a", "192.168.100.200");
	put_node(f, "node-b", "10.0.0.11");
	put_node(f, "node-c", "10.0.0.12");
	for (uint32_t i = 0; i < 2; i++)
		f->remotes[i] = (struct plan_actual_remote){ip_addr_from_v4(0x0a00000b + i),
							    REMOTE_ANSWERS};
	f->n_remotes = 2;
}

static void change_something(struct fixture *f, struct rng *rng)
{
	static const char *const slices[] = {"",
					     HERE,
					     OTHER,
					     HERE " " OTHER,
					     "10.244.0.5@node-a-",
					     "10.244.0.9@node-b",
					     "10.244.0.9@node-b 10.244.0.10@node-c",
					     HERE " 10.244.0.10@node-c-"};
	const char *name = name_of((unsigned)rng_below(rng, N_SERVICES));

	switch (rng_below(rng, 18)) {
	case 14:
	case 15:
		fixture_add_service(f, name, "Cluster", "");
		break;
	case 16:
		f->remotes[rng_below(rng, 2)].state = (enum plan_remote_state)rng_below(rng, 4);
		break;
	case 17:
		if (rng_below(rng, 8) == 0)
			fixture_drop(f, "Node", "node-c");
		else if (rng_below(rng, 4) == 0)
			put_node(f, "node-c", "10.0.0.12");
		break;
	case 0:
		fixture_drop(f, "Service", name);
		break;
	case 1:
		fixture_add_service(f, name, "Local", "");
		break;
	case 2:
		fixture_add_service(f, name, "Local", "sessionAffinity: ClientIP");
		break;
	case 3:
		f->now += rng_below(rng, 70 * NSEC_PER_SEC);
		break;
	case 4:
		f->store.fail_every = rng_below(rng, 5);
		break;
	case 5:
	case 6:
		end_flows(f, rng);
		break;
	default:
		fixture_add_slice(f, name, slices[rng_below(rng, ARRAY_SIZE(slices))]);
	}
}

static void any_edits(void **state)
{
	static const char *const adverts[] = {
		"spec: {}", "spec: {aggregationLength: 30}",
		"spec: {aggregationLength: 28, communities: [\"1:2\"]}"};
	size_t n_parts = 0, n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		_cleanup_(fixture_freep) struct fixture *f =
			with_services(adverts[seed % ARRAY_SIZE(adverts)]);
		struct rng rng;

		rng_seed(&rng, seed);
		if (seed % 4)
			give_nodes(f);
		for (unsigned step = 0; step < 60; step++) {
			for (size_t i = 1 + rng_below(&rng, 4); i > 0; i--)
				change_something(f, &rng);
			for (size_t i = rng_below(&rng, 4); i > 0; i--) {
				fixture_plan(f);
				n_parts += f->plan.stirred.n_frontends < f->plan.n_frontends;
				n++;
				fixture_apply(f);
			}
		}
	}
	assert_in_range(n_parts, n / 3, n - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_quiet_is_not_planned),
		cmocka_unit_test(what_is_not_quiet_is_planned_each_time),
		cmocka_unit_test(one_more_route_behind_many_is_planned_alone),
		cmocka_unit_test(a_zone_is_planned_as_one),
		cmocka_unit_test(what_concerns_all_is_planned_wholly),
		cmocka_unit_test(many_changes_are_planned_wholly),
		cmocka_unit_test(another_set_is_planned_wholly),
		cmocka_unit_test(any_edits),
	};

	return cmocka_run_group_tests_name("plan_kept", tests, NULL, NULL);
}
