// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the files that drive the BGP peers share: peers.c says what follows from what, peer_link.c
 * has the sockets.
 */
#pragma once

#include "agent/peers.h"
#include "agent/receiving.h"

/* Read of one socket in one turn of the loop; whole messages encoded at a time. */
#define PEERS_SCRATCH_BYTES (64u << 10)

#define PEERS_SILENT_NS (3 * NSEC_PER_SEC) /* so long without an answer, and it is told why */
/* So long without an OPEN, and it is given up if there is a reason to think that none will come. */
#define PEERS_UNHEARD_NS (15 * NSEC_PER_SEC)

/*
 * Does what the protocol object asks for until it asks for nothing more, and writes what it has to
 * say: after every input.
 */
void peer_pump(struct agent_peer *p, nsec_t now);

/* The kernel has not taken all that was to be written to it yet. */
bool peer_has_tail(const struct agent_peer *p);

/*
 * The node only looks on from now on, or does so no longer: no session is begun meanwhile. One that
 * there is ends with a Cease, as the router is to forget its routes: whoever announces instead may
 * serve others.
 */
void peers_hold(struct agent_peers *all, bool holds, nsec_t now);

/* Does not wait for the next attempt any longer, if it is to have a session. */
void peer_nudge(struct agent_peer *p, nsec_t now, const char *why);

/* Begins a connection attempt; what fails at once is told the object. */
void link_dial(struct peer_link *l, nsec_t now);
/* What is told of an attempt that has had no answer for long; NULL: it is not one, or was told. */
const char *link_silence(struct peer_link *l, nsec_t now);
/* Why no OPEN will be heard on it, where that is known after a while; NULL: it is waited for. */
const char *link_unheard(struct peer_link *l, nsec_t now);
/* When there is something of this. */
nsec_t link_silence_deadline(const struct peer_link *l);
/* Takes a connection that came in and that the object has agreed to; the fd is the link's. */
void link_accepted(struct peer_link *l, int fd, nsec_t now);
/* Signs with another password from now on, or with none. False: the kernel refuses. */
bool link_rekey(struct peer_link *l, const struct plan_peer *to) must_check;
/* Tells the object what next hops there are now. */
void link_set_next_hops(struct peer_link *l);
/* Takes what lies in the socket, before a timer says that nothing came. */
void link_hear(struct peer_link *l, nsec_t now);
/* Encodes and writes until the peer has nothing to say or the kernel takes no more. */
void link_flush(struct peer_link *l, nsec_t now);
/* Closes a connection behind what is still to be said on it. */
void link_end(struct peer_link *l, nsec_t now);
/* Loses it, for a reason that no socket tells; without a connection nothing happens. */
void link_drop(struct peer_link *l, nsec_t now, const char *why);
/* Closes it as it is. */
void link_close(struct peer_link *l);
