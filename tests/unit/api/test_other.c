// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/other: what is said of objects that are not read, and what is passed over in silence.
 */
#include "unit/api/api_test.h"

struct other_case {
	const char *text, *problems;
	size_t foreign;
	bool lost;
};

static void check_others(const struct other_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct api_batch b = decode_text(cases[i].text);
		_cleanup_(freep) char *got = problems_text(&b.problems);

		if (strcmp(got, cases[i].problems) != 0)
			print_error("for %s\n", cases[i].text);
		assert_string_equal(got, cases[i].problems);
		assert_int_equal(b.n, 0);
		assert_int_equal(b.foreign, cases[i].foreign);
		assert_int_equal(b.is_lost, cases[i].lost);
		api_batch_done(&b);
	}
}

#define METALLB "apiVersion: metallb.io/v1beta1\n"
#define FRRK8S  "apiVersion: frrk8s.metallb.io/v1beta1\n"

static void kinds_without_effect_here_are_no_errors(void **state)
{
	static const struct other_case cases[] = {
		{METALLB "kind: MetalLB\nmetadata: {name: metallb}\n", "info NotSupported kind:2",
		 0, false},
		{METALLB "kind: L2Advertisement\n", "info NotSupported kind:2", 0, false},
		{FRRK8S "kind: FRRK8sConfiguration\n", "info NotSupported kind:2", 0, false},
		{FRRK8S "kind: FRROperatorConfiguration\n", "info NotSupported kind:2", 0, false},
		{METALLB "kind: ServiceBGPStatus\n", "", 1, false},
		{METALLB "kind: ConfigurationState\n", "", 1, false},
		{FRRK8S "kind: BGPSessionState\n", "", 1, false},
		/* Of a version to come. */
		{METALLB "kind: NodeWeights\n", "warning UnknownKind kind:2", 0, false},
		/* No longer read, and somebody waits for the effect. */
		{METALLB "kind: AddressPool\n", "error UnknownKind kind:2", 0, true},
		{METALLB "kind: MetallB\n", "warning UnknownKind kind:2", 0, false},
	};

	(void)state;
	check_others(cases, ARRAY_SIZE(cases));
}

#define MAP "apiVersion: v1\nkind: ConfigMap\nmetadata: "

static void metallbs_former_configuration_is_told_from_other_config_maps(void **state)
{
	static const struct other_case cases[] = {
		{MAP "{name: config, namespace: metallb-system}\n"
		     "data:\n  config: |\n    peers:\n    - peer-asn: 64512\n",
		 "error OldConfiguration data[config]:5", 0, false},
		{MAP "{name: config, namespace: metallb-system}\ndata: {config: \"\"}\n",
		 "error OldConfiguration data[config]:4", 0, false},
		{MAP
		 "{name: lb, namespace: edge}\ndata:\n  config: |\n    address-pools:\n    - {}\n",
		 "error OldConfiguration data[config]:5", 0, false},
		{MAP "{name: bgpextras, namespace: metallb-system}\ndata: {extras: ip route}\n",
		 "warning NotSupported data[extras]:4", 0, false},
		{MAP "{name: config, namespace: app}\ndata: {config: \"a: b\"}\n", "", 1, false},
		{MAP "{name: config, namespace: metallb-system}\ndata: {other: \"a: b\"}\n", "", 1,
		 false},
		{MAP "{name: other, namespace: metallb-system}\ndata: {config: \"a: b\"}\n", "", 1,
		 false},
		{MAP "{name: bgpextras, namespace: app}\ndata: {extras: x}\n", "", 1, false},
		{MAP "{name: x}\ndata: text\n", "", 1, false},
		{MAP "{name: x}\n", "", 1, false},
	};
	struct api_batch b = decode_text(cases[0].text);

	(void)state;
	assert_non_null(strstr(b.problems.items[0].remedy, "IPAddressPool, BGPPeer"));
	assert_string_equal(b.problems.items[0].object.name, "config");
	api_batch_done(&b);
	check_others(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_without_effect_here_are_no_errors),
		cmocka_unit_test(metallbs_former_configuration_is_told_from_other_config_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
