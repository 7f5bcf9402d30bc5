// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The frame of messages, KEEPALIVE and ROUTE-REFRESH.
 *
 * The header check is one table of lengths by type (RFC 4271 4.2-4.5, 6.1; RFC 8654 4). It looks at
 * what has arrived in the order of the octets, marker, length, type, so that garbage from a peer
 * that does not speak BGP ends the connection at its first octet instead of waiting for a length
 * that will never come. ROUTE-REFRESH has no lower bound here: a wrong length of it is an error of
 * its own (7/1, RFC 7313 5), which needs the body.
 */
#include "bgp/bgp_msg.h"

#include "base/mem.h"
#include "bgp/bgp_peer.h"

#include <assert.h>

#define LENGTH_OFFSET 16
#define TYPE_OFFSET   18

/* Octets of a whole message of the type; max 0: what the session allows. */
static const struct {
	uint16_t min, max;
} length_of_type[] = {
	[BGP_OPEN] = {29, BGP_MESSAGE_MAX},
	[BGP_UPDATE] = {23, 0},
	[BGP_NOTIFICATION] = {21, 0},
	[BGP_KEEPALIVE] = {BGP_HEADER_LEN, BGP_HEADER_LEN},
	[BGP_ROUTE_REFRESH] = {BGP_HEADER_LEN, 0},
};

static bool marker_is_good(const uint8_t *buf, size_t len)
{
	size_t n = len < BGP_MARKER_LEN ? len : BGP_MARKER_LEN;

	for (size_t i = 0; i < n; i++)
		if (buf[i] != 0xff)
			return false;
	return true;
}

static bool length_suits_type(size_t total, uint8_t type)
{
	assert(type < ARRAY_SIZE(length_of_type));
	size_t max = length_of_type[type].max;

	return total >= length_of_type[type].min && (max == 0 || total <= max);
}

enum bgp_frame_status bgp_header_parse(const uint8_t *buf, size_t len, size_t max_len,
				       struct bgp_frame *ret, struct bgp_error *ret_error)
{
	size_t total;
	uint8_t type;

	assert(max_len >= BGP_MESSAGE_MAX && max_len <= BGP_MESSAGE_MAX_EXTENDED);
	if (!marker_is_good(buf, len)) {
		*ret_error = bgp_error_make(BGP_ERROR_HEADER, BGP_HEADER_NOT_SYNCHRONIZED);
		return BGP_FRAME_ERROR;
	}
	if (len < TYPE_OFFSET)
		return BGP_FRAME_MORE;
	total = (size_t)buf[LENGTH_OFFSET] << 8 | buf[LENGTH_OFFSET + 1];
	if (total < BGP_HEADER_LEN || total > max_len)
		goto bad_length;
	if (len < BGP_HEADER_LEN)
		return BGP_FRAME_MORE;
	type = buf[TYPE_OFFSET];
	if (type >= ARRAY_SIZE(length_of_type) || length_of_type[type].min == 0) {
		*ret_error = bgp_error_with(BGP_ERROR_HEADER, BGP_HEADER_BAD_TYPE, &type, 1);
		return BGP_FRAME_ERROR;
	}
	if (!length_suits_type(total, type))
		goto bad_length;
	if (len < total)
		return BGP_FRAME_MORE;
	assert(total <= max_len);
	*ret = (struct bgp_frame){
		.type = type,
		.body = rcur_init(buf + BGP_HEADER_LEN, total - BGP_HEADER_LEN),
		.len = total,
	};
	return BGP_FRAME_MESSAGE;

bad_length:
	*ret_error =
		bgp_error_with(BGP_ERROR_HEADER, BGP_HEADER_BAD_LENGTH, buf + LENGTH_OFFSET, 2);
	return BGP_FRAME_ERROR;
}

void bgp_message_start(struct wcur *w, enum bgp_message_type type)
{
	static const uint8_t marker[BGP_MARKER_LEN] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};

	assert(wcur_len(w) == 0);
	wcur_bytes(w, marker, sizeof(marker));
	wcur_u16(w, 0);
	wcur_u8(w, (uint8_t)type);
}

size_t bgp_message_end(struct wcur *w)
{
	size_t len = wcur_len(w);

	if (w->failed)
		return 0;
	assert(len >= BGP_HEADER_LEN && len <= BGP_MESSAGE_MAX_EXTENDED);
	wcur_patch_u16(w, LENGTH_OFFSET, (uint16_t)len);
	return len;
}

size_t bgp_message_count(struct bgp_messages *to, const uint8_t *message)
{
	uint8_t code;

	switch ((enum bgp_message_type)message[TYPE_OFFSET]) {
	case BGP_OPEN:
		to->opens++;
		break;
	case BGP_UPDATE:
		to->updates++;
		break;
	case BGP_NOTIFICATION:
		code = message[BGP_HEADER_LEN];
		to->notifications++;
		to->codes[code < BGP_ERROR_CODES ? code : 0]++;
		break;
	case BGP_KEEPALIVE:
		to->keepalives++;
		break;
	case BGP_ROUTE_REFRESH:
		to->refreshes++;
		break;
	}
	return (size_t)message[LENGTH_OFFSET] << 8 | message[LENGTH_OFFSET + 1];
}

static void add_messages(struct bgp_messages *to, const struct bgp_messages *n)
{
	to->opens += n->opens;
	to->updates += n->updates;
	to->notifications += n->notifications;
	to->keepalives += n->keepalives;
	to->refreshes += n->refreshes;
	for (size_t i = 0; i < BGP_ERROR_CODES; i++)
		to->codes[i] += n->codes[i];
}

void bgp_counters_add(struct bgp_counters *to, const struct bgp_counters *n)
{
	add_messages(&to->sent, &n->sent);
	add_messages(&to->received, &n->received);
}

size_t bgp_keepalive_encode(uint8_t *buf, size_t cap)
{
	struct wcur w = wcur_init(buf, cap);

	bgp_message_start(&w, BGP_KEEPALIVE);
	return bgp_message_end(&w);
}

/* RFC 7313 5: the data of 7/1 is the whole message, so the header is put in front again. */
static struct bgp_error refresh_length_error(struct rcur body)
{
	uint8_t message[BGP_ERROR_DATA_MAX];
	struct wcur w = wcur_init(message, sizeof(message));
	size_t left = rcur_left(&body), len;

	bgp_message_start(&w, BGP_ROUTE_REFRESH);
	wcur_patch_u16(&w, LENGTH_OFFSET, (uint16_t)(BGP_HEADER_LEN + left));
	len = left < wcur_room(&w) ? left : wcur_room(&w);
	if (len > 0)
		wcur_bytes(&w, body.at, len);
	return bgp_error_with(BGP_ERROR_ROUTE_REFRESH, BGP_ROUTE_REFRESH_BAD_LENGTH, message,
			      wcur_len(&w));
}

bool bgp_route_refresh_decode(struct rcur body, struct bgp_route_refresh *ret,
			      struct bgp_error *ret_error)
{
	struct rcur c = body;
	struct bgp_route_refresh r;

	r.afi = rcur_u16(&c);
	r.subtype = rcur_u8(&c);
	r.safi = rcur_u8(&c);
	if (c.failed || (r.subtype != BGP_REFRESH_REQUEST && rcur_left(&c) > 0)) {
		*ret_error = refresh_length_error(body);
		return false;
	}
	*ret = r;
	return true;
}

size_t bgp_route_refresh_encode(uint8_t *buf, size_t cap, const struct bgp_route_refresh *r)
{
	struct wcur w = wcur_init(buf, cap);

	bgp_message_start(&w, BGP_ROUTE_REFRESH);
	wcur_u16(&w, r->afi);
	wcur_u8(&w, r->subtype);
	wcur_u8(&w, r->safi);
	return bgp_message_end(&w);
}
