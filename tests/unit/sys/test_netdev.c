// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/netdev: whether tags are kept beside the frame, in a fresh network namespace.
 */
#include "sys/netdev.h"

#include "sys_test.h"

static void tags_are_kept_beside_the_frame_as_the_driver_says(void **state)
{
	(void)state;
	netns_enter();
	run("ip link add lt0 type veth peer name lt0p");
	for (unsigned i = 0; i < 3; i++) {
		run("ethtool -K lt0 rxvlan %s", i % 2 ? "on" : "off");
		assert_int_equal(netdev_strips_tags("lt0"), i % 2);
	}
	assert_false(netdev_strips_tags("lo"));
}

static void what_is_no_device_keeps_none(void **state)
{
	(void)state;
	assert_false(netdev_strips_tags("no-such-dev"));
	assert_false(netdev_strips_tags(""));
	assert_false(netdev_strips_tags("sixteen-letters-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_device_keeps_none),
		cmocka_unit_test(tags_are_kept_beside_the_frame_as_the_driver_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
