// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One socket for all links: each message says on which it came, and is sent on the one that it is
 * for. What we send is not given back to us, and what is not one of the two types is not even
 * copied from the kernel.
 */
#include "sys/icmp6.h"

#include "sys/files.h"
#include "sys/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define HOP_LIMIT 255 /* RFC 4861 4.1, 4.2 */

static int set_option(int fd, int name, int value)
{
	return setsockopt(fd, IPPROTO_IPV6, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int set_filter(int fd)
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) == 0 ? 0
											  : -errno;
}

int icmp6_open(void)
{
	_cleanup_(fd_closep) int fd =
		socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	int err;

	if (fd < 0)
		return -errno;
	err = set_filter(fd);
	if (err == 0)
		err = set_option(fd, IPV6_MULTICAST_HOPS, HOP_LIMIT);
	if (err == 0)
		err = set_option(fd, IPV6_MULTICAST_LOOP, 0);
	if (err == 0)
		err = set_option(fd, IPV6_RECVHOPLIMIT, 1);
	if (err == 0)
		err = set_option(fd, IPV6_RECVPKTINFO, 1);
	return err < 0 ? err : TAKE_FD(fd);
}

void icmp6_join(int fd, int ifindex)
{
	struct ipv6_mreq group = {.ipv6mr_interface = (unsigned)ifindex};

	group.ipv6mr_multiaddr =
		(struct in6_addr){{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}};
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group));
}

struct group_job {
	struct worker_job base; /* first */
	int fd;                 /* owned */
	int ifindex;            /* of the link to join at; 0: it is only closed */
};

static void join_and_close(struct worker_job *base)
{
	const struct group_job *job = (struct group_job *)base;

	if (job->ifindex)
		icmp6_join(job->fd, job->ifindex);
	(void)close(job->fd);
}

static void end_job(struct worker_job *base)
{
	free(base);
}

static void give(struct worker *worker, int fd, int ifindex)
{
	struct group_job *job = xcalloc(1, sizeof(*job));

	*job = (struct group_job){
		.base = {.run = join_and_close, .done = end_job}, .fd = fd, .ifindex = ifindex};
	worker_add(worker, &job->base);
}

void icmp6_join_by(struct worker *worker, int fd, int ifindex)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >=
	    0) /* else what comes for all routers is not heard: routers speak to all nodes */
		give(worker, copy, ifindex);
}

void icmp6_close_by(struct worker *worker, int fd)
{
	give(worker, fd, 0);
}

/* The one control message of either direction, with room and alignment for it. */
union packet_info {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

int icmp6_send(int fd, int ifindex, const struct ip_addr *source, enum icmp6_group to,
	       const void *data, size_t len)
{
	struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)ifindex};
	struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)ifindex};
	struct iovec iov = {(void *)(uintptr_t)data, len}; /* read only */
	union packet_info control = {.room = {0}};
	struct msghdr m = {.msg_name = &all,
			   .msg_namelen = sizeof(all),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = CMSG_SPACE(sizeof(info))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t put;

	all.sin6_addr.s6_addr[0] = 0xff;
	all.sin6_addr.s6_addr[1] = 2;
	all.sin6_addr.s6_addr[15] = to == ICMP6_ALL_NODES ? 1 : 2;
	memcpy(&info.ipi6_addr, source->b, sizeof(source->b));
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	do
		put = sendmsg(fd, &m, MSG_DONTWAIT);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : 0;
}

static void read_control(struct msghdr *m, struct icmp6_from *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in6_pktinfo info;

		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_HOPLIMIT && c->cmsg_len >= CMSG_LEN(sizeof(int)))
			memcpy(&ret->hop_limit, CMSG_DATA(c), sizeof(int));
		if (c->cmsg_type != IPV6_PKTINFO || c->cmsg_len < CMSG_LEN(sizeof(info)))
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		ret->ifindex = (int)info.ipi6_ifindex;
	}
}

ssize_t icmp6_receive(int fd, void *buf, size_t cap, struct icmp6_from *ret)
{
	struct sockaddr_in6 from = {0};
	struct iovec iov = {buf, cap};
	union packet_info control;
	struct msghdr m = {.msg_name = &from,
			   .msg_namelen = sizeof(from),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	ssize_t got;

	do
		got = recvmsg(fd, &m, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	*ret = (struct icmp6_from){.hop_limit = -1};
	memcpy(ret->addr.b, &from.sin6_addr, sizeof(ret->addr.b));
	read_control(&m, ret);
	return got;
}
