// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What sys/netlink reads of the settings of interfaces, from the kernel of a fresh network
 * namespace: which are strict about the way back (rp_filter), and that a change is told.
 */
#include "plan/plan.h"
#include "sys/netlink.h"

#include "sys_test.h"

#include <poll.h>

static void set(const char *device, int value)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", device);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fprintf(f, "%d", value) > 0);
	assert_int_equal(fclose(f), 0);
}

static bool is_strict(struct netlink *nl, const char *device)
{
	const struct plan_node *node;

	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	node = netlink_node(nl);
	for (size_t i = 0; i < node->n_links; i++)
		if (strcmp(node->links[i].name, device) == 0)
			return node->links[i].strict_source;
	fail_msg("no device %s", device);
	return false;
}

/* As the kernel has it: the higher of the device's setting and that of all counts. */
static void a_device_is_strict_by_its_setting_or_that_of_all(void **state)
{
	static const struct {
		int all, device;
		bool want;
	} cases[] = {{0, 0, false}, {0, 1, true},  {0, 2, false}, {1, 0, true},
		     {1, 1, true},  {1, 2, false}, {2, 0, false}, {2, 1, false}};
	struct netlink *nl;

	(void)state;
	netns_enter();
	run("ip link add up0 type veth peer name far0");
	assert_int_equal(netlink_open(&nl), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		set("all", cases[i].all);
		set("up0", cases[i].device);
		set("far0", 0);
		assert_int_equal(is_strict(nl, "up0"), cases[i].want);
		assert_int_equal(is_strict(nl, "far0"), cases[i].all == 1);
	}
	netlink_free(nl);
}

static void a_change_of_a_setting_is_told(void **state)
{
	struct pollfd p = {.events = POLLIN};
	struct netlink *nl;
	unsigned before;

	(void)state;
	netns_enter();
	run("ip link add up0 type veth peer name far0");
	set("all", 0);
	set("up0", 0);
	assert_int_equal(netlink_open(&nl), 0);
	p.fd = netlink_fd(nl);
	assert_false(is_strict(nl, "up0"));
	before = netlink_generation(nl);
	set("up0", 1);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_true(netlink_receive(nl) & NETLINK_CHANGED_NODE);
	assert_true(is_strict(nl, "up0"));
	assert_int_not_equal(netlink_generation(nl), before);
	netlink_free(nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_strict_by_its_setting_or_that_of_all),
		cmocka_unit_test(a_change_of_a_setting_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
