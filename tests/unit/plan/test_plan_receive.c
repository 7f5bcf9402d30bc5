// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* FRRConfigurations as import policies: whom they are for, and what nobody may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake/plan_fixture.h"

static struct fixture *new_bed(void)
{
	struct fixture *f = fixture_new();

	fixture_put(
		f, "peers",
		"{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: r1, namespace: "
		"metallb-system}, spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}}\n"
		"---\n"
		"{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: r2, namespace: "
		"metallb-system, annotations: {lodestone.io/max-prefixes: \"7\"}}, spec: {myASN: "
		"64512, dynamicASN: external, peerAddress: 10.0.0.2}}\n");
	return f;
}

static void put(struct fixture *f, const char *name, const char *more, const char *neighbor)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_put(f, name,
		    arena_printf(arena,
				 "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n"
				 "metadata: {name: %s, namespace: frr-k8s-system}\nspec: {%s bgp: "
				 "{routers: [{asn: 64512, neighbors: [{%s}]}]}}\n",
				 name, more, neighbor));
	fixture_plan(f);
}

static const struct bgp_import *policy(const struct fixture *f, const char *peer)
{
	return &f->plan.imports[fixture_plan_peer(f, peer) - f->plan.peers].policy;
}

static enum bgp_verdict judge(const struct fixture *f, const char *text, const char **ret_what)
{
	struct ip_prefix p;

	assert_true(ip_prefix_parse(text, &p));
	return bgp_import_judge(policy(f, "r1"), &p, ret_what);
}

static void a_neighbour_is_found_by_address_and_as_numbers(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = new_bed();

	(void)state;
	fixture_plan(f);
	assert_true(bgp_import_is_nothing(policy(f, "r1")));
	assert_false(f->plan.blackholes.receives);
	put(f, "a", "", "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {mode: all}}");
	assert_true(policy(f, "r1")->all);
	assert_int_equal(policy(f, "r1")->max_prefixes, 10000);
	assert_true(bgp_import_is_nothing(policy(f, "r2")));
	assert_true(f->plan.blackholes.receives);
	assert_int_equal(f->plan.imports[0].table, KERNEL_RECEIVED_TABLE);
	put(f, "a", "", "address: 10.0.0.1, asn: 64999, toReceive: {allowed: {mode: all}}");
	assert_true(bgp_import_is_nothing(policy(f, "r1")));
	assert_non_null(fixture_problem(f, "AsnMismatch", "a"));
	put(f, "a", "", "address: 10.0.0.7, asn: 64513, toReceive: {allowed: {mode: all}}");
	assert_non_null(fixture_problem(f, "UnknownPeer", "a"));
	put(f, "a", "", "address: 10.0.0.2, asn: 64777, toReceive: {allowed: {mode: all}}");
	assert_true(policy(f, "r2")->all);
	assert_int_equal(policy(f, "r2")->max_prefixes, 7);
	put(f, "a", "", "address: 10.0.0.7, asn: 64513"); /* nothing is to be received there */
	assert_null(fixture_problem(f, "UnknownPeer", "a"));
}

static void several_add_up_and_select_nodes(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = new_bed();

	(void)state;
	put(f, "a", "",
	    "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {prefixes: [{prefix: "
	    "172.16.0.0/12, le: 24}]}}");
	put(f, "b", "nodeSelector: {matchLabels: {x: \"y\"}},",
	    "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {mode: all}}");
	assert_int_equal(policy(f, "r1")->n_rules, 1);
	assert_false(policy(f, "r1")->all);
	put(f, "c", "",
	    "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {prefixes: [{prefix: "
	    "0.0.0.0/0}]}}");
	assert_int_equal(policy(f, "r1")->n_rules, 2);
	assert_int_equal(policy(f, "r1")->rules[0].to, 24);
}

static void what_the_cluster_reaches_otherwise_is_reserved(void **state)
{
	static const struct {
		const char *prefix, *what; /* NULL: accepted */
	} cases[] = {
		{"10.0.0.1/32", "the network of eth0"},
		{"10.0.0.0/16", "the network of eth0"},
		{"10.244.7.0/24", "the pod network of Node node-b"},
		{"10.96.0.0/16", "the cluster address of Service default/web"},
		{"192.168.100.128/25", "IPAddressPool default"},
		{"10.5.0.4/30", "an address of Node node-b"},
		{"10.50.0.0/16", "the address of BGPPeer far"},
		{"172.31.0.0/16", NULL},
	};
	_cleanup_(fixture_freep) struct fixture *f = new_bed();
	const char *what;

	(void)state;
	fixture_put(f, "nodes",
		    "{apiVersion: v1, kind: Node, metadata: {name: node-b}, spec: {podCIDRs: "
		    "[10.244.7.0/24]}, status: {addresses: [{type: InternalIP, address: "
		    "10.5.0.5}]}}\n");
	fixture_object(f, "IPAddressPool", "default", "", "spec: {addresses: [192.168.100.0/24]}");
	fixture_object(
		f, "BGPPeer", "far", "",
		"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.50.0.9, ebgpMultiHop: true}");
	fixture_add_service(f, "web", "Local", "clusterIPs: [10.96.0.7]");
	put(f, "a", "", "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {mode: all}}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const enum bgp_verdict v = judge(f, cases[i].prefix, &what);

		assert_int_equal(v, cases[i].what ? BGP_RESERVED : BGP_ACCEPTED);
		if (cases[i].what)
			assert_string_equal(what, cases[i].what);
	}
	assert_int_equal(judge(f, "0.0.0.0/0", &what), BGP_DEFAULT_ROUTE);
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {netlink: {alwaysBlock: [172.31.0.0/16]}}");
	put(f, "b", "",
	    "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {prefixes: [{prefix: "
	    "172.31.0.0/16}, {prefix: 10.244.7.0/24}]}}");
	assert_int_equal(judge(f, "172.31.0.0/16", &what), BGP_BLOCKED);
	assert_int_equal(judge(f, "10.244.7.0/24", &what), BGP_ACCEPTED); /* named */
	for (size_t i = 1; i < policy(f, "r1")->n_reserved; i++)
		assert_true(ip_addr_cmp(&policy(f, "r1")->reserved[i - 1].range.last,
					&policy(f, "r1")->reserved[i].range.first) < 0);
}

/* Not even where it is named. */
static void what_is_no_hosts_is_never_accepted(void **state)
{
	static const struct {
		const char *prefix;
		enum bgp_verdict verdict;
	} cases[] = {
		{"0.0.0.0/8", BGP_BLOCKED},
		{"0.1.0.0/16", BGP_BLOCKED},
		{"1.0.0.0/8", BGP_ACCEPTED},
		{"127.1.0.0/16", BGP_BLOCKED},
		{"126.0.0.0/8", BGP_ACCEPTED},
		{"128.0.0.0/8", BGP_ACCEPTED},
		{"169.254.0.0/16", BGP_BLOCKED},
		{"169.253.0.0/16", BGP_ACCEPTED},
		{"169.255.0.0/16", BGP_ACCEPTED},
		{"224.0.0.0/4", BGP_BLOCKED},
		{"239.255.255.0/24", BGP_BLOCKED},
		{"240.0.0.0/4", BGP_ACCEPTED},
		{"255.255.255.255/32", BGP_BLOCKED},
		{"255.255.255.254/32", BGP_ACCEPTED},
		{"::/128", BGP_BLOCKED},
		{"::1/128", BGP_BLOCKED},
		{"::2/128", BGP_ACCEPTED},
		{"fe80:1::/32", BGP_BLOCKED},
		{"febf::/16", BGP_BLOCKED},
		{"fec0::/10", BGP_ACCEPTED},
		{"ff00::/8", BGP_BLOCKED},
		{"ffff::/16", BGP_BLOCKED},
		{"fe00::/9", BGP_ACCEPTED},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = new_bed();
	const char *what;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(f, "a", "",
		    arena_printf(arena,
				 "address: 10.0.0.1, asn: 64513, toReceive: {allowed: {prefixes: "
				 "[{prefix: \"%s\"}]}}",
				 cases[i].prefix));
		assert_int_equal(judge(f, cases[i].prefix, &what), cases[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_neighbour_is_found_by_address_and_as_numbers),
		cmocka_unit_test(several_add_up_and_select_nodes),
		cmocka_unit_test(what_the_cluster_reaches_otherwise_is_reserved),
		cmocka_unit_test(what_is_no_hosts_is_never_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
