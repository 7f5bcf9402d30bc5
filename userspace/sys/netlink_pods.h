// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * In which network namespaces local pods live, asked for by a helper: the kernel says what it knows
 * of a link under the lock of its network configuration.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

#define NETLINK_PODS_MAX 128 /* at a time: one to two milliseconds */

struct netlink_pods;
struct worker;

struct netlink_pods_args {
	struct worker *worker; /* outlives it, and is finished before */
	/*
	 * By the loop's thread: the ids, in this namespace, of those that the pods live in, in the
	 * order in which they were asked for; negative: it cannot be told (yet).
	 */
	void (*told)(void *ctx, const struct ip_addr *pods, const int *nsids, size_t n);
	void *ctx;
};

/* Nothing is opened before the first question; the caller owns it. */
struct netlink_pods *netlink_pods_new(const struct netlink_pods_args *args);
/* Not while it asks. NULL is fine. */
struct netlink_pods *netlink_pods_free(struct netlink_pods *p);

/* Asks for 1 to NETLINK_PODS_MAX of them, which are copied; once at a time, until they are told. */
void netlink_pods_ask(struct netlink_pods *p, const struct ip_addr *pods, size_t n);
