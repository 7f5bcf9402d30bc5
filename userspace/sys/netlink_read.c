// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Arrays grow in the arena. What only changes by itself (counters, lifetimes, order) is not read at
 * all, or every dump would look like a change; of what is malformed as much is taken as can be, and
 * the rest is as if it were not there.
 */
#include "sys/netlink_read.h"

#include "plan/fib.h"
#include "plan/plan.h"
#include "sys/netlink_attrs.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

/* A VLAN's number and device. A device in another namespace is none of ours. */
static void read_vlan(const struct netlink_attrs *attrs, const struct netlink_attrs *data,
		      struct plan_link *link)
{
	uint16_t id = 0, proto = ETH_P_8021Q;
	uint32_t lower = 0;

	(void)netlink_attrs_u16(data, IFLA_VLAN_ID, &id);
	(void)netlink_attrs_port(data, IFLA_VLAN_PROTOCOL, &proto);
	if (attrs->at[IFLA_LINK_NETNSID] || !netlink_attrs_u32(attrs, IFLA_LINK, &lower))
		return;
	link->lower = (int)lower;
	link->tag = (uint16_t)(id | (proto == ETH_P_8021AD ? PLAN_LINK_8021AD : 0));
}

static void read_vrf(const struct netlink_attrs *attrs, const struct netlink_attrs *data,
		     struct plan_link *link)
{
	uint32_t group;

	(void)netlink_attrs_u32(data, IFLA_VRF_TABLE, &link->table);
	link->made_here = netlink_attrs_u32(attrs, IFLA_GROUP, &group) && group == PLAN_VRF_GROUP;
}

static void read_kind(const struct netlink_attrs *attrs, struct plan_link *link)
{
	struct netlink_attrs info, data;
	const char *kind;

	if (!netlink_attrs_nested(attrs, IFLA_LINKINFO, &info))
		return;
	kind = netlink_attrs_text(&info, IFLA_INFO_KIND);
	if (!kind)
		return;
	link->bond = strcmp(kind, "bond") == 0;
	link->bridge = strcmp(kind, "bridge") == 0;
	if (!netlink_attrs_nested(&info, IFLA_INFO_DATA, &data))
		return;
	if (strcmp(kind, "vlan") == 0)
		read_vlan(attrs, &data, link);
	else if (strcmp(kind, "vrf") == 0)
		read_vrf(attrs, &data, link);
}

int netlink_read_link(void *ctx, const struct nlmsghdr *m)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
	struct netlink_read *b = ctx;
	struct plan_link *link;
	const char *name;
	struct netlink_attrs attrs;
	uint32_t master;

	if (!netlink_attrs_parse(m, sizeof(*header), &attrs))
		return 0;
	name = netlink_attrs_text(&attrs, IFLA_IFNAME);
	if (!name)
		return 0;
	link = arena_push(b->arena, &b->links, &b->n_links, &b->cap_links, sizeof(*link));
	link->ifindex = header->ifi_index;
	link->name = arena_strdup(b->arena, name);
	link->up = (header->ifi_flags & IFF_UP) && (header->ifi_flags & IFF_RUNNING);
	link->raw = header->ifi_type != ARPHRD_ETHER && header->ifi_type != ARPHRD_LOOPBACK;
	if (netlink_attrs_u32(&attrs, IFLA_MASTER, &master))
		link->master = (int)master;
	read_kind(&attrs, link);
	return 0;
}

int netlink_read_conf(void *ctx, const struct nlmsghdr *m)
{
	struct netlink_read *b = ctx;
	struct netlink_attrs attrs;
	uint32_t ifindex, filter;

	if (!netlink_attrs_parse(m, sizeof(struct netconfmsg), &attrs) ||
	    !netlink_attrs_u32(&attrs, NETCONFA_IFINDEX, &ifindex) ||
	    !netlink_attrs_u32(&attrs, NETCONFA_RP_FILTER, &filter))
		return 0;
	if (!b->rp_filters) {
		b->n_rp_filters = b->n_links;
		b->rp_filters = arena_array_of(b->arena, b->n_links + 1, uint32_t);
	}
	if ((int)ifindex == NETCONFA_IFINDEX_ALL)
		b->rp_filter_all = filter;
	for (size_t i = 0; i < b->n_rp_filters; i++)
		if (b->links[i].ifindex == (int)ifindex)
			b->rp_filters[i] = filter;
	return 0;
}

void netlink_read_confs_end(struct netlink_read *b)
{
	for (size_t i = 0; i < b->n_rp_filters; i++) {
		const uint32_t own = b->rp_filters[i], all = b->rp_filter_all;

		b->links[i].strict_source = (own > all ? own : all) == 1;
	}
}

/* An address that duplicate detection has not let through cannot be used as a source. */
int netlink_read_address(void *ctx, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(m);
	struct netlink_read *b = ctx;
	struct plan_local_addr *local;
	struct ip_addr addr;
	struct netlink_attrs attrs;
	uint32_t flags;

	if (!netlink_attrs_parse(m, sizeof(*header), &attrs))
		return 0;
	if (!netlink_attrs_u32(&attrs, IFA_FLAGS, &flags))
		flags = header->ifa_flags;
	if ((flags & IFA_F_DADFAILED) || ((flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC)))
		return 0;
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	if (!netlink_attrs_address(&attrs, IFA_LOCAL, &addr) &&
	    !netlink_attrs_address(&attrs, IFA_ADDRESS, &addr))
		return 0;
	local = arena_push(b->arena, &b->addrs, &b->n_addrs, &b->cap_addrs, sizeof(*local));
	local->addr = addr;
	local->len = header->ifa_prefixlen;
	local->ifindex = (int)header->ifa_index;
	/* IPv4 has the same bit for an address that is not its subnet's first. */
	local->passing = (flags & IFA_F_DEPRECATED) ||
			 ((flags & IFA_F_TEMPORARY) && header->ifa_family == AF_INET6);
	return 0;
}

/* By that device, and the next hop that the attributes name, if they do. */
static void add_default(struct netlink_read *b, int ifindex, const struct netlink_attrs *attrs)
{
	struct plan_gateway hop = {.ifindex = ifindex};

	*(int *)arena_push(b->arena, &b->defaults, &b->n_defaults, &b->cap_defaults, sizeof(int)) =
		ifindex;
	if (netlink_attrs_address(attrs, RTA_GATEWAY, &hop.addr))
		*(struct plan_gateway *)arena_push(b->arena, &b->hops, &b->n_hops, &b->cap_hops,
						   sizeof(hop)) = hop;
}

static void add_next_hops(struct netlink_read *b, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);
	struct netlink_attrs attrs;

	while (left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		netlink_attrs_beside(hop + 1, hop->rtnh_len - sizeof(*hop), &attrs);
		add_default(b, hop->rtnh_ifindex, &attrs);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		/* RTNH_NEXT casts const away. */
		hop = (const struct rtnexthop *)((const char *)hop + RTNH_ALIGN(hop->rtnh_len));
	}
}

int netlink_read_default(void *ctx, const struct nlmsghdr *m)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct netlink_read *b = ctx;
	struct netlink_attrs attrs;
	uint32_t ifindex;

	if (!netlink_attrs_parse(m, sizeof(*header), &attrs) || header->rtm_dst_len != 0 ||
	    header->rtm_type != RTN_UNICAST || (header->rtm_flags & RTM_F_CLONED))
		return 0;
	if (netlink_attrs_u32(&attrs, RTA_OIF, &ifindex))
		add_default(b, (int)ifindex, &attrs);
	else if (attrs.at[RTA_MULTIPATH])
		add_next_hops(b, attrs.at[RTA_MULTIPATH]);
	return 0;
}

int netlink_read_way(void *ctx, const struct nlmsghdr *m)
{
	struct plan_route_to *way = ctx;
	struct netlink_attrs attrs;
	uint32_t ifindex;

	if (m->nlmsg_type != RTM_NEWROUTE ||
	    !netlink_attrs_parse(m, sizeof(struct rtmsg), &attrs) ||
	    !netlink_attrs_u32(&attrs, RTA_OIF, &ifindex))
		return 0;
	way->ifindex = (int)ifindex;
	(void)netlink_attrs_address(&attrs, RTA_PREFSRC, &way->source); /* none stays none */
	(void)netlink_attrs_address(&attrs, RTA_GATEWAY, &way->gateway);
	way->is_received = netlink_route_table(m) == KERNEL_RECEIVED_TABLE;
	return 0;
}

int netlink_read_route_of_way(void *ctx, const struct nlmsghdr *m)
{
	struct plan_route_to *way = ctx;
	const struct rtmsg *route = mnl_nlmsg_get_payload(m);
	struct netlink_attrs attrs;
	uint32_t metric;

	way->is_received = m->nlmsg_type == RTM_NEWROUTE &&
			   netlink_attrs_parse(m, sizeof(*route), &attrs) &&
			   route->rtm_protocol == KERNEL_PROTOCOL &&
			   netlink_attrs_u32(&attrs, RTA_PRIORITY, &metric) && metric == FIB_METRIC;
	return 0;
}

bool netlink_route_prefix(const struct nlmsghdr *m, struct ip_prefix *ret)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct ip_addr to;
	struct netlink_attrs attrs;

	if (!netlink_attrs_parse(m, sizeof(*header), &attrs) ||
	    !netlink_attrs_address(&attrs, RTA_DST, &to))
		return false;
	*ret = ip_prefix_of(&to, header->rtm_dst_len);
	return true;
}

uint32_t netlink_route_table(const struct nlmsghdr *m)
{
	struct netlink_attrs attrs;
	uint32_t table = 0;

	if (netlink_attrs_parse(m, sizeof(struct rtmsg), &attrs))
		(void)netlink_attrs_u32(&attrs, RTA_TABLE, &table);
	return table;
}
