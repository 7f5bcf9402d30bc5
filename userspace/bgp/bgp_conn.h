// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One TCP connection of a BGP session: RFC 4271 section 8 as a pure state machine with the
 * project's verbs. It frames and decodes what arrives, feeds the machine (bgp_fsm.c), keeps the
 * timers and writes messages when the driver has room for them. It knows nothing of the other
 * connection of the same peer: collisions, backoff and everything that outlives a connection belong
 * to bgp_peer.c, the only user. No fd, clock, callback or allocation.
 *
 * Fields may be read by bgp_peer.c and tests; only the functions below and bgp_fsm.c write them,
 * except those marked "set by the owner".
 */
#pragma once

#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_offer.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"
#include "bgp/bgp_rib_in.h"
#include "bgp/bgp_update.h"

#define BGP_OPEN_HOLD_S      240 /* hold timer of OpenSent, RFC 4271 8.2.2: "a large value" */
#define BGP_DIAL_S           10  /* least ConnectRetryTime while TCP is being made */
#define BGP_BFD_HOLD_S       30  /* how long BFD is waited for if the hold time is 0: BfdHoldTime */
#define BGP_SEND_HOLD_MIN_S  480 /* RFC 9687 4 */
#define BGP_CONN_REASON_TEXT (BGP_RECEIVED_TEXT + 256)

/* What an answer to ROUTE-REFRESH still owes (RFC 7313 4): BoRR first, EoRR when all was sent. */
enum bgp_refresh_state { BGP_REFRESH_NONE, BGP_REFRESH_ASKED, BGP_REFRESH_RUNNING };

/* Counted over the life of the object, not of a session. */
struct bgp_conn_counters {
	struct bgp_counters messages;
	uint64_t updates_received; /* in Established alone */
	uint64_t leaks_received;
};

struct bgp_conn {
	const struct bgp_peer_config *config; /* borrowed */
	struct bgp_rib *rib;       /* borrowed; read and taken from in Established only */
	struct bgp_rib_in *rib_in; /* borrowed; filled in Established only */
	struct rng rng;
	bool is_passive; /* the accepted slot: never dials */

	struct bgp_next_hops local;
	struct bgp_graceful_restart gr; /* set by the owner before TCP_UP: what the OPEN says */
	struct bgp_offer offer;         /* the same: what it holds back */

	enum bgp_state state;
	/* ConnectRetryTimer in Connect and Active, IdleHoldTimer in Idle. NSEC_NEVER: stopped. */
	nsec_t retry_at;
	nsec_t hold_at, keepalive_at, send_hold_at;

	struct bgp_open sent, received; /* received.asn is 0 until one came */
	uint16_t hold_s;                /* negotiated; 0: neither hold nor keepalive timer */
	uint16_t keepalive_s;

	bool want_connect, want_close; /* for poll */
	bool send_open, send_keepalive, send_notification;
	struct bgp_families send_request; /* ROUTE-REFRESH: all routes are wanted again */
	struct bgp_error notification;    /* if send_notification */
	enum bgp_refresh_state refresh[BGP_N_FAMILIES];
	/*
	 * bfd_strict: the OPENs are exchanged, and our KEEPALIVE is withheld until BFD permits the
	 * session. has_confirmed: the peer's came.
	 */
	bool bfd_permits, waits_for_bfd, has_confirmed;
	bool synced; /* the picture of all families is complete */
	struct bgp_families end_of_rib_sent, end_of_rib_received;
	/* The session was lost in a way after which its routes may stay (RFC 4724 4.2, 8538 4). */
	bool may_return;
	size_t routes_received; /* announced minus withdrawn: an upper bound */

	size_t rx_len;
	struct bgp_conn_counters counters;
	struct bgp_said said, heard;          /* the last NOTIFICATION each way */
	bool is_refused;                      /* the peer's ended an attempt; the owner takes it */
	char reason[BGP_CONN_REASON_TEXT];    /* why it ended; the owner takes it and leaves "" */
	uint8_t rx[BGP_MESSAGE_MAX_EXTENDED]; /* last, and never cleared: pages that are not used
						 cost nothing */
};

/* Everything is borrowed and must outlive the connection, but for rng, which is copied. */
void bgp_conn_init(struct bgp_conn *c, const struct bgp_peer_config *config, struct bgp_rib *rib,
		   struct bgp_rib_in *rib_in, const struct rng *rng);

/*
 * Takes bytes up to the end of the next message, at most one message, so that the owner can act on
 * what it changed before the next is looked at. Returns how many were consumed (>= 1 if len > 0).
 * What arrives when no connection is up is consumed and ignored.
 */
size_t bgp_conn_receive(struct bgp_conn *c, nsec_t now, const uint8_t *data, size_t len) must_check;
void bgp_conn_notify(struct bgp_conn *c, nsec_t now, enum bgp_note note);
/* Fires the timers that are due. */
void bgp_conn_tick(struct bgp_conn *c, nsec_t now);
/* As bgp_peer_set_local(). */
void bgp_conn_set_local(struct bgp_conn *c, const struct bgp_next_hops *local);
/* As bgp_peer_transmit(). */
size_t bgp_conn_transmit(struct bgp_conn *c, nsec_t now, uint8_t *buf, size_t cap);
/* BGP_EVENT_CLOSE, then BGP_EVENT_CONNECT; the owner sees other changes in `state`. */
bool bgp_conn_poll(struct bgp_conn *c, enum bgp_event_type *ret);
nsec_t bgp_conn_deadline(const struct bgp_conn *c);

/* This connection lost a collision: Cease 6/7 (RFC 4271 6.8). */
void bgp_conn_dump(struct bgp_conn *c, nsec_t now);
/* Ends the connection, or the attempt to make one, without a NOTIFICATION. */
void bgp_conn_abandon(struct bgp_conn *c, nsec_t now, const char *reason);
/* Starts the timer after which a connection in Idle or Active dials; it must not be passive. */
void bgp_conn_retry(struct bgp_conn *c, nsec_t at);
/* Asks for all routes again, if it is Established. False: the peer does not take such requests. */
bool bgp_conn_request(struct bgp_conn *c);
/* As bgp_peer_set_bfd(). */
void bgp_conn_set_bfd(struct bgp_conn *c, nsec_t now, bool permits);
/* The keepalive interval, and whether BFD is waited for, follow a changed configuration at once. */
void bgp_conn_reconfigured(struct bgp_conn *c, nsec_t now);
/* Both sides sent capability 64 with N: routes outlive a NOTIFICATION, too (RFC 8538). */
bool bgp_conn_keeps_over_notification(const struct bgp_conn *c);
/* Both sides sent capability 64. */
bool bgp_conn_gr_negotiated(const struct bgp_conn *c);
/* What the codec of UPDATEs has to know, once both OPENs are known. */
struct bgp_update_session bgp_conn_session(const struct bgp_conn *c);
/* Octets of the longest message that both sides take (RFC 8654). */
size_t bgp_conn_max_len(const struct bgp_conn *c);
/* The families that both sides listed, once both OPENs are known. */
struct bgp_families bgp_conn_families(const struct bgp_conn *c);
/* Those of them that routes can be announced of: there is a next hop (bgp_update_has_next_hop()).
 */
struct bgp_families bgp_conn_announced_families(const struct bgp_conn *c);
/* As bgp_peer_next_hop(). */
struct ip_addr bgp_conn_next_hop(const struct bgp_conn *c, enum bgp_family family,
				 const struct bgp_attrs *attrs);
/* Established, and the End-of-RIB of each family of the session went out. */
bool bgp_conn_end_of_rib_sent(const struct bgp_conn *c);
