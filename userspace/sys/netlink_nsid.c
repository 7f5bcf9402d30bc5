// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * In which namespace does a local pod live? The route to it leaves by a device; of a veth or netkit
 * pair the kernel tells the id of the other end's namespace (IFLA_LINK_NETNSID, given on demand and
 * lasting). Where pods hang on a bridge, the neighbour table knows the pod's MAC and the bridge on
 * which port that is; an address that nobody has spoken with yet is not found, and the caller asks
 * again later. Other kinds of links carry the same attribute with another meaning (the namespace of
 * a tunnel's or vlan's lower device), so the kind is checked.
 */
#include "plan/plan.h"
#include "sys/netlink_attrs.h"
#include "sys/netlink_dump.h"
#include "sys/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define MAC_BYTES 6

enum link_kind { LINK_OTHER, LINK_PAIR, LINK_BRIDGE };

struct link {
	enum link_kind kind;
	int nsid; /* -1: in this namespace */
};

static enum link_kind kind_of(const char *kind)
{
	if (kind && (strcmp(kind, "veth") == 0 || strcmp(kind, "netkit") == 0))
		return LINK_PAIR;
	return kind && strcmp(kind, "bridge") == 0 ? LINK_BRIDGE : LINK_OTHER;
}

static int on_link(void *ctx, const struct nlmsghdr *m)
{
	struct netlink_attrs attrs, info;
	struct link *ret = ctx;
	uint32_t nsid;

	if (!netlink_attrs_parse(m, sizeof(struct ifinfomsg), &attrs))
		return 0;
	if (netlink_attrs_nested(&attrs, IFLA_LINKINFO, &info))
		ret->kind = kind_of(netlink_attrs_text(&info, IFLA_INFO_KIND));
	if (netlink_attrs_u32(&attrs, IFLA_LINK_NETNSID, &nsid))
		ret->nsid = (int)nsid;
	return 0;
}

static int look_up_link(struct nlsock *s, int ifindex, struct link *ret)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_GETLINK, 0, sizeof(struct ifinfomsg), &header);
	struct ifinfomsg *link = header;
	int err;

	*ret = (struct link){.nsid = -1};
	link->ifi_index = ifindex;
	mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = nlsock_ask(s, m, on_link, ret);
	return err == -ENODEV ? -ENOENT : err; /* gone since the route was read */
}

struct mac {
	bool known;
	uint8_t b[MAC_BYTES];
};

static int on_neighbour(void *ctx, const struct nlmsghdr *m)
{
	struct netlink_attrs attrs;
	struct mac *ret = ctx;
	const struct nlattr *mac;

	if (!netlink_attrs_parse(m, sizeof(struct ndmsg), &attrs))
		return 0;
	mac = attrs.at[NDA_LLADDR];
	if (!mac || mnl_attr_get_payload_len(mac) != sizeof(ret->b))
		return 0;
	memcpy(ret->b, mnl_attr_get_payload(mac), sizeof(ret->b));
	ret->known = true;
	return 0;
}

static int look_up_mac(struct nlsock *s, const struct ip_addr *pod, int bridge, struct mac *ret)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_GETNEIGH, 0, sizeof(struct ndmsg), &header);
	struct ndmsg *neighbour = header;
	int err;

	*ret = (struct mac){0};
	neighbour->ndm_family = netlink_family(pod);
	neighbour->ndm_ifindex = bridge;
	netlink_put_address(m, NDA_DST, pod);
	err = nlsock_ask(s, m, on_neighbour, ret);
	return err == 0 && !ret->known ? -ENOENT : err;
}

static int on_port(void *ctx, const struct nlmsghdr *m)
{
	const struct ndmsg *entry = mnl_nlmsg_get_payload(m);
	int *ret = ctx;

	if (mnl_nlmsg_get_payload_len(m) >= sizeof(*entry))
		*ret = entry->ndm_ifindex;
	return 0;
}

/* The bridge's port behind which a MAC was learned. */
static int look_up_port(struct nlsock *s, const struct mac *mac, int bridge, int *ret)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, RTM_GETNEIGH, 0, sizeof(struct ndmsg), &header);
	struct ndmsg *entry = header;
	int err;

	*ret = 0;
	entry->ndm_family = AF_BRIDGE;
	mnl_attr_put(m, NDA_LLADDR, sizeof(mac->b), mac->b);
	mnl_attr_put_u32(m, NDA_MASTER, (uint32_t)bridge);
	err = nlsock_ask(s, m, on_port, ret);
	return err == 0 && *ret == 0 ? -ENOENT : err;
}

static int look_up_behind_bridge(struct nlsock *s, const struct ip_addr *pod, int bridge,
				 struct link *ret)
{
	struct mac mac;
	int port, err = look_up_mac(s, pod, bridge, &mac);

	if (err == 0)
		err = look_up_port(s, &mac, bridge, &port);
	return err < 0 ? err : look_up_link(s, port, ret);
}

int netlink_lookup_nsid(struct nlsock *s, const struct ip_addr *pod)
{
	struct plan_route_to way = {.to = *pod};
	struct link link;
	int err = netlink_lookup_route(s, &way);

	if (err < 0)
		return err;
	if (way.ifindex == 0)
		return -ENOENT;
	err = look_up_link(s, way.ifindex, &link);
	if (err == 0 && link.kind == LINK_BRIDGE)
		err = look_up_behind_bridge(s, pod, way.ifindex, &link);
	if (err < 0)
		return err;
	return link.kind == LINK_PAIR && link.nsid >= 0 ? link.nsid : -ENOENT;
}
