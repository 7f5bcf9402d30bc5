// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What happened to a BGP peer: its last events in words, and the last NOTIFICATION each way. It
 * outlives the protocol object, which a changed configuration replaces. Plain memory, never more.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"
#include "bgp/bgp_peer.h"

#define PEER_EVENTS     64
#define PEER_EVENT_TEXT 160

struct peer_event {
	nsec_t at;
	char text[PEER_EVENT_TEXT];
};

struct peer_history {
	struct peer_event items[PEER_EVENTS]; /* a ring; a full one loses the oldest */
	size_t first, n;
	struct bgp_said said, heard; /* at 0: none */
	char told[PEER_EVENT_TEXT];  /* why there is no session, as the log was told last */
};

/* Adds an event; a text that is too long is cut. */
void peer_history_add(struct peer_history *h, nsec_t now, const char *fmt, ...) printf_like(3, 4);
/* The i-th, oldest first; NULL: there are not so many. */
const struct peer_event *peer_history_get(const struct peer_history *h, size_t i);
/* A change of a connection's state; why it fell back, if it did. */
void peer_history_state(struct peer_history *h, nsec_t now, const struct bgp_event *e,
			const char *reason);
/* Takes over NOTIFICATIONs that are newer than those it has. */
void peer_history_said(struct peer_history *h, const struct bgp_peer_info *info);
/* True if the reason is another one than the last that was told; it is told now. NULL: none is. */
bool peer_history_is_news(struct peer_history *h, const char *reason);
