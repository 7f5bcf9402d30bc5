// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One line of /proc/net/nf_conntrack, for kernels that track connections but have no ctnetlink:
 *
 *	ipv4 2 tcp 6 431999 ESTABLISHED src=A dst=VIP sport=.. dport=.. src=BACKEND dst=A ... use=1
 *
 * The first dst= is the original destination, the second src= is where the replies come from.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stdbool.h>

struct conntrack_line {
	struct ip_addr orig_dst, reply_src;
	bool has_ended; /* TIME_WAIT or CLOSE */
};

/* False, and *ret unspecified, for what is no such line. */
bool conntrack_line_parse(const char *line, struct conntrack_line *ret) must_check;
