// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Why a connection attempt gets no answer, as far as this side's kernel knows. A router that drops
 * our SYN says nothing at all; an answer with a signature that does not fit, or from too far away,
 * is dropped here, and counted. The counters are those of the network namespace, not of one
 * attempt: they say what was dropped, and the socket that something was (tcp_has_dropped()).
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Segments dropped for their TCP MD5 signature (RFC 2385), or for TTL security (RFC 5082); TcpExt
 * in /proc/net/netstat.
 */
struct tcp_drops {
	uint64_t missing;    /* TCPMD5NotFound: none, where we have a key */
	uint64_t unexpected; /* TCPMD5Unexpected: one, where we have none */
	uint64_t wrong;      /* TCPMD5Failure: made with another key */
	uint64_t far;        /* TCPMinTTLDrop: with a TTL below what the socket accepts */
};

/* From the text of that file; a counter that is not there is 0. */
struct tcp_drops tcp_drops_parse(const char *text);
/* Of the calling thread's network namespace; all 0 where it cannot be read. */
struct tcp_drops tcp_drops_now(void);

/* An attempt: what it asks of the answers, and how far it is. */
struct tcp_attempt {
	bool has_key;   /* it carries signatures */
	bool has_guard; /* TTL security */
	bool is_made;   /* the handshake was; what was sent since has no answer */
};
/* In words for the operator of a session: what rose from `before` to `now`; NULL: nothing. */
const char *tcp_drops_text(const struct tcp_attempt *a, const struct tcp_drops *before,
			   const struct tcp_drops *now);
/* The same, else what silence can mean. All these texts are static. */
const char *tcp_silence_text(const struct tcp_attempt *a, const struct tcp_drops *before,
			     const struct tcp_drops *now);
