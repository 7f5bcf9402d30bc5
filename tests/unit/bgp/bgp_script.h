// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the tests of the session share: the other side's messages, made by the codec, and a text of
 * what our side sent ("OPEN KEEPALIVE", "UPDATE(+2) EOR", "NOTIFICATION 6/2"), so that expectations
 * read like the conversation. The text is made by the decoder from the very bytes, and bytes that
 * are not whole, valid messages fail the test.
 */
#pragma once

/* cmocka wants these first, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"
#include "bgp/bgp_update.h"

#define SECONDS(n) ((nsec_t)((n) * (double)NSEC_PER_SEC))
#define LOCAL_ASN  64500
#define REMOTE_ASN 64501
#define LOCAL_ID   0x0a000001
#define REMOTE_ID  0x0a000002

struct script_text {
	char s[512];
};

static inline struct bgp_peer_config script_config(void)
{
	return (struct bgp_peer_config){.local_asn = LOCAL_ASN,
					.remote_asn = REMOTE_ASN,
					.families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
					.router_id = LOCAL_ID,
					.hold_s = 90,
					.keepalive_s = 30,
					.restart_time_s = 120};
}

static inline struct bgp_open script_open(void)
{
	return (struct bgp_open){.asn = REMOTE_ASN,
				 .hold_s = 90,
				 .router_id = REMOTE_ID,
				 .has_as4 = true,
				 .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
				 .route_refresh = true};
}

static inline void text_add(struct script_text *t, const char *word)
{
	size_t len = strlen(t->s), n = strlen(word);

	assert_true(len + 1 + n < sizeof(t->s));
	if (len > 0)
		t->s[len++] = ' ';
	memcpy(t->s + len, word, n + 1);
}

static inline void text_add_message(struct script_text *t, const struct bgp_frame *f)
{
	const struct bgp_update_session session = {.local_asn = REMOTE_ASN,
						   .as4 = true,
						   .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
	struct bgp_update u;
	struct bgp_error e;
	struct bgp_open open;
	struct bgp_route_refresh r;
	char word[64] = "KEEPALIVE";

	switch (f->type) {
	case BGP_OPEN:
		assert_true(bgp_open_decode(f->body, &open, &e));
		(void)snprintf(word, sizeof(word), "OPEN");
		break;
	case BGP_UPDATE:
		assert_int_equal(bgp_update_decode(f->body, &session, &u, &e), BGP_UPDATE_OK);
		if (u.is_end_of_rib)
			(void)snprintf(word, sizeof(word), "EOR");
		else
			(void)snprintf(word, sizeof(word), "UPDATE(%c%zu)",
				       u.n_announced ? '+' : '-', u.n_announced + u.n_withdrawn);
		break;
	case BGP_NOTIFICATION:
		assert_true(bgp_notification_decode(f->body, &e));
		(void)snprintf(word, sizeof(word), "NOTIFICATION %u/%u", e.code, e.subcode);
		break;
	case BGP_KEEPALIVE:
		break;
	case BGP_ROUTE_REFRESH:
		assert_true(bgp_route_refresh_decode(f->body, &r, &e));
		(void)snprintf(word, sizeof(word), "REFRESH(%u)", r.subtype);
		break;
	}
	text_add(t, word);
}

static inline struct script_text script_text_of(const uint8_t *buf, size_t len)
{
	struct script_text t = {.s = ""};
	struct bgp_frame f;
	struct bgp_error e;

	while (len > 0) {
		assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &f, &e),
				 BGP_FRAME_MESSAGE);
		text_add_message(&t, &f);
		buf += f.len;
		len -= f.len;
	}
	return t;
}

static inline struct ip_prefix script_prefix(const char *text)
{
	struct ip_prefix p;

	assert_true(ip_prefix_parse(text, &p));
	return p;
}

static inline void script_set(struct bgp_rib *rib, const char *prefix, uint32_t local_pref)
{
	const struct bgp_attrs attrs = {.has_local_pref = true, .local_pref = local_pref};
	struct ip_prefix p = script_prefix(prefix);

	assert_true(bgp_rib_set(rib, &p, &attrs));
}
