// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The questions that sys/netlink.c asks the kernel, and how the answers are read. Internal to the
 * netlink module: everybody else uses sys/netlink.h.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct netlink_ask;
struct nlmsghdr;
struct nlsock;
struct plan_node;
struct plan_route_to;

#define NETLINK_DUMP_ROUNDS 4 /* while others change the tables under a dump */

/*
 * Fills *ret (sorted, from `arena`, which is reset) with links and addresses, and with nothing
 * else; *ret_took: so much of the processor, in any case. 0 or -errno; -EINTR: tables changed all
 * the time.
 */
int netlink_dump_tables(struct nlsock *s, struct arena *arena, struct plan_node *ret,
			nsec_t *ret_took) must_check;

/* Adds the device on the way to each of `ask` (sorted, from `arena`). 0 or -errno. */
int netlink_lookup_routes(struct nlsock *s, const struct netlink_ask *ask, size_t n,
			  struct arena *arena, struct plan_node *node) must_check;

/* What is known of the default routes. */
struct netlink_defaults {
	int *devices; /* sorted; owned */
	size_t n_devices;
	struct plan_gateway *hops; /* by address, device; owned */
	size_t n_hops;
	nsec_t took; /* of the processor, to read them */
};
void netlink_defaults_done(struct netlink_defaults *d);
bool netlink_defaults_equal(const struct netlink_defaults *a, const struct netlink_defaults *b);

/*
 * Reads all routes for that, which takes long where there are many. *ret is the caller's. 0; -EINTR
 * as above; another -errno.
 */
int netlink_dump_defaults(struct nlsock *s, struct netlink_defaults *ret) must_check;

/*
 * How packets to way->to would leave way->vrf: fills the rest of *way, which is empty before and
 * stays so where none would. 0 or -errno.
 */
int netlink_lookup_route(struct nlsock *s, struct plan_route_to *way) must_check;

/*
 * The id, in this network namespace, of the namespace in which a local pod's address lives: the
 * route's device is the near end of a veth pair, or a bridge with it as a port (netlink_nsid.c).
 * Returns the id (>= 0), -ENOENT if it cannot be told (no such route, not a veth, peer in this
 * namespace), or another -errno.
 */
int netlink_lookup_nsid(struct nlsock *s, const struct ip_addr *pod) must_check;
