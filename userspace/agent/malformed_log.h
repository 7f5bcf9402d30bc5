// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * UPDATEs in which a fault was found, in the log: what it is, and the whole message in hex (RFC
 * 7606 8), in as many lines as that takes. A router that goes on with it is told of once a minute.
 */
#pragma once

#include "base/nsec.h"

#include <stdint.h>

#define MALFORMED_LOG_NS     (60 * NSEC_PER_SEC)
#define MALFORMED_LOG_OCTETS 1000 /* in hex on one line */

struct bgp_malformed;
struct peer_history;

struct malformed_log {
	uint64_t n_seen; /* of those that the peer's object counts */
	nsec_t next;     /* nothing is told before; 0 at first */
};

/* Tells log and history of the last one, unless it was told or it is too soon. */
void malformed_log_tell(struct malformed_log *l, nsec_t now, const char *peer,
			struct peer_history *history, const struct bgp_malformed *m);
