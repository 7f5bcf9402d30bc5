// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's messages about links, addresses, routes and settings, each into what is known of the
 * node. Pure; the questions to which they are the answers are netlink_dump.c's. Internal to the
 * netlink module.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct nlmsghdr;
struct plan_gateway;
struct plan_link;
struct plan_local_addr;

/* What was read so far; zeroed, but for the arena. */
struct netlink_read {
	struct arena *arena;
	struct plan_link *links;
	size_t n_links, cap_links;
	uint32_t rp_filter_all, *rp_filters; /* of all devices, and of each of the first: */
	size_t n_rp_filters;
	struct plan_local_addr *addrs;
	size_t n_addrs, cap_addrs;
	int *defaults;
	size_t n_defaults, cap_defaults;
	struct plan_gateway *hops;
	size_t n_hops, cap_hops;
};

/*
 * One message each, as nlsock_ask() hands it over; ctx is a struct netlink_read. They return 0: one
 * that says nothing usable adds nothing. Links come before the settings that belong to them.
 */
int netlink_read_link(void *ctx, const struct nlmsghdr *m);
int netlink_read_conf(void *ctx, const struct nlmsghdr *m);
/* All settings are read: of a device's own and that of all the higher one counts. */
void netlink_read_confs_end(struct netlink_read *r);
int netlink_read_address(void *ctx, const struct nlmsghdr *m);
/* The devices and next hops of a default route; other routes are passed over. */
int netlink_read_default(void *ctx, const struct nlmsghdr *m);
/* The answer to a look-up; ctx is its struct plan_route_to. */
int netlink_read_way(void *ctx, const struct nlmsghdr *m);
/* The route that it matched, and not what that comes to: whether it is a received one of ours. */
int netlink_read_route_of_way(void *ctx, const struct nlmsghdr *m);

/* The table of a route message; 0: malformed. */
uint32_t netlink_route_table(const struct nlmsghdr *m);
/* The destination of a route message. False: malformed. */
bool netlink_route_prefix(const struct nlmsghdr *m, struct ip_prefix *ret) must_check;
