// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One hop is said by attributes of the route, several by RTA_MULTIPATH; an IPv4 route by way of an
 * IPv6 gateway has RTA_VIA (RFC 8950). What is deleted is named by prefix, table, metric and
 * protocol, so that a route of somebody else's is never meant.
 */
#include "sys/rtnl_fib_message.h"

#include "plan/plan_kernel.h"
#include "sys/netlink_attrs.h"
#include "sys/rtnl_prefix.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sys/socket.h>

/* --- to the kernel --------------------------------------------------------------------------- */

static void nlmsg_freep(struct nl_msg **m)
{
	nlmsg_free(*m);
}

static void route_putp(struct rtnl_route **r)
{
	rtnl_route_put(*r);
}

static void addr_putp(struct nl_addr **a)
{
	nl_addr_put(*a);
}

/* The route owns the hop. */
static int add_hop(struct rtnl_route *r, bool is_v4, const struct fib_hop *hop)
{
	const struct ip_prefix host = {hop->gateway, ip_addr_bits(&hop->gateway)};
	_cleanup_(addr_putp) struct nl_addr *gateway = rtnl_prefix_new(&host);
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();

	if (!gateway || !nh) {
		rtnl_route_nh_free(nh);
		return -NLE_NOMEM;
	}
	rtnl_route_nh_set_ifindex(nh, hop->ifindex);
	if (is_v4 == ip_addr_is_v4(&hop->gateway))
		rtnl_route_nh_set_gateway(nh, gateway);
	else
		(void)rtnl_route_nh_set_via(nh, gateway);
	rtnl_route_add_nexthop(r, nh);
	return 0;
}

static int make(const struct fib_op *op, struct nl_msg **ret)
{
	_cleanup_(route_putp) struct rtnl_route *r = rtnl_route_alloc();
	_cleanup_(addr_putp) struct nl_addr *to = rtnl_prefix_new(&op->prefix);
	const bool is_v4 = ip_addr_is_v4(&op->prefix.addr);
	int err = 0;

	if (!r || !to)
		return -NLE_NOMEM;
	(void)rtnl_route_set_family(r, is_v4 ? AF_INET : AF_INET6);
	(void)rtnl_route_set_type(r, RTN_UNICAST);
	rtnl_route_set_table(r, op->table);
	rtnl_route_set_scope(r, RT_SCOPE_UNIVERSE);
	rtnl_route_set_protocol(r, KERNEL_PROTOCOL);
	rtnl_route_set_priority(r, FIB_METRIC);
	(void)rtnl_route_set_dst(r, to);
	for (size_t i = 0; op->verb != FIB_DELETE && err == 0 && i < op->hops.n; i++)
		err = add_hop(r, is_v4, &op->hops.items[i]);
	if (err < 0)
		return err;
	return op->verb == FIB_DELETE ? rtnl_route_build_del_request(r, 0, ret)
				      : rtnl_route_build_add_request(r, 0, ret);
}

int rtnl_fib_message_build(const struct fib_op *op, void *buf)
{
	_cleanup_(nlmsg_freep) struct nl_msg *msg = NULL;
	const int err = make(op, &msg);
	struct nlmsghdr *m;

	if (err < 0)
		return err == -NLE_NOMEM ? -ENOMEM : -EINVAL;
	m = nlmsg_hdr(msg);
	if (m->nlmsg_len > RTNL_FIB_MESSAGE_BYTES)
		return -EMSGSIZE;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (op->verb != FIB_DELETE)
		m->nlmsg_flags |= NLM_F_CREATE | (op->verb == FIB_ADD ? NLM_F_EXCL : NLM_F_REPLACE);
	memcpy(buf, m, m->nlmsg_len);
	return (int)m->nlmsg_len;
}

/* --- from the kernel ------------------------------------------------------------------------- */

/* The gateway of a route or of one of several hops; without one it is none. */
static struct ip_addr read_gateway(const struct netlink_attrs *attrs)
{
	const struct nlattr *via = attrs->at[RTA_VIA];
	struct ip_addr ret = {.b = {0}};
	struct rtvia header;

	if (netlink_attrs_address(attrs, RTA_GATEWAY, &ret) || !via ||
	    mnl_attr_get_payload_len(via) != sizeof(header) + sizeof(ret.b))
		return ret;
	memcpy(&header, mnl_attr_get_payload(via), sizeof(header));
	if (header.rtvia_family == AF_INET6)
		memcpy(ret.b, (const char *)mnl_attr_get_payload(via) + sizeof(header),
		       sizeof(ret.b));
	return ret;
}

static void add_seen(struct fib_hops *hops, const struct netlink_attrs *attrs, int ifindex)
{
	if (hops->n < FIB_HOPS_MAX)
		hops->items[hops->n++] = (struct fib_hop){read_gateway(attrs), ifindex};
}

/* Each a struct rtnexthop with attributes behind it. */
static void read_multipath(const struct nlattr *attr, struct fib_hops *ret)
{
	const char *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	struct rtnexthop hop;

	while (left >= sizeof(hop)) {
		struct netlink_attrs attrs;
		size_t step;

		memcpy(&hop, at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
			return;
		netlink_attrs_beside(at + sizeof(hop), hop.rtnh_len - sizeof(hop), &attrs);
		add_seen(ret, &attrs, hop.rtnh_ifindex);
		step = NLMSG_ALIGN((size_t)hop.rtnh_len);
		step = step < left ? step : left;
		at += step;
		left -= step;
	}
}

bool rtnl_fib_message_read(const struct nlmsghdr *m, struct fib_seen *ret)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct netlink_attrs attrs;
	uint32_t metric = 0, device = 0;

	*ret = (struct fib_seen){0};
	if (!netlink_attrs_parse(m, sizeof(*header), &attrs) ||
	    (header->rtm_flags & RTM_F_CLONED) ||
	    !rtnl_prefix_read(&attrs, header->rtm_family, header->rtm_dst_len, &ret->prefix))
		return false;
	(void)netlink_attrs_u32(&attrs, RTA_PRIORITY, &metric);
	if (metric != FIB_METRIC)
		return false;
	ret->table = header->rtm_table;
	(void)netlink_attrs_u32(&attrs, RTA_TABLE, &ret->table);
	ret->is_ours = header->rtm_protocol == KERNEL_PROTOCOL && header->rtm_type == RTN_UNICAST &&
		       header->rtm_tos == 0 && header->rtm_src_len == 0;
	(void)netlink_attrs_u32(&attrs, RTA_OIF, &device);
	if (attrs.at[RTA_MULTIPATH])
		read_multipath(attrs.at[RTA_MULTIPATH], &ret->hops);
	else
		add_seen(&ret->hops, &attrs, (int)device);
	if (ret->hops.n == 0) /* whatever it is, it is there */
		ret->hops.n = 1;
	qsort(ret->hops.items, ret->hops.n, sizeof(*ret->hops.items), fib_hop_cmp);
	return true;
}
