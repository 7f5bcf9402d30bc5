// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The last UPDATE of a peer in which a fault was found: all of it, since RFC 7606 8 wants it logged
 * as it came, whether it cost routes, the session or nothing.
 */
#pragma once

#include "bgp/bgp_update.h"

#define BGP_MALFORMED_TEXT 512

struct bgp_malformed {
	uint64_t n; /* so many came; 0: none, and what follows says nothing */
	enum bgp_update_result result;
	uint8_t *message; /* owned; whole, with its header */
	size_t len;
	struct bgp_update update; /* views into the message */
};

/* Keeps a copy in the place of the last: one that bgp_update_decode() does not call OK. */
void bgp_malformed_keep(struct bgp_malformed *m, const uint8_t *message, size_t len,
			const struct bgp_update_session *s);
void bgp_malformed_done(struct bgp_malformed *m);

/* What was found, what it costs, and the first prefixes that it names; n is not 0. */
const char *bgp_malformed_text(const struct bgp_malformed *m, char buf[BGP_MALFORMED_TEXT]);
