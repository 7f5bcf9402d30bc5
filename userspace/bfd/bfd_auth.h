// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Authentication of control packets (RFC 5880 4.2 to 4.4, 6.7): a password in the clear, or a
 * digest over packet and key with a sequence number against replay. The digests are libnettle's.
 */
#pragma once

#include "bfd/bfd_packet.h"

#define BFD_AUTH_KEY_MAX 20 /* octets; 16 for a password and for MD5 */

/* RFC 5880 4.1, as on the wire. A meticulous one takes each sequence number once. */
enum bfd_auth_type {
	BFD_AUTH_NONE,
	BFD_AUTH_SIMPLE,
	BFD_AUTH_MD5,
	BFD_AUTH_METICULOUS_MD5,
	BFD_AUTH_SHA1,
	BFD_AUTH_METICULOUS_SHA1,
};
const char *bfd_auth_text(enum bfd_auth_type type); /* "none", "simple", "keyed-md5", ... */

struct bfd_auth_key {
	enum bfd_auth_type type;
	uint8_t id, len;               /* len 1.. bfd_auth_key_max(type) */
	uint8_t key[BFD_AUTH_KEY_MAX]; /* zero behind len */
};

static inline bool bfd_auth_key_same(const struct bfd_auth_key *a, const struct bfd_auth_key *b)
{
	return a->type == b->type && a->id == b->id && a->len == b->len &&
	       memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* The longest key of a type, in octets; 0 for BFD_AUTH_NONE. */
size_t bfd_auth_key_max(enum bfd_auth_type type);

/* Sequence numbers (RFC 5880 6.8.1): what was sent last, what was taken last if it is known. */
struct bfd_auth_state {
	uint32_t sent, received;
	bool is_known;
};

/* The length of the section that bfd_auth_write() appends, 0 without a key. */
size_t bfd_auth_len(const struct bfd_auth_key *key);

/*
 * Appends the section to the BFD_PACKET_BYTES of an encoded packet in buf, whose Length counts it
 * already, under the next sequence number.
 */
void bfd_auth_write(const struct bfd_auth_key *key, struct bfd_auth_state *state,
		    uint8_t buf[BFD_PACKET_MAX]);

/*
 * True if the packet is the key's owner's and none of before: BFD_ACCEPTED, and the sequence number
 * is noted. Else BFD_REJECT_AUTH_..., and nothing has changed. detect_mult is the session's own
 * (the window of RFC 5880 6.7.3 is three times as many packets).
 */
enum bfd_reject bfd_auth_check(const struct bfd_auth_key *key, struct bfd_auth_state *state,
			       uint8_t detect_mult, const struct bfd_packet *p) must_check;
