// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The way of one session's echo packets (RFC 5881 4): UDP from us to ourselves, in frames to the
 * peer. No route of the kernel's leads to oneself by another, and it takes no packet from outside
 * that has an address of its own as source; so frames are sent and read, by a packet socket on the
 * peer's interface. A filter in the kernel leaves two kinds: echo packets with our discriminator,
 * and the session's control packets, which say which link-layer address the peer has.
 *
 * Nobody is woken by it: what came is read when the session is seen to.
 */
#pragma once

#include "bfd/bfd_session.h"

struct bfd_echo_way {
	int fd;    /* owned; -1: not open */
	int error; /* -errno of the last attempt; 0: none */
	uint32_t ifindex;
	struct ip_addr local;
	uint8_t mac[8]; /* the peer's; all zero: not known yet */
	nsec_t read_at; /* it was empty then */
};

void bfd_echo_way_init(struct bfd_echo_way *w);
void bfd_echo_way_close(struct bfd_echo_way *w);
/* Open for s, between local, which is not none, and s->config.peer on s->heard_on; as it is, if it
 * is so already. Needs CAP_NET_RAW. */
void bfd_echo_way_open(struct bfd_echo_way *w, const struct bfd_session *s,
		       const struct ip_addr *local);
/* A payload that is to be sent. Without the peer's link-layer address nothing is. */
void bfd_echo_way_send(struct bfd_echo_way *w, const uint8_t payload[BFD_ECHO_BYTES]);
/* Gives the session all that came back until now. */
void bfd_echo_way_read(struct bfd_echo_way *w, struct bfd_session *s);
