// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * LodestoneConfig: which fields are named, and which are not acted on yet.
 */
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: lodestone.io/v1alpha1\n"                                                      \
	"kind: LodestoneConfig\n"                                                                  \
	"metadata: {name: default}\n"

static void a_config_with_everything_is_decoded(void **state)
{
	struct api_batch b = decode_text(
		HEAD "spec:\n"
		     "  dataplane: {mode: off, uplinks: [eth0, eth1], unknownPort: pass,\n"
		     "    icmpEcho: drop, flowEntries: 4096, topologyHints: true}\n"
		     "  bgp: {defaultLocalPref: 0, gracefulRestart: false,\n"
		     "    routerID: 10.0.0.9}\n"
		     "  strict: true\n"
		     "  drainSeconds: 0\n");
	const struct api_config *c = &only_object(&b)->config;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(c->set, API_CONFIG_MODE | API_CONFIG_UPLINKS | API_CONFIG_UNKNOWN_PORT |
					 API_CONFIG_ICMP_ECHO | API_CONFIG_FLOW_ENTRIES |
					 API_CONFIG_DEFAULT_LOCAL_PREF |
					 API_CONFIG_GRACEFUL_RESTART | API_CONFIG_STRICT |
					 API_CONFIG_DRAIN | API_CONFIG_ROUTER_ID |
					 API_CONFIG_TOPOLOGY_HINTS);
	assert_true(c->topology_hints);
	assert_int_equal(c->router_id, 0x0a000009);
	assert_int_equal(c->mode, API_MODE_OFF);
	assert_int_equal(c->uplinks.n, 2);
	assert_int_equal(c->unknown_port, API_UNKNOWN_PASS);
	assert_int_equal(c->icmp_echo, API_ECHO_DROP);
	assert_int_equal(c->flow_entries, 4096);
	assert_int_equal(c->default_local_pref, 0);
	assert_false(c->graceful_restart);
	assert_true(c->strict);
	assert_int_equal(c->drain_s, 0);
	api_batch_done(&b);
}

static void only_what_is_named_is_set(void **state)
{
	struct api_batch b = decode_text(HEAD "spec: {dataplane: {mode: ~}, strict: false}\n");

	(void)state;
	assert_int_equal(only_object(&b)->config.set, API_CONFIG_STRICT);
	api_batch_done(&b);
	b = decode_text(HEAD);
	assert_int_equal(only_object(&b)->config.set, 0);
	api_batch_done(&b);
}

static void wrong_and_later_fields_are_problems(void **state)
{
	static const struct api_case cases[] = {
		{"  dataplane: {mode: fast}\n", "error BadValue spec.dataplane.mode:5"},
		{"  dataplane: {flowEntries: 0}\n",
		 "error OutOfRange spec.dataplane.flowEntries:5"},
		{"  dataplane: {flowEntries: 16777217}\n",
		 "error OutOfRange spec.dataplane.flowEntries:5"},
		{"  bgp: {routerID: 2001:db8::1}\n", "error BadAddress spec.bgp.routerID:5"},
		{"  bgp: {routerID: 0.0.0.0}\n", "error BadAddress spec.bgp.routerID:5"},
		{"  bgp: {routerID: one}\n", "error BadAddress spec.bgp.routerID:5"},
		{"  dataplane: {uplinks: eth0}\n", "error WrongType spec.dataplane.uplinks:5"},
		{"  dataplane: {forwarding: nat}\n",
		 "info NotSupportedYet spec.dataplane.forwarding:5"},
		{"  dataplane: {forwarding: auto}\n", ""},
		{"  bgp: {listen: true}\n", "info NotSupportedYet spec.bgp.listen:5"},
		{"  bgp: {ebgpLocalPref: prepend}\n",
		 "info NotSupportedYet spec.bgp.ebgpLocalPref:5"},
		{"  bgp: {ebgpLocalPref: none, linkBandwidth: off}\n", ""},
		{"  bgp: {linkBandwidth: auto}\n", "info NotSupportedYet spec.bgp.linkBandwidth:5"},
		{"  metrics: {address: \"[::]:7472\"}\n",
		 "info NotSupportedYet spec.metrics.address:5"},
		{"  drainSecond: 3\n", "warning UnknownField spec.drainSecond:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "spec:\n", &cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_with_everything_is_decoded),
		cmocka_unit_test(only_what_is_named_is_set),
		cmocka_unit_test(wrong_and_later_fields_are_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
