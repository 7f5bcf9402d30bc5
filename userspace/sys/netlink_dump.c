// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Dumps and look-ups on NETLINK_ROUTE. What is read (netlink_read.h) is sorted at the end, so that
 * two dumps of the same state are equal.
 */
#include "sys/netlink_dump.h"

#include "plan/plan.h"
#include "sys/clock.h"
#include "sys/netdev.h"
#include "sys/netlink.h"
#include "sys/netlink_attrs.h"
#include "sys/netlink_read.h"
#include "sys/nlsock.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* Of the devices that VLANs lie on, and of the ports of those that are bonds. */
static void ask_for_tags(const struct netlink_read *b)
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

/* Without an answer nothing is known to be strict: it is asked only to be told. */
static int dump_conf(struct nlsock *s, struct netlink_read *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETNETCONF, NLM_F_DUMP, sizeof(struct netconfmsg), &header);
	struct netconfmsg *conf = header;
	int err;

	conf->ncm_family = AF_INET;
	err = nlsock_ask(s, m, netlink_read_conf, b);
	netlink_read_confs_end(b);
	return err == -EINTR ? err : 0;
}

static int dump_links(struct nlsock *s, struct netlink_read *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg), &header);

	mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nlsock_ask(s, m, netlink_read_link, b);
}

static int dump_addresses(struct nlsock *s, struct netlink_read *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg), &header);

	return nlsock_ask(s, m, netlink_read_address, b);
}

static int dump_routes(struct nlsock *s, uint8_t family, struct netlink_read *b)
{
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;

	route->rtm_family = family;
	return nlsock_ask(s, m, netlink_read_default, b);
}

/* --- look-ups -------------------------------------------------------------------------------- */

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
	err = look_up(s, way, 0, netlink_read_way);
	/* Received routes of a VRF lie in its own table. */
	if (err == 0 && way->vrf && way->ifindex)
		err = look_up(s, way, RTM_F_FIB_MATCH, netlink_read_route_of_way);
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
static int find_vrf(const struct plan_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].table && strcmp(node->links[i].name, name) == 0)
			return node->links[i].ifindex;
	return 0;
}

int netlink_lookup_routes(struct nlsock *s, const struct netlink_ask *ask, size_t n,
			  struct arena *arena, struct plan_node *node)
{
	struct plan_route_to *ways = arena_array_of(arena, n, struct plan_route_to);
	size_t n_ways = 0;

	for (size_t i = 0; i < n; i++) {
		const int vrf = ask[i].vrf[0] ? find_vrf(node, ask[i].vrf) : 0;

		if (vrf || !ask[i].vrf[0])
			ways[n_ways++] = (struct plan_route_to){.to = ask[i].to, .vrf = vrf};
	}
	n_ways = sort_unique(ways, n_ways, sizeof(*ways), cmp_way);
	for (size_t i = 0; i < n_ways; i++) {
		const int err = netlink_lookup_route(s, &ways[i]);

		if (err < 0)
			return err;
	}
	node->routes_to = ways;
	node->n_routes_to = n_ways;
	return 0;
}

/* --- all together ---------------------------------------------------------------------------- */

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

static int dump_tables(struct nlsock *s, struct netlink_read *b)
{
	int err = dump_links(s, b);

	if (err)
		return err;
	ask_for_tags(b);
	err = dump_conf(s, b);
	return err ? err : dump_addresses(s, b);
}

int netlink_dump_tables(struct nlsock *s, struct arena *arena, struct plan_node *ret,
			nsec_t *ret_took)
{
	const nsec_t begun = clock_thread();
	struct netlink_read b;
	int err = -EINTR;

	for (size_t i = 0; err == -EINTR && i < NETLINK_DUMP_ROUNDS; i++) {
		arena_reset(arena);
		b = (struct netlink_read){.arena = arena};
		err = dump_tables(s, &b);
	}
	*ret_took = clock_thread() - begun;
	if (err < 0)
		return err;
	*ret = (struct plan_node){.links = b.links, .addrs = b.addrs};
	ret->n_links = sort_unique(b.links, b.n_links, sizeof(*b.links), cmp_link);
	ret->n_addrs = sort_unique(b.addrs, b.n_addrs, sizeof(*b.addrs), cmp_local);
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
	struct netlink_read b = {.arena = arena};
	const nsec_t begun = clock_thread();
	int err = dump_routes(s, AF_INET, &b);

	if (err == 0)
		err = dump_routes(s, AF_INET6, &b);
	if (err < 0)
		return err;
	ret->n_devices = sort_unique(b.defaults, b.n_defaults, sizeof(*b.defaults), cmp_int);
	ret->devices = copy_of(b.defaults, ret->n_devices, sizeof(*b.defaults));
	ret->n_hops = sort_unique(b.hops, b.n_hops, sizeof(*b.hops), cmp_hop);
	ret->hops = copy_of(b.hops, ret->n_hops, sizeof(*b.hops));
	ret->took = clock_thread() - begun;
	return 0;
}
