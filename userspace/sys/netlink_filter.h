// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What of the kernel's notifications about routes reaches us at all. On a node that carries a
 * router's full table hundreds of thousands change at a time, and each would wake the agent. A
 * classic BPF program on the socket drops them where they are made: it lets through default and
 * host routes, those in our tables, and those that may cover one of the addresses that were asked
 * about. It may let through more; what matters is decided by who reads (netlink.c).
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * From now on, for these addresses, and without what was changed over those sockets; in place of
 * the filter before. More addresses than a program takes: `more` are left out, and if that does not
 * do all is let through. 0 or -errno, and then it is as before.
 */
struct netlink_filter_args {
	const struct ip_addr *asked;
	size_t n;
	const struct ip_addr *more;
	size_t n_more;
	const uint32_t *ignored; /* numbers of sockets */
	size_t n_ignored;        /* few */
};
int netlink_filter(int fd, const struct netlink_filter_args *args) must_check;

struct nlmsghdr;

/* Addresses to which ways lead; starts zeroed. */
struct netlink_ways {
	struct ip_addr *to; /* owned */
	size_t n;
};
/* In place of those before; n 0: none, and nothing is owned any more. False: they are the same. */
bool netlink_ways_set(struct netlink_ways *w, const struct ip_addr *to, size_t n);
/* That the message about a route is about one that may lead to one of them. */
bool netlink_ways_has(const struct netlink_ways *w, const struct nlmsghdr *m) must_check;

/*
 * Neighbours that matter, by device and address (sys/rtnl_hops.h); starts zeroed. Those of a node
 * come and go all the time, so it is asked of each whether it is one.
 */
struct hop_neighbour;
struct netlink_watched {
	struct hop_neighbour *items; /* sorted; owned */
	size_t n;
};
/* In place of those before; n 0: none, and nothing is owned any more. */
void netlink_watched_set(struct netlink_watched *w, const struct hop_neighbour *items, size_t n);
/* That the message about a neighbour is about one of them. */
bool netlink_watched_has(const struct netlink_watched *w, const struct nlmsghdr *m) must_check;
