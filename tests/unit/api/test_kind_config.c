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
		     "    icmpEcho: drop, flowEntries: 4096, topologyHints: true,\n"
		     "    newFlows: 2000, newFlowsPerSource: 9, sourceCheck: true}\n"
		     "  bgp: {defaultLocalPref: 0, gracefulRestart: false,\n"
		     "    routerID: 10.0.0.9, listen: true}\n"
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
					 API_CONFIG_TOPOLOGY_HINTS | API_CONFIG_NEW_FLOWS |
					 API_CONFIG_NEW_FLOWS_PER_SOURCE | API_CONFIG_SOURCE_CHECK |
					 API_CONFIG_LISTEN);
	assert_int_equal(c->new_flows, 2000);
	assert_int_equal(c->new_flows_per_source, 9);
	assert_true(c->source_check);
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
	assert_true(c->listen);
	assert_int_equal(c->drain_s, 0);
	api_batch_done(&b);
}

static void routes_of_blackholes_are_described(void **state)
{
	static const struct {
		const char *spec, *field;
	} bad[] = {
		{"nextHops: [10.0.0.1, 10.0.0.2]", "spec.rtbh.nextHops[1]"},
		{"nextHops: [127.0.0.1]", "spec.rtbh.nextHops[0]"},
		{"nextHops: [\"fe80::1\"]", "spec.rtbh.nextHops[0]"},
		{"nextHops: [0.0.0.0]", "spec.rtbh.nextHops[0]"},
		{"nextHops: [192.0.2.1, \"::\"]", "spec.rtbh.nextHops[1]"},
		{"nextHops: [224.0.0.5]", "spec.rtbh.nextHops[0]"},
		{"nextHops: [192.0.2.1, \"ff02::1\"]", "spec.rtbh.nextHops[1]"},
		{"nextHops: [255.255.255.255]", "spec.rtbh.nextHops[0]"},
		{"communities: [no-export, alias]", "spec.rtbh.communities[1]"},
		{"communities: [\"1:2:3\"]", "spec.rtbh.communities[0]"},
		{"communities: [no-export, {a: b}]", "spec.rtbh.communities[1]"},
	};
	struct api_batch b = decode_text(
		HEAD "spec: {rtbh: {nextHops: [\"2001:db8::1\", 192.0.2.1], communities: "
		     "[\"64512:666\", \"large:3:2:1\", \"64512:7\", no-export]}}\n");
	const struct api_rtbh *r = &only_object(&b)->config.rtbh;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(only_object(&b)->config.set,
			 API_CONFIG_RTBH_NEXT_HOPS | API_CONFIG_RTBH_COMMUNITIES);
	assert_int_equal(ip_addr_v4(&r->next_hops[IP_V4]), 0xc0000201);
	assert_int_equal(r->next_hops[IP_V6].b[15], 1);
	assert_int_equal(r->n_communities, 3);
	assert_int_equal(r->communities[0], 64512u << 16 | 7); /* sorted */
	assert_int_equal(r->communities[2], COMMUNITY_NO_EXPORT);
	assert_int_equal(r->n_large, 1);
	assert_int_equal(r->large[0].global, 3);
	api_batch_done(&b);
	b = decode_text(HEAD "spec: {rtbh: {communities: []}}\n");
	assert_int_equal(only_object(&b)->config.set, API_CONFIG_RTBH_COMMUNITIES);
	assert_int_equal(only_object(&b)->config.rtbh.n_communities, 0);
	api_batch_done(&b);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), HEAD "spec: {rtbh: {%s}}\n", bad[i].spec);
		b = decode_text(text);
		assert_int_equal(b.problems.n, 1);
		assert_string_equal(b.problems.items[0].field, bad[i].field);
		api_batch_done(&b);
	}
}

static void only_what_is_named_is_set(void **state)
{
	struct api_batch b = decode_text(HEAD "spec: {dataplane: {forwarding: dsr-l2}}\n");

	(void)state;
	assert_int_equal(only_object(&b)->config.set, API_CONFIG_FORWARDING);
	assert_int_equal(only_object(&b)->config.forwarding, API_FORWARD_DSR_L2);
	api_batch_done(&b);
	b = decode_text(HEAD "spec: {dataplane: {mode: ~}, strict: false}\n");
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
		{"  dataplane: {newFlows: 16000001}\n",
		 "error OutOfRange spec.dataplane.newFlows:5"},
		{"  dataplane: {newFlows: -1}\n", "error OutOfRange spec.dataplane.newFlows:5"},
		{"  dataplane: {newFlows: many}\n", "error WrongType spec.dataplane.newFlows:5"},
		{"  dataplane: {newFlows: 16000000}\n", ""},
		{"  dataplane: {newFlowsPerSource: 65536}\n",
		 "error OutOfRange spec.dataplane.newFlowsPerSource:5"},
		{"  dataplane: {newFlowsPerSource: 65535}\n", ""},
		{"  dataplane: {sourceCheck: maybe}\n",
		 "error WrongType spec.dataplane.sourceCheck:5"},
		{"  bgp: {routerID: 2001:db8::1}\n", "error BadAddress spec.bgp.routerID:5"},
		{"  bgp: {routerID: 0.0.0.0}\n", "error BadAddress spec.bgp.routerID:5"},
		{"  bgp: {routerID: one}\n", "error BadAddress spec.bgp.routerID:5"},
		{"  dataplane: {uplinks: eth0}\n", "error WrongType spec.dataplane.uplinks:5"},
		{"  dataplane: {forwarding: dsr}\n", "error BadValue spec.dataplane.forwarding:5"},
		{"  dataplane: {forwarding: auto}\n", ""},
		{"  bgp: {listen: maybe}\n", "error WrongType spec.bgp.listen:5"},
		{"  bgp: {ebgpLocalPref: prepend}\n", ""},
		{"  bgp: {ebgpLocalPref: more}\n", "error BadValue spec.bgp.ebgpLocalPref:5"},
		{"  bgp: {ebgpLocalPref: none, linkBandwidth: off}\n", ""},
		{"  bgp: {linkBandwidth: auto}\n", ""},
		{"  bgp: {linkBandwidth: sometimes}\n", "error BadValue spec.bgp.linkBandwidth:5"},
		{"  metrics: {address: 7472}\n", "error WrongType spec.metrics.address:5"},
		{"  statusPage: {address: localhost}\n",
		 "error BadValue spec.statusPage.address:5"},
		{"  statusPage: {address: \"127.0.0.1:17480\"}\n", ""},
		{"  statusPage: {port: 17480}\n", "warning UnknownField spec.statusPage.port:5"},
		{"  drainSecond: 3\n", "warning UnknownField spec.drainSecond:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "spec:\n", &cases[i]);
}

static void metrics_have_an_address_a_port_or_both(void **state)
{
	static const struct {
		const char *text, *addr; /* addr NULL: it is refused, "": all addresses */
		uint16_t port;
		bool is_off;
	} cases[] = {
		{":7473", "", 7473, false},
		{"192.0.2.1", "192.0.2.1", 0, false},
		{"192.0.2.1:1", "192.0.2.1", 1, false},
		{"0.0.0.0:65535", "0.0.0.0", 65535, false},
		{"2001:db8::1", "2001:db8::1", 0, false},
		{"[2001:db8::1]:7472", "2001:db8::1", 7472, false},
		{"[::]:7472", "", 7472, false},
		{"off", "", 0, true},
		{"", "", 0, false},
		{":", NULL, 0, false},
		{":0", NULL, 0, false},
		{":65536", NULL, 0, false},
		{":1000000", NULL, 0, false},
		{":74a", NULL, 0, false},
		{"7472", NULL, 0, false},
		{"192.0.2.1:", NULL, 0, false},
		{"[192.0.2.1]:7472", NULL, 0, false},
		{"[]:7472", NULL, 0, false},
		{"[2001:db8::1]7472", NULL, 0, false},
		{"[2001:db8::1]", NULL, 0, false},
		{"[2001:db8::1", NULL, 0, false},
		{"localhost:7472", NULL, 0, false},
		{"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0001:7472", NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];
		struct api_batch b;
		struct ip_addr want = {.b = {0}};
		const struct api_config *config;

		snprintf(text, sizeof(text), "%sspec:\n  metrics: {address: \"%s\"}\n", HEAD,
			 cases[i].text);
		b = decode_text(text);
		if (!cases[i].addr) {
			assert_int_equal(problems_count(&b.problems, SEVERITY_ERROR), 1);
			assert_string_equal(b.problems.items[0].field, "spec.metrics.address");
			api_batch_done(&b);
			continue;
		}
		config = &only_object(&b)->config;
		assert_true(!cases[i].addr[0] || ip_addr_parse(cases[i].addr, &want));
		assert_int_equal(config->set, cases[i].text[0] ? API_CONFIG_METRICS : 0);
		assert_int_equal(config->metrics.is_off, cases[i].is_off);
		assert_int_equal(config->metrics.port, cases[i].port);
		assert_true(ip_addr_equal(&config->metrics.addr, &want));
		api_batch_done(&b);
	}
}

/* Items of the list: what they say, in order, and what is told of the others. */
/* Nothing of an address that is too long is written anywhere. */
static void an_address_for_metrics_of_any_length_is_judged(void **state)
{
	(void)state;
	for (int len = 1; len < 100; len++) {
		char text[512];
		struct api_batch b;

		snprintf(text, sizeof(text), "%sspec:\n  metrics: {address: \"[%0*d]:7472\"}\n",
			 HEAD, len, 1);
		b = decode_text(text);
		assert_int_equal(problems_count(&b.problems, SEVERITY_ERROR), 1);
		assert_string_equal(b.problems.items[0].field, "spec.metrics.address");
		api_batch_done(&b);
	}
}

static void denied_sources_are_a_set_without_what_is_wrong(void **state)
{
	static const struct {
		const char *list, *want;
		size_t n_told;
		unsigned line; /* of what is told last */
	} cases[] = {
		{"[]", "", 0, 0},
		{"[192.0.2.0/24]", "192.0.2.0/24", 0, 0},
		{"[\"2001:db8::/32\", 192.0.2.0/24, 10.0.0.0/8, 192.0.2.0/24]",
		 "10.0.0.0/8 192.0.2.0/24 2001:db8::/32", 0, 0},
		{"[192.0.2.77/24, 192.0.2.0/25]", "192.0.2.0/24 192.0.2.0/25", 0, 0},
		{"[0.0.0.0/0, \"::/0\"]", "0.0.0.0/0 ::/0", 0, 0},
		{"[192.0.2.0/33, 10.0.0.0/8, nobody,\n    192.0.2.1]", "10.0.0.0/8", 3, 7},
		{"[\"\", 7, 10.0.0.0/8, {a: b}]", "10.0.0.0/8", 3, 6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(arena_printf(
			arena, HEAD "spec:\n  dataplane:\n    deny: %s\n", cases[i].list));
		const struct api_config *c = &only_object(&b)->config;
		const char *have = "";
		char text[IP_PREFIX_TEXT];

		for (size_t k = 0; k < c->n_deny; k++)
			have = arena_printf(arena, "%s%s%s", have, k ? " " : "",
					    ip_prefix_text(&c->deny[k], text));
		assert_string_equal(have, cases[i].want);
		assert_int_equal(b.problems.n, cases[i].n_told);
		assert_int_equal(c->set, 0);
		for (size_t k = 0; k < b.problems.n; k++) {
			assert_int_equal(b.problems.items[k].severity, SEVERITY_ERROR);
			assert_non_null(b.problems.items[k].remedy);
			assert_ptr_equal(strstr(b.problems.items[k].field, "spec.dataplane.deny["),
					 b.problems.items[k].field);
		}
		if (cases[i].n_told)
			assert_int_equal(b.problems.items[b.problems.n - 1].line, cases[i].line);
		api_batch_done(&b);
	}
}

/* Beside a list that is right as far as it goes another field is wrong as ever, and the object. */
static void a_wrong_source_excuses_nothing_else(void **state)
{
	static const struct api_case cases[] = {
		{"  dataplane: {deny: [x], mode: fast}\n",
		 "error BadPrefix spec.dataplane.deny[0]:5\n"
		 "error BadValue spec.dataplane.mode:5"},
		{"  dataplane: {deny: 10.0.0.0/8}\n", "error WrongType spec.dataplane.deny:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "spec:\n", &cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_with_everything_is_decoded),
		cmocka_unit_test(routes_of_blackholes_are_described),
		cmocka_unit_test(only_what_is_named_is_set),
		cmocka_unit_test(wrong_and_later_fields_are_problems),
		cmocka_unit_test(metrics_have_an_address_a_port_or_both),
		cmocka_unit_test(an_address_for_metrics_of_any_length_is_judged),
		cmocka_unit_test(denied_sources_are_a_set_without_what_is_wrong),
		cmocka_unit_test(a_wrong_source_excuses_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
