// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A raw ICMPv6 socket for router solicitations and advertisements on some links. It knows of their
 * content only what the kernel filters by: their types. Checksums are the kernel's, both ways.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Nonblocking and the caller's; or -errno: -EPERM without CAP_NET_RAW. Hop limit 255 is sent. */
int icmp6_open(void) must_check;

/*
 * From now on what is sent to all routers on that link (ff02::2) is heard, too; twice is as once. A
 * link that has just gone is none.
 */
void icmp6_join(int fd, int ifindex);
/*
 * The same, and closing, by a helper: the kernel does both under the lock of its network
 * configuration. The socket may be closed while it is to join.
 */
struct worker;
void icmp6_join_by(struct worker *worker, int fd, int ifindex);
void icmp6_close_by(struct worker *worker, int fd);

/*
 * Sends to all routers or all nodes of the link, from an address of ours on it. 0 or -errno:
 * -ENODEV, -ENETDOWN, -EADDRNOTAVAIL (the address is not there, or not yet).
 */
enum icmp6_group { ICMP6_ALL_NODES, ICMP6_ALL_ROUTERS };
int icmp6_send(int fd, int ifindex, const struct ip_addr *source, enum icmp6_group to,
	       const void *data, size_t len) must_check;

struct icmp6_from {
	struct ip_addr addr;
	int ifindex;   /* where it came in */
	int hop_limit; /* -1: not known */
};
/* The octets of a message, from its type on; cut off at cap. -EAGAIN: none is there; -errno. */
ssize_t icmp6_receive(int fd, void *buf, size_t cap, struct icmp6_from *ret) must_check;
