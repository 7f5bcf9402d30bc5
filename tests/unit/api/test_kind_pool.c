// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * IPAddressPool: ranges in order, masked prefixes, allocation rules, overlaps.
 */
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: metallb.io/v1beta1\n"                                                         \
	"kind: IPAddressPool\n"                                                                    \
	"metadata: {name: p, namespace: metallb-system}\n"                                         \
	"spec:\n"

static void ranges_keep_their_order_and_prefixes_are_masked(void **state)
{
	struct api_batch b = decode_text(
		HEAD "  addresses: [198.51.100.10/24, 10.0.0.5-10.0.0.9, \"2001:db8::/120\"]\n"
		     "  autoAssign: false\n"
		     "  avoidBuggyIPs: true\n"
		     "  serviceAllocation:\n"
		     "    priority: -7\n"
		     "    namespaces: [a, b]\n"
		     "    namespaceSelectors: [{matchLabels: {x: \"1\"}}]\n"
		     "    serviceSelectors: [{}]\n");
	const struct api_pool *p = &only_object(&b)->pool;
	struct ip_addr first = addr_of("198.51.100.0"), last = addr_of("10.0.0.9");

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(p->n_ranges, 3);
	assert_true(ip_addr_equal(&p->ranges[0].first, &first));
	assert_true(ip_addr_equal(&p->ranges[1].last, &last));
	assert_int_equal(ip_range_count(&p->ranges[2]), 256);
	assert_false(p->auto_assign);
	assert_true(p->avoid_buggy);
	assert_true(p->has_service_allocation);
	assert_int_equal(p->priority, -7);
	assert_int_equal(p->namespaces.n, 2);
	assert_string_equal(p->namespaces.items[1], "b");
	assert_int_equal(p->namespace_selectors.n, 1);
	assert_int_equal(p->service_selectors.n, 1);
	assert_int_equal(p->service_selectors.items[0].n, 0);
	api_batch_done(&b);
}

static void a_short_pool_assigns_by_itself(void **state)
{
	struct api_batch b = decode_text(HEAD "  addresses: [10.0.0.0/24]\n");
	const struct api_pool *p = &only_object(&b)->pool;

	(void)state;
	assert_true(p->auto_assign);
	assert_false(p->avoid_buggy);
	assert_false(p->has_service_allocation);
	api_batch_done(&b);
}

static void an_empty_service_allocation_is_still_one(void **state)
{
	struct api_batch b =
		decode_text(HEAD "  addresses: [10.0.0.0/24]\n  serviceAllocation: {}\n");

	(void)state;
	assert_true(only_object(&b)->pool.has_service_allocation);
	api_batch_done(&b);
}

static void booleans_may_be_written_as_kubectl_takes_them(void **state)
{
	static const struct {
		const char *word;
		bool want;
	} cases[] = {{"no", false}, {"Off", false}, {"N", false}, {"YES", true}, {"on", true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(
			arena_printf(arena, HEAD "  addresses: [10.0.0.0/24]\n  autoAssign: %s\n",
				     cases[i].word));

		assert_int_equal(only_object(&b)->pool.auto_assign, cases[i].want);
		assert_int_equal(b.problems.n, 0);
		api_batch_done(&b);
	}
}

static void what_a_pool_must_not_say_is_refused(void **state)
{
	static const struct api_case cases[] = {
		{"  autoAssign: true\n", "error MissingField spec.addresses:4"},
		{"  addresses: []\n", "error MissingField spec.addresses:5"},
		{"  addresses: 10.0.0.0/24\n", "error WrongType spec.addresses:5"},
		{"  addresses:\n  - 10.0.0.0/24\n  - 10.0.0.0/33\n",
		 "error BadRange spec.addresses[1]:7"},
		{"  addresses: [10.0.0.9-10.0.0.5]\n", "error BadRange spec.addresses[0]:5"},
		{"  addresses: [\"10.0.0.1-2001:db8::1\"]\n", "error BadRange spec.addresses[0]:5"},
		{"  addresses: [\"\"]\n", "error EmptyItem spec.addresses[0]:5"},
		{"  addresses: [~]\n", "error WrongType spec.addresses[0]:5"},
		{"  addresses: [10.0.0.0/24]\n  autoAssign: \"true\"\n",
		 "error WrongType spec.autoAssign:6"},
		{"  addresses:\n  - 10.0.1.0/24\n  - 10.0.0.0/24\n  - 10.0.0.200-10.0.1.3\n",
		 "error OverlapsWith spec.addresses[2]:8\n"
		 "error OverlapsWith spec.addresses[2]:8"},
		{"  addresses: [10.0.0.0/24, 10.0.0.0/24]\n",
		 "error OverlapsWith spec.addresses[1]:5"},
		{"  addresses: [10.0.0.0/24]\n  serviceAllocation:\n    priority: 2147483648\n",
		 "error OutOfRange spec.serviceAllocation.priority:7"},
		{"  addresses: [10.0.0.0/24]\n  serviceAllocation: {namespaces: [a, a]}\n",
		 "error DuplicateItem spec.serviceAllocation.namespaces:6"},
		{"  addresses: [10.0.0.0/24]\n  AvoidBuggyIPs: true\n",
		 "warning UnknownField spec.AvoidBuggyIPs:6"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD, &cases[i]);
}

static void a_long_entry_overlaps_with_all_that_lie_in_it(void **state)
{
	/* The later entries do not touch each other, only the first. */
	struct api_case c = {"  addresses:\n"
			     "  - 10.0.0.0/16\n"
			     "  - 10.0.1.0/24\n"
			     "  - 10.0.9.0/24\n",
			     "error OverlapsWith spec.addresses[1]:7\n"
			     "error OverlapsWith spec.addresses[2]:8"};

	(void)state;
	check_case(HEAD, &c);
}

static void a_pool_says_how_its_addresses_are_forwarded(void **state)
{
	static const char text[] =
		"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		"metadata: {name: p, annotations: {lodestone.io/forwarding: %s}}\n"
		"spec: {addresses: [10.0.0.0/24]}\n";
	char buf[256];
	struct api_batch b;

	(void)state;
	(void)snprintf(buf, sizeof(buf), text, "dsr-gue");
	b = decode_text(buf);
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(only_object(&b)->pool.forwarding, API_FORWARD_DSR_GUE);
	api_batch_done(&b);
	(void)snprintf(buf, sizeof(buf), text, "gue");
	b = decode_text(buf);
	assert_int_equal(b.problems.n, 1);
	assert_string_equal(b.problems.items[0].reason, "BadValue");
	api_batch_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_keep_their_order_and_prefixes_are_masked),
		cmocka_unit_test(a_short_pool_assigns_by_itself),
		cmocka_unit_test(an_empty_service_allocation_is_still_one),
		cmocka_unit_test(booleans_may_be_written_as_kubectl_takes_them),
		cmocka_unit_test(what_a_pool_must_not_say_is_refused),
		cmocka_unit_test(a_pool_says_how_its_addresses_are_forwarded),
		cmocka_unit_test(a_long_entry_overlaps_with_all_that_lie_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
