// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A port at which a server is to listen. One that somebody else has is tried again every
 * HTTP_RETRY_NS.
 */
#pragma once

#include "sys/http_server.h"

#define HTTP_RETRY_NS (10 * NSEC_PER_SEC)

struct http_wish {
	struct http_server *http; /* borrowed, outlives the wish */
	struct http_address at;
	bool is_wanted;
	struct http_port *socket; /* of the server; NULL: not bound */
	int error;                /* why not, -errno; 0: it is, or is not wanted */
	nsec_t retry_at;
};

/* To listen nowhere. */
struct http_wish http_wish_none(struct http_server *http);
/*
 * Where from now on; NULL: nowhere, and the port is closed. False: nothing happens, since that is
 * what is wanted already.
 */
bool http_wish_set(struct http_wish *w, const struct http_address *at, nsec_t now);
/* To be called from the loop's step; returns when to call again. */
nsec_t http_wish_tick(struct http_wish *w, nsec_t now);
