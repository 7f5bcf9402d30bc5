// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Counting translated flows. The whole table is dumped and looked at here: a filter in the kernel
 * by status would miss what IPVS rewrites (it sets no NAT status), and a filter by address would be
 * one dump a VIP. What decides is what the entry says: packets to the VIP went in, answers come
 * from somewhere else. That also finds translations to a local port or to another VIP.
 */
#include "sys/conntrack.h"

#include "plan/plan.h"
#include "plan/plan_sort.h"
#include "sys/conntrack_line.h"
#include "sys/netlink_attrs.h"
#include "sys/nlsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define DUMP_ROUNDS 4

struct count {
	struct plan_taken *items; /* all VIPs, sorted */
	size_t n;
};

static int cmp_taken(const void *a, const void *b)
{
	const struct plan_taken *x = a, *y = b;

	return plan_vip_cmp(&x->vip, &y->vip);
}

static int cmp_addr(const void *key, const void *item)
{
	const struct plan_taken *t = item;

	return ip_addr_cmp(key, &t->vip.addr);
}

static void count_flow(struct count *c, const struct ip_addr *orig_dst,
		       const struct ip_addr *reply_src)
{
	size_t i = plan_lower_bound(orig_dst, c->items, c->n, sizeof(*c->items), cmp_addr);

	if (ip_addr_equal(orig_dst, reply_src))
		return;
	for (; i < c->n && ip_addr_equal(orig_dst, &c->items[i].vip.addr); i++)
		c->items[i].flows++;
}

/* --- ctnetlink
 * ------------------------------------------------------------------------------------ */

static bool has_ended(const struct netlink_attrs *entry)
{
	struct netlink_attrs protocol, tcp;
	uint32_t status;
	uint8_t state;

	if (netlink_attrs_u32(entry, CTA_STATUS, &status) && (ntohl(status) & IPS_DYING))
		return true;
	if (!netlink_attrs_nested(entry, CTA_PROTOINFO, &protocol) ||
	    !netlink_attrs_nested(&protocol, CTA_PROTOINFO_TCP, &tcp) ||
	    !netlink_attrs_u8(&tcp, CTA_PROTOINFO_TCP_STATE, &state))
		return false;
	return state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE;
}

static bool tuple_address(const struct netlink_attrs *entry, int tuple_type, int v4_type,
			  int v6_type, struct ip_addr *ret)
{
	struct netlink_attrs tuple, ip;

	if (!netlink_attrs_nested(entry, tuple_type, &tuple) ||
	    !netlink_attrs_nested(&tuple, CTA_TUPLE_IP, &ip))
		return false;
	return netlink_attrs_address(&ip, v4_type, ret) || netlink_attrs_address(&ip, v6_type, ret);
}

static int on_entry(void *ctx, const struct nlmsghdr *m)
{
	struct ip_addr orig_dst, reply_src;
	struct netlink_attrs entry;

	if (!netlink_attrs_parse(m, sizeof(struct nfgenmsg), &entry) || has_ended(&entry))
		return 0;
	if (tuple_address(&entry, CTA_TUPLE_ORIG, CTA_IP_V4_DST, CTA_IP_V6_DST, &orig_dst) &&
	    tuple_address(&entry, CTA_TUPLE_REPLY, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &reply_src))
		count_flow(ctx, &orig_dst, &reply_src);
	return 0;
}

static void count_nothing(struct count *c)
{
	for (size_t i = 0; i < c->n; i++)
		c->items[i].flows = 0;
}

static int count_by_netlink(struct count *c)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	char buf[NLSOCK_REQUEST_BYTES];
	void *header;
	struct nlmsghdr *m = nlsock_request(buf, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET,
					    NLM_F_DUMP, sizeof(struct nfgenmsg), &header);
	struct nfgenmsg *family = header;
	int err = nlsock_open(NETLINK_NETFILTER, &s);

	if (err < 0)
		return err;
	family->nfgen_family = AF_UNSPEC; /* both IPv4 and IPv6 */
	family->version = NFNETLINK_V0;
	err = -EINTR;
	for (size_t i = 0; err == -EINTR && i < DUMP_ROUNDS; i++) {
		count_nothing(c);
		err = nlsock_ask(s, m, on_entry, c);
	}
	return err;
}

/* --- /proc
 * ---------------------------------------------------------------------------------------- */

static int count_by_proc(struct count *c)
{
	FILE *file = fopen("/proc/net/nf_conntrack", "re");
	struct conntrack_line entry;
	char *line = NULL;
	size_t cap = 0;

	if (!file)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	count_nothing(c);
	while (getline(&line, &cap, file) >= 0)
		if (conntrack_line_parse(line, &entry) && !entry.has_ended)
			count_flow(c, &entry.orig_dst, &entry.reply_src);
	free(line);
	(void)fclose(file); /* only read from */
	return 0;
}

/* --- both
 * ----------------------------------------------------------------------------------------- */

/* A kernel without nfnetlink refuses the socket, one without ctnetlink the request. */
static bool lacks_ctnetlink(int err)
{
	return err == -EPROTONOSUPPORT || err == -EINVAL || err == -EOPNOTSUPP;
}

static void make_count(const struct plan_vip *vips, size_t n, struct arena *a, struct count *ret)
{
	struct plan_taken *items = arena_array_of(a, n, struct plan_taken);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		items[i].vip = vips[i];
	if (n > 0)
		qsort(items, n, sizeof(*items), cmp_taken);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || cmp_taken(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	*ret = (struct count){.items = items, .n = kept};
}

static size_t drop_idle(struct count *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].flows > 0)
			c->items[kept++] = c->items[i];
	return kept;
}

int conntrack_translated(const struct plan_vip *vips, size_t n, struct arena *a,
			 struct plan_taken **ret, size_t *ret_n)
{
	struct count c;
	int err;

	make_count(vips, n, a, &c);
	err = c.n == 0 ? 0 : count_by_netlink(&c);
	if (lacks_ctnetlink(err))
		err = count_by_proc(&c);
	if (err < 0 && err != -EOPNOTSUPP)
		return err;
	*ret = c.items;
	*ret_n = err < 0 ? 0 : drop_idle(&c);
	return err;
}
