// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Dumps and look-ups on NETLINK_ROUTE. Arrays grow in the arena and are sorted at the end, so that
 * two dumps of the same state are equal; what only changes by itself (counters, lifetimes, order)
 * is not read at all, or every dump would look like a change.
 */
#include "sys/netlink_dump.h"

#include "plan/fib.h"
#include "plan/plan.h"
#include "sys/netdev.h"
#include "sys/netlink.h"
#include "sys/netlink_attrs.h"
#include "sys/nlsock.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

/* --- the node
 * ------------------------------------------------------------------------------------- */

struct build {
	struct arena *arena;
	struct plan_link *links;
	size_t n_links, cap_links;
	uint32_t rp_filter_all;
	struct plan_local_addr *addrs;
	size_t n_addrs, cap_addrs;
	int *defaults;
	size_t n_defaults, cap_defaults;
	struct plan_gateway *hops;
	size_t n_hops, cap_hops;
};

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

static int on_link(void *ctx, const struct nlmsghdr *m)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
	struct build *b = ctx;
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

/* Of the devices that VLANs lie on, and of the ports of those that are bonds. */
static void ask_for_tags(const struct build *b)
{
	for (size_t i = 0; i < b->n_links; i++) {
		struct plan_link *link = &b->links[i];
		bool carries = false;

		for (size_t k = 0; k < b->n_links && !carries; k++)
			carries = b->links[k].tag && (b->links[k].lower == link->ifindex ||
						      b->links[k].lower == link->master);
		link->strips_tags = carries && netdev_strips_tags(link->name);
	}
}

/* Which of the devices are strict; the setting of all counts where it is the higher one. */
static int on_conf(void *ctx, const struct nlmsghdr *m)
{
	struct build *b = ctx;
	struct netlink_attrs attrs;
	uint32_t ifindex, filter;

	if (!netlink_attrs_parse(m, sizeof(struct netconfmsg), &attrs) ||
	    !netlink_attrs_u32(&attrs, NETCONFA_IFINDEX, &ifindex) ||
	    !netlink_attrs_u32(&attrs, NETCONFA_RP_FILTER, &filter))
		return 0;
	if ((int)ifindex == NETCONFA_IFINDEX_ALL)
		b->rp_filter_all = filter;
	for (size_t i = 0; i < b->n_links; i++)
		if (b->links[i].ifindex == (int)ifindex)
			b->links[i].strict_source = filter == 1;
	return 0;
}

/* Without an answer nothing is known to be strict: it is asked only to be told. */
static int dump_conf(struct nlsock *s, struct build *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETNETCONF, NLM_F_DUMP, sizeof(struct netconfmsg), &header);
	struct netconfmsg *conf = header;
	int err;

	conf->ncm_family = AF_INET;
	err = nlsock_ask(s, m, on_conf, b);
	for (size_t i = 0; b->rp_filter_all != 0 && i < b->n_links; i++)
		b->links[i].strict_source |= b->rp_filter_all == 1;
	for (size_t i = 0; b->rp_filter_all == 2 && i < b->n_links; i++)
		b->links[i].strict_source = false;
	return err == -EINTR ? err : 0;
}

/* An address that duplicate detection has not let through cannot be used as a source. */
static int on_address(void *ctx, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(m);
	struct build *b = ctx;
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
static void add_default(struct build *b, int ifindex, const struct netlink_attrs *attrs)
{
	struct plan_gateway hop = {.ifindex = ifindex};

	*(int *)arena_push(b->arena, &b->defaults, &b->n_defaults, &b->cap_defaults, sizeof(int)) =
		ifindex;
	if (netlink_attrs_address(attrs, RTA_GATEWAY, &hop.addr))
		*(struct plan_gateway *)arena_push(b->arena, &b->hops, &b->n_hops, &b->cap_hops,
						   sizeof(hop)) = hop;
}

static void add_next_hops(struct build *b, const struct nlattr *multipath)
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

static int on_route(void *ctx, const struct nlmsghdr *m)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct build *b = ctx;
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

static int dump_links(struct nlsock *s, struct build *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg), &header);

	mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nlsock_ask(s, m, on_link, b);
}

static int dump_addresses(struct nlsock *s, struct build *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg), &header);

	return nlsock_ask(s, m, on_address, b);
}

static int dump_routes(struct nlsock *s, uint8_t family, struct build *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;

	route->rtm_family = family;
	return nlsock_ask(s, m, on_route, b);
}

/* --- look-ups
 * ------------------------------------------------------------------------------------- */

static int on_way(void *ctx, const struct nlmsghdr *m)
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

/* The route itself, and not what it comes to. */
static int on_route_of_way(void *ctx, const struct nlmsghdr *m)
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

/* Errors that are an answer: the kernel's ways to say that no packet would leave. */
static bool is_no_route(int err)
{
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL ||
	       err == -ENETDOWN || err == -ENODEV || err == -ESRCH || err == -EAGAIN;
}

static int look_up(struct nlsock *s, struct plan_route_to *way, uint32_t flags, nlsock_cb cb)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_GETROUTE, 0, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;
	int err;

	route->rtm_family = netlink_family(&way->to);
	route->rtm_flags = flags;
	route->rtm_dst_len = ip_addr_bits(&way->to);
	netlink_put_address(m, RTA_DST, &way->to);
	if (way->vrf) /* the device says whose table is looked into */
		mnl_attr_put_u32(m, RTA_OIF, (uint32_t)way->vrf);
	err = nlsock_ask(s, m, cb, way);
	return is_no_route(err) ? 0 : err;
}

int netlink_lookup_route(struct nlsock *s, struct plan_route_to *way)
{
	int err;

	assert(way->ifindex == 0);
	err = look_up(s, way, 0, on_way);
	/* Received routes of a VRF lie in its own table. */
	if (err == 0 && way->vrf && way->ifindex)
		err = look_up(s, way, RTM_F_FIB_MATCH, on_route_of_way);
	return err;
}

/* Sorts and drops doubles; returns how many are left. */
static size_t sort_unique(void *items, size_t n, size_t size,
			  int (*cmp)(const void *, const void *))
{
	char *base = items;
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(items, n, size, cmp);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || cmp(base + (kept - 1) * size, base + i * size) != 0)
			memmove(base + kept++ * size, base + i * size, size);
	return kept;
}

static int cmp_way(const void *a, const void *b)
{
	const struct plan_route_to *x = a, *y = b;
	const int order = ip_addr_cmp(&x->to, &y->to);

	return order ? order : (x->vrf > y->vrf) - (x->vrf < y->vrf);
}

/* The device of the VRF; 0: there is none of that name. */
static int find_vrf(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->n_links; i++)
		if (b->links[i].table && strcmp(b->links[i].name, name) == 0)
			return b->links[i].ifindex;
	return 0;
}

static int look_up_all(struct nlsock *s, struct build *b, const struct netlink_ask *ask, size_t n,
		       struct plan_node *ret)
{
	struct plan_route_to *ways = arena_array_of(b->arena, n, struct plan_route_to);
	size_t n_ways = 0;

	for (size_t i = 0; i < n; i++) {
		const int vrf = ask[i].vrf[0] ? find_vrf(b, ask[i].vrf) : 0;

		if (vrf || !ask[i].vrf[0])
			ways[n_ways++] = (struct plan_route_to){.to = ask[i].to, .vrf = vrf};
	}
	n_ways = sort_unique(ways, n_ways, sizeof(*ways), cmp_way);
	for (size_t i = 0; i < n_ways; i++) {
		const int err = netlink_lookup_route(s, &ways[i]);

		if (err < 0)
			return err;
	}
	ret->routes_to = ways;
	ret->n_routes_to = n_ways;
	return 0;
}

/* --- all together
 * --------------------------------------------------------------------------------- */

static int cmp_link(const void *a, const void *b)
{
	const struct plan_link *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static int cmp_local(const void *a, const void *b)
{
	const struct plan_local_addr *x = a, *y = b;
	int order = ip_addr_cmp(&x->addr, &y->addr);

	if (order == 0)
		order = (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
	return order != 0 ? order : x->len - y->len;
}

static int cmp_int(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int dump_tables(struct nlsock *s, struct build *b)
{
	int err = dump_links(s, b);

	if (err)
		return err;
	ask_for_tags(b);
	err = dump_conf(s, b);
	return err ? err : dump_addresses(s, b);
}

int netlink_dump(struct nlsock *s, const struct netlink_ask *ask, size_t n, struct arena *arena,
		 struct plan_node *ret)
{
	struct build b = {.arena = arena};
	struct plan_node node = {0};
	int err = dump_tables(s, &b);

	if (err == 0)
		err = look_up_all(s, &b, ask, n, &node);
	if (err < 0)
		return err;
	node.links = b.links;
	node.n_links = sort_unique(b.links, b.n_links, sizeof(*b.links), cmp_link);
	node.addrs = b.addrs;
	node.n_addrs = sort_unique(b.addrs, b.n_addrs, sizeof(*b.addrs), cmp_local);
	*ret = node;
	return 0;
}

static int cmp_hop(const void *a, const void *b)
{
	const struct plan_gateway *x = a, *y = b;
	const int order = ip_addr_cmp(&x->addr, &y->addr);

	return order ? order : (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

void netlink_defaults_done(struct netlink_defaults *d)
{
	free(d->devices);
	free(d->hops);
	*d = (struct netlink_defaults){0};
}

static bool same_bytes(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

bool netlink_defaults_equal(const struct netlink_defaults *a, const struct netlink_defaults *b)
{
	return same_bytes(a->devices, a->n_devices, b->devices, b->n_devices,
			  sizeof(*a->devices)) &&
	       same_bytes(a->hops, a->n_hops, b->hops, b->n_hops, sizeof(*a->hops));
}

/* On the heap, never NULL. */
static void *copy_of(const void *items, size_t n, size_t size)
{
	void *ret = xcalloc(n + 1, size);

	if (n > 0)
		memcpy(ret, items, n * size);
	return ret;
}

int netlink_dump_defaults(struct nlsock *s, struct netlink_defaults *ret)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct build b = {.arena = arena};
	int err = dump_routes(s, AF_INET, &b);

	if (err == 0)
		err = dump_routes(s, AF_INET6, &b);
	if (err < 0)
		return err;
	ret->n_devices = sort_unique(b.defaults, b.n_defaults, sizeof(*b.defaults), cmp_int);
	ret->devices = copy_of(b.defaults, ret->n_devices, sizeof(*b.defaults));
	ret->n_hops = sort_unique(b.hops, b.n_hops, sizeof(*b.hops), cmp_hop);
	ret->hops = copy_of(b.hops, ret->n_hops, sizeof(*b.hops));
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
