// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The frame round every BGP message (RFC 4271 4.1, 6.1) and the two messages that hardly have a
 * body: KEEPALIVE and ROUTE-REFRESH (RFC 2918, 7313). OPEN, NOTIFICATION and UPDATE have files of
 * their own. Decoders are pure: they yield views into the input and allocate nothing. Encoders
 * write one whole message or nothing.
 */
#pragma once

#include "base/cursor.h"
#include "base/mem.h"
#include "bgp/bgp_error.h"
#include "bgp/bgp_wire.h"

enum bgp_frame_status {
	BGP_FRAME_MORE,    /* not a whole message yet, and nothing wrong so far */
	BGP_FRAME_MESSAGE, /* *ret is filled */
	BGP_FRAME_ERROR,   /* *ret_error is the NOTIFICATION to send */
};

struct bgp_frame {
	enum bgp_message_type type;
	struct rcur body; /* borrowed from the input */
	size_t len;       /* of the whole message: what to consume */
};

/*
 * Looks at the first message in buf. max_len is BGP_MESSAGE_MAX, or BGP_MESSAGE_MAX_EXTENDED once
 * that was negotiated (OPEN and KEEPALIVE are held to their own limits regardless, RFC 8654 4).
 * Errors: 1/1 marker, 1/2 length impossible for the type (data: the length), 1/3 unknown type
 * (data: the type). An error is reported as soon as the octets that prove it are there; what is not
 * yet there is never read.
 */
enum bgp_frame_status bgp_header_parse(const uint8_t *buf, size_t len, size_t max_len,
				       struct bgp_frame *ret,
				       struct bgp_error *ret_error) must_check;

/* Counts a whole message that bgp_header_parse() takes, or an encoder wrote; returns its length. */
struct bgp_messages;
size_t bgp_message_count(struct bgp_messages *to, const uint8_t *message);
struct bgp_counters;
void bgp_counters_add(struct bgp_counters *to, const struct bgp_counters *n);

/*
 * For encoders: starts a message of a type in a cursor and, when its body was written, ends it:
 * patches the length and returns it, or 0 if the cursor failed.
 */
void bgp_message_start(struct wcur *w, enum bgp_message_type type);
size_t bgp_message_end(struct wcur *w);

/* Writes a KEEPALIVE (19 octets); 0 if cap is too small. */
size_t bgp_keepalive_encode(uint8_t *buf, size_t cap);

enum bgp_refresh_subtype { /* RFC 7313 3.2 */
			   BGP_REFRESH_REQUEST = 0,
			   BGP_REFRESH_BEGIN = 1, /* BoRR */
			   BGP_REFRESH_END = 2,   /* EoRR */
};

struct bgp_route_refresh {
	uint16_t afi;
	uint8_t subtype; /* enum bgp_refresh_subtype; others are to be ignored (RFC 7313 5) */
	uint8_t safi;
};

/*
 * Decodes a ROUTE-REFRESH. False: 7/1 in *ret_error, a body of another length than four octets for
 * BoRR and EoRR (RFC 7313 5). A longer request would carry ORF entries (RFC 5291), which we never
 * negotiate: the entries are ignored, the request counts.
 */
bool bgp_route_refresh_decode(struct rcur body, struct bgp_route_refresh *ret,
			      struct bgp_error *ret_error) must_check;
/* Writes one (23 octets); 0 if cap is too small. */
size_t bgp_route_refresh_encode(uint8_t *buf, size_t cap, const struct bgp_route_refresh *r);
