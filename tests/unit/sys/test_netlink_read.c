// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Links of kinds that this host's kernel may not have, as a kernel tells them: VLANs, bonds, VRFs,
 * tunnels.
 */
#include "sys/netlink_read.h"

#include "base/arena.h"
#include "plan/plan.h"
#include "sys_test.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

struct told {
	const char *kind; /* NULL: none */
	unsigned flags;
	unsigned short type;
	uint16_t vlan_id, vlan_proto; /* proto 0: not told */
	uint32_t lower, master, group, table;
	bool is_elsewhere; /* what it is on */
};

static void put_data(struct nlmsghdr *m, const struct told *t)
{
	struct nlattr *data = mnl_attr_nest_start(m, IFLA_INFO_DATA);

	if (t->vlan_id)
		mnl_attr_put_u16(m, IFLA_VLAN_ID, t->vlan_id);
	if (t->vlan_proto)
		mnl_attr_put_u16(m, IFLA_VLAN_PROTOCOL, htons(t->vlan_proto));
	if (t->table)
		mnl_attr_put_u32(m, IFLA_VRF_TABLE, t->table);
	mnl_attr_nest_end(m, data);
}

/* What is read of it; from the arena. */
static const struct plan_link *read_one(const struct told *t, struct arena *arena)
{
	_Alignas(struct nlmsghdr) char buf[512];
	struct netlink_read r = {.arena = arena};
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(m, sizeof(*header));

	m->nlmsg_type = RTM_NEWLINK;
	header->ifi_index = 7;
	header->ifi_flags = t->flags;
	header->ifi_type = t->type;
	mnl_attr_put_strz(m, IFLA_IFNAME, "dev7");
	mnl_attr_put_u32(m, IFLA_GROUP, t->group);
	if (t->lower)
		mnl_attr_put_u32(m, IFLA_LINK, t->lower);
	if (t->is_elsewhere)
		mnl_attr_put_u32(m, IFLA_LINK_NETNSID, 3);
	if (t->master)
		mnl_attr_put_u32(m, IFLA_MASTER, t->master);
	if (t->kind) {
		struct nlattr *info = mnl_attr_nest_start(m, IFLA_LINKINFO);

		mnl_attr_put_strz(m, IFLA_INFO_KIND, t->kind);
		put_data(m, t);
		mnl_attr_nest_end(m, info);
	}
	assert_int_equal(netlink_read_link(&r, m), 0);
	assert_int_equal(r.n_links, 1);
	assert_string_equal(r.links[0].name, "dev7");
	assert_int_equal(r.links[0].ifindex, 7);
	return &r.links[0];
}

static void vlans_have_their_tag_and_the_device_below(void **state)
{
	static const struct {
		struct told told;
		int lower;
		uint16_t tag;
	} cases[] = {
		{{.kind = "vlan", .type = ARPHRD_ETHER, .vlan_id = 100, .lower = 2}, 2, 100},
		{{.kind = "vlan",
		  .type = ARPHRD_ETHER,
		  .vlan_id = 4094,
		  .vlan_proto = ETH_P_8021Q,
		  .lower = 2},
		 2,
		 4094},
		{{.kind = "vlan",
		  .type = ARPHRD_ETHER,
		  .vlan_id = 7,
		  .vlan_proto = ETH_P_8021AD,
		  .lower = 5},
		 5,
		 7 | PLAN_LINK_8021AD},
		{{.kind = "vlan",
		  .type = ARPHRD_ETHER,
		  .vlan_id = 100,
		  .lower = 2,
		  .is_elsewhere = true},
		 0,
		 0},
		{{.kind = "macvlan", .type = ARPHRD_ETHER, .vlan_id = 100, .lower = 2}, 0, 0},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct plan_link *link = read_one(&cases[i].told, arena);

		assert_int_equal(link->lower, cases[i].lower);
		assert_int_equal(link->tag, cases[i].tag);
		assert_false(link->bond || link->bridge || link->raw);
	}
}

static void vrfs_have_their_table_and_whose_they_are(void **state)
{
	static const struct told ours = {.kind = "vrf",
					 .type = ARPHRD_ETHER,
					 .table = 1000,
					 .group = 196},
				 theirs = {.kind = "vrf",
					   .type = ARPHRD_ETHER,
					   .table = 0xfffffffe},
				 member = {.type = ARPHRD_ETHER, .master = 9, .group = 196};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_link *link = read_one(&ours, arena);

	(void)state;
	assert_int_equal(link->table, 1000);
	assert_true(link->made_here);
	link = read_one(&theirs, arena);
	assert_int_equal(link->table, 0xfffffffe);
	assert_false(link->made_here);
	link = read_one(&member, arena);
	assert_int_equal(link->table, 0);
	assert_int_equal(link->master, 9);
	assert_false(link->made_here);
}

static void what_carries_packets_is_told(void **state)
{
	static const struct {
		struct told told;
		bool up, bond, bridge, raw;
	} cases[] = {
		{{.type = ARPHRD_ETHER, .flags = IFF_UP | IFF_RUNNING}, true, false, false, false},
		{{.type = ARPHRD_ETHER, .flags = IFF_UP}, false, false, false, false},
		{{.type = ARPHRD_ETHER, .flags = IFF_RUNNING}, false, false, false, false},
		{{.type = ARPHRD_LOOPBACK}, false, false, false, false},
		{{.kind = "bond", .type = ARPHRD_ETHER}, false, true, false, false},
		{{.kind = "bridge", .type = ARPHRD_ETHER}, false, false, true, false},
		{{.kind = "wireguard", .type = ARPHRD_NONE}, false, false, false, true},
		{{.kind = "ipip", .type = ARPHRD_TUNNEL}, false, false, false, true},
		{{.type = ARPHRD_PPP}, false, false, false, true},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct plan_link *link = read_one(&cases[i].told, arena);

		assert_int_equal(link->up, cases[i].up);
		assert_int_equal(link->bond, cases[i].bond);
		assert_int_equal(link->bridge, cases[i].bridge);
		assert_int_equal(link->raw, cases[i].raw);
	}
}

/* By its table, and where an operator's rule leads to it by what it is; of a VRF's by that alone.
 */
static void received_routes_are_told_from_others(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t protocol;
		uint32_t table, metric; /* metric 0: none is told */
		bool by_table, by_route;
	} cases[] = {
		{RTM_NEWROUTE, 196, 19800, 19600, true, true},
		{RTM_NEWROUTE, 196, 1000, 19600, false, true},
		{RTM_NEWROUTE, 196, 254, 5, false, false},
		{RTM_NEWROUTE, 196, 254, 0, false, false},
		{RTM_NEWROUTE, 4, 1000, 19600, false, false},
		{RTM_NEWROUTE, 4, 254, 0, false, false},
		{RTM_DELROUTE, 196, 1000, 19600, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_Alignas(struct nlmsghdr) char buf[256];
		struct plan_route_to way = {.is_received = false};
		struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
		struct rtmsg *route = mnl_nlmsg_put_extra_header(m, sizeof(*route));

		m->nlmsg_type = cases[i].type;
		route->rtm_family = AF_INET;
		route->rtm_protocol = cases[i].protocol;
		mnl_attr_put_u32(m, RTA_TABLE, cases[i].table);
		mnl_attr_put_u32(m, RTA_OIF, 7);
		if (cases[i].metric)
			mnl_attr_put_u32(m, RTA_PRIORITY, cases[i].metric);
		assert_int_equal(netlink_read_way(&way, m), 0);
		assert_int_equal(way.is_received, cases[i].by_table);
		assert_int_equal(way.ifindex, cases[i].type == RTM_NEWROUTE ? 7 : 0);
		assert_int_equal(netlink_read_route_of_way(&way, m), 0);
		assert_int_equal(way.is_received, cases[i].by_route);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vlans_have_their_tag_and_the_device_below),
		cmocka_unit_test(vrfs_have_their_table_and_whose_they_are),
		cmocka_unit_test(what_carries_packets_is_told),
		cmocka_unit_test(received_routes_are_told_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
