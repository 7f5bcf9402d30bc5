// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reads the kernel's connection tracking for flows that the kernel itself has for our VIPs
 * (kube-proxy's DNAT, an older load balancer, a process that listens there): they must stay with
 * the kernel until they end (DESIGN 7.2, "one owner for life"). Read through ctnetlink; where that
 * is missing, from /proc/net/nf_conntrack. Nothing is changed or kept.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_vip;

/* TCP, UDP or SCTP to a VIP, as its client sends it; ports in host order. */
struct conntrack_flow {
	struct ip_addr client, vip;
	uint16_t client_port, port;
	uint8_t proto;
	/* The kernel translates it, or it was answered; and it has not ended. */
	bool lives;
};

/* How conntrack is set up in this network namespace. */
struct conntrack_limits {
	uint64_t count, max; /* entries now, and at most; max is never 0 */
	bool is_strict;      /* it takes no TCP connection of which it has not seen the beginning */
};
/* From four fifths on; once it is, until it is less than three quarters. */
static inline bool conntrack_is_nearly_full(const struct conntrack_limits *l, bool was)
{
	return l->count * 100 / l->max >= (was ? 75 : 80);
}
/* 0; -ENOENT: nothing is tracked here; another -errno. */
int conntrack_limits(struct conntrack_limits *ret) must_check;

/*
 * The entries whose original destination is one of the VIPs (any order, IPv4 and IPv6; conntrack
 * tells no domain). Entries that are dying, TCP entries that have ended (CLOSE, TIME_WAIT), SCTP's
 * that have (CLOSED) and what nobody answers nor translates do not live. *ret is from `a`, in any
 * order; an entry may be there twice. Returns 0; -EOPNOTSUPP if this kernel tracks nothing or does
 * not tell (then *ret_n is 0, too); another -errno, outputs untouched.
 */
int conntrack_flows(const struct plan_vip *vips, size_t n, struct arena *a,
		    struct conntrack_flow **ret, size_t *ret_n) must_check;
