// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Filters by libbpf's calls, their order by a dump: the kernel lists them as it runs them, by
 * priority and within one the newest first. Ours is known by its handle and name together; a
 * foreign filter under our handle is left alone.
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

#define PRIORITY 1
#define HANDLE   0x6c64u /* "ld" */
#define NAME     "tc_reply"

struct seen {
	bool any, ours_first, ours;
};

static bool is_ours(const struct tcmsg *tc, const struct netlink_attrs *filter)
{
	struct netlink_attrs options;
	const char *name;

	if (tc->tcm_handle != HANDLE || TC_H_MAJ(tc->tcm_info) >> 16 != PRIORITY)
		return false;
	if (!netlink_attrs_nested(filter, TCA_OPTIONS, &options))
		return false;
	name = netlink_attrs_text(&options, TCA_BPF_NAME);
	return name && strncmp(name, NAME, strlen(NAME)) == 0;
}

/* The kernel lists a filter's priority once more with handle 0; that runs nothing. */
static int see(void *ctx, const struct nlmsghdr *answer)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(answer);
	struct netlink_attrs filter;
	struct seen *seen = ctx;

	if (answer->nlmsg_type != RTM_NEWTFILTER ||
	    !netlink_attrs_parse(answer, sizeof(*tc), &filter) || tc->tcm_handle == 0)
		return 0;
	if (is_ours(tc, &filter)) {
		seen->ours = true;
		seen->ours_first = !seen->any;
	}
	seen->any = true;
	return 0;
}

static int look(int ifindex, struct seen *ret)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	char buf[NLSOCK_REQUEST_BYTES];
	struct nlmsghdr *request;
	struct tcmsg *tc;
	int error = nlsock_open(NETLINK_ROUTE, &s);

	*ret = (struct seen){.any = false};
	if (error != 0)
		return error;
	request = nlsock_request(buf, RTM_GETTFILTER, NLM_F_DUMP, sizeof(*tc), (void **)&tc);
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
	error = nlsock_ask(s, request, see, ret);
	return error == -EINVAL || error == -ENOENT ? 0 : error; /* no such qdisc: no filter */
}

int bpf_clsact_detach(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);
	struct seen seen;
	int error = look(ifindex, &seen);

	if (error != 0 || !seen.ours)
		return error;
	error = bpf_tc_detach(&hook, &opts);
	return error == -ENOENT ? 0 : error;
}

int bpf_clsact_attach(int ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY, .prog_fd = prog_fd);
	struct seen seen;
	int error = bpf_tc_hook_create(&hook);

	if (error != 0 && error != -EEXIST)
		return error;
	error = look(ifindex, &seen);
	if (error != 0)
		return error;
	if (seen.ours && !seen.ours_first) {
		error = bpf_clsact_detach(ifindex);
		if (error != 0)
			return error;
	}
	if (seen.ours_first)
		opts.flags = BPF_TC_F_REPLACE;
	return bpf_tc_attach(&hook, &opts);
}

int bpf_clsact_is_first(int ifindex)
{
	struct seen seen;
	int error = look(ifindex, &seen);

	return error ? error : seen.ours_first;
}
