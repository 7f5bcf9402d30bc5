// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes and rules of ours as netlink messages, and the kernel's back again. Messages are built by
 * libnl-route, which does nothing else here: they are sent over our own sockets (sys/nlsock.h).
 * What is read is checked attribute by attribute; what a message does not say is as the kernel has
 * it by default.
 */
#pragma once

#include "plan/plan_kernel.h"

struct nlmsghdr;

#define RTNL_MESSAGE_BYTES 256 /* no message is longer */

/*
 * Writes the operation's message to buf (RTNL_MESSAGE_BYTES, aligned as a struct nlmsghdr), without
 * a sequence number; the kernel is to acknowledge it. What is to be put must not be there yet.
 * Returns its length, or -errno.
 */
int rtnl_message_build(const struct kernel_op *op, void *buf) must_check;

/* False: malformed, of another family than the two, or a route that was found by a look-up. */
bool rtnl_message_route(const struct nlmsghdr *m, struct kernel_route *ret) must_check;
/* The name is in the arena. */
bool rtnl_message_rule(const struct nlmsghdr *m, struct arena *arena,
		       struct kernel_rule *ret) must_check;
