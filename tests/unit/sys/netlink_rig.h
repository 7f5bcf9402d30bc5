// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A struct netlink under test, in a network namespace of its own, and looking at what it read. */
#pragma once

#include "sys/netlink.h"

#include "plan/plan.h"
#include "sys_test.h"

#include <net/if.h>

static inline int setup(void **state)
{
	*state = NULL;
	return 0;
}

static inline struct netlink *begin(void)
{
	struct netlink *nl = NULL;

	netns_enter();
	assert_int_equal(netlink_open(&nl), 0);
	return nl;
}

static inline int teardown(void **state)
{
	*state = netlink_free(*state);
	return 0;
}

static inline struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static inline int index_of(const char *name)
{
	int ifindex = (int)if_nametoindex(name);

	if (ifindex == 0)
		fail_msg("no device %s", name);
	return ifindex;
}

static inline const struct plan_link *link_named(const struct plan_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (strcmp(node->links[i].name, name) == 0)
			return &node->links[i];
	return NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
