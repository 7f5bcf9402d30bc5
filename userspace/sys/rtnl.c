// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel filters a dump by table where it is asked strictly (Linux 4.20), and then goes through
 * that table alone; one that does not exist is ENOENT. There are 160 of ours at most outside VRFs,
 * which takes as long as a few routes. Tables of VRFs are looked into where they are in use; all of
 * them, by protocol and type, only where it is not known which those are.
 *
 * Changes go in batches. Each is acknowledged, and an acknowledgement takes room in the socket's
 * buffer until it is read: so many at once that all of them fit.
 */
#include "sys/rtnl.h"

#include "sys/nlsock.h"
#include "sys/rtnl_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define BATCH 100
#define DUMPS 4 /* while others change what is read */

/* --- looking --------------------------------------------------------------------------------- */

struct reading {
	struct arena *arena;
	struct kernel_picture *ret;
	size_t cap_routes, cap_rules;
	uint32_t table; /* 0: whichever of ours */
};

static int on_route(void *ctx, const struct nlmsghdr *m)
{
	struct reading *r = ctx;
	struct kernel_route route;

	if (m->nlmsg_type == RTM_NEWROUTE && rtnl_message_route(m, &route) &&
	    (r->table ? route.table == r->table : kernel_route_group(&route) != 0))
		*(struct kernel_route *)arena_push(r->arena, &r->ret->routes, &r->ret->n_routes,
						   &r->cap_routes, sizeof(route)) = route;
	return 0;
}

static int on_rule(void *ctx, const struct nlmsghdr *m)
{
	struct reading *r = ctx;
	struct kernel_rule rule;

	if (m->nlmsg_type == RTM_NEWRULE && rtnl_message_rule(m, r->arena, &rule) &&
	    kernel_is_our_priority(rule.priority))
		*(struct kernel_rule *)arena_push(r->arena, &r->ret->rules, &r->ret->n_rules,
						  &r->cap_rules, sizeof(rule)) = rule;
	return 0;
}

static int dump_rules(struct nlsock *s, uint8_t family, struct reading *reading)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr), &header);
	struct fib_rule_hdr *rule = header;

	rule->family = family;
	return nlsock_ask(s, m, on_rule, reading);
}

static int dump_table(struct nlsock *s, uint8_t family, uint32_t table, struct reading *reading)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;
	int err;

	route->rtm_family = family;
	mnl_attr_put_u32(m, RTA_TABLE, table);
	reading->table = table;
	err = nlsock_ask(s, m, on_route, reading);
	return err == -ENOENT ? 0 : err;
}

/* Blackholes of our protocol in tables of ours, whichever those are. */
static int dump_everything(struct nlsock *s, uint8_t family, struct reading *reading)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;

	route->rtm_family = family;
	route->rtm_protocol = KERNEL_PROTOCOL;
	route->rtm_type = RTN_BLACKHOLE;
	reading->table = 0;
	return nlsock_ask(s, m, on_route, reading);
}

static int read_family(struct nlsock *s, enum ip_family family, const struct kernel_scope *scope,
		       struct reading *reading)
{
	const uint8_t af = family == IP_V4 ? AF_INET : AF_INET6;
	int err = dump_rules(s, af, reading);

	for (unsigned len = 1; err == 0 && len <= ip_family_bits(family); len++)
		err = dump_table(s, af, KERNEL_TABLES + len, reading);
	for (size_t i = 0; err == 0 && i < scope->n; i++)
		err = dump_table(s, af, scope->tables[i], reading);
	if (err == 0 && scope->everything)
		err = dump_everything(s, af, reading);
	return err;
}

static int dump(void *ctx, const struct kernel_scope *scope, struct arena *arena,
		struct kernel_picture *ret)
{
	int err = -EINTR;

	for (int i = 0; i < DUMPS && err == -EINTR; i++) {
		struct reading reading = {.arena = arena, .ret = ret};

		*ret = (struct kernel_picture){0};
		err = read_family(ctx, IP_V4, scope, &reading);
		if (err == 0)
			err = read_family(ctx, IP_V6, scope, &reading);
	}
	return err;
}

/* --- changing -------------------------------------------------------------------------------- */

/* As many of them as a batch takes, each error set; returns how many. */
static size_t apply_some(struct nlsock *s, const struct kernel_op *ops, size_t n, int *errors)
{
	_Alignas(struct nlmsghdr) char messages[BATCH * RTNL_MESSAGE_BYTES];
	size_t used = 0, i;

	for (i = 0; i < n && i < BATCH; i++) {
		const int len = rtnl_message_build(&ops[i], messages + used);

		if (len < 0) { /* those before it are sent, and it is all there is to be said */
			nlsock_change(s, messages, used, errors);
			errors[i] = len;
			return i + 1;
		}
		used += NLMSG_ALIGN((size_t)len);
	}
	nlsock_change(s, messages, used, errors);
	return i;
}

static void apply(void *ctx, const struct kernel_op *ops, size_t n, int *errors)
{
	while (n > 0) {
		const size_t done = apply_some(ctx, ops, n, errors);

		ops += done;
		errors += done;
		n -= done;
	}
}

struct kernel_sink rtnl_sink(struct nlsock *s)
{
	static const struct kernel_ops ops = {.dump = dump, .apply = apply};

	return (struct kernel_sink){.ops = &ops, .ctx = s};
}
