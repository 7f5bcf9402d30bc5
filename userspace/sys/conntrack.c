// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The whole table is dumped and looked at here: a filter in the kernel by status would miss what
 * IPVS rewrites (it sets no NAT status), and a filter by address would be one dump a VIP. What
 * decides is what the entry says: packets to the VIP went in, answers come from somewhere else.
 * That also finds translations to a local port or to another VIP.
 */
#include "sys/conntrack.h"

#include "plan/plan_sort.h"
#include "plan/plan_vip.h"
#include "sys/conntrack_line.h"
#include "sys/files.h"
#include "sys/netlink_attrs.h"
#include "sys/nlsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define DUMP_ROUNDS 4
#define SETTINGS    "/proc/sys/net/netfilter/nf_conntrack_"

struct reading {
	const struct ip_addr *vips; /* sorted */
	size_t n_vips;
	struct arena *arena;
	struct conntrack_flow *items;
	size_t n, cap;
};

static int cmp_addr(const void *a, const void *b)
{
	return ip_addr_cmp(a, b);
}

static void take(struct reading *r, const struct conntrack_line *e)
{
	if (e->proto != IPPROTO_TCP && e->proto != IPPROTO_UDP && e->proto != IPPROTO_SCTP)
		return;
	if (!bsearch(&e->dst, r->vips, r->n_vips, sizeof(*r->vips), cmp_addr))
		return;
	*(struct conntrack_flow *)arena_push(r->arena, &r->items, &r->n, &r->cap,
					     sizeof(*r->items)) = (struct conntrack_flow){
		.client = e->src,
		.vip = e->dst,
		.client_port = e->sport,
		.port = e->dport,
		.proto = e->proto,
		.lives = !e->has_ended &&
			 (e->is_answered || !ip_addr_equal(&e->dst, &e->reply_src) ||
			  e->dport != e->reply_sport),
	};
}

/* --- ctnetlink ------------------------------------------------------------------------------- */

static bool has_ended(const struct netlink_attrs *entry, uint32_t status)
{
	struct netlink_attrs protocol, of;
	uint8_t state;

	if (status & IPS_DYING)
		return true;
	if (!netlink_attrs_nested(entry, CTA_PROTOINFO, &protocol))
		return false;
	if (netlink_attrs_nested(&protocol, CTA_PROTOINFO_SCTP, &of))
		return netlink_attrs_u8(&of, CTA_PROTOINFO_SCTP_STATE, &state) &&
		       state == SCTP_CONNTRACK_CLOSED;
	if (!netlink_attrs_nested(&protocol, CTA_PROTOINFO_TCP, &of) ||
	    !netlink_attrs_u8(&of, CTA_PROTOINFO_TCP_STATE, &state))
		return false;
	return state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE;
}

struct tuple {
	struct ip_addr src, dst;
	uint16_t sport, dport;
	uint8_t proto;
};

static bool read_tuple(const struct netlink_attrs *entry, int type, struct tuple *ret)
{
	struct netlink_attrs tuple, ip, proto;

	if (!netlink_attrs_nested(entry, type, &tuple) ||
	    !netlink_attrs_nested(&tuple, CTA_TUPLE_IP, &ip) ||
	    !netlink_attrs_nested(&tuple, CTA_TUPLE_PROTO, &proto))
		return false;
	if (!netlink_attrs_address(&ip, CTA_IP_V4_SRC, &ret->src) &&
	    !netlink_attrs_address(&ip, CTA_IP_V6_SRC, &ret->src))
		return false;
	if (!netlink_attrs_address(&ip, CTA_IP_V4_DST, &ret->dst) &&
	    !netlink_attrs_address(&ip, CTA_IP_V6_DST, &ret->dst))
		return false;
	return netlink_attrs_u8(&proto, CTA_PROTO_NUM, &ret->proto) &&
	       netlink_attrs_port(&proto, CTA_PROTO_SRC_PORT, &ret->sport) &&
	       netlink_attrs_port(&proto, CTA_PROTO_DST_PORT, &ret->dport);
}

static int on_entry(void *ctx, const struct nlmsghdr *m)
{
	struct netlink_attrs entry;
	struct tuple orig, reply;
	uint32_t status = 0;

	if (!netlink_attrs_parse(m, sizeof(struct nfgenmsg), &entry) ||
	    !read_tuple(&entry, CTA_TUPLE_ORIG, &orig) ||
	    !read_tuple(&entry, CTA_TUPLE_REPLY, &reply))
		return 0;
	if (netlink_attrs_u32(&entry, CTA_STATUS, &status))
		status = ntohl(status);
	take(ctx, &(struct conntrack_line){.src = orig.src,
					   .dst = orig.dst,
					   .sport = orig.sport,
					   .dport = orig.dport,
					   .proto = orig.proto,
					   .reply_src = reply.src,
					   .reply_sport = reply.sport,
					   .is_answered = status & IPS_SEEN_REPLY,
					   .has_ended = has_ended(&entry, status)});
	return 0;
}

static int read_by_netlink(struct reading *r)
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
		r->n = 0;
		err = nlsock_ask(s, m, on_entry, r);
	}
	return err;
}

/* --- /proc ----------------------------------------------------------------------------------- */

static int read_by_proc(struct reading *r)
{
	FILE *file = fopen("/proc/net/nf_conntrack", "re");
	struct conntrack_line entry;
	char *line = NULL;
	size_t cap = 0;

	if (!file)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	r->n = 0;
	while (getline(&line, &cap, file) >= 0)
		if (conntrack_line_parse(line, &entry))
			take(r, &entry);
	free(line);
	(void)fclose(file); /* only read from */
	return 0;
}

/* --- both ------------------------------------------------------------------------------------ */

/* A kernel without nfnetlink refuses the socket, one without ctnetlink the request. */
static bool lacks_ctnetlink(int err)
{
	return err == -EPROTONOSUPPORT || err == -EINVAL || err == -EOPNOTSUPP;
}

int conntrack_flows(const struct plan_vip *vips, size_t n, struct arena *a,
		    struct conntrack_flow **ret, size_t *ret_n)
{
	struct ip_addr *addrs = arena_array_of(a, n, struct ip_addr);
	struct reading r = {.vips = addrs, .n_vips = n, .arena = a};
	int err;

	for (size_t i = 0; i < n; i++)
		addrs[i] = vips[i].addr;
	plan_sort(addrs, n, sizeof(*addrs), cmp_addr);
	err = n == 0 ? 0 : read_by_netlink(&r);
	if (lacks_ctnetlink(err))
		err = read_by_proc(&r);
	if (err < 0 && err != -EOPNOTSUPP)
		return err;
	*ret = r.items;
	*ret_n = err < 0 ? 0 : r.n;
	return err;
}

/* --- settings -------------------------------------------------------------------------------- */

static int read_setting(const char *path, uint64_t *ret)
{
	_cleanup_(freep) char *text = NULL;
	size_t len;
	int r = file_read(path, 64, &text, &len);

	if (r == 0)
		*ret = strtoull(text, NULL, 10);
	return r;
}

int conntrack_limits(struct conntrack_limits *ret)
{
	uint64_t loose = 0;
	int r = read_setting(SETTINGS "count", &ret->count);

	if (r == 0)
		r = read_setting(SETTINGS "max", &ret->max);
	if (r == 0)
		r = read_setting(SETTINGS "tcp_loose", &loose);
	if (r == 0 && ret->max == 0)
		r = -ENOENT;
	ret->is_strict = !loose;
	return r;
}
