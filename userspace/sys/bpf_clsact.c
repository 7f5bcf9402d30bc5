// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Filters by libbpf's calls, their order by a dump: the kernel lists them as it runs them, by
 * priority and within one the newest first. Ours are known by handle and name together; a foreign
 * filter under one of our handles is left alone. That there are two of ours is the state of a
 * moment, or of an agent that died in it; a packet that meets both is changed by the first only.
 */
#include "sys/bpf_clsact.h"

#include "sys/netlink_attrs.h"
#include "sys/nlsock.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#define PRIORITY  1
#define HANDLE    0x6c64u /* "ld", and the one behind it */
#define N_HANDLES 2u

#define OTHER_TEXT 64

/* The program that is ours there. */
static const char *name_at(enum bpf_tc_attach_point at)
{
	return at == BPF_TC_INGRESS ? "tc_nat" : "tc_reply";
}

struct seen {
	const char *name; /* of ours */
	bool any;
	bool ours[N_HANDLES];
	int first;              /* which of ours is the first of all; -1: none */
	char other[OTHER_TEXT]; /* the first that is not ours; "": there is none */
};

/* Which of our handles the filter is under, or -1: it is not ours. */
static int ours_at(const struct tcmsg *tc, const struct netlink_attrs *filter, const char *ours)
{
	struct netlink_attrs options;
	uint32_t at = tc->tcm_handle - HANDLE;
	const char *name;

	if (at >= N_HANDLES || TC_H_MAJ(tc->tcm_info) >> 16 != PRIORITY)
		return -1;
	if (!netlink_attrs_nested(filter, TCA_OPTIONS, &options))
		return -1;
	name = netlink_attrs_text(&options, TCA_BPF_NAME);
	return name && strncmp(name, ours, strlen(ours)) == 0 ? (int)at : -1;
}

/* libbpf writes "NAME:[ID]", and tc "FILE:[SECTION]". */
static void note_name(const struct netlink_attrs *filter, char ret[OTHER_TEXT])
{
	const char *name = NULL, *kind = netlink_attrs_text(filter, TCA_KIND);
	struct netlink_attrs options;

	if (kind && strcmp(kind, "bpf") == 0 && netlink_attrs_nested(filter, TCA_OPTIONS, &options))
		name = netlink_attrs_text(&options, TCA_BPF_NAME);
	if (!name)
		name = kind ? kind : "?";
	(void)snprintf(ret, OTHER_TEXT, "%.*s", (int)strcspn(name, ":"), name);
}

/* The kernel lists a filter's priority once more with handle 0; that runs nothing. */
static int see(void *ctx, const struct nlmsghdr *answer)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(answer);
	struct netlink_attrs filter;
	struct seen *seen = ctx;
	int at;

	if (answer->nlmsg_type != RTM_NEWTFILTER ||
	    !netlink_attrs_parse(answer, sizeof(*tc), &filter) || tc->tcm_handle == 0)
		return 0;
	at = ours_at(tc, &filter, seen->name);
	if (at >= 0)
		seen->ours[at] = true;
	else if (!seen->other[0])
		note_name(&filter, seen->other);
	if (!seen->any)
		seen->first = at;
	seen->any = true;
	return 0;
}

static int look(int ifindex, enum bpf_tc_attach_point at, struct seen *ret)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	char buf[NLSOCK_REQUEST_BYTES];
	struct nlmsghdr *request;
	struct tcmsg *tc;
	int error = nlsock_open(NETLINK_ROUTE, &s);

	*ret = (struct seen){.name = name_at(at), .first = -1};
	if (error != 0)
		return error;
	request = nlsock_request(buf, RTM_GETTFILTER, NLM_F_DUMP, sizeof(*tc), (void **)&tc);
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent =
		TC_H_MAKE(TC_H_CLSACT, at == BPF_TC_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
	error = nlsock_ask(s, request, see, ret);
	return error == -EINVAL || error == -ENOENT ? 0 : error; /* no such qdisc: no filter */
}

static int detach_one(int ifindex, enum bpf_tc_attach_point at, uint32_t which)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = at);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE + which, .priority = PRIORITY);
	int error = bpf_tc_detach(&hook, &opts);

	return error == -ENOENT ? 0 : error;
}

/* Takes away ours but one; -1: all. */
static int detach_all_but(int ifindex, enum bpf_tc_attach_point at, const struct seen *seen,
			  int keep)
{
	int error = 0;

	for (uint32_t i = 0; i < N_HANDLES; i++) {
		int one = seen->ours[i] && (int)i != keep ? detach_one(ifindex, at, i) : 0;

		error = error ? error : one;
	}
	return error;
}

int bpf_clsact_detach(int ifindex, enum bpf_tc_attach_point at)
{
	struct seen seen;
	int error = look(ifindex, at, &seen);

	return error ? error : detach_all_but(ifindex, at, &seen, -1);
}

int bpf_clsact_attach(int ifindex, enum bpf_tc_attach_point at, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = at);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = PRIORITY, .prog_fd = prog_fd);
	struct seen seen;
	int error = bpf_tc_hook_create(&hook), which;

	if (error != 0 && error != -EEXIST)
		return error;
	error = look(ifindex, at, &seen);
	if (error != 0)
		return error;
	/* The first stays where it is; else a handle of ours that is free becomes the newest. */
	which = seen.first >= 0 ? seen.first : seen.ours[0];
	if (seen.first < 0 && seen.ours[which]) {
		error = detach_one(ifindex, at, (uint32_t)which);
		if (error != 0)
			return error;
	}
	opts.handle = HANDLE + (uint32_t)which;
	opts.flags = seen.first >= 0 ? BPF_TC_F_REPLACE : 0;
	error = bpf_tc_attach(&hook, &opts);
	return error ? error : detach_all_but(ifindex, at, &seen, which);
}

int bpf_clsact_is_there(int ifindex, enum bpf_tc_attach_point at)
{
	struct seen seen;
	int error = look(ifindex, at, &seen);

	return error ? error : seen.ours[0] || seen.ours[1];
}

int bpf_clsact_is_first(int ifindex, enum bpf_tc_attach_point at)
{
	struct seen seen;
	int error = look(ifindex, at, &seen);

	return error ? error : seen.first >= 0;
}

int bpf_clsact_other(int ifindex, enum bpf_tc_attach_point at, char *name, size_t size)
{
	struct seen seen;
	const int error = look(ifindex, at, &seen);

	(void)snprintf(name, size, "%s", error ? "" : seen.other);
	return error;
}
