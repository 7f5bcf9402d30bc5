// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A kernel that fails at times: in the place of libc's, what sends a message over a netlink socket
 * and what reads one. The n-th of either, from 1 on, is not sent, or what it would have brought is
 * not heard, as far as it goes. To be included by one file of a program.
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum netlink_call { NETLINK_SEND, NETLINK_RECEIVE };

static struct {
	enum netlink_call call;
	unsigned left; /* until it fails; 0: none does */
} netlink_faults;

static inline void netlink_fail(enum netlink_call call, unsigned at)
{
	netlink_faults.call = call;
	netlink_faults.left = at;
}

/* No more of them; whether there was one. */
static inline bool netlink_failed(void)
{
	const bool ret = netlink_faults.left == 0;

	netlink_faults.left = 0;
	return ret;
}

static bool netlink_fails(enum netlink_call call)
{
	return netlink_faults.left > 0 && netlink_faults.call == call && --netlink_faults.left == 0;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	static ssize_t (*libc)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	if (!libc)
		*(void **)&libc = dlsym(RTLD_NEXT, "sendto");
	if (to && to->sa_family == AF_NETLINK && netlink_fails(NETLINK_SEND)) {
		errno = ENOBUFS;
		return -1;
	}
	return libc(fd, data, len, flags, to, to_len);
}

/* What is lost is lost: it is read, and thrown away. */
ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	static ssize_t (*libc)(int, struct msghdr *, int);
	const struct sockaddr *from = m->msg_name;
	ssize_t ret;

	if (!libc)
		*(void **)&libc = dlsym(RTLD_NEXT, "recvmsg");
	ret = libc(fd, m, flags);
	if (ret < 0 || !from || from->sa_family != AF_NETLINK || !netlink_fails(NETLINK_RECEIVE))
		return ret;
	errno = ENOBUFS;
	return -1;
}
