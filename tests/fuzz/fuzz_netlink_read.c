// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes what the kernel may say of links, addresses, routes and settings of this node: the input
 * is a datagram of messages. What is taken of it has a name, a device and a family.
 */
#include "plan/plan.h"
#include "sys/netlink_read.h"

#include <assert.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_route(struct netlink_read *r, const struct nlmsghdr *m)
{
	struct plan_route_to way = {.ifindex = 0};
	struct ip_prefix prefix;

	assert(netlink_read_default(r, m) == 0);
	assert(netlink_read_way(&way, m) == 0);
	assert(netlink_read_route_of_way(&way, m) == 0);
	(void)netlink_route_table(m);
	if (netlink_route_prefix(m, &prefix))
		assert(prefix.len <= ip_addr_bits(&prefix.addr));
}

static void read_one(struct netlink_read *r, const struct nlmsghdr *m)
{
	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
		assert(netlink_read_link(r, m) == 0);
		break;
	case RTM_NEWADDR:
		assert(netlink_read_address(r, m) == 0);
		break;
	case RTM_NEWNETCONF:
		assert(netlink_read_conf(r, m) == 0);
		break;
	default:
		read_route(r, m);
	}
}

static void look(struct netlink_read *r)
{
	netlink_read_confs_end(r);
	for (size_t i = 0; i < r->n_links; i++) {
		assert(r->links[i].name);
		assert(!r->links[i].made_here || strlen(r->links[i].name) < UINT16_MAX);
		assert(r->links[i].tag == 0 || !r->links[i].bond);
	}
	for (size_t i = 0; i < r->n_hops; i++)
		assert(!ip_addr_is_none(&r->hops[i].addr) || r->n_defaults > 0);
	assert(r->n_hops <= r->n_defaults);
}

/* libmnl takes a length beyond 2^31 for a negative one, which is short. */
static bool is_whole(const struct nlmsghdr *m, int left)
{
	return mnl_nlmsg_ok(m, left) && m->nlmsg_len <= (uint32_t)left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct netlink_read r = {.arena = arena};
	const struct nlmsghdr *m;
	int left = (int)size;
	void *copy;

	if (size < sizeof(*m) || size > 65536)
		return 0;
	copy = xmalloc(size); /* aligned, and without anything behind it */
	memcpy(copy, data, size);
	for (m = copy; is_whole(m, left); m = mnl_nlmsg_next(m, &left))
		read_one(&r, m);
	look(&r);
	free(copy);
	return 0;
}
