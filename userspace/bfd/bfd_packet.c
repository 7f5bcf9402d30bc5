// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The codec of control packets. Octet 1 holds the state in its two high bits, then P, F, C, A, D
 * and M.
 */
#include "bfd/bfd_packet.h"

#include "base/cursor.h"

#include <assert.h>

enum {
	FLAG_MULTIPOINT = 1 << 0,
	FLAG_DEMAND = 1 << 1,
	FLAG_AUTH = 1 << 2,
	FLAG_INDEPENDENT = 1 << 3,
	FLAG_FINAL = 1 << 4,
	FLAG_POLL = 1 << 5,
};

#define STATE_SHIFT   6
#define VERSION_SHIFT 5
#define DIAG_MASK     0x1f
#define AUTH_MIN      2 /* type and length of an authentication section */

const char *bfd_state_text(enum bfd_state s)
{
	static const char *const text[] = {"AdminDown", "Down", "Init", "Up"};

	assert(s <= BFD_UP);
	return text[s];
}

const char *bfd_diag_text(uint8_t diag)
{
	static const char *const text[] = {
		[BFD_DIAG_NONE] = "none",
		[BFD_DIAG_EXPIRED] = "detection time expired",
		[BFD_DIAG_ECHO_FAILED] = "echo failed",
		[BFD_DIAG_NEIGHBOUR_DOWN] = "neighbour signalled down",
		[BFD_DIAG_FORWARDING_RESET] = "forwarding plane reset",
		[BFD_DIAG_PATH_DOWN] = "path down",
		[BFD_DIAG_CONCATENATED_DOWN] = "concatenated path down",
		[BFD_DIAG_ADMIN_DOWN] = "administratively down",
		[BFD_DIAG_REVERSE_DOWN] = "reverse concatenated path down",
	};

	return diag < ARRAY_SIZE(text) ? text[diag] : "unassigned";
}

const char *bfd_reject_text(enum bfd_reject r)
{
	static const char *const text[] = {
		[BFD_ACCEPTED] = "accepted",
		[BFD_REJECT_SHORT] = "short",
		[BFD_REJECT_VERSION] = "version",
		[BFD_REJECT_LENGTH] = "length",
		[BFD_REJECT_MULTIPLIER] = "multiplier 0",
		[BFD_REJECT_MULTIPOINT] = "multipoint",
		[BFD_REJECT_MY_DISCRIMINATOR] = "my discriminator 0",
		[BFD_REJECT_STATE] = "state without your discriminator",
		[BFD_REJECT_UNKNOWN] = "unknown discriminator",
		[BFD_REJECT_NO_SESSION] = "no session with the source",
		[BFD_REJECT_PORT] = "port",
		[BFD_REJECT_SOURCE] = "source address",
		[BFD_REJECT_INTERFACE] = "interface",
		[BFD_REJECT_TTL] = "TTL",
		[BFD_REJECT_ADMIN_DOWN] = "administratively down",
		[BFD_REJECT_AUTH_UNEXPECTED] = "unexpected authentication",
		[BFD_REJECT_AUTH_MISSING] = "no authentication",
		[BFD_REJECT_AUTH_TYPE] = "authentication type",
		[BFD_REJECT_AUTH_LENGTH] = "authentication length",
		[BFD_REJECT_AUTH_KEY] = "authentication key id",
		[BFD_REJECT_AUTH_SEQUENCE] = "authentication sequence",
		[BFD_REJECT_AUTH_DIGEST] = "authentication digest",
	};

	_Static_assert(ARRAY_SIZE(text) == BFD_N_REJECTS, "a text for each");
	assert(r < BFD_N_REJECTS);
	return text[r];
}

/* The checks of RFC 5880 6.8.6 on what was read, in its order. */
static enum bfd_reject check(const struct bfd_packet *p, size_t came, uint8_t version,
			     bool is_multipoint)
{
	if (version != BFD_VERSION)
		return BFD_REJECT_VERSION;
	if (p->len < BFD_PACKET_BYTES + (p->has_auth ? AUTH_MIN : 0) || p->len > came)
		return BFD_REJECT_LENGTH;
	if (p->detect_mult == 0)
		return BFD_REJECT_MULTIPLIER;
	if (is_multipoint)
		return BFD_REJECT_MULTIPOINT;
	if (p->my_discriminator == 0)
		return BFD_REJECT_MY_DISCRIMINATOR;
	if (p->your_discriminator == 0 && p->state != BFD_DOWN && p->state != BFD_ADMIN_DOWN)
		return BFD_REJECT_STATE;
	return BFD_ACCEPTED;
}

enum bfd_reject bfd_packet_parse(const uint8_t *data, size_t len, struct bfd_packet *ret)
{
	struct rcur c = rcur_init(data, len);
	uint8_t first = rcur_u8(&c), flags = rcur_u8(&c);
	struct bfd_packet p = {
		.data = data,
		.diag = first & DIAG_MASK,
		.state = (enum bfd_state)(flags >> STATE_SHIFT),
		.poll = flags & FLAG_POLL,
		.final = flags & FLAG_FINAL,
		.independent = flags & FLAG_INDEPENDENT,
		.has_auth = flags & FLAG_AUTH,
		.demand = flags & FLAG_DEMAND,
	};
	enum bfd_reject reject;

	p.detect_mult = rcur_u8(&c);
	p.len = rcur_u8(&c);
	p.my_discriminator = rcur_u32(&c);
	p.your_discriminator = rcur_u32(&c);
	p.min_tx_us = rcur_u32(&c);
	p.min_rx_us = rcur_u32(&c);
	p.min_echo_rx_us = rcur_u32(&c);
	if (c.failed)
		return BFD_REJECT_SHORT;
	reject = check(&p, len, first >> VERSION_SHIFT, flags & FLAG_MULTIPOINT);
	if (reject == BFD_ACCEPTED)
		*ret = p;
	return reject;
}

void bfd_packet_encode(uint8_t buf[BFD_PACKET_BYTES], const struct bfd_packet *p, size_t auth_len)
{
	struct wcur w = wcur_init(buf, BFD_PACKET_BYTES);

	/* RFC 5880 6.5: P and F never in one packet. */
	assert(!p->poll || !p->final);
	assert(p->has_auth == (auth_len > 0));
	assert(BFD_PACKET_BYTES + auth_len <= BFD_PACKET_MAX);
	assert(p->my_discriminator != 0);
	assert(p->detect_mult != 0);
	wcur_u8(&w, (uint8_t)(BFD_VERSION << VERSION_SHIFT | (p->diag & DIAG_MASK)));
	wcur_u8(&w,
		(uint8_t)((unsigned)p->state << STATE_SHIFT | (p->poll ? FLAG_POLL : 0u) |
			  (p->final ? FLAG_FINAL : 0u) | (p->independent ? FLAG_INDEPENDENT : 0u) |
			  (p->has_auth ? FLAG_AUTH : 0u) | (p->demand ? FLAG_DEMAND : 0u)));
	wcur_u8(&w, p->detect_mult);
	wcur_u8(&w, (uint8_t)(BFD_PACKET_BYTES + auth_len));
	wcur_u32(&w, p->my_discriminator);
	wcur_u32(&w, p->your_discriminator);
	wcur_u32(&w, p->min_tx_us);
	wcur_u32(&w, p->min_rx_us);
	wcur_u32(&w, p->min_echo_rx_us);
	assert(!w.failed);
}
