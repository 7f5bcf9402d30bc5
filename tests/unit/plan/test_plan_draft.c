// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One address in two domains is two VIPs, whatever a step or a gate asks about them; and their
 * order is that of keys.
 */
#include "made_draft.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ADDR 0xc0a86401 /* 192.168.100.1 */

/* Peer p0 is in domain 0, p1 in 1; the address is a VIP in both. */
static void two_domains(struct made_draft *m)
{
	const struct plan_vip vips[] = {{.addr = ip_addr_from_v4(ADDR)},
					{.addr = ip_addr_from_v4(ADDR), .domain = 1}};

	made_draft(m, vips);
	m->peers[1].domain = 1;
}

static void was_sent(struct made_draft *m, size_t peer, const struct ip_prefix *prefixes, size_t n)
{
	struct prefix_list *list = prefix_list_new(n);

	memcpy(list->items, prefixes, n * sizeof(*prefixes));
	m->sessions[peer].advertised = list;
}

static void advertise(struct made_draft *m, size_t peer)
{
	was_sent(m, peer, &m->claims[0].prefix, 1);
}

static void vips_are_ordered_as_their_keys_are(void **state)
{
	const struct plan_vip vips[] = {
		{.addr = ip_addr_from_v4(1)},
		{.addr = ip_addr_from_v4(1), .domain = 1},
		{.addr = ip_addr_from_v4(1), .domain = 0x100},
		{.addr = ip_addr_from_v4(2)},
		{.addr = ip_addr_from_v4(2), .domain = 0x201},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vips); i++)
		for (size_t k = 0; k < ARRAY_SIZE(vips); k++) {
			const struct lb_key a = plan_vip_key(&vips[i]), b = plan_vip_key(&vips[k]);
			const int by_key = lb_key_cmp(&a, &b);
			const int by_vip = plan_vip_cmp(&vips[i], &vips[k]);
			const struct plan_vip back = plan_vip_of(&a);

			assert_int_equal((by_vip > 0) - (by_vip < 0), (by_key > 0) - (by_key < 0));
			assert_int_equal(plan_vip_equal(&vips[i], &vips[k]), i == k);
			assert_true(plan_vip_equal(&back, &vips[i]));
			assert_int_equal(a.port + a.proto, 0);
		}
}

static void one_address_in_two_domains_conflicts_with_nothing(void **state)
{
	struct made_draft m;

	(void)state;
	two_domains(&m);
	made_draft_steps(&m);
	assert_int_equal(m.plan.problems.n, 0);
	assert_int_equal(m.d.n_vips, 2);
	assert_int_equal(m.plan.n_frontends, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(m.plan.frontends[i].lb.key.domain, i / 2);
		assert_int_equal(m.plan.frontends[i].lb.key.port, i % 2 ? 80 : 0);
		assert_false(m.plan.frontends[i].leaving);
	}
	assert_int_equal(m.plan.n_routes, 1);
	assert_int_equal(m.plan.routes[0].peers, P0 | P1);
	made_draft_done(&m);
}

/* Gate 1: what the VIP of a domain is, its peers are told, and no other domain's. */
static void route_goes_to_the_peers_of_the_domain_whose_vip_is_open(void **state)
{
	static const uint64_t peer_of[] = {P0, P1};
	struct made_draft m;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		two_domains(&m);
		m.programmed[2 * (1 - i) + 1].tested = false;
		made_draft_steps(&m);
		assert_int_equal(m.plan.n_routes, 1);
		assert_int_equal(m.plan.routes[0].peers, peer_of[i]);
		assert_false(m.plan.end_of_rib); /* the other is on its way */
		assert_true(m.plan.services[1 - i].reason &&
			    strcmp(m.plan.services[1 - i].reason, "notProgrammed") == 0);
		made_draft_done(&m);
	}
}

static void vip_that_no_peer_is_in_the_domain_of_is_no_reason_to_wait(void **state)
{
	struct made_draft m;

	(void)state;
	two_domains(&m);
	m.peers[1].domain = 2;
	m.programmed[3].tested = false;
	made_draft_steps(&m);
	assert_int_equal(m.plan.routes[0].peers, P0);
	assert_true(m.plan.end_of_rib);
	made_draft_done(&m);
}

/* Neither left out there nor told: the kernel's flows are another domain's. */
static void taken_address_of_one_domain_withholds_nothing_in_the_other(void **state)
{
	struct plan_taken taken = {.vip = {.addr = ip_addr_from_v4(ADDR), .domain = 1}, .out = 1};
	struct made_draft m;

	(void)state;
	two_domains(&m);
	m.node.taken = &taken;
	m.node.n_taken = 1;
	m.actual.n_frontends = 0;
	made_draft_steps(&m);
	assert_false(m.d.ports[0].left_out);
	assert_true(m.d.ports[1].left_out);
	assert_int_equal(m.plan.problems.n, 1);
	assert_string_equal(m.plan.problems.items[0].object.name, "b");
	assert_int_equal(m.plan.n_begins, 2); /* of both the flows are asked */
	assert_int_equal(m.plan.begins[0].vip.domain, 0);
	assert_int_equal(m.plan.begins[1].vip.domain, 1);
	made_draft_done(&m);
}

/* Gate 2: a route in one domain brings no traffic to the same address in another. */
static void route_holds_the_vip_of_its_own_domain_only(void **state)
{
	struct made_draft m;

	(void)state;
	two_domains(&m);
	advertise(&m, 0);
	m.n = 0; /* nobody wants either */
	made_draft_steps(&m);
	assert_int_equal(m.d.n_leaving, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(m.d.leaving[i].frontend.domain, i / 2);
		assert_int_equal(m.d.leaving[i].unheld_since, i < 2 ? NSEC_NEVER : m.d.now);
		assert_true(m.plan.frontends[i].leaving);
	}
	made_draft_done(&m);
}

/* A peer that the plan knows no more may be of any domain. */
static void route_of_a_peer_that_is_gone_holds_the_vip_in_every_domain(void **state)
{
	struct made_draft m;

	(void)state;
	two_domains(&m);
	advertise(&m, 0);
	m.session_list[0] = NULL;
	m.n = 0;
	made_draft_steps(&m);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(m.d.leaving[i].unheld_since, NSEC_NEVER);
	made_draft_done(&m);
}

/* Gate 3: the replacement of a withdrawn aggregate is that of the peer's own domain. */
static void withdraw_waits_for_the_replacement_in_its_own_domain(void **state)
{
	static const struct {
		size_t peer;
		bool other_is_out;
		bool waits;
	} cases[] = {{0, false, true}, {0, true, false}, {1, false, true}, {1, true, false}};
	struct made_draft m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const size_t peer = cases[i].peer;
		struct ip_prefix has[2];

		two_domains(&m);
		has[0] = ip_prefix_of(&m.claims[0].vip.addr, 24);
		has[1] = m.claims[0].prefix;
		/* The other domain's peer has not been sent its route yet: nothing to this one. */
		was_sent(&m, peer, has, cases[i].other_is_out ? 2 : 1);
		made_draft_steps(&m);
		assert_int_equal(m.plan.n_routes, cases[i].waits ? 2 : 1);
		assert_true(!cases[i].waits || m.plan.routes[0].hold);
		made_draft_done(&m);
	}
}

static void frontends_of_a_domain_that_nobody_wants_leave_alone(void **state)
{
	struct made_draft m;

	(void)state;
	two_domains(&m);
	advertise(&m, 0);
	advertise(&m, 1);
	m.n = 1;
	made_draft_steps(&m);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(m.plan.frontends[i].leaving, i >= 2);
	assert_int_equal(m.d.n_leaving, 2);
	assert_int_equal(m.plan.n_routes, 1);
	assert_int_equal(m.plan.routes[0].peers, P0);
	made_draft_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vips_are_ordered_as_their_keys_are),
		cmocka_unit_test(one_address_in_two_domains_conflicts_with_nothing),
		cmocka_unit_test(route_goes_to_the_peers_of_the_domain_whose_vip_is_open),
		cmocka_unit_test(vip_that_no_peer_is_in_the_domain_of_is_no_reason_to_wait),
		cmocka_unit_test(taken_address_of_one_domain_withholds_nothing_in_the_other),
		cmocka_unit_test(route_holds_the_vip_of_its_own_domain_only),
		cmocka_unit_test(route_of_a_peer_that_is_gone_holds_the_vip_in_every_domain),
		cmocka_unit_test(withdraw_waits_for_the_replacement_in_its_own_domain),
		cmocka_unit_test(frontends_of_a_domain_that_nobody_wants_leave_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
