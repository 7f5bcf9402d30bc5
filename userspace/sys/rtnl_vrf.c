// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whether a table is free is looked at before a VRF is made with it: the kernel would not mind, but
 * what somebody's rule leads there, or where his routes lead, would be another thing from then on.
 * Routes that lead nowhere are no sign of use: an operator's `unreachable default` stays when a VRF
 * goes.
 */
#include "sys/rtnl_vrf.h"

#include "sys/nlsock.h"
#include "sys/rtnl_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vrf.h>
#include <sys/socket.h>

/* --- messages -------------------------------------------------------------------------------- */

static void nlmsg_freep(struct nl_msg **m)
{
	nlmsg_free(*m);
}

static void link_putp(struct rtnl_link **l)
{
	rtnl_link_put(*l);
}

static int make_message(const struct plan_made_vrf *vrf, struct nl_msg **ret)
{
	_cleanup_(link_putp) struct rtnl_link *l = rtnl_link_vrf_alloc();
	int err;

	if (!l)
		return -NLE_NOMEM;
	rtnl_link_set_name(l, vrf->name);
	rtnl_link_set_group(l, PLAN_VRF_GROUP);
	rtnl_link_set_flags(l, IFF_UP);
	err = rtnl_link_vrf_set_tableid(l, vrf->table);
	return err < 0 ? err : rtnl_link_build_add_request(l, NLM_F_CREATE | NLM_F_EXCL, ret);
}

static int remove_message(int ifindex, struct nl_msg **ret)
{
	_cleanup_(link_putp) struct rtnl_link *l = rtnl_link_alloc();

	if (!l)
		return -NLE_NOMEM;
	rtnl_link_set_ifindex(l, ifindex);
	return rtnl_link_build_delete_request(l, ret);
}

int rtnl_vrf_message_build(const struct plan_vrf_op *op, void *buf)
{
	_cleanup_(nlmsg_freep) struct nl_msg *built = NULL;
	struct nlmsghdr *m;
	int err = op->made ? make_message(op->made, &built) : remove_message(op->ifindex, &built);

	if (err < 0)
		return err == -NLE_NOMEM ? -ENOMEM : -EINVAL;
	m = nlmsg_hdr(built);
	if (m->nlmsg_len > RTNL_VRF_MESSAGE_BYTES)
		return -EMSGSIZE;
	memcpy(buf, m, m->nlmsg_len);
	m = buf;
	m->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	m->nlmsg_seq = m->nlmsg_pid = 0;
	return (int)m->nlmsg_len;
}

/* --- whose a table is ------------------------------------------------------------------------ */

struct look {
	struct arena *arena;
	uint32_t table;
	struct kernel_clash *ret;
	bool is_taken;
};

static int on_route(void *ctx, const struct nlmsghdr *m)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct look *l = ctx;
	struct kernel_route route;

	if (l->is_taken || m->nlmsg_type != RTM_NEWROUTE || !rtnl_message_route(m, &route) ||
	    route.table != l->table || header->rtm_type != RTN_UNICAST ||
	    route.protocol == KERNEL_PROTOCOL)
		return 0;
	l->is_taken = true;
	*l->ret = (struct kernel_clash){.family = ip_family_of(&route.to.addr),
					.route = arena_memdup(l->arena, &route, sizeof(route))};
	return 0;
}

static int on_rule(void *ctx, const struct nlmsghdr *m)
{
	struct look *l = ctx;
	struct kernel_rule rule;

	if (l->is_taken || m->nlmsg_type != RTM_NEWRULE || !rtnl_message_rule(m, l->arena, &rule) ||
	    rule.table != l->table || rule.protocol == KERNEL_PROTOCOL)
		return 0;
	l->is_taken = true;
	*l->ret = (struct kernel_clash){.family = rule.family,
					.rule = arena_memdup(l->arena, &rule, sizeof(rule))};
	return 0;
}

static int look_at_rules(struct nlsock *s, uint8_t family, struct look *l)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr), &header);
	struct fib_rule_hdr *rule = header;

	rule->family = family;
	return nlsock_ask(s, m, on_rule, l);
}

static int look_at_routes(struct nlsock *s, uint8_t family, struct look *l)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;
	int err;

	route->rtm_family = family;
	mnl_attr_put_u32(m, RTA_TABLE, l->table);
	err = nlsock_ask(s, m, on_route, l);
	return err == -ENOENT ? 0 : err; /* there is no such table */
}

static int look_at_table(struct nlsock *s, struct look *l)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(families); i++)
		err = look_at_rules(s, families[i], l);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(families); i++)
		err = look_at_routes(s, families[i], l);
	return err == 0 && l->is_taken ? -EADDRINUSE : err;
}

/* --- doing ----------------------------------------------------------------------------------- */

int rtnl_vrf_apply(struct nlsock *s, const struct plan_vrf_op *op, struct arena *arena,
		   struct kernel_clash *ret_clash)
{
	_Alignas(struct nlmsghdr) char message[RTNL_VRF_MESSAGE_BYTES];
	struct look look = {.arena = arena, .ret = ret_clash};
	int err = rtnl_vrf_message_build(op, message), outcome;

	if (err < 0)
		return err;
	if (op->made) {
		look.table = op->made->table;
		outcome = look_at_table(s, &look);
		if (outcome < 0)
			return outcome;
	}
	nlsock_change(s, message, (size_t)err, &outcome);
	return outcome;
}

/* --- whether there are any ------------------------------------------------------------------- */

int rtnl_vrf_ask(struct nlsock *s)
{
	_cleanup_(link_putp) struct rtnl_link *l = rtnl_link_vrf_alloc();
	_cleanup_(nlmsg_freep) struct nl_msg *built = NULL;
	struct nlmsghdr *m;
	int err;

	if (!l)
		return -ENOMEM;
	rtnl_link_set_name(l, "lodestone-vrf");
	if (rtnl_link_build_add_request(l, NLM_F_CREATE | NLM_F_EXCL, &built) < 0)
		return -ENOMEM;
	m = nlmsg_hdr(built);
	m->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	m->nlmsg_seq = m->nlmsg_pid = 0;
	nlsock_change(s, m, m->nlmsg_len, &err);
	return err == -EINVAL ? 0 : err == 0 ? -EPROTO : err;
}
