// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which families a session offers and announces, and by which next hops: dualStackAddressFamily,
 * addresses of the device that come and go, and what the session turned out to agree to.
 */
#include "dual.h"

#define V4 BGP_FAMILY_BIT(BGP_IPV4_UNICAST)
#define V6 BGP_FAMILY_BIT(BGP_IPV6_UNICAST)

/* The router at 10.0.0.1 or 2001:db8::1, which the node reaches by eth0. */
static const struct plan_peer *r1(struct fixture *f, const char *address, bool dual)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", "r1", "",
		       arena_printf(arena,
				    "spec: {myASN: 64512, peerASN: 64513, peerAddress: \"%s\", "
				    "dualStackAddressFamily: %s}",
				    address, dual ? "true" : "false"));
	arena_free(arena);
	fixture_plan(f);
	assert_non_null(fixture_plan_peer(f, "r1"));
	return fixture_plan_peer(f, "r1");
}

static void give(struct fixture *f, const char *text, uint8_t len, int ifindex, bool passing)
{
	assert_true(f->node.n_addrs < ARRAY_SIZE(f->addrs));
	f->addrs[f->node.n_addrs++] = (struct plan_local_addr){addr(text), len, ifindex, passing};
}

static void a_session_offers_its_own_family_and_with_dual_stack_both(void **state)
{
	static const struct {
		const char *address;
		bool dual;
		uint8_t families, carried;
		bool extended;
	} cases[] = {
		{"10.0.0.1", false, V4, V4, false},
		{"10.0.0.1", true, V4 | V6, V4, false},
		{"2001:db8::1", false, V6, V6, false},
		{"2001:db8::1", true, V4 | V6, V4 | V6, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const struct plan_peer *p = r1(f, cases[i].address, cases[i].dual);

		assert_int_equal(p->bgp.families.bits, cases[i].families);
		assert_int_equal(p->carried.bits, cases[i].carried);
		assert_int_equal(p->bgp.extended_next_hop, cases[i].extended);
	}
}

static void the_other_family_needs_a_global_address_of_the_device(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct plan_peer *p;
	const struct problem *problem;

	(void)state;
	give(f, "2001:db8:1::1", 64, 3, false); /* of another device */
	give(f, "fe80::5", 64, 2, false);       /* of no use beyond the link */
	give(f, "2001:db8::99", 64, 2, true);   /* temporary */
	p = r1(f, "10.0.0.1", true);
	assert_int_equal(p->carried.bits, V4);
	assert_true(ip_addr_is_none(&p->next_hops.ipv6));
	problem = fixture_problem(f, "NoNextHop", "r1");
	assert_int_equal(problem->severity, SEVERITY_WARNING);
	assert_string_equal(problem->field, "spec.dualStackAddressFamily");
	assert_non_null(strstr(problem->message, "eth0 has no global IPv6 address"));

	give(f, "2001:db8::b", 64, 2, false);
	give(f, "2001:db8::a", 64, 2, false);
	fixture_plan(f);
	p = fixture_plan_peer(f, "r1");
	assert_int_equal(p->carried.bits, V4 | V6);
	assert_true(ip_addr_equal(&p->next_hops.ipv6, &f->addrs[7].addr)); /* the lowest */
	assert_true(ip_addr_is_none(&p->next_hops.ipv4)); /* the connection's own */
	assert_null(fixture_problem(f, "NoNextHop", "r1"));
}

/* RFC 2545 3. */
static void a_link_local_next_hop_is_for_a_shared_link_only(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct ip_addr link_local = addr("fe80::5");

	(void)state;
	give(f, "fe80::5", 64, 2, false);
	give(f, "2001:db8::a", 64, 2, false);
	assert_true(
		ip_addr_equal(&r1(f, "10.0.0.1", true)->next_hops.ipv6_link_local, &link_local));
	assert_true(ip_addr_equal(&r1(f, "2001:db8::1", false)->next_hops.ipv6_link_local,
				  &link_local));
	assert_true(ip_addr_is_none(&r1(f, "10.9.0.1", true)->next_hops.ipv6_link_local));
	assert_true(ip_addr_is_none(&r1(f, "2001:db8:9::1", false)->next_hops.ipv6_link_local));
}

static void an_ipv6_session_names_the_ipv4_address_of_its_device(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct ip_addr v4 = addr("10.0.0.10");

	(void)state;
	assert_true(ip_addr_equal(&r1(f, "2001:db8::1", true)->next_hops.ipv4, &v4));
	assert_true(ip_addr_is_none(&r1(f, "2001:db8::1", true)->next_hops.ipv6));
	f->addrs[0].ifindex = 3;
	assert_true(ip_addr_is_none(&r1(f, "2001:db8::1", true)->next_hops.ipv4));
	assert_null(fixture_problem(f, "NoNextHop", "r1")); /* RFC 8950 may do */
	f->no_route = true;
	assert_true(r1(f, "2001:db8::1", true)->bgp.extended_next_hop); /* no OPEN for that */
}

/* --- routes ---------------------------------------------------------------------------------- */

/* "web" is announced to r1 in both families. */
static void begin(struct dual *d)
{
	dual_begin(d);
	give(d->f, "2001:db8::a", 64, 2, false);
	(void)r1(d->f, "10.0.0.1", true);
}

static void assert_has_v6(struct fixture *f, bool has)
{
	(void)fixture_converge(f, 20);
	if (has)
		assert_non_null(fixture_held(f, "r1", "2001:db8:1::1/128"));
	else
		assert_null(fixture_held(f, "r1", "2001:db8:1::1/128"));
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_true(fixture_service(f, "web")[0].announced);
	assert_int_equal(fixture_service(f, "web")[1].announced, has);
	if (!has)
		assert_string_equal(fixture_service(f, "web")[1].reason, "familyNotCarried");
	assert_true(f->plan.end_of_rib);
}

static void the_family_is_withdrawn_when_its_next_hop_goes(void **state)
{
	struct dual d;

	(void)state;
	begin(&d);
	assert_has_v6(d.f, true);
	d.f->node.n_addrs--;
	assert_has_v6(d.f, false);
	assert_non_null(fixture_problem(d.f, "NoNextHop", "r1"));
	d.f->node.n_addrs++;
	assert_has_v6(d.f, true);
	fixture_free(d.f);
}

static void what_the_router_does_not_list_is_not_announced_and_told(void **state)
{
	struct fixture_peer *p;
	struct dual d;

	(void)state;
	begin(&d);
	assert_has_v6(d.f, true);
	p = fixture_peer(d.f, "r1");
	p->not_agreed.bits = V6;
	assert_has_v6(d.f, false);
	assert_non_null(strstr(fixture_problem(d.f, "FamilyNotAgreed", "r1")->message,
			       "does not list IPv6 unicast"));
	p->not_agreed.bits = 0;
	p->no_next_hop.bits = V6;
	assert_has_v6(d.f, false);
	assert_non_null(strstr(fixture_problem(d.f, "NoNextHop", "r1")->message,
			       "no IPv6 address to be the next hop: no IPv6 routes"));
	assert_null(fixture_problem(d.f, "FamilyNotAgreed", "r1"));
	p->no_next_hop.bits = 0;
	assert_has_v6(d.f, true);
	fixture_free(d.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_offers_its_own_family_and_with_dual_stack_both),
		cmocka_unit_test(the_other_family_needs_a_global_address_of_the_device),
		cmocka_unit_test(a_link_local_next_hop_is_for_a_shared_link_only),
		cmocka_unit_test(an_ipv6_session_names_the_ipv4_address_of_its_device),
		cmocka_unit_test(the_family_is_withdrawn_when_its_next_hop_goes),
		cmocka_unit_test(what_the_router_does_not_list_is_not_announced_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
