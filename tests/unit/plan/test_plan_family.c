// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * IPv4 and IPv6 side by side: a Service with an address of each has its routes, frontends and
 * endpoints by family, and what the one cannot have yet costs the other nothing.
 */
#include "dual.h"
#include "made_draft.h"
#include "plan/plan_backends.h"

/* --- by objects ------------------------------------------------------------------------------ */

static void half_that_no_session_carries_costs_the_other_nothing(void **state)
{
	struct dual d;
	const struct plan_service *rows;
	const struct problem *p;

	(void)state;
	dual_begin(&d);
	(void)fixture_converge(d.f, 10);
	rows = fixture_service(d.f, "web");
	assert_int_equal(d.f->plan.n_services, 2);
	assert_true(rows[0].announced);
	assert_false(rows[1].announced);
	assert_string_equal(rows[1].reason, "familyNotCarried");
	assert_non_null(fixture_held(d.f, "r1", "192.168.100.0/32"));
	assert_int_equal(d.f->plan.n_routes, 1);
	assert_int_equal(d.f->plan.n_frontends, 4); /* a VIP and its port of each */
	assert_int_equal(fixture_frontend(d.f, "2001:db8:1::1", 80)->lb.n_targets, 1);
	assert_true(d.f->plan.end_of_rib);

	assert_int_equal(fixture_count(d.f, "FamilyNotCarried"), 1);
	p = fixture_problem(d.f, "FamilyNotCarried", "web");
	assert_int_equal(p->severity, SEVERITY_INFO);
	assert_non_null(strstr(p->message, "2001:db8:1::1"));
	fixture_free(d.f);
}

/* Without IPv4 it has nothing: that is worth more than a note. */
static void service_of_ipv6_alone_is_warned(void **state)
{
	struct dual d;

	(void)state;
	dual_begin(&d);
	d.items[0].name = "zzz"; /* another's */
	d.addresses.items = (const struct plan_address[]){d.items[1], d.items[0]};
	fixture_plan(d.f);
	assert_int_equal(fixture_problem(d.f, "FamilyNotCarried", "web")->severity,
			 SEVERITY_WARNING);
	fixture_free(d.f);
}

static void each_address_has_the_endpoints_of_its_family(void **state)
{
	struct dual d;
	const struct plan_service *rows;
	char text[IP_ADDR_TEXT];

	(void)state;
	dual_begin(&d);
	fixture_plan(d.f);
	rows = fixture_service(d.f, "web");
	for (size_t i = 0; i < 2; i++) {
		struct plan_service_backend b;

		assert_int_equal(rows[i].n_backends, 1);
		b = plan_backend_at(&rows[i], 0);
		assert_string_equal(ip_addr_text(&b.addr, text), i ? "fd00::5" : "10.244.0.5");
	}
	assert_int_equal(fixture_frontend(d.f, "192.168.100.0", 80)->lb.n_targets, 1);
	fixture_drop(d.f, "EndpointSlice", "web");
	fixture_plan(d.f);
	rows = fixture_service(d.f, "web");
	assert_string_equal(rows[0].reason, "noLocalEndpoints");
	fixture_free(d.f);
}

/* Until it has an address: what would be behind the one that it wants first. */
static void service_without_an_address_shows_endpoints_of_its_first_family(void **state)
{
	static const char *const families[] = {"", "ipFamilies: [IPv6]",
					       "ipFamilyPolicy: RequireDualStack"};
	struct dual d;
	const struct plan_service *row;
	struct plan_service_backend b;

	(void)state;
	dual_begin(&d);
	d.addresses.n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		fixture_add_service(d.f, "web", "Local", families[i]);
		fixture_plan(d.f);
		row = fixture_service(d.f, "web");
		assert_string_equal(row->reason, "noIPAllocated");
		assert_int_equal(row->n_backends, 1);
		b = plan_backend_at(row, 0);
		assert_int_equal(ip_family_of(&b.addr), i == 1 ? IP_V6 : IP_V4);
	}
	fixture_free(d.f);
}

/* /63 is wider than the pool's /64: no IPv6 of that pool, and IPv4 as before. */
static void length_that_is_too_short_for_one_family_holds_back_that_one(void **state)
{
	struct dual d;
	const struct problem *p;

	(void)state;
	dual_begin(&d);
	fixture_object(d.f, "BGPAdvertisement", "adv", "", "spec: {aggregationLengthV6: 63}");
	d.f->ledger.n_good = 0; /* it was never good */
	(void)fixture_converge(d.f, 10);
	p = fixture_problem(d.f, "AggregationTooShort", "adv");
	assert_string_equal(p->field, "spec.aggregationLengthV6");
	assert_non_null(strstr(p->message, "IPv6"));
	assert_non_null(strstr(p->remedy, "aggregationLengthV6"));
	assert_int_equal(fixture_count(d.f, "AggregationTooShort"), 1);
	assert_true(fixture_service(d.f, "web")[0].announced);
	assert_string_equal(fixture_service(d.f, "web")[1].reason, "advertisementHeldBack");
	fixture_free(d.f);
}

/* It fitted while the pool was wider, and goes on as it is. */
static void edit_of_the_pool_keeps_what_fitted_in_its_family(void **state)
{
	struct dual d;

	(void)state;
	dual_begin(&d);
	fixture_object(d.f, "BGPAdvertisement", "adv", "", "spec: {aggregationLengthV6: 64}");
	fixture_plan(d.f);
	assert_int_equal(fixture_count(d.f, "AggregationTooShort"), 0);
	fixture_object(d.f, "IPAddressPool", "pool-a", "",
		       "spec: {addresses: [192.168.100.0/24, \"2001:db8:1::/80\"]}");
	fixture_plan(d.f);
	assert_non_null(strstr(fixture_problem(d.f, "AggregationTooShort", "adv")->message,
			       "its routes stay as they were"));
	assert_string_equal(fixture_service(d.f, "web")[1].reason, "familyNotCarried");
	/* A family that the pool did not have has no routes that could stay. */
	fixture_object(d.f, "IPAddressPool", "pool-a", "", "spec: {addresses: [192.168.100.0/24]}");
	fixture_plan(d.f);
	fixture_object(d.f, "IPAddressPool", "pool-a", "",
		       "spec: {addresses: [192.168.100.0/24, \"2001:db8:1::/80\"]}");
	fixture_plan(d.f);
	assert_string_equal(fixture_service(d.f, "web")[1].reason, "advertisementHeldBack");
	fixture_free(d.f);
}

/* Lengths that differ in one family are no conflict there, and none are compared in the other. */
static void strict_compares_the_lengths_of_the_family(void **state)
{
	struct dual d;

	(void)state;
	dual_begin(&d);
	fixture_object(d.f, "LodestoneConfig", "default", "", "spec: {strict: true}");
	fixture_object(d.f, "BGPAdvertisement", "adv", "",
		       "spec: {localPref: 100, aggregationLengthV6: 64}");
	fixture_object(d.f, "BGPAdvertisement", "second", "", "spec: {localPref: 200}");
	fixture_plan(d.f);
	assert_string_equal(fixture_service(d.f, "web")[0].reason, "conflictingAdvertisements");
	assert_string_equal(fixture_service(d.f, "web")[1].reason, "familyNotCarried");
	fixture_free(d.f);
}

/* What a session that carries IPv6 makes of it: r1 does not, and r2 does. */
static void claims_have_the_length_of_their_family(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct dual d;
	struct plan_env env;
	struct plan_inputs in;
	struct plan_service_input web;
	const struct plan_actual actual = {0};
	const struct plan_fragment *fragment;
	char text[IP_PREFIX_TEXT];

	(void)state;
	dual_begin(&d);
	fixture_object(d.f, "BGPAdvertisement", "adv", "",
		       "spec: {aggregationLength: 24, aggregationLengthV6: 80}");
	in = (struct plan_inputs){.world = d.f->world,
				  .addresses = &d.addresses,
				  .node = &d.f->node,
				  .actual = &actual,
				  .settings = &d.f->settings};
	plan_env_build(&in, &d.f->ledger, arena, &env);
	env.carriers[IP_V6] = env.carriers[IP_V4];
	web = (struct plan_service_input){
		.service = world_find(d.f->world, API_SERVICE, "default", "web"),
		.slices = world_slices(d.f->world, "default", "web"),
		.addresses = d.items,
		.n_addresses = 2};
	fragment = plan_service(&env, &web, arena);
	assert_int_equal(fragment->n_claims, 4); /* policy Local: the addresses lead, too */
	assert_string_equal(ip_prefix_text(&fragment->claims[0].prefix, text), "192.168.100.0/24");
	assert_int_equal(fragment->claims[1].prefix.len, 32);
	assert_true(ip_addr_equal(&fragment->claims[1].prefix.addr, &d.items[0].addr));
	assert_string_equal(ip_prefix_text(&fragment->claims[2].prefix, text), "2001:db8:1::/80");
	assert_int_equal(fragment->claims[3].prefix.len, 128);
	assert_true(ip_addr_equal(&fragment->claims[3].prefix.addr, &d.items[1].addr));
	assert_int_equal(fragment->problems.n, 0);
	fixture_free(d.f);
}

/* --- by hand: peers that carry IPv6 ----------------------------------------------------------- */

static void make_dual(struct made_draft *m, bool dataplane)
{
	const struct plan_vip vips[] = {{.addr = addr("192.168.100.1")},
					{.addr = addr("2001:db8:1::1")}};

	made_draft(m, vips);
	m->claims[1].prefix = ip_prefix_of(&vips[1].addr, 128);
	m->plan.dataplane = dataplane;
}

static void route_goes_to_the_peers_that_carry_its_family(void **state)
{
	struct made_draft m;

	(void)state;
	for (uint64_t carriers = 0; carriers <= P1; carriers += P1) {
		make_dual(&m, false);
		m.d.env.carriers[IP_V6] = carriers;
		made_draft_steps(&m);
		assert_int_equal(m.plan.n_routes, carriers ? 2 : 1);
		assert_int_equal(m.plan.routes[0].peers, P0 | P1);
		assert_int_equal(ip_family_of(&m.plan.routes[0].prefix.addr), IP_V4);
		if (carriers)
			assert_int_equal(m.plan.routes[1].peers, P1);
		made_draft_done(&m);
	}
}

/* Each family's route waits for its own VIP to be programmed. */
static void route_waits_for_the_vip_of_its_family(void **state)
{
	struct made_draft m;

	(void)state;
	make_dual(&m, true);
	m.actual.n_frontends = 2; /* of the VIPs' keys those of the first */
	m.d.env.carriers[IP_V6] = P0 | P1;
	made_draft_steps(&m);
	assert_int_equal(m.plan.n_routes, 1);
	assert_int_equal(ip_family_of(&m.plan.routes[0].prefix.addr), IP_V4);
	assert_int_equal(m.plan.n_frontends, 4);
	assert_false(m.plan.services[1].announced);
	assert_string_equal(m.plan.services[1].reason, "notProgrammed");
	made_draft_done(&m);
}

/* Two aggregates of one advertisement, each over somebody's address: one word for each family. */
static void covered_addresses_are_told_for_each_family(void **state)
{
	const struct plan_own_address own[] = {
		{addr("192.168.100.9"), "an address of Node x", false, 0},
		{addr("2001:db8:1::9"), "an address of Node y", false, 0}};
	struct plan_claim_more more[2];
	struct made_draft m;

	(void)state;
	make_dual(&m, false);
	m.d.env.carriers[IP_V6] = P0 | P1;
	for (size_t i = 0; i < 2; i++) {
		m.claims[i].prefix = ip_prefix_of(&m.claims[i].vip.addr, i ? 64 : 24);
		more[i] = (struct plan_claim_more){.under = &own[i]};
		m.claims[i].more = &more[i];
	}
	made_draft_steps(&m);
	plan_draft_aggregates(&m.d);
	assert_int_equal(m.plan.problems.n, 2);
	assert_string_equal(m.plan.problems.items[0].field, "spec.aggregationLength");
	assert_string_equal(m.plan.problems.items[1].field, "spec.aggregationLengthV6");
	assert_non_null(strstr(m.plan.problems.items[1].message, "Node y"));
	assert_non_null(strstr(m.plan.problems.items[1].remedy, "aggregationLengthV6"));
	made_draft_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_that_no_session_carries_costs_the_other_nothing),
		cmocka_unit_test(service_of_ipv6_alone_is_warned),
		cmocka_unit_test(each_address_has_the_endpoints_of_its_family),
		cmocka_unit_test(service_without_an_address_shows_endpoints_of_its_first_family),
		cmocka_unit_test(length_that_is_too_short_for_one_family_holds_back_that_one),
		cmocka_unit_test(edit_of_the_pool_keeps_what_fitted_in_its_family),
		cmocka_unit_test(strict_compares_the_lengths_of_the_family),
		cmocka_unit_test(claims_have_the_length_of_their_family),
		cmocka_unit_test(route_goes_to_the_peers_that_carry_its_family),
		cmocka_unit_test(route_waits_for_the_vip_of_its_family),
		cmocka_unit_test(covered_addresses_are_told_for_each_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
