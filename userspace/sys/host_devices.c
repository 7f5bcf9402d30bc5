// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The devices of this host by netlink: rtnetlink for what they are, generic netlink (family
 * `netdev`, Linux 6.3) for what XDP their drivers have, ethtool for the drivers' names.
 */
#include "sys/host.h"

#include "sys/bpf_clsact.h"
#include "sys/bpf_tcx.h"
#include "sys/files.h"
#include "sys/netdev.h"
#include "sys/netlink_attrs.h"
#include "sys/nlsock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* linux/netdev.h, which headers before 6.3 do not have. */
#define NETDEV_FAMILY       "netdev"
#define NETDEV_DEV_GET      1
#define NETDEV_IFINDEX      1
#define NETDEV_XDP_FEATURES 3
#define NETDEV_XDP_BASIC    1u

struct build {
	struct arena *arena;
	struct host_device *devices;
	size_t n, cap;
	int *addressed; /* devices with an address in a network */
	size_t n_addressed, cap_addressed;
};

/* --- rtnetlink -------------------------------------------------------------------------------- */

static int on_address(void *ctx, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(m);
	struct build *b = ctx;
	int *at;

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*header))
		return 0;
	if (header->ifa_scope >= RT_SCOPE_LINK ||
	    header->ifa_prefixlen >= (header->ifa_family == AF_INET ? 32 : 128))
		return 0;
	at = arena_push(b->arena, &b->addressed, &b->n_addressed, &b->cap_addressed, sizeof(*at));
	*at = (int)header->ifa_index;
	return 0;
}

static bool has_address(const struct build *b, int ifindex)
{
	for (size_t i = 0; i < b->n_addressed; i++)
		if (b->addressed[i] == ifindex)
			return true;
	return false;
}

/* The kernel's name of a program, or that it has none. */
static void name_program(uint32_t id, char ret[HOST_PROGRAM_TEXT])
{
	struct bpf_prog_info info = {.type = 0};
	__u32 len = sizeof(info);
	_cleanup_(fd_closep) int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) != 0 || !info.name[0])
		(void)snprintf(info.name, sizeof(info.name), "id %u", id);
	memcpy(ret, info.name, HOST_PROGRAM_TEXT);
	ret[HOST_PROGRAM_TEXT - 1] = '\0';
}

static void read_nested(const struct netlink_attrs *attrs, struct host_device *d)
{
	struct netlink_attrs info, xdp;
	uint32_t id = 0;

	if (netlink_attrs_nested(attrs, IFLA_LINKINFO, &info) &&
	    netlink_attrs_text(&info, IFLA_INFO_KIND))
		(void)snprintf(d->kind, sizeof(d->kind), "%s",
			       netlink_attrs_text(&info, IFLA_INFO_KIND));
	if (netlink_attrs_nested(attrs, IFLA_XDP, &xdp) &&
	    netlink_attrs_u32(&xdp, IFLA_XDP_PROG_ID, &id) && id)
		name_program(id, d->xdp);
}

static bool is_wanted(const struct build *b, const struct host_device *d)
{
	return has_address(b, d->ifindex) || (d->is_up && !d->kind[0]);
}

static int on_link(void *ctx, const struct nlmsghdr *m)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
	struct host_device d = {.rp_filter = -1}, *at;
	struct netlink_attrs attrs;
	struct build *b = ctx;
	uint32_t master = 0, mtu = 0;
	const char *name;

	if (!netlink_attrs_parse(m, sizeof(*header), &attrs))
		return 0;
	name = netlink_attrs_text(&attrs, IFLA_IFNAME);
	if (!name || header->ifi_flags & IFF_LOOPBACK)
		return 0;
	(void)netlink_attrs_u32(&attrs, IFLA_MASTER, &master);
	(void)netlink_attrs_u32(&attrs, IFLA_MTU, &mtu);
	(void)snprintf(d.name, sizeof(d.name), "%s", name);
	d.ifindex = header->ifi_index;
	d.master = (int)master;
	d.mtu = mtu;
	d.is_up = header->ifi_flags & IFF_UP;
	d.is_ethernet = header->ifi_type == ARPHRD_ETHER;
	read_nested(&attrs, &d);
	if (!is_wanted(b, &d))
		return 0;
	at = arena_push(b->arena, &b->devices, &b->n, &b->cap, sizeof(*at));
	*at = d;
	return 0;
}

static int dump(struct nlsock *s, uint16_t type, size_t header_len, nlsock_cb cb, void *ctx)
{
	uint8_t buf[NLSOCK_REQUEST_BYTES];
	void *header;

	return nlsock_ask(s, nlsock_request(buf, type, NLM_F_DUMP, header_len, &header), cb, ctx);
}

/* --- generic netlink -------------------------------------------------------------------------- */

static struct nlmsghdr *generic(void *buf, uint16_t family, uint8_t command)
{
	struct genlmsghdr *header;
	void *at;
	struct nlmsghdr *m = nlsock_request(buf, family, 0, sizeof(*header), &at);

	header = at;
	header->cmd = command;
	header->version = 1;
	return m;
}

static int on_family(void *ctx, const struct nlmsghdr *m)
{
	struct netlink_attrs attrs;

	if (netlink_attrs_parse(m, sizeof(struct genlmsghdr), &attrs))
		(void)netlink_attrs_u16(&attrs, CTRL_ATTR_FAMILY_ID, ctx);
	return 0;
}

static int on_features(void *ctx, const struct nlmsghdr *m)
{
	struct netlink_attrs attrs;
	const struct nlattr *features;
	enum host_has *ret = ctx;

	if (!netlink_attrs_parse(m, sizeof(struct genlmsghdr), &attrs))
		return 0;
	features = attrs.at[NETDEV_XDP_FEATURES];
	if (features && mnl_attr_get_payload_len(features) == sizeof(uint64_t))
		*ret = mnl_attr_get_u64(features) & NETDEV_XDP_BASIC ? HOST_HAS : HOST_LACKS;
	return 0;
}

static void ask_features(struct host_device *devices, size_t n)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	uint8_t buf[NLSOCK_REQUEST_BYTES];
	uint16_t family = 0;
	struct nlmsghdr *m;

	if (nlsock_open(NETLINK_GENERIC, &s) != 0)
		return;
	m = generic(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(m, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (nlsock_ask(s, m, on_family, &family) != 0 || family == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		m = generic(buf, family, NETDEV_DEV_GET);
		mnl_attr_put_u32(m, NETDEV_IFINDEX, (uint32_t)devices[i].ifindex);
		if (nlsock_ask(s, m, on_features, &devices[i].native_xdp) != 0)
			devices[i].native_xdp = HOST_UNTOLD;
	}
}

/* --- all of it -------------------------------------------------------------------------------- */

static int rp_filter_of(const char *name)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	return host_number_in(path);
}

/* The kernel takes the greater of the two, where 1 is strict and 2 is loose. */
static int rp_filter(const char *name)
{
	const int all = rp_filter_of("all"), own = rp_filter_of(name);

	return all > own ? all : own;
}

static void ask_more(struct host_device *d)
{
	uint32_t id = 0;

	netdev_driver(d->name, d->driver);
	d->rp_filter = rp_filter(d->name);
	if (bpf_clsact_other(d->ifindex, BPF_TC_EGRESS, d->tc, sizeof(d->tc)) != 0)
		d->tc[0] = '\0';
	if (bpf_tcx_first(d->ifindex, BPF_TC_EGRESS, &id) == 0 && id)
		name_program(id, d->tcx);
}

int host_devices(struct arena *arena, struct host_device **ret, size_t *ret_n)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	struct build b = {.arena = arena};
	int r = nlsock_open(NETLINK_ROUTE, &s);

	if (r == 0)
		r = dump(s, RTM_GETADDR, sizeof(struct ifaddrmsg), on_address, &b);
	if (r == 0)
		r = dump(s, RTM_GETLINK, sizeof(struct ifinfomsg), on_link, &b);
	if (r != 0)
		return r;
	ask_features(b.devices, b.n);
	for (size_t i = 0; i < b.n; i++)
		ask_more(&b.devices[i]);
	*ret = b.devices;
	*ret_n = b.n;
	return 0;
}
