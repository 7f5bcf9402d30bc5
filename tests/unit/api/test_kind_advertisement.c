// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGPAdvertisement and Community.
 */
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: metallb.io/v1beta1\n"                                                         \
	"kind: BGPAdvertisement\n"                                                                 \
	"metadata: {name: a, namespace: metallb-system}\n"
#define COMMUNITY                                                                                  \
	"apiVersion: metallb.io/v1beta1\n"                                                         \
	"kind: Community\n"                                                                        \
	"metadata: {name: c}\n"                                                                    \
	"spec:\n"                                                                                  \
	"  communities:\n"

static void an_advertisement_with_everything_is_decoded(void **state)
{
	struct api_batch b =
		decode_text(HEAD "spec:\n"
				 "  aggregationLength: 24\n"
				 "  aggregationLengthV6: 64\n"
				 "  localPref: 4294967295\n"
				 "  asPathPrepend: 3\n"
				 "  communities: [65535:65282, alias, \"large:1:2:3\"]\n"
				 "  ipAddressPools: [p, q]\n"
				 "  ipAddressPoolSelectors: [{matchLabels: {a: b}}]\n"
				 "  nodeSelectors: [{matchLabels: {c: d}}, {matchLabels: {c: e}}]\n"
				 "  peers: [x]\n");
	const struct api_advertisement *a = &only_object(&b)->advertisement;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(a->aggregation[IP_V4], 24);
	assert_int_equal(a->aggregation[IP_V6], 64);
	assert_int_equal(a->local_pref, 4294967295u);
	assert_int_equal(a->as_path_prepend, 3);
	assert_int_equal(a->communities.n, 3);
	assert_string_equal(a->communities.items[0], "65535:65282");
	assert_int_equal(a->pools.n, 2);
	assert_int_equal(a->pool_selectors.n, 1);
	assert_int_equal(a->node_selectors.n, 2);
	assert_string_equal(a->peers.items[0], "x");
	api_batch_done(&b);
}

static void an_advertisement_without_a_spec_has_the_defaults(void **state)
{
	struct api_batch b = decode_text(HEAD);
	const struct api_advertisement *a = &only_object(&b)->advertisement;

	(void)state;
	assert_int_equal(a->aggregation[IP_V4], 32);
	assert_int_equal(a->aggregation[IP_V6], 128);
	assert_int_equal(a->local_pref, 0);
	assert_int_equal(a->pools.n + a->peers.n + a->communities.n, 0);
	api_batch_done(&b);
}

static void what_an_advertisement_must_not_say_is_refused(void **state)
{
	static const struct api_case cases[] = {
		{"  aggregationLength: 33\n", "error OutOfRange spec.aggregationLength:5"},
		{"  aggregationLength: 0\n", "error OutOfRange spec.aggregationLength:5"},
		{"  aggregationLengthV6: 129\n", "error OutOfRange spec.aggregationLengthV6:5"},
		{"  localPref: -1\n", "error OutOfRange spec.localPref:5"},
		{"  localPref: 4294967296\n", "error OutOfRange spec.localPref:5"},
		{"  asPathPrepend: 11\n", "error OutOfRange spec.asPathPrepend:5"},
		{"  communities: [100]\n", "error WrongType spec.communities[0]:5"},
		{"  communities: [a, b, a]\n", "error DuplicateItem spec.communities:5"},
		{"  ipAddressPools: [a, a]\n", "error DuplicateItem spec.ipAddressPools:5"},
		{"  peers: [a, a]\n", "error DuplicateItem spec.peers:5"},
		{"  nodeSelectors:\n  - matchLabels: {a: b, c: d}\n  - matchLabels: {c: d, a: b}\n",
		 "error DuplicateItem spec.nodeSelectors:7"},
		{"  aggregationLength: 24\n  serviceSelectors: [{matchLabels: {a: b}}]\n",
		 "error Exclusive spec.serviceSelectors:6"},
		{"  serviceSelectors: [{matchLabels: {a: b}}]\n", ""},
		{"  peer: [a]\n", "warning UnknownField spec.peer:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "spec:\n", &cases[i]);
}

static void aliases_keep_their_text_and_line(void **state)
{
	struct api_batch b = decode_text(COMMUNITY "  - name: vpn-only\n"
						   "    value: 1234:1\n"
						   "  - name: NO_ADVERTISE\n"
						   "    value: no-advertise\n");
	const struct api_community *c = &only_object(&b)->community;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(c->n, 2);
	assert_string_equal(c->items[0].name, "vpn-only");
	assert_string_equal(c->items[0].value, "1234:1");
	api_batch_done(&b);
}

static void a_value_that_is_no_community_is_refused(void **state)
{
	/* The four values of sample S0-12 first. */
	static const struct api_case cases[] = {
		{"  - {name: a, value: \"64512:100\"}\n", ""},
		{"  - {name: a, value: \"large:4200000001:1:100\"}\n", ""},
		{"  - {name: a, value: \"64512-100\"}\n",
		 "error BadCommunity spec.communities[0].value:6"},
		{"  - {name: a, value: \"4200000001:1:100\"}\n",
		 "error BadCommunity spec.communities[0].value:6"},
		{"  - {name: a, value: 64512:100}\n  - {name: b, value: 65536:1}\n",
		 "error BadCommunity spec.communities[1].value:7"},
		{"  - {name: a, value: other-alias}\n",
		 "error BadCommunity spec.communities[0].value:6"},
		{"  - {name: a, value: 100}\n", "error WrongType spec.communities[0].value:6"},
		{"  - {name: a}\n", "error MissingField spec.communities[0].value:6"},
		{"  - {value: \"1:1\"}\n", "error MissingField spec.communities[0].name:6"},
		{"  - {name: \"\", value: \"1:1\"}\n",
		 "error MissingField spec.communities[0].name:6"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(COMMUNITY, &cases[i]);
}

static void a_large_community_without_prefix_is_told_its_prefix(void **state)
{
	struct api_batch b = decode_text(COMMUNITY "  - {name: a, value: \"4200000001:1:100\"}\n");

	(void)state;
	assert_int_equal(b.problems.n, 1);
	assert_string_equal(b.problems.items[0].remedy, "write \"large:4200000001:1:100\"");
	api_batch_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_advertisement_with_everything_is_decoded),
		cmocka_unit_test(an_advertisement_without_a_spec_has_the_defaults),
		cmocka_unit_test(what_an_advertisement_must_not_say_is_refused),
		cmocka_unit_test(aliases_keep_their_text_and_line),
		cmocka_unit_test(a_value_that_is_no_community_is_refused),
		cmocka_unit_test(a_large_community_without_prefix_is_told_its_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
