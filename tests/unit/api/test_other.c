// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/other: what is said of objects that are not read, and what is passed over in silence.
 */
#include "unit/api/api_test.h"

#define METALLB "apiVersion: metallb.io/v1beta1\n"
#define FRRK8S  "apiVersion: frrk8s.metallb.io/v1beta1\n"

static void kinds_without_effect_here_are_no_errors(void **state)
{
	static const struct api_outcome cases[] = {
		{METALLB "kind: MetalLB\nmetadata: {name: metallb}\n", "info NotSupported kind:2",
		 0, false, 0},
		{METALLB "kind: L2Advertisement\n", "info NotSupported kind:2", 0, false, 0},
		{FRRK8S "kind: FRRK8sConfiguration\n", "info NotSupported kind:2", 0, false, 0},
		{FRRK8S "kind: FRROperatorConfiguration\n", "info NotSupported kind:2", 0, false,
		 0},
		{METALLB "kind: ServiceBGPStatus\n", "", 1, false, 0},
		{METALLB "kind: ConfigurationState\n", "", 1, false, 0},
		{FRRK8S "kind: BGPSessionState\n", "", 1, false, 0},
		/* Of a version to come. */
		{METALLB "kind: NodeWeights\n", "warning UnknownKind kind:2", 0, false, 0},
		/* No longer read, and somebody waits for the effect. */
		{METALLB "kind: AddressPool\n", "error UnknownKind kind:2", 0, true, 0},
		{METALLB "kind: MetallB\n", "warning UnknownKind kind:2", 0, false, 0},
	};

	(void)state;
	check_outcomes(cases, ARRAY_SIZE(cases));
}

#define MAP "apiVersion: v1\nkind: ConfigMap\nmetadata: "

static void metallbs_former_configuration_is_told_from_other_config_maps(void **state)
{
	static const struct api_outcome cases[] = {
		{MAP "{name: config, namespace: metallb-system}\n"
		     "data:\n  config: |\n    peers:\n    - peer-asn: 64512\n",
		 "error OldConfiguration data[config]:5", 0, false, 0},
		{MAP "{name: config, namespace: metallb-system}\ndata: {config: \"\"}\n",
		 "error OldConfiguration data[config]:4", 0, false, 0},
		{MAP
		 "{name: lb, namespace: edge}\ndata:\n  config: |\n    address-pools:\n    - {}\n",
		 "error OldConfiguration data[config]:5", 0, false, 0},
		{MAP "{name: bgpextras, namespace: metallb-system}\ndata: {extras: ip route}\n",
		 "warning NotSupported data[extras]:4", 0, false, 0},
		{MAP "{name: config, namespace: app}\ndata: {config: \"a: b\"}\n", "", 1, false, 0},
		{MAP "{name: config, namespace: metallb-system}\ndata: {other: \"a: b\"}\n", "", 1,
		 false, 0},
		{MAP "{name: other, namespace: metallb-system}\ndata: {config: \"a: b\"}\n", "", 1,
		 false, 0},
		{MAP "{name: bgpextras, namespace: app}\ndata: {extras: x}\n", "", 1, false, 0},
		{MAP "{name: x}\ndata: text\n", "", 1, false, 0},
		{MAP "{name: x}\n", "", 1, false, 0},
	};
	struct api_batch b = decode_text(cases[0].text);

	(void)state;
	assert_non_null(strstr(b.problems.items[0].remedy, "IPAddressPool, BGPPeer"));
	assert_string_equal(b.problems.items[0].object.name, "config");
	api_batch_done(&b);
	check_outcomes(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_without_effect_here_are_no_errors),
		cmocka_unit_test(metallbs_former_configuration_is_told_from_other_config_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
