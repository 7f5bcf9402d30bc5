// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes as netlink messages, and the kernel's back again. As in sys/rtnl_message.h they
 * are built by libnl-route and sent over our own sockets.
 */
#pragma once

#include "plan/fib.h"

struct nlmsghdr;

#define RTNL_FIB_MESSAGE_BYTES 1024 /* no message is longer */

/*
 * Writes the operation's message to buf (RTNL_FIB_MESSAGE_BYTES, aligned as a struct nlmsghdr),
 * without a sequence number; the kernel is to acknowledge it. Returns its length, or -errno.
 */
int rtnl_fib_message_build(const struct fib_op *op, void *buf) must_check;

/*
 * A route of our metric, whosever it is. False: it is malformed, of another metric or family, or
 * was found by a look-up. Hops beyond FIB_HOPS_MAX are left out, and what we do not write (a
 * nexthop object) is one that nobody wants.
 */
bool rtnl_fib_message_read(const struct nlmsghdr *m, struct fib_seen *ret) must_check;
