// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a changed configuration of a peer costs its session: one table with a row for every field of
 * struct plan_peer and struct bgp_peer_config. A field without a row fails the test of this file,
 * and docs/bgp.md shows the table.
 */
#pragma once

#include "plan/plan.h"

/* Weakest first: of several changed fields the strongest counts. */
enum peer_action {
	PEER_UNTOUCHED, /* no session is made from it */
	PEER_NONE,      /* taken over; the session goes on as it is */
	PEER_RESEND,    /* the session goes on, and its routes are sent again */
	PEER_REKEY,     /* the session goes on under another key */
	PEER_RESET,     /* Cease 6/6, and a new session */
	N_PEER_ACTIONS
};

struct peer_field {
	const char *name; /* as in struct plan_peer */
	size_t offset, size;
	bool (*same)(const struct plan_peer *a, const struct plan_peer *b); /* NULL: by bytes */
	enum peer_action action;
	const char *why;
};

/* The rows, in the order of the structs; *ret_n of them. */
const struct peer_field *plan_peer_fields(size_t *ret_n);

/* That the two do not differ in this field. */
bool plan_peer_field_same(const struct peer_field *f, const struct plan_peer *a,
			  const struct plan_peer *b);

const char *peer_action_text(enum peer_action action); /* "reset" */

/* The strongest action of the fields in which the two differ. Both are of one key. */
enum peer_action plan_peer_change(const struct plan_peer *from, const struct plan_peer *to);

#define PLAN_PEER_TEXT 72
/*
 * Where a peer is, for messages: "192.168.1.1", "fe80::1%eth0", or "eth0" until the router there is
 * heard. Returns buf.
 */
const char *plan_peer_text(const struct plan_peer *p, char buf[PLAN_PEER_TEXT]);

/* That no field differs, whatever it costs. */
bool plan_peer_same(const struct plan_peer *a, const struct plan_peer *b);
