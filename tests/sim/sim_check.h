// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What must always hold in a simulated session, checked from outside: from the events that a peer
 * reports and from the bytes it writes and is given, never from its internals. The first violation
 * is kept as text and ends the run. Also the receiving router's table, made by decoding the
 * UPDATEs, with the stale marks of a graceful-restart helper (RFC 4724 4.2).
 */
#pragma once

#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"

#define SIM_ROUTES 64

/* One route of the world: a prefix by its number, and one of a few attribute sets (0: no route). */
struct sim_route {
	unsigned variant;
	nsec_t since; /* desired without a break since */
};

struct sim_seen_route {
	unsigned variant; /* 0: not there */
	bool is_stale;
	struct ip_addr next_hop;
};

/* What one slot of one end has said and heard since its TCP connection came up. */
struct sim_tap {
	uint8_t rx[BGP_MESSAGE_MAX];
	size_t rx_len;
	nsec_t heard_at;                    /* last OPEN, KEEPALIVE or UPDATE given to the peer */
	nsec_t said_at;                     /* last message the peer wrote */
	bool has_forwarding;                /* F bit in the OPEN that was heard */
	struct bgp_families offered, heard; /* in the OPENs */
	struct bgp_families end_of_rib;     /* of which it was said */
	bool was_notified;                  /* a NOTIFICATION went either way */
	bool said_hold_expired, has_ended;  /* it said a NOTIFICATION, which is the last */
};

struct sim_watch { /* one end */
	enum bgp_state state[BGP_N_SLOTS];
	struct sim_tap tap[BGP_N_SLOTS];
	nsec_t confirmed_at[BGP_N_SLOTS]; /* OpenConfirm entered */
	bool is_up;
	enum bgp_slot up_slot;
	uint16_t hold_s; /* of the session */
	bool had_gr;
};

/* What happened, to see that a run was worth its time. */
struct sim_stats {
	uint64_t sessions, hold_expiries, collisions, crashes, updates, stale_kept;
};

struct sim_check {
	struct sim_watch end[2];
	struct sim_seen_route seen[SIM_ROUTES]; /* the router's table */
	bool is_ibgp;
	/* Of end 0: SYNCED was given; the R bit may be set; the F bit must be set. */
	bool synced, may_restart, keeps_forwarding;
	bool bfd_is_up, is_strict[2]; /* who is strict is not Established without it */
	struct sim_stats stats;
	char violation[256];
};

void sim_check_init(struct sim_check *c, bool is_ibgp);
/* Records the first violation. */
void sim_violation(struct sim_check *c, const char *fmt, ...) printf_like(2, 3);

/* The attribute set of a variant (1, 2, ...), and the prefix of a number: of either family. */
struct bgp_attrs sim_attrs(unsigned variant);
struct ip_prefix sim_prefix(unsigned i);

/* A connection came up on a slot. */
void sim_check_connected(struct sim_check *c, int end, enum bgp_slot slot, nsec_t now);
/* What poll() reported. */
void sim_check_event(struct sim_check *c, int end, nsec_t now, const struct bgp_event *e,
		     const struct bgp_peer *peer);
/* What transmit() wrote: whole valid messages, or it is a violation. */
void sim_check_sent(struct sim_check *c, int end, enum bgp_slot slot, nsec_t now,
		    const uint8_t *data, size_t len);
/* Bytes that the peer is about to be given. `want` is what the agent desires now. */
void sim_check_heard(struct sim_check *c, int end, enum bgp_slot slot, nsec_t now,
		     const uint8_t *data, size_t len, const struct sim_route *want);
/* At every step: hold and keepalive times. */
void sim_check_times(struct sim_check *c, int end, nsec_t now, const struct bgp_peer *peer,
		     bool can_write);
/* The peer of an end is no more (crash). */
void sim_check_crashed(struct sim_check *c, int end);
