// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * libnl-route 3.7 does not know of suppress_prefixlength, so that attribute is put behind what it
 * has built; nor does it pass on flags for rules, so all are set here. Its objects are made and
 * freed for each message: it is built once for each change, not for each packet.
 */
#include "sys/rtnl_message.h"

#include "sys/netlink_attrs.h"
#include "sys/rtnl_prefix.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
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

static void rule_putp(struct rtnl_rule **r)
{
	rtnl_rule_put(*r);
}

static void addr_putp(struct nl_addr **a)
{
	nl_addr_put(*a);
}

static int family_of(enum ip_family family)
{
	return family == IP_V4 ? AF_INET : AF_INET6;
}

static int route_message(const struct kernel_op *op, struct nl_msg **ret)
{
	_cleanup_(route_putp) struct rtnl_route *r = rtnl_route_alloc();
	_cleanup_(addr_putp) struct nl_addr *to = rtnl_prefix_new(&op->route.to);

	if (!r || !to)
		return -NLE_NOMEM;
	(void)rtnl_route_set_family(r, (uint8_t)nl_addr_get_family(to));
	(void)rtnl_route_set_type(r, RTN_BLACKHOLE);
	rtnl_route_set_table(r, op->route.table);
	rtnl_route_set_scope(r, RT_SCOPE_UNIVERSE);
	rtnl_route_set_protocol(r, op->route.protocol);
	rtnl_route_set_priority(r, op->route.metric);
	(void)rtnl_route_set_dst(r, to);
	return op->verb == KERNEL_PUT_ROUTE ? rtnl_route_build_add_request(r, 0, ret)
					    : rtnl_route_build_del_request(r, 0, ret);
}

/* A condition of one end; of length 0 there is none. */
static int set_end(struct rtnl_rule *r, const struct ip_prefix *p,
		   int (*set)(struct rtnl_rule *r, struct nl_addr *a))
{
	_cleanup_(addr_putp) struct nl_addr *a = p->len ? rtnl_prefix_new(p) : NULL;

	if (p->len == 0)
		return 0;
	return a ? set(r, a) : -NLE_NOMEM;
}

static int set_conditions(struct rtnl_rule *r, const struct kernel_rule *rule)
{
	/* An empty name is that of a device that never is. */
	int err = rule->iif[0] ? rtnl_rule_set_iif(r, rule->iif) : 0;

	if (err == 0)
		err = set_end(r, &rule->from, rtnl_rule_set_src);
	if (err == 0)
		err = set_end(r, &rule->to, rtnl_rule_set_dst);
	if (err == 0 && rule->ipproto)
		err = rtnl_rule_set_ipproto(r, rule->ipproto);
	if (err == 0 && rule->sport)
		err = rtnl_rule_set_sport(r, rule->sport);
	return err;
}

static int rule_message(const struct kernel_op *op, struct nl_msg **ret)
{
	_cleanup_(rule_putp) struct rtnl_rule *r = rtnl_rule_alloc();
	int err;

	if (!r)
		return -NLE_NOMEM;
	rtnl_rule_set_family(r, family_of(op->rule.family));
	rtnl_rule_set_prio(r, op->rule.priority);
	rtnl_rule_set_table(r, op->rule.table);
	rtnl_rule_set_action(r, FR_ACT_TO_TBL);
	(void)rtnl_rule_set_protocol(r, op->rule.protocol);
	err = set_conditions(r, &op->rule);
	if (err < 0)
		return err;
	err = op->verb == KERNEL_PUT_RULE ? rtnl_rule_build_add_request(r, 0, ret)
					  : rtnl_rule_build_delete_request(r, 0, ret);
	if (err == 0 && op->rule.suppress >= 0)
		err = nla_put_u32(*ret, FRA_SUPPRESS_PREFIXLEN, (uint32_t)op->rule.suppress);
	return err;
}

int rtnl_message_build(const struct kernel_op *op, void *buf)
{
	_cleanup_(nlmsg_freep) struct nl_msg *msg = NULL;
	const bool is_rule = op->verb == KERNEL_PUT_RULE || op->verb == KERNEL_DEL_RULE;
	const int err = is_rule ? rule_message(op, &msg) : route_message(op, &msg);
	struct nlmsghdr *m;

	if (err < 0)
		return err == -NLE_NOMEM ? -ENOMEM : -EINVAL;
	m = nlmsg_hdr(msg);
	if (m->nlmsg_len > RTNL_MESSAGE_BYTES)
		return -EMSGSIZE;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (op->verb == KERNEL_PUT_ROUTE || op->verb == KERNEL_PUT_RULE)
		m->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	memcpy(buf, m, m->nlmsg_len);
	return (int)m->nlmsg_len;
}

/* --- from the kernel ------------------------------------------------------------------------- */

bool rtnl_message_route(const struct nlmsghdr *m, struct kernel_route *ret)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct netlink_attrs attrs;

	*ret = (struct kernel_route){0};
	if (!netlink_attrs_parse(m, sizeof(*header), &attrs) ||
	    (header->rtm_flags & RTM_F_CLONED) ||
	    !rtnl_prefix_read(&attrs, header->rtm_family, header->rtm_dst_len, &ret->to))
		return false;
	ret->table = header->rtm_table;
	(void)netlink_attrs_u32(&attrs, RTA_TABLE, &ret->table);
	(void)netlink_attrs_u32(&attrs, RTA_PRIORITY, &ret->metric);
	ret->protocol = header->rtm_protocol;
	ret->blackhole = header->rtm_type == RTN_BLACKHOLE && header->rtm_src_len == 0 &&
			 header->rtm_tos == 0;
	return true;
}

/* It has a condition that ours have not. What a newer kernel may say beside that is not looked at.
 */
static bool is_odd(const struct fib_rule_hdr *header, const struct netlink_attrs *attrs)
{
	static const uint32_t usual = 1u << FRA_IIFNAME | 1u << FRA_PRIORITY | 1u << FRA_TABLE |
				      1u << FRA_SUPPRESS_PREFIXLEN | 1u << FRA_PROTOCOL |
				      1u << FRA_PAD | 1u << FRA_SRC | 1u << FRA_DST |
				      1u << FRA_IP_PROTO | 1u << FRA_SPORT_RANGE;

	_Static_assert(FRA_DPORT_RANGE < 32, "a bit for each");
	if (header->action != FR_ACT_TO_TBL || header->flags & FIB_RULE_INVERT || header->tos)
		return true;
	for (unsigned i = 0; i <= FRA_DPORT_RANGE; i++)
		if (attrs->at[i] && !(usual >> i & 1))
			return true;
	return false;
}

/* An end that is not there is any. False: malformed. */
static bool read_end(const struct netlink_attrs *attrs, int type, enum ip_family family,
		     uint8_t len, struct ip_prefix *ret)
{
	struct ip_addr addr;

	if (!attrs->at[type] || len == 0)
		return len == 0;
	if (!netlink_attrs_address(attrs, type, &addr) || ip_family_of(&addr) != family ||
	    len > ip_addr_bits(&addr))
		return false;
	*ret = ip_prefix_of(&addr, len);
	return true;
}

/* False: of more ports than one, or of no kind that is known here. */
static bool read_sport(const struct netlink_attrs *attrs, uint16_t *ret)
{
	struct fib_rule_port_range range;
	const struct nlattr *a = attrs->at[FRA_SPORT_RANGE];

	if (!a)
		return true;
	if (mnl_attr_get_payload_len(a) != sizeof(range))
		return false;
	memcpy(&range, mnl_attr_get_payload(a), sizeof(range));
	*ret = range.start;
	return range.start == range.end;
}

bool rtnl_message_rule(const struct nlmsghdr *m, struct arena *arena, struct kernel_rule *ret)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(m);
	struct netlink_attrs attrs;
	uint32_t suppress = UINT32_MAX;
	const char *iif;

	*ret = (struct kernel_rule){.iif = ""};
	if (!netlink_attrs_parse(m, sizeof(*header), &attrs) ||
	    (header->family != AF_INET && header->family != AF_INET6))
		return false;
	ret->family = header->family == AF_INET ? IP_V4 : IP_V6;
	ret->table = header->table;
	(void)netlink_attrs_u32(&attrs, FRA_TABLE, &ret->table);
	(void)netlink_attrs_u32(&attrs, FRA_PRIORITY, &ret->priority);
	(void)netlink_attrs_u32(&attrs, FRA_SUPPRESS_PREFIXLEN, &suppress);
	(void)netlink_attrs_u8(&attrs, FRA_PROTOCOL, &ret->protocol);
	ret->suppress = suppress <= 128 ? (int)suppress : -1;
	iif = netlink_attrs_text(&attrs, FRA_IIFNAME);
	if (iif)
		ret->iif = arena_strdup(arena, iif);
	(void)netlink_attrs_u8(&attrs, FRA_IP_PROTO, &ret->ipproto);
	ret->odd = is_odd(header, &attrs) || !read_sport(&attrs, &ret->sport) ||
		   !read_end(&attrs, FRA_SRC, ret->family, header->src_len, &ret->from) ||
		   !read_end(&attrs, FRA_DST, ret->family, header->dst_len, &ret->to);
	return true;
}
