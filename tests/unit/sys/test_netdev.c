// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/netdev: the reverse path filter in force, in a fresh network namespace.
 */
#include "sys/netdev.h"

#include "sys_test.h"

static void the_filter_in_force_is_the_larger_of_own_and_all(void **state)
{
	(void)state;
	netns_enter();
	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up");
	for (int all = 0; all <= 2; all++) {
		for (int own = 0; own <= 2; own++) {
			run("echo %d >/proc/sys/net/ipv4/conf/all/rp_filter &&"
			    " echo %d >/proc/sys/net/ipv4/conf/lt0/rp_filter",
			    all, own);
			assert_int_equal(netdev_rp_filter("lt0"), own > all ? own : all);
		}
	}
}

static void names_that_are_no_device_are_refused(void **state)
{
	(void)state;
	assert_int_equal(netdev_rp_filter("no-such-dev"), -ENOENT);
	assert_int_equal(netdev_rp_filter(""), -EINVAL);
	assert_int_equal(netdev_rp_filter("../../all"), -EINVAL);
	assert_int_equal(netdev_rp_filter(".."), -EINVAL);
	assert_int_equal(netdev_rp_filter("sixteen-letters-"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_are_no_device_are_refused),
		cmocka_unit_test(the_filter_in_force_is_the_larger_of_own_and_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
