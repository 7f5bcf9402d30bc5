// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/objects: names, age order, annotations.
 */
#include "api/objects.h"

#include "unit/api/api_test.h"

static void every_kind_has_its_name(void **state)
{
	(void)state;
	for (int kind = 0; kind < API_N_KINDS; kind++)
		assert_true(*api_kind_text((enum api_kind)kind) != '\0');
	assert_string_equal(api_kind_text(API_IP_ADDRESS_POOL), "IPAddressPool");
	assert_string_equal(api_kind_text(API_SERVICE), "Service");
}

static void age_is_time_then_kind_then_name(void **state)
{
	/* Oldest first, each pair of neighbours differs in one thing. */
	static const struct api_meta order[] = {
		{.kind = API_SERVICE, .ns = "b", .name = "b", .created_s = 0},
		{.kind = API_BFD_PROFILE, .ns = "b", .name = "b", .created_s = 5},
		{.kind = API_BGP_PEER, .ns = "a", .name = "b", .created_s = 5},
		{.kind = API_BGP_PEER, .ns = "b", .name = "a", .created_s = 5},
		{.kind = API_BGP_PEER, .ns = "b", .name = "b", .created_s = 5},
		{.kind = API_BFD_PROFILE, .ns = "a", .name = "a", .created_s = 6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			const struct api_object a = {.meta = order[i]}, b = {.meta = order[j]};
			int got = api_object_age_cmp(&a, &b);

			assert_true(i < j ? got < 0 : i > j ? got > 0 : got == 0);
		}
}

static void the_new_prefix_of_annotations_wins(void **state)
{
	static const struct label items[] = {
		{"metallb.io/address-pool", "new"},
		{"metallb.universe.tf/address-pool", "old"},
		{"metallb.universe.tf/allow-shared-ip", "key"},
	};
	const struct api_meta meta = {.annotations = {.items = items, .n = ARRAY_SIZE(items)}};

	(void)state;
	assert_string_equal(api_annotation(&meta, "address-pool"), "new");
	assert_string_equal(api_annotation(&meta, "allow-shared-ip"), "key");
	assert_null(api_annotation(&meta, "address"));
	assert_null(api_annotation(&meta, ""));
}

static void freeing_nothing_is_nothing(void **state)
{
	(void)state;
	assert_null(api_object_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_its_name),
		cmocka_unit_test(age_is_time_then_kind_then_name),
		cmocka_unit_test(the_new_prefix_of_annotations_wins),
		cmocka_unit_test(freeing_nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
