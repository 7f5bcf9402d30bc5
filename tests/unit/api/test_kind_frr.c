// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* FRRConfiguration: which routes of which session are to be received, and what is not ours. */
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: frrk8s.metallb.io/v1beta1\n"                                                  \
	"kind: FRRConfiguration\n"                                                                 \
	"metadata: {name: f, namespace: metallb-system}\n"

static void filter_of_each_session_is_decoded(void **state)
{
	struct api_batch b = decode_text(
		HEAD "spec:\n"
		     "  nodeSelector: {matchLabels: {rack: a}}\n"
		     "  bgp:\n"
		     "    routers:\n"
		     "    - asn: 64512\n"
		     "      neighbors:\n"
		     "      - {address: 172.30.0.3, asn: 64513, port: 180, holdTime: 90s,\n"
		     "         toReceive: {allowed: {mode: all}}}\n"
		     "      - address: 172.30.0.4\n"
		     "        dynamicASN: external\n"
		     "        toReceive:\n"
		     "          allowed:\n"
		     "            prefixes:\n"
		     "            - {prefix: 192.0.2.0/24}\n"
		     "            - {prefix: 198.51.100.0/24, ge: 25, le: 28}\n"
		     "            - {prefix: 198.51.0.0/16, le: 24}\n"
		     "            - {prefix: '2001:db8::/32', ge: 48}\n"
		     "    - {asn: 64512, vrf: red, neighbors: [{interface: eth1, asn: 1}]}\n");
	const struct api_frr *f = &only_object(&b)->frr;
	const struct api_frr_neighbor *n = f->routers[0].neighbors;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(f->node_selector.n, 1);
	assert_int_equal(f->n_routers, 2);
	assert_int_equal(f->routers[0].asn, 64512);
	assert_string_equal(f->routers[0].vrf, "");
	assert_int_equal(f->routers[0].n_neighbors, 2);
	assert_true(n[0].receives_all);
	assert_int_equal(n[0].asn, 64513);
	assert_int_equal(ip_addr_v4(&n[0].address), 0xac1e0003);
	assert_false(n[1].receives_all);
	assert_int_equal(n[1].asn, 0);
	assert_int_equal(n[1].n_receives, 4);
	assert_int_equal(n[1].receives[0].from, 24);
	assert_int_equal(n[1].receives[0].to, 24);
	assert_int_equal(n[1].receives[1].from, 25);
	assert_int_equal(n[1].receives[1].to, 28);
	assert_int_equal(n[1].receives[2].from, 16);
	assert_int_equal(n[1].receives[2].to, 24);
	assert_int_equal(n[1].receives[3].from, 48);
	assert_int_equal(n[1].receives[3].to, 128);
	assert_string_equal(f->routers[1].vrf, "red");
	assert_string_equal(f->routers[1].neighbors[0].interface, "eth1");
	assert_int_equal(f->routers[1].neighbors[0].n_receives, 0);
	api_batch_done(&b);
}

static void without_a_spec_nothing_is_received(void **state)
{
	struct api_batch b = decode_text(HEAD);

	(void)state;
	assert_int_equal(only_object(&b)->frr.n_routers, 0);
	api_batch_done(&b);
}

static void what_would_change_frr_otherwise_is_told(void **state)
{
	static const struct api_case c = {
		HEAD "spec:\n"
		     "  raw: {priority: 10, rawConfig: x}\n"
		     "  bgp:\n"
		     "    bfdProfiles: [{name: x}]\n"
		     "    routers:\n"
		     "    - asn: 1\n"
		     "      prefixes: [192.0.2.0/24]\n"
		     "      evpn: {advertiseVNIs: []}\n"
		     "      neighbors: [{address: 10.0.0.1, asn: 2, toAdvertise: {allowed: {}}}]\n",
		"info NotSupported spec.bgp.bfdProfiles:7\n"
		"info NotSupported spec.bgp.routers[0].evpn:11\n"
		"info NotSupported spec.bgp.routers[0].neighbors[0].toAdvertise:12\n"
		"info NotSupported spec.bgp.routers[0].prefixes:10\n"
		"info NotSupported spec.raw:5"};

	(void)state;
	check_case("", &c);
}

#define ROUTERS   "spec: {bgp: {routers: ["
#define NEIGHBOR  ROUTERS "{asn: 1, neighbors: [{"
#define PREFIX    NEIGHBOR "asn: 2, address: 10.0.0.1, toReceive: {allowed: {prefixes: [{"
#define N0        "spec.bgp.routers[0].neighbors[0]"
#define P0        N0 ".toReceive.allowed.prefixes[0]"
#define END       "}]}]}}\n"
#define END_RANGE "}]}}}]}]}}\n"

static void what_is_wrong_is_told_where_it_stands(void **state)
{
	static const struct api_case cases[] = {
		{ROUTERS "{vrf: red}]}}\n", "error MissingField spec.bgp.routers[0].asn:4"},
		{ROUTERS "{asn: 1}, {asn: 2}]}}\n",
		 "error DuplicateItem spec.bgp.routers[1].vrf:4"},
		{NEIGHBOR "asn: 2" END, "error MissingField " N0 ".address:4"},
		{NEIGHBOR "asn: 2, address: 10.0.0.1, interface: eth0" END,
		 "error Exclusive " N0 ".address:4"},
		{NEIGHBOR "address: 10.0.0.1" END, "error MissingField " N0 ".asn:4"},
		{NEIGHBOR "address: 10.0.0.1, asn: 2, dynamicASN: internal" END,
		 "error Exclusive " N0 ".asn:4"},
		{NEIGHBOR "address: 10.0.0.1, asn: 2, toReceive: {allowed: {mode: all, prefixes: "
			  "[{prefix: 10.0.0.0/8}]}}" END,
		 "error Exclusive " N0 ".toReceive.allowed.prefixes:4"},
		{NEIGHBOR "address: 10.0.0.1, asn: 2, toReceive: {allowed: {mode: some}}" END,
		 "error BadValue " N0 ".toReceive.allowed.mode:4"},
		{NEIGHBOR "address: 10.0.0.1, asn: 2, toRecieve: {}" END,
		 "warning UnknownField " N0 ".toRecieve:4"},
		{PREFIX "ge: 8" END_RANGE, "error MissingField " P0 ".prefix:4"},
		{PREFIX "prefix: 10.0.0.0/8, ge: 7" END_RANGE, "error OutOfRange " P0 ".ge:4"},
		{PREFIX "prefix: 10.0.0.0/8, ge: 33" END_RANGE, "error OutOfRange " P0 ".ge:4"},
		{PREFIX "prefix: 10.0.0.0/8, le: 7" END_RANGE, "error OutOfRange " P0 ".le:4"},
		{PREFIX "prefix: 10.0.0.0/8, le: 33" END_RANGE, "error OutOfRange " P0 ".le:4"},
		{PREFIX "prefix: 10.0.0.0/8, ge: 24, le: 23" END_RANGE,
		 "error OutOfRange " P0 ".le:4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD, &cases[i]);
}

static void check_routers(int n, const char *problem)
{
	struct api_case c = {.problems = problem};
	struct strbuf s;

	strbuf_init(&s, 1 << 16);
	strbuf_add(&s, HEAD "spec:\n  bgp:\n    routers:\n");
	for (int i = 0; i < n; i++)
		strbuf_printf(&s, "    - {asn: 1, vrf: v%d}\n", i);
	c.text = s.data;
	check_case("", &c);
	strbuf_done(&s);
}

/* As many as frr-k8s takes. */
static void routers_are_limited(void **state)
{
	(void)state;
	check_routers(50, "");
	check_routers(51, "error TooManyItems spec.bgp.routers:6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_of_each_session_is_decoded),
		cmocka_unit_test(without_a_spec_nothing_is_received),
		cmocka_unit_test(what_would_change_frr_otherwise_is_told),
		cmocka_unit_test(what_is_wrong_is_told_where_it_stands),
		cmocka_unit_test(routers_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
