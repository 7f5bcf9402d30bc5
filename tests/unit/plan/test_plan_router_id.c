// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The router id: who is asked first, and that what was chosen stays. Node of the fixture: eth0 is
 * 10.0.0.10, eth1 10.0.1.10.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static struct fixture *with_peer(void)
{
	struct fixture *f = fixture_new();

	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}");
	return f;
}

static void set_node(struct fixture *f, const char *name, const char *address)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Node", name, "",
		       arena_printf(arena,
				    "status: {addresses: [{type: ExternalIP, address: 203.0.113.7},"
				    " {type: InternalIP, address: \"%s\"}]}",
				    address));
	arena_free(arena);
}

static void set_config(struct fixture *f, const char *name, const char *spec)
{
	fixture_object(f, "LodestoneConfig", name, "", spec);
}

static void assert_id(struct fixture *f, const char *peer, const char *want)
{
	struct ip_addr id;
	char text[IP_ADDR_TEXT];

	fixture_plan(f);
	id = ip_addr_from_v4(fixture_plan_peer(f, peer)->bgp.router_id);
	assert_string_equal(ip_addr_text(&id, text), want);
}

static void first_that_is_known_is_asked(void **state)
{
	static const struct {
		const char *peer, *config, *internal, *want;
	} cases[] = {
		{", routerID: 1.1.1.1", "2.2.2.2", "3.3.3.3", "1.1.1.1"},
		{"", "2.2.2.2", "3.3.3.3", "2.2.2.2"},
		{"", NULL, "3.3.3.3", "3.3.3.3"},
		{"", NULL, NULL, "10.0.0.10"},
		{", sourceAddress: 10.0.1.10", NULL, NULL, "10.0.1.10"},
		{", sourceAddress: 10.9.9.9", NULL, NULL, "10.0.0.10"}, /* not of this node */
		{"", NULL, "2001:db8::1", "10.0.0.10"},
		{"", NULL, "127.0.0.1", "10.0.0.10"},
		{"", NULL, "0.0.0.1", "10.0.0.10"},
		{"", NULL, "224.0.0.1", "10.0.0.10"},
		{"", NULL, "223.255.0.1", "223.255.0.1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		fixture_object(f, "BGPPeer", "r1", "",
			       arena_printf(arena,
					    "spec: {myASN: 64512, peerASN: 64513, "
					    "peerAddress: 10.0.0.1%s}",
					    cases[i].peer));
		if (cases[i].config)
			set_config(f, "default",
				   arena_printf(arena, "spec: {bgp: {routerID: %s}}",
						cases[i].config));
		if (cases[i].internal)
			set_node(f, "node-a", cases[i].internal);
		assert_id(f, "r1", cases[i].want);
	}
}

/* A CNI's or a container runtime's bridge: on every node the same, and gone again tomorrow. */
static void address_of_a_bridge_is_never_taken(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		_cleanup_(fixture_freep) struct fixture *f = with_peer();
		struct plan_local_addr addrs[4];

		memcpy(addrs, f->addrs, 3 * sizeof(*addrs));
		addrs[3] = (struct plan_local_addr){addr("1.244.0.1"), 24, 3, false};
		if (!before)
			assert_id(f, "r1", "10.0.0.10");
		f->node.addrs = addrs;
		f->node.n_addrs = 4;
		assert_id(f, "r1", "10.0.0.10");
	}
}

static void what_was_chosen_stays(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_peer();

	(void)state;
	set_node(f, "node-a", "10.0.0.77");
	assert_id(f, "r1", "10.0.0.77");
	assert_int_equal(f->ledger.router_id, 0x0a00004d);
	set_node(f, "node-a", "10.0.0.78");
	assert_id(f, "r1", "10.0.0.77");
	fixture_drop(f, "Node", "node-a");
	assert_id(f, "r1", "10.0.0.77");
	fixture_object(f, "BGPPeer", "r0", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	assert_id(f, "r0", "10.0.0.77");
}

static void what_is_asked_for_wins_over_what_was_chosen(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_peer();

	(void)state;
	assert_id(f, "r1", "10.0.0.10");
	set_config(f, "default", "spec: {bgp: {routerID: 2.2.2.2}}");
	assert_id(f, "r1", "2.2.2.2");
	set_config(f, "node-a", "spec: {bgp: {routerID: 3.3.3.3}}");
	assert_id(f, "r1", "3.3.3.3");
	fixture_drop(f, "LodestoneConfig", "default");
	fixture_drop(f, "LodestoneConfig", "node-a");
	assert_id(f, "r1", "10.0.0.10");
}

/* Before, the Node object may be still to come. */
static void nothing_is_kept_before_the_first_complete_picture(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_peer();

	(void)state;
	f->synced = false;
	assert_id(f, "r1", "10.0.0.10");
	assert_int_equal(f->ledger.router_id, 0);
	set_node(f, "node-a", "10.0.0.77");
	f->synced = true;
	assert_id(f, "r1", "10.0.0.77");
	f->synced = false; /* after a restart: the ledger's counts at once */
	fixture_drop(f, "Node", "node-a");
	assert_id(f, "r1", "10.0.0.77");
	assert_int_equal(f->ledger.router_id, 0x0a00004d);
}

/* No session can begin without a way, so nobody has seen the hash of the name. */
static void hash_of_the_name_is_kept_only_if_it_can_have_been_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_peer();
	uint32_t hash;

	(void)state;
	f->no_route = true;
	fixture_plan(f);
	hash = fixture_plan_peer(f, "r1")->bgp.router_id;
	assert_int_not_equal(hash, 0);
	assert_int_equal(f->ledger.router_id, 0);
	f->settings.node_name = "node-b";
	fixture_plan(f);
	assert_int_not_equal(fixture_plan_peer(f, "r1")->bgp.router_id, hash);
	f->settings.node_name = "node-a";

	f->no_route = false;
	f->addrs[0].addr = addr("127.0.0.1"); /* a way, but no address that says who we are */
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bgp.router_id, hash);
	assert_int_equal(f->ledger.router_id, hash);
	f->addrs[0].addr = addr("10.0.0.10");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bgp.router_id, hash);
}

static void without_peers_nothing_is_chosen(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_plan(f);
	assert_int_equal(f->ledger.router_id, 0);
	set_node(f, "node-a", "10.0.0.77");
	fixture_plan(f);
	assert_int_equal(f->ledger.router_id, 0x0a00004d);
}

static void first_peer_by_name_that_has_a_way_gives_the_address(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_peer();
	bool ok = ip_prefix_parse("10.0.1.0/24", &f->by_eth1);

	(void)state;
	assert_true(ok);
	fixture_object(f, "BGPPeer", "a", "creationTimestamp: \"2024-01-02T00:00:00Z\"",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.1.1}");
	assert_id(f, "r1", "10.0.1.10");
	assert_id(f, "a", "10.0.1.10");
}

/* As a BGPPeer's that selects several nodes: routers refuse the second. */
static void one_setting_for_several_nodes_is_replaced_unless_strict(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_peer();

	(void)state;
	set_node(f, "node-a", "10.0.0.77");
	set_config(f, "default", "spec: {bgp: {routerID: 2.2.2.2}}");
	assert_id(f, "r1", "2.2.2.2");
	assert_null(fixture_problem(f, "RouterIdShared", NULL));
	set_node(f, "node-b", "10.0.0.78");
	assert_id(f, "r1", "10.0.0.77");
	assert_int_equal(fixture_problem(f, "RouterIdShared", "default")->severity,
			 SEVERITY_WARNING);
	set_config(f, "default", "spec: {strict: true, bgp: {routerID: 2.2.2.2}}");
	assert_id(f, "r1", "2.2.2.2");
	assert_non_null(fixture_problem(f, "RouterIdShared", "default"));
	set_config(f, "default", "spec: {bgp: {routerID: 2.2.2.2}}");
	set_config(f, "node-a", "spec: {bgp: {routerID: 3.3.3.3}}");
	assert_id(f, "r1", "3.3.3.3");
	assert_null(fixture_problem(f, "RouterIdShared", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_that_is_known_is_asked),
		cmocka_unit_test(address_of_a_bridge_is_never_taken),
		cmocka_unit_test(what_was_chosen_stays),
		cmocka_unit_test(what_is_asked_for_wins_over_what_was_chosen),
		cmocka_unit_test(nothing_is_kept_before_the_first_complete_picture),
		cmocka_unit_test(hash_of_the_name_is_kept_only_if_it_can_have_been_said),
		cmocka_unit_test(without_peers_nothing_is_chosen),
		cmocka_unit_test(first_peer_by_name_that_has_a_way_gives_the_address),
		cmocka_unit_test(one_setting_for_several_nodes_is_replaced_unless_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
