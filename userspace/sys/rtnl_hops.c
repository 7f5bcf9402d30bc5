// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Routes are asked for as they stand in the tables (RTM_F_FIB_MATCH): else the
 * kernel, asked for a way by a device that has none, takes everything to be on its link. Only which
 * source it would choose is asked in that way, once it is known that there is one.
 */
#include "sys/rtnl_hops.h"

#include "plan/plan_kernel.h"
#include "plan/plan_sort.h"
#include "sys/netlink_attrs.h"
#include "sys/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define MAC_BYTES 6
#define MTU_MAX   UINT16_MAX

/* A neighbour as the kernel has it. */
struct seen_neighbour {
	struct hop_neighbour key; /* first */
	uint8_t mac[MAC_BYTES];
	bool has_mac, is_managed, is_ours, is_permanent;
	bool is_wanted;
};

struct seen_link {
	int ifindex;
	uint32_t mtu; /* 0: it is not there, or has no Ethernet address */
	uint8_t mac[MAC_BYTES];
};

struct looking {
	struct nlsock *socket;
	struct arena *arena;
	const struct hop_ask *asks;
	size_t n_asks;
	struct seen_neighbour *neighbours; /* sorted once they are read */
	size_t n_neighbours, cap_neighbours;
	struct seen_link *links; /* that ways lead by */
	size_t n_links, cap_links;
	struct hop_neighbour *wanted;
	size_t n_wanted, cap_wanted;
	int error; /* the first */
};

/* Where a route leads by one device. */
struct way {
	int ifindex; /* 0: nowhere */
	struct ip_addr gateway;
	uint32_t mtu;
	struct ip_addr source; /* that its packets have, if they name none */
	uint8_t prefix_len;    /* of the route */
};

int hop_neighbour_cmp(const void *a, const void *b)
{
	const struct hop_neighbour *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex > y->ifindex ? 1 : -1;
	return ip_addr_cmp(&x->addr, &y->addr);
}

static void note_error(struct looking *l, int error)
{
	if (l->error == 0)
		l->error = error;
}

/* --- links ------------------------------------------------------------------------------------ */

static int on_link(void *ctx, const struct nlmsghdr *m)
{
	struct seen_link *link = ctx;
	struct netlink_attrs attrs;
	const struct nlattr *mac;

	if (!netlink_attrs_parse(m, sizeof(struct ifinfomsg), &attrs))
		return 0;
	mac = attrs.at[IFLA_ADDRESS];
	if (!mac || mnl_attr_get_payload_len(mac) != MAC_BYTES)
		return 0;
	memcpy(link->mac, mnl_attr_get_payload(mac), MAC_BYTES);
	(void)netlink_attrs_u32(&attrs, IFLA_MTU, &link->mtu);
	return 0;
}

static void look_at_link(struct looking *l, struct seen_link *link)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_GETLINK, 0, sizeof(struct ifinfomsg), &header);
	struct ifinfomsg *info = header;
	int err;

	info->ifi_index = link->ifindex;
	mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = nlsock_ask(l->socket, m, on_link, link);
	if (err != 0 && err != -ENODEV)
		note_error(l, err);
}

/* It is asked for once. NULL: it is not there, or has no Ethernet address. */
static const struct seen_link *find_link(struct looking *l, int ifindex)
{
	struct seen_link *link = NULL;

	for (size_t i = 0; i < l->n_links; i++)
		if (l->links[i].ifindex == ifindex)
			link = &l->links[i];
	if (!link && ifindex) {
		link = arena_push(l->arena, &l->links, &l->n_links, &l->cap_links, sizeof(*link));
		link->ifindex = ifindex;
		look_at_link(l, link);
	}
	return link && link->mtu ? link : NULL;
}

static bool is_uplink(const struct looking *l, int ifindex)
{
	for (size_t i = 0; i < l->n_asks; i++)
		if (l->asks[i].uplink == ifindex)
			return true;
	return false;
}

/* --- neighbours ------------------------------------------------------------------------------- */

static int on_neighbour(void *ctx, const struct nlmsghdr *m)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(m);
	struct looking *l = ctx;
	struct seen_neighbour n = {.is_wanted = false};
	struct netlink_attrs attrs;
	const struct nlattr *mac;
	uint32_t flags = 0;
	uint8_t protocol = 0;

	if (m->nlmsg_type != RTM_NEWNEIGH ||
	    !netlink_attrs_parse(m, sizeof(struct ndmsg), &attrs) ||
	    !netlink_attrs_address(&attrs, NDA_DST, &n.key.addr))
		return 0;
	(void)netlink_attrs_u32(&attrs, NDA_FLAGS_EXT, &flags);
	(void)netlink_attrs_u8(&attrs, NDA_PROTOCOL, &protocol);
	n.key.ifindex = header->ndm_ifindex;
	n.is_managed = flags & NTF_EXT_MANAGED;
	n.is_ours = protocol == KERNEL_PROTOCOL;
	n.is_permanent = header->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	mac = attrs.at[NDA_LLADDR];
	n.has_mac = mac && mnl_attr_get_payload_len(mac) == MAC_BYTES &&
		    !(header->ndm_state & (NUD_FAILED | NUD_INCOMPLETE));
	if (n.has_mac)
		memcpy(n.mac, mnl_attr_get_payload(mac), MAC_BYTES);
	*(struct seen_neighbour *)arena_push(l->arena, &l->neighbours, &l->n_neighbours,
					     &l->cap_neighbours, sizeof(n)) = n;
	return 0;
}

/* A table that changes all the time is read as far as it goes: the next look has the rest. */
static void look_at_neighbours(struct looking *l)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	int err;

	for (int tries = 0; tries < 4; tries++) {
		struct nlmsghdr *m = nlsock_request(buf, RTM_GETNEIGH, NLM_F_DUMP,
						    sizeof(struct ndmsg), &header);

		l->n_neighbours = 0;
		err = nlsock_ask(l->socket, m, on_neighbour, l);
		if (err != -EINTR)
			break;
	}
	if (err != 0 && err != -EINTR)
		note_error(l, err);
	l->n_neighbours = plan_sort_unique(l->neighbours, l->n_neighbours, sizeof(*l->neighbours),
					   hop_neighbour_cmp);
}

static struct seen_neighbour *find_neighbour(const struct looking *l,
					     const struct hop_neighbour *key)
{
	const size_t i = plan_lower_bound(key, l->neighbours, l->n_neighbours,
					  sizeof(*l->neighbours), hop_neighbour_cmp);

	return i < l->n_neighbours && hop_neighbour_cmp(key, &l->neighbours[i].key) == 0
		       ? &l->neighbours[i]
		       : NULL;
}

static int change(struct looking *l, const struct hop_neighbour *n, uint16_t how, uint8_t flags,
		  bool managed)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_NEWNEIGH, (uint16_t)(NLM_F_ACK | how),
					    sizeof(struct ndmsg), &header);
	struct ndmsg *neighbour = header;
	int err;

	neighbour->ndm_family = netlink_family(&n->addr);
	neighbour->ndm_ifindex = n->ifindex;
	neighbour->ndm_flags = flags;
	neighbour->ndm_state = NUD_NONE;
	netlink_put_address(m, NDA_DST, &n->addr);
	if (managed) {
		mnl_attr_put_u32(m, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
		mnl_attr_put_u8(m, NDA_PROTOCOL, KERNEL_PROTOCOL);
	}
	nlsock_change(l->socket, m, m->nlmsg_len, &err);
	return err;
}

static void keep_alive(struct looking *l, const struct hop_neighbour *key)
{
	struct seen_neighbour *n = find_neighbour(l, key);
	int err;

	if (n)
		n->is_wanted = true;
	if (n && (n->is_permanent || n->is_managed))
		return;
	err = change(l, key, NLM_F_CREATE | NLM_F_REPLACE, 0, true);
	if (err == -EINVAL || err == -EOPNOTSUPP)
		err = change(l, key, NLM_F_CREATE | NLM_F_REPLACE, NTF_USE, false);
	if (err != 0)
		note_error(l, err);
}

/* From now on it is as any other: one that nobody uses is forgotten by the kernel some time. */
static void let_go(struct looking *l, const struct seen_neighbour *n)
{
	const int err = change(l, &n->key, NLM_F_REPLACE, NTF_USE, false);

	if (err != 0 && err != -ENOENT)
		note_error(l, err);
}

static void keep_neighbours(struct looking *l)
{
	l->n_wanted =
		plan_sort_unique(l->wanted, l->n_wanted, sizeof(*l->wanted), hop_neighbour_cmp);
	for (size_t i = 0; i < l->n_wanted; i++)
		keep_alive(l, &l->wanted[i]);
	for (size_t i = 0; i < l->n_neighbours; i++) {
		const struct seen_neighbour *n = &l->neighbours[i];

		if (n->is_ours && n->is_managed && !n->is_wanted)
			let_go(l, n);
	}
}

/* --- ways ------------------------------------------------------------------------------------- */

/* A next hop of the other family is the IPv4 route's (RFC 5549). */
static void read_via(const struct netlink_attrs *attrs, struct way *ret)
{
	const struct nlattr *via = attrs->at[RTA_VIA];
	const struct rtvia *v = via ? mnl_attr_get_payload(via) : NULL;

	if (netlink_attrs_address(attrs, RTA_GATEWAY, &ret->gateway) || !v)
		return;
	if (v->rtvia_family == AF_INET6 &&
	    mnl_attr_get_payload_len(via) >= sizeof(*v) + sizeof(ret->gateway.b))
		memcpy(ret->gateway.b, v->rtvia_addr, sizeof(ret->gateway.b));
}

/* Of several the one by the device that was asked for; the first, if none was. */
static void read_hops(const struct nlattr *multipath, int wanted, struct way *ret)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);
	struct netlink_attrs attrs;

	while (ret->ifindex == 0 && left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		if (wanted == 0 || hop->rtnh_ifindex == wanted) {
			ret->ifindex = hop->rtnh_ifindex;
			netlink_attrs_beside(hop + 1, hop->rtnh_len - sizeof(*hop), &attrs);
			read_via(&attrs, ret);
		}
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = (const struct rtnexthop *)((const char *)hop + RTNH_ALIGN(hop->rtnh_len));
	}
}

struct asked_way {
	int wanted; /* device; 0: any */
	struct way way;
};

static int on_way(void *ctx, const struct nlmsghdr *m)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct asked_way *asked = ctx;
	struct netlink_attrs attrs, metrics;
	uint32_t ifindex;

	if (m->nlmsg_type != RTM_NEWROUTE ||
	    !netlink_attrs_parse(m, sizeof(struct rtmsg), &attrs) ||
	    header->rtm_type != RTN_UNICAST)
		return 0;
	if (attrs.at[RTA_MULTIPATH]) {
		read_hops(attrs.at[RTA_MULTIPATH], asked->wanted, &asked->way);
	} else if (netlink_attrs_u32(&attrs, RTA_OIF, &ifindex) &&
		   (asked->wanted == 0 || (int)ifindex == asked->wanted)) {
		asked->way.ifindex = (int)ifindex;
		read_via(&attrs, &asked->way);
	}
	asked->way.prefix_len = header->rtm_dst_len;
	(void)netlink_attrs_address(&attrs, RTA_PREFSRC, &asked->way.source);
	if (netlink_attrs_nested(&attrs, RTA_METRICS, &metrics))
		(void)netlink_attrs_u32(&metrics, RTAX_MTU, &asked->way.mtu);
	return 0;
}

/* The kernel's words for that there is none. */
static bool is_no_way(int err)
{
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL ||
	       err == -ENETDOWN || err == -ENODEV || err == -ESRCH || err == -EAGAIN;
}

/* As a route of the tables, or with `flags` 0 as a packet would take it, which has a source, too.
 */
static struct way look_for_way(struct looking *l, const struct hop_ask *ask, int by, unsigned flags)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_GETROUTE, 0, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;
	struct asked_way asked = {.wanted = by};
	int err;

	route->rtm_family = netlink_family(&ask->node);
	route->rtm_flags = flags;
	route->rtm_dst_len = ip_addr_bits(&ask->node);
	netlink_put_address(m, RTA_DST, &ask->node);
	if (by)
		mnl_attr_put_u32(m, RTA_OIF, (uint32_t)by);
	err = nlsock_ask(l->socket, m, on_way, &asked);
	if (err != 0 && !is_no_way(err))
		note_error(l, err);
	return err == 0 ? asked.way : (struct way){0};
}

static uint16_t mtu_of(const struct way *way, const struct seen_link *link)
{
	const uint32_t mtu = way->mtu && way->mtu < link->mtu ? way->mtu : link->mtu;

	return mtu < MTU_MAX ? (uint16_t)mtu : MTU_MAX;
}

/* The uplink's own where no other one is more specific, or XDP cannot send by that. */
static struct way choose_way(struct looking *l, const struct hop_ask *ask)
{
	const struct way best = look_for_way(l, ask, 0, RTM_F_FIB_MATCH);
	struct way own;

	if (best.ifindex == ask->uplink)
		return best;
	own = look_for_way(l, ask, ask->uplink, RTM_F_FIB_MATCH);
	if (own.ifindex == 0)
		return best;
	return own.prefix_len >= best.prefix_len || !(ask->by_any || is_uplink(l, best.ifindex))
		       ? own
		       : best;
}

/* False: it is not known wholly, so far. */
static bool find_hop(struct looking *l, const struct hop_ask *ask, struct plan_next_hop *ret)
{
	const struct way way = choose_way(l, ask);
	struct ip_addr source = ask->source;
	const struct seen_link *link;
	const struct seen_neighbour *neighbour;
	struct hop_neighbour key = {.ifindex = 0};

	link = find_link(l, way.ifindex);
	if (!link)
		return false;
	key.ifindex = way.ifindex;
	key.addr = ip_addr_is_none(&way.gateway) ? ask->node : way.gateway;
	*(struct hop_neighbour *)arena_push(l->arena, &l->wanted, &l->n_wanted, &l->cap_wanted,
					    sizeof(key)) = key;
	neighbour = find_neighbour(l, &key);
	if (!neighbour || !neighbour->has_mac)
		return false;
	if (ip_addr_is_none(&source))
		source = look_for_way(l, ask, way.ifindex, 0).source;
	if (ip_addr_is_none(&source))
		return false;
	*ret = (struct plan_next_hop){.uplink = ask->uplink,
				      .node = ask->node,
				      .source = source,
				      .ifindex = way.ifindex,
				      .on_link = ip_addr_is_none(&way.gateway),
				      .mtu = mtu_of(&way, link)};
	memcpy(ret->mac, neighbour->mac, MAC_BYTES);
	memcpy(ret->own_mac, link->mac, MAC_BYTES);
	return true;
}

int rtnl_hops_look(struct nlsock *s, const struct hop_ask *asks, size_t n, struct arena *arena,
		   struct hop_picture *ret)
{
	struct looking l = {.socket = s, .arena = arena, .asks = asks, .n_asks = n};

	*ret = (struct hop_picture){.hops = arena_array_of(arena, n, struct plan_next_hop)};
	look_at_neighbours(&l);
	for (size_t i = 0; i < n; i++)
		ret->n += find_hop(&l, &asks[i], &ret->hops[ret->n]);
	keep_neighbours(&l);
	ret->neighbours = l.wanted;
	ret->n_neighbours = l.n_wanted;
	return l.error;
}
