// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reads the kernel's connection tracking for flows that the kernel itself translates for our VIPs
 * (kube-proxy's DNAT, an older load balancer): they must stay with the kernel until they end
 * (DESIGN 7.2, "one owner for life"). Read through ctnetlink; where that is missing, from
 * /proc/net/nf_conntrack. Nothing is changed or kept.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"

#include <stddef.h>

struct plan_taken;
struct plan_vip;

/*
 * Counts, for each of the VIPs (any order, IPv4 and IPv6), the entries whose original destination
 * is the VIP and whose reply comes from another address. Entries that are dying, and TCP entries
 * that have ended (CLOSE, TIME_WAIT), do not count. *ret is from `a`, sorted by VIP, without
 * VIPs that have none. Conntrack tells no domain: a flow counts for its address in each. Returns 0;
 * -EOPNOTSUPP if this kernel tracks nothing or does not tell (then *ret_n is 0, too); another
 * -errno, outputs untouched.
 */
int conntrack_translated(const struct plan_vip *vips, size_t n, struct arena *a,
			 struct plan_taken **ret, size_t *ret_n) must_check;
