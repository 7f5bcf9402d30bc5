// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFD control packets (RFC 5880 4.1): 24 octets of UDP payload, and an authentication section if
 * the A bit says so. Parsing makes the checks of RFC 5880 6.8.6 that need nothing but the packet,
 * in the order of the RFC; what needs the session is checked by bfd_set.c and bfd_session.c. Every
 * reason to refuse a packet is in one enum, so that each can be counted and named by itself.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFD_VERSION      1
#define BFD_PACKET_BYTES 24
#define BFD_PACKET_MAX   (BFD_PACKET_BYTES + 28) /* with a SHA1 section, the longest there is */

/* RFC 5880 4.1, as on the wire */
enum bfd_state { BFD_ADMIN_DOWN, BFD_DOWN, BFD_INIT, BFD_UP };
const char *bfd_state_text(enum bfd_state s); /* "AdminDown", "Down", "Init", "Up" */

/* RFC 5880 4.1: why a session changed its state, as on the wire. Others than these may arrive. */
enum bfd_diag {
	BFD_DIAG_NONE,
	BFD_DIAG_EXPIRED,
	BFD_DIAG_ECHO_FAILED,
	BFD_DIAG_NEIGHBOUR_DOWN,
	BFD_DIAG_FORWARDING_RESET,
	BFD_DIAG_PATH_DOWN,
	BFD_DIAG_CONCATENATED_DOWN,
	BFD_DIAG_ADMIN_DOWN,
	BFD_DIAG_REVERSE_DOWN,
};
const char *bfd_diag_text(uint8_t diag); /* "detection time expired", ...; never NULL */

/* Why a packet was not taken; in the order of the checks. */
enum bfd_reject {
	BFD_ACCEPTED,
	BFD_REJECT_SHORT,            /* fewer than 24 octets came */
	BFD_REJECT_VERSION,          /* not 1 */
	BFD_REJECT_LENGTH,           /* below the minimum, or more than came */
	BFD_REJECT_MULTIPLIER,       /* 0 */
	BFD_REJECT_MULTIPOINT,       /* the M bit */
	BFD_REJECT_MY_DISCRIMINATOR, /* 0 */
	BFD_REJECT_STATE,            /* no Your Discriminator, and neither Down nor AdminDown */
	BFD_REJECT_UNKNOWN,          /* nobody has this Your Discriminator */
	BFD_REJECT_NO_SESSION,       /* none is with this source, and Your Discriminator is 0 */
	BFD_REJECT_PORT,             /* multihop to a single-hop session, or the reverse */
	BFD_REJECT_SOURCE,           /* from another address than the session's peer */
	BFD_REJECT_INTERFACE,        /* by another interface than the session's */
	BFD_REJECT_TTL,              /* not 255 on a single hop, below the minimum on many */
	BFD_REJECT_ADMIN_DOWN,       /* we are AdminDown */
	BFD_REJECT_AUTH_UNEXPECTED,  /* the A bit, and the session has no key */
	BFD_REJECT_AUTH_MISSING,     /* no A bit, and the session has one */
	BFD_REJECT_AUTH_TYPE,        /* of another type than the session's */
	BFD_REJECT_AUTH_LENGTH,      /* not the length of its type */
	BFD_REJECT_AUTH_KEY,         /* of another key id */
	BFD_REJECT_AUTH_SEQUENCE,    /* seen before, or too far ahead */
	BFD_REJECT_AUTH_DIGEST,      /* made with another key */
	BFD_N_REJECTS,
};
const char *bfd_reject_text(enum bfd_reject r); /* "version", ...: one or a few words */

struct bfd_packet {
	uint8_t diag;
	enum bfd_state state;
	bool poll, final, independent, has_auth, demand;
	uint8_t detect_mult;                           /* not 0 */
	uint32_t my_discriminator, your_discriminator; /* the first is not 0 */
	uint32_t min_tx_us, min_rx_us, min_echo_rx_us; /* microseconds */
	const uint8_t *data; /* borrowed: the packet as it came, `len` octets by its Length field */
	size_t len;
};

/*
 * Reads the payload of a datagram; what lies behind the packet's own length is not looked at.
 * BFD_ACCEPTED: *ret is filled and borrows from data. Else a reason of BFD_REJECT_SHORT up to
 * BFD_REJECT_STATE, and *ret is untouched.
 */
enum bfd_reject bfd_packet_parse(const uint8_t *data, size_t len,
				 struct bfd_packet *ret) must_check;

/*
 * Writes the 24 octets of p, whose Length says that auth_len octets follow; has_auth must be set if
 * these are not 0. `data` and `len` of p are not read.
 */
void bfd_packet_encode(uint8_t buf[BFD_PACKET_BYTES], const struct bfd_packet *p, size_t auth_len);
