// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One BGP neighbour: the configuration, two connection slots (dialled and accepted), collision
 * resolution, retry with backoff, graceful restart as restarter and as helper (RFC 4724), the
 * Adj-RIB-Out and the Adj-RIB-In. At most one connection is Established. The driver owns the
 * sockets: it does what poll() asks and tells what happened by notify(), receive() and transmit().
 * No fd, clock or callback in here.
 *
 * The driver's duties: after every verb poll() until it says no, then transmit() for each slot;
 * read sockets before tick(), so that a late wake-up does not expire a hold timer over unread
 * messages; notify SENT whenever the kernel took bytes, or the send hold timer (RFC 9687) ends the
 * session.
 */
#pragma once

#include "base/nsec.h"
#include "base/rng.h"
#include "bgp/bgp_error.h"
#include "bgp/bgp_peer_config.h"
#include "bgp/bgp_rib.h"
#include "bgp/bgp_rib_in.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 4271 8.2.2 */
enum bgp_state {
	BGP_IDLE,
	BGP_CONNECT,
	BGP_ACTIVE,
	BGP_OPEN_SENT,
	BGP_OPEN_CONFIRM,
	BGP_ESTABLISHED,
};
const char *bgp_state_text(enum bgp_state s); /* "Idle", "OpenSent", ... */

enum bgp_slot { BGP_SLOT_DIALLED, BGP_SLOT_ACCEPTED, BGP_N_SLOTS };

enum bgp_note {
	BGP_NOTE_START, /* administratively up (ManualStart) */
	/*
	 * The next three end it for good or until START, and the peer is to forget the routes at
	 * once: where both have agreed that routes outlive a NOTIFICATION, it is a Hard Reset (RFC
	 * 8538).
	 */
	BGP_NOTE_STOP,         /* Cease 6/2, close, stay down (ManualStop) */
	BGP_NOTE_DRAINED,      /* the same, and the text says that the node is drained */
	BGP_NOTE_DECONFIGURED, /* Cease 6/3, close, stay down */
	BGP_NOTE_RECONFIGURED, /* Cease 6/6, close, stay down: a new peer follows */
	BGP_NOTE_RESTARTING, /* planned restart: close without NOTIFICATION (GR keeps the routes) */
	BGP_NOTE_TCP_UP, /* the connection of the slot is established, local address set before */
	BGP_NOTE_TCP_FAILED, /* could not be made, or was lost or closed by the peer */
	BGP_NOTE_SENT,       /* the kernel accepted bytes: feeds the send hold timer (RFC 9687) */
	BGP_NOTE_NUDGE,      /* interface or route came back: retry now */
	BGP_NOTE_BFD_DOWN,   /* Cease 6/10 (RFC 9384) */
	BGP_NOTE_SYNCED,     /* the first complete picture is in the rib: End-of-RIB may be sent */
};

enum bgp_event_type {
	BGP_EVENT_CONNECT, /* dial for the slot; answer with TCP_UP or TCP_FAILED */
	/*
	 * Send what transmit() still has for the slot (one call's worth), then close it; the slot
	 * is free at once. Also asked after TCP_FAILED, where nothing is left to send.
	 */
	BGP_EVENT_CLOSE,
	BGP_EVENT_UP,    /* a connection became Established */
	BGP_EVENT_DOWN,  /* it is no more; see bgp_peer_info().last_error */
	BGP_EVENT_STATE, /* some other change of state, for the log */
};
struct bgp_event {
	enum bgp_event_type type;
	enum bgp_slot slot;
	enum bgp_state from, to;
};

struct bgp_open;
struct bgp_peer;

/*
 * Owns its rib, whose prefixes may be shared with other peers' (bgp_rib.h; NULL: they are not). The
 * config is copied; rng is copied, too.
 */
struct bgp_peer *bgp_peer_new(const struct bgp_peer_config *config, const struct rng *rng,
			      struct bgp_rib_prefixes *shared);
struct bgp_peer *bgp_peer_free(struct bgp_peer *p);

/*
 * Takes a new configuration without closing the session: router id, hold and restart time count
 * from the next OPEN, the time between attempts, keepalive and that BFD is waited for from now;
 * with another graceful_shutdown all routes are sent again. It must not differ in what the OPENs of
 * a session fix once and for all (ASNs, families, graceful restart): for that the caller notifies
 * BGP_NOTE_RECONFIGURED and makes a new peer. `restarted` and `forwarding_preserved` stay as they
 * were.
 */
void bgp_peer_reconfigure(struct bgp_peer *p, nsec_t now, const struct bgp_peer_config *config);

/*
 * Next hops by family, for the slot's connection: before BGP_NOTE_TCP_UP, and again when one of
 * them changes. Then the routes whose next hop is another now are sent again.
 */
void bgp_peer_set_local(struct bgp_peer *p, enum bgp_slot slot, const struct bgp_next_hops *local);

/*
 * What the driver knows of a failure it is about to notify (TCP_FAILED), "connection refused", or
 * of an attempt that has had no answer for long. Shown as last_error, the latter at once. Copied.
 */
void bgp_peer_set_error(struct bgp_peer *p, const char *text);

/*
 * What BFD says, from now on; before, it does not permit anything. With bfd_strict a connection
 * waits before Established until it does, no longer than the hold time; otherwise nothing happens.
 * A session that is there is closed by BGP_NOTE_BFD_DOWN alone.
 */
void bgp_peer_set_bfd(struct bgp_peer *p, nsec_t now, bool permits);

/* A connection came in for this peer: true if the slot takes it (then notify TCP_UP), false: close
 * it. */
bool bgp_peer_accept(struct bgp_peer *p, nsec_t now) must_check;

void bgp_peer_notify(struct bgp_peer *p, nsec_t now, enum bgp_slot slot, enum bgp_note note);
/*
 * Bytes from the slot's connection, in any split. All are handled at once: the driver bounds a turn
 * by how much it reads.
 */
void bgp_peer_receive(struct bgp_peer *p, nsec_t now, enum bgp_slot slot, const uint8_t *data,
		      size_t len);
void bgp_peer_tick(struct bgp_peer *p, nsec_t now);

/*
 * Whole messages for the slot, KEEPALIVE and NOTIFICATION first; cap >= 4096. What is returned
 * counts as handed to the kernel. 0: nothing to send now.
 */
size_t bgp_peer_transmit(struct bgp_peer *p, nsec_t now, enum bgp_slot slot, uint8_t *buf,
			 size_t cap);
bool bgp_peer_poll(struct bgp_peer *p, struct bgp_event *ret);
nsec_t bgp_peer_deadline(const struct bgp_peer *p);

/* The Adj-RIB-Out, for the sink to set and delete routes in. */
struct bgp_rib *bgp_peer_rib(struct bgp_peer *p);
/*
 * What of the peer's routes is accepted, from now on. Where there are routes that were not kept the
 * peer is asked for all of them again; false: it does not take such requests, and only a new
 * session brings them.
 */
bool bgp_peer_set_import(struct bgp_peer *p, const struct bgp_import *import) must_check;
/* The Adj-RIB-In, to take from and to look at. */
struct bgp_rib_in *bgp_peer_rib_in(struct bgp_peer *p);

/* A NOTIFICATION that was sent or came. */
struct bgp_said {
	nsec_t at; /* 0: none was */
	struct bgp_error error;
};

#define BGP_ERROR_CODES 9 /* of NOTIFICATIONs; 0: of all that we do not know */

/* Messages one way, whole ones. */
struct bgp_messages {
	uint64_t opens, updates, notifications, keepalives, refreshes;
	uint64_t codes[BGP_ERROR_CODES]; /* NOTIFICATIONs by their code (RFC 4271 4.5) */
};
/* Counted over the life of a peer, not of a session. */
struct bgp_counters {
	struct bgp_messages sent, received;
};

/* What status shows. Pointers and strings are valid until the peer next changes. */
struct bgp_peer_info {
	enum bgp_slot slot;                    /* the more advanced connection's */
	enum bgp_state state;                  /* of that one */
	nsec_t established_at;                 /* NSEC_NEVER if not Established */
	uint32_t local_router_id;              /* of the last OPEN sent; before: the configured */
	uint32_t remote_asn, remote_router_id; /* of the OPEN, 0 if none seen */
	uint16_t hold_s, keepalive_s;          /* negotiated */
	bool gr_negotiated;                    /* the peer, too, sent capability 64 */
	bool end_of_rib_sent;                  /* of each family of the session */
	bool end_of_rib_received;              /* likewise */
	nsec_t stale_until; /* the peer's stale routes go then; NSEC_NEVER: there are none */
	struct bgp_families families;  /* of the session: both sides list them; none without one */
	struct bgp_families announced; /* of these, for which there is a next hop */
	size_t routes_advertised, routes_received; /* received: at most so many */
	uint64_t routes_leaked; /* of all received ever, against the roles (RFC 9234) */
	uint64_t updates_sent, updates_received, notifications_sent, notifications_received;
	uint64_t flaps;         /* times it left Established */
	const char *last_error; /* why there is no session, decoded; NULL: nothing is known */
	const struct bgp_open *ours, *theirs; /* of that connection, or of its last; NULL: none */
	const struct bgp_said *said, *heard;  /* the last NOTIFICATION each way; NULL: none */
};
struct bgp_peer_info bgp_peer_info(const struct bgp_peer *p);
struct bgp_counters bgp_peer_counters(const struct bgp_peer *p);

/*
 * The next hop that a route has on the session: its own or the session's; of two IPv6 addresses
 * the global one. None: it has none.
 */
struct ip_addr bgp_peer_next_hop(const struct bgp_peer *p, const struct ip_prefix *prefix,
				 const struct bgp_attrs *attrs);
