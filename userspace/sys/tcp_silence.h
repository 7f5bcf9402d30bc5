// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Why a connection attempt gets no answer, as far as this side's kernel knows. A router that drops
 * our SYN says nothing at all; one that answers with a signature that does not fit is dropped here,
 * and counted. The counters are those of the network namespace, not of one attempt: what rose while
 * it was under way is likely, not certain.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* Segments dropped for their TCP MD5 signature (RFC 2385), TcpExt in /proc/net/netstat. */
struct tcp_md5_drops {
	uint64_t missing;    /* TCPMD5NotFound: none, where we have a key */
	uint64_t unexpected; /* TCPMD5Unexpected: one, where we have none */
	uint64_t wrong;      /* TCPMD5Failure: made with another key */
};

/* From the text of that file; a counter that is not there is 0. */
struct tcp_md5_drops tcp_md5_drops_parse(const char *text);
/* Of the calling thread's network namespace; all 0 where it cannot be read. */
struct tcp_md5_drops tcp_md5_drops_now(void);

/*
 * In words for the operator of a session: what rose from `before` to `now`, else what silence can
 * mean. has_key: the attempt carries signatures. Static text.
 */
const char *tcp_silence_text(bool has_key, const struct tcp_md5_drops *before,
			     const struct tcp_md5_drops *now);
