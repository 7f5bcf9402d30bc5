// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers by interface: between which addresses their session is, what it carries, and what follows
 * when the link, our address on it or the router at its other end comes and goes.
 */
#include "fake/plan_fixture.h"
#include "plan/plan_peer_change.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BOTH (BGP_FAMILY_BIT(BGP_IPV4_UNICAST) | BGP_FAMILY_BIT(BGP_IPV6_UNICAST))

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static void give(struct fixture *f, const char *text, uint8_t len, int ifindex)
{
	assert_true(f->node.n_addrs < ARRAY_SIZE(f->addrs));
	f->addrs[f->node.n_addrs++] = (struct plan_local_addr){addr(text), len, ifindex, false};
}

static void hear(struct fixture *f, const char *text, int ifindex)
{
	f->routers[f->node.routers.n++] = (struct plan_router){ifindex, addr(text)};
}

static void peer(struct fixture *f, const char *more)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", "tor", "",
		       arena_printf(arena,
				    "spec: {myASN: 64512, peerASN: 64513, interface: eth0%s}",
				    more));
	arena_free(arena);
}

static const struct plan_peer *planned(struct fixture *f)
{
	fixture_plan(f);
	assert_non_null(fixture_plan_peer(f, "tor"));
	return fixture_plan_peer(f, "tor");
}

/* eth0 has a link-local address, and its router was heard. */
static struct fixture *heard_fixture(const char *more)
{
	struct fixture *f = fixture_new();

	give(f, "fe80::5", 64, 2);
	give(f, "fe80::6", 64, 3);
	hear(f, "fe80::1", 2);
	hear(f, "fe80::2", 3);
	peer(f, more);
	return f;
}

static void assert_addr(const struct ip_addr *a, const char *want)
{
	char text[IP_ADDR_TEXT];

	assert_string_equal(ip_addr_text(a, text), want);
}

static void the_session_is_between_the_link_local_addresses(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct plan_peer *p = planned(f);
	char text[PLAN_PEER_TEXT];

	(void)state;
	assert_string_equal(p->key.interface, "eth0");
	assert_addr(&p->address, "fe80::1");
	assert_addr(&p->source, "fe80::5");
	assert_int_equal(p->ifindex, 2);
	assert_int_equal(p->ttl, 1);
	assert_string_equal(plan_peer_text(p, text), "fe80::1%eth0");
	assert_int_equal(f->plan.problems.n, 0);
	assert_int_equal(f->plan.n_devices, 1); /* the uplink by which its traffic comes */
	assert_int_equal(f->plan.devices[0].ifindex, 2);
}

/* The router's subnets are not known, so no other address of ours is sure to be reached. */
static void it_carries_both_families_and_our_link_local_address_is_their_next_hop(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct plan_peer *p;

	(void)state;
	give(f, "2001:db8::a", 64, 2);
	p = planned(f);
	assert_int_equal(p->bgp.families.bits, BOTH);
	assert_int_equal(p->carried.bits, BOTH);
	assert_true(p->bgp.extended_next_hop);
	assert_true(ip_addr_is_none(&p->next_hops.ipv4));
	assert_true(ip_addr_is_none(&p->next_hops.ipv6));
}

static void without_a_router_there_is_no_address_yet(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct plan_peer *p;
	char text[PLAN_PEER_TEXT];

	(void)state;
	f->node.routers.n = 0;
	p = planned(f);
	assert_true(ip_addr_is_none(&p->address));
	assert_addr(&p->source, "fe80::5");
	assert_string_equal(plan_peer_text(p, text), "eth0");
	assert_int_equal(p->ifindex, 2);
}

/* A session is no use on a link that is down: it begins anew with whom is heard then. */
static void a_link_that_is_down_has_no_ends(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct plan_peer *p;

	(void)state;
	f->links[1].up = false;
	p = planned(f);
	assert_true(ip_addr_is_none(&p->address) && ip_addr_is_none(&p->source));
	assert_int_equal(p->ifindex, 2); /* what is attached there stays */
}

static void without_an_address_of_ours_nobody_is_dialled(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct plan_peer *p;

	(void)state;
	f->addrs[3].addr = addr("2001:db8::5");
	p = planned(f);
	assert_true(ip_addr_is_none(&p->address) && ip_addr_is_none(&p->source));
}

static void an_interface_that_is_missing_is_told_and_waited_for(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct problem *problem;
	const struct plan_peer *p;

	(void)state;
	f->links[1].name = "eth7";
	p = planned(f);
	assert_int_equal(p->ifindex, 0);
	assert_true(ip_addr_is_none(&p->address));
	problem = fixture_problem(f, "InterfaceMissing", "tor");
	assert_int_equal(problem->severity, SEVERITY_ERROR);
	assert_string_equal(problem->field, "spec.interface");
	f->links[1].name = "eth0";
	assert_addr(&planned(f)->address, "fe80::1");
	assert_null(fixture_problem(f, "InterfaceMissing", NULL));
}

static void a_source_address_has_no_effect(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture(", sourceAddress: 10.0.0.10");

	(void)state;
	assert_addr(&planned(f)->source, "fe80::5");
	assert_int_equal(fixture_problem(f, "NoEffect", "tor")->severity, SEVERITY_WARNING);
	assert_null(fixture_problem(f, "SourceAddressNotLocal", NULL));
}

static void two_peers_on_one_interface_are_one_too_many(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");

	(void)state;
	fixture_object(f, "BGPPeer", "zor", "",
		       "spec: {myASN: 64512, peerASN: 64514, interface: eth0}");
	fixture_object(f, "BGPPeer", "other", "",
		       "spec: {myASN: 64512, peerASN: 64514, interface: eth1}");
	fixture_plan(f);
	assert_int_equal(f->plan.n_peers, 2);
	assert_addr(&fixture_plan_peer(f, "other")->address, "fe80::2");
	assert_non_null(fixture_problem(f, "DuplicatePeer", "zor"));
}

/* Whatever changes at either end costs the session, which could not go on with it. */
static void another_router_or_address_of_ours_is_another_session(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct plan_peer before = *planned(f);

	(void)state;
	f->routers[0].addr = addr("fe80::3");
	assert_int_equal(plan_peer_change(&before, planned(f)), PEER_RESET);
	f->routers[0].addr = addr("fe80::1");
	assert_int_equal(plan_peer_change(&before, planned(f)), PEER_UNTOUCHED);
	f->addrs[3].addr = addr("fe80::7");
	assert_int_equal(plan_peer_change(&before, planned(f)), PEER_RESET);
}

/* A router that does not offer RFC 8950 takes no IPv4 routes from a link without IPv4. */
static void routes_without_a_next_hop_are_told_with_the_way_out(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = heard_fixture("");
	const struct problem *problem;

	(void)state;
	(void)planned(f);
	(void)fixture_converge(f, 20);
	fixture_peer(f, "tor")->no_next_hop.bits = BGP_FAMILY_BIT(BGP_IPV4_UNICAST);
	fixture_plan(f);
	problem = fixture_problem(f, "NoNextHop", "tor");
	assert_string_equal(problem->field, "spec.interface");
	assert_non_null(strstr(problem->remedy, "extended next hop"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_session_is_between_the_link_local_addresses),
		cmocka_unit_test(
			it_carries_both_families_and_our_link_local_address_is_their_next_hop),
		cmocka_unit_test(without_a_router_there_is_no_address_yet),
		cmocka_unit_test(a_link_that_is_down_has_no_ends),
		cmocka_unit_test(without_an_address_of_ours_nobody_is_dialled),
		cmocka_unit_test(an_interface_that_is_missing_is_told_and_waited_for),
		cmocka_unit_test(a_source_address_has_no_effect),
		cmocka_unit_test(two_peers_on_one_interface_are_one_too_many),
		cmocka_unit_test(another_router_or_address_of_ours_is_another_session),
		cmocka_unit_test(routes_without_a_next_hop_are_told_with_the_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
