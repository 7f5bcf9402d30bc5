// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One BFD session in asynchronous mode (RFC 5880, 5881, 5883): state machine, timers, poll
 * sequences, echo. Pure: no fd, clock, callback or allocation. It is found by bfd_set.c, which also
 * refuses what belongs to no session.
 *
 * The driver's duties: read what has arrived before tick(), and pass the kernel's time of arrival,
 * so that a late wake-up neither declares dead a peer whose packets wait nor takes it for alive by
 * packets that came too late; after every verb poll() until it says no, then transmit() until it
 * writes nothing. Time never goes back, but for arrivals: what came before what was read already is
 * answered, and changes nothing.
 *
 * When things happen follows from a few facts each time it is asked: when we last sent and heard,
 * what both sides offer, what is in force. So a changed interval acts at once wherever it may.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"
#include "base/rng.h"
#include "bfd/bfd_auth.h"
#include "bfd/bfd_echo.h"
#include "bfd/bfd_packet.h"

#define BFD_SLOW_US 1000000 /* least interval while not Up (RFC 5880 6.8.3) */
#define BFD_TTL     255     /* sent, and wanted on a single hop (RFC 5881 5) */

/* What one side offers (RFC 5880 6.8.1). */
struct bfd_terms {
	uint32_t min_tx_us, min_rx_us; /* ours are not 0 */
	uint8_t detect_mult;           /* not 0 */
};

static inline bool bfd_terms_same(const struct bfd_terms *a, const struct bfd_terms *b)
{
	return a->min_tx_us == b->min_tx_us && a->min_rx_us == b->min_rx_us &&
	       a->detect_mult == b->detect_mult;
}

struct bfd_config {
	uint32_t id; /* the driver's own, by which it finds what else belongs to the session */
	struct ip_addr peer, local; /* local: none until it is known; not compared then */
	uint32_t ifindex;           /* 0: packets may come by any interface */
	uint32_t vrf;               /* the device of the VRF that it is in; 0: in none */
	bool is_multihop;
	uint8_t minimum_ttl; /* with is_multihop: packets of less are refused */
	bool is_passive;     /* says nothing until the peer has (RFC 5880 6.1) */
	struct bfd_terms terms;
	uint32_t min_echo_rx_us; /* of the peer's echo packets, if they come back; 0: never */
	uint32_t echo_tx_us;     /* of ours, if the peer takes them on a single hop; 0: none */
	struct bfd_auth_key auth;
};

enum bfd_note {
	BFD_NOTE_ADMIN_DOWN, /* taken out of use: AdminDown, which is no failure to the peer */
	BFD_NOTE_ADMIN_UP,   /* in use again */
	BFD_NOTE_PATH_DOWN,  /* the driver knows that there is no path: Down */
};

struct bfd_event {
	enum bfd_state from, to;
	uint8_t diag, remote_diag;   /* ours, why; the peer's last */
	enum bfd_state remote_state; /* the peer's last: AdminDown is no failure */
	nsec_t at, silence; /* how long the peer had not been heard; NSEC_NEVER: it never was */
};
#define BFD_EVENTS 4

/* How a packet came. */
struct bfd_arrival {
	nsec_t at;
	struct ip_addr source, destination;
	uint32_t ifindex, vrf;
	uint8_t ttl; /* or hop limit; 0: not known */
	bool is_multihop;
};

/* What the peer's last packet said; the first values of RFC 5880 6.8.1 where none has come. */
struct bfd_remote {
	uint32_t discriminator; /* 0: nothing is heard of it, or no more */
	enum bfd_state state;
	uint8_t diag;
	bool has_demand, is_independent;
	struct bfd_terms terms;
	uint32_t min_echo_rx_us;
};

struct bfd_counters {
	uint64_t received, sent, expired, flaps; /* flaps: times it left Up */
	uint64_t echo_sent, echo_returned;
	uint64_t rejected[BFD_N_REJECTS];
};

/* Fields may be read by anybody; only bfd_session.c writes them. */
struct bfd_session {
	struct bfd_config config;
	uint32_t discriminator;
	struct rng rng;

	enum bfd_state state;
	uint8_t diag; /* of the last change of state, enum bfd_diag */
	nsec_t since; /* of the last change */
	struct bfd_remote remote;

	struct bfd_terms offered; /* what our packets say when Up; config.terms, but for a poll */
	uint32_t tx_us, rx_us;    /* in force of these, when Up (RFC 5880 6.8.3) */
	bool is_polling, poll_was_sent;
	nsec_t poll_since;       /* its first packet went out */
	nsec_t poll_rests_until; /* answers to the last one's may still be under way */

	bool final_is_due, change_is_due; /* a packet that does not wait for the schedule */
	nsec_t sent_at;                   /* last packet of the schedule; 0: none */
	uint64_t jitter;                  /* of the next one, in 1/65536 of the interval */
	nsec_t heard_at;
	uint32_t heard_on;    /* by which interface; 0: nothing was heard */
	struct bfd_echo echo; /* of ours, while both are Up and the peer takes it */
	bool is_carried, is_timed, is_reflecting; /* bfd_session_carried() */
	uint64_t n_carried;                       /* that it has told of */

	struct bfd_auth_state auth;
	nsec_t auth_known_until;
	bool key_is_due;               /* config.auth waits for the peer to sign with it; ... */
	struct bfd_auth_key key_until; /* ... what is signed with until then */
	struct bfd_event events[BFD_EVENTS];
	unsigned first_event, n_events;
	struct bfd_counters counters;
};

/* State Down. The discriminator is unique among the sessions of this host, and not 0. */
void bfd_session_init(struct bfd_session *s, const struct bfd_config *config,
		      uint32_t discriminator, const struct rng *rng, nsec_t now);

/*
 * Takes other terms (by a poll sequence when Up), role, minimum TTL, local address or key, without
 * a change of state. When Up another key, or none, counts from the first packet of the peer that is
 * signed so; until then the former one does (RFC 5880 6.7.1). Peer, interface and is_multihop are
 * what a session is found by, and stay.
 */
void bfd_session_reconfigure(struct bfd_session *s, nsec_t now, const struct bfd_config *config);

/* Overwrites the keys, not their types and ids: of a copy for others, or of one that is over. */
void bfd_session_forget_keys(struct bfd_session *s);

/*
 * A parsed packet for this session. BFD_ACCEPTED, or the reason why nothing has changed but
 * counters.rejected.
 */
enum bfd_reject bfd_session_receive(struct bfd_session *s, const struct bfd_arrival *arrival,
				    const struct bfd_packet *p);
void bfd_session_notify(struct bfd_session *s, nsec_t now, enum bfd_note note);
void bfd_session_tick(struct bfd_session *s, nsec_t now);
/* One packet, or 0: nothing is to be sent now. What is returned counts as sent. */
size_t bfd_session_transmit(struct bfd_session *s, nsec_t now, uint8_t buf[BFD_PACKET_MAX]);
/*
 * An echo packet of ours to send, likewise: the payload of a UDP datagram to ourselves that the
 * peer's host is to forward (RFC 5881 4). False: none is due. And one that came back: false if it
 * is none of ours.
 */
bool bfd_session_transmit_echo(struct bfd_session *s, nsec_t now, uint8_t buf[BFD_ECHO_BYTES]);
bool bfd_session_receive_echo(struct bfd_session *s, nsec_t at, const uint8_t *data, size_t len);
/* Changes of state, in their order. If nobody asks, the oldest are forgotten. */
bool bfd_session_poll(struct bfd_session *s, struct bfd_event *ret);
nsec_t bfd_session_deadline(const struct bfd_session *s);

/*
 * What whoever looks after the session (bfd_carry.h) tells of it, before any other verb. Counts go
 * on, or begin anew from 0.
 */
struct bfd_carried {
	nsec_t heard_at; /* last packet of the peer, none after a silence of the detection time */
	nsec_t answered_at; /* last packet of ours that was sent there */
	uint64_t n_answered;
	bool is_carried;    /* ours are sent there if they are not here: the C bit (RFC 5880 4.1) */
	bool is_timed;      /* the driver is woken for what is to be sent, and by silence */
	bool is_reflecting; /* the peer's echo packets come back */
};
void bfd_session_carried(struct bfd_session *s, const struct bfd_carried *c);

/*
 * Goes on, from its beginning, with what a session of the same config has left: Up, and what the
 * config says otherwise follows by a poll sequence. The discriminator is said.my_discriminator.
 */
struct bfd_left;
void bfd_session_resume(struct bfd_session *s, nsec_t now, const struct bfd_left *left);

/* What is said of the session now, but for F and C where they are due. */
struct bfd_packet bfd_session_packet(const struct bfd_session *s);

/* The detection time is over, or that of echo: tick() will declare the path dead. */
bool bfd_session_is_silent(const struct bfd_session *s, nsec_t now);
/*
 * It may be over before the driver has to do with the session again, but for what waits to be read;
 * or that may be what another key, or echo, waits for.
 */
bool bfd_session_wants_to_hear(const struct bfd_session *s, nsec_t now);

/* The negotiated times: between two of our packets, without jitter (NSEC_NEVER: we send none), and
 * after which silence of the peer is Down (NSEC_NEVER: it is not known to us). */
nsec_t bfd_session_interval(const struct bfd_session *s);
nsec_t bfd_session_detection(const struct bfd_session *s);
