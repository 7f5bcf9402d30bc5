// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* UPDATEs of a peer, as they come from the wire, into an Adj-RIB-In under test. */
#pragma once

#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_path.h"
#include "bgp/bgp_rib_in.h"
#include "unit/bgp/update_made.h"

#define OUR_ASN   64500
#define THEIR_ASN 64501

#define BOTH                                                                                       \
	{                                                                                          \
		BGP_FAMILY_BIT(BGP_IPV4_UNICAST) | BGP_FAMILY_BIT(BGP_IPV6_UNICAST)                \
	}

/* Our side of the session. */
static inline struct bgp_update_session our_session(void)
{
	return (struct bgp_update_session){
		.local_asn = OUR_ASN,
		.remote_asn = THEIR_ASN,
		.router_id = 0x0a000001,
		.as4 = true,
		.families = BOTH,
		.local = {.ipv4 = ip_addr_from_v4(0x0a000001), .ipv6 = {.b = {0xfd, [15] = 1}}}};
}

static inline struct bgp_update_session their_session(void)
{
	return (struct bgp_update_session){
		.local_asn = THEIR_ASN,
		.remote_asn = OUR_ASN,
		.as4 = true,
		.families = BOTH,
		.local = {.ipv4 = ip_addr_from_v4(0x0a000002), .ipv6 = {.b = {0xfd, [15] = 2}}}};
}

/* The UPDATE of `len` octets in buf, decoded by our side. */
static inline struct bgp_update received(const uint8_t *buf, size_t len,
					 const struct bgp_update_session *s)
{
	struct bgp_frame frame;
	struct bgp_error error;
	struct bgp_update u;

	assert_int_equal(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error),
			 BGP_FRAME_MESSAGE);
	assert_int_equal(bgp_update_decode(frame.body, s, &u, &error), BGP_UPDATE_OK);
	return u;
}

/* attrs NULL: it withdraws. */
static inline void says(struct bgp_rib_in *rib, const struct ip_prefix *p, size_t n,
			const struct bgp_attrs *attrs)
{
	const struct bgp_update_session ours = our_session(), theirs = their_session();
	uint8_t buf[BGP_MESSAGE_MAX];

	while (n > 0) {
		const struct bgp_update_batch batch = {.family = bgp_family_of_addr(&p->addr),
						       .attrs = attrs,
						       .prefixes = p,
						       .n = n};
		struct bgp_update u;
		size_t taken;
		size_t len = bgp_update_encode(buf, sizeof(buf), &theirs, &batch, &taken);

		u = received(buf, len, &ours);
		bgp_rib_in_learn(rib, &u, &ours);
		p += taken;
		n -= taken;
	}
}

static inline void says_text(struct bgp_rib_in *rib, const char *text,
			     const struct bgp_attrs *attrs)
{
	const struct ip_prefix p = prefix(text);

	says(rib, &p, 1, attrs);
}
