// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Drives the BGP peers: one bgp_peer and its sockets for each peer of the plan. The protocol object
 * decides, this file does: it dials when asked, hands over bytes both ways, closes what is to be
 * closed. At most one unsent tail a socket is held; a peer that does not read costs nothing more.
 */
#pragma once

#include "agent/closing.h"
#include "agent/listening.h"
#include "agent/malformed_log.h"
#include "agent/peer_history.h"
#include "agent/route_log.h"
#include "agent/unnumbered.h"
#include "base/nsec.h"
#include "base/rng.h"
#include "bgp/bgp_peer.h"
#include "plan/plan.h"
#include "sys/tcp_silence.h"

struct loop;
struct worker;
struct loop_fd;

/* One TCP connection of a peer. fd is -1 when there is none. */
struct peer_link {
	struct agent_peer *peer;
	enum bgp_slot slot;
	int fd;
	struct loop_fd *watch;
	bool connecting;
	struct ip_addr local;    /* our address, once connected */
	nsec_t silent_at;        /* so long without an answer is told; NSEC_NEVER: it was */
	nsec_t unheard_at;       /* then it is looked at whether one will come */
	struct tcp_drops before; /* of the attempt */
	uint8_t *tail;           /* bytes the kernel has not taken yet, owned */
	size_t tail_len, tail_at;
};

struct agent_peer {
	struct agent_peers *all;
	struct peer_key key;     /* owned strings */
	struct plan_peer config; /* its strings and password are owned, object is NULL */
	struct bgp_peer *bgp;    /* owned */
	struct peer_link links[BGP_N_SLOTS];
	struct peer_history history;
	struct malformed_log malformed;
	bool is_reachable;     /* there is a way to it, by a device that is up */
	struct plan_path path; /* what its BFD says of it: bfd_lines.c */
	bool has_no_answer;    /* the last attempt ended as the neighbour did not answer */
	bool follows;          /* a former process had its session (RFC 4724, R bit) */
	bool has_said_all;     /* this one has sent it an End-of-RIB */
	nsec_t nudged_at;      /* for a neighbour that appeared */
	nsec_t trying_since;   /* there is no session */
	bool attempted;        /* an attempt is under way, or ended before Established */
	bool is_drained;       /* told so, and not dialled until the drain is over */
	bool is_held;          /* not dialled, as its node only looks on */
	uint16_t refusals;     /* attempts in a row that ended before Established */
	nsec_t stale_until;    /* see struct plan_actual_peer; counts until End-of-RIB is sent */
	/*
	 * What the kernel's socket buffer has taken wholly, for the plan's gates: as of the last
	 * time when no unsent tail was left. Sorted; held, with those who have the same; NULL
	 * without a session.
	 */
	struct prefix_list *written;
	uint64_t updates_seen;      /* UPDATEs sent when there was no unsent tail last */
	bool is_behind;             /* the list was made before */
	uint64_t routes_generation; /* of the plan's routes that the rib has; 0: not known */
};

struct agent_peers {
	struct loop *loop;      /* borrowed, as is: */
	struct worker *network; /* the helper that waits for the kernel's lock of its network */
	struct rng rng;
	struct listening listening;
	struct unnumbered unnumbered;
	struct closings closings; /* of sessions that are over, also of peers that are gone */
	struct bgp_rib_prefixes *prefixes; /* owned; of all ribs */
	uint8_t *
		scratch; /* owned; what is read and written passes through it, one call at a time */
	struct agent_peer **items; /* by key */
	struct agent_peer **index; /* the same by address, VRF, interface: peer_index.c */
	size_t n;
	/* So many of them, from that one on, have the plan's routes; n: or are not to have them. */
	size_t n_applied, first_applied;
	bool restarted, forwarding_preserved; /* for peers that come from now on */
	bool holds;                           /* no session is begun, nor any router heard */
	/* A session came up or went down: the plan wants to know. */
	bool changed;
	bool urgent;  /* ... and must not wait */
	bool written; /* UPDATEs went out, which the plan wants to know sometime */
	struct route_log route_log;
	struct agent_receiving *receiving; /* who follows the peers' routes; NULL: nobody */
};

void agent_peers_init(struct agent_peers *all, struct loop *loop, struct worker *network,
		      uint64_t seed);
/* Frees all; sessions still open are closed by the kernel without a NOTIFICATION. */
void agent_peers_done(struct agent_peers *all);

/*
 * Our end of the session that there is, or that there would be; none: it is not known, as there is
 * no way to the peer.
 */
struct ip_addr agent_peer_source(const struct agent_peer *p);

/* What no call of the moment needs goes back to the system. */
void agent_peers_give_back(struct agent_peers *all);

/* Brings the peers to the plan's: new ones start, changed ones are reconfigured or made anew. */
void agent_peers_apply(struct agent_peers *all, const struct plan *plan, nsec_t now);

/*
 * The peer that a connection from that address, in that VRF ("": the default) and on that interface
 * ("": a peer that names none) belongs to, or NULL.
 */
struct agent_peer *agent_peers_find(const struct agent_peers *all, const struct ip_addr *address,
				    const char *vrf, const char *interface);

/*
 * Of the next peer after agent_peers_apply(), sets and deletes routes by that plan and sends what
 * can be sent. True: others are left, for this turn or a later one. agent_peers_stop_routes(): they
 * stay as they are until the next plan is applied, when they come first.
 */
bool agent_peers_apply_routes(struct agent_peers *all, const struct plan *plan, nsec_t now);
void agent_peers_stop_routes(struct agent_peers *all);
bool agent_peers_have_routes_left(const struct agent_peers *all);

/* Fires due timers; returns the earliest deadline. */
nsec_t agent_peers_tick(struct agent_peers *all, nsec_t now);

/* Every connection of a session that is over is closed. */
bool agent_peers_are_closed(const struct agent_peers *all);

/* Says what waits to be said; and ends the session of one and begins another: peer_receive.c. */
void agent_peers_pump(struct agent_peers *all, nsec_t now);
void agent_peer_begin_again(struct agent_peer *p, nsec_t now);

/* Tells all peers something and does what they ask for in turn. */
void agent_peers_notify(struct agent_peers *all, enum bgp_note note, nsec_t now);

/*
 * While the node is drained, ends each session whose router has let go of all our routes, with a
 * Cease that says why (RFC 9003); and begins them again. Returns when to look again.
 */
nsec_t agent_peers_drain(struct agent_peers *all, bool drained, nsec_t now);

/* Another picture of the node: who can be reached again is dialled at once. */
void agent_peers_node(struct agent_peers *all, const struct plan_node *node, nsec_t now);
/* The kernel has learned of some neighbour: who did not answer is dialled, once a second at most.
 */
void agent_peers_neighbours(struct agent_peers *all, nsec_t now);

/* What the peers confirm, for the plan: sorted, in the arena; lists of prefixes until a peer
 * changes. */
void agent_peers_actual(const struct agent_peers *all, struct arena *arena,
			const struct plan_actual_peer **ret, size_t *ret_n);
