// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes the framing and all bodies: a stream of octets is cut into messages as a connection does
 * it, and each is decoded. The first octet chooses what the session has negotiated. Besides memory
 * safety it demands that views lie within the input, that each error is a NOTIFICATION that can be
 * sent, and that an OPEN that was decoded survives encoding and decoding.
 */
#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_update.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct bgp_error *e)
{
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_frame frame;
	struct bgp_error again, unused;
	size_t len = bgp_notification_encode(buf, sizeof(buf), e);

	assert(e->code >= BGP_ERROR_HEADER && e->code <= BGP_ERROR_SEND_HOLD_TIMER);
	assert(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &unused) == BGP_FRAME_MESSAGE);
	assert(bgp_notification_decode(frame.body, &again));
	assert(again.code == e->code && again.subcode == e->subcode);
	assert(again.data_len == e->data_len);
}

static void check_open(struct rcur body)
{
	static const struct bgp_open_expect expect = {
		.local_asn = 65000,
		.any_external = true,
		.families = {BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1}};
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_open open, again;
	struct bgp_error error;
	struct bgp_frame frame;
	size_t len;

	if (!bgp_open_decode(body, &open, &error)) {
		check_error(&error);
		return;
	}
	if (!bgp_open_validate(&open, &expect, &error)) {
		check_error(&error);
		return;
	}
	len = bgp_open_encode(buf, sizeof(buf), &open);
	assert(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error) == BGP_FRAME_MESSAGE);
	assert(bgp_open_decode(frame.body, &again, &error));
	assert(again.asn == open.asn && again.hold_s == open.hold_s);
	assert(again.router_id == open.router_id);
	assert(again.gr.present == open.gr.present && again.gr.time_s == open.gr.time_s);
	assert(bgp_families_equal(again.families, open.families));
	assert(bgp_families_equal(again.gr.families, open.gr.families));
	assert(bgp_families_equal(again.gr.forwarding, open.gr.forwarding));
	assert(again.route_refresh == open.route_refresh && again.role == open.role);
	assert(again.extended_next_hop == open.extended_next_hop);
}

static void check_notification(struct rcur body)
{
	char text[BGP_SHUTDOWN_TEXT];
	struct bgp_error e;

	assert(bgp_notification_decode(body, &e)); /* the header's length check suffices */
	assert(bgp_notification_text(e.code, e.subcode));
	if (bgp_shutdown_text(&e, text))
		assert(strlen(text) < sizeof(text));
}

static void check_route_refresh(struct rcur body)
{
	struct bgp_route_refresh r;
	struct bgp_error error;

	if (!bgp_route_refresh_decode(body, &r, &error))
		check_error(&error);
}

static void check_update(struct rcur body, uint8_t flags)
{
	struct bgp_update_session s = {.local_asn = 65000,
				       .as4 = flags & 2,
				       .is_ibgp = flags & 4,
				       .families = {(flags >> 3) & 3}};
	struct bgp_update u;
	struct bgp_error error;

	if (bgp_update_decode(body, &s, &u, &error) == BGP_UPDATE_RESET)
		check_error(&error);
}

static void check_message(const struct bgp_frame *frame, uint8_t flags)
{
	switch (frame->type) {
	case BGP_OPEN:
		check_open(frame->body);
		break;
	case BGP_UPDATE:
		check_update(frame->body, flags);
		break;
	case BGP_NOTIFICATION:
		check_notification(frame->body);
		break;
	case BGP_KEEPALIVE:
		assert(rcur_left(&frame->body) == 0);
		break;
	case BGP_ROUTE_REFRESH:
		check_route_refresh(frame->body);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t flags;
	size_t max;

	if (size == 0)
		return 0;
	flags = *data++;
	size--;
	max = flags & 1 ? BGP_MESSAGE_MAX_EXTENDED : BGP_MESSAGE_MAX;
	for (;;) {
		struct bgp_frame frame;
		struct bgp_error error;

		switch (bgp_header_parse(data, size, max, &frame, &error)) {
		case BGP_FRAME_MORE:
			return 0;
		case BGP_FRAME_ERROR:
			check_error(&error);
			return 0;
		case BGP_FRAME_MESSAGE:
			break;
		}
		assert(frame.len >= BGP_HEADER_LEN && frame.len <= size);
		assert(frame.body.end == data + frame.len);
		check_message(&frame, flags);
		data += frame.len;
		size -= frame.len;
	}
}
