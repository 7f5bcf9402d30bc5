// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The program, on one message (struct nlmsghdr, struct rtmsg, attributes): loads are of network
 * order, what netlink writes is in the host's, so numbers of the host are compared swapped, octet
 * by octet where they are ranges. Of IPv6 the first 32 bits are compared, which is coarse enough.
 * An attribute is found by the kernel's own extension; where there is none, the message passes.
 */
#include "sys/netlink_filter.h"

#include "plan/plan_kernel.h"
#include "sys/netlink_attrs.h"
#include "sys/netlink_read.h"
#include "sys/rtnl_hops.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define ASKED_MAX 256 /* five instructions each; a program has at most 4,096 */
#define PASS      UINT32_MAX

#define AT_TYPE    offsetof(struct nlmsghdr, nlmsg_type)
#define AT(field)  (NLMSG_HDRLEN + offsetof(struct rtmsg, field))
#define AT_ATTRS   (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct rtmsg)))
#define AT_CONTENT sizeof(struct nlattr)
#define PREFIX_MEM 0 /* of the scratch memory */

struct program {
	struct sock_filter code[80 + 5 * ASKED_MAX];
	unsigned short n;
};

static void add(struct program *p, unsigned code, uint32_t k)
{
	assert(p->n < ARRAY_SIZE(p->code));
	p->code[p->n++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

static void jump(struct program *p, unsigned test, uint32_t k, unsigned yes, unsigned no)
{
	add(p, BPF_JMP | test | BPF_K, k);
	p->code[p->n - 1].jt = (uint8_t)yes;
	p->code[p->n - 1].jf = (uint8_t)no;
}

static void load(struct program *p, unsigned size, uint32_t at)
{
	add(p, BPF_LD | size | BPF_ABS, at);
}

static void pass(struct program *p)
{
	add(p, BPF_RET | BPF_K, PASS);
}

/* It passes if what was loaded is the value; else on. */
static void pass_if(struct program *p, uint32_t value)
{
	jump(p, BPF_JEQ, value, 0, 1);
	pass(p);
}

/* A: where in the message the attribute is; it passes if there is none. X likewise. */
static void find(struct program *p, uint32_t type)
{
	add(p, BPF_LDX | BPF_IMM, type);
	add(p, BPF_LD | BPF_IMM, AT_ATTRS);
	load(p, BPF_B, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR));
	pass_if(p, 0);
	add(p, BPF_MISC | BPF_TAX, 0);
}

/* Ours, or so near to them that the upper octet of the number is the same. */
static void pass_our_tables(struct program *p)
{
	const bool is_big = htons(1) == 1;
	const uint32_t second = is_big ? 2 : 1; /* octet of a number of 32 bits, from the lowest */
	unsigned short skip;

	_Static_assert((KERNEL_TABLES + 128) >> 8 == (KERNEL_TABLES >> 8) + 1 &&
			       KERNEL_RECEIVED_TABLE >> 8 == (KERNEL_TABLES >> 8) + 1,
		       "two values");
	load(p, BPF_B, AT(rtm_table));
	skip = p->n;
	jump(p, BPF_JEQ, RT_TABLE_COMPAT, 0, 0);
	find(p, RTA_TABLE);
	add(p, BPF_LD | BPF_B | BPF_IND, (uint32_t)AT_CONTENT + second);
	pass_if(p, KERNEL_TABLES >> 8);
	pass_if(p, (KERNEL_TABLES >> 8) + 1);
	/* Of a VRF, or as high as theirs. */
	add(p, BPF_LD | BPF_B | BPF_IND, (uint32_t)AT_CONTENT + (is_big ? 0 : 3));
	jump(p, BPF_JGE, KERNEL_VRF_TABLES >> 24, 0, 1);
	pass(p);
	p->code[skip].jf = (uint8_t)(p->n - skip - 1);
}

/* Of one family. */
static void pass_covering(struct program *p, bool is_v4, const struct netlink_filter_args *args)
{
	load(p, BPF_B, AT(rtm_dst_len));
	pass_if(p, is_v4 ? 32 : 128);
	find(p, RTA_DST);
	add(p, BPF_LD | BPF_W | BPF_IND, (uint32_t)AT_CONTENT);
	add(p, BPF_ST, PREFIX_MEM);
	load(p, BPF_B, AT(rtm_dst_len)); /* how many of 32 bits are not the prefix's */
	jump(p, BPF_JGE, 32, 0, 1);
	add(p, BPF_LD | BPF_IMM, 32);
	add(p, BPF_MISC | BPF_TAX, 0);
	add(p, BPF_LD | BPF_IMM, 32);
	add(p, BPF_ALU | BPF_SUB | BPF_X, 0);
	add(p, BPF_MISC | BPF_TAX, 0);
	for (size_t i = 0; i < args->n + args->n_more; i++) {
		const struct ip_addr *a = i < args->n ? &args->asked[i] : &args->more[i - args->n];
		uint32_t first;

		if (ip_addr_is_v4(a) != is_v4)
			continue;
		memcpy(&first, a->b + (is_v4 ? 12 : 0), sizeof(first));
		add(p, BPF_LD | BPF_MEM, PREFIX_MEM);
		add(p, BPF_ALU | BPF_XOR | BPF_K, ntohl(first));
		add(p, BPF_ALU | BPF_RSH | BPF_X, 0);
		pass_if(p, 0);
	}
	add(p, BPF_RET | BPF_K, 0);
}

/* Of the two families IPv4 comes first; a jump reaches 255 instructions, so it goes by a BPF_JA. */
static void make(struct program *p, const struct netlink_filter_args *args)
{
	unsigned short skip;

	load(p, BPF_H, AT_TYPE);
	jump(p, BPF_JEQ, htons(RTM_NEWROUTE), 2, 0);
	jump(p, BPF_JEQ, htons(RTM_DELROUTE), 1, 0);
	pass(p);
	pass_our_tables(p);
	load(p, BPF_B, AT(rtm_dst_len));
	pass_if(p, 0);
	load(p, BPF_B, AT(rtm_family));
	jump(p, BPF_JEQ, AF_INET, 1, 0);
	skip = p->n;
	add(p, BPF_JMP | BPF_JA, 0);
	pass_covering(p, true, args);
	p->code[skip].k = (uint32_t)(p->n - skip - 1);
	jump(p, BPF_JEQ, AF_INET6, 1, 0); /* A is the family still */
	pass(p);
	pass_covering(p, false, args);
}

/* What somebody changed over one of these sockets. */
static void drop_ignored(struct program *p, const struct netlink_filter_args *args)
{
	load(p, BPF_W, offsetof(struct nlmsghdr, nlmsg_pid));
	for (size_t i = 0; i < args->n_ignored; i++) {
		jump(p, BPF_JEQ, htonl(args->ignored[i]), 0, 1);
		add(p, BPF_RET | BPF_K, 0);
	}
}

int netlink_filter(int fd, const struct netlink_filter_args *args)
{
	struct netlink_filter_args fit = *args;
	struct program p = {.n = 0};
	struct sock_fprog prog = {.filter = p.code};

	drop_ignored(&p, args);
	if (args->n + args->n_more > ASKED_MAX)
		fit.n_more = 0;
	if (fit.n > ASKED_MAX)
		pass(&p);
	else
		make(&p, &fit);
	prog.len = p.n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0 ? 0 : -errno;
}

/* --- ways ------------------------------------------------------------------------------------- */

bool netlink_ways_set(struct netlink_ways *w, const struct ip_addr *to, size_t n)
{
	if (n == w->n && (n == 0 || memcmp(to, w->to, n * sizeof(*to)) == 0))
		return false;
	free(w->to);
	*w = (struct netlink_ways){.n = n};
	if (n == 0)
		return true;
	w->to = xcalloc(n, sizeof(*to));
	memcpy(w->to, to, n * sizeof(*to));
	return true;
}

bool netlink_ways_has(const struct netlink_ways *w, const struct nlmsghdr *m)
{
	struct ip_prefix prefix;

	if (w->n == 0 || !netlink_route_prefix(m, &prefix))
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (ip_prefix_has(&prefix, &w->to[i]))
			return true;
	return false;
}

/* --- neighbours ------------------------------------------------------------------------------- */

void netlink_watched_set(struct netlink_watched *w, const struct hop_neighbour *items, size_t n)
{
	free(w->items);
	*w = (struct netlink_watched){.n = n};
	if (n == 0)
		return;
	w->items = xcalloc(n, sizeof(*items));
	memcpy(w->items, items, n * sizeof(*items));
}

bool netlink_watched_has(const struct netlink_watched *w, const struct nlmsghdr *m)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(m);
	struct hop_neighbour key = {.ifindex = 0};
	struct netlink_attrs attrs;

	if (w->n == 0 || !netlink_attrs_parse(m, sizeof(*header), &attrs) ||
	    !netlink_attrs_address(&attrs, NDA_DST, &key.addr))
		return false;
	key.ifindex = header->ndm_ifindex;
	return bsearch(&key, w->items, w->n, sizeof(key), hop_neighbour_cmp) != NULL;
}
