// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sections: simple is {type, length, key id, password}; the others {type, length, key id, 0,
 * sequence number, digest}. A digest is taken over the whole packet with the key, padded with
 * zeros, in its place (RFC 5880 6.7.3, 6.7.4).
 */
#include "bfd/bfd_auth.h"

#include "base/cursor.h"

#include <assert.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>

#define SIMPLE_HEADER 3
#define DIGEST_HEADER 8

/* What is behind the header. */
static size_t digest_len(enum bfd_auth_type type)
{
	return type == BFD_AUTH_MD5 || type == BFD_AUTH_METICULOUS_MD5 ? MD5_DIGEST_SIZE
								       : SHA1_DIGEST_SIZE;
}

static bool is_meticulous(enum bfd_auth_type type)
{
	return type == BFD_AUTH_METICULOUS_MD5 || type == BFD_AUTH_METICULOUS_SHA1;
}

const char *bfd_auth_text(enum bfd_auth_type type)
{
	static const char *const text[] = {"none",       "simple",
					   "keyed-md5",  "meticulous-keyed-md5",
					   "keyed-sha1", "meticulous-keyed-sha1"};

	assert(type <= BFD_AUTH_METICULOUS_SHA1);
	return text[type];
}

size_t bfd_auth_key_max(enum bfd_auth_type type)
{
	if (type == BFD_AUTH_NONE)
		return 0;
	return type == BFD_AUTH_SIMPLE ? 16 : digest_len(type);
}

size_t bfd_auth_len(const struct bfd_auth_key *key)
{
	if (key->type == BFD_AUTH_NONE)
		return 0;
	if (key->type == BFD_AUTH_SIMPLE)
		return SIMPLE_HEADER + (size_t)key->len;
	return DIGEST_HEADER + digest_len(key->type);
}

/* Over len octets of a packet that holds the key where the digest is to stand. */
static void digest(enum bfd_auth_type type, const uint8_t *packet, size_t len,
		   uint8_t ret[SHA1_DIGEST_SIZE])
{
	if (digest_len(type) == MD5_DIGEST_SIZE) {
		struct md5_ctx ctx;

		md5_init(&ctx);
		md5_update(&ctx, len, packet);
		md5_digest(&ctx, MD5_DIGEST_SIZE, ret);
	} else {
		struct sha1_ctx ctx;

		sha1_init(&ctx);
		sha1_update(&ctx, len, packet);
		sha1_digest(&ctx, SHA1_DIGEST_SIZE, ret);
	}
}

void bfd_auth_write(const struct bfd_auth_key *key, struct bfd_auth_state *state,
		    uint8_t buf[BFD_PACKET_MAX])
{
	size_t len = bfd_auth_len(key);
	struct wcur w = wcur_init(buf + BFD_PACKET_BYTES, len);
	uint8_t made[SHA1_DIGEST_SIZE];

	assert(len > 0);
	assert(key->len > 0 && key->len <= bfd_auth_key_max(key->type));
	assert(buf[3] == BFD_PACKET_BYTES + len);
	wcur_u8(&w, (uint8_t)key->type);
	wcur_u8(&w, (uint8_t)len);
	wcur_u8(&w, key->id);
	if (key->type == BFD_AUTH_SIMPLE) {
		wcur_bytes(&w, key->key, key->len);
		return;
	}
	wcur_u8(&w, 0);
	wcur_u32(&w, ++state->sent);
	wcur_bytes(&w, key->key, digest_len(key->type));
	assert(!w.failed);
	digest(key->type, buf, BFD_PACKET_BYTES + len, made);
	memcpy(buf + BFD_PACKET_BYTES + DIGEST_HEADER, made, digest_len(key->type));
}

/* RFC 5880 6.7.3: within the window ahead of the last one, which counts in a circle. */
static bool is_in_sequence(const struct bfd_auth_key *key, const struct bfd_auth_state *state,
			   uint8_t detect_mult, uint32_t sequence)
{
	uint32_t ahead = sequence - state->received;

	if (!state->is_known)
		return true;
	return ahead >= (is_meticulous(key->type) ? 1u : 0u) && ahead <= 3u * detect_mult;
}

static bool is_made_with(const struct bfd_auth_key *key, const struct bfd_packet *p)
{
	size_t n = digest_len(key->type), at = BFD_PACKET_BYTES + DIGEST_HEADER;
	uint8_t copy[BFD_PACKET_MAX], made[SHA1_DIGEST_SIZE];

	assert(p->len == at + n);
	memcpy(copy, p->data, p->len);
	memcpy(copy + at, key->key, n);
	digest(key->type, copy, p->len, made);
	return memeql_sec(made, p->data + at, n);
}

enum bfd_reject bfd_auth_check(const struct bfd_auth_key *key, struct bfd_auth_state *state,
			       uint8_t detect_mult, const struct bfd_packet *p)
{
	struct rcur c = rcur_init(p->data + BFD_PACKET_BYTES, p->len - BFD_PACKET_BYTES);
	uint8_t type, len, id;
	uint32_t sequence;

	if (p->has_auth != (key->type != BFD_AUTH_NONE))
		return p->has_auth ? BFD_REJECT_AUTH_UNEXPECTED : BFD_REJECT_AUTH_MISSING;
	if (!p->has_auth)
		return BFD_ACCEPTED;
	type = rcur_u8(&c);
	len = rcur_u8(&c);
	if (type != key->type)
		return BFD_REJECT_AUTH_TYPE;
	/* The packet ends with the section: a digest covers all of it. */
	if (len != bfd_auth_len(key) || p->len != BFD_PACKET_BYTES + (size_t)len)
		return BFD_REJECT_AUTH_LENGTH;
	id = rcur_u8(&c);
	if (id != key->id)
		return BFD_REJECT_AUTH_KEY;
	if (type == BFD_AUTH_SIMPLE)
		return memeql_sec(rcur_bytes(&c, key->len), key->key, key->len)
			       ? BFD_ACCEPTED
			       : BFD_REJECT_AUTH_DIGEST;
	(void)rcur_u8(&c); /* reserved: ignored on receipt */
	sequence = rcur_u32(&c);
	if (!is_in_sequence(key, state, detect_mult, sequence))
		return BFD_REJECT_AUTH_SEQUENCE;
	if (!is_made_with(key, p))
		return BFD_REJECT_AUTH_DIGEST;
	state->received = sequence;
	state->is_known = true;
	return BFD_ACCEPTED;
}
