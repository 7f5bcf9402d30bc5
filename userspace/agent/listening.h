// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sockets that listen for routers that dial: one a family and VRF, on port 179 of every address,
 * only while a peer of that family there asks for it (other speakers of the node may want the
 * port). What arrives in a VRF comes to the socket that is bound to it, and to no other. Each
 * peer's MD5 key is on the socket before the router's SYN comes. Whoever is no such peer is closed
 * at once, and of a peer there is one connection at most, so however many come, no more than that
 * is held.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_peers;
struct loop_fd;

#define LISTENING_RETRY_NS (5 * NSEC_PER_SEC) /* after the port was somebody else's */

struct listener {
	struct agent_peers *all; /* borrowed */
	enum ip_family family;
	char vrf[16]; /* "": none */
	int fd;       /* -1: none */
	struct loop_fd *watch;
	uint64_t made_for; /* hash of the peers it listens for; 0: none */
	int error;         /* -errno why it does not listen; 0 */
	nsec_t retry_at;   /* NSEC_NEVER: nothing to try */
};
struct listening {
	uint16_t port;
	struct listener of[IP_N_FAMILIES]; /* in no VRF */
	struct listener **in_vrfs;         /* owned, each */
	size_t n_in_vrfs, cap_in_vrfs;
	uint64_t accepted, refused; /* connections */
};

void listening_init(struct agent_peers *all);
/* Brings the sockets to what the peers ask for; after every change of them. */
void listening_apply(struct agent_peers *all, nsec_t now);
/* Tries again what failed; returns when that is due. */
nsec_t listening_tick(struct agent_peers *all, nsec_t now);
/* The i-th of all sockets, open or not; NULL: there are no more. */
const struct listener *listening_at(const struct listening *l, size_t i);
void listening_done(struct agent_peers *all);
