// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * This node as the kernel sees it: links, addresses, the devices of the default routes, and by
 * which device and from which address given addresses are reached. Everything is dumped anew by
 * netlink_refresh; notifications only say *that* something changed, so a lost one (ENOBUFS) costs a
 * dump and nothing else. Two NETLINK_ROUTE sockets: notifications on one, which the loop watches;
 * requests on the other, so that no notification can hide among the answers to a dump. It never
 * changes anything. Requests wait for the kernel's answer, which is computed inside the syscall;
 * the dump of all routes, which may be a million, is a helper's if there is one, and so are those
 * of links and addresses, for which the kernel waits for the lock of its network configuration.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"
#include "base/nsec.h"

#include <stddef.h>

struct hop_neighbour;
struct netlink;
struct plan_node;
struct worker;

/* To where the way is asked. Zero it before filling. */
struct netlink_ask {
	struct ip_addr to;
	char vrf[16]; /* the VRF in which; "": in none */
};

/* What netlink_receive found, as bits. */
#define NETLINK_CHANGED_NODE       (1u << 0) /* links, addresses or routes */
#define NETLINK_CHANGED_HOOKS      (1u << 1) /* a qdisc, filter or XDP program may have gone */
#define NETLINK_LOST               (1u << 2) /* notifications were lost: assume everything changed */
#define NETLINK_CHANGED_NEIGHBOURS (1u << 3) /* netlink_pods.h may know more */
#define NETLINK_CHANGED_OURS       (1u << 4) /* rules, or routes in our tables (plan_kernel.h) */
#define NETLINK_CHANGED_HOPS       (1u << 5) /* what netlink_watch_*() named */

/*
 * Opens both sockets in the current network namespace. The caller owns *ret. Returns 0 or -errno.
 * The node is empty before the first netlink_refresh.
 */
int netlink_open(struct netlink **ret) must_check;
struct netlink *netlink_free(struct netlink *nl);
void netlink_freep(struct netlink **nl);

/* Who reads what the loop's thread is not to wait for; all outlive nl. */
struct netlink_helpers {
	struct worker *routes; /* takes as long as there are routes */
	struct worker *tables; /* waits for the lock */
	/* One of them is back: another refresh, at once, has what it brought. */
	void (*changed)(void *ctx);
	void *ctx;
};

/*
 * From now on the routes are dumped by a helper, beside each refresh; when that finds other default
 * routes, and when it is over for the first time, `changed` is called. Links and addresses are
 * dumped by one when they may have changed; until it is back a refresh has those of before.
 */
void netlink_use_helpers(struct netlink *nl, const struct netlink_helpers *helpers);

/* What the socket of that number changes is no news (nlmsg_pid of the notifications). */
void netlink_ignore(struct netlink *nl, uint32_t port);

/* From now on it is told when one of these (sorted) changes, and no other. */
void netlink_watch_neighbours(struct netlink *nl, const struct hop_neighbour *items, size_t n);

/* And when a route changes that may lead to one of these. */
void netlink_watch_ways(struct netlink *nl, const struct ip_addr *to, size_t n);

/* To be watched for reading. */
int netlink_fd(const struct netlink *nl);

/* Reads all notifications that are there; returns the bits of what changed, 0 for nothing. */
unsigned netlink_receive(struct netlink *nl);

/*
 * Dumps what may have changed and looks up the way to each address of `ask` (any order, doubles
 * allowed), in the table of its VRF; where there is no such VRF, there is no way either.
 * Returns 0, or -errno; the former node then stays as it was. -EINPROGRESS: a helper reads, and the
 * node stays as it was until it is back. netlink_generation tells whether the new node differs from
 * the former one.
 */
int netlink_refresh(struct netlink *nl, const struct netlink_ask *ask, size_t n) must_check;

/* So much of the processor the longer one of the last two dumps took. */
nsec_t netlink_took(const struct netlink *nl);

/*
 * The node as of the last refresh; owned by nl, valid until the next one. Arrays are sorted as
 * plan.h says. routes_to has one entry for each different address of `ask` and VRF that is there;
 * its ifindex is 0 where there is no route. `taken` is empty: it is not netlink's to fill
 * (sys/conntrack.h).
 */
const struct plan_node *netlink_node(const struct netlink *nl);

/* A number that changes exactly when the node's content does. */
unsigned netlink_generation(const struct netlink *nl);
