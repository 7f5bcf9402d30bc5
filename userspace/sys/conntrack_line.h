// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An entry of conntrack, and how it is read from one line of /proc/net/nf_conntrack, for kernels
 * that track connections but have no ctnetlink:
 *
 *	ipv4 2 tcp 6 431999 ESTABLISHED src=A dst=VIP sport=.. dport=.. src=BACKEND dst=A ... use=1
 *
 * The first src=, dst=, sport= and dport= are the client's way, the second ones that of the
 * answers.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stdbool.h>

struct conntrack_line {
	struct ip_addr src, dst, reply_src;
	uint16_t sport, dport, reply_sport; /* host order */
	uint8_t proto;
	bool is_answered;
	bool has_ended; /* TIME_WAIT or CLOSE */
};

/* False, and *ret unspecified, for what is no such line, or of a protocol without ports. */
bool conntrack_line_parse(const char *line, struct conntrack_line *ret) must_check;
